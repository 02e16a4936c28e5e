"""/users: people and their roles. An owner invites by a link that works once, and revokes access."""

from dataclasses import replace
from functools import partial

from bot.access.confirmations import Risk
from bot.access.roles import digest_of, new_invite_token
from bot.commands.base import Args, Command, bad_argument, request
from bot.commands.caller import Caller
from bot.commands.confirm import ask
from bot.commands.context import CommandContext
from bot.commands.totp_challenge import with_code
from bot.texts import Html, short
from bot.views.chat_message import Button, ChatMessage, Keyboard
from core.domain.access import Person, Role
from core.domain.messages import AuthenticatorEnded, InviteRequested, InvitesWithdrawn, RevokeRequested
from core.domain.reasons import reason

_USAGE = "[invite viewer|trader|owner] [revoke ID] [codes ID] [withdraw]"
ROLE = Role.OWNER
_SHOWN = 20
_ROLES = {role.name.lower(): role for role in Role}


async def run(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:  # noqa: PLR0911 - flat: a line for each form
    """Invites, revokes or resets codes; without arguments it lists."""
    match [word.lower() for word in args]:
        case []:
            return _listed(context)
        case ["invite", word] if word in _ROLES:
            return await _invite(context, _ROLES[word], caller)
        case ["revoke", word] if word.isascii() and word.isdigit() and len(word) <= 18:
            return _ask_revoke(context, int(word))
        case ["revoke", word, "yes"] if word.isascii() and word.isdigit() and len(word) <= 18:
            return await _revoke(context, int(word), caller)
        case ["codes", word] if word.isascii() and word.isdigit() and len(word) <= 18:
            return _ask_codes(context, int(word), caller)
        case ["withdraw"]:
            trouble = await request(context, InvitesWithdrawn(caller.user_id, caller.name), caller)
            return ChatMessage(trouble or context.texts("people.withdrawn"))
    return bad_argument(context, args, COMMAND)


def _listed(context: CommandContext) -> ChatMessage:
    came = sorted(context.portfolio.people.values(), key=lambda person: (-person.role, person.name))
    came = [person for person in came if person.user_id not in context.people.roles.fixed]
    lines = [
        context.texts("people"),
        *(_fixed(context, person, role) for person, role in context.people.roles.fixed.items()),
        *(_line(context, person) for person in came[:_SHOWN]),
    ]
    if len(came) > _SHOWN:
        lines.append(context.texts("people.more", count=len(came) - _SHOWN))
    now = context.clock.now()
    links = sum(context.portfolio.granted(invite, now) is not None for invite in context.portfolio.invites.values())
    if links:
        lines.append(context.texts("people.links", count=links))
    return ChatMessage("\n".join(lines), _buttons(context, came[:_SHOWN], links))


def _role(context: CommandContext, role: Role) -> Html:
    return context.texts(f"role.{role.name.lower()}")


def _fixed(context: CommandContext, person: int, role: Role) -> Html:
    name = context.people.roles.names.get(person)
    key = "people.fixed" if name is None else "people.fixed_named"
    return context.texts(key, person=person, role=_role(context, role), name=name or "")


def _line(context: CommandContext, person: Person) -> Html:
    return context.texts(
        "people.line",
        name=short(person.name),
        person=person.user_id,
        role=_role(context, person.role),
        who=short(person.invited_by),
        time=context.texts.full_moment(person.since),
    )


def _buttons(context: CommandContext, came: list[Person], links: int) -> Keyboard:
    invite = tuple(
        Button(context.texts("people.invite_button", role=_role(context, role)), f"/users invite {role.name.lower()}")
        for role in (Role.VIEWER, Role.TRADER)
    )
    revoke = tuple((Button(f"🚫 {short(person.name, 24)}", f"/users revoke {person.user_id}"),) for person in came)
    withdraw = ((Button(context.texts("people.withdraw_button"), "/users withdraw"),),) if links else ()
    return (invite, *withdraw, *revoke)


async def _invite(context: CommandContext, role: Role, caller: Caller) -> ChatMessage:
    if not caller.in_private:
        return ChatMessage(context.texts("people.in_private"))
    text = context.texts("people.link_ask", role=_role(context, role))
    return await with_code(context, caller, ROLE, text, partial(_link, context, caller, role))


async def _link(context: CommandContext, caller: Caller, role: Role, source_id: str) -> str:
    word = new_invite_token()
    body = InviteRequested(digest_of(word), role, caller.user_id, caller.name)
    if trouble := await request(context, body, replace(caller, source_id=source_id)):
        return trouble
    link = f"https://t.me/{context.program.bot_name()}?start={word}"
    return context.texts("people.link", role=_role(context, role), link=link)


def _ask_codes(context: CommandContext, person: int, caller: Caller) -> ChatMessage:
    """Lets somebody whose authenticator is lost set up another one."""
    if person not in context.portfolio.authenticators:
        return ChatMessage(context.texts.reason(reason("no_authenticator", person=person)))
    text = context.texts("people.codes", person=person)
    return ask(context, caller, ROLE, text, partial(_end_codes, context, caller, person), risk=Risk.RAISES)


async def _end_codes(context: CommandContext, caller: Caller, person: int, source_id: str) -> str:
    body = AuthenticatorEnded(person, caller.user_id, caller.name)
    trouble = await request(context, body, replace(caller, source_id=source_id))
    return trouble or context.texts("people.codes_ended", person=person)


def _ask_revoke(context: CommandContext, user_id: int) -> ChatMessage:
    if user_id in context.people.roles.fixed:
        return ChatMessage(context.texts("people.is_fixed", person=user_id))
    person = context.portfolio.people.get(user_id)
    if person is None:
        return ChatMessage(context.texts("people.unknown", person=user_id))
    yes = Button(context.texts("people.revoke_yes"), f"/users revoke {user_id} yes")
    question = context.texts("people.revoke", name=short(person.name), role=_role(context, person.role))
    # An account of one's own, let in beforehand, would be a way back in, too.
    brought = [one for one in context.portfolio.people.values() if one.inviter == user_id]
    lines = [
        question,
        *([context.texts("people.brought"), *(_line(context, one) for one in brought[:_SHOWN])] if brought else []),
    ]
    return ChatMessage("\n".join(lines), ((yes, Button(context.texts("people.back"), "/users")),))


async def _revoke(context: CommandContext, user_id: int, caller: Caller) -> ChatMessage:
    links = [invite.inviter for invite in context.portfolio.invites.values()].count(user_id)
    trouble = await request(context, RevokeRequested(user_id, caller.user_id, caller.name), caller)
    if trouble:
        return ChatMessage(trouble)
    withdrawn = [context.texts("people.links_ended", count=links)] if links else []
    return ChatMessage("\n".join([context.texts("people.revoked", person=user_id), *withdrawn]))


COMMAND = Command("users", run, role=ROLE, arguments=_USAGE, examples=("", "invite viewer"))
