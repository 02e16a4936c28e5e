"""The dashboard's queries on the ledger: sums computed by the database, exact on both, in time that depends on what is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import Select, func, select

from core.adapters.ledger import codec
from core.adapters.ledger.column_types import exact_sum
from core.adapters.ledger.reader import LedgerReader
from core.adapters.ledger.tables import (
    control_tables,
    notification_tables,
    order_tables,
    protection_tables,
    result_tables,
    signal_tables,
    upkeep_tables,
)
from core.domain.delivery import MAIN_READER
from core.domain.digest import ShadowFigures
from core.domain.equity_mark import EquityMark
from core.domain.events.priority import Priority
from core.domain.events.process import DigestMade
from core.domain.pending_exit import PendingExit
from core.domain.position import Execution
from core.read_models import Gain, Performance, Selection

_NEWEST_EVENTS = 5_000
_DAY = timedelta(days=1)
NEWEST_EXECUTED = (result_tables.executions.c.executed_at.desc(), result_tables.executions.c.seq.desc())


@dataclass(frozen=True, slots=True)
class Delay:
    """The time that an order took, in seconds: from the signal's arrival to its intent, from there to its settlement."""

    at: datetime
    to_order: float
    to_settled: float


@dataclass(frozen=True, slots=True)
class Pulse:
    """The state of the program as far as the ledger knows: `seen_at` is its last sign of life; `trading_mode` is None before its
    first order."""

    holder: str
    seen_at: datetime | None
    pause: str
    mode: str
    undecided: int
    unsent: int
    unsettled: int
    held: tuple[str, ...]
    trading_mode: str | None = None


class LedgerAnalytics:
    """Runs the dashboard's queries. Every method raises LedgerUnavailable."""

    def __init__(self, reader: LedgerReader) -> None:
        self._reader = reader

    async def executions(self, selection: Selection, limit: int) -> Sequence[Execution]:
        """Returns the newest executed orders of the selection, newest first."""
        table = result_tables.executions
        question = of_selection(select(table), selection).order_by(*NEWEST_EXECUTED).limit(limit)
        return [result_tables.execution_of(row) for row in await self._reader.read(question)]

    async def last_exit(self, selection: Selection | None = None) -> Execution | None:
        """Returns the newest exit of the selection; without one, of all."""
        question = of_selection(select(result_tables.executions).where(result_tables.IS_EXIT), selection or Selection())
        found = await self._reader.read(question.order_by(*NEWEST_EXECUTED).limit(1))
        return result_tables.execution_of(found[0]) if found else None

    async def exits(self) -> Sequence[PendingExit]:
        """Returns the pending exits, oldest first."""
        table = control_tables.wanted_exits
        question = select(table).where(control_tables.IS_WANTED).order_by(table.c.since, table.c.symbol)
        return [control_tables.exit_of(row) for row in await self._reader.read(question)]

    async def gains(self, selection: Selection, limit: int) -> Sequence[Gain]:
        """Returns the newest `limit` exits of the selection, oldest of them first."""
        table = result_tables.executions
        columns = select(table.c.executed_at, table.c.quote_asset, table.c.profit_quote).where(result_tables.IS_EXIT)
        question = of_selection(columns, selection).order_by(*NEWEST_EXECUTED).limit(limit)
        found = await self._reader.read(question)
        return [Gain(row["executed_at"], row["quote_asset"], row["profit_quote"]) for row in reversed(found)]

    async def days(self, selection: Selection) -> Sequence[Gain]:
        """Returns the net profit of each UTC day, oldest first."""
        days = result_tables.day_results.c
        profit = exact_sum(days.profit).label("profit")
        question = _results(select(days.day, days.quote_asset, profit), selection).group_by(days.day, days.quote_asset)
        return [
            Gain(datetime.fromisoformat(f"{row['day']}T00:00:00+00:00"), row["quote_asset"], row["profit"])
            for row in await self._reader.read(question.order_by(days.day, days.quote_asset))
        ]

    async def performance(self, by: str, selection: Selection) -> Sequence[Performance]:
        """Returns exits by `symbol`, `signal_type` or `strategy`: by quote asset, the most profitable of each first."""
        days = result_tables.day_results.c
        kind, exits, wins = days[by], func.sum(days.exits).label("exits"), func.sum(days.wins).label("wins")
        sums = exact_sum(days.profit).label("profit"), exact_sum(days.gross).label("gross")
        question = _results(select(kind.label("name"), days.quote_asset, exits, wins, *sums), selection)
        found = [
            Performance(row["name"], row["quote_asset"], row["exits"], row["wins"], row["profit"], row["gross"])
            for row in await self._reader.read(question.group_by(kind, days.quote_asset))
        ]
        return sorted(found, key=lambda one: (one.quote_asset, -one.profit))

    async def delays(self, limit: int, symbol: str | None = None) -> Sequence[Delay]:
        """Returns the newest orders (of `symbol`, None: all) that the exchange accepted and no person had to approve, oldest
        first."""
        orders, inbox = order_tables.orders, signal_tables.inbox
        question = (
            select(orders.c.created_at, orders.c.updated_at, inbox.c.received_at)
            .join(inbox, inbox.c.seq == orders.c.inbox_seq)
            .where(order_tables.OF_SIGNAL, orders.c.order_id.is_not(None))
            .where(orders.c.approved_at.is_(None))  # people take their time
            .order_by(orders.c.inbox_seq.desc())
            .limit(limit)
        )
        if symbol is not None:
            question = question.where(orders.c.symbol == symbol)
        return [
            Delay(
                row["created_at"],
                (row["created_at"] - row["received_at"]).total_seconds(),
                (row["updated_at"] - row["created_at"]).total_seconds(),
            )
            for row in reversed(await self._reader.read(question))
        ]

    async def shadow(self) -> Sequence[ShadowFigures]:
        """Returns trading beside its shadow, as the last evening's digest had it; nothing if none of the newest did."""
        outbox = notification_tables.outbox.c
        newest = outbox.seq > select(func.max(outbox.seq) - _NEWEST_EVENTS).scalar_subquery()
        question = select(outbox.body).where(newest, outbox.kind == "digest_made").order_by(outbox.seq.desc())
        for row in await self._reader.read(question):
            event = codec.events.decode(row["body"])
            if isinstance(event, DigestMade) and event.digest.shadow:
                return event.digest.shadow
        return ()

    async def pulse(self) -> Pulse:
        """Returns signs of life and what waits."""
        lease = await self._reader.read(select(upkeep_tables.lease))
        state = await self._reader.read(select(control_tables.controls))
        holds = await self._reader.read(select(control_tables.holds.c.symbol).where(control_tables.holds.c.lifted_at.is_(None)))
        return Pulse(
            holder=lease[0]["holder"] if lease else "",
            seen_at=lease[0]["seen_at"] if lease else None,
            pause=state[0]["pause"] if state else "off",
            mode=state[0]["mode"] if state else "",
            undecided=await self._count(select(func.count()).select_from(signal_tables.inbox).where(signal_tables.UNDECIDED)),
            unsent=await self._unsent(),
            unsettled=await self._unsettled(),
            held=tuple(row["symbol"] for row in holds),
            trading_mode=await self._reader.trading_mode(),
        )

    async def equity_mark(self) -> EquityMark | None:
        """Returns the account's equity as it was last measured; None if it never was."""
        found = await self._reader.read(select(protection_tables.equity_marks))
        return protection_tables.equity_mark_of(found[0]) if found else None

    async def _unsettled(self) -> int:
        """Counts the orders whose outcome is being found out; those that rest wait for nobody."""
        found = await self._reader.read(select(order_tables.orders).where(order_tables.IN_FLIGHT))
        return sum(order_tables.order_of(row).in_flight for row in found)

    async def _unsent(self) -> int:
        """Counts the events that the owner's chat has not received yet."""
        cursors, outbox = notification_tables.told.c, notification_tables.outbox.c
        found = await self._reader.read(select(cursors.priority, cursors.seq).where(cursors.reader == MAIN_READER))
        seqs = {row["priority"]: row["seq"] for row in found}
        lanes = [
            select(func.count())
            .select_from(notification_tables.outbox)
            .where(outbox.priority == each, outbox.seq > seqs.get(int(each), 0))
            for each in Priority
        ]
        return sum([await self._count(lane) for lane in lanes])

    async def symbols(self) -> Sequence[str]:
        """Returns every symbol that was ever held, once each."""
        symbol = result_tables.positions.c.symbol
        found = await self._reader.read(select(symbol).distinct().order_by(symbol))
        return [row["symbol"] for row in found]

    async def strategies(self) -> Sequence[str]:
        """Returns every strategy that ever held anything."""
        strategy = result_tables.positions.c.strategy
        return [row["strategy"] for row in await self._reader.read(select(strategy).distinct().order_by(strategy))]

    async def _count(self, question: Select[Any]) -> int:
        (row,) = await self._reader.read(question)
        return int(next(iter(row.values())))


def of_selection(question: Select[Any], selection: Selection) -> Select[Any]:
    """Selects from the executions by exchange time: one that was settled late belongs to its own day."""
    executions = result_tables.executions.c
    if selection.since is not None:
        question = question.where(executions.executed_at >= datetime.combine(selection.since, time(), UTC))
    if selection.until is not None:
        question = question.where(executions.executed_at < datetime.combine(selection.until + _DAY, time(), UTC))
    if selection.symbol is not None:
        question = question.where(executions.symbol == selection.symbol)
    if selection.mode is not None:
        question = question.where(executions.trading_mode == selection.mode)
    if selection.strategy is not None:
        question = question.where(executions.strategy == selection.strategy)
    return question


def _results(question: Select[Any], selection: Selection) -> Select[Any]:
    """Selects from the day results, whose number grows with days and symbols, not with trades."""
    days = result_tables.day_results.c
    if selection.since is not None:
        question = question.where(days.day >= selection.since.isoformat())
    if selection.until is not None:
        question = question.where(days.day <= selection.until.isoformat())
    if selection.symbol is not None:
        question = question.where(days.symbol == selection.symbol)
    if selection.mode is not None:
        question = question.where(days.trading_mode == selection.mode)
    if selection.strategy is not None:
        question = question.where(days.strategy == selection.strategy)
    return question
