"""Periods of UTC days for results. Pure."""

from datetime import date, timedelta

PERIODS = ("today", "7d", "30d", "month", "all")
_DAYS = {"today": 1, "7d": 7, "30d": 30}


def first_day(period: str, today: date) -> date | None:
    """Returns the first UTC day of one of PERIODS; None for all time."""
    if period == "all":
        return None
    if period == "month":
        return today.replace(day=1)
    return today - timedelta(days=_DAYS[period] - 1)


def day_text(day: date | None) -> str:
    """Returns the day as the ledger writes it, `YYYY-MM-DD`; empty for all time."""
    return day.isoformat() if day is not None else ""
