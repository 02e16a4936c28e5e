"""Totals as text. Pure."""

from decimal import Decimal

from bot.texts import Html, Texts
from bot.views.number_format import money


def total_lines(total: Decimal | None, asset: str, lacking: tuple[str, ...], texts: Texts) -> list[Html]:
    """Returns a total in `asset` at current rates, and the assets `lacking` in it as their rate is unknown; None: all rates
    are."""
    if total is None:
        return [texts("total.unknown", assets=", ".join(lacking), asset=asset)]
    line = texts("total", amount=money(total, signed=True), asset=asset)
    return [line, texts("total.without", assets=", ".join(lacking))] if lacking else [line]
