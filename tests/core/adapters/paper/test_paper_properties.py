"""Promises of the paper exchange, whatever is ordered and however the price moves: random histories."""

import asyncio
from collections import Counter
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.money import ZERO
from core.domain.order import ExecutionReport, ListPlaced, ListRequest, OrderRequest
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import OrderTerms, OrderType, TimeInForce
from core.domain.signal import Side
from tests.core.adapters.paper.world import WIF, World, oco, sell

OPEN = OrderState.ACCEPTED

# Prices around the first one, so that orders are reached, jumped over, refused and left alone alike.
PRICES = st.integers(8_000, 12_000).map(lambda cents: Decimal(cents) / 100)
AMOUNTS = st.integers(5, 700).map(lambda hundredths: f"{Decimal(hundredths) / 100}")


@st.composite
def terms(draw: st.DrawFn) -> OrderTerms:
    kind = draw(st.sampled_from(OrderType))
    triggers = draw(st.sampled_from(["stop", "trail", "both"])) if kind.has_trigger else ""
    return OrderTerms(
        kind,
        draw(st.sampled_from(TimeInForce)) if kind.has_time_in_force else None,
        draw(PRICES) if kind.has_limit else None,
        draw(PRICES) if triggers in {"stop", "both"} else None,
        draw(st.integers(10, 2000)) if triggers in {"trail", "both"} else None,
    )


@st.composite
def brackets(draw: st.DrawFn) -> ListRequest:
    above = draw(st.one_of(terms().filter(lambda one: one.type not in {OrderType.MARKET, OrderType.LIMIT}), targets()))
    below = draw(st.one_of(terms(), stops()))
    return oco(above, below, draw(AMOUNTS))


def targets() -> st.SearchStrategy[OrderTerms]:
    return PRICES.map(lambda price: OrderTerms(OrderType.LIMIT_MAKER, limit_price=price + 10))


def stops() -> st.SearchStrategy[OrderTerms]:
    return PRICES.map(lambda price: OrderTerms(OrderType.STOP_LOSS, stop_price=price - 10))


@st.composite
def orders(draw: st.DrawFn) -> OrderRequest:
    request = sell(draw(terms()), draw(AMOUNTS))
    return OrderRequest("", WIF, draw(st.sampled_from(Side)), request.qty, 7, request.terms)


STEPS = st.one_of(
    orders(),
    brackets(),
    PRICES,
    PRICES,
    st.integers(0, 30),  # cancels the order of this number
    st.just("restart"),
)


async def do(world: World, step: object, number: int) -> None:
    match step:
        case OrderRequest():
            request = OrderRequest(f"o-{number}", WIF, step.side, step.qty, 7, step.terms)
            await world.paper.place(request)
        case ListRequest():
            await world.paper.place_list(oco(step.above.terms, step.below.terms, str(step.qty), number))
        case Decimal():
            await world.price(str(step))
        case int():
            for kind in "ot":
                await world.paper.cancel_order(WIF, f"{kind}-{step}")
        case _:
            world.paper = world.exchange()


def moved(report: ExecutionReport) -> Counter[str]:
    """Returns what the fills of an order changed, by asset; in hundred-millionths, so that a Counter can hold it."""
    change: Counter[str] = Counter()
    sign = 1 if report.side is Side.BUY else -1
    for fill in report.fills:
        change["WIF"] += sign * int(fill.qty * 10**8)
        change["USDC"] -= sign * int(fill.qty * fill.price * 10**8)
        change[fill.fee_asset] -= int(fill.fee * 10**8)
    return change


async def bound(world: World) -> dict[str, Decimal]:
    """Returns what the open orders bind, by asset, from the terms that they were placed with."""
    found = {"WIF": ZERO, "USDC": ZERO}
    lists: set[str] = set()
    for order in (await world.book.load()).resting:
        assert order.resting is not None
        if order.resting.list_id in lists:
            continue
        lists |= {order.resting.list_id} - {""}
        asset, amount = order.locks
        assert asset == ("USDC" if order.report.side is Side.BUY else "WIF")
        assert order.report.side is Side.BUY or amount == order.report.qty
        found[asset] += amount
    return found


async def check(world: World) -> None:
    held, bound_now = await world.paper.balances(), await bound(world)
    expected = Counter({"WIF": 10 * 10**8, "USDC": 1000 * 10**8})
    for report in world.book.reports.values():
        expected.update(moved(report))
    for asset, amount in expected.items():
        balance = held.get(asset)
        free, locked = (balance.free, balance.locked) if balance is not None else (ZERO, ZERO)
        assert free >= 0
        assert locked == bound_now[asset]
        assert int((free + locked) * 10**8) == amount
    for number in range(40):
        legs = [world.book.reports[name] for name in (f"t-{number}", f"s-{number}") if name in world.book.reports]
        assert sum(leg.state is OrderState.FILLED for leg in legs) <= 1
        if any(leg.state is OrderState.FILLED for leg in legs):
            assert not any(leg.state is OPEN for leg in legs)
    resting = {report.client_order_id for report in await world.paper.open_orders()}
    assert resting == {name for name, report in world.book.reports.items() if report.state is OPEN}


@settings(max_examples=200, deadline=None)
@given(st.lists(STEPS, max_size=30))
def test_money_is_neither_made_nor_lost_and_a_list_sells_once(steps: list[object]) -> None:
    async def run() -> None:
        world = World()
        for number, step in enumerate(steps):
            await do(world, step, number)
            await check(world)

    asyncio.run(run())


@settings(max_examples=50, deadline=None)
@given(st.lists(orders() | brackets(), min_size=1, max_size=8), PRICES)
def test_a_price_seen_twice_changes_nothing(requests: list[object], price: Decimal) -> None:
    async def run() -> None:
        world = World()
        for number, request in enumerate(requests):
            await do(world, request, number)
        await world.price(str(price), str(price))  # a trailing order begins with the first, and a leg may end another
        reports, commits = world.book.reports, world.book.commits
        await world.price(str(price), str(price))
        assert (world.book.reports, world.book.commits) == (reports, commits)

    asyncio.run(run())


@settings(max_examples=50, deadline=None)
@given(brackets(), st.lists(PRICES, max_size=10))
def test_a_list_is_placed_whole_or_refused(request: ListRequest, path: list[Decimal]) -> None:
    async def run() -> None:
        world = World()
        placed = isinstance(await world.paper.place_list(request), ListPlaced)
        assert len(world.book.reports) == (2 if placed else 0)
        await world.price(*map(str, path))
        await check(world)

    asyncio.run(run())
