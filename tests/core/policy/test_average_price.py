"""The average price and the number of entries of a position, whatever was bought and sold of it: by laws, for all amounts."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal, localcontext

from hypothesis import given
from hypothesis import strategies as st

from core.domain.money import EXACT, ZERO
from core.domain.order import ExecutionReport, Fill, Order
from core.domain.order_state_machine import OrderState
from core.domain.plan_leg import LegKind, PlanLeg
from core.domain.position import Position
from core.domain.signal import Side, Signal, client_order_id
from core.policy.profit import book
from tests.core.virtual_time import NOON
from tests.core.world import instrument

WIF = instrument()
EMPTY = Position("WIFUSDC")
NEAR = Decimal("1e-12")

prices = st.integers(1_000, 20_000).map(lambda ticks: Decimal(ticks) / 10_000)
quantities = st.integers(2_000, 500_000).map(lambda steps: Decimal(steps) / 100)
rates = st.sampled_from(["0", "0.001", "0.00075"]).map(Decimal)
purchases = st.lists(st.tuples(quantities, prices, rates, st.booleans()), min_size=1, max_size=6)


def order(number: int, side: Side, qty: Decimal, price: Decimal) -> Order:
    signal = Signal("kafka:t", f"t/0/{number}", f"{side}_SM", "WIFUSDC", price, NOON)
    name = client_order_id(signal)
    with localcontext(EXACT):
        placed = Order(name, signal, number, side, qty, price, OrderState.FILLED, "paper", NOON, NOON)
        return replace(placed, executed_qty=qty, quote_qty=qty * price)


def after(position: Position, one: Order, price: Decimal, fee: Decimal = ZERO, asset: str = "USDC") -> Position:
    """Returns the position once a part of an order is booked."""
    qty = one.executed_qty
    with localcontext(EXACT):
        fill = Fill("WIFUSDC", str(one.inbox_seq), price, qty, fee, asset, NOON)
        report = ExecutionReport(
            one.client_order_id, "1", "WIFUSDC", one.side, OrderState.FILLED, qty, qty * price, NOON, (fill,)
        )
    return book(one, report, position, WIF, {}).position


def entered(position: Position, number: int, qty: Decimal, price: Decimal, rate: Decimal, *, in_base: bool) -> Position:
    with localcontext(EXACT):
        fee = qty * rate if in_base else qty * price * rate
    return after(position, order(number, Side.BUY, qty, price), price, fee, "WIF" if in_base else "USDC")


def bought(wanted: Sequence[tuple[Decimal, Decimal, Decimal, bool]]) -> Position:
    position = EMPTY
    for number, (qty, price, rate, in_base) in enumerate(wanted):
        position = entered(position, number, qty, price, rate, in_base=in_base)
    return position


@given(purchases)
def test_the_average_lies_between_the_prices_paid_and_weighs_them_by_what_they_left(
    wanted: list[tuple[Decimal, Decimal, Decimal, bool]],
) -> None:
    position, paid = bought(wanted), [price for _, price, _, _ in wanted]
    assert min(paid) - NEAR <= position.average_price <= max(paid) + NEAR
    with localcontext(EXACT):
        kept = [(qty - qty * rate if in_base else qty, price) for qty, price, rate, in_base in wanted]
        worth, held = sum((qty * price for qty, price in kept), ZERO), sum((qty for qty, _ in kept), ZERO)
    assert position.qty == held
    assert abs(position.average_price - worth / held) < NEAR
    assert position.average_cost >= position.average_price, "fees only add to the cost"


@given(purchases, st.data())
def test_the_order_of_the_entries_changes_nothing(
    wanted: list[tuple[Decimal, Decimal, Decimal, bool]], data: st.DataObject
) -> None:
    found = bought(data.draw(st.permutations(wanted)))
    first = bought(wanted)
    assert (found.qty, found.cost, found.value, found.entries) == (first.qty, first.cost, first.value, first.entries)


@given(purchases, st.integers(1, 99), prices)
def test_a_sale_of_a_part_leaves_the_average_as_it_was(
    wanted: list[tuple[Decimal, Decimal, Decimal, bool]], per_cent: int, price: Decimal
) -> None:
    position = bought(wanted)
    qty = WIF.market_quantity(position.qty * per_cent / 100)
    sold = after(position, order(99, Side.SELL, qty, price), price)
    if sold.is_open:
        assert abs(sold.average_price - position.average_price) < NEAR
        assert abs(sold.average_cost - position.average_cost) < NEAR
        assert sold.entries == position.entries
    else:
        assert (sold.entries, sold.last_entry) == (0, ""), "the next entry begins another position"


@given(purchases)
def test_each_entry_counts_once(wanted: list[tuple[Decimal, Decimal, Decimal, bool]]) -> None:
    assert bought(wanted).entries == len(wanted)


@given(quantities, prices, st.integers(1, 4))
def test_an_entry_that_fills_in_parts_and_by_several_orders_is_one(qty: Decimal, price: Decimal, parts: int) -> None:
    first = order(1, Side.BUY, qty, price)
    leg = PlanLeg(first.client_order_id, LegKind.ENTRY, 1, 1)
    follows = replace(first, client_order_id=leg.client_order_id, leg=leg)
    position = entered(EMPTY, 0, qty, price, ZERO, in_base=False)
    for number in range(parts):
        position = after(position, first if number % 2 else follows, price)
    assert position.entries == 2


def test_a_position_that_an_earlier_version_booked_counts_as_one_entry() -> None:
    old = Position("WIFUSDC", Decimal(20), Decimal(10), Decimal(10), is_open=True, opened_at=NOON)
    assert (old.entries, old.entry_count) == (0, 1)
    assert entered(old, 7, Decimal(20), Decimal("0.5"), ZERO, in_base=False).entries == 2
