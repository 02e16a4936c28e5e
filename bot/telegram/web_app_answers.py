"""Answers of the Mini App: the chat's own commands, questions and buttons, for a person whom Telegram has signed for.

It shows what the chat would show, and does what the chat would do: the same commands, roles, confirmations and approvals.
"""

import base64
import secrets
from collections.abc import Sequence
from contextlib import suppress

from bot.access.confirmations import Refusal, read_confirmation
from bot.commands import approval_buttons as approvals
from bot.commands import totp_challenge as codes
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.parser import parse_command, tappable
from bot.settings.redaction import shown as redacted
from bot.telegram.auth_gate import Strangers
from bot.telegram.confirmation_flow import needs_code, record
from bot.telegram.refusals import button_needs_role, command_needs_role
from bot.texts import short
from bot.views.approval import Live, question
from bot.views.chat_message import Button, ChatMessage, Keyboard
from core.domain.access import Role
from core.domain.approval import Approval
from core.domain.arrival import Arrival
from core.domain.errors import LedgerUnavailable
from core.domain.events.approvals import ApprovalClosed, ApprovalRequested
from core.domain.messages import DeadLetter
from core.records.commit_batch import CommitBatch

HOME = ""
"""Asked for when the page is opened."""
_COMMANDS = frozenset({"status", "positions", "pnl", "chart", "close", "sell", "protect", "orders", "risk", "balance", "health"})


class OpenQuestions:
    """The questions that this process has asked, with all that they showed. Observes commits."""

    def __init__(self) -> None:
        self.asked: dict[str, ApprovalRequested] = {}

    def committed(self, batch: CommitBatch, _stored: Sequence[Arrival], _dead: Sequence[DeadLetter]) -> None:
        for event in batch.events:
            if isinstance(event, ApprovalRequested):
                self.asked[event.approval.token] = event
            elif isinstance(event, ApprovalClosed):
                self.asked.pop(event.approval.token, None)


class WebAppAnswers:
    """Runs what a person taps in the Mini App."""

    def __init__(self, context: CommandContext, questions: OpenQuestions, strangers: Strangers) -> None:
        self._context = context
        self._questions = questions
        self._strangers = strangers

    async def answer(self, user_id: int, name: str, text: str) -> list[dict[str, object]] | None:
        """Returns what the page shows for a command, or a button's data, as it reads it; None for a person without a role, of
        whom the owner is notified once."""
        role = self._context.people.roles.role(user_id)
        if role is None:
            with suppress(LedgerUnavailable):  # they are told of when they come again
                await self._strangers.first_time_stranger(user_id, short(name))
            return None
        return [_as_json(message) for message in await self._messages(user_id, name, role, text)]

    async def _messages(self, user_id: int, name: str, role: Role, text: str) -> list[ChatMessage]:
        caller = Caller(user_id, short(name), role, f"web_app:{secrets.token_hex(16)}", user_id)
        context = self._context.spoken_to(user_id)
        if text == HOME:
            return [_menu(context), *self._waiting(context, caller), await self._command(context, caller, "/positions")]
        if (confirmed := read_confirmation(text)) is not None:
            return [await self._confirmed(context, caller, *confirmed)]
        if approvals.read_answer(text) is not None:
            return [await self._approval(context, caller, text)]
        return [await self._command(context, caller, text)]

    async def _command(self, context: CommandContext, caller: Caller, text: str) -> ChatMessage:
        asked = parse_command(text, context.program.bot_name())
        if asked is None or asked.command is None or asked.command.name not in _COMMANDS:
            return ChatMessage(context.texts("web_app.in_chat"))
        if not asked.allowed(caller.role):
            return command_needs_role(context, asked, caller)
        return tappable(await asked.command.run(context, asked.args, caller), caller.role)

    def _waiting(self, context: CommandContext, caller: Caller) -> list[ChatMessage]:
        """Returns the open questions as they stand now; a viewer sees them without buttons, as in the chat."""
        return [self._asked(context, approval, caller) for approval in context.portfolio.approvals.values()]

    def _asked(self, context: CommandContext, approval: Approval, caller: Caller) -> ChatMessage:
        priced = context.exchange.priced(approval.signal.symbol)
        event = self._questions.asked.get(approval.token)
        if event is None:  # asked before a restart: its plan and rules stand in the chat
            event = ApprovalRequested(approval, priced.base, priced.quote_asset)
        left = int((approval.expires_at - context.clock.now()).total_seconds())
        shown = question(event, context.texts, Live(priced.price, left))
        return shown if caller.role >= approvals.ROLE else ChatMessage(shown.text)

    async def _approval(self, context: CommandContext, caller: Caller, data: str) -> ChatMessage:
        if caller.role < approvals.ROLE:
            return ChatMessage(button_needs_role(context, approvals.ROLE, caller))
        if context.people.codes is not None and approvals.raises_risk(context, data):
            return ChatMessage(context.texts("web_app.code"))
        return ChatMessage(await approvals.answer(context, data, caller))

    async def _confirmed(self, context: CommandContext, caller: Caller, token: str, yes: bool) -> ChatMessage:
        """Takes the second tap. The question is closed before anything is awaited, so that it is answered once."""
        who = context.people.confirmations.who_asked(token)
        pending = context.people.confirmations.take(token, caller.user_id, caller.chat_id)
        if isinstance(pending, Refusal):
            return ChatMessage(context.texts(pending.value, who=short(who)))
        if caller.role < pending.role:
            return ChatMessage(button_needs_role(context, pending.role, caller))
        if not yes:
            return record(pending, context.texts("confirm.left", who=caller.name))
        if needs_code(context, pending):
            return record(pending, context.texts("web_app.code"))
        return record(pending, codes.lacking(context, caller, pending.risk) or await pending.act(pending.source_id))


def _menu(context: CommandContext) -> ChatMessage:
    """Returns the buttons on top. The first screen has the positions, and the questions that wait."""
    texts, wanted = (
        context.texts,
        {"key.positions": HOME, "web_app.chart": "/chart equity", "key.pnl": "/pnl", "key.status": "/status"},
    )
    keyboard: Keyboard = (tuple(Button(texts(key), data) for key, data in wanted.items()),)
    return ChatMessage("", keyboard)


def _as_json(message: ChatMessage) -> dict[str, object]:
    """Returns a message as the page reads it."""
    return {
        "text": redacted(message.text),
        "photo": base64.b64encode(message.photo).decode(),
        "keyboard": [[{"label": button.label, "data": button.data} for button in row] for row in message.keyboard],
    }
