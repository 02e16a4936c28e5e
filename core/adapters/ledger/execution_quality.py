"""Reads how well signals were executed. Reads the newest of a period up to a limit: the cost does not grow with the history."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from itertools import groupby
from typing import Any

from sqlalchemy import Select, and_, or_, select

from core.adapters.ledger import codec
from core.adapters.ledger.analytics import NEWEST_EXECUTED, of_selection
from core.adapters.ledger.reader import LedgerReader
from core.adapters.ledger.row import Row
from core.adapters.ledger.tables import order_tables, result_tables, signal_tables, upkeep_tables
from core.domain.messages import SignalReceived
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import OrderType, TimeInForce
from core.domain.plan_leg import LegKind
from core.domain.signal import AGAIN, PLANNED, Side
from core.policy.quality.kept import Attempt, ExecutedOrder, KeptQuality, LastPrice, Moments, ReceivedSignal, kind_of
from core.policy.quality.missed import missed
from core.policy.quality.summary import delays, measure, summaries
from core.read_models import QualityReport, Selection

MOST = 2_000
"""The most orders, and the most signals, that are read for one answer."""
_BUYS = or_(order_tables.orders.c.leg.is_(None), order_tables.orders.c.leg == LegKind.ENTRY.value)


class LedgerQuality:
    """Answers about the quality of execution. Every method raises LedgerUnavailable."""

    def __init__(self, reader: LedgerReader) -> None:
        self._reader = reader

    async def report(self, selection: Selection, groups: Sequence[str], most: int = MOST) -> QualityReport:
        """Returns the sums of the newest `most` executed orders and signals of the selection, and those by each of `groups` (see
        `core.policy.quality.summary.GROUPS`). Adds up in a thread: thousands of orders must not hold up one that is placed."""
        orders = await self._orders(selection, most + 1)
        signals = await self._signals(selection, most + 1)
        prices = await self._reader.read(select(upkeep_tables.marks))
        return await asyncio.to_thread(lambda: _report(_kept(_Rows(orders, signals, prices, most), selection), groups, most))

    async def _orders(self, selection: Selection, most: int) -> Sequence[Row]:
        executions, orders, inbox = result_tables.executions, order_tables.orders, signal_tables.inbox
        of_order = (orders.c[name] for name in _ORDER)
        question = (
            select(executions, *of_order, inbox.c.source, inbox.c.ts, inbox.c.received_at)
            .outerjoin(orders, orders.c.client_order_id == executions.c.client_order_id)
            .outerjoin(inbox, inbox.c.seq == orders.c.inbox_seq)
        )
        question = of_selection(question, selection).order_by(*NEWEST_EXECUTED).limit(most)
        return await self._reader.read(question)

    async def _signals(self, selection: Selection, most: int) -> Sequence[Row]:
        """Returns the newest signals, a row for each of their orders: those of the period are among them, as far as there are no
        more. Bound by their number, as row numbers are indexed and times are not."""
        inbox, orders = signal_tables.inbox, order_tables.orders
        of_signal = (inbox.c[name] for name in ("seq", "body", "received_at", "outcome", "reason_code", "facts"))
        of_order = (orders.c[name] for name in ("state", "qty", "executed_qty", "order_id", "created_at", "leg"))
        question: Select[Any] = (
            select(*of_signal, *of_order)
            .outerjoin(orders, and_(orders.c.inbox_seq == inbox.c.seq, _BUYS))
            .where(signal_tables.IS_SIGNAL)
        )
        if selection.symbol is not None:
            question = question.where(inbox.c.mailbox == selection.symbol)
        return await self._reader.read(question.order_by(inbox.c.seq.desc()).limit(most))


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of executed orders and of signals, newest first, one more than `most` where there are more; and of prices."""

    orders: Sequence[Row]
    signals: Sequence[Row]
    prices: Sequence[Row]
    most: int


def _report(kept: KeptQuality, groups: Sequence[str], most: int) -> QualityReport:
    measured = measure(kept.orders, missed(kept.signals, kept.prices))
    sums = {by: summaries(measured, by) for by in groups}
    return QualityReport(summaries(measured, "all"), sums, delays(kept.orders), most if kept.left_out else None)


def _kept(rows: _Rows, selection: Selection) -> KeptQuality:
    found = map(_received, _by_signal(rows.signals, rows.most))
    signals = [one for one in found if one is not None and _is_selected(one, selection)]
    is_cut = len(rows.signals) > rows.most and _is_within(rows.signals[-1]["received_at"], selection)
    prices = {row["symbol"]: LastPrice(row["bid"], row["at"]) for row in rows.prices}
    orders = [_executed(row) for row in rows.orders[: rows.most]]
    return KeptQuality(orders, signals, prices, is_cut or len(rows.orders) > rows.most)


_ORDER = ("leg", "type", "time_in_force", "approved_at", "created_at", "sent_at", "answered_at", "updated_at")


def _is_within(at: datetime, selection: Selection) -> bool:
    return selection.since is None or at >= datetime.combine(selection.since, time(), UTC)


def _is_selected(one: ReceivedSignal, selection: Selection) -> bool:
    return _is_within(one.received_at, selection) and selection.has(one.signal.book)


def _executed(row: Row) -> ExecutedOrder:
    execution = result_tables.execution_of(row)
    if row["source"] is None:  # its order is not kept
        return ExecutedOrder(execution, kind_of(""))
    if row["leg"] not in (None, LegKind.ENTRY.value):
        return ExecutedOrder(execution, PLANNED)
    return ExecutedOrder(execution, kind_of(row["source"]), _moments(row))


def _moments(row: Row) -> Moments:
    """Returns when an order came to each stage; nothing of one that rested, or followed another: it waited for the market."""
    if row["leg"] is not None or _may_rest(row):
        return Moments()
    decided_at = row["created_at"] if row["approved_at"] is None else None
    said_at = None if row["source"].startswith(AGAIN) else row["ts"]
    return Moments(said_at, row["received_at"], decided_at, row["sent_at"], row["answered_at"], row["updated_at"])


def _may_rest(row: Row) -> bool:
    return row["type"] != OrderType.MARKET and row["time_in_force"] not in (TimeInForce.IOC, TimeInForce.FOK)


def _by_signal(rows: Sequence[Row], most: int) -> list[list[Row]]:
    """Returns the rows of each signal; without the last one where there are more than `most`: some of its may be missing."""
    found = [list(of_one) for _, of_one in groupby(rows, key=lambda row: row["seq"])]
    return found[:-1] if len(rows) > most else found


def _received(rows: Sequence[Row]) -> ReceivedSignal | None:
    row = rows[0]
    body = codec.bodies.decode(row["body"])
    if not isinstance(body, SignalReceived):
        return None
    ordered = sorted((one for one in rows if one["state"] is not None), key=lambda one: (one["leg"] or "", one["created_at"]))
    attempts = [
        Attempt(OrderState(one["state"]), one["qty"], one["executed_qty"], one["order_id"] is not None) for one in ordered
    ]
    facts = codec.facts.decode(row["facts"]) if row["facts"] is not None and not attempts else None
    wanted = None if facts is None else facts.held if facts.qty is None and body.signal.side is Side.SELL else facts.qty
    return ReceivedSignal(row["seq"], body.signal, row["received_at"], row["outcome"], row["reason_code"], wanted, attempts)
