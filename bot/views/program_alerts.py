"""Alerts about the program itself: started, a part that does not answer, a stranger who wrote. Pure."""

from bot.texts import Html, Texts, short
from bot.views.component_status import state_text
from bot.views.other_instance import QUIET_SECONDS
from bot.views.trading_mode import not_live
from bot.views.trading_state import trading_state_lines
from core.domain.events.access import StrangerSeen
from core.domain.events.outages import PartTroubled
from core.domain.events.process import Started


def started_lines(event: Started, texts: Texts) -> list[Html]:
    """Returns the alert that the program started, and in which state."""
    notes = [f"note.{note}" for note in event.notes]
    return [
        texts("started"),
        texts("started.version", version=event.version, trading_mode=event.trading_mode.upper()),
        *not_live(event.trading_mode, texts),
        trading_state_lines(event.controls, texts),
        texts("started.positions", count=event.open_positions),
        *_before(event, texts),
        *(
            texts(key, seconds=QUIET_SECONDS) if texts.has(key) else texts("note.unknown", note=short(note))
            for key, note in zip(notes, event.notes, strict=True)
        ),
    ]


def _before(event: Started, texts: Texts) -> list[Html]:
    """Returns who traded before, if this process waited for it, or when one last ran."""
    if event.predecessor:
        idle = texts.length(f"{event.idle_seconds:.1f}" if event.idle_seconds < 60 else f"{event.idle_seconds:.0f}")
        return [texts("started.took_over", predecessor=short(event.predecessor), duration=idle)]
    return [texts("started.away", time=texts.full_moment(event.away_since))] if event.away_since is not None else []


def part_lines(event: PartTroubled, texts: Texts) -> list[Html]:
    """Returns the alert that a part of the program stopped or resumed answering, and what that means for trading."""
    key, means = f"part.{event.part}", f"part.means.{event.part}"
    name = texts(key) if texts.has(key) else event.part
    lines = [texts("part.up" if event.recovered else "part.down", part=name)]
    if event.detail:
        lines.append(texts("part.detail", detail=state_text(event.detail, texts, 300)))
    return [*lines, texts(means)] if not event.recovered and texts.has(means) else lines


def stranger_lines(event: StrangerSeen, texts: Texts) -> list[Html]:
    """Returns the alert that somebody without access wrote to the bot."""
    return [texts("stranger", name=short(event.name), user_id=event.user_id)]
