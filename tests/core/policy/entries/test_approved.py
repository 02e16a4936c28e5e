"""An approved entry is made for the position that its question showed, or not at all."""

from dataclasses import replace
from decimal import Decimal

import pytest

from core.adapters.ledger import codec
from core.domain.approval import Approval
from core.domain.exit_plan import ExitPlan
from core.domain.position import Position
from core.domain.signal import Side
from core.policy.entries.approved import other_position
from tests.bot.parts import approval

HELD, NONE = Position("WIFUSDC", Decimal(20), Decimal(10), Decimal("9.6"), is_open=True), Position("WIFUSDC")


def opening() -> Approval:
    one = approval()
    return replace(one, side=Side.BUY, signal=replace(one.signal, plan=ExitPlan(), steps=()))


def adding() -> Approval:
    one = approval()
    return replace(one, side=Side.BUY, signal=replace(one.signal, steps=None))


@pytest.mark.parametrize(
    ("asked", "now", "code"),
    [
        (opening(), NONE, None),
        (opening(), HELD, "opened_since"),
        (adding(), HELD, None),
        (adding(), NONE, "closed_since"),
        (replace(adding(), side=Side.SELL), NONE, None),
        (replace(opening(), side=Side.SELL), HELD, None),
    ],
)
def test_for_which_position_an_entry_may_be_made(asked: Approval, now: Position, code: str | None) -> None:
    why = other_position(asked, now)
    assert (why.code if why is not None else None) == code


@pytest.mark.parametrize("one", [opening(), adding()])
def test_the_ledger_keeps_which_of_both_it_is(one: Approval) -> None:
    kept = codec.signals.decode(codec.signals.encode(one.signal))
    assert (kept.steps, kept.plan) == (one.signal.steps, one.signal.plan)
