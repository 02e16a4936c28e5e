"""The exchange account as more than one program may use it: the mark that an order carries tells whose it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

ACCOUNT = "account"
"""The key of a halt on the whole account, where other halts have their symbol. No symbol is written like this."""

UNMARKED = 0
"""Stands for the mark of an order that was sent without one."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The owner's acknowledgement of orders of `mark`: those up to `until` (exchange time) are known and halt nothing.

    Later orders of another ledger are known as well, since it was acknowledged as a trader on this account; it must keep out of
    the symbols that this one trades. Later orders without a mark, or with our own, are new findings: nobody can tell whose they
    are.
    """

    mark: int
    until: datetime
    by: str
    at: datetime


Acknowledgements = Mapping[int, Acknowledged]
"""Acknowledgements by mark."""
