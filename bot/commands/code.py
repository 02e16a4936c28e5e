"""/code: sets up the authenticator for a person's one-time codes: a picture to scan, and a code that proves it was scanned."""

import asyncio
import io
from functools import partial

from pyotp import TOTP

from bot.access.confirmations import Risk
from bot.access.totp import ENROL_SECONDS, OneTimeCodes
from bot.commands.base import Args, Command, always, bad_argument
from bot.commands.caller import Caller
from bot.commands.confirm import ask
from bot.commands.context import CommandContext
from bot.views.chat_message import ChatMessage
from core.domain.access import Role
from core.domain.messages import AuthenticatorRequested
from core.records.message_outcome import MessageOutcome

ROLE = Role.TRADER
_USAGE = "[new]"
_ISSUER = "MarketFlow"


async def run(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:
    """Sets up a first authenticator at once and notifies the owners; replacing one needs a code of the current one."""
    codes, words = context.people.codes, [word.lower() for word in args]
    if words not in ([], ["new"]):
        return bad_argument(context, args, COMMAND)
    if codes is None:
        return ChatMessage(context.texts("code.off"))
    if not caller.in_private:
        return ChatMessage(context.texts("code.in_private"))
    one = codes.authenticator(caller.user_id)
    if one is None:
        codes.enrol(caller.user_id)
        return await setup_message(context, codes, caller)
    if not words:
        return ChatMessage(context.texts("code.set", time=context.texts.full_moment(one.since)))
    return ask(context, caller, ROLE, context.texts("code.new"), partial(_anew, context, caller), risk=Risk.RAISES)


async def _anew(context: CommandContext, caller: Caller, _source_id: str) -> str:
    if context.people.codes is None:
        return context.texts("code.off")
    context.people.codes.enrol(caller.user_id)
    return context.texts("code.next")


async def setup_message(context: CommandContext, codes: OneTimeCodes, caller: Caller) -> ChatMessage:
    """Returns the picture of the authenticator being set up, and its secret as text for those who cannot scan it."""
    begun = codes.enrolling(caller.user_id) or codes.enrol(caller.user_id)
    address = TOTP(begun.secret).provisioning_uri(name=f"@{context.program.bot_name()}", issuer_name=_ISSUER)
    text = context.texts("code.scan", secret=begun.secret, address=address, minutes=int(ENROL_SECONDS // 60))
    return ChatMessage(text, photo=await asyncio.to_thread(_qr_code, address), passes=ENROL_SECONDS)


def _qr_code(address: str) -> bytes:
    import segno  # noqa: PLC0415 - needed once for each person

    file = io.BytesIO()
    segno.make(address, error="m", micro=False).save(file, kind="png", scale=8, border=4)
    return file.getvalue()


async def confirmed(context: CommandContext, caller: Caller, code: str) -> tuple[ChatMessage, bool]:
    """Stores the authenticator that shows this code; returns whether it was stored."""
    codes = context.people.codes
    begun = codes.enrolling(caller.user_id) if codes is not None else None
    if codes is None or begun is None:
        return ChatMessage(context.texts("code.off")), False
    step = codes.first_step(code, begun)
    if step is None:
        return ChatMessage(context.texts("code.not_it")), False
    body = AuthenticatorRequested(begun.salt, codes.key, step, begun.replaces, caller.user_id, caller.name)
    outcome = await context.actions.put(caller, body)
    if not isinstance(outcome, MessageOutcome):
        return ChatMessage(context.texts("code.not_noted")), False
    codes.enrolled(caller.user_id)
    if outcome.reason is not None:
        return ChatMessage(context.texts("confirm.not_done", reason=context.texts.reason(outcome.reason))), True
    return ChatMessage(context.texts("code.kept")), True


COMMAND = Command("code", run, role=ROLE, arguments=_USAGE, examples=("", "new"), in_any_group=always)
