"""Rejected records and requests as lines of a message. Pure; their contents are escaped."""

from collections.abc import Sequence

from bot.texts import Html, Texts, short
from bot.views.component_status import problem_text
from core.domain.events.intake import DeadLettersFound, RequestsRefused
from core.domain.events.outages import OutageOver
from core.domain.record_problems import ProblemKind

_RAW_SHOWN = 80  # bytes of an unreadable record
_KINDS_SHOWN = 8
_EXITS_SHOWN = 15


def dead_letters(count: int, first: DeadLettersFound, kinds: Sequence[ProblemKind], texts: Texts) -> list[Html]:
    """Returns `count` unreadable records as one message; `first` is the earliest of them, `kinds` are their problems."""
    letter = first.sample
    lines = [texts("dead_letters", count=count)]
    if len(kinds) > 1:
        lines += [_kind(kind, texts) for kind in kinds[:_KINDS_SHOWN]]
        if rest := sum(kind.count for kind in kinds[_KINDS_SHOWN:]):
            lines.append(texts("dead_letters.others", count=rest))
    else:
        lines.append(texts("dead_letters.first", problem=problem_text(letter, texts, 200)))
        lines.append(texts("dead_letters.where", position=short(letter.position)))
    raw = letter.raw[:_RAW_SHOWN].decode(errors="replace")
    if shown := "".join(character if character.isprintable() else "·" for character in raw):
        lines.append(texts("dead_letters.raw_first" if len(kinds) > 1 else "dead_letters.raw", raw=shown))
    return [*lines, texts("dead_letters.see")]


def _kind(kind: ProblemKind, texts: Texts) -> Html:
    if not kind.problem:
        return texts("dead_letters.others", count=kind.count)
    return texts("dead_letters.kind", count=kind.count, problem=problem_text(kind, texts, 160), position=short(kind.position))


def requests_refused(event: RequestsRefused, texts: Texts) -> list[Html]:
    """Returns the unauthenticated requests, and what the owner can do if they came from the owner's own sender."""
    count = sum(number for _, number in event.kinds)
    return [
        texts("requests_refused", count=count, time=texts.exact_time(event.since)),
        *(texts("requests_refused.kind", count=number, why=_why(code, texts)) for code, number in event.kinds),
        texts("requests_refused.next"),
    ]


def _why(code: str, texts: Texts) -> Html:
    key = f"requests_refused.{code}"
    return texts(key) if texts.has(key) else texts("requests_refused.other")


def outage_over(event: OutageOver, texts: Texts) -> list[Html]:
    """Returns what became of the exits that arrived during an outage; those that were not sold come first."""
    part = texts(f"part.{event.part}") if texts.has(f"part.{event.part}") else event.part
    lines = [
        texts(
            "outage_over",
            part=part,
            since=texts.time(event.since),
            until=texts.exact_time(event.until),
            count=len(event.exits),
        )
    ]
    for one in sorted(event.exits, key=lambda exit_: exit_.became == "sold")[:_EXITS_SHOWN]:
        signal = one.signal
        shown = {"signal_type": short(signal.signal_type), "symbol": short(signal.symbol), "time": texts.exact_time(signal.ts)}
        why = {"reason": texts.reason(one.reason)} if one.reason is not None else {}
        lines.append(texts(f"outage_over.{one.became}", **shown, **why))
    if (rest := len(event.exits) - _EXITS_SHOWN) > 0:
        lines.append(texts("outage_over.more", count=rest))
    if any(one.became != "sold" for one in event.exits):
        lines.append(texts("outage_over.next"))
    return lines
