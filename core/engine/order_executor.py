"""What is done about a message: a signal becomes an order, a question or a refusal; an answer ends a question; a wish is set."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import structlog

from core.domain.approval import Approval, ApprovalState
from core.domain.errors import LeaseLost, LedgerUnavailable
from core.domain.events.approvals import ApprovalClosed, ApprovalRequested
from core.domain.events.priority import Priority
from core.domain.events.signals import SignalRefused
from core.domain.messages import (
    ApprovalAnswered,
    ApprovalTimedOut,
    FeePaid,
    ManualInstruction,
    OrderFound,
    SignalReceived,
    StoredMessage,
)
from core.domain.money import divide, multiply
from core.domain.order import ExecutionReport, Order
from core.domain.order_state_machine import OrderState, check_move
from core.domain.pending_exit import PendingExit
from core.domain.reasons import Reason, reason
from core.domain.signal import Side, Signal, client_order_id
from core.engine.control_commands import CommandRefused, ControlCommand, ControlCommands
from core.engine.symbol_halts import SymbolHalts
from core.execution.decision_service import USUAL, DecisionService, Weighed
from core.execution.first_sending import FirstSending
from core.execution.order_adoption import OrderAdoption
from core.execution.pending_exits import Attempt, PendingExits
from core.execution.placement import Placement
from core.policy.conversion_rates import Rate
from core.policy.decision import AskFirst, Refused
from core.policy.decision_context import SizeRequest
from core.policy.exits.pending import ALL_SOLD, ENDS, put_off, told_waiting, waits
from core.policy.risk import RiskApproved
from core.policy.rule_measurements import DecisionRecord
from core.policy.third_asset_fees import after_fee
from core.ports.clock import Clock
from core.ports.ledger import Ledger
from core.records.commit_batch import CommitBatch
from core.records.message_outcome import MessageOutcome
from core.state.exchange_rates import ExchangeRates
from core.state.market_data import MarketDataCache
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)

LEDGER_PAUSE_SECONDS = 1.0

HALF = SizeRequest(share=Decimal("0.5"))

_BY_PAUSE = frozenset({"paused", "entries_paused"})  # reasons that whoever paused knows already
_BY_POSITION = frozenset(
    {"", "no_position"}
)  # what a lost order could change: that it is ordered, or that there is nothing to sell
# The state of an order whose question has ended without one being placed.
_ENDED = {
    ApprovalState.APPROVED: OrderState.DENIED,
    ApprovalState.DECLINED: OrderState.DECLINED,
    ApprovalState.EXPIRED: OrderState.EXPIRED,
    ApprovalState.WITHDRAWN: OrderState.CANCELED,
}


def new_token() -> str:
    """16 characters that nobody guesses, fit for a button's data."""
    return secrets.token_urlsafe(12)


class OrderExecutor:
    """Handles the messages of the mailboxes, one at a time for each symbol."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        portfolio: Portfolio,
        market: MarketDataCache,
        decisions: DecisionService,
        rates: ExchangeRates,
        placement: Placement,
        first: FirstSending,
        adoption: OrderAdoption,
        symbol_halts: SymbolHalts,
        exits: PendingExits,
        control_commands: ControlCommands,
        trading_mode: str,
        clock: Clock,
        token: Callable[[], str] = new_token,
    ) -> None:
        self._ledger = ledger
        self._portfolio = portfolio
        self._market = market
        self._decisions = decisions
        self._rates = rates
        self._placement = placement
        self._first = first
        self._adoption = adoption
        self._symbol_halts = symbol_halts
        self._exits = exits
        self._control_commands = control_commands
        self._trading_mode = trading_mode
        self._clock = clock
        self._token = token

    async def handle(self, stored: StoredMessage) -> MessageOutcome:
        """Handles a message to the end; while the ledger cannot be written nothing is done and it is tried again."""
        while True:
            try:
                return await self._dispatch(stored)
            except LedgerUnavailable as error:
                log.error("the ledger cannot be written; nothing is traded meanwhile", error=str(error))
                await self._clock.sleep(LEDGER_PAUSE_SECONDS)
            except LeaseLost:
                raise
            except Exception as error:
                log.exception("a message could not be handled", seq=stored.seq)
                return await self._after_error(stored, error)

    async def _dispatch(self, stored: StoredMessage) -> MessageOutcome:
        match stored.message.body:
            case SignalReceived(signal, hand):
                structlog.contextvars.bind_contextvars(
                    signal_id=signal.signal_id, symbol=signal.symbol, client_order_id=client_order_id(signal)
                )
                return await self._signal(stored, signal, hand)
            case ApprovalAnswered() as answer:
                return await self._answered(stored, answer)
            case ApprovalTimedOut(token):
                return await self._timed_out(stored, token)
            case FeePaid(symbol, fee=fee):
                left = after_fee(self._portfolio.position(symbol), fee, self._market.instrument(symbol))
                return await self._conclude(CommitBatch(verdicts=[self._verdict(stored, "done")], positions=left))
            case OrderFound(report):
                return await self._found(stored, report)
            case wish:
                return await self._wish(stored, wish)

    async def _after_error(self, stored: StoredMessage, error: Exception) -> MessageOutcome:
        """A bug must leave neither an order nobody follows up nor a mailbox that stands still; a second one ends the process."""
        body = stored.message.body
        why = reason("internal_error", error=type(error).__name__)
        changes = CommitBatch(verdicts=[self._verdict(stored, "failed", why)])
        order = self._portfolio.in_flight_for(stored.message.mailbox)
        if order is not None:
            await self._placement.recover(order)
            return self._verdict(stored, "ordered")
        if isinstance(body, SignalReceived):
            changes.exits += self._exits.failed(body.signal)
            changes.events.append(SignalRefused(body.signal, "failed", why, stored.seq, priority=Priority.URGENT))
        if isinstance(body, OrderFound):
            halt = self._symbol_halts.not_adopted(body.report)
            changes.holds, changes.events = halt.holds, halt.events
        return await self._conclude(changes)

    async def _conclude(self, changes: CommitBatch) -> MessageOutcome:
        await self._ledger.commit(changes)
        self._portfolio.apply(changes)
        return changes.verdicts[0]

    def _verdict(
        self, stored: StoredMessage, outcome: str, why: Reason | None = None, facts: DecisionRecord | None = None
    ) -> MessageOutcome:
        return MessageOutcome(stored.seq, outcome, self._clock.now(), why, facts)

    # --- a signal

    async def _signal(self, stored: StoredMessage, signal: Signal, hand: ManualInstruction | None) -> MessageOutcome:
        if signal.side is Side.SELL:
            return await self._exit(stored, signal, hand)
        # Who orders by hand has approved it by confirming: what is stored long before it is handled is refused by its age.
        approved_at = stored.message.received_at if hand is not None else None
        size = SizeRequest(hand.qty, hand.quote) if hand is not None else USUAL
        if (before := await self._ordered_before(stored, signal)) is not None:
            return before
        weighed = await self._weigh(signal, approved_at, size)
        changes = CommitBatch()
        self._withdraw_opposite(signal, weighed, changes)
        if isinstance(weighed.decision, Refused):
            self._refuse(stored, signal, weighed, changes, by_hand=hand is not None)
            return await self._conclude(changes)
        who = hand.who if hand is not None else None
        return await self._act(stored, signal, weighed, changes, approved=(who, approved_at))

    async def _act(
        self,
        stored: StoredMessage,
        signal: Signal,
        weighed: Weighed,
        changes: CommitBatch,
        *,
        approved: tuple[str | None, datetime | None],
        all_of_it: Decimal | None = None,
    ) -> MessageOutcome:
        """Places what was decided, or asks first; `all_of_it` is what a question is about where one order may not take it."""
        decision, facts = weighed.decision, weighed.facts
        if isinstance(decision, RiskApproved):
            who, at = approved
            order = self._new_order(stored.seq, signal, decision.qty, decision.price, OrderState.SUBMITTED)
            changes.verdicts.append(self._verdict(stored, "ordered", facts=facts))
            is_old = self._first.is_old(signal.ts, stored.message.received_at)
            order = replace(order, approved_by=who, approved_at=at)
            await self._placement.place(order, changes, arrived=stored.arrived, is_old=is_old)
            return changes.verdicts[0]
        if isinstance(decision, AskFirst):
            wanted = decision.order if all_of_it is None else replace(decision.order, qty=max(decision.order.qty, all_of_it))
            await self._ask(stored, signal, wanted, facts, changes)
        return await self._conclude(changes)

    def _refuse(self, stored: StoredMessage, signal: Signal, weighed: Weighed, changes: CommitBatch, *, by_hand: bool) -> None:
        decision = weighed.decision
        if not isinstance(decision, Refused):
            raise TypeError("only what was refused is refused")
        outcome, why, draft = decision.outcome, decision.reason, decision.draft
        changes.verdicts.append(self._verdict(stored, outcome, why, weighed.facts))
        position = self._portfolio.position(signal.symbol)
        told = SignalRefused(signal, outcome, why, stored.seq, held=position.is_open)
        told = replace(told, position=position) if signal.side is Side.SELL else told
        by_pause = not by_hand and why.code in _BY_PAUSE
        priority = Priority.PAUSED if by_pause else Priority.URGENT if told.lost_exit else Priority.NORMAL
        changes.events.append(replace(told, priority=priority))
        if draft is not None:
            denied = self._new_order(stored.seq, signal, draft.qty, draft.price, OrderState.DENIED)
            changes.orders.append(replace(denied, reason=why))

    # --- an exit: wanted until it is done

    async def _exit(self, stored: StoredMessage, signal: Signal, hand: ManualInstruction | None) -> MessageOutcome:
        if (repeated := self._exits.repeated(signal, hand)) is not None:
            why, renewed = repeated
            told = [SignalRefused(signal, "ignored", why, stored.seq)] if renewed else []
            verdict = self._verdict(stored, "ignored", why)
            return await self._conclude(CommitBatch(verdicts=[verdict], exits=list(renewed), events=list(told)))
        before = await self._ordered_before(stored, signal) or await self._lost_before(stored, signal)
        if before is not None:
            return before
        attempt = await self._exits.attempt(signal, hand, stored.message.received_at)
        wanted = attempt.wanted
        if not attempt.is_first:  # it may have been renewed since this attempt was stored
            signal = replace(signal, ts=wanted.since)
        weighed = await self._decisions.weigh(signal, approved_at=wanted.approved_at, wanted=attempt.size)
        changes = CommitBatch()
        self._withdraw_opposite(signal, weighed, changes)
        if attempt.why is not None or isinstance(weighed.decision, Refused):
            self._not_now(stored, signal, attempt, weighed, changes)
            return await self._conclude(changes)
        if hand is not None and (asked := self._portfolio.approval_for(signal.symbol)) is not None and asked.side is signal.side:
            withdrawn = replace(asked, state=ApprovalState.WITHDRAWN, decided_at=self._clock.now())
            self._close(withdrawn, reason("approval_withdrawn", signal_type=signal.signal_type), changes)
        changes.exits.append(wanted)
        approved = wanted.approved_by, wanted.approved_at
        return await self._act(stored, signal, weighed, changes, approved=approved, all_of_it=self._exits.asked_about(wanted))

    def _not_now(self, stored: StoredMessage, signal: Signal, attempt: Attempt, weighed: Weighed, changes: CommitBatch) -> None:
        """It waits, or it is over: all sold, or refused for good, which is told."""
        now, decision = self._clock.now(), weighed.decision
        why = decision.reason if isinstance(decision, Refused) else attempt.why
        if attempt.why is not None and (why is None or why.code not in ENDS):
            why = attempt.why
        if why is None:
            raise ValueError("nothing speaks against it")
        part = attempt.wanted.hand is not None and attempt.wanted.hand.qty is not None
        is_waiting = waits(why, wanted=not attempt.is_first, lasts=signal.is_panic, part=part)
        if is_waiting and self._portfolio.position(signal.symbol).is_open:
            wanted, is_news = put_off(attempt.wanted, why, now, self._portfolio.limits)
            changes.exits.append(wanted)
            changes.verdicts.append(self._verdict(stored, "put_off", why, weighed.facts))
            if is_news:
                changes.events.append(told_waiting(wanted, signal, stored.seq, self._portfolio.limits))
            return
        if not attempt.is_first:
            changes.exits.append(replace(attempt.wanted, ended_at=now))
        if not attempt.is_first and (why.code in ALL_SOLD or not isinstance(decision, Refused)):
            changes.verdicts.append(self._verdict(stored, "done", why, weighed.facts))
            return
        self._refuse(stored, signal, weighed, changes, by_hand=attempt.wanted.hand is not None)

    def _new_order(self, seq: int, signal: Signal, qty: Decimal, price: Decimal, state: OrderState) -> Order:
        now = self._clock.now()
        return Order(
            client_order_id=client_order_id(signal),
            signal=signal,
            inbox_seq=seq,
            side=signal.side,
            qty=qty,
            price=price,
            state=state,
            trading_mode=self._trading_mode,
            created_at=now,
            updated_at=now,
        )

    async def _weigh(self, signal: Signal, approved_at: datetime | None, wanted: SizeRequest) -> Weighed:
        """Weighs; an entry that would be ordered only once it is known what this ledger may have ordered in the symbol before."""
        weighed = await self._decisions.weigh_patiently(signal, approved_at=approved_at, wanted=wanted)
        is_entry = signal.side is Side.BUY and not isinstance(weighed.decision, Refused)
        if not is_entry or self._symbol_halts.is_looked_at(signal.symbol):
            return weighed
        why = await self._symbol_halts.before_order(signal.side, signal.symbol, client_order_id(signal))
        if why is not None:
            return replace(weighed, decision=Refused("ignored" if why.code == "already_ordered" else "denied", why))
        return await self._decisions.weigh_patiently(signal, approved_at=approved_at, wanted=wanted)

    async def _lost_before(self, stored: StoredMessage, signal: Signal) -> MessageOutcome | None:
        """Has what the ledger lost taken over before an exit is sized; the end of an exit whose order was among it."""
        if self._market.instrument(signal.symbol) is None or self._symbol_halts.is_looked_at(signal.symbol):
            return None
        why = await self._symbol_halts.before_order(signal.side, signal.symbol, client_order_id(signal))
        return await self._ignore(stored, signal, why) if why is not None else None

    async def _ordered_before(self, stored: StoredMessage, signal: Signal) -> MessageOutcome | None:
        """The end of an old signal whose order is in the ledger already: it was taken over from the exchange."""
        if not self._first.is_old(signal.ts, stored.message.received_at):
            return None
        known = (await self._ledger.find_orders([client_order_id(signal)])).get(client_order_id(signal))
        if known is None or known.inbox_seq == stored.seq:
            return None
        return await self._ignore(stored, signal, reason("already_ordered", order_id=known.order_id or known.client_order_id))

    async def _ignore(self, stored: StoredMessage, signal: Signal, why: Reason) -> MessageOutcome:
        told = SignalRefused(signal, "ignored", why, stored.seq)
        verdict = self._verdict(stored, "ignored", why)
        return await self._conclude(CommitBatch(verdicts=[verdict], exits=self._exits.passed(signal), events=[told]))

    async def _found(self, stored: StoredMessage, report: ExecutionReport) -> MessageOutcome:
        why = await self._adoption.take_over(stored, report)
        if why is None:
            return self._verdict(stored, "done")
        return await self._conclude(CommitBatch(verdicts=[self._verdict(stored, "ignored", why)]))

    # --- a question and its answer

    async def _ask(
        self, stored: StoredMessage, signal: Signal, wanted: RiskApproved, facts: DecisionRecord, changes: CommitBatch
    ) -> None:
        now = self._clock.now()
        approval = Approval(
            token=self._token(),
            signal=signal,
            inbox_seq=stored.seq,
            side=wanted.side,
            qty=wanted.qty,
            price=wanted.price,
            state=ApprovalState.OPEN,
            asked_at=now,
            expires_at=now + self._portfolio.limits.approval_ttl,
        )
        changes.approvals.append(approval)
        changes.orders.append(self._new_order(stored.seq, signal, wanted.qty, wanted.price, OrderState.AWAITING_APPROVAL))
        changes.verdicts.append(self._verdict(stored, "awaiting_approval", facts=facts))
        half = await self._decisions.decide(signal, approved_at=now, wanted=HALF)
        half_qty = half.qty if isinstance(half, RiskApproved) else None
        base, quote = self._assets(signal.symbol)
        rules = tuple((one.name, one.value, one.limit, one.unit) for one in facts.measures)
        worth, capital = self._weight(wanted, quote)
        cost = self._portfolio.position(signal.symbol).average_cost if wanted.side is Side.SELL else None
        asked = ApprovalRequested(approval, base, quote, half=half_qty, rules=rules, cost=cost or None)
        asked = replace(asked, worth=worth, capital=capital, report=self._rates.report)
        changes.events.append(asked)

    def _weight(self, wanted: RiskApproved, quote: str) -> tuple[Decimal | None, Decimal | None]:
        """What it is worth, and all that there is, in the report asset; None where that is not known."""
        rate = self._rates.last({quote})[quote]
        worth = rate.at_most(multiply(wanted.qty, wanted.price)) if isinstance(rate, Rate) else None
        funds = self._portfolio.capital((self._rates.report, quote), self._market.instruments())
        capital, unvalued = self._rates.total(funds) if funds is not None else (None, ())
        return worth, None if unvalued else capital

    async def _answered(self, stored: StoredMessage, answer: ApprovalAnswered) -> MessageOutcome:
        approval = self._portfolio.approvals.get(answer.token)
        if approval is None:
            return await self._conclude(CommitBatch(verdicts=[self._verdict(stored, "ignored", reason("approval_closed"))]))
        signal = approval.signal
        structlog.contextvars.bind_contextvars(
            signal_id=signal.signal_id, symbol=signal.symbol, client_order_id=client_order_id(signal)
        )
        approval = replace(approval, decided_at=self._clock.now(), decided_by=answer.who)
        if self._clock.now() >= approval.expires_at:
            why = self._expired(approval)
            return await self._end(stored, replace(approval, state=ApprovalState.EXPIRED, decided_by=None), "expired", why)
        if not answer.approve:
            why = reason("declined", who=answer.who)
            return await self._end(stored, replace(approval, state=ApprovalState.DECLINED), "declined", why)
        approval = replace(approval, state=ApprovalState.APPROVED)
        # The amount that was shown, or half of it: neither another price nor another setting makes it more.
        size = replace(HALF if answer.half else USUAL, qty=approval.qty)
        weighed = await self._weigh(signal, approval.decided_at, size)
        if answer.token not in self._portfolio.approvals:  # its order was found on the exchange just now
            return await self._conclude(CommitBatch(verdicts=[self._verdict(stored, "ignored", reason("approval_closed"))]))
        decision, facts = weighed.decision, weighed.facts
        if not isinstance(decision, RiskApproved):
            why = decision.reason if isinstance(decision, Refused) else reason("approval_closed")
            if answer.half:  # what was allowed, should the exit be wanted still
                approval = replace(approval, qty=divide(approval.qty, Decimal(2)))
            return await self._end(stored, approval, "denied", why, facts)
        exits = self._exits.approved(approval, half=answer.half)
        return await self._place_approved(stored, replace(approval, qty=decision.qty, price=decision.price), facts, exits)

    async def _place_approved(
        self, stored: StoredMessage, approval: Approval, facts: DecisionRecord, exits: list[PendingExit]
    ) -> MessageOutcome:
        order = self._order_of(approval, OrderState.SUBMITTED)
        changes = CommitBatch(
            verdicts=[self._verdict(stored, "ordered", facts=facts)],
            approvals=[approval],
            exits=exits,
            events=[ApprovalClosed(approval, *self._assets(approval.signal.symbol))],
        )
        order = replace(order, approved_by=approval.decided_by, approved_at=approval.decided_at)
        await self._placement.place(order, changes, is_old=self._first.is_old(approval.signal.ts, approval.asked_at))
        return changes.verdicts[0]

    async def _timed_out(self, stored: StoredMessage, token: str) -> MessageOutcome:
        # The timer said that its time is up. A clock that was set back since then does not give the question more of it.
        approval = self._portfolio.approvals.get(token)
        if approval is None:
            return await self._conclude(CommitBatch(verdicts=[self._verdict(stored, "ignored", reason("approval_closed"))]))
        expired = replace(approval, state=ApprovalState.EXPIRED, decided_at=self._clock.now())
        return await self._end(stored, expired, "expired", self._expired(approval))

    def _withdraw_opposite(self, signal: Signal, weighed: Weighed, changes: CommitBatch) -> None:
        """A later opposite opinion ends an open question, unless it was itself too old to count, or not of this market."""
        pending = self._portfolio.approval_for(signal.symbol)
        if pending is None or pending.side is signal.side:
            return
        if signal.symbol in self._portfolio.exits:  # what is asked is wanted, and no entry takes that back
            return
        if not weighed.counts:
            return
        withdrawn = replace(pending, state=ApprovalState.WITHDRAWN, decided_at=self._clock.now())
        self._close(withdrawn, reason("approval_withdrawn", signal_type=signal.signal_type), changes)

    async def _end(
        self, stored: StoredMessage, approval: Approval, outcome: str, why: Reason, facts: DecisionRecord | None = None
    ) -> MessageOutcome:
        changes = CommitBatch(verdicts=[self._verdict(stored, outcome, why, facts)])
        self._close(approval, why, changes)
        return await self._conclude(changes)

    def _close(self, approval: Approval, why: Reason, changes: CommitBatch) -> None:
        changes.approvals.append(approval)
        changes.exits += self._exits.closed(approval)
        changes.orders.append(replace(self._order_of(approval, _ENDED[approval.state]), reason=why))
        changes.events.append(ApprovalClosed(approval, *self._assets(approval.signal.symbol), why))

    def _order_of(self, approval: Approval, state: OrderState) -> Order:
        check_move(OrderState.AWAITING_APPROVAL, state)
        order = self._new_order(approval.inbox_seq, approval.signal, approval.qty, approval.price, state)
        return replace(order, created_at=approval.asked_at)

    def _expired(self, approval: Approval) -> Reason:
        return reason("approval_expired", ttl=f"{(approval.expires_at - approval.asked_at).total_seconds():.0f}")

    def _assets(self, symbol: str) -> tuple[str, str]:
        instrument = self._market.instrument(symbol)
        return (instrument.base, instrument.quote) if instrument else (symbol, "")

    # --- a wish

    async def _wish(self, stored: StoredMessage, wish: ControlCommand) -> MessageOutcome:
        async with self._control_commands.alone(wish):
            changes = await self._control_commands.changes_of(wish)
            if isinstance(changes, CommandRefused):
                changes = CommitBatch(verdicts=[self._verdict(stored, changes.outcome, changes.reason)])
            else:
                changes.verdicts.append(self._verdict(stored, "done"))
            return await self._conclude(changes)
