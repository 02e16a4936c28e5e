"""An exit that waits, and what an entry buys meanwhile: what leaves nothing sells that, too."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from core.domain.messages import ManualInstruction
from core.domain.pending_exit import PendingExit
from core.domain.signal import PLANNED, Signal
from core.domain.trade_size import SizeKind, TradeSize
from core.policy.exits.pending import after_purchase
from tests.core.virtual_time import NOON

SALE = Signal("kafka:t", "s1", "SELL_SM", "WIFUSDC", Decimal("0.48"), NOON)
WAITS = PendingExit(SALE, Decimal(12), NOON, NOON)
ALL, HALF = TradeSize(SizeKind.POSITION, Decimal(100)), TradeSize(SizeKind.POSITION, Decimal(50))


@pytest.mark.parametrize(
    ("change", "qty"),
    [
        ({}, 20),
        ({"signal": replace(SALE, source=PLANNED, signal_type="SELL_STOP_LOSS")}, 20),
        ({"signal": replace(SALE, size=ALL)}, 20),
        ({"signal": replace(SALE, size=HALF)}, None),
        ({"signal": replace(SALE, size=TradeSize(SizeKind.QUANTITY, Decimal(15)))}, None),
        ({"hand": ManualInstruction(7, "Ann"), "approved_by": "Ann", "approved_at": NOON}, 20),
        ({"hand": ManualInstruction(7, "Ann", qty=Decimal(12)), "approved_by": "Ann", "approved_at": NOON}, None),
        ({"approved_by": "Ann", "approved_at": NOON}, None),  # she was shown what would be sold
        ({"ended_at": NOON}, None),
    ],
)
def test_what_leaves_nothing_grows_by_what_was_bought(change: dict[str, Any], qty: int | None) -> None:
    grown = [one.qty for one in after_purchase(replace(WAITS, **change), Decimal(8))]
    assert grown == ([] if qty is None else [Decimal(qty)])


@pytest.mark.parametrize("bought", [0, -1])
def test_nothing_changes_where_nothing_was_bought_or_wanted(bought: int) -> None:
    assert after_purchase(WAITS, Decimal(bought)) == []
    assert after_purchase(None, Decimal(8)) == []
