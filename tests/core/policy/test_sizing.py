"""Sizing: the sized order passes every filter of the exchange, or there is a reason."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.adapters.binance.codec import instrument as parsed
from core.domain.instrument import Instrument
from core.domain.money import amount, multiply
from core.domain.order_terms import EntryStyle
from core.domain.position import Position
from core.domain.signal import Side
from core.policy.sizing.order_size import size
from tests.core.world import LIMITS
from tests.paths import DATA
from tests.venue.errors import VenueError
from tests.venue.filters import Market, SymbolRules, check_precision, edited
from tests.venue.model import OrderRequest

INFO: dict[str, Any] = json.loads((DATA / "binance/exchangeInfo_12_symbols.json").read_text())
SYMBOLS: dict[str, Any] = {entry["symbol"]: entry for entry in INFO["symbols"]}
WIF = replace(parsed(SYMBOLS["WIFUSDC"]), min_notional=Decimal(5))  # 1 in the recording, 5 on most symbols
# Rules that the recorded symbols lack, and others have.
VARIANTS: list[dict[str, Any]] = [
    {},
    {"market_step_size": "1", "market_min_qty": "1"},
    {"market_step_size": "0.00001000"},
    {"filters": {"NOTIONAL": None, "MIN_NOTIONAL": {"minNotional": "10", "applyToMarket": True, "avgPriceMins": 5}}},
    {"apply_max_to_market": True, "max_notional": "500"},
    {"apply_min_to_market": False},
    {"filters": {"MARKET_LOT_SIZE": None}},
]


def bought(qty: str, price: str, rules: Instrument = WIF) -> tuple[Decimal, str]:
    sized, unfit = size(Side.BUY, rules, Decimal(price), Position(rules.symbol), replace(LIMITS, trade_qty=Decimal(qty)))
    return sized.qty, str(unfit or "")


@given(st.decimals(0, 1000, places=4), st.one_of(st.none(), st.decimals(-1, 1000, places=4)))
def test_an_exit_is_never_more_than_is_held_nor_than_is_free(held: Decimal, free: Decimal | None) -> None:
    sized, _ = size(Side.SELL, WIF, Decimal("0.48"), Position("WIFUSDC", qty=held), LIMITS, free=free)
    assert sized.qty <= held
    assert free is None or sized.qty <= max(free, Decimal(0))
    if free is None or free >= held:
        assert sized == size(Side.SELL, WIF, Decimal("0.48"), Position("WIFUSDC", qty=held), LIMITS)[0]


def test_the_default_quantity_of_the_default_symbol_is_refused_in_plain_words() -> None:
    assert bought("10", "0.48") == (Decimal(10), "order value 4.80 USDC is below the exchange's minimum of 5")


@pytest.mark.parametrize(("price", "refused"), [("0.4999", True), ("0.5055", True), ("0.5056", False)])
def test_the_least_worth(price: str, *, refused: bool) -> None:
    assert bool(bought("10", price)[1]) is refused


def test_what_could_not_be_sold_again_is_not_bought() -> None:
    why = "too small to sell later: after the fee and a 1% drop it would be worth 4.94 USDC, below the minimum of 5"
    assert bought("10", "0.5") == (Decimal(10), why)


def test_an_exit_of_unknown_price_is_left_to_the_exchange_and_a_huge_one_takes_what_one_order_may() -> None:
    position = Position("WIFUSDC", qty=Decimal("400000.005"))
    sized, unfit = size(Side.SELL, WIF, Decimal("0.000001"), position, LIMITS, price_known=False)
    assert (sized.qty, unfit) == (WIF.market_quantity(WIF.most_market_qty or Decimal(0)), None)


def test_what_is_too_little_never_looks_enough() -> None:
    assert bought("10", "0.49999")[1] == "order value 4.99 USDC is below the exchange's minimum of 5"


def test_a_quantity_is_cut_to_the_step_and_never_raised() -> None:
    assert bought("20.999", "0.48") == (Decimal("20.99"), "")


def test_a_market_step_of_its_own_counts_too() -> None:
    assert bought("20.99", "0.48", replace(WIF, market_step_size=Decimal(1)))[0] == 20


def test_a_quantity_below_one_step_is_refused() -> None:
    assert bought("0.001", "0.48") == (Decimal(0), "0 WIF is below the exchange's minimum order of 0.01")


def test_the_largest_market_order() -> None:
    most = WIF.most_market_qty
    assert most is not None
    assert bought(str(most), "0.48")[1] == ""
    assert "is above the exchange's maximum market order" in bought(str(most + WIF.step_size), "0.48")[1]


def test_an_entry_by_worth_takes_the_place_of_the_quantity() -> None:
    limits = replace(LIMITS, trade_quote=Decimal(10))
    sized, unfit = size(Side.BUY, WIF, Decimal("0.48"), Position("WIFUSDC"), limits)
    assert (sized.qty, unfit) == (Decimal("20.66"), None)
    assert sized.notional <= 10 < multiply(sized.qty + WIF.step_size, sized.worst_price)
    at_market, unfit = size(Side.BUY, WIF, Decimal("0.48"), Position("WIFUSDC"), replace(limits, entry_style=EntryStyle.MARKET))
    assert (at_market.qty, unfit) == (Decimal("20.83"), None)
    assert at_market.notional <= 10


def test_an_exit_sells_all_that_is_held_whatever_the_settings_say() -> None:
    position = Position("WIFUSDC", qty=Decimal("19.985"))
    sized, unfit = size(Side.SELL, WIF, Decimal("0.52"), position, replace(LIMITS, trade_quote=Decimal(500)))
    assert (sized.qty, unfit) == (Decimal("19.98"), None)


@pytest.mark.parametrize(
    ("value", "text"), [("4.8", "4.80"), ("1234.999", "1234.99"), ("0.012345", "0.01234"), ("0", "0.00"), ("-3.999", "-3.99")]
)
def test_an_amount_for_the_reader(value: str, text: str) -> None:
    assert amount(Decimal(value)) == text


quantities = st.integers(1, 10**18).map(lambda units: Decimal(units).scaleb(-8))
prices = st.integers(1, 10**14).map(lambda units: Decimal(units).scaleb(-8))


@settings(max_examples=400)
@given(
    symbol=st.sampled_from(sorted(SYMBOLS)),
    variant=st.sampled_from(VARIANTS),
    qty=quantities,
    price=prices,
    side=st.sampled_from(Side),
    by_worth=st.booleans(),
)
def test_a_draft_passes_every_filter_or_has_a_reason(
    *, symbol: str, variant: dict[str, Any], qty: Decimal, price: Decimal, side: Side, by_worth: bool
) -> None:
    entry = edited(SYMBOLS[symbol], variant)
    rules, filters = parsed(entry), SymbolRules(entry)
    limits = replace(LIMITS, trade_qty=qty, trade_quote=qty if by_worth else None)
    sized, unfit = size(side, rules, price, Position(symbol, qty=qty), limits)
    if unfit is None:
        objection = _objection(filters, side, sized.qty, price)
        # The exchange judges an exit's worth by the average price of the last minutes: it is sent, and the exchange refuses.
        assert objection is None or (side is Side.SELL and _too_little(rules, sized.qty, price))
        check_precision("quantity", sized.qty, filters.base_precision)
    elif unfit.code == "unsellable":
        left = rules.market_quantity(sized.qty * Decimal("0.999"))
        assert _objection(filters, Side.SELL, left, price * Decimal("0.99")) is not None
    else:
        assert _objection(filters, side, sized.qty, price) is not None
    if side is Side.SELL or not by_worth:
        cut_to_the_most = side is Side.SELL and _as_much_as_one_order_may(rules, sized.qty, price)
        assert qty - sized.qty < max(filters.market_step, Decimal("1e-8")) or cut_to_the_most
        assert sized.qty <= qty


def _too_little(rules: Instrument, qty: Decimal, price: Decimal) -> bool:
    return qty * price < rules.min_notional


def _as_much_as_one_order_may(rules: Instrument, qty: Decimal, price: Decimal) -> bool:
    """Allows for a step and the room that is left for a moving price."""
    step = max(rules.step_size, rules.market_step_size)
    by_worth = rules.max_notional is not None and (qty + step) * price >= rules.max_notional * Decimal("0.9")
    return by_worth or (rules.most_market_qty is not None and qty == rules.market_quantity(rules.most_market_qty))


def _objection(filters: SymbolRules, side: Side, qty: Decimal, price: Decimal) -> VenueError | None:
    """Returns the objection of the exchange's own filters, by an implementation that shares nothing with ours."""
    order = OrderRequest(
        symbol=filters.symbol,
        side=side.value,
        type="MARKET",
        time_in_force=None,
        quantity=qty,
        quote_qty=None,
        price=None,
        client_order_id="mf-1",
        stp_mode="NONE",
    )
    try:
        filters.check(order, Market(price, price, Decimal(0)))
    except VenueError as error:
        return error
    return None
