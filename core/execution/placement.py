"""One signal, one order: commits the intent, sends, finds out the outcome, commits the effects. The only path to the venue."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import structlog

from core.domain.errors import ExchangeUnavailable, LedgerUnavailable
from core.domain.events.orders import OrderExecuted, OrderFailed, OrderUnanswered
from core.domain.events.priority import Priority
from core.domain.instrument import Instrument
from core.domain.messages import Message
from core.domain.order import ExecutionReport, NotTaken, Order, OrderRequest, PlaceResult, Rejected, Unanswered
from core.domain.order_state_machine import OrderState, check_move
from core.domain.pending_exit import PendingExit
from core.domain.reasons import Reason, reason
from core.domain.retry_backoff import RetryBackoff
from core.domain.signal import Side
from core.execution.decision_service import USUAL, DecisionService
from core.execution.first_sending import FirstSending
from core.execution.reconciler import FateUnknown, NeverPlaced, Reconciler
from core.policy.decision import AskFirst, Refused
from core.policy.decision_context import SizeRequest
from core.policy.exits.pending import after_failure, after_fills, of_order
from core.policy.profit import Outcome, settle
from core.policy.third_asset_fees import fees_in_coins_held
from core.ports.clock import Clock
from core.ports.ledger import Ledger
from core.ports.timings import Timings
from core.ports.venue import Venue
from core.records.commit_batch import CommitBatch
from core.state.market_data import MarketDataCache
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)

Put = Callable[[Sequence[Message]], Awaitable[object]]

MOST_ATTEMPTS = 7
BACKOFF = RetryBackoff(first=0.25, longest=5.0)
LEDGER_PAUSE_SECONDS = 1.0
PATIENCE_SECONDS = 10.0  # for which a start finds out about an order silently


class Placement:
    """Takes an order from intent to settled, whatever the venue and the network do."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        venue: Venue,
        market: MarketDataCache,
        portfolio: Portfolio,
        decisions: DecisionService,
        reconciler: Reconciler,
        first: FirstSending,
        clock: Clock,
        timings: Timings,
        put: Put,
    ) -> None:
        """Builds it. `put` stores messages, each once by its identity; it raises LedgerUnavailable."""
        self._ledger = ledger
        self._venue = venue
        self._market = market
        self._portfolio = portfolio
        self._decisions = decisions
        self._reconciler = reconciler
        self._first = first
        self._clock = clock
        self._timings = timings
        self._put = put

    async def place(self, order: Order, intent: CommitBatch, *, arrived: float | None = None, is_old: bool = False) -> Order:
        """Commits `intent` together with the order, then places it. Returns the settled order. If its signal `is_old` the venue
        is asked first.

        Raises LedgerUnavailable if the intent could not be committed: then nothing was sent, and nothing will be.
        """
        # Reserved before the first await: another symbol that decides meanwhile must count this entry.
        self._portfolio.in_flight[order.client_order_id] = order
        try:
            await self._submit(order, intent)
        except BaseException:  # nothing was sent, and nobody must take the order for one that was
            self._portfolio.in_flight.pop(order.client_order_id, None)
            raise
        if arrived is not None:
            self._timings.signal_to_order(self._clock.monotonic() - arrived)
        if is_old:
            self._first.expect(order)
        try:
            return await self._send_until_settled(order)
        finally:
            self._first.forget(order)

    async def adopt(self, order: Order, intent: CommitBatch, report: ExecutionReport) -> Order:
        """Commits `intent` together with an order that the venue already has, as `report` says, and settles it. Raises
        LedgerUnavailable: then nothing was committed."""
        await self._submit(order, intent)
        if report.state.final:
            return await self._settle(order, report)
        found = await self._find_out(order)
        if isinstance(found, FateUnknown):
            return await self._give_up(order)
        if not isinstance(found, ExecutionReport):
            raise AssertionError("an order that the venue has named was placed")
        return await self._settle(order, found)

    async def _find_out(self, order: Order) -> ExecutionReport | NeverPlaced | Rejected | FateUnknown:
        found = await self._reconciler.find_out(order)
        if isinstance(found, NeverPlaced) and found.by_other is not None:
            return await self._first.by_other(order, found.by_other)
        return found

    async def recover(self, order: Order) -> Order:
        """Finds out about an order whose answer was lost with the process that sent it, and settles it."""
        structlog.contextvars.bind_contextvars(client_order_id=order.client_order_id, symbol=order.symbol)
        log.info("finding out about an unsettled order", state=order.state)
        await self._want_its_exit(order)
        finding = asyncio.create_task(self._find_out(order), name="finding out")
        patience = asyncio.create_task(self._clock.sleep(PATIENCE_SECONDS), name="patience")
        try:
            await asyncio.wait([finding, patience], return_when=asyncio.FIRST_COMPLETED)
            if not finding.done() and order.state is OrderState.SUBMITTED:
                # The owner should not have to wonder why nothing happens in this symbol.
                order = await self._mark_unknown(order, Unanswered("the process that sent it ended"))
            found = await finding
        finally:
            finding.cancel()
            patience.cancel()
        return await self._follow(order, found, attempt=1)

    async def _want_its_exit(self, order: Order) -> None:
        """Turns a sale left unsettled by a version without pending exits into a pending exit: a refusal does not end it."""
        if self._exit_of(order) is not None:
            return
        pending = of_order(order, self._portfolio.position(order.symbol).qty, self._clock.now())
        if pending is not None:
            await self._commit(CommitBatch(exits=[pending]))

    async def _submit(self, order: Order, intent: CommitBatch) -> None:
        intent.orders.append(order)
        await self._ledger.commit(intent)
        self._portfolio.apply(intent)

    async def _send_until_settled(self, order: Order, attempt: int = 1) -> Order:
        answer = await self._send(order)
        found: ExecutionReport | Rejected | NotTaken | NeverPlaced | FateUnknown
        if isinstance(answer, Unanswered):
            order = await self._mark_unknown(order, answer)
            found = await self._find_out(order)
        elif isinstance(answer, ExecutionReport) and not answer.state.final:
            order = await self._mark_accepted(order, answer)
            found = await self._find_out(order)
        else:
            found = answer
        return await self._follow(order, found, attempt)

    async def _follow(
        self, order: Order, found: ExecutionReport | Rejected | NotTaken | NeverPlaced | FateUnknown, attempt: int
    ) -> Order:
        """Acts on the order's outcome."""
        match found:
            case ExecutionReport():
                return await self._settle(order, found)
            case Rejected(why):
                return await self._fail(order, why)
            case FateUnknown():
                return await self._give_up(order)
            case _:
                return await self._try_anew(order, found, attempt)

    async def _send(self, order: Order) -> PlaceResult:
        before = await self._first.ask(order)
        if before is not None:
            return before
        sent = self._clock.monotonic()
        answer = await self._venue.place(self._request(order))
        self._timings.order_ack(self._clock.monotonic() - sent)
        return answer

    def _request(self, order: Order) -> OrderRequest:
        return OrderRequest(order.client_order_id, order.symbol, order.side, order.qty, self._portfolio.mark)

    async def _try_anew(self, order: Order, cause: NotTaken | NeverPlaced, attempt: int) -> Order:
        """Places an order again that is certainly not placed, while the signal is still good, by every rule and at the current
        price."""
        if isinstance(cause, NotTaken) and not await self._wait_after(order, cause, attempt):
            return await self._fail(order, cause.reason, cause.retry_after)
        # An approved order is placed as it was approved, and never larger; and an exit never sells more than it was meant to.
        size_request = USUAL if order.approved_at is None and order.side is Side.BUY else SizeRequest(qty=order.qty)
        decision = await self._decisions.decide(order.signal, approved_at=order.approved_at, size_request=size_request)
        if isinstance(decision, Refused) or attempt >= MOST_ATTEMPTS:
            why = decision.reason if isinstance(decision, Refused) else reason("exchange_busy")
            return await self._fail(order, cause.reason if isinstance(cause, NotTaken) else reason("never_placed", why=why))
        approved = decision.order if isinstance(decision, AskFirst) else decision
        order = self._move(order, OrderState.SUBMITTED, qty=approved.qty, price=approved.price)
        await self._commit(CommitBatch(orders=[order]))
        return await self._send_until_settled(order, attempt + 1)

    async def _wait_after(self, order: Order, cause: NotTaken, attempt: int) -> bool:
        """Waits before the next attempt; False if there is to be none. An exit that has to wait longer gives up its turn: it
        stays pending, and its own timer brings it back."""
        log.warning("the exchange did not accept the order", reason=str(cause.reason), retry_after=cause.retry_after)
        pause = max(cause.retry_after, BACKOFF.after(attempt))
        too_late = self._clock.now() + timedelta(seconds=pause) > self._decisions.good_until(order)
        comes_again = order.side is Side.SELL and pause > BACKOFF.longest
        if attempt >= MOST_ATTEMPTS or too_late or comes_again:
            return False
        await self._clock.sleep(pause)
        return True

    async def _mark_unknown(self, order: Order, answer: Unanswered) -> Order:
        log.warning("no answer to the order", detail=answer.detail)
        order = self._move(order, OrderState.UNKNOWN, reason=reason("unanswered"))
        await self._commit(CommitBatch(orders=[order], events=[OrderUnanswered(order)]))
        return order

    async def _mark_accepted(self, order: Order, answer: ExecutionReport) -> Order:
        """Records that the order exists: from here on "not found" proves nothing."""
        order = self._move(order, answer.state, order_id=answer.order_id)
        await self._commit(CommitBatch(orders=[order]))
        return order

    async def _fail(self, order: Order, why: Reason, retry_after: float = 0.0) -> Order:
        log.warning("order failed", reason=str(why))
        return await self._ended_empty(self._move(order, OrderState.REJECTED, reason=why), retry_after)

    async def _ended_empty(self, order: Order, retry_after: float = 0.0) -> Order:
        exits, events = after_failure(self._exit_of(order), order, self._clock.now(), self._portfolio.limits, retry_after)
        await self._commit(CommitBatch(orders=[order], exits=exits, events=events))
        return order

    async def _give_up(self, order: Order) -> Order:
        """Ends an order whose outcome nobody can find out, and reports that. Books nothing; its exit is not retried, because it
        may have been done. Should the exchange know the symbol again, the order is adopted as a lost one."""
        log.error("the order's outcome cannot be found out any more: its symbol is gone", symbol=order.symbol)
        state = OrderState.EXPIRED if order.state is OrderState.PARTIALLY_FILLED else OrderState.REJECTED
        order = self._move(order, state, reason=reason("fate_unknown", symbol=order.symbol))
        pending = self._exit_of(order)
        exits = [replace(pending, ended_at=self._clock.now())] if pending is not None else []
        await self._commit(CommitBatch(orders=[order], exits=exits, events=[OrderFailed(order)]))
        return order

    def _exit_of(self, order: Order) -> PendingExit | None:
        """Returns the exit that the order is an attempt at."""
        return self._portfolio.exits.get(order.symbol) if order.side is Side.SELL else None

    async def _settle(self, order: Order, report: ExecutionReport) -> Order:
        complete = await self._reconciler.with_fills(report)
        if complete is None:
            return await self._give_up(order)
        report = complete
        order = self._move(
            order,
            report.state,
            order_id=report.order_id,
            executed_qty=report.executed_qty,
            quote_qty=report.quote_qty,
            reason=None,
        )
        if not report.executed_qty:
            return await self._ended_empty(replace(order, reason=reason("not_filled", status=report.state)))
        instrument = await self._instrument(order.symbol)
        rates = await self._reconciler.fee_rates(report, instrument)
        outcome = settle(order, report, self._portfolio.position(order.symbol), instrument, rates)
        await self._pass_on_fees(report, instrument)
        pending = self._exit_of(order)
        await self._commit(
            CommitBatch(
                orders=[order],
                exits=[after_fills(pending, order, outcome.position, instrument, self._clock.now())] if pending else [],
                fills=[(order.client_order_id, fill) for fill in report.fills],
                positions=[outcome.position],
                trades=[outcome.trade] if outcome.trade else [],
                executions=[outcome.execution],
                events=[self._executed(order, outcome)],
            )
        )
        return order

    def _executed(self, order: Order, outcome: Outcome) -> OrderExecuted:
        """Returns the event; a panic's sales are urgent, so that they are reported before the panic's end."""
        urgent = order.signal.is_panic or self._portfolio.controls.panic is not None
        event = OrderExecuted(order, outcome.execution, outcome.position, outcome.fee_value)
        return replace(event, priority=Priority.URGENT) if urgent else event

    async def _pass_on_fees(self, report: ExecutionReport, instrument: Instrument) -> None:
        """Reports fees to the position whose coin paid them, in its own mailbox: stored before this order is settled, and once,
        so that a crash in between neither loses nor doubles one."""
        paid = list(fees_in_coins_held(report.fills, instrument, self._portfolio.positions, self._market.instruments()))
        now = self._clock.now()
        messages = [Message("fee", f"{report.client_order_id}:{one.asset}", one.symbol, one, now) for one in paid]
        while messages:
            try:
                await self._put(messages)
            except LedgerUnavailable as error:
                log.error("a fee paid from another position cannot be stored; retrying", error=str(error))
                await self._clock.sleep(LEDGER_PAUSE_SECONDS)
            else:
                return

    def _move(self, order: Order, state: OrderState, **fields: object) -> Order:
        check_move(order.state, state)
        return replace(order, state=state, updated_at=self._clock.now(), **fields)  # type: ignore[arg-type]

    async def _commit(self, changes: CommitBatch) -> None:
        """Commits what has already happened in the world: it cannot be given up, so it retries until it is written."""
        while True:
            try:
                await self._ledger.commit(changes)
            except LedgerUnavailable as error:
                log.error("a commit cannot be written; retrying", error=str(error))
                await self._clock.sleep(LEDGER_PAUSE_SECONDS)
            else:
                self._portfolio.apply(changes)
                return

    async def _instrument(self, symbol: str) -> Instrument:
        while True:
            try:
                found = await self._market.find_instrument(symbol)
            except ExchangeUnavailable as error:
                log.warning("symbol rules cannot be read yet", error=str(error))
            else:
                if found is not None:
                    return found
            await self._clock.sleep(LEDGER_PAUSE_SECONDS)
