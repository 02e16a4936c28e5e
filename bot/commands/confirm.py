"""Confirmation questions as messages."""

from bot.access.confirmations import SECONDS, Act, Page, Risk, confirm_keyboard
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.totp_challenge import lacking
from bot.views.chat_message import ChatMessage, Expiry, Keyboard
from core.domain.access import Role


def ask(
    context: CommandContext, caller: Caller, role: Role, text: str, act: Act, *, risk: Risk, page: Page | None = None
) -> ChatMessage:
    """Shows `text` with the buttons that confirm it; `act` is done at the second tap of the same person in the same chat, who
    must still have `role` then. An act that raises risk needs a one-time code too, where codes are on. Afterwards the message is
    `page` again, where one is given."""
    after = page().keyboard if page is not None else ()
    if (why := lacking(context, caller, risk)) is not None:
        return ChatMessage(f"{text}\n\n{why}", after)
    token = context.people.confirmations.add(
        user_id=caller.user_id, who=caller.name, chat_id=caller.chat_id, role=role, text=text, act=act, risk=risk, page=page
    )
    return question(context, text, context.texts("confirm.sure"), confirm_keyboard(token, context.texts), after)


def question(context: CommandContext, text: str, asked: str, keyboard: Keyboard = (), after: Keyboard = ()) -> ChatMessage:
    """Shows `text` and what is asked about it, until the question's time is over; then it has the buttons `after`."""
    expiry = Expiry(context.clock.monotonic() + SECONDS, f"{text}\n\n{context.texts('confirm.expired')}", after)
    return ChatMessage(f"{text}\n\n{asked}", keyboard, expiry=expiry)
