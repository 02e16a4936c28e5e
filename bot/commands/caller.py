"""The person who sends a command or taps a button."""

from dataclasses import dataclass

from core.domain.access import Role


@dataclass(frozen=True, slots=True)
class Caller:
    """A person with access, in the chat they wrote in. `source_id` identifies the message or tap and is the same when Telegram
    delivers it again; `reply_to` is the message that it answers; `page` is the message of ours that the answer takes the
    place of: the one whose button was tapped."""

    user_id: int
    name: str
    role: Role
    source_id: str
    chat_id: int
    reply_to: int | None = None
    page: int | None = None

    @property
    def in_private(self) -> bool:
        """Tells whether nobody else reads the answer: https://core.telegram.org/bots/api#chat."""
        return self.chat_id == self.user_id
