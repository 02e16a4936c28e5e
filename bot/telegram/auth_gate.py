"""The one gate in front of every command and every button: people without a right get no answer, and the owner is notified
once. Only a person's own new messages pass: nothing forwarded, quoted, edited, sent through a bot or by a channel."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import structlog
from telegram import Message, Update, User
from telegram.ext import ApplicationHandlerStop, CallbackContext

from bot.texts import short
from core.domain.access import Role
from core.domain.errors import LedgerUnavailable

log = structlog.get_logger(__name__)

_REMEMBERED = 10_000  # strangers that are known without asking the ledger again


class Strangers(Protocol):
    """Records strangers; the owner is notified of each once, also after a restart."""

    async def first_time_stranger(self, user_id: int, name: str) -> bool:
        """Tells whether this one is new; then the owner will be notified. Raises LedgerUnavailable."""
        ...


class Gate:
    """Lets an update pass when a person with a right sent it: in a group too the person counts. A person with a valid
    invitation passes too, with that one message, to be let in."""

    def __init__(
        self,
        role: Callable[[int], Role | None],
        is_invited: Callable[[str], bool],
        strangers: Strangers,
        explain: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Takes `role`, which returns a user id's role; `is_invited` tells whether a text contains an open invitation;
        `explain` tells a person with a right, in private, why a message that is not their own does nothing."""
        self._role = role
        self._is_invited = is_invited
        self._strangers = strangers
        self._explain = explain
        self._known: set[int] = set()

    async def check(self, update: Update, _context: CallbackContext[Any, Any, Any, Any]) -> None:
        """Raises ApplicationHandlerStop unless the update may go on to a handler."""
        person, message = _person_of(update), update.message
        known, own = person is not None and self._role(person.id) is not None, message is None or is_own(message)
        if person is not None and own and (known or self._comes_invited(update)):
            return
        try:
            if person is not None and not known:
                await self._tell_once(person)
            elif person is not None and message is not None and message.chat.type == message.chat.PRIVATE:
                await self._explain(message)
        except Exception as error:
            # With any other exception the library reports it and still calls the next handler.
            log.exception("the owner could not be notified of a stranger", error=type(error).__name__)
        raise ApplicationHandlerStop

    def _comes_invited(self, update: Update) -> bool:
        message = update.message
        return message is not None and message.chat.type == message.chat.PRIVATE and self._is_invited(message.text or "")

    async def _tell_once(self, person: User) -> None:
        if person.id in self._known or len(self._known) >= _REMEMBERED:
            return
        self._known.add(person.id)
        name = person.full_name + (f" @{person.username}" if person.username else "")
        try:
            if await self._strangers.first_time_stranger(person.id, short(name)):
                log.warning("a stranger wrote to the bot", user_id=person.id)
        except LedgerUnavailable as error:
            self._known.discard(person.id)
            log.warning("a stranger could not be recorded", user_id=person.id, error=str(error))


def is_own(message: Message) -> bool:
    """Tells whether a person wrote it themselves: https://core.telegram.org/bots/api#message. A command that is forwarded,
    sent through an inline bot or answers a quotation is another's text under their name."""
    foreign = (
        *(message.forward_origin, message.is_automatic_forward, message.via_bot, message.sender_business_bot),
        *(message.external_reply, message.quote, message.edit_date, message.sender_chat),
    )
    return not any(foreign)


def _person_of(update: Update) -> User | None:
    """Returns the person who wrote a new message or tapped a button. None for all the rest: edits, channels, anonymous admins,
    other bots."""
    if update.message is not None:
        person = None if update.message.sender_chat is not None else update.message.from_user
    else:
        person = update.callback_query.from_user if update.callback_query is not None else None
    return None if person is None or person.is_bot else person
