"""Queries of the chat and the dashboard on the ledger: bounded, newest first, read only."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Select, and_, func, or_, select

from core.adapters.ledger import codec
from core.adapters.ledger.reader import LedgerReader, among
from core.adapters.ledger.row import Row, reason_of
from core.adapters.ledger.tables import notification_tables, order_tables, result_tables, signal_tables
from core.domain.day_result import DayResult
from core.domain.events.orders import OrderExecuted
from core.domain.messages import SignalReceived
from core.domain.order import Order
from core.domain.order_state_machine import OrderState
from core.domain.position import Execution, Trade
from core.read_models import NEWEST, Act, Page, Place, Settled, SignalStory

_OUTCOMES = {
    OrderState.AWAITING_APPROVAL: "awaiting_approval",
    OrderState.DENIED: "denied",
    OrderState.DECLINED: "declined",
    OrderState.CANCELED: "withdrawn",
    OrderState.EXPIRED: "expired",
    OrderState.REJECTED: "failed",
}

_NEWEST_STEPS = 1_000


def _outcome(state: OrderState, executed_qty: Decimal) -> str:
    """Returns the outcome of an order: `executed` if any of it was, however it ended; `ordered` while it is not settled."""
    return "executed" if executed_qty else _OUTCOMES.get(state, "ordered")


class LedgerQueries:
    """Runs the chat's queries. Every method raises LedgerUnavailable."""

    def __init__(self, reader: LedgerReader) -> None:
        self._reader = reader

    async def last_on_exchange(self) -> datetime | None:
        """Returns when the exchange last reported on an order, as far as the newest order steps tell; None if never."""
        steps = order_tables.order_steps.c
        newest = steps.seq > select(func.max(steps.seq) - _NEWEST_STEPS).scalar_subquery()
        found = await self._reader.read(select(func.max(steps.at).label("at")).where(newest, steps.order_id.is_not(None)))
        at: datetime | None = found[0]["at"]
        return at

    async def recent_signals(self, limit: int, *, symbol: str | None = None, page: Page = NEWEST) -> Sequence[SignalStory]:
        """Returns the last signals (of `symbol`, None: of all), newest first. If one led to an order, the order's outcome
        counts."""
        inbox, orders = signal_tables.inbox, order_tables.orders
        of_order = (
            orders.c.state,
            orders.c.executed_qty,
            orders.c.reason_code.label("order_code"),
            orders.c.reason_params.label("order_params"),
        )
        question = (
            select(inbox, *of_order)
            .outerjoin(orders, and_(orders.c.inbox_seq == inbox.c.seq, order_tables.OF_SIGNAL))
            .where(signal_tables.IS_SIGNAL)
        )
        if symbol is not None:
            question = question.where(inbox.c.mailbox == symbol)
        found = []
        for row in await self._page(question, inbox.c.seq, page, limit):
            body = codec.bodies.decode(row["body"])
            if isinstance(body, SignalReceived):
                outcome = row["outcome"] if row["state"] is None else _outcome(OrderState(row["state"]), row["executed_qty"])
                why = reason_of(row) or reason_of({"reason_code": row["order_code"], "reason_params": row["order_params"]})
                found.append(SignalStory(body.signal, row["received_at"], outcome, why, row["seq"]))
        return found

    async def recent_executions(self, limit: int) -> Sequence[Execution]:
        """Returns the last executed orders, newest first."""
        table = result_tables.executions
        return [
            result_tables.execution_of(row)
            for row in await self._reader.read(select(table).order_by(table.c.seq.desc()).limit(limit))
        ]

    async def executions_after(self, seq: int, limit: int) -> Sequence[tuple[int, Execution]]:
        """Returns the executions after number `seq`, with their numbers, in commit order."""
        table = result_tables.executions
        question = select(table).where(table.c.seq > seq).order_by(table.c.seq).limit(limit)
        return [(row["seq"], result_tables.execution_of(row)) for row in await self._reader.read(question)]

    async def executions_between(
        self, since: datetime, until: datetime, limit: int, *, after: Place | None = None, symbol: str | None = None
    ) -> Sequence[tuple[int, Execution]]:
        """Returns the executions (of `symbol`, None: all) at or after `since` and before `until` by exchange time, oldest first,
        with their numbers; only those behind `after`."""
        table = result_tables.executions
        at, seq = table.c.executed_at, table.c.seq
        question = select(table).where(at >= (since if after is None else after[0]), at < until)
        if after is not None:
            question = question.where(or_(at > after[0], seq > after[1]))
        if symbol is not None:
            question = question.where(table.c.symbol == symbol)
        found = await self._reader.read(question.order_by(at, seq).limit(limit))
        return [(row["seq"], result_tables.execution_of(row)) for row in found]

    async def executions_before(
        self, symbol: str, until: datetime, limit: int, *, before: Place | None = None
    ) -> Sequence[tuple[int, Execution]]:
        """Returns the executions of `symbol` before `until`, newest first, with their numbers; only those older than `before`."""
        table = result_tables.executions
        at, seq = table.c.executed_at, table.c.seq
        question = select(table).where(table.c.symbol == symbol, at < until)
        if before is not None:
            question = question.where(at <= before[0], or_(at < before[0], seq < before[1]))
        found = await self._reader.read(question.order_by(at.desc(), seq.desc()).limit(limit))
        return [(row["seq"], result_tables.execution_of(row)) for row in found]

    async def settled(self, client_order_ids: Sequence[str]) -> Mapping[str, Settled]:
        """Returns the settlement details of those orders, by client order id: from the event that reported each."""
        orders, outbox = order_tables.orders.c, notification_tables.outbox.c
        question = (
            select(orders.client_order_id, outbox.body)
            .join_from(order_tables.orders, notification_tables.outbox, outbox.subject == orders.inbox_seq)
            .where(notification_tables.HAS_SUBJECT, outbox.kind == "order_executed", among(orders.client_order_id))
        )
        found = {}
        for row in await self._reader.read_of(question, client_order_ids):
            event = codec.events.decode(row["body"])
            if isinstance(event, OrderExecuted) and event.execution.client_order_id == row["client_order_id"]:
                found[row["client_order_id"]] = Settled(event.position.qty, event.fee_value)
        return found

    async def recent_trades(self, limit: int, *, symbol: str | None = None, page: Page = NEWEST) -> Sequence[tuple[int, Trade]]:
        """Returns the last closed trades (of `symbol`, None: of all) with their numbers, newest first."""
        table = result_tables.trades
        question = select(table) if symbol is None else select(table).where(table.c.symbol == symbol)
        return [(row["seq"], result_tables.trade_of(row)) for row in await self._page(question, table.c.seq, page, limit)]

    async def recent_orders(self, limit: int) -> Sequence[Order]:
        """Returns the last orders that were decided on, newest first."""
        table = order_tables.orders
        question = select(table).order_by(table.c.inbox_seq.desc()).limit(limit)
        return [order_tables.order_of(row) for row in await self._reader.read(question)]

    async def newest_seq(self) -> int:
        """Returns the number of the newest message; 0 before the first."""
        (row,) = await self._reader.read(select(func.max(signal_tables.inbox.c.seq).label("seq")))
        return row["seq"] or 0

    async def began_at(self) -> datetime | None:
        """Returns the time of the oldest event; None before the first start."""
        table = notification_tables.outbox
        found = await self._reader.read(select(table.c.at).order_by(table.c.seq).limit(1))
        return found[0]["at"] if found else None

    async def arrivals(self, seq: int, before: datetime) -> Mapping[str, int]:
        """Counts the signals after message number `seq` that were dated earlier than `before`, by outcome; an empty word for
        those that wait."""
        inbox = signal_tables.inbox.c
        question = (
            select(inbox.outcome, func.count().label("n"))
            .where(signal_tables.IS_SIGNAL, inbox.seq > seq, inbox.ts < before)
            .group_by(inbox.outcome)
        )
        return {row["outcome"] or "": row["n"] for row in await self._reader.read(question)}

    async def acts(self, limit: int, *, page: Page = NEWEST) -> Sequence[Act]:
        """Returns the commands of people and timers, newest first."""
        table = signal_tables.inbox
        found = await self._page(select(table).where(signal_tables.BY_PEOPLE), table.c.seq, page, limit)
        return [
            Act(
                seq=row["seq"],
                source=row["source"],
                mailbox=row["mailbox"],
                at=row["received_at"],
                body=codec.bodies.decode(row["body"]),
                outcome=row["outcome"],
                reason=reason_of(row),
            )
            for row in found
        ]

    async def _page(self, question: Select[Any], seq: Column[int], page: Page, limit: int) -> Sequence[Row]:
        """Returns up to `limit` rows, newest first, from an index on `seq`: as quick at the end of a long list as at its
        start."""
        if page.after is not None:
            newer = question.where(seq > page.after).order_by(seq).limit(limit)
            return list(reversed(await self._reader.read(newer)))
        if page.before is not None:
            question = question.where(seq < page.before)
        return await self._reader.read(question.order_by(seq.desc()).limit(limit))

    async def day_results(self, since: str) -> Sequence[DayResult]:
        """Returns the day results from the UTC day `since` (`YYYY-MM-DD`, empty: all) on, oldest first."""
        return await self._reader.day_results(since)
