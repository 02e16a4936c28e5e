"""The confirmation flow: a question, the second tap, and a one-time code where one is required."""

from dataclasses import replace

import structlog
from telegram import CallbackQuery, MaybeInaccessibleMessage, Message
from telegram.error import TelegramError

from bot.access.confirmations import Pending, Refusal, Risk, confirm_keyboard
from bot.access.totp import CODE_DIGITS, digits_of
from bot.commands import approval_buttons as approvals
from bot.commands import code as code_command
from bot.commands import totp_challenge as codes
from bot.commands.caller import Caller
from bot.commands.confirm import question
from bot.commands.context import CommandContext
from bot.telegram.refusals import button_needs_role
from bot.telegram.replies import Replies
from bot.texts import short
from bot.views.chat_message import ChatMessage, Keyboard
from bot.views.reply_keyboard import Keys

log = structlog.get_logger(__name__)


class ConfirmationFlow:
    """Carries out what was confirmed: by a tap, or by a code that a person sends."""

    def __init__(self, replies: Replies) -> None:
        self._replies = replies

    async def tapped(self, context: CommandContext, query: CallbackQuery, caller: Caller, token: str, yes: bool) -> None:
        """Takes the second tap. The question is closed before anything is awaited, so that it is answered once."""
        who = context.people.confirmations.who_asked(token)
        pending = context.people.confirmations.take(token, caller.user_id, caller.chat_id)
        if isinstance(pending, Refusal):
            await self._replies.toast(query, context.texts(pending.value, who=short(who)))
            if pending is Refusal.GONE:
                await self._replies.remove_buttons(query)
        elif caller.role < pending.role:
            await self._replies.toast(query, button_needs_role(context, pending.role, caller))
        elif yes and needs_code(context, pending) and query.message is None:  # there is nowhere to ask for the code
            await self._replies.toast(query, context.texts("toast.no_message"))
        else:
            if query.message is not None:
                self._replies.questions.answered(query.message.chat.id, query.message.message_id)
            fresh, keys = await self._is_fresh(query), context.keys(caller)
            await self._replies.replace(query, await _outcome(context, query, caller, pending, yes=yes, fresh=fresh))
            if query.message is not None:
                await self._renew_keys(context, query.message, caller, keys)

    async def _renew_keys(self, context: CommandContext, beside: MaybeInaccessibleMessage, caller: Caller, before: Keys) -> None:
        """Sends the keyboard below the input field where what was confirmed has changed it: an edited message cannot have one."""
        keys = context.keys(caller)
        if keys != before:
            await self._replies.send(
                beside, ChatMessage(context.texts("confirm.keys", button=keys[-1][-1]), silent=True, keys=keys)
            )

    async def _is_fresh(self, query: CallbackQuery) -> bool:
        try:
            return await self._replies.toast(query, "")
        except TelegramError as error:
            # The question is less than a minute old, so the tap is fresh; it must not be lost with the answer to it.
            log.warning("a tap could not be answered", error=self._replies.sender.words(error))
            return True

    async def approval_tapped(self, context: CommandContext, query: CallbackQuery, caller: Caller) -> None:
        """Takes a tap below an approval; asks for a code first where it raises risk."""
        data = query.data or ""
        if caller.role < approvals.ROLE:
            await self._replies.toast(query, button_needs_role(context, approvals.ROLE, caller))
        elif context.people.codes is None or not approvals.raises_risk(context, data):
            await self._replies.toast(query, await approvals.answer(context, data, caller))
        elif query.message is None:  # there is nowhere to ask for the code
            await self._replies.toast(query, context.texts("toast.no_message"))
        else:
            await self._replies.toast(query, context.texts("toast.code"))
            asking = await approvals.answer_with_code(context, data, caller)
            await self._replies.send(query.message, asking, reply_to=query.message.message_id)

    async def took_code(self, context: CommandContext, message: Message, caller: Caller) -> bool:
        """Takes a message that is, or is meant as, a code somebody waits for; returns False for every other message."""
        digits = digits_of(message.text or "")
        if digits and context.people.confirmations.awaiting_code(caller.user_id, caller.chat_id):
            if len(digits) == CODE_DIGITS:
                await self._confirm_by_code(context, message, caller, digits)
            else:
                await self._replies.say(message, codes.not_a_code(context, caller, digits))
            return True
        if len(digits) != CODE_DIGITS:
            return False
        if caller.in_private and context.people.codes is not None and context.people.codes.enrolling(caller.user_id):
            await self._enrol(context, message, caller, digits)
            return True
        return False

    async def _confirm_by_code(self, context: CommandContext, message: Message, caller: Caller, digits: str) -> None:
        """Carries out what the code confirms; after a wrong one the question waits on. The message with the code is deleted where
        the bot may do so."""
        found = context.people.confirmations.take_coded(caller.user_id, caller.chat_id)
        if found is None or context.people.codes is None:
            return
        pending, asked = found
        begun, keys = context.people.codes.enrolling(caller.user_id), context.keys(caller)
        expiry = self._replies.questions.answered(message.chat.id, asked) if asked is not None else None
        await self._replies.delete(message)
        if caller.role < pending.role:
            outcome: str = button_needs_role(context, pending.role, caller)
        else:
            refused = await codes.why_not(context, caller, digits)
            if refused is not None and refused.is_wrong and context.people.confirmations.await_again(pending, asked):
                if asked is not None:
                    self._replies.questions.watch(message.chat.id, asked, expiry)
                await self._replies.say(message, codes.wrong_code(context, caller, refused))
                return
            outcome = refused.text if refused is not None else await pending.act(pending.source_id)
        closed = record(pending, outcome)
        if asked is None or not await self._replies.edit(message.chat.id, asked, closed):
            await self._replies.say(message, closed)
        await self._renew_keys(context, message, caller, keys)
        if context.people.codes.enrolling(caller.user_id) is not begun:
            await self._replies.say(message, await code_command.setup_message(context, context.people.codes, caller))

    async def _enrol(self, context: CommandContext, message: Message, caller: Caller, digits: str) -> None:
        """Takes the first code of a new authenticator; its picture is deleted with it."""
        await self._replies.delete(message)
        reply, kept = await code_command.confirmed(context, caller, digits)
        if kept:
            await self._replies.expiring.take_away(message.chat.id)
        await self._replies.say(message, reply)


def needs_code(context: CommandContext, pending: Pending) -> bool:
    return pending.risk is Risk.RAISES and context.people.codes is not None


async def _outcome(
    context: CommandContext, query: CallbackQuery, caller: Caller, pending: Pending, *, yes: bool, fresh: bool
) -> ChatMessage:
    """Carries out a confirmed request, or asks again or for a code; returns what replaces the question."""
    if not yes:
        return record(pending, context.texts("confirm.left", who=caller.name))
    if not fresh and pending.risk is Risk.RAISES:
        # A person who wants out is not asked a third time; one who wants in may have changed their mind since.
        keyboard = confirm_keyboard(context.people.confirmations.ask_anew(pending), context.texts)
        return question(context, pending.text, context.texts("confirm.late"), keyboard, _after(pending))
    why = codes.lacking(context, caller, pending.risk)
    if why is not None:
        outcome: str = why
    elif needs_code(context, pending) and query.message is not None:
        context.people.confirmations.await_code(pending, query.message.message_id)
        return question(context, pending.text, codes.asked_for(context, caller), after=_after(pending))
    else:
        outcome = await pending.act(pending.source_id)
    return record(pending, outcome)


def record(pending: Pending, outcome: str) -> ChatMessage:
    """Returns what the question becomes: itself with its outcome, or the page that it came from below the outcome."""
    if pending.page is None:
        return ChatMessage(f"{pending.text}\n\n{outcome}")
    page = pending.page()
    return replace(page, text=f"{outcome}\n\n{page.text}")


def _after(pending: Pending) -> Keyboard:
    return pending.page().keyboard if pending.page is not None else ()
