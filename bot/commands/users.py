"""/users: who may do what. An owner invites by a link that works once, and takes rights away."""

from dataclasses import replace
from functools import partial

from bot.access.confirmations import Risk
from bot.access.roles import digest_of, new_invite_word
from bot.commands.base import Args, Command, bad_argument, request
from bot.commands.confirm import ask
from bot.commands.context import Caller, Desk
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


async def run(desk: Desk, args: Args, caller: Caller) -> ChatMessage:  # noqa: PLR0911 - flat: a line for each form
    """Bare, it lists."""
    match [word.lower() for word in args]:
        case []:
            return _listed(desk)
        case ["invite", word] if word in _ROLES:
            return await _invite(desk, _ROLES[word], caller)
        case ["revoke", word] if word.isascii() and word.isdigit() and len(word) <= 18:
            return _ask_revoke(desk, int(word))
        case ["revoke", word, "yes"] if word.isascii() and word.isdigit() and len(word) <= 18:
            return await _revoke(desk, int(word), caller)
        case ["codes", word] if word.isascii() and word.isdigit() and len(word) <= 18:
            return _ask_codes(desk, int(word), caller)
        case ["withdraw"]:
            trouble = await request(desk, InvitesWithdrawn(caller.user_id, caller.name), caller)
            return ChatMessage(trouble or desk.texts("people.withdrawn"))
    return bad_argument(desk, args, f"users {_USAGE}")


def _listed(desk: Desk) -> ChatMessage:
    came = sorted(desk.book.people.values(), key=lambda person: (-person.role, person.name))
    came = [person for person in came if person.user_id not in desk.people.fixed]
    lines = [
        desk.texts("people"),
        *(_fixed(desk, person, role) for person, role in desk.people.fixed.items()),
        *(_line(desk, person) for person in came[:_SHOWN]),
    ]
    if len(came) > _SHOWN:
        lines.append(desk.texts("people.more", count=len(came) - _SHOWN))
    now = desk.clock.now()
    links = sum(desk.book.granted(invite, now) is not None for invite in desk.book.invites.values())
    if links:
        lines.append(desk.texts("people.links", count=links))
    return ChatMessage("\n".join(lines), _buttons(desk, came[:_SHOWN], links))


def _role(desk: Desk, role: Role) -> Html:
    return desk.texts(f"role.{role.name.lower()}")


def _fixed(desk: Desk, person: int, role: Role) -> Html:
    name = desk.people.names.get(person)
    key = "people.fixed" if name is None else "people.fixed_named"
    return desk.texts(key, person=person, role=_role(desk, role), name=name or "")


def _line(desk: Desk, person: Person) -> Html:
    return desk.texts(
        "people.line",
        name=short(person.name),
        person=person.user_id,
        role=_role(desk, person.role),
        who=short(person.invited_by),
        time=desk.texts.full_moment(person.since),
    )


def _buttons(desk: Desk, came: list[Person], links: int) -> Keyboard:
    invite = tuple(
        Button(desk.texts("people.invite_button", role=_role(desk, role)), f"/users invite {role.name.lower()}")
        for role in (Role.VIEWER, Role.TRADER)
    )
    revoke = tuple((Button(f"🚫 {short(person.name, 24)}", f"/users revoke {person.user_id}"),) for person in came)
    withdraw = ((Button(desk.texts("people.withdraw_button"), "/users withdraw"),),) if links else ()
    return (invite, *withdraw, *revoke)


async def _invite(desk: Desk, role: Role, caller: Caller) -> ChatMessage:
    if not caller.in_private:
        return ChatMessage(desk.texts("people.in_private"))
    text = desk.texts("people.link_ask", role=_role(desk, role))
    return await with_code(desk, caller, ROLE, text, partial(_link, desk, caller, role))


async def _link(desk: Desk, caller: Caller, role: Role, source_id: str) -> str:
    word = new_invite_word()
    wish = InviteRequested(digest_of(word), role, caller.user_id, caller.name)
    if trouble := await request(desk, wish, replace(caller, source_id=source_id)):
        return trouble
    link = f"https://t.me/{desk.bot_name()}?start={word}"
    return desk.texts("people.link", role=_role(desk, role), link=link)


def _ask_codes(desk: Desk, person: int, caller: Caller) -> ChatMessage:
    """Lets somebody whose authenticator is gone set up another one."""
    if person not in desk.book.authenticators:
        return ChatMessage(desk.texts.reason(reason("no_authenticator", person=person)))
    text = desk.texts("people.codes", person=person)
    return ask(desk, caller, ROLE, text, partial(_end_codes, desk, caller, person), risk=Risk.RAISES)


async def _end_codes(desk: Desk, caller: Caller, person: int, source_id: str) -> str:
    wish = AuthenticatorEnded(person, caller.user_id, caller.name)
    trouble = await request(desk, wish, replace(caller, source_id=source_id))
    return trouble or desk.texts("people.codes_ended", person=person)


def _ask_revoke(desk: Desk, user_id: int) -> ChatMessage:
    if user_id in desk.people.fixed:
        return ChatMessage(desk.texts("people.is_fixed", person=user_id))
    person = desk.book.people.get(user_id)
    if person is None:
        return ChatMessage(desk.texts("people.unknown", person=user_id))
    yes = Button(desk.texts("people.revoke_yes"), f"/users revoke {user_id} yes")
    question = desk.texts("people.revoke", name=short(person.name), role=_role(desk, person.role))
    # An account of one's own, let in beforehand, would be a way back in, too.
    brought = [one for one in desk.book.people.values() if one.inviter == user_id]
    lines = [question, *([desk.texts("people.brought"), *(_line(desk, one) for one in brought[:_SHOWN])] if brought else [])]
    return ChatMessage("\n".join(lines), ((yes, Button(desk.texts("people.back"), "/users")),))


async def _revoke(desk: Desk, user_id: int, caller: Caller) -> ChatMessage:
    links = [invite.inviter for invite in desk.book.invites.values()].count(user_id)
    trouble = await request(desk, RevokeRequested(user_id, caller.user_id, caller.name), caller)
    if trouble:
        return ChatMessage(trouble)
    withdrawn = [desk.texts("people.links_ended", count=links)] if links else []
    return ChatMessage("\n".join([desk.texts("people.revoked", person=user_id), *withdrawn]))


COMMAND = Command("users", run, role=ROLE, arguments=_USAGE)
