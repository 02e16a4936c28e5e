"""One signal, one order: commits the intent, sends, finds out the outcome, commits the effects. The only path to the venue."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from core.domain.assets import base_of
from core.domain.events.entries import EntryMissed
from core.domain.events.orders import OrderFailed, OrderUnanswered
from core.domain.messages import StoredMessage
from core.domain.money import ZERO, plain
from core.domain.order import (
    MET_OURS,
    ExecutionReport,
    NotTaken,
    Order,
    OrderRequest,
    PlaceResult,
    Rejected,
    Unanswered,
    as_placed,
)
from core.domain.order_state_machine import OrderState
from core.domain.pending_exit import PendingExit
from core.domain.reasons import Reason, reason
from core.domain.retry_backoff import RetryBackoff
from core.domain.signal import Side
from core.execution.decision_service import USUAL, DecisionService
from core.execution.entry_lists import EntryLists
from core.execution.first_sending import FirstSending
from core.execution.ledger_patience import until_answered
from core.execution.order_writer import OrderWriter
from core.execution.purchase_plans import PurchasePlans
from core.execution.reconciler import FateUnknown, NeverPlaced, Reconciler
from core.execution.settlement import Settled, Settlement, is_empty
from core.policy.decision import AskFirst, Refused
from core.policy.decision_context import SizeRequest
from core.policy.entries.placing import is_missed, resting_events, with_expiry
from core.policy.entries.way import REFUSED, is_together
from core.policy.exits.pending import after_failure, after_fills, of_order
from core.policy.exits.protection import is_news
from core.ports.clock import Clock
from core.ports.timings import Stage, Timings
from core.ports.venue import Venue
from core.records.commit_batch import CommitBatch
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)

Look = Callable[[Order], Awaitable[Reason | None]]

MOST_ATTEMPTS = 7
BACKOFF = RetryBackoff(first=0.25, longest=5.0)
DECIDED_SECONDS = 1.0  # for which an entry's decision counts while the exchange is asked about an earlier one
PATIENCE_SECONDS = 10.0  # for which a start finds out about an order silently


class Placement:
    """Takes an order from intent to settled, whatever the venue and the network do."""

    def __init__(
        self,
        *,
        venue: Venue,
        portfolio: Portfolio,
        decisions: DecisionService,
        reconciler: Reconciler,
        first: FirstSending,
        writer: OrderWriter,
        settlement: Settlement,
        purchases: PurchasePlans,
        lists: EntryLists,
        look: Look,
        clock: Clock,
        timings: Timings,
    ) -> None:
        """Builds it. `look` takes over what the ledger has lost in an order's symbol, and returns why the order may not be sent
        then; it raises LedgerUnavailable."""
        self._venue = venue
        self._portfolio = portfolio
        self._decisions = decisions
        self._reconciler = reconciler
        self._first = first
        self._writer = writer
        self._settlement = settlement
        self._purchases = purchases
        self._lists = lists
        self._look = look
        self._clock = clock
        self._timings = timings

    async def place(
        self, order: Order, intent: CommitBatch, *, message: StoredMessage | None = None, known_at: datetime | None = None
    ) -> Order:
        """Commits `intent` together with the order, then places it. Returns the settled order. If its signal, which was there
        at `known_at`, is an old one, the venue is asked first. How long the signal of `message` took is recorded.

        Raises LedgerUnavailable if the intent could not be committed: then nothing was sent, and nothing will be.
        """
        decided, exits = self._clock.monotonic(), CommitBatch()
        order = self._lists.begin(with_expiry(order, self._clock.now()), exits)
        intent.plans += exits.plans
        # Reserved before the first await: another symbol that decides meanwhile must count this entry.
        self._portfolio.in_flight[order.client_order_id] = order
        try:
            await self._submit(order, intent, exits.orders)
        except BaseException:  # nothing was sent, and nobody must take the order for one that was
            self._portfolio.in_flight.pop(order.client_order_id, None)
            raise
        self._time(message, decided)
        return await self.send(order, known_at=known_at)

    def _time(self, message: StoredMessage | None, decided: float) -> None:
        """Records how long it took from a signal's arrival to the commit of the intent, which is now."""
        committed = self._clock.monotonic()
        self._timings.stage(Stage.COMMITTED, committed - decided)
        if message is None or message.arrived is None or message.stored is None:
            return
        self._timings.stage(Stage.RECEIVED, message.stored - message.arrived)
        self._timings.stage(Stage.DECIDED, decided - message.stored)
        self._timings.signal_to_order(committed - message.arrived)

    async def send(self, order: Order, *, known_at: datetime | None = None) -> Order:
        """Sends an order whose intent is committed, see `place`."""
        self._first.expect(order, *(() if known_at is None else (known_at,)))
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
        pending = of_order(order, self._portfolio.position(order.book).qty, self._clock.now())
        if pending is not None:
            await self._writer.commit(CommitBatch(exits=[pending]))

    async def _submit(self, order: Order, intent: CommitBatch, exits: Sequence[Order] = ()) -> None:
        intent.orders += [order, *exits]
        await self._writer.try_commit(intent)

    async def _send_until_settled(self, order: Order, attempt: int = 1) -> Order:
        sent_at = self._clock.now()
        answer = await self._send(order)
        order = replace(order, sent_at=sent_at, answered_at=self._clock.now())
        found: ExecutionReport | Rejected | NotTaken | NeverPlaced | FateUnknown
        if isinstance(answer, Unanswered):
            order = await self._mark_unknown(order, answer)
            found = await self._find_out(order)
        elif isinstance(answer, ExecutionReport) and not answer.state.final:
            order = await self._mark_accepted(order, answer)
            found = await self._find_out(order)
        else:
            found = answer
        answered = self._clock.monotonic()
        followed = await self._follow(order, found, attempt)
        if isinstance(answer, ExecutionReport) and answer is found and followed.executed_qty > order.executed_qty:
            self._timings.stage(Stage.FILLED, self._clock.monotonic() - answered)
        return followed

    async def _follow(
        self, order: Order, found: ExecutionReport | Rejected | NotTaken | NeverPlaced | FateUnknown, attempt: int
    ) -> Order:
        """Acts on the order's outcome."""
        match found:
            case ExecutionReport():
                return await self._settle(order, found)
            case Rejected(why) if is_together(order) and why.code in REFUSED:
                return await self._send_apart(order, why, attempt)
            case Rejected(why):
                return await self._fail(order, why)
            case FateUnknown():
                return await self._give_up(order)
            case _:
                return await self._try_anew(order, found, attempt)

    async def _send(self, order: Order) -> PlaceResult:
        asked = self._clock.monotonic()
        before = await self._first.ask(order)
        if isinstance(before, ExecutionReport):  # the ledger had lost it, and maybe what came after it: an entry's next order
            await self._look_first(order)
        if before is not None:
            return before
        sent = self._clock.monotonic()
        if order.side is Side.BUY and sent - asked > DECIDED_SECONDS:  # somebody may have paused meanwhile
            return NotTaken(reason("exchange_busy"))
        answer = await (self._lists.send(order) if is_together(order) else self._venue.place(await self._request(order)))
        self._timings.stage(Stage.SENT, sent - asked)
        self._timings.stage(Stage.ANSWERED, self._clock.monotonic() - sent)
        return answer

    async def _request(self, order: Order) -> OrderRequest:
        """Returns the request. For an entry that meets what rests to sell, of any strategy, the exchange would otherwise end
        that."""
        request = OrderRequest(order.client_order_id, order.symbol, order.side, order.qty, self._portfolio.mark, order.terms)
        spares = False
        if order.side is Side.BUY and self._portfolio.offers_in(order.symbol):
            spares = (await self._writer.instrument(order.symbol)).resting.may_expire_taker
        return replace(request, strategy=order.signal.strategy, spares_ours=spares)

    async def _try_anew(self, order: Order, cause: NotTaken | NeverPlaced, attempt: int) -> Order:
        """Places an order again that is certainly not placed, while the signal is still good, by every rule and at the current
        price."""
        if isinstance(cause, NotTaken) and not await self._wait_after(order, cause, attempt):
            return await self._fail(order, cause.reason, cause.retry_after)
        pending = self._exit_of(order)
        if (over := await self._look_first(order)) is not None:
            return order if over.code == "already_ordered" else await self._fail(order, over)
        if pending is not None and self._exit_of(order) is None:
            return await self._end_exit(order)
        if order.leg is not None:
            return await self._follow_anew(order, cause, attempt)
        # An approved order is placed as it was approved, and never larger; and an exit never sells more than it was meant to.
        size_request = USUAL if order.approved_at is None and order.side is Side.BUY else SizeRequest(qty=order.qty)
        weighed = await self._decisions.weigh(order.signal, approved_at=order.approved_at, size_request=size_request)
        decision = weighed.decision
        if isinstance(decision, Refused) or attempt >= MOST_ATTEMPTS:
            why = decision.reason if isinstance(decision, Refused) else reason("exchange_busy")
            return await self._fail(order, cause.reason if isinstance(cause, NotTaken) else reason("never_placed", why=why))
        approved = decision.order if isinstance(decision, AskFirst) else decision
        sizing = approved.sizing or order.sizing
        order = replace(order, arrival_price=weighed.facts.middle)
        order = self._writer.move(
            order, OrderState.SUBMITTED, qty=approved.qty, price=approved.price, terms=approved.terms, sizing=sizing
        )
        batch = self._lists.again(order, cause.reason if isinstance(cause, NotTaken) else reason("protection_not_placed"))
        await self._writer.commit(batch)
        return await self._send_until_settled(batch.orders[0], attempt + 1)

    async def _send_apart(self, order: Order, why: Reason, attempt: int) -> Order:
        """Sends an entry without its exits, which the exchange refuses with it: they follow once it has filled."""
        log.warning("the exchange refuses an entry with its exits", symbol=order.symbol, reason=str(why))
        batch = self._lists.apart(order, why)
        await self._writer.commit(batch)
        return await self._send_until_settled(batch.orders[0], attempt + 1)

    async def _follow_anew(self, order: Order, cause: NotTaken | NeverPlaced, attempt: int) -> Order:
        """Places an order that follows an entry again, as it was: its limit and its size are all that it may cost."""
        why = await self._decisions.chase_refusal(order.signal)
        if why is None and (attempt >= MOST_ATTEMPTS or self._clock.now() > self._decisions.good_until(order)):
            why = reason("exchange_busy")
        if why is not None:
            return await self._fail(order, cause.reason if isinstance(cause, NotTaken) else reason("never_placed", why=why))
        order = self._writer.move(order, OrderState.SUBMITTED)
        await self._writer.commit(CommitBatch(orders=[order]))
        return await self._send_until_settled(order, attempt + 1)

    async def _look_first(self, order: Order) -> Reason | None:
        """Takes over what the ledger has lost in the order's symbol: it came before, and may have been what this order is for."""
        return await until_answered(partial(self._look, order), self._clock, failed="earlier orders cannot be taken over yet")

    async def _end_exit(self, order: Order) -> Order:
        """Ends an order that was never placed, and whose exit an order that was lost had made; that was told."""
        order = self._writer.move(order, OrderState.REJECTED, reason=reason("exit_over"))
        await self._writer.commit(CommitBatch(orders=[order]))
        return order

    async def _wait_after(self, order: Order, cause: NotTaken, attempt: int) -> bool:
        """Waits before the next attempt; False if there is to be none. An exit that has to wait longer gives up its turn: it
        stays pending, and its own timer brings it back. So does what adds to a position, whose exits would wait with it."""
        log.warning("the exchange did not accept the order", reason=str(cause.reason), retry_after=cause.retry_after)
        pause = max(cause.retry_after, BACKOFF.after(attempt))
        too_late = self._clock.now() + timedelta(seconds=pause) > self._decisions.good_until(order)
        keeps_waiting = order.side is Side.SELL or self._portfolio.position(order.book).is_open
        if attempt >= MOST_ATTEMPTS or too_late or (keeps_waiting and pause > BACKOFF.longest):
            return False
        await self._clock.sleep(pause)
        return True

    async def _mark_unknown(self, order: Order, answer: Unanswered) -> Order:
        log.warning("no answer to the order", detail=answer.detail)
        order = self._writer.move(order, OrderState.UNKNOWN, reason=reason("unanswered"))
        await self._writer.commit(CommitBatch(orders=[order], events=[OrderUnanswered(order)]))
        return order

    async def _mark_accepted(self, order: Order, answer: ExecutionReport) -> Order:
        """Records that the order exists: from here on "not found" proves nothing."""
        order = self._writer.move(as_placed(order, answer), answer.state, order_id=answer.order_id)
        await self._writer.commit(CommitBatch(orders=[order], events=resting_events(order)))
        return order

    async def _fail(self, order: Order, why: Reason, retry_after: float = 0.0) -> Order:
        log.warning("order failed", reason=str(why))
        return await self._ended_empty(self._writer.move(order, OrderState.REJECTED, reason=why), retry_after)

    async def _ended_empty(self, order: Order, retry_after: float = 0.0) -> Order:
        limits = self._portfolio.limits_for(order.book)
        exits, events = after_failure(self._exit_of(order), order, self._clock.now(), limits, retry_after)
        if is_missed(order):
            held = self._portfolio.position(order.book)
            events = [EntryMissed(order, held.qty if held.is_open else ZERO)]
        plans = self._purchases.without_entry(order)
        never_placed = self._lists.withdrawn(order, order.reason) if order.state is OrderState.REJECTED else []
        steps = self._purchases.steps_after(order)
        batch = CommitBatch(orders=[order, *never_placed], exits=exits, plans=plans, events=events, messages=steps)
        await self._writer.commit(batch)
        await self._lists.follow(order)
        return order

    async def _give_up(self, order: Order) -> Order:
        """Ends an order whose outcome nobody can find out, and reports that. Books nothing; its exit is not retried, because it
        may have been done. Should the exchange know the symbol again, the order is adopted as a lost one."""
        log.error("the order's outcome cannot be found out any more: its symbol is gone", symbol=order.symbol)
        state = OrderState.EXPIRED if order.state is OrderState.PARTIALLY_FILLED else OrderState.REJECTED
        order = self._writer.move(order, state, reason=reason("fate_unknown", symbol=order.symbol))
        pending = self._exit_of(order)
        batch = await self._settlement.end_unheard(order)
        batch.exits += [replace(pending, ended_at=self._clock.now())] if pending is not None else []
        batch.plans += self._purchases.without_entry(order)
        batch.orders += self._lists.withdrawn(order, order.reason)
        batch.events = batch.events or [OrderFailed(order)]
        await self._writer.commit(batch)
        return order

    def _exit_of(self, order: Order) -> PendingExit | None:
        """Returns the exit that the order is an attempt at."""
        return self._portfolio.exits.get(order.book) if order.side is Side.SELL else None

    async def _settle(self, order: Order, report: ExecutionReport) -> Order:
        if order.rests and not is_news(order, report.state, report.executed_qty):
            return order
        order = as_placed(order, report)
        if is_empty(report):
            moved = self._writer.move(order, report.state, order_id=report.order_id, reason=None)
            return await self._ended_empty(replace(moved, reason=_unfilled(moved, report)))
        pending, legs = self._exit_of(order), []

        def extend(settled: Settled) -> None:
            if pending is not None:
                left = after_fills(pending, settled.order, settled.position, settled.instrument, self._clock.now())
                settled.batch.exits.append(left)
            if not order.rests:
                settled.batch.events += resting_events(settled.order)
            legs.extend(self._purchases.after(settled))

        done = await self._settlement.settle(order, report, extend)
        if done is None:
            return await self._give_up(order)
        await self._purchases.send(legs)
        await self._lists.follow(done)
        await self._purchases.cover_added(done)
        return done


def _unfilled(order: Order, report: ExecutionReport) -> Reason:
    if report.expiry_reason == MET_OURS:
        return reason("met_ours")
    limit_price = order.terms.limit_price
    if order.state is OrderState.EXPIRED and limit_price is not None and is_together(order):
        return reason("not_whole", qty=plain(order.qty), base=base_of(order.symbol), price=plain(limit_price))
    is_of_band = order.signal.entry is None or order.leg is not None
    if order.state is OrderState.EXPIRED and limit_price is not None and is_of_band:
        return reason("beyond_limit", price=plain(limit_price))
    return reason("not_filled", status=order.state)
