"""Delivered alerts and delivery cursors."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.domain.events.priority import Priority

MAIN_READER = "main"
"""The reader that stands for the owner's chat, whichever chat that is."""


DeliveryCursor = Mapping[Priority, int]
"""A delivery cursor: for each priority, the seq of the last event that is done with."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A chat message and the events that it reports: those of `priority` from `first_seq` to `last_seq`. `question` is the inbox
    seq of the signal whose approval it asks for."""

    chat_id: int
    message_id: int
    priority: Priority
    first_seq: int
    last_seq: int
    question: int | None = None
