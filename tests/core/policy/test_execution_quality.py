"""The quality of execution equals what is computed another way from the same rows, its parts make the whole."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.execution_quality import Quality, bps
from core.domain.order_state_machine import OrderState
from core.domain.position import Execution, Role
from core.domain.signal import Side, Signal, naming
from core.policy.quality.costs import STAGES, Costs, costs_of, fill_ratio, latencies
from core.policy.quality.kept import Attempt, ExecutedOrder, LastPrice, Moments, ReceivedSignal, kind_of
from core.policy.quality.missed import Missed, missed
from core.policy.quality.summary import GROUPS, delays, measure, percentile, summaries

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SOURCES = ("kafka:t", "exit:kafka:t", "telegram")
SYMBOLS = ("WIFUSDC", "SOLUSDC", "BTCEUR")


def executed(
    side: Side = Side.BUY,
    qty: str | Decimal = "20",
    quote_qty: str | Decimal = "9.61",
    *,
    signal_price: str | Decimal | None = "0.48",
    arrival_price: str | Decimal | None = "0.4802",
    fee: str | Decimal | None = "0.0096",
    symbol: str = "WIFUSDC",
    minutes: int = 0,
    strategy: str = "default",
) -> Execution:
    def amount(value: str | Decimal | None) -> Decimal | None:
        return None if value is None else Decimal(value)

    return Execution(
        execution_id="mf-1",
        symbol=symbol,
        executed_at=NOON + timedelta(minutes=minutes),
        side=side,
        qty=Decimal(qty),
        price=Decimal(1),
        profit_pct=None,
        signal_type=f"{side}_SM",
        signal_id="1",
        client_order_id="mf-1",
        order_id="1",
        quote_qty=Decimal(quote_qty),
        fee=Decimal(0),
        fee_asset="USDC",
        profit_quote=None,
        gross_quote=None,
        base_asset=symbol[:3],
        quote_asset=symbol[3:],
        trading_mode="paper",
        strategy=strategy,
        role=Role.ENTRY if side is Side.BUY else Role.EXIT,
        signal_price=amount(signal_price),
        arrival_price=amount(arrival_price),
        asked_qty=Decimal(qty) * 2,
        fee_quote=amount(fee),
    )


def received(
    seq: int,
    kind: str = "BUY_SM",
    close: str | Decimal = "0.48",
    outcome: str | None = "denied",
    *,
    code: str | None = None,
    wanted: str | None = "20",
    attempts: Sequence[Attempt] = (),
    symbol: str = "WIFUSDC",
    source: str = "kafka:signals",
    strategy: str = "default",
) -> ReceivedSignal:
    at = NOON + timedelta(minutes=seq)
    signal = Signal(source, str(seq), kind, symbol, Decimal(close), at, naming(strategy))
    return ReceivedSignal(seq, signal, at, outcome, code, None if wanted is None else Decimal(wanted), attempts)


def attempt(state: OrderState, qty: str = "20", got: str = "0", *, was_sent: bool = True) -> Attempt:
    return Attempt(state, Decimal(qty), Decimal(got), was_sent)


def test_a_purchase_is_split_into_delay_and_execution() -> None:
    """Wanted 20 at 0.48, met the market at 0.4802, paid 9.61: the arithmetic of docs/quality.md."""
    one = executed()
    assert costs_of(one) == Costs(
        worth=Decimal("9.60"),
        slippage=Decimal("0.01"),
        met=Decimal("9.604"),
        delay=Decimal("0.004"),
        execution=Decimal("0.006"),
        spread=Decimal("0.012"),
        fees=Decimal("0.0096"),
    )
    assert fill_ratio(one) == Decimal("0.5")


def test_a_sale_costs_what_it_brings_less() -> None:
    costs = costs_of(executed(Side.SELL, quote_qty="9.59"))
    assert costs is not None
    assert (costs.slippage, costs.delay, costs.execution) == (Decimal("0.01"), Decimal("-0.004"), Decimal("0.014"))


def test_what_is_not_known_is_not_made_up() -> None:
    assert costs_of(executed(signal_price=None)) is None
    costs = costs_of(executed(arrival_price=None, fee=None))
    assert costs is not None
    assert (costs.met, costs.delay, costs.execution, costs.spread, costs.fees) == (None,) * 5
    rows = [executed(arrival_price=None, fee=None), executed(signal_price=None), executed()]
    (whole,) = summaries(measure([ExecutedOrder(one, "kafka") for one in rows], []), "all")
    assert (whole.orders, whole.unmeasured, whole.fees_unknown, whole.unsplit) == (2, 1, 1, Decimal("0.01"))
    assert whole.slippage == whole.delay + whole.execution + whole.unsplit == Decimal("0.02")


AMOUNTS = st.decimals("0.00000001", "99999999", places=8)
UNKNOWN = st.none() | AMOUNTS
EXECUTIONS = st.builds(
    executed,
    st.sampled_from(Side),
    AMOUNTS,
    AMOUNTS,
    signal_price=UNKNOWN,
    arrival_price=UNKNOWN,
    fee=UNKNOWN,
    symbol=st.sampled_from(SYMBOLS),
    minutes=st.integers(0, 5_000),
    strategy=st.sampled_from(("default", "waves")),
)
SIGNALS = st.builds(
    lambda seq, kind, close, wanted, symbol, end: Missed(received(seq, kind, close, symbol=symbol), wanted, end, seq % 2 == 0),
    st.integers(0, 5_000),
    st.sampled_from(("BUY_SM", "SELL_SM")),
    AMOUNTS,
    UNKNOWN,
    st.sampled_from(SYMBOLS),
    UNKNOWN,
)


def by_results(orders: Sequence[ExecutedOrder], gone: Sequence[Missed], quote: str) -> dict[str, Fraction]:
    """Computes the sums of one quote asset from results, in fractions: what the paper made up to some last price, less what the
    account made. The price up to which the traded part is counted is arbitrary, as it is the same on both sides."""
    last = Fraction(31, 7)
    shortfall = slippage = traded = Fraction(0)
    for one in (order.execution for order in orders if order.execution.quote_asset == quote and order.execution.signal_price):
        sign = 1 if one.side is Side.BUY else -1
        held, paid = sign * Fraction(one.qty), sign * Fraction(one.quote_qty)
        on_paper = held * (last - Fraction(one.signal_price or 0))
        slippage += on_paper - (held * last - paid)
        shortfall += on_paper - (held * last - paid - Fraction(one.fee_quote or 0))
        traded += Fraction(one.qty) * Fraction(one.signal_price or 0)
    for part in gone:
        signal = part.received.signal
        if part.qty is not None and part.end is not None and signal.symbol.endswith(quote):
            on_paper = Fraction(part.qty) * (Fraction(part.end) - Fraction(signal.close))
            shortfall += on_paper if signal.side is Side.BUY else -on_paper  # the account made nothing of it
    return {"shortfall": shortfall, "slippage": slippage, "worth": traded}


ADDED = ("orders", "unmeasured", "worth", "delay", "spread", "fees", "missed", "unpriced", "opportunity", "shortfall")


def added(sums: Sequence[Quality], name: str, quote: str) -> Fraction:
    return sum((Fraction(getattr(one, name)) for one in sums if one.quote_asset == quote), Fraction(0))


@given(st.lists(EXECUTIONS, max_size=8), st.lists(SIGNALS, max_size=5))
def test_parts_make_the_whole_to_the_last_digit(executions: list[Execution], gone: list[Missed]) -> None:
    orders = [ExecutedOrder(one, kind_of(source)) for one, source in zip(executions, cycle(SOURCES), strict=False)]
    measured = measure(orders, gone)
    whole = summaries(measured, "all")
    for one in whole:
        assert Fraction(one.slippage) == sum(map(Fraction, (one.delay, one.execution, one.unsplit)))
        assert Fraction(one.shortfall) == sum(map(Fraction, (one.slippage, one.fees, one.opportunity)))
        expected = by_results(orders, gone, one.quote_asset)
        assert {name: Fraction(getattr(one, name)) for name in expected} == expected
    for by in GROUPS:
        parts = summaries(measured, by)
        for one in whole:
            for name in ADDED:
                assert added(parts, name, one.quote_asset) == Fraction(getattr(one, name)), (by, name)


def told(signals: Sequence[ReceivedSignal], **prices: LastPrice) -> list[tuple[int, str | None, str | None]]:
    """Returns the number, the quantity and the cost of what was missed."""

    def text(amount: Decimal | None) -> str | None:
        return None if amount is None else f"{amount.normalize():f}"

    return [(one.received.seq, text(one.qty), text(one.cost)) for one in missed(signals, prices)]


def test_what_was_refused_is_held_until_the_next_exit_of_its_strategy() -> None:
    signals = [
        received(1),
        received(2, "BUY_SM", "0.50"),  # the paper holds the first one by then
        received(3, "SELL_SM", "0.10", "ordered", strategy="waves"),
        received(4, "SELL_SM", "0.10", "ordered", symbol="SOLUSDC"),
        received(5, "SELL_SM", "0.52", "ignored", code="no_position"),
        received(6, "BUY_SM", "0.60"),
    ]
    last = LastPrice(Decimal("0.55"), NOON + timedelta(minutes=9))
    assert told(signals, WIFUSDC=last) == [(1, "20", "0.8"), (6, "20", "-1")]
    assert told(signals[::-1], WIFUSDC=last) == told(signals, WIFUSDC=last)


def test_an_end_that_is_not_known_costs_nothing_that_anybody_knows() -> None:
    earlier = LastPrice(Decimal("0.55"), NOON)
    assert told([received(1)], WIFUSDC=earlier) == told([received(1)]) == [(1, "20", None)]
    assert told([received(1, wanted=None), received(2, "SELL_SM", outcome="ordered")]) == [(1, None, None)]
    later = received(2, "BUY_SM", "0.50", "ignored", code="in_position")  # its price is newer than the last one noted
    assert told([received(1), later], WIFUSDC=earlier) == [(1, "20", "0.4")]


@pytest.mark.parametrize(
    ("outcome", "code", "is_missed"),
    [
        *(("denied", "price_band", True), ("expired", "expired", True), ("observed", "observe", True), ("failed", "x", True)),
        *(("ignored", "paused", True), ("ignored", "entries_paused", True), ("ignored", "strategy_paused", True)),
        *(("ignored", "in_position", False), ("ignored", "no_position", False), ("put_off", "banned", False)),
        *(("done", "plan_over", False), (None, None, False)),
    ],
)
def test_a_signal_that_asked_for_nothing_new_is_not_missed(outcome: str | None, code: str | None, *, is_missed: bool) -> None:
    for kind in ("BUY_SM", "SELL_SM"):
        assert bool(told([received(1, kind, outcome=outcome, code=code)])) is is_missed


def test_nothing_is_missed_by_an_exit_of_nothing_or_by_an_order_by_hand() -> None:
    assert told([received(1, "SELL_SM", wanted="0"), received(2, source="telegram")]) == []
    sold = [received(1, "SELL_SM", "0.50", "expired", wanted="19.98"), received(2, "SELL_SM", "0.45", "ordered")]
    assert told(sold) == [(1, "19.98", "0.999")]


REJECTED, FILLED, CANCELED = OrderState.REJECTED, OrderState.FILLED, OrderState.CANCELED


@pytest.mark.parametrize(
    ("kind", "attempts", "left", "was_sent"),
    [
        ("BUY_SM", [attempt(FILLED, got="20")], None, False),
        ("BUY_SM", [attempt(REJECTED, was_sent=False)], "20", True),
        ("BUY_SM", [attempt(CANCELED, got="8")], "12", True),
        ("BUY_SM", [attempt(CANCELED, got="8"), attempt(FILLED, "12", "12")], None, False),
        ("BUY_SM", [attempt(CANCELED), attempt(CANCELED, "20", "5")], "15", True),
        ("BUY_SM", [attempt(CANCELED, got="8"), attempt(OrderState.ACCEPTED, "12")], None, False),
        ("BUY_SM", [attempt(OrderState.DECLINED, was_sent=False)], "20", False),
        ("BUY_SM", [attempt(OrderState.EXPIRED, was_sent=False)], "20", False),
        ("BUY_SM", [attempt(OrderState.DENIED, "0", was_sent=False)], "", False),
        ("SELL_SM", [attempt(REJECTED, was_sent=False)], None, False),
        ("SELL_SM", [attempt(OrderState.EXPIRED, was_sent=False)], None, False),
        ("SELL_SM", [attempt(OrderState.DECLINED, was_sent=False)], "20", False),
    ],
)
def test_what_an_order_did_not_get(kind: str, attempts: list[Attempt], left: str | None, *, was_sent: bool) -> None:
    """Counts what all orders of a signal got together; an exit is tried again, unless a person declined it. `left` is empty where
    the quantity is not known."""
    found = missed([received(1, kind, outcome="ordered", attempts=attempts)], {})
    expected = [] if left is None else [(Decimal(left) if left else None, was_sent)]
    assert [(one.qty, one.was_sent) for one in found] == expected


def test_fills_and_worst_orders_of_a_period() -> None:
    orders = [ExecutedOrder(executed(quote_qty=Decimal(number)), "kafka") for number in (10, 11, 12)]
    gone = [Missed(received(1), Decimal(5), Decimal("0.5"), was_sent=True), Missed(received(2), Decimal(5), None)]
    (whole,) = summaries(measure(orders, gone), "all")
    assert whole.fill_ratio == Decimal("0.9230769230769231")  # 28.8 of 31.2
    assert (whole.missed, whole.unpriced, whole.opportunity) == (2, 1, Decimal("0.1"))
    assert whole.single is not None
    assert (whole.single.median, whole.single.worst) == (bps(Decimal("1.4"), Decimal("9.6")), Decimal(2500))
    assert whole.shortfall_bps == bps(Decimal("4.3288"), Decimal("31.2"))


def test_percentiles_are_values_that_there_are() -> None:
    values = [Decimal(number) for number in range(1, 11)]
    assert [percentile(values, part) for part in (50, 90, 99)] == [5, 9, 10]
    assert [percentile(values[:1], part) for part in (50, 90, 99)] == [1, 1, 1]


def test_latencies_are_those_between_the_times_that_are_known() -> None:
    first, second, third, *others = (NOON + timedelta(seconds=number**2) for number in range(6))
    fourth, fifth, sixth = others
    decided = Moments(first, second, third, fourth, fifth, sixth)
    assert [length.total_seconds() for length in latencies(decided).values()] == [1, 3, 5, 7, 9]
    asked = Moments(first, second, None, fourth, fifth, sixth)  # a person decided
    assert list(latencies(asked)) == ["received", "answered", "settled"]
    orders = [ExecutedOrder(executed(), "kafka", moments) for moments in (decided, asked, Moments())]
    assert [(one.stage, one.orders) for one in delays(orders)] == list(zip(STAGES, (2, 1, 1, 2, 2), strict=True))


def test_an_order_counts_for_its_day_its_hour_and_its_source() -> None:
    orders = [
        ExecutedOrder(executed(minutes=minutes), kind_of(source)) for minutes, source in ((0, "exit:kafka:t"), (800, "plan"))
    ]
    measured = measure(orders, [Missed(received(0), Decimal(1), Decimal(1))])
    names = {
        by: [(one.name, one.orders, one.missed) for one in summaries(measured, by)] for by in ("day", "hour", "source", "role")
    }
    assert names == {
        "day": [("2026-03-01", 1, 1), ("2026-03-02", 1, 0)],
        "hour": [("01", 1, 0), ("12", 1, 1)],
        "source": [("kafka", 1, 1), ("plan", 1, 0)],
        "role": [("entry", 2, 1)],
    }
