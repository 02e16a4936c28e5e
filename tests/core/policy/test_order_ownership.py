"""The owner of an order on the exchange: a row for every combination that distinguishes the cases."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from core.domain.account import UNMARKED, Acknowledged
from core.domain.money import ZERO
from core.domain.order import ExecutionReport, Order
from core.domain.order_state_machine import OrderState
from core.domain.signal import Side, Signal
from core.policy.order_ownership import Ours, Whose, whose
from tests.core.virtual_time import NOON

OURS, THEIRS = 7_000_000_001, 8_000_000_001
REPORT = ExecutionReport("mf-1", "28", "WIFUSDC", Side.BUY, OrderState.FILLED, Decimal(20), Decimal("9.6"), NOON, mark=OURS)
NOTHING = replace(REPORT, state=OrderState.EXPIRED, executed_qty=ZERO, quote_qty=ZERO)
SIGNAL = Signal("kafka:t", "1", "BUY_SM", "WIFUSDC", Decimal("0.48"), NOON)
EARLIER, LATER = NOON - timedelta(seconds=1), NOON + timedelta(seconds=1)


def order(state: OrderState, order_id: str | None = None) -> Order:
    return Order("mf-1", SIGNAL, 1, Side.BUY, Decimal(20), Decimal("0.48"), state, "live", NOON, NOON, order_id)


def marked(mark: int | None, report: ExecutionReport = REPORT) -> ExecutionReport:
    return replace(report, mark=mark)


FILLED = order(OrderState.FILLED, "28")
NEVER_SENT = [
    order(state)
    for state in (
        *(OrderState.DENIED, OrderState.AWAITING_APPROVAL, OrderState.DECLINED),
        *(OrderState.EXPIRED, OrderState.CANCELED, OrderState.REJECTED),
    )
]


@pytest.mark.parametrize("mark", [OURS, THEIRS, None])
@pytest.mark.parametrize("report", [REPORT, NOTHING])
@pytest.mark.parametrize(
    ("known", "acknowledged", "expected"),
    [
        # in the ledger under this number: known, with any mark, as old orders have none
        (FILLED, None, (Whose.KNOWN, Whose.KNOWN, Whose.KNOWN)),
        # sent, and no answer yet: being resolved
        (order(OrderState.UNKNOWN), None, (Whose.KNOWN, Whose.KNOWN, Whose.KNOWN)),
        # in the ledger under another number: another program sent the same signal, even if that has our own mark (a copy)
        (order(OrderState.FILLED, "27"), None, (Whose.STRANGE, Whose.STRANGE, Whose.STRANGE)),
        (order(OrderState.FILLED, "27"), NOON, (Whose.KNOWN, Whose.KNOWN, Whose.KNOWN)),
        (order(OrderState.FILLED, "27"), EARLIER, (Whose.STRANGE, Whose.OTHERS, Whose.STRANGE)),
        # not in the ledger, or there and never sent
        *((one, None, (Whose.LOST, Whose.STRANGE, Whose.STRANGE)) for one in (None, *NEVER_SENT)),
        *((one, LATER, (Whose.LOST, Whose.KNOWN, Whose.KNOWN)) for one in (None, *NEVER_SENT)),
        *((one, EARLIER, (Whose.LOST, Whose.OTHERS, Whose.STRANGE)) for one in (None, *NEVER_SENT)),
    ],
)
def test_whose_it_is(
    known: Order | None,
    acknowledged: datetime | None,
    expected: tuple[Whose, Whose, Whose],
    mark: int | None,
    report: ExecutionReport,
) -> None:
    """Passes when `acknowledged` orders of the report's mark count as expected; `expected` is for our mark, another and none."""
    wanted = dict(zip((OURS, THEIRS, None), expected, strict=True))[mark]
    if wanted is Whose.LOST and report is NOTHING:
        wanted = Whose.KNOWN  # no book lacks it
    key = mark if mark is not None else UNMARKED
    words = {key: Acknowledged(key, acknowledged, "Ann", NOON)} if acknowledged is not None else {}
    assert whose(marked(mark, report), known, Ours(OURS, words)) is wanted


@pytest.mark.parametrize("mark", [OURS, THEIRS, None])
def test_without_our_prefix_it_is_the_owners(mark: int | None) -> None:
    assert whose(replace(marked(mark), client_order_id="web_1"), None, Ours(OURS, {})) is Whose.OWNERS


def test_what_rests_is_taken_over_as_well() -> None:
    assert whose(replace(NOTHING, state=OrderState.ACCEPTED), None, Ours(OURS, {})) is Whose.LOST


def test_a_ledger_without_a_mark_takes_nothing_over() -> None:
    assert whose(marked(None), None, Ours(None, {})) is Whose.STRANGE
