"""An exit is given up where the exchange and the market agree that it is worth too little."""

from dataclasses import replace
from decimal import Decimal

import pytest

from core.domain.messages import ManualInstruction
from core.domain.pending_exit import PendingExit
from core.domain.reasons import Reason, reason
from core.domain.signal import BY_HAND, PANIC, PLANNED, Signal
from core.policy.exits.too_little import why_given_up
from tests.core.virtual_time import NOON
from tests.core.world import instrument

WIF = instrument()
REFUSED = reason("filter_failure", filter="NOTIONAL")


def pending(why: Reason | None, *, source: str = BY_HAND, kind: str = PANIC, qty: str = "10.989") -> PendingExit:
    signal = Signal(source, "name", kind, WIF.symbol, Decimal("0.48"), NOON)
    return PendingExit(signal, Decimal(qty), NOON, NOON, why=why, hand=ManualInstruction(7, "Ann"))


ENDLESS = [(BY_HAND, PANIC), (PLANNED, "SELL_STOP_LOSS"), (f"exit:{PLANNED}", "SELL_TIME_LIMIT")]


@pytest.mark.parametrize(("source", "kind"), ENDLESS)
def test_what_the_exchange_refused_and_the_market_prices_below_the_minimum_is_given_up(source: str, kind: str) -> None:
    why = why_given_up(pending(REFUSED, source=source, kind=kind), Decimal("10.989"), WIF, Decimal("0.455"))
    assert why == reason("too_little_to_sell", qty="10.98", base="WIF", value="4.99", quote="USDC", minimum="5")


@pytest.mark.parametrize("bid", ["0.456", None])
def test_what_the_market_may_price_high_enough_is_tried_again(bid: str | None) -> None:
    assert why_given_up(pending(REFUSED), Decimal("10.989"), WIF, None if bid is None else Decimal(bid)) is None


@pytest.mark.parametrize("why", [None, reason("filter_failure", filter="LOT_SIZE"), reason("exchange_busy")])
def test_the_exchange_is_asked_first(why: Reason | None) -> None:
    assert why_given_up(pending(why), Decimal("10.989"), WIF, Decimal("0.4")) is None


def test_an_exit_that_has_an_end_of_its_own_waits_for_it() -> None:
    of_record = pending(REFUSED, source="kafka:t", kind="SELL_SM")
    assert why_given_up(of_record, Decimal("10.989"), WIF, Decimal("0.4")) is None
    assert why_given_up(replace(of_record, signal=pending(REFUSED).signal), Decimal("10.989"), WIF, Decimal("0.4")) is not None
