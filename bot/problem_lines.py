"""What came in and could not be taken, as lines of a message. Pure; what records and requests held is escaped."""

from collections.abc import Sequence

from bot.state_words import problem_words
from bot.texts import Html, Texts, short
from core.domain.events import DeadLettersFound, RequestsRefused
from core.domain.problems import ProblemKind

_RAW_SHOWN = 80  # bytes of an unreadable record
_KINDS_SHOWN = 8


def dead_letters(count: int, first: DeadLettersFound, kinds: Sequence[ProblemKind], texts: Texts) -> list[Html]:
    """`count` unreadable records as one message; `first` is the earliest of them, `kinds` are the problems that they have."""
    letter = first.sample
    lines = [texts("dead_letters", count=count)]
    if len(kinds) > 1:
        lines += [_kind(kind, texts) for kind in kinds[:_KINDS_SHOWN]]
        if rest := sum(kind.count for kind in kinds[_KINDS_SHOWN:]):
            lines.append(texts("dead_letters.others", count=rest))
    else:
        lines.append(texts("dead_letters.first", problem=problem_words(letter, texts, 200)))
        lines.append(texts("dead_letters.where", position=short(letter.position)))
    raw = letter.raw[:_RAW_SHOWN].decode(errors="replace")
    if shown := "".join(character if character.isprintable() else "·" for character in raw):
        lines.append(texts("dead_letters.raw_first" if len(kinds) > 1 else "dead_letters.raw", raw=shown))
    return [*lines, texts("dead_letters.see")]


def _kind(kind: ProblemKind, texts: Texts) -> Html:
    if not kind.problem:
        return texts("dead_letters.others", count=kind.count)
    return texts("dead_letters.kind", count=kind.count, problem=problem_words(kind, texts, 160), position=short(kind.position))


def requests_refused(event: RequestsRefused, texts: Texts) -> list[Html]:
    """Requests of whoever had not proved the secret, and what the owner can do if it was the owner's own sender."""
    count = sum(number for _, number in event.kinds)
    return [
        texts("requests_refused", count=count, time=texts.time(event.since)),
        *(texts("requests_refused.kind", count=number, why=_why(code, texts)) for code, number in event.kinds),
        texts("requests_refused.next"),
    ]


def _why(code: str, texts: Texts) -> Html:
    key = f"requests_refused.{code}"
    return texts(key) if texts.has(key) else texts("requests_refused.other")
