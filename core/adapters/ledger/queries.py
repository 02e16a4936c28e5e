"""What chat and dashboard ask of the ledger: bounded, newest first, read only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select

from core.adapters.ledger import codec, rows, tables
from core.adapters.ledger.reader import LedgerReader
from core.domain.messages import SignalReceived
from core.domain.order import OrderState
from core.domain.position import Execution, Trade
from core.domain.reasons import Reason
from core.domain.signal import Signal
from core.ports import DayResult


@dataclass(frozen=True, slots=True)
class SignalStory:
    """A signal that came and what became of it; no outcome while it waits its turn."""

    signal: Signal
    received_at: datetime
    outcome: str | None
    reason: Reason | None


_OUTCOMES = {
    OrderState.AWAITING_APPROVAL: "awaiting_approval",
    OrderState.DENIED: "denied",
    OrderState.DECLINED: "declined",
    OrderState.CANCELED: "withdrawn",
    OrderState.EXPIRED: "expired",
    OrderState.REJECTED: "failed",
}


def _outcome(state: OrderState, executed_qty: Decimal) -> str:
    """What an order came to: `executed` when any of it was, however it ended; `ordered` while it is not settled."""
    return "executed" if executed_qty else _OUTCOMES.get(state, "ordered")


class LedgerQueries:
    """Every method raises LedgerUnavailable."""

    def __init__(self, reader: LedgerReader) -> None:
        self._reader = reader

    async def recent_signals(self, limit: int, *, symbol: str | None = None) -> Sequence[SignalStory]:
        """The last signals (of `symbol`, None: of all), the newest first. What its order came to counts where there was one."""
        inbox, orders = tables.inbox, tables.orders
        of_order = (
            orders.c.state,
            orders.c.executed_qty,
            orders.c.reason_code.label("order_code"),
            orders.c.reason_params.label("order_params"),
        )
        question = (
            select(inbox, *of_order)
            .outerjoin(orders, orders.c.inbox_seq == inbox.c.seq)
            .where(inbox.c.kind == "signal")
            .order_by(inbox.c.seq.desc())
            .limit(limit)
        )
        if symbol is not None:
            question = question.where(inbox.c.mailbox == symbol)
        found = []
        for row in await self._reader.read(question):
            body = codec.bodies.decode(row["body"])
            if isinstance(body, SignalReceived):
                outcome = row["outcome"] if row["state"] is None else _outcome(OrderState(row["state"]), row["executed_qty"])
                why = rows.reason_of(row) or rows.reason_of(
                    {"reason_code": row["order_code"], "reason_params": row["order_params"]}
                )
                found.append(SignalStory(body.signal, row["received_at"], outcome, why))
        return found

    async def recent_executions(self, limit: int) -> Sequence[Execution]:
        """The last executed orders, the newest first."""
        table = tables.executions
        return [
            rows.execution_of(row) for row in await self._reader.read(select(table).order_by(table.c.seq.desc()).limit(limit))
        ]

    async def executions_after(self, seq: int, limit: int) -> Sequence[tuple[int, Execution]]:
        """The executions behind the one of number `seq`, with their numbers, in the order in which they were committed."""
        table = tables.executions
        question = select(table).where(table.c.seq > seq).order_by(table.c.seq).limit(limit)
        return [(row["seq"], rows.execution_of(row)) for row in await self._reader.read(question)]

    async def recent_trades(self, limit: int) -> Sequence[Trade]:
        """The last closed trades, the newest first."""
        table = tables.trades
        return [rows.trade_of(row) for row in await self._reader.read(select(table).order_by(table.c.seq.desc()).limit(limit))]

    async def day_results(self, since: str) -> Sequence[DayResult]:
        """The day results from the UTC day `since` (`YYYY-MM-DD`, empty: all) on, the oldest first."""
        return await self._reader.day_results(since)
