"""The money of an account: what an entry under way may still spend."""

from decimal import Decimal

import pytest

from core.domain.order import Order
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import AT_MARKET, OrderTerms, within
from core.domain.signal import Side, Signal
from core.policy.funds import Entering
from tests.core.virtual_time import NOON

ENTRY = Signal("kafka:t", "1", "BUY_SM", "WIFUSDC", Decimal("0.48"), NOON)


@pytest.mark.parametrize(
    ("terms", "executed", "expected"),
    [
        (AT_MARKET, "0", "9.6"),
        (AT_MARKET, "5", "7.2"),
        (within(Decimal("0.49")), "0", "9.8"),
        (within(Decimal("0.49")), "20", "0"),
    ],
)
def test_an_entry_may_still_spend_its_rest_at_the_worst_price(terms: OrderTerms, executed: str, expected: str) -> None:
    order = Order(
        "mf-1",
        ENTRY,
        1,
        Side.BUY,
        Decimal(20),
        Decimal("0.48"),
        OrderState.SUBMITTED,
        "paper",
        NOON,
        NOON,
        executed_qty=Decimal(executed),
        terms=terms,
    )
    assert Entering(order, "USDC").unspent == Decimal(expected)
