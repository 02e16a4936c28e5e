"""The contract of every Venue for orders that rest and order lists: Binance (on loopback) and the paper exchange."""

from dataclasses import replace
from decimal import Decimal

import pytest

from core.domain.instrument import Balance
from core.domain.order import EntryList, ExecutionReport, LegRequest, ListPlaced, ListRequest, OrderRequest, Rejected
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import OrderTerms, OrderType, TimeInForce, whole_within
from core.domain.signal import Side
from core.domain.strategy_book import strategy_number
from core.ports.venue import Venue as VenuePort
from tests.venue import Venue

WIF = "WIFUSDC"
QTY = Decimal("19.98")


def maker(price: str) -> OrderTerms:
    return OrderTerms(OrderType.LIMIT_MAKER, limit_price=Decimal(price))


def stop(price: str) -> OrderTerms:
    return OrderTerms(OrderType.STOP_LOSS, stop_price=Decimal(price))


def stop_limit(price: str, limit: str) -> OrderTerms:
    return OrderTerms(OrderType.STOP_LOSS_LIMIT, TimeInForce.GTC, Decimal(limit), Decimal(price))


def sell(terms: OrderTerms) -> OrderRequest:
    return OrderRequest("mf-t", WIF, Side.SELL, QTY, 7, terms)


def oco(above: OrderTerms, below: OrderTerms) -> ListRequest:
    return ListRequest("mf-l", WIF, QTY, LegRequest("mf-t", above), LegRequest("mf-s", below), 7)


@pytest.fixture
async def holder(port: VenuePort, venue: Venue) -> VenuePort:
    """Returns a venue on which 19.98 WIF were bought at 0.4801."""
    venue.modernize(WIF)
    assert isinstance(await port.place(OrderRequest("mf-b", WIF, Side.BUY, Decimal(20))), ExecutionReport)
    return port


async def found(port: VenuePort, order_id: str) -> ExecutionReport:
    report = await port.find_order(WIF, order_id)
    assert report is not None
    return report


async def states(port: VenuePort) -> list[OrderState]:
    """Returns the states of target and stop."""
    return [(await found(port, order_id)).state for order_id in ("mf-t", "mf-s")]


async def held(port: VenuePort) -> Balance:
    return (await port.balances()).get("WIF", Balance("WIF", Decimal(0)))


@pytest.mark.parametrize("terms", [maker("0.52"), stop("0.45"), stop_limit("0.45", "0.44")], ids=lambda terms: terms.type)
async def test_an_order_that_rests_is_accepted_listed_and_binds(holder: VenuePort, terms: OrderTerms) -> None:
    report = await holder.place(sell(terms))
    assert isinstance(report, ExecutionReport)
    for shown in (report, await found(holder, "mf-t"), *await holder.open_orders(WIF), *await holder.open_orders()):
        assert (shown.order_id, shown.state, shown.qty, shown.executed_qty, shown.mark) == (
            report.order_id, OrderState.ACCEPTED, QTY, Decimal(0), 7,
        )  # fmt: skip
        assert shown.terms == terms
    assert list(await holder.open_orders("BTCUSDC")) == []
    assert await held(holder) == Balance("WIF", Decimal(0), QTY)
    assert await holder.cancel_order(WIF, "mf-t") is True
    assert (await found(holder, "mf-t")).state is OrderState.CANCELED
    assert await held(holder) == Balance("WIF", QTY)
    assert await holder.cancel_order(WIF, "mf-t") is False


async def test_a_target_is_filled_at_its_own_price(holder: VenuePort, venue: Venue) -> None:
    placed = await holder.place(sell(maker("0.52")))
    assert isinstance(placed, ExecutionReport)
    venue.set_price(WIF, "0.53")
    assert (await found(holder, "mf-t")).state is OrderState.FILLED
    assert [fill.price for fill in await holder.fills(WIF, placed.order_id)] == [Decimal("0.52")]


async def test_a_list_binds_once_and_its_target_ends_the_stop(holder: VenuePort, venue: Venue) -> None:
    result = await holder.place_list(oco(maker("0.52"), stop("0.45")))
    assert isinstance(result, ListPlaced)
    assert {report.client_order_id for report in result.reports} == {"mf-t", "mf-s"}
    assert await states(holder) == [OrderState.ACCEPTED, OrderState.ACCEPTED]
    assert await held(holder) == Balance("WIF", Decimal(0), QTY)
    venue.set_price(WIF, "0.53")
    assert await states(holder) == [OrderState.FILLED, OrderState.EXPIRED]
    assert list(await holder.open_orders(WIF)) == []
    assert (await held(holder)).total == 0


async def test_a_stop_sells_at_the_market_and_ends_the_target(holder: VenuePort, venue: Venue) -> None:
    result = await holder.place_list(oco(maker("0.52"), stop("0.45")))
    assert isinstance(result, ListPlaced)
    venue.set_price(WIF, "0.44")
    assert await states(holder) == [OrderState.EXPIRED, OrderState.FILLED]
    fills = await holder.fills(WIF, (await found(holder, "mf-s")).order_id)
    assert [fill.price for fill in fills] == [Decimal("0.44")]


async def test_a_stop_whose_limit_was_jumped_over_rests_alone(holder: VenuePort, venue: Venue) -> None:
    await holder.place_list(oco(maker("0.52"), stop_limit("0.45", "0.44")))
    venue.set_price(WIF, "0.43")
    assert await states(holder) == [OrderState.EXPIRED, OrderState.ACCEPTED]
    assert await held(holder) == Balance("WIF", Decimal(0), QTY)


@pytest.mark.parametrize("leg", ["mf-t", "mf-s"])
async def test_a_leg_that_is_cancelled_takes_its_list_with_it(holder: VenuePort, leg: str) -> None:
    await holder.place_list(oco(maker("0.52"), stop("0.45")))
    assert await holder.cancel_order(WIF, leg) is True
    assert await states(holder) == [OrderState.CANCELED, OrderState.CANCELED]
    assert await held(holder) == Balance("WIF", QTY)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (sell(maker("0.47")), "would_take"),
        (sell(stop("0.49")), "would_trigger"),
        (sell(maker("0.52005")), "filter_failure"),
        (sell(maker("9")), "filter_failure"),
        (oco(maker("0.47"), stop("0.45")), "list_prices"),
        (oco(maker("0.52"), stop("0.49")), "list_prices"),
        (oco(stop("0.45"), stop("0.45")), "bad_request"),
    ],
)
async def test_what_cannot_rest_is_rejected(holder: VenuePort, request_: OrderRequest | ListRequest, code: str) -> None:
    placing = holder.place(request_) if isinstance(request_, OrderRequest) else holder.place_list(request_)
    result = await placing
    assert isinstance(result, Rejected), result
    assert result.reason.code == code
    assert list(await holder.open_orders(WIF)) == []
    assert await held(holder) == Balance("WIF", QTY)


async def test_what_is_bound_cannot_be_sold_again(holder: VenuePort) -> None:
    await holder.place_list(oco(maker("0.52"), stop("0.45")))
    result = await holder.place(OrderRequest("mf-x", WIF, Side.SELL, QTY))
    assert isinstance(result, Rejected)
    assert result.reason.code == "insufficient_balance"


async def test_types_that_the_symbol_does_not_take_are_rejected(holder: VenuePort, venue: Venue) -> None:
    venue.edit_symbol(WIF, orderTypes=["LIMIT", "LIMIT_MAKER", "MARKET"])
    result = await holder.place(sell(stop("0.45")))
    assert isinstance(result, Rejected)
    assert result.reason.code == "order_type_off"


def buy(kind: OrderType, limit_price: str, name: str = "mf-e") -> OrderRequest:
    stays = TimeInForce.GTC if kind is OrderType.LIMIT else None
    return OrderRequest(name, WIF, Side.BUY, Decimal(20), 7, OrderTerms(kind, stays, Decimal(limit_price)))


async def cash(port: VenuePort) -> Balance:
    return (await port.balances())["USDC"]


@pytest.mark.parametrize("kind", [OrderType.LIMIT, OrderType.LIMIT_MAKER])
async def test_an_entry_at_a_limit_rests_and_binds_what_it_may_cost(port: VenuePort, kind: OrderType) -> None:
    before = await cash(port)
    report = await port.place(buy(kind, "0.47"))
    assert isinstance(report, ExecutionReport)
    for shown in (report, await found(port, "mf-e"), *await port.open_orders(WIF)):
        assert (shown.state, shown.qty, shown.executed_qty, shown.mark) == (OrderState.ACCEPTED, Decimal(20), Decimal(0), 7)
        assert shown.terms == buy(kind, "0.47").terms
    assert await cash(port) == Balance("USDC", before.free - Decimal("9.4"), Decimal("9.4"))
    assert await port.cancel_order(WIF, "mf-e") is True
    assert (await found(port, "mf-e")).state is OrderState.CANCELED
    assert await cash(port) == before


async def test_an_entry_at_a_limit_is_filled_at_its_own_price_when_the_market_comes(port: VenuePort, venue: Venue) -> None:
    placed = await port.place(buy(OrderType.LIMIT, "0.47"))
    assert isinstance(placed, ExecutionReport)
    venue.set_price(WIF, "0.46")
    assert (await found(port, "mf-e")).state is OrderState.FILLED
    assert {fill.price for fill in await port.fills(WIF, placed.order_id)} == {Decimal("0.47")}
    assert (await held(port)).total == Decimal("19.98")


async def test_a_maker_that_would_take_is_rejected_and_binds_nothing(port: VenuePort) -> None:
    before = await cash(port)
    result = await port.place(buy(OrderType.LIMIT_MAKER, "0.49"))
    assert isinstance(result, Rejected)
    assert result.reason.code == "would_take"
    assert await cash(port) == before


async def test_an_entry_above_the_market_takes_what_is_offered_at_once(port: VenuePort) -> None:
    report = await port.place(buy(OrderType.LIMIT, "0.49"))
    assert isinstance(report, ExecutionReport)
    assert (report.state, report.executed_qty) == (OrderState.FILLED, Decimal(20))
    assert report.quote_qty <= Decimal(20) * Decimal("0.4802")


# --- entries with their exits

EDGE = whole_within(Decimal("0.484"))
TARGET, STOP = LegRequest("mf-t", maker("0.52")), LegRequest("mf-s", stop("0.45"))


def bracketed(
    terms: OrderTerms = EDGE, *, target: LegRequest | None = TARGET, stop_: LegRequest | None = STOP, qty: str = "20"
) -> EntryList:
    return EntryList("mf-l", OrderRequest("mf-e", WIF, Side.BUY, Decimal(qty), 7, terms), target, stop_)


@pytest.fixture
def modern(port: VenuePort, venue: Venue) -> VenuePort:
    venue.modernize(WIF)
    return port


async def entered(port: VenuePort, request: EntryList) -> ExecutionReport:
    """Places an entry with its exits; returns the report on the entry, of which the answer says that the others wait."""
    result = await port.place_entry(request)
    assert isinstance(result, ListPlaced), result
    entry, *exits = result.reports
    assert [leg.client_order_id for leg in exits] == [leg.client_order_id for leg in request.exits]
    assert all(leg.is_pending and leg.mark == 7 and not leg.executed_qty for leg in exits)
    return entry


@pytest.mark.parametrize(
    ("request_", "names"),
    [(bracketed(), ["mf-t", "mf-s"]), (bracketed(target=None), ["mf-s"]), (bracketed(stop_=None), ["mf-t"])],
    ids=["both", "a stop", "a target"],
)
async def test_an_entry_brings_its_exits_for_what_was_received_after_the_fee(
    modern: VenuePort, request_: EntryList, names: list[str]
) -> None:
    entry = await entered(modern, request_)
    assert (entry.client_order_id, entry.state, entry.executed_qty, entry.quote_qty, entry.mark) == (
        "mf-e", OrderState.FILLED, Decimal(20), Decimal("9.602"), 7,
    )  # fmt: skip
    assert entry.fills_complete
    for name, leg in zip(names, request_.exits, strict=True):
        shown = await found(modern, name)
        assert (shown.state, shown.is_pending, shown.qty, shown.mark) == (OrderState.ACCEPTED, False, QTY, 7)
        assert shown.terms == leg.terms
    assert [one.client_order_id for one in await modern.open_orders(WIF)] == sorted(names)
    assert await held(modern) == Balance("WIF", Decimal(0), QTY)


@pytest.mark.parametrize("stop_", [STOP, None], ids=["a pair", "one exit"])
async def test_the_exits_that_an_entry_brings_carry_the_number_of_its_strategy(
    modern: VenuePort, stop_: LegRequest | None
) -> None:
    request = bracketed(stop_=stop_)
    await entered(modern, replace(request, entry=replace(request.entry, strategy="waves")))
    for report in (await found(modern, "mf-e"), *await modern.open_orders(WIF)):
        assert report.strategy_number == strategy_number("waves")


async def test_the_exits_of_an_entry_are_a_pair(modern: VenuePort, venue: Venue) -> None:
    await entered(modern, bracketed())
    venue.set_price(WIF, "0.53")
    assert await states(modern) == [OrderState.FILLED, OrderState.EXPIRED]
    assert (await held(modern)).total == 0


async def test_with_one_exit_cancelled_the_pair_is_gone(modern: VenuePort) -> None:
    await entered(modern, bracketed())
    assert await modern.cancel_order(WIF, "mf-s") is True
    assert await states(modern) == [OrderState.CANCELED, OrderState.CANCELED]
    assert await held(modern) == Balance("WIF", QTY)


async def test_an_entry_that_misses_buys_nothing_and_ends_its_exits(modern: VenuePort) -> None:
    before = await cash(modern)
    entry = await entered(modern, bracketed(whole_within(Decimal("0.480"))))
    assert (entry.state, entry.executed_qty) == (OrderState.EXPIRED, Decimal(0))
    for name in ("mf-t", "mf-s"):
        leg = await found(modern, name)
        assert (leg.state, leg.executed_qty, leg.expiry_reason) == (OrderState.EXPIRED, Decimal(0), "OTO_PHASE_ONE_EXPIRED")
    assert list(await modern.open_orders(WIF)) == []
    assert (await cash(modern), (await held(modern)).total) == (before, Decimal(0))


@pytest.mark.parametrize(
    "request_",
    [
        bracketed(stop_=replace(STOP, terms=stop("0.481"))),
        bracketed(target=None, stop_=replace(STOP, terms=stop("0.481"))),
        bracketed(target=replace(TARGET, terms=maker("0.480"))),
        bracketed(target=replace(TARGET, terms=maker("0.480")), stop_=None),
    ],
)
async def test_exits_that_cannot_be_placed_once_the_entry_has_filled_are_refused_then(
    modern: VenuePort, request_: EntryList
) -> None:
    entry = await entered(modern, request_)
    assert entry.state is OrderState.FILLED
    ends = [await found(modern, leg.client_order_id) for leg in request_.exits]
    assert {leg.state for leg in ends} == {OrderState.EXPIRED}
    assert "REJECTED" in {leg.expiry_reason for leg in ends}
    assert list(await modern.open_orders(WIF)) == []
    assert await held(modern) == Balance("WIF", QTY)


async def test_a_fee_is_taken_from_what_was_free_where_there_is_enough(modern: VenuePort) -> None:
    assert isinstance(await modern.place(OrderRequest("mf-b", WIF, Side.BUY, Decimal(20))), ExecutionReport)
    await entered(modern, bracketed())
    assert [(await found(modern, name)).qty for name in ("mf-t", "mf-s")] == [Decimal(20), Decimal(20)]
    assert await held(modern) == Balance("WIF", Decimal("19.96"), Decimal(20))


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (bracketed(whole_within(Decimal("0.4845"))), "filter_failure"),
        (bracketed(qty="20.001"), "filter_failure"),
        (bracketed(qty="300000"), "insufficient_balance"),
        (bracketed(target=replace(TARGET, terms=stop("0.52"))), "bad_request"),
    ],
)
async def test_an_entry_that_is_refused_leaves_nothing(modern: VenuePort, request_: EntryList, code: str) -> None:
    before = await cash(modern)
    result = await modern.place_entry(request_)
    assert isinstance(result, Rejected), result
    assert result.reason.code == code
    for name in ("mf-e", "mf-t", "mf-s"):
        assert await modern.find_order(WIF, name) is None
    assert await cash(modern) == before


async def test_where_a_symbol_takes_no_such_list_it_is_refused(modern: VenuePort, venue: Venue) -> None:
    venue.edit_symbol(WIF, opoAllowed=False)
    result = await modern.place_entry(bracketed())
    assert isinstance(result, Rejected)
    assert result.reason.code == "order_type_off"
    assert await modern.find_order(WIF, "mf-e") is None


async def test_too_many_stops_refuse_the_entry_with_them(modern: VenuePort, venue: Venue) -> None:
    await modern.place(OrderRequest("mf-b", WIF, Side.BUY, Decimal(100)))
    for number in range(5):
        await modern.place(replace(sell(stop("0.44")), client_order_id=f"mf-{number}", qty=Decimal(15)))
    result = await modern.place_entry(bracketed())
    assert isinstance(result, Rejected)
    assert result.reason.code == "too_many_open"
    assert await modern.find_order(WIF, "mf-e") is None
