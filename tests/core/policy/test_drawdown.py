"""The fall of the equity from its peak: what trading won and lost, whatever was paid in or out meanwhile."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.equity_mark import EquityMark
from core.policy.drawdown import drawdown_pct, follow
from core.policy.funds import Cash, Funds
from tests.core.virtual_time import NOON

LATER = NOON + timedelta(minutes=1)


def funds(quote: str, *, realised: str = "0", cost: str = "0", value: str = "0") -> Funds:
    """Returns the funds of an account with `quote` in cash, and positions that cost `cost` and are worth `value`."""
    owned = Decimal(quote) + Decimal(cost)
    cash = (Cash("USDC", owned, Decimal(realised), Decimal(1)),)
    return Funds(Decimal(quote) + Decimal(value), Decimal(value), Decimal(quote), cash)


def fallen(*states: Funds) -> Decimal:
    mark: EquityMark | None = None
    for state in states:
        mark = follow(mark, state, "USDC", LATER)
    assert mark is not None
    return drawdown_pct(mark)


START = funds("1000")


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ([funds("1000")], "0"),
        ([funds("900", realised="-100")], "10"),
        ([funds("500", cost="500", value="450")], "5"),  # nothing is sold yet: the loss counts all the same
        ([funds("500", cost="500", value="600")], "0"),
        ([funds("500", cost="500", value="600"), funds("500", cost="500", value="490")], "10"),
        ([funds("1100", realised="100"), funds("990", realised="-10")], "10"),
        ([funds("900", realised="-100"), funds("1000", realised="0")], "0"),
    ],
)
def test_the_fall_counts_from_the_peak_of_what_everything_is_worth(later: list[Funds], expected: str) -> None:
    assert fallen(START, *later) == Decimal(expected)


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ([funds("400")], "0"),  # 600 withdrawn are no loss
        ([funds("5000")], "0"),
        ([funds("5000"), funds("4500", realised="-500")], "10"),  # a deposit is no profit: the peak is what it made of it
        ([funds("900", realised="-100"), funds("450", realised="-100")], "10"),  # half withdrawn: as far below as before
        ([funds("900", realised="-100"), funds("9000", realised="-100")], "10"),  # a deposit hides nothing
        ([funds("500", cost="500", value="450"), funds("0", cost="500", value="450")], "5"),
    ],
)
def test_what_is_paid_in_or_out_is_neither_profit_nor_loss(later: list[Funds], expected: str) -> None:
    assert fallen(START, *later) == Decimal(expected)


def test_a_purchase_that_the_ledger_has_not_heard_of_changes_nothing_in_the_end() -> None:
    seen, heard = funds("900"), funds("900", cost="100", value="100")
    assert (
        fallen(
            START,
            funds("950", realised="-50"),
            funds("850", realised="-50"),
            funds("850", realised="-50", cost="100", value="100"),
        )
        == 5
    )
    assert fallen(START, seen, heard) == 0


def test_the_mark_begins_anew_where_it_cannot_be_compared() -> None:
    mark = follow(None, START, "USDC", NOON)
    assert (mark.peak, mark.equity, mark.external) == (Decimal(1000), Decimal(1000), {"USDC": Decimal(1000)})
    lost = funds("700", realised="-300")
    assert follow(mark, lost, "EUR", LATER).peak == 700
    assert follow(mark, funds("0"), "USDC", LATER).peak == 0
    assert follow(replace(mark, equity=Decimal(0)), lost, "USDC", LATER).peak == 700


def test_an_asset_that_joins_is_a_deposit_and_its_price_is_profit_and_loss() -> None:
    def with_btc(price: str) -> Funds:
        cash = (Cash("BTC", Decimal(1), Decimal(0), Decimal(price)), *START.cash)
        return Funds(START.equity + Decimal(price), Decimal(0), Decimal(1000), cash)

    assert fallen(START, with_btc("1000")) == 0
    assert fallen(START, with_btc("1000"), with_btc("500")) == 25


MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("trade"), st.decimals("-0.3", "0.4", places=3)),
        st.tuples(st.just("pay"), st.decimals("-0.8", "5", places=3)),
    ),
    max_size=12,
)


@given(MOVES)
def test_the_fall_is_that_of_the_trading_alone(moves: list[tuple[str, Decimal]]) -> None:
    quote, realised, index, peak = Decimal(1000), Decimal(0), Decimal(1), Decimal(1)
    mark = follow(None, funds(str(quote)), "USDC", NOON)
    for what, share in moves:
        change = (quote * share).quantize(Decimal("0.00000001"))
        if what == "trade":
            realised += change
            index *= 1 + change / quote
            peak = max(peak, index)
        quote += change
        mark = follow(mark, funds(str(quote), realised=str(realised)), "USDC", LATER)
        assert mark.peak >= mark.equity
        assert abs(drawdown_pct(mark) - 100 * (1 - index / peak)) < Decimal("1e-9")
