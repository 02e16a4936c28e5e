"""Who is told what happens: the owner's chat, and everybody with a right who has started the bot."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.access.roles import Roles
from bot.subscriptions.notification_rules import Recipient
from bot.texts import texts
from core.domain.access import Reader, Role
from core.ports import MAIN_READER
from core.state.portfolio import Portfolio


@dataclass(frozen=True, slots=True)
class Recipients:
    """`chat_id` is the owner's chat, `thread_id` a topic of it; `language` and `zone` are for whoever has chosen none;
    `bot_name` is the bot's user name, empty while it is not known."""

    chat_id: int
    thread_id: int | None
    language: str
    zone: str
    people: Roles
    portfolio: Portfolio
    bot_name: Callable[[], str] = str

    def main(self) -> Recipient:
        """The owner's chat, which is always told."""
        return self._recipient(MAIN_READER, self.reader(self.chat_id), Role.OWNER)

    def persons(self) -> Mapping[str, Recipient]:
        """The private chats besides it, by key. One whose right ended is told nothing more."""
        found = {}
        for reader in self.portfolio.readers.values():
            role = self.people.role(reader.chat_id)
            if role is not None and reader.active and reader.chat_id != self.chat_id:
                key = str(reader.chat_id)
                found[key] = self._recipient(key, reader, role)
        return found

    def recipient(self, chat_id: int) -> Recipient | None:
        """How this chat is told; None where it is not."""
        return self.main() if chat_id == self.chat_id else self.persons().get(str(chat_id))

    def reader(self, chat_id: int) -> Reader:
        """How a chat wants to be told; as nobody has said where nobody has."""
        return self.portfolio.readers.get(chat_id) or Reader(chat_id)

    def speech(self, chat_id: int) -> tuple[str, str]:
        """Language and time zone of a chat or a person."""
        reader = self.reader(chat_id)
        return reader.language or self.language, reader.zone or self.zone

    def _recipient(self, key: str, reader: Reader, role: Role) -> Recipient:
        is_main = key == MAIN_READER
        person = None if reader.chat_id in self.people.fixed else self.portfolio.people.get(reader.chat_id)
        return Recipient(
            key=key,
            chat_id=reader.chat_id,
            role=role,
            reader=reader,
            texts=texts(*self.speech(reader.chat_id)),
            thread_id=self.thread_id if is_main else None,
            bot_name=self.bot_name(),
            since=person.since if person is not None else None,
            told_elsewhere=not is_main and self.chat_id < 0,
        )
