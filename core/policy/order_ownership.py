"""Tells whose an order on the exchange is: by its client order id, its number and the mark that it carries. Pure."""

from dataclasses import dataclass
from enum import Enum

from core.domain.account import UNMARKED, Acknowledgements
from core.domain.order import ExecutionReport, Order
from core.domain.signal import OUR_PREFIX


class Whose(Enum):
    """The owner of an order."""

    OWNERS = "the owner's own, left alone"
    KNOWN = "in the ledger, or acknowledged as history"
    LOST = "of this ledger, which has lost it"
    OTHERS = "of another ledger that was acknowledged, and newer than that"
    STRANGE = "of nobody who is known"


@dataclass(frozen=True, slots=True)
class Ours:
    """Identifies a ledger's own orders, and the acknowledged others."""

    mark: int | None
    acknowledged: Acknowledgements


def whose(report: ExecutionReport, order: Order | None, ours: Ours) -> Whose:
    """Returns whose the order of `report` is; `order` is the ledger's of the same client order id.

    A client order id follows from the signal alone, so another ledger produces the same: the exchange's number decides. Older
    orders have no mark, and are recognised by both.
    """
    if not report.client_order_id.startswith(OUR_PREFIX):
        return Whose.OWNERS
    if order is not None and (order.order_id == report.order_id or (order.order_id is None and order.state.in_flight)):
        return Whose.KNOWN
    unnumbered = order is None or order.order_id is None
    if unnumbered and report.mark is not None and report.mark == ours.mark:
        # An order that ended unfilled changed no balance: there is nothing to adopt.
        return Whose.LOST if report.executed_qty or not report.state.final else Whose.KNOWN
    mark = report.mark if report.mark is not None else UNMARKED
    acknowledged = ours.acknowledged.get(mark)
    if acknowledged is None:
        return Whose.STRANGE
    if report.at <= acknowledged.until:
        return Whose.KNOWN
    return Whose.STRANGE if mark in {UNMARKED, ours.mark} else Whose.OTHERS
