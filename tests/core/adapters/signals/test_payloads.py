"""The result for each shape of record (tests/data/payloads.txt), and the rule behind it: only what is named is traded.

docs/signals.md shows the table; REWRITE=1 regenerates the page, never the table.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.texts import texts
from core.adapters.signals.codec import Unreadable, decode
from core.adapters.signals.instrument import NAMES
from core.domain.dca_step import DcaStep
from core.domain.exit_plan import Breakeven, ExitPlan, Level
from core.domain.limit_entry import LimitEntry
from core.domain.money import plain
from core.domain.record_reasons import RECORD_SENTENCES
from core.domain.signal import Signal
from tests.paths import DATA, ROOT

TABLE = DATA / "payloads.txt"
PAGE = ROOT / "docs" / "signals.md"
BEGIN, END = "<!-- the table -->\n", "<!-- the end of the table -->\n"
SPOKEN = {"(nothing)": "", "(blanks)": "   "}
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
DEFAULT = "WIFUSDC"

# Sentences that no JSON text can trigger: they have tests of their own.
ELSEWHERE = {
    *("record_too_long", "record_not_text", "record_too_deep", "record_too_many", "record_number_digits", "record_long_name"),
    *("record_without_time", "ts_missing"),
}


def shapes() -> Iterator[tuple[str, str, str]]:
    """Yields heading, record and result."""
    heading = ""
    lines = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if line.strip()]
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        elif not line.startswith("    -> "):
            yield heading, line, after.removeprefix("    -> ")


def read(record: bytes, **beside: str) -> Signal | Unreadable:
    return decode(record, record_ts=NOON, source="kafka:t", default_id="t/0/7", default_symbol=DEFAULT, beside=beside)


def written(shown: str) -> bytes:
    return SPOKEN.get(shown, shown.replace("(byte order mark)", "\ufeff")).encode()


def told(found: Signal | Unreadable) -> str:
    if isinstance(found, Unreadable):
        return f"refused: {found.problem}"
    parts = [
        f"{found.signal_type} {found.symbol} at {plain(found.close)}",
        *([f"made {found.ts.isoformat()}"] if found.ts != NOON else []),
        *([f"good for {found.valid_for.total_seconds():g} s"] if found.valid_for is not None else []),
        *([f"id {found.signal_id}"] if found.signal_id != "t/0/7" else []),
        *([entered(found.entry)] if found.entry is not None else []),
        *([planned(found.plan)] if found.plan is not None else []),
        *([f"{found.size.kind} {plain(found.size.amount)}"] if found.size is not None else []),
        *([", ".join(map(stepped, found.steps))] if found.steps is not None else []),
        *([f"kept: {', '.join(found.extra)}"] if found.extra else []),
    ]
    return ", ".join(parts)


def entered(entry: LimitEntry) -> str:
    if entry.expires_in is None:
        return f"{entry.type} at {plain(entry.limit_price)} ({entry.time_in_force})"
    return f"{entry.type} at {plain(entry.limit_price)} for {entry.expires_in.total_seconds():g} s, then {entry.on_timeout}"


def stepped(step: DcaStep) -> str:
    size = f"{plain(step.factor)} times as much" if step.size is None else f"{step.size.kind} {plain(step.size.amount)}"
    return f"step {plain(step.pct)}% below: {size}"


def planned(plan: ExitPlan) -> str:
    stops = [f"stop {distance(plan.stop.level)}"] if plan.stop is not None else []
    if plan.stop is not None and plan.stop.limit_offset_pct is not None:
        stops[0] += f" (limit {plain(plan.stop.limit_offset_pct)}% below)"
    targets = [f"target {distance(one.level)} for {plain(one.share)}%" for one in plan.targets]
    return ", ".join([*stops, *targets, *([moved(plan.breakeven)] if plan.breakeven is not None else []), *timed(plan)])


def timed(plan: ExitPlan) -> list[str]:
    trailing = plan.trailing
    end = [] if plan.time_limit is None else [f"sold after {plan.time_limit.total_seconds():g} s"]
    if trailing is None:
        return end
    start = "" if trailing.activation_pct is None else f" from {plain(trailing.activation_pct)}%"
    return [*end, f"trailing {plain(trailing.pct)}%{start}"]


def moved(breakeven: Breakeven) -> str:
    after = "the first target" if breakeven.after_pct is None else f"{plain(breakeven.after_pct)}%"
    offset = f" plus {plain(breakeven.offset_pct)}%" if breakeven.offset_pct else ""
    return f"breakeven{offset} after {after}"


def distance(level: Level) -> str:
    return f"{plain(level.pct)}%" if level.pct is not None else f"at {plain(level.price or Decimal(0))}"


@pytest.mark.parametrize(("record", "becomes"), [(record, becomes) for _, record, becomes in shapes()])
def test_what_becomes_of_each_shape(record: str, becomes: str) -> None:
    found = read(written(record))
    assert told(found) == becomes
    if isinstance(found, Unreadable):
        in_russian = texts("ru").reason(found.reason)
        assert re.search("[а-я]{2}", in_russian)
        assert "?" not in in_russian.replace("?symbol=", "")


def test_the_table_is_whole() -> None:
    rows = list(shapes())
    assert len(rows) >= 140
    assert len({record for _, record, _ in rows}) == len(rows)
    assert all(becomes for _, _, becomes in rows)
    given = {found.reason.code for _, record, _ in rows if isinstance(found := read(written(record)), Unreadable)}
    assert given | ELSEWHERE == RECORD_SENTENCES.keys()


def test_the_page_shows_the_table() -> None:
    page = PAGE.read_text(encoding="utf-8")
    head, _, rest = page.partition(BEGIN)
    _, _, foot = rest.partition(END)
    made = f"{head}{BEGIN}{''.join(sections())}{END}{foot}"
    if os.environ.get("REWRITE"):
        PAGE.write_text(made, encoding="utf-8")
    assert made == PAGE.read_text(encoding="utf-8")


def sections() -> Iterator[str]:
    heading = ""
    for named, record, becomes in shapes():
        if named != heading:
            heading = named
            yield f"\n### {heading}\n\n| record | what becomes of it |\n|---|---|\n"
        yield f"| `` {record.replace('|', chr(92) + '|')} `` | {becomes} |\n"
    yield "\n"


# The rule: whatever the record, the traded symbol is the named one.

PAIRS = st.sampled_from(["BTCUSDC", "ETHBTC", "SOLUSDT", "PEPEUSDC", "1INCHUSDT", "WUSDC", "DOGEFDUSD", "WIFUSDT", "ADAEUR"])
SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda pair: pair,
    "small": str.lower,
    "slash": lambda pair: re.sub(r"(USDC|USDT|FDUSD|BTC|EUR)$", r"/\1", pair),
    "hyphen": lambda pair: re.sub(r"(USDC|USDT|FDUSD|BTC|EUR)$", r"-\1", pair),
    "prefix": "BINANCE:{}".format,
    "perpetual": "{}.P".format,
    "elsewhere": "BYBIT:{}".format,
}
WORDS = ["symbol", "ticker", "pair", "instrument", "tickerid", "tv_instrument", "coin_pair", "market", "asset", "coin", "s"]
MANGLED: dict[str, Callable[[str], str]] = {
    "as it is": lambda name: name,
    "capitals": str.upper,
    "title": str.title,
    "camel": lambda name: re.sub(r"_(\w)", lambda found: found[1].upper(), f"the_{name}"),
    "blank": "{} ".format,
    "wide": lambda name: "".join(chr(ord(c) + 0xFEE0) if c.isascii() and c.isalpha() else c for c in name),
    "split": "_".join,
    "prefixed": "tv.{}".format,
}
NOISE = st.builds(
    lambda texts, amounts: texts | amounts,
    st.dictionaries(
        st.sampled_from(["note", "rsi", "interval", "exchange", "market_position", "price_usd", "contracts"]),
        st.sampled_from(["entry", "long", "BINANCE", 7, 0.5, None, True, "2026-11-29T12:00:00Z"]),
    ),
    st.dictionaries(st.sampled_from(["coin_amount", "pairCount", "asset_qty"]), st.sampled_from([20, 0.5, "1.5", None, True])),
)


def nested(name: str, value: Any, how: str) -> dict[str, Any]:
    one = {name: value}
    return {"flat": one, "object": {"data": one}, "list": {"orders": [1, one]}, "deep": {"a": {"b": [[one]]}}}[how]


NAMINGS = st.builds(
    lambda word, mangle, pair, spelling, how: (pair, nested(MANGLED[mangle](word), SPELLINGS[spelling](pair), how)),
    st.sampled_from(WORDS),
    st.sampled_from(sorted(MANGLED)),
    PAIRS,
    st.sampled_from(sorted(SPELLINGS)),
    st.sampled_from(["flat", "flat", "object", "list", "deep"]),
)
LEAST = st.sampled_from([
    {"signal_type": "BUY_SM", "close": 0.48},
    {"action": "sell", "price": "0.48"},
    {"signal_type": "SELL_TV", "close": "65000", "valid_for": 30},
])  # fmt: skip


@given(LEAST, NOISE, NAMINGS)
def test_what_names_an_instrument_is_never_traded_as_the_default(
    least: dict[str, Any], noise: dict[str, Any], naming: tuple[str, dict[str, Any]]
) -> None:
    pair, named = naming
    found = read(json.dumps({**least, **noise, **named}).encode())
    assert isinstance(found, Unreadable) or found.symbol == pair


@given(LEAST, NOISE, st.lists(NAMINGS, min_size=2, max_size=3))
def test_of_two_that_differ_none_is_traded(
    least: dict[str, Any], noise: dict[str, Any], namings: list[tuple[str, dict[str, Any]]]
) -> None:
    record = {**least, **noise}
    for _, named in namings:
        record |= named
    found = read(json.dumps(record).encode())
    if isinstance(found, Signal):  # a later one may have replaced an earlier: count what is there
        there = {pair for pair, named in namings if all(record.get(name) == value for name, value in named.items())}
        assert there == {found.symbol}


@given(LEAST, NOISE)
def test_where_nothing_names_an_instrument_it_is_the_default(least: dict[str, Any], noise: dict[str, Any]) -> None:
    found = read(json.dumps({**least, **noise}).encode())
    assert isinstance(found, Signal)
    assert found.symbol == DEFAULT


LONE = ["BNB", "USDT", "usdc", "BTC", "WBTC", "BFUSD", "EUR", " ETH "]


@given(
    LEAST,
    st.sampled_from(NAMES),
    PAIRS,
    st.dictionaries(st.sampled_from(["fee_asset", "margin_asset", "currency", "settle_coin", "quote"]), st.sampled_from(LONE)),
)
def test_beside_a_proper_name_a_coin_alone_is_no_other_instrument(
    least: dict[str, Any], name: str, pair: str, lone: dict[str, str]
) -> None:
    found = read(json.dumps({**least, name: pair, **lone}).encode())
    assert isinstance(found, Signal)
    assert found.symbol == pair


@given(LEAST, st.sampled_from(NAMES), st.sampled_from(["fee_asset", "coin", "currency", "tv_instrument"]), PAIRS)
def test_beside_a_proper_name_another_pair_is(least: dict[str, Any], name: str, other: str, pair: str) -> None:
    assert isinstance(read(json.dumps({**least, name: DEFAULT, other: pair}).encode()), Unreadable)


@pytest.mark.parametrize("name", ["coin", "asset", "base", "baseAsset", "base_currency", "tickerId"])
def test_beside_a_proper_name_the_instruments_own_coin_must_fit(name: str) -> None:
    least = {"signal_type": "BUY_SM", "close": 0.48, "symbol": "ETHUSDC"}
    assert isinstance(read(json.dumps({**least, name: "BTC"}).encode()), Unreadable)
    assert isinstance(read(json.dumps({**least, name: "ETH"}).encode()), Signal)


@given(LEAST, st.sampled_from(["instrumentation", "otel-instrumentation-scope", "Instrumentation.Version"]))
def test_instrumentation_is_no_instrument(least: dict[str, Any], header: str) -> None:
    record = json.dumps(least).encode()
    found = read(record, **{header: "io.opentelemetry.kafka"})
    assert isinstance(found, Signal)
    assert found.symbol == DEFAULT
    assert isinstance(read(record, **{header: "BTCUSDC"}), Unreadable)


@given(LEAST, st.sampled_from(NAMES), st.sampled_from([None, "", " ", "{{ticker}}", 7, [], {}]))
def test_a_name_that_is_empty_is_no_name(least: dict[str, Any], name: str, value: Any) -> None:
    assert isinstance(read(json.dumps({**least, name: value}).encode()), Unreadable)


@pytest.mark.parametrize("beside", [{"the record's key": "BTCUSDC"}, {"symbol": "PEPE"}, {"Ticker": ""}, {"x": "btc/usdc"}])
def test_what_comes_beside_a_record_is_not_overheard(beside: dict[str, str]) -> None:
    record = b'{"signal_type": "BUY_SM", "close": 0.48}'
    found = read(record, **beside)
    assert isinstance(found, Unreadable)
    assert "name it in symbol" in found.problem
    # The record's own name wins: a key only says which partition it goes to.
    named = read(b'{"signal_type": "BUY_SM", "close": 0.48, "symbol": "ETHUSDC"}', **beside)
    assert isinstance(named, Signal)
    assert named.symbol == "ETHUSDC"
    same = read(record, key=DEFAULT)
    assert isinstance(same, Signal)
    assert same.symbol == DEFAULT
