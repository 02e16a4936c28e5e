"""Handles each message by its kind: a signal becomes an order, a question or a refusal; an answer ends a question; a command is
carried out."""

import structlog

from core.domain.errors import LeaseLost, LedgerUnavailable
from core.domain.messages import (
    ApprovalAnswered,
    ApprovalTimedOut,
    CancelRequested,
    FeePaid,
    ManualInstruction,
    Message,
    OrderFound,
    SignalReceived,
    StoredMessage,
)
from core.domain.order import ExecutionReport
from core.domain.order_messages import (
    AboutOrders,
    BreakevenReached,
    EntryDue,
    ExecutionReported,
    OrderForgotten,
    PlanRequested,
    PositionsFound,
    ProtectionDue,
    TrailingDue,
)
from core.domain.signal import Side, Signal, client_order_id
from core.engine.approval_flow import ApprovalFlow
from core.engine.control_commands import CommandRefused, ControlCommand, ControlCommands
from core.engine.entry_handler import EntryHandler
from core.engine.error_handler import ErrorHandler
from core.engine.exit_handler import ExitHandler
from core.engine.outcome_writer import OutcomeWriter
from core.engine.plan_handler import PlanHandler
from core.engine.protection_handler import ProtectionHandler
from core.execution.ledger_patience import LEDGER_PAUSE_SECONDS
from core.execution.order_adoption import OrderAdoption
from core.policy.third_asset_fees import after_fee
from core.ports.clock import Clock
from core.records.commit_batch import CommitBatch
from core.records.message_outcome import MessageOutcome
from core.state.market_data import MarketDataCache
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)


class OrderExecutor:
    """Handles the messages of the mailboxes, one at a time for each symbol."""

    def __init__(
        self,
        *,
        writer: OutcomeWriter,
        portfolio: Portfolio,
        market: MarketDataCache,
        entries: EntryHandler,
        exits: ExitHandler,
        approvals: ApprovalFlow,
        adoption: OrderAdoption,
        protection: ProtectionHandler,
        plans: PlanHandler,
        control_commands: ControlCommands,
        errors: ErrorHandler,
        clock: Clock,
    ) -> None:
        self._writer = writer
        self._portfolio = portfolio
        self._market = market
        self._entries = entries
        self._exits = exits
        self._approvals = approvals
        self._adoption = adoption
        self._protection = protection
        self._plans = plans
        self._control_commands = control_commands
        self._errors = errors
        self._clock = clock

    def is_at_hand(self, message: Message) -> bool:
        """Tells whether `message` is a signal that is decided from memory alone, by one commit that carries its outcome. Only
        such a one may be handled before it is stored."""
        match message.body:
            case SignalReceived(signal, None) if self._portfolio.in_flight_for(signal.symbol) is None:
                return self._handler(signal).is_at_hand(signal, message.received_at)
            case _:
                return False

    async def handle(self, stored: StoredMessage) -> MessageOutcome:
        """Handles a message to the end; while the ledger cannot be written it does nothing and retries. Raises whatever keeps one
        that is not stored from being so: nothing was done then."""
        while True:
            try:
                return await self._dispatch(stored)
            except LedgerUnavailable as error:
                if not stored.is_stored:
                    raise
                log.error("the ledger cannot be written; nothing is traded meanwhile", error=str(error))
                await self._clock.sleep(LEDGER_PAUSE_SECONDS)
            except LeaseLost:
                raise
            except Exception as error:
                if not stored.is_stored:
                    raise
                log.exception("a message could not be handled", seq=stored.seq)
                return await self._errors.handle(stored, error)

    async def _dispatch(self, stored: StoredMessage) -> MessageOutcome:
        match stored.message.body:
            case SignalReceived(signal, hand):
                return await self._signal(stored, signal, hand)
            case ApprovalAnswered() as answer:
                return await self._approvals.answered(stored, answer)
            case ApprovalTimedOut(token):
                return await self._approvals.timed_out(stored, token)
            case FeePaid() | OrderFound() | ExecutionReported() | OrderForgotten() | ProtectionDue() | EntryDue() as news:
                return await self._news(stored, news)
            case BreakevenReached() | TrailingDue() | PlanRequested() | PositionsFound() as change:
                return await self._plans.handle(stored, change)
            case command:
                return await self._command(stored, command)

    async def _news(self, stored: StoredMessage, news: FeePaid | OrderFound | AboutOrders) -> MessageOutcome:
        match news:
            case FeePaid():
                return await self._fee(stored, news)
            case OrderFound(report):
                return await self._found(stored, report)
            case _:
                return await self._protection.handle(stored, news)

    async def _signal(self, stored: StoredMessage, signal: Signal, hand: ManualInstruction | None) -> MessageOutcome:
        structlog.contextvars.bind_contextvars(
            signal_id=signal.signal_id, symbol=signal.symbol, client_order_id=client_order_id(signal)
        )
        return await self._handler(signal).handle(stored, signal, hand)

    def _handler(self, signal: Signal) -> EntryHandler | ExitHandler:
        return self._exits if signal.side is Side.SELL else self._entries

    async def _fee(self, stored: StoredMessage, paid: FeePaid) -> MessageOutcome:
        left = after_fee(self._portfolio.position(paid.book), paid.fee, self._market.instrument(paid.symbol))
        return await self._writer.commit(CommitBatch(outcomes=[self._writer.outcome(stored, "done")], positions=left))

    async def _found(self, stored: StoredMessage, report: ExecutionReport) -> MessageOutcome:
        why = await self._adoption.take_over(stored, report)
        if why is None:
            return self._writer.outcome(stored, "done")
        return await self._writer.commit(CommitBatch(outcomes=[self._writer.outcome(stored, "ignored", why)]))

    def _is_of_entry(self, command: CancelRequested, mailbox: str) -> bool:
        """Tells whether an entry that rests is to be taken off, in its symbol's turn."""
        return mailbox == command.symbol and command.client_order_id in self._portfolio.resting

    async def _command(self, stored: StoredMessage, command: ControlCommand) -> MessageOutcome:
        if isinstance(command, CancelRequested) and self._is_of_entry(command, stored.message.mailbox):
            return await self._protection.handle(stored, command)
        async with self._control_commands.alone(command):
            batch = await self._control_commands.batch_of(command)
            if isinstance(batch, CommandRefused):
                batch = CommitBatch(outcomes=[self._writer.outcome(stored, batch.outcome, batch.reason)])
            else:
                batch.outcomes.append(self._writer.outcome(stored, "done"))
            return await self._writer.commit(batch)
