"""Limits how much of a position may be sold if ledger and exchange may disagree. Pure."""

from decimal import Decimal


def exit_quantity(held: Decimal, free: Decimal | None) -> Decimal:
    """Returns the smaller of the ledger's position and the exchange's free balance, in base asset. If `free` is None it is
    unknown, and the ledger's figure is used: a mere unknown never blocks an exit."""
    return held if free is None else max(min(held, free), Decimal(0))
