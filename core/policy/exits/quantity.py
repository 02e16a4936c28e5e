"""Limits how much of a position an exit sells: to what its signal asks for, and to what the exchange has. Pure."""

from decimal import Decimal

from core.domain.money import HUNDRED, divide_down, multiply
from core.domain.trade_size import SizeKind, TradeSize


def exit_quantity(held: Decimal, free: Decimal | None) -> Decimal:
    """Returns the smaller of the ledger's position and the exchange's free balance, in base asset. If `free` is None it is
    unknown, and the ledger's figure is used: a mere unknown never blocks an exit."""
    return held if free is None else max(min(held, free), Decimal(0))


def asked_quantity(held: Decimal, size: TradeSize | None) -> Decimal:
    """Returns how much of `held` (base asset) an exit sells: all of it, unless its signal asks for less."""
    if size is None:
        return held
    part = divide_down(multiply(held, size.amount), HUNDRED) if size.kind is SizeKind.POSITION else size.amount
    return min(held, part)
