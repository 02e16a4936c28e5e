"""Big and odd records: whatever their shape, reading, storing and showing them takes little of the event loop's time.

Measures processor time, which other programs do not affect, and compares it with half the size.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from bot.settings.redaction import Redactor
from bot.texts import texts
from bot.views.rejected_records import dead_letters
from bot.views.signal_story import letter_lines, story_lines
from bot.web.webhook import letter_of
from core.adapters.kafka.record_reader import portions
from core.adapters.ledger import codec
from core.adapters.signals.codec import MAX_BYTES, Unreadable, decode
from core.domain.events.intake import DeadLettersFound
from core.domain.messages import DeadLetter, SignalReceived
from core.domain.reasons import reason
from core.domain.record_problems import kinds_of
from core.domain.signal import Signal
from core.read_models import LetterStory, Story

MOST_SECONDS = 0.020
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Shape:
    """A record that is filled up with pieces."""

    piece: Callable[[int], str]
    end: str

    def of(self, size: int, start: str = "") -> bytes:
        record = ['{"signal_type":"BUY_SM","close":1', start]
        length = sum(map(len, record)) + len(self.end)
        for number in range(size):
            piece = self.piece(number)
            length += len(piece.encode())
            if length > size:
                break
            record.append(piece)
        return "".join([*record, self.end]).encode()


def text(piece: str, start: str = "", name: str = "x") -> Shape:
    return Shape(lambda number: piece if number else f',"{name}":"{start}', '"}')


SHAPES = {
    "wide": Shape(lambda number: f',"k{number}":1', "}"),
    "one name again and again": Shape(lambda _: ',"k":1', "}"),
    "a long list": Shape(lambda number: "1," if number else ',"x":[', "1]}"),
    "deep lists": Shape(lambda number: "[" if number else ',"x":', ""),
    "deep objects": Shape(lambda number: '{"a":' if number else ',"x":', ""),
    "deep and wide": Shape(lambda number: f',"k{number}":' + "[" * 18 + "]" * 18, "}"),
    "many big integers": Shape(lambda number: "9" * 39 + "," if number else ',"x":[', "1]}"),
    "one big integer": Shape(lambda number: "9" if number else ',"x":', "}"),
    "one long fraction": Shape(lambda number: "9" if number else ',"x":0.', "}"),
    "exponents": Shape(lambda number: "1e9," if number else ',"x":[', "1]}"),
    "white space": Shape(lambda _: " ", "}"),
    "escapes": text("\\u0041"),
    "letters that stand for eighteen": text("\ufdfa", "BTC"),
    "a name of such letters": Shape(lambda number: "\ufdfa" if number else ',"', '":1}'),
    "long names": Shape(lambda number: f',"{number}{"aB" * 95}":1', "}"),
    "names of coins": Shape(lambda number: f',"a{number}coin":"WIFUSDC"', "}"),
    "amounts of coins": Shape(lambda number: f',"coin_qty{number}":1', "}"),
    "pairs": text("WIFUSDC "),
    "pairs with a stroke": text("WIF/USDC "),
    "strokes": text("A/", "BTC"),
    "short words": text("A ", "BTC"),
    "one long word": text("a", "USDC", "coin_x"),
    "braces": text("{ ", "coin BTC"),
    "placeholders that end": text("{aaaaaaaaaaaaaaaaaaaaa ", "coin BTC"),
    "backslashes": text("\\\\"),
    "emoji": text("🦄"),
}
NAMED = ',"symbol":"WIFUSDC"'


def read(record: bytes) -> Signal | Unreadable:
    return decode(record, record_ts=NOON, source="kafka:t", default_id="t/0/7", default_symbol="WIFUSDC", beside={"key": "k"})


def all_of_it(record: bytes) -> None:
    """Does everything that the event loop does with one record."""
    found = read(record)
    if isinstance(found, Signal):
        codec.bodies.encode(SignalReceived(found))
        story = Story(1, found, None, NOON, None, None, None, None, None, [], [], None, None, [])
        story_lines(story, texts("ru"), full=True)
        return
    letter = DeadLetter("kafka:t", "t/0/7", found.problem, record[:2048], NOON, found.reason)
    event = DeadLettersFound(1, letter, kinds_of([letter]))
    codec.events.encode(event)
    dead_letters(1, event, event.kinds, texts("ru"))
    letter_lines(LetterStory(1, letter), texts("ru"))


def seconds(work: Callable[[bytes], None], record: bytes) -> float:
    """Returns the shortest of several runs, in this thread's processor time."""
    return min(_once(work, record) for _ in range(4))


def _once(work: Callable[[bytes], None], record: bytes) -> float:
    began = time.thread_time()
    work(record)
    return time.thread_time() - began


@pytest.fixture(autouse=True, scope="module")
def _warm() -> None:
    """Runs everything once that happens only once per process."""
    for shape in (SHAPES["wide"], SHAPES["pairs"]):
        all_of_it(shape.of(1_000))
        all_of_it(shape.of(300))


@pytest.mark.parametrize("start", ["", NAMED], ids=["unnamed", "named"])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_largest_record_of_any_shape_is_cheap(shape: str, start: str) -> None:
    whole, half = (SHAPES[shape].of(size, start) for size in (MAX_BYTES, MAX_BYTES // 2))
    assert MAX_BYTES * 0.95 < len(whole) <= MAX_BYTES
    took = seconds(all_of_it, whole)
    assert took < MOST_SECONDS
    # Twice the size takes about twice as long, not four times.
    assert took < 3 * seconds(all_of_it, half) + 0.001


@pytest.mark.parametrize("shape", SHAPES)
def test_a_megabyte_of_any_shape_costs_next_to_nothing(shape: str) -> None:
    record = SHAPES[shape].of(MEGABYTE)
    assert isinstance(found := read(record), Unreadable)
    assert found.reason.code == "record_too_long"
    assert seconds(all_of_it, record) < MOST_SECONDS / 4


@pytest.mark.parametrize("piece", ["\\", "%25", "s3cret", "правда", "a"])
def test_what_is_kept_of_a_body_without_its_secret_is_cheap(piece: str) -> None:
    redactor, why = Redactor(["правда-s3cret"]), reason("record_empty")

    def keep(body: bytes) -> None:
        letter_of(body, why, redactor, NOON)

    assert seconds(keep, (piece * (MAX_BYTES // len(piece.encode()))).encode()) < MOST_SECONDS


@pytest.mark.parametrize(
    ("sizes", "counts"),
    [
        ([260] * 500, [250, 250]),
        ([270] * 500, [242, 242, 16]),
        ([1] * 501, [250, 250, 1]),
        ([MAX_BYTES] * 9, [4, 4, 1]),
        ([MEGABYTE] * 300, [250, 50]),
        ([MEGABYTE, MAX_BYTES, MAX_BYTES, 0, MAX_BYTES, MAX_BYTES, 1], [6, 1]),
        ([10], [1]),
    ],
)
def test_many_are_read_in_portions(sizes: list[int], counts: list[int]) -> None:
    records = [SimpleNamespace(value=bytes(size)) for size in sizes]
    found = [list(portion) for portion in portions(records)]
    assert [len(portion) for portion in found] == counts
    assert [record for portion in found for record in portion] == records
