"""How much of a position may be sold where ledger and exchange may disagree. Pure."""

from decimal import Decimal


def exit_quantity(held: Decimal, free: Decimal | None) -> Decimal:
    """Returns the smaller of what the ledger holds and what is free on the exchange, in base asset. Where `free` is None nobody
    could say, and the ledger's word is taken: an exit is not kept back by what is merely unknown."""
    return held if free is None else max(min(held, free), Decimal(0))
