"""Asks for a one-time code before an act that raises risk or grants a right, and never before one that lowers risk."""

from dataclasses import dataclass

from bot.access.confirmations import Act, Risk
from bot.access.totp import CodeCheck
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.texts import Html
from bot.views.chat_message import ChatMessage
from core.domain.access import Role
from core.domain.messages import CodeRefused, CodeUsed
from core.records.message_outcome import MessageOutcome


def lacking(context: CommandContext, caller: Caller, risk: Risk) -> Html | None:
    """Returns why this person cannot confirm it: a code is needed, and no authenticator was set up."""
    if risk is Risk.LOWERS or context.people.codes is None or context.people.codes.authenticator(caller.user_id) is not None:
        return None
    return context.texts("code.enrol_first")


async def with_code(context: CommandContext, caller: Caller, role: Role, text: str, act: Act) -> ChatMessage:
    """Does an act that raises risk and needs no second tap: at once, or where codes are on, once the code has come, of a
    person who must still have `role` then. `text` describes it."""
    if context.people.codes is None:
        return ChatMessage(await act(caller.source_id))
    if (why := lacking(context, caller, Risk.RAISES)) is not None:
        return ChatMessage(f"{text}\n\n{why}")
    context.people.confirmations.await_code_of(
        user_id=caller.user_id, who=caller.name, chat_id=caller.chat_id, role=role, text=text, act=act, risk=Risk.RAISES
    )
    return ChatMessage(f"{text}\n\n{asked_for(context, caller)}")


def asked_for(context: CommandContext, caller: Caller) -> Html:
    """Asks for the code. In a group most bots only receive messages that reply to them."""
    return context.texts("code.ask" if caller.in_private else "code.ask_group")


@dataclass(frozen=True, slots=True)
class Refused:
    """The reason why a code is not accepted; `is_wrong`: another may be tried."""

    text: Html
    is_wrong: bool = False


async def why_not(context: CommandContext, caller: Caller, code: str) -> Refused | None:
    """Uses a code up, or counts it as wrong, in the ledger, so that a restart forgets neither; returns None once it is used,
    else why not. Where the ledger cannot store it, nobody learns whether it was right."""
    if context.people.codes is None:
        return Refused(context.texts("code.wrong"))
    step, one = context.people.codes.judge(code, caller.user_id), context.people.codes.authenticator(caller.user_id)
    if one is None or step is CodeCheck.NONE or step is CodeCheck.LOCKED:
        return Refused(context.texts(step.value if isinstance(step, CodeCheck) else "code.wrong"))
    about = one.salt, caller.user_id, caller.name
    body = CodeRefused(*about) if step is CodeCheck.WRONG else CodeUsed(one.salt, step, caller.user_id, caller.name)
    outcome = await context.actions.put_as(f"code:{caller.source_id}", body)
    if not isinstance(outcome, MessageOutcome):
        return Refused(context.texts("code.not_noted"))
    if step is CodeCheck.WRONG:
        locked = outcome.reason is not None or context.people.codes.judge(code, caller.user_id) is CodeCheck.LOCKED
        return Refused(context.texts("code.locked" if locked else "code.wrong"), is_wrong=not locked)
    if outcome.reason is None:
        return None
    return Refused(context.texts("confirm.not_done", reason=context.texts.reason(outcome.reason)))


def not_a_code(context: CommandContext, caller: Caller, digits: str) -> ChatMessage:
    """Answers digits that are too many or too few for the code that is waited for."""
    text = context.texts("code.length", count=len(digits))
    return ChatMessage(f"{text}\n{_again(context, caller)}")


def wrong_code(context: CommandContext, caller: Caller, refused: Refused) -> ChatMessage:
    """Answers a wrong code while its question waits for another."""
    return ChatMessage(f"{refused.text}\n{_again(context, caller)}")


def _again(context: CommandContext, caller: Caller) -> Html:
    seconds = context.people.confirmations.seconds_for_code(caller.user_id, caller.chat_id)
    return context.texts("code.again" if caller.in_private else "code.again_group", seconds=seconds)
