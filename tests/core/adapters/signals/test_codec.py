"""Records that are read as signals, records that are refused, and in which words; no exception ever escapes."""

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.adapters.signals.codec import MAX_BYTES, Unreadable, decode, encode
from core.domain.exit_plan import ExitPlan, Level, StopLoss, Target
from core.domain.signal import Signal
from core.policy.exits.plan_check import check_plan

RECORD_TS = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def read(value: bytes | None, record_ts: datetime | None = RECORD_TS) -> Signal | Unreadable:
    return decode(value, record_ts=record_ts, source="kafka:t", default_id="t/0/7", default_symbol="WIFUSDC")


def signal(**fields: Any) -> Signal:
    found = read(json.dumps({"signal_type": "BUY_SM", "close": 0.4801} | fields).encode())
    assert isinstance(found, Signal), found
    return found


def problem(value: bytes | None, record_ts: datetime | None = RECORD_TS) -> str:
    found = read(value, record_ts)
    assert isinstance(found, Unreadable), found
    return found.problem


def field_problem(**fields: Any) -> str:
    return problem(json.dumps({"signal_type": "BUY_SM", "close": 0.4801} | fields).encode())


def test_the_least_that_is_accepted() -> None:
    assert read(b'{"signal_type": "BUY_SM", "close": 0.4801}') == Signal(
        "kafka:t", "t/0/7", "BUY_SM", "WIFUSDC", Decimal("0.4801"), RECORD_TS
    )


def test_everything_given() -> None:
    value = b"""\xef\xbb\xbf{"signal_type": "SELL_MACD_4H", "close": "0.52200000", "symbol": "btcusdc", "signal_id": 17,
        "ts": "2026-11-24T13:00:00+02:00", "why": {"rsi": 71.30, "n": [1, true, null, 1e-7]}, "token": "s3cret"}"""
    assert read(value) == Signal(
        "kafka:t",
        "17",
        "SELL_MACD_4H",
        "BTCUSDC",
        Decimal("0.522"),
        datetime(2026, 11, 24, 11, 0, tzinfo=UTC),
        {"why": {"rsi": "71.30", "n": [1, True, None, "1E-7"]}},
    )


def test_null_is_not_given() -> None:
    assert signal(signal_id=None, ts=None, valid_for=None) == signal()


@pytest.mark.parametrize(
    ("ts", "meant"),
    [
        (1764000000, datetime(2025, 11, 24, 16, 0, tzinfo=UTC)),
        (1764000000.25, datetime(2025, 11, 24, 16, 0, 0, 250_000, tzinfo=UTC)),
        (1764000000250, datetime(2025, 11, 24, 16, 0, 0, 250_000, tzinfo=UTC)),
        ("1764000000250", datetime(2025, 11, 24, 16, 0, 0, 250_000, tzinfo=UTC)),
        ("1764000000.5", datetime(2025, 11, 24, 16, 0, 0, 500_000, tzinfo=UTC)),
        ("2025-11-24T16:00:00Z", datetime(2025, 11, 24, 16, 0, tzinfo=UTC)),
        ("2025-11-24 21:30:00.5+05:30", datetime(2025, 11, 24, 16, 0, 0, 500_000, tzinfo=UTC)),
    ],
)
def test_every_way_to_write_a_time(ts: Any, meant: datetime) -> None:
    assert signal(ts=ts).ts == meant


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b" \n", "empty"),
        (b"\xff\xfe{", r"not UTF-8 text \(byte 0\)"),
        (b"BUY", r"not JSON \(.*line 1 column 1\)"),
        (b'{"signal_type": "BUY_SM", "close": 0.48', "not JSON"),
        (b'"BUY_SM"', "not an object: 'BUY_SM'"),
        (b"[1]", "not an object: a list"),
        (b"null", "not an object: null"),
        (b"{}", "signal_type is missing"),
        (b'{"close": 1}', "signal_type is missing"),
        (b'{"signal_type": "BUY_SM"}', "close is missing"),
        (b'{"signal_type": "BUY_SM", "close": NaN}', "has NaN"),
        (b'{"signal_type": "BUY_SM", "close": -Infinity}', "has -Infinity"),
        (b'{"signal_type": "BUY_SM", "close": 1e400}', r"close is 1E\+400: too large"),
        (b'{"signal_type": "BUY_SM", "close": 1, "x": 1e9999999999999999999}', "out of range"),
        (b'{"signal_type": "BUY_SM", "close": 1, "ts": 1e1000000}', "ts is 1E"),
        (b'{"signal_type": "BUY_SM", "close": 1, "ts": -1e999999}', "ts is -1E"),
        (b'{"signal_type": "BUY_SM", "close": ' + b"9" * 5000 + b"}", "number of 5,000 digits"),
        (b'{"signal_type": "BUY_SM", "close": 0.' + b"9" * 5000 + b"}", r"close is 0\.9+\.\.\.: not a plain decimal number"),
        (b'{"signal_type": "BUY_SM", "close": 1, "close": 2}', "names 'close' twice"),
        (b'{"signal_type": "BUY_SM", "close": 1, "x": {"a": 1, "a": 2}}', "names 'a' twice"),
        (b'{"signal_type": "BUY_SM", "close": 1, "x": ' + b"[" * 6_000 + b"]" * 6_000 + b"}", "nested deeper than 20"),
        (b'{"signal_type": "BUY_SM", "close": 1, "x": ' + b"[" * 40 + b"]" * 40 + b"}", "nested deeper than 20"),
        (b'{"a":' * 2_500, "nested deeper than 20"),
        (b"x" * 1_048_576, "1,048,576 bytes long; the limit is 16,384"),
    ],
)
def test_a_record_that_is_no_signal(value: bytes | None, words: str) -> None:
    assert re.search(words, problem(value))


@pytest.mark.parametrize(
    "found", ["buy_sm", "BUY", "BUY_", "HOLD_SM", "BUY_SM ", "BUY_SM\n", "BUY_" + "A" * 33, "BUY_É", 1, True, ["BUY_SM"]]
)
def test_an_unknown_signal_type_is_told_what_is_accepted(found: Any) -> None:
    assert field_problem(signal_type=found).endswith("use BUY_ or SELL_ and up to 32 of A-Z, 0-9 and _, for example BUY_SM")


@pytest.mark.parametrize(
    "found", [0, -1, -0.5, "0", "-0.1", "", " 1", "1_000", "0x1", "NaN", "inf", "1e400", "\u0661", True, [1], {"a": 1}]
)
def test_a_close_that_is_no_price(found: Any) -> None:
    assert field_problem(close=found).startswith("close is ")


@pytest.mark.parametrize("found", ["W", "A" * 21, "WIF//USDC", "WIF USDC", "ßß", "WIF\n", 7, True])
def test_a_symbol_that_is_none(found: Any) -> None:
    assert "use a spot symbol" in field_problem(symbol=found)


@pytest.mark.parametrize("found", ["", "x" * 201, "a\nb", "a\0b", "\ud800", True, 1.5, ["a"]])
def test_a_signal_id_that_is_none(found: Any) -> None:
    assert field_problem(signal_id=found).startswith("signal_id is ")


@pytest.mark.parametrize(
    "found",
    [
        *(
            "yesterday",
            "",
            "2026-13-01T00:00:00Z",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-12:00",
            "20260101",
            "x" * 100,
        ),
        *("1" * 50, "1999-12-31T23:59:59Z", "2026-11-24", 0, -1, 10**18, 1e300, True, [1], 4102444800),
    ],
)
def test_a_ts_that_is_no_time(found: Any) -> None:
    assert "ISO 8601 with a zone" in field_problem(ts=found)


def test_a_time_without_zone_is_refused_in_its_own_words() -> None:
    assert (
        field_problem(ts="2026-11-24T12:00:00")
        == "ts is '2026-11-24T12:00:00'; it needs a zone, for example '2026-11-24T12:00:00Z'"
    )


def test_a_record_without_any_time_is_refused() -> None:
    assert "ts is missing" in problem(b'{"signal_type": "BUY_SM", "close": 1}', record_ts=None)
    assert isinstance(read(b'{"signal_type": "BUY_SM", "close": 1, "ts": 1764000000}', record_ts=None), Signal)


def test_what_no_database_stores_is_replaced() -> None:
    assert signal(**{"a\0": ["b\ud800c"]}).extra == {"a\ufffd": ["b\ufffdc"]}


def test_the_size_limit_itself_is_accepted() -> None:
    start = b'{"signal_type": "BUY_SM", "close": 1, "x": "'
    assert isinstance(read(start + b"x" * (MAX_BYTES - len(start) - 2) + b'"}'), Signal)
    assert "16,385 bytes" in problem(start + b"x" * (MAX_BYTES - len(start) - 1) + b'"}')


def is_fit_for_a_chat(found: Unreadable) -> bool:
    return found.problem.isprintable() and 0 < len(found.problem) < 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
ODD = JSON | st.sampled_from(["BUY_SM", "SELL_X", 0.48, "0.48", "WIFUSDC", 1764000000, "2026-01-01T00:00:00Z"])


@given(st.binary())
def test_arbitrary_bytes_never_raise(value: bytes) -> None:
    found = read(value)
    assert isinstance(found, Signal) or is_fit_for_a_chat(found)


@given(st.dictionaries(st.sampled_from(["signal_type", "close", "symbol", "signal_id", "ts", "x", "y"]), ODD) | JSON)
def test_arbitrary_json_never_raises_and_what_is_read_can_be_stored(value: Any) -> None:
    found = read(json.dumps(value).encode())
    if isinstance(found, Unreadable):
        assert is_fit_for_a_chat(found)
    else:
        stored = json.dumps(found.extra, ensure_ascii=False, allow_nan=False)
        assert "\\u0000" not in stored
        stored.encode()


PRICES = st.decimals("1e-12", "1e12", allow_nan=False, places=12).filter(lambda price: price > 0)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)).map(lambda moment: moment.replace(tzinfo=UTC))  # noqa: DTZ001


WELL_FORMED = st.builds(
    Signal,
    source=st.just("kafka:t"),
    signal_type=st.from_regex(r"(BUY|SELL)_[A-Z0-9_]{1,32}", fullmatch=True),
    close=PRICES,
    symbol=st.from_regex(r"[A-Z0-9]{2,20}", fullmatch=True),
    signal_id=st.text(min_size=1, max_size=200).filter(str.isprintable),
    ts=MOMENTS,
    extra=st.dictionaries(st.from_regex(r"x_[a-z]{1,9}", fullmatch=True), st.integers(-(10**30), 10**30) | st.booleans()),
)


@given(WELL_FORMED)
def test_every_well_formed_signal_round_trips(sent: Signal) -> None:
    value = encode(
        signal_type=sent.signal_type,
        close=sent.close,
        symbol=sent.symbol,
        signal_id=sent.signal_id,
        ts=sent.ts,
        extra=sent.extra,
    )
    assert read(value) == sent


@given(MOMENTS)
def test_epoch_seconds_and_milliseconds_mean_the_same(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    seconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    assert signal(ts=seconds).ts == signal(ts=seconds * 1000).ts == moment


# --- the exit plan


def plan(**fields: Any) -> ExitPlan | None:
    return signal(**fields).plan


def test_a_plan_is_read_and_not_kept_twice() -> None:
    found = signal(stop_loss={"pct": 5, "limit_offset_pct": "0.5"}, take_profit=[{"price": "0.5", "position_pct": 60}])
    assert found.plan == ExitPlan(
        StopLoss(Level(pct=Decimal(5)), Decimal("0.5")), (Target(Level(price=Decimal("0.5")), Decimal(60)),)
    )
    assert found.extra == {}


@pytest.mark.parametrize(
    ("stop_loss", "level"),
    [
        (0.45, Level(price=Decimal("0.45"))),
        ("0.45", Level(price=Decimal("0.45"))),
        ({"price": 0.45, "pct": None}, Level(price=Decimal("0.45"))),
        ("5%", Level(pct=Decimal(5))),
        ("2.5 %", Level(pct=Decimal("2.5"))),
        ({"pct": "5"}, Level(pct=Decimal(5))),
    ],
)
def test_every_way_to_write_a_stop(stop_loss: Any, level: Level) -> None:
    assert plan(stop_loss=stop_loss) == ExitPlan(StopLoss(level))


def test_targets_stand_alone_or_in_a_list() -> None:
    alone = ExitPlan(targets=(Target(Level(pct=Decimal(5))),))
    assert plan(take_profit="5%") == plan(take_profit=["5%"]) == plan(take_profit={"pct": 5}) == alone


def test_without_a_plan_the_settings_decide() -> None:
    assert plan() is None
    assert plan(stop_loss=None, take_profit=None) is None


@pytest.mark.parametrize("name", ["stop_loss", "take_profit"])
@pytest.mark.parametrize("found", ["", "%", "five", "5%%", "1,5%", "{{stop}}", True, [], [[]], {}, {"pct": []}, {"price": "5%"}])
def test_what_is_no_level(name: str, found: Any) -> None:
    assert field_problem(**{name: found}).startswith(name)


def test_an_exit_brings_no_plan() -> None:
    problem_of = "take_profit belongs to an entry, and this is SELL_SM; remove it"
    assert field_problem(signal_type="SELL_SM", close=1, take_profit="5%") == problem_of
    assert signal(signal_type="SELL_SM", stop_loss=None).plan is None


_LEVELS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.decimals(0, 2, places=3).map(str),
    lambda inner: (
        st.lists(inner, max_size=6)
        | st.dictionaries(st.sampled_from(["price", "pct", "position_pct", "limit_offset_pct", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(_LEVELS, _LEVELS)
def test_whatever_a_plan_says_it_is_sound_or_refused(stop_loss: Any, take_profit: Any) -> None:
    fields = {"signal_type": "BUY_SM", "close": 1, "stop_loss": stop_loss, "take_profit": take_profit}
    found = read(json.dumps(fields).encode())
    if isinstance(found, Unreadable):
        return
    assert (found.plan is None) == (stop_loss is None and take_profit is None)
    assert found.plan is None or (not found.plan.is_empty and check_plan(found.plan, found.close) is None)
