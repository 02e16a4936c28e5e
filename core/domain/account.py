"""The exchange account as more than one program may use it: whose an order is can be told by the mark that it carries."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

ACCOUNT = "account"
"""What a hold on the whole account is kept under, where another is kept under its symbol. No symbol is written like this."""

UNMARKED = 0
"""Stands for the mark of an order that was sent without one."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The owner's word on orders of `mark`: those up to `until` (the exchange's time) are known and stop nothing.

    Later ones of another ledger are known as well, for it was acknowledged as a trader on this account; it must keep out of the
    symbols that this one trades. Later ones without a mark, or with our own, are news: nobody can tell whose they are.
    """

    mark: int
    until: datetime
    by: str
    at: datetime


Acknowledgements = Mapping[int, Acknowledged]
"""By mark."""
