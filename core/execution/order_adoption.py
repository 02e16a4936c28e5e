"""Adopts an order of this ledger that the exchange has and the ledger has lost: after a crash that took its last commits, or
after an older copy was restored."""

from dataclasses import replace

import structlog

from core.domain.approval import Approval, ApprovalState
from core.domain.events.approvals import ApprovalClosed
from core.domain.events.orders import OrderAdopted
from core.domain.messages import Message, OrderFound, StoredMessage
from core.domain.money import ZERO, divide
from core.domain.order import ExecutionReport, Order
from core.domain.order_state_machine import OrderState
from core.domain.reasons import Reason, reason
from core.domain.signal import ADOPTED, Side, Signal
from core.execution.placement import Placement
from core.policy.order_ownership import Ours, Whose, whose
from core.ports.clock import Clock
from core.ports.ledger import Ledger
from core.records.commit_batch import CommitBatch
from core.records.message_outcome import MessageOutcome
from core.state.market_data import MarketDataCache
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)


def found_message(report: ExecutionReport, clock: Clock) -> Message:
    """Returns the message that reports it. An order is found once, however often it is seen."""
    return Message(ADOPTED, f"{report.symbol}:{report.order_id}", report.symbol, OrderFound(report), clock.now())


AGAIN_SECONDS = 60.0
"""Minimum seconds between two attempts to adopt an order after a failed one."""


def found_again(report: ExecutionReport, clock: Clock) -> Message:
    """Returns the message that retries the adoption of an order. It has an identity of its own in each span of time, so that
    neither a crash nor many looks at once multiply one attempt."""
    first, span = found_message(report, clock), int(clock.now().timestamp() // AGAIN_SECONDS)
    return replace(first, source_id=f"{first.source_id}:{span}")


def not_adopted(report: ExecutionReport) -> Reason:
    """Returns the reason why entries of the symbol are halted while the order of `report` could not be adopted."""
    return reason("not_adopted", order_id=report.order_id)


class OrderAdoption:
    """Adopts orders in the symbol's mailbox, like everything that trades there."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        portfolio: Portfolio,
        market: MarketDataCache,
        placement: Placement,
        clock: Clock,
        trading_mode: str,
    ) -> None:
        self._ledger = ledger
        self._portfolio = portfolio
        self._market = market
        self._placement = placement
        self._clock = clock
        self._trading_mode = trading_mode

    async def take_over(self, stored: StoredMessage, report: ExecutionReport) -> Reason | None:
        """Commits the order with its fills, fees and position, and the outcome of `stored`. Returns the reason if there is
        nothing to adopt any more, and commits nothing then. Raises LedgerUnavailable."""
        name = report.client_order_id
        known = (await self._ledger.find_orders([name])).get(name)
        if whose(report, known, Ours(self._portfolio.mark, self._portfolio.acknowledged)) is not Whose.LOST:
            return reason("already_ordered", order_id=known.order_id if known is not None else report.order_id)
        log.warning("adopting an order that the ledger had lost", client_order_id=name, order_id=report.order_id)
        now = self._clock.now()
        changes = CommitBatch(outcomes=[MessageOutcome(stored.seq, "done", now)])
        if known is not None:
            # It was decided again, differently from before; the exchange's record is what became of it.
            order = replace(known, state=OrderState.ACCEPTED, order_id=report.order_id, updated_at=now, reason=None)
            changes.outcomes.append(MessageOutcome(known.inbox_seq, "ordered", now))
            changes.approvals += self._withdrawn(known, report, changes)
        else:
            order = self._order(stored.seq, report)
        changes.events.append(OrderAdopted(order))
        await self._placement.adopt(order, changes, report)
        return None

    def _order(self, seq: int, report: ExecutionReport) -> Order:
        """Returns the order as far as the exchange knows it; nobody knows which signal it came from."""
        price = divide(report.quote_qty, report.executed_qty) if report.executed_qty else ZERO
        kind = "BUY_ADOPTED" if report.side is Side.BUY else "SELL_ADOPTED"
        return Order(
            client_order_id=report.client_order_id,
            signal=Signal(ADOPTED, report.client_order_id, kind, report.symbol, price, report.at),
            inbox_seq=seq,
            side=report.side,
            qty=report.qty or report.executed_qty,
            price=price,
            state=OrderState.ACCEPTED,
            trading_mode=self._trading_mode,
            created_at=report.at,
            updated_at=self._clock.now(),
            order_id=report.order_id,
        )

    def _withdrawn(self, known: Order, report: ExecutionReport, changes: CommitBatch) -> list[Approval]:
        """Withdraws the approval of an order that is placed already, which needs no answer any more."""
        pending = self._portfolio.approval_for(known.symbol)
        if pending is None or pending.inbox_seq != known.inbox_seq:
            return []
        closed = replace(pending, state=ApprovalState.WITHDRAWN, decided_at=self._clock.now())
        instrument = self._market.instrument(known.symbol)
        assets = (instrument.base, instrument.quote) if instrument is not None else (known.symbol, "")
        changes.events.append(ApprovalClosed(closed, *assets, reason("already_ordered", order_id=report.order_id)))
        return [closed]
