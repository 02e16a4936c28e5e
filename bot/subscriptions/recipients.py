"""The recipients of notifications: the owner's chat, and everybody with a right who has started the bot."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.access.roles import Roles
from bot.subscriptions.notification_rules import Recipient, theme_of
from bot.texts import texts
from core.domain.access import Reader, Role
from core.domain.delivery import MAIN_READER
from core.state.portfolio import Portfolio


@dataclass(frozen=True, slots=True)
class Recipients:
    """Finds recipients. `chat_id` is the owner's chat, `thread_id` a topic of it; `language` and `zone` are defaults;
    `bot_name` is the bot's user name, empty while unknown."""

    chat_id: int
    thread_id: int | None
    language: str
    zone: str
    people: Roles
    portfolio: Portfolio
    bot_name: Callable[[], str] = str

    def main(self) -> Recipient:
        """Returns the owner's chat, which always receives notifications."""
        return self._recipient(MAIN_READER, self.reader(self.chat_id), Role.OWNER)

    def persons(self) -> Mapping[str, Recipient]:
        """Returns the private chats besides it, by key. A person whose right ended receives nothing more."""
        found = {}
        for reader in self.portfolio.readers.values():
            role = self.people.role(reader.chat_id)
            if role is not None and reader.active and reader.chat_id != self.chat_id:
                key = str(reader.chat_id)
                found[key] = self._recipient(key, reader, role)
        return found

    def recipient(self, chat_id: int) -> Recipient | None:
        """Returns this chat as a recipient; None where it is not one."""
        return self.main() if chat_id == self.chat_id else self.persons().get(str(chat_id))

    def reader(self, chat_id: int) -> Reader:
        """Returns a chat's notification settings; the defaults where none were set."""
        return self.portfolio.readers.get(chat_id) or Reader(chat_id)

    def speech(self, chat_id: int) -> tuple[str, str]:
        """Returns the language and time zone of a chat or a person."""
        reader = self.reader(chat_id)
        return reader.language or self.language, reader.zone or self.zone

    def theme(self, chat_id: int) -> str:
        """Returns the theme of a chat's or a person's charts."""
        return theme_of(self.reader(chat_id))

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
            notified_elsewhere=not is_main and self.chat_id < 0,
        )
