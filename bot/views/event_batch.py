"""Many events as one message. Pure."""

from collections import Counter
from collections.abc import Sequence

from bot.texts import Html, Texts
from bot.views.chat_message import ChatMessage, plain_text
from bot.views.events import view_of
from bot.views.lost_exits import folded_exits
from core.domain.events.priority import Priority
from core.domain.outbox_item import OutboxItem

_UNITS = 1_500  # about a phone's screen
_LINES = 15


def render_line(item: OutboxItem, texts: Texts) -> Html:
    """Returns one event as one line: its own, or else the first line of its alert."""
    event, at = item.event, texts.time(item.at)
    view = view_of(event)
    line = view.line(event, at, texts)
    if line is not None:
        return line
    first_line = plain_text(view.lines(event, texts)[0]).partition("\n")[0]
    return texts("digest.other", time=at, first_line=first_line)


def render_digest(items: Sequence[OutboxItem], texts: Texts) -> ChatMessage:
    """Returns many events as one message: a line each up to a screen, then a count of the rest by kind."""
    lines = [texts.with_zone(texts("digest", count=len(items)), items[0].at)]
    size, shown = 0, 0
    for item in items:
        line = render_line(item, texts)
        size += len(line)
        if shown == _LINES or size > _UNITS:
            break
        lines.append(line)
        shown += 1
    if rest := items[shown:]:
        counted = Counter(view_of(item.event).counted_as for item in rest)
        counts = ", ".join(texts(f"digest.{kind}_count", count=count) for kind, count in counted.most_common())
        lines.append(texts("digest.rest", count=len(rest), counts=Html(counts)))
    held, buttons = folded_exits([item.event for item in items], texts)
    silent = all(item.event.priority is Priority.CHATTY for item in items)
    return ChatMessage("\n".join([*lines, *held]), buttons, silent=silent)
