"""A price that is not of this market: both directions for entries, tenfold for exits, and never for lack of a price."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.events.priority import Priority
from core.domain.events.signals import SignalRefused
from core.domain.instrument import Quote
from core.domain.order import NotTaken
from core.domain.reasons import reason
from core.domain.signal import BY_HAND
from core.domain.strategy_book import StrategyBook
from core.domain.trading_state import Mode, TradingState
from core.policy.decision import Refused, decide
from core.policy.decision_context import DecisionContext
from core.policy.risk.price_sanity import off_by, price_sanity
from tests.core.conftest import OpenWorld
from tests.core.decision_contexts import HELD, decision_context, said, sized
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import refused
from tests.core.virtual_time import NOON
from tests.core.world import World

PRICES = st.decimals(min_value=Decimal("0.00000001"), max_value=Decimal(10_000_000), places=8)


def at(market: str | Decimal, **known: Any) -> DecisionContext:
    price = Decimal(market)
    return decision_context(**known, quote=Quote("WIFUSDC", price, price, NOON))


def code(close: str, market: str, kind: str = "BUY_SM", **known: Any) -> str:
    signal = said(kind, close=close)
    refused = price_sanity(signal, sized(signal.side, price=market), at(market, **known))
    return refused.code if refused is not None else ""


@pytest.mark.parametrize(
    ("close", "market", "refused"),
    [
        ("0.48", "0.48", ""),
        ("0.72", "0.48", ""),  # 50 % above the market
        ("0.72000001", "0.48", "price_sanity"),
        ("0.24", "0.48", ""),  # 50 % below it
        ("0.23999999", "0.48", "price_sanity"),
        ("65000", "0.48", "price_sanity"),  # BTC's price
        ("0.00001", "0.48", "price_sanity"),
    ],
)
def test_an_entry_of_another_market_is_refused_whichever_way_it_is_off(close: str, market: str, refused: str) -> None:
    assert code(close, market) == refused


@pytest.mark.parametrize(
    ("close", "market", "refused"),
    [
        ("0.48", "0.10", ""),  # a crash: a refused exit costs everything
        ("4.8", "0.48", ""),
        ("4.80000001", "0.48", "price_sanity"),
        ("0.048", "0.48", ""),
        ("0.04799999", "0.48", "price_sanity"),
        ("65000", "0.48", "price_sanity"),
    ],
)
def test_an_exit_is_refused_only_where_it_is_off_tenfold(close: str, market: str, refused: str) -> None:
    assert code(close, market, "SELL_SM") == refused


def test_the_limit_is_the_owners() -> None:
    assert code("0.50", "0.48", price_sanity_pct=Decimal(4)) == "price_sanity"
    assert code("0.46", "0.48", price_sanity_pct=Decimal(4)) == "price_sanity"
    assert code("0.49", "0.48", price_sanity_pct=Decimal(4)) == ""


def test_the_reason_names_both_prices() -> None:
    decision = decide(said(close="65000"), decision_context())
    assert isinstance(decision, Refused)
    assert str(decision.reason) == "the signal's price 65000 is too far from the market, now at 0.48"


def test_an_unknown_market_refuses_no_exit() -> None:
    assert not isinstance(decide(said("SELL_SM", close="65000"), decision_context(quote=None, position=HELD)), Refused)


def test_a_person_who_saw_the_price_is_not_refused_an_exit() -> None:
    assert code("65000", "0.48", "SELL_SM", by_hand=True) == ""
    assert code("65000", "0.48", "SELL_SM", approved_at=NOON) == ""
    by_hand = replace(said("SELL_MANUAL", close="65000"), source=BY_HAND)
    assert not isinstance(decide(by_hand, at("0.48", position=HELD, by_hand=True)), Refused)


@given(PRICES, PRICES)
def test_an_exit_within_ten_times_passes_and_every_other_is_refused(close: Decimal, market: Decimal) -> None:
    assert (code(f"{close:f}", f"{market:f}", "SELL_SM") == "price_sanity") == (close > market * 10 or market > close * 10)


@given(PRICES, PRICES, st.integers(min_value=1, max_value=100))
def test_an_entry_farther_off_than_the_limit_is_never_taken(close: Decimal, market: Decimal, limit: int) -> None:
    too_far = abs(close - market) * 100 > market * limit
    assert (code(f"{close:f}", f"{market:f}", price_sanity_pct=Decimal(limit)) == "price_sanity") == too_far


def test_the_distance_is_of_the_market() -> None:
    assert off_by(Decimal("0.72"), Decimal("0.48")) == off_by(Decimal("0.24"), Decimal("0.48")) == 50


async def test_a_refused_exit_is_told_at_once_and_what_is_held_stays(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    outcome = await world.say("SELL_SM", close="65000")
    assert outcome is not None
    assert outcome.reason is not None
    assert (outcome.outcome, outcome.reason.code) == ("denied", "price_sanity")
    assert world.portfolio.position(StrategyBook("WIFUSDC")).is_open
    (told,) = [event for event in ledger.events if isinstance(event, SignalRefused)]
    assert told.priority is Priority.URGENT
    assert told.lost_exit


async def test_a_signal_of_another_market_withdraws_no_question(world: World) -> None:
    await world.say("BUY_SM")
    world.portfolio.trading_state = TradingState(mode=Mode.CONFIRM)
    await world.say("SELL_SM", close="0.50")
    asked = world.question()
    await world.say("BUY_SM", close="65000")
    assert world.question().token == asked.token


async def test_an_exit_that_was_good_when_it_came_goes_on_through_a_crash(open_world: OpenWorld) -> None:
    """Keeps the exchange away while the market falls to a twentieth: that is when the exit matters most."""
    world = await open_world(trade_qty=Decimal(2000))
    await world.say("BUY_SM")
    world.venue.next(refused(NotTaken(reason("banned", seconds=70), retry_after=70)))
    await world.clock.run(world.inbox.deliver([world.said(world.signal("SELL_SM"))]))
    await world.clock.forward(5)
    assert world.portfolio.position(StrategyBook("WIFUSDC")).is_open
    world.venue.prices["WIFUSDC"] = Decimal("0.024")
    await world.clock.forward(120)
    assert not world.portfolio.position(StrategyBook("WIFUSDC")).is_open
