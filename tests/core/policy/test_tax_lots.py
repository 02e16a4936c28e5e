"""Tax lots, by small sums: first in, first out, and who bears a fee."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core.domain.position import Execution
from core.policy.tax_lots import Disposal, Lots, Valued
from tests.core.adapters.ledger.values import NOW, execution


def bought(number: int, qty: str, cost: str, *, fee: str = "0", asset: str = "USDC") -> Execution:
    return replace(
        execution(number),
        executed_at=NOW + timedelta(minutes=number),
        qty=Decimal(qty),
        quote_qty=Decimal(cost),
        fee=Decimal(fee),
        fee_asset=asset,
    )


def sold(number: int, qty: str, proceeds: str, *, fee: str = "0", asset: str = "USDC") -> Execution:
    entry = bought(number, qty, proceeds, fee=fee, asset=asset)
    return replace(entry, side=execution(number, Decimal(1)).side)


def shares(disposals: list[Disposal]) -> list[tuple[str, str, str]]:
    """Returns quantity, cost and gain of each."""
    return [(f"{one.qty:f}", f"{one.cost.normalize():f}", f"{one.gain.normalize():f}") for one in disposals]


def taken(*executions: Execution) -> list[Disposal]:
    lots = Lots()
    return [disposal for one in executions for disposal in lots.take(Valued(one))]


def test_the_oldest_purchase_is_sold_first() -> None:
    found = taken(bought(1, "10", "10"), bought(2, "10", "20"), sold(3, "15", "45"))
    assert shares(found) == [("10", "10", "20"), ("5", "10", "5")]
    assert [one.acquired_at for one in found] == [NOW + timedelta(minutes=1), NOW + timedelta(minutes=2)]


@pytest.mark.parametrize(
    ("fee", "asset", "cost", "gain"),
    [("1", "USDC", "11", "9"), ("0.5", "WIF", "10", "10")],
)
def test_a_purchases_fee_raises_its_cost_or_lowers_its_quantity(fee: str, asset: str, cost: str, gain: str) -> None:
    entry = bought(1, "10", "10", fee=fee, asset=asset)
    whole = "9.5" if asset == "WIF" else "10"
    assert shares(taken(entry, sold(2, whole, "20"))) == [(whole, cost, gain)]


def test_a_sales_fee_in_the_coin_itself_is_disposed_of_with_it() -> None:
    found = taken(bought(1, "10", "10"), sold(2, "8", "16", fee="2", asset="WIF"))
    assert shares(found) == [("10", "10", "6")]


def test_a_sales_fee_in_the_quote_asset_lowers_its_proceeds() -> None:
    (found,) = taken(bought(1, "10", "10"), sold(2, "10", "20", fee="1"))
    assert (found.proceeds, found.gain) == (Decimal(19), Decimal(9))


def test_what_was_never_bought_has_no_cost() -> None:
    known, unknown = taken(bought(1, "10", "10"), sold(2, "15", "30"))
    assert shares([known, unknown]) == [("10", "10", "10"), ("5", "0", "10")]
    assert (unknown.acquired_at, unknown.bought_by) == (None, "")


@pytest.mark.parametrize(
    ("held", "left"), [("0", []), ("4", [("4", "8")]), ("10", [("10", "20")]), ("13", [("3", "3"), ("10", "20")])]
)
def test_a_start_from_a_position_holds_the_rest_of_the_newest_purchases(held: str, left: list[tuple[str, str]]) -> None:
    lots = Lots()
    newest_first = [Valued(bought(2, "10", "20")), Valued(bought(1, "10", "10"))]
    lots.begin("WIFUSDC", newest_first, Decimal(held))
    assert [(f"{one.qty:f}", f"{one.cost.normalize():f}") for one in lots.left()] == left
