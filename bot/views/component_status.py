"""The state of the parts in the reader's language. Pure.

They report it in English, as `/readyz` and the log show it; text unknown here (from an exchange or a database) stays as it came.
"""

import re
from collections.abc import Mapping

from bot.texts import Html, Texts, short
from core.domain.messages import DeadLetter
from core.domain.record_problems import ProblemKind

_WORDS = tuple(
    (re.compile(pattern), f"word.{key}")
    for pattern, key in (
        (r"answers", "answers"),
        (r"alerts go out", "alerts_go_out"),
        (r"not reached yet", "not_reached"),
        (r"not asked yet", "not_asked"),
        (r"not read yet", "not_read"),
        (r"connecting", "connecting"),
        (r"migrated", "migrated"),
        (r"(?P<done>\d+) of (?P<total>\d+) symbols looked at", "looked_at"),
        (r"entries are halted: orders that are not of this ledger", "halted"),
        (r"not looked at yet", "not_looked_at"),
        (r"held by another process", "held"),
        (r"older than it was left", "set_back"),
        (r"open for reading only", "reading_only"),
        (r"has not answered for (?P<seconds>\d+) s", "silent"),
        (r"(?P<count>\d+) symbols loaded", "symbols"),
        (r"reading (?P<topic>.+), (?P<count>\d+) partition\(s\)", "reading"),
        (r"(?P<table>.+) is read every (?P<seconds>[\d.]+) s", "table"),
        (r"nothing waits that could be exported", "exported"),
        (r"cannot reach broker (?P<broker>\S+): connection refused", "broker_refused"),
        (r"cannot reach broker (?P<broker>\S+): no answer within (?P<seconds>[\d.]+) s.*", "broker_silent"),
        (r"broker (?P<broker>.+) broke the connection", "broker_broke"),
        (r"broker (?P<broker>.+) refused user name or password", "broker_password"),
        (r"It could not be written for (?P<seconds>\d+) s \((?P<why>.*)\)\. Nothing was traded meanwhile\.", "unwritten"),
        (r"nobody else polls Telegram", "alone"),
        (r"not known while Telegram does not answer", "alone_unknown"),
        (r"another program uses this bot's token; entries go on", "disturbed"),
        (r"another program uses this bot's token; no entries", "disturbed_closed"),
        (
            r"no entries before Telegram was polled undisturbed for (?P<seconds>\d+) s on end, or some minutes in a busy chat",
            "not_alone_yet",
        ),
        (r"over the WebSocket API", "orders_over_websocket"),
        (r"over REST while the WebSocket API is away", "orders_over_rest_meanwhile"),
        (r"over REST", "orders_over_rest"),
        (r"could not answer: (?P<error>\w+)", "could_not"),
    )
)


def state_text(word: str, texts: Texts, limit: int) -> Html:
    """Returns `word` in the reader's language, with foreign text in it cut to `limit` characters."""
    for pattern, key in _WORDS:
        if match := pattern.fullmatch(word):
            return texts(key, **{name: short(part, limit) for name, part in match.groupdict().items()})
    return texts("word.foreign", word=short(word, limit))


def problem_text(letter: DeadLetter | ProblemKind, texts: Texts, limit: int) -> str:
    """Returns why a record is not a signal, in the reader's language; in English, at most `limit` characters, where it was
    stored without its reason."""
    return texts.reason(letter.reason) if letter.reason is not None else short(letter.problem, limit)


def short_parts(health: Mapping[str, tuple[bool, str]], texts: Texts, limit: int) -> list[Html]:
    """Returns a line for each part of the program: well or not, and its detail, foreign text cut to `limit` characters."""
    lines = []
    for part, (well, word) in health.items():
        name = texts(f"part.{part}") if texts.has(f"part.{part}") else part
        lines.append(texts("status.part_up" if well else "status.part_down", part=name, word=state_text(word, texts, limit)))
    return lines
