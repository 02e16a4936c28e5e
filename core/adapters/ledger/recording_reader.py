"""Reads what a replay needs of a span of the ledger, in time that does not grow with earlier history. Writes nothing."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from core.adapters.ledger import codec
from core.adapters.ledger.reader import LedgerReader, among
from core.adapters.ledger.row import Row, reason_of
from core.adapters.ledger.row_positions import first_from
from core.adapters.ledger.tables import (
    notification_tables,
    order_tables,
    plan_tables,
    protection_tables,
    result_tables,
    signal_tables,
)
from core.domain.approval import Approval
from core.domain.equity_mark import LossReset
from core.domain.events.orders import OrderExecuted
from core.domain.order import Fill, by_trade
from core.domain.position import Execution, Trade
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import TradePlan
from core.records.recording import RecordedMessage, RecordedOrder, Recording

_OF_STATE = ("controls", "pause_timeout", "panic_ended", "strategy", "reset")
"""The kinds of messages that change the trading state."""
_OF_PEOPLE = ("approval_answer", "approval_timeout", "cancel", "plan_request", "accept")
_OF_TIMERS = ("trailing_due", "breakeven_reached", "protection_due", "entry_due")
_KINDS = ("signal", *_OF_PEOPLE, *_OF_TIMERS, *_OF_STATE)
_LOOKED_BACK = timedelta(days=8)  # COOLDOWN_AFTER_STOP is a week at most
_MOST_LOSSES = 1_000  # closed trades of before that may count as losing exits in a row


class RecordingReader:
    """Reads recordings. Every method raises LedgerUnavailable."""

    def __init__(self, reader: LedgerReader) -> None:
        self._reader = reader

    async def read(self, until: datetime, since: datetime | None = None, most_signals: int | None = None) -> Recording:
        """Returns the record from `since` (None: the beginning) to now, which is `until`; of more than `most_signals` signals
        the newest, and `since` says from when on then."""
        first = await self._first(since)
        if most_signals is not None and (newest := await self._newest(first, most_signals)) is not None:
            first, since = newest
        inbox = signal_tables.inbox
        messages = await self._messages(inbox.c.seq >= first, inbox.c.kind.in_(_KINDS))
        plans = await self._plans(first, since)
        trades = await self._trades(since)
        carried = await self._carried(since, trades)
        executions = await self._executions(since, carried)
        return Recording(
            since=since,
            until=until,
            messages=messages,
            earlier=await self._messages(inbox.c.seq < first, inbox.c.kind.in_(_OF_STATE)) if first > 1 else (),
            orders=await self._orders(first, {one.client_order_id for one in executions}, {one.plan_id for one in plans}),
            executions=executions,
            trades=trades,
            positions=tuple(result_tables.position_of(row) for row in await self._reader.read(select(result_tables.positions))),
            approvals=await self._approvals(first, since),
            plans=plans,
            fee_values=await self._fee_values(first, executions),
            loss_reset=await self._loss_reset(),
            pruned=await self._pruned(first),
        )

    async def _first(self, since: datetime | None) -> int:
        inbox = signal_tables.inbox
        return 1 if since is None else await first_from(self._reader, inbox, inbox.c.received_at, since)

    async def _newest(self, first: int, most: int) -> tuple[int, datetime] | None:
        """Returns number and time of the first of the newest `most` signals; None if there are no more than that."""
        inbox = signal_tables.inbox.c
        question = select(inbox.seq, inbox.received_at).where(signal_tables.IS_SIGNAL, inbox.seq >= first)
        found = await self._reader.read(question.order_by(inbox.seq.desc()).limit(most + 1))
        return (found[-2]["seq"], found[-2]["received_at"]) if len(found) > most else None

    async def _pruned(self, first: int) -> int:
        inbox = signal_tables.inbox.c
        question = select(func.count().label("n")).where(inbox.kind == signal_tables.PRUNED, inbox.seq >= first)
        return int((await self._reader.read(question))[0]["n"])

    async def _messages(self, *which: Any) -> tuple[RecordedMessage, ...]:
        inbox = signal_tables.inbox
        found = await self._reader.read(select(inbox).where(*which).order_by(inbox.c.seq))
        return tuple(_recorded(row) for row in found)

    async def _trades(self, since: datetime | None) -> tuple[Trade, ...]:
        """Returns the trades that were closed since, and the last ones of before."""
        table = result_tables.trades
        first = 1 if since is None else await first_from(self._reader, table, table.c.closed_at, since)
        question = select(table).where(table.c.seq >= first - _MOST_LOSSES).order_by(table.c.seq)
        return tuple(result_tables.trade_of(row) for row in await self._reader.read(question))

    async def _carried(self, since: datetime | None, trades: Sequence[Trade]) -> Mapping[StrategyBook, datetime]:
        """Returns the books that were open at `since`, with when they were opened."""
        if since is None:
            return {}
        positions = result_tables.positions
        rows = await self._reader.read(select(positions).where(positions.c.is_open))
        found = {one.book: one.opened_at for one in map(result_tables.position_of, rows) if one.opened_at is not None}
        closed = {StrategyBook(one.symbol, one.strategy): one.opened_at for one in reversed(trades) if one.closed_at >= since}
        return {book: at for book, at in (found | closed).items() if at < since}

    async def _executions(self, since: datetime | None, carried: Mapping[StrategyBook, datetime]) -> tuple[Execution, ...]:
        """Returns the executions since, those of before that protections look back on, and those of what was open then."""
        table = result_tables.executions
        back = None if since is None else since - _LOOKED_BACK
        first = 1 if back is None else await first_from(self._reader, table, table.c.executed_at, back)
        rows = list(await self._reader.read(select(table).where(table.c.seq >= first)))
        for book, opened_at in carried.items():
            of_book = table.c.symbol == book.symbol, table.c.executed_at >= opened_at, table.c.seq < first
            rows += await self._reader.read(select(table).where(*of_book))
        return tuple(result_tables.execution_of(row) for row in sorted(rows, key=lambda row: (row["executed_at"], row["seq"])))

    async def _plans(self, first: int, since: datetime | None) -> tuple[TradePlan, ...]:
        """Returns the plans of the span's entries, and those of before that were still open."""
        table = plan_tables.order_plans
        which = table.c.inbox_seq >= first
        if since is not None:
            which |= table.c.closed_at.is_(None) | (table.c.closed_at >= since)
        return tuple(plan_tables.plan_of(row) for row in await self._reader.read(select(table).where(which)))

    async def _orders(self, first: int, names: Collection[str], plans: Collection[str]) -> Mapping[str, RecordedOrder]:
        table = order_tables.orders
        rows = list(await self._reader.read(select(table).where(table.c.inbox_seq >= first)))
        rows += await self._reader.read_of(select(table).where(among(table.c.client_order_id)), sorted(names))
        rows += await self._reader.read_of(select(table).where(among(table.c.plan_id)), sorted(plans))
        orders = [order_tables.order_of(row) for row in {row["client_order_id"]: row for row in rows}.values()]
        fills: dict[str, list[Fill]] = {}
        of_orders = select(order_tables.fills).where(among(order_tables.fills.c.client_order_id))
        for row in await self._reader.read_of(of_orders, [one.client_order_id for one in orders]):
            fills.setdefault(row["client_order_id"], []).append(order_tables.fill_of(row))
        return {one.client_order_id: RecordedOrder(one, tuple(by_trade(fills.get(one.client_order_id, ())))) for one in orders}

    async def _approvals(self, first: int, since: datetime | None) -> tuple[Approval, ...]:
        table = order_tables.approvals
        which = table.c.inbox_seq >= first
        if since is not None:
            which |= table.c.decided_at.is_(None) | (table.c.decided_at >= since)
        rows = await self._reader.read(select(table).where(which).order_by(table.c.inbox_seq))
        return tuple(order_tables.approval_of(row) for row in rows)

    async def _fee_values(self, first: int, executions: Sequence[Execution]) -> Mapping[str, Decimal]:
        """Returns what the commissions of executed orders were worth, where they were paid in a third asset."""
        wanted = {one.client_order_id for one in executions if one.fee_asset not in {one.base_asset, one.quote_asset}}
        if not wanted:
            return {}
        outbox = notification_tables.outbox.c
        told = outbox.kind == "order_executed", notification_tables.HAS_SUBJECT
        found: dict[str, Decimal] = {}
        for row in await self._reader.read(select(outbox.body).where(*told, outbox.subject >= first)):
            event = codec.events.decode(row["body"])
            if isinstance(event, OrderExecuted) and event.execution.client_order_id in wanted and event.fee_value is not None:
                found[event.execution.client_order_id] = event.fee_value
        return found

    async def _loss_reset(self) -> LossReset | None:
        found = await self._reader.read(select(protection_tables.loss_resets))
        return protection_tables.loss_reset_of(found[0]) if found else None


def _recorded(row: Row) -> RecordedMessage:
    facts = codec.facts.decode(row["facts"]) if row["facts"] is not None else None
    stored = signal_tables.stored_message(row)
    return RecordedMessage(stored.seq, stored.message, row["outcome"], row["decided_at"], reason_of(row), facts)
