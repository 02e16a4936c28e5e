"""Admission: the decision whether a signal is acted upon at all."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.domain.approval import Approval, ApprovalState
from core.domain.duration import in_units
from core.domain.reasons import reason
from core.domain.signal import Side
from core.domain.symbol_halt import SymbolHalt
from core.domain.trading_state import Mode, Pause, TradingState
from core.policy.admission import admit
from core.policy.decision import AskFirst, decide
from core.policy.risk import RiskApproved
from core.policy.risk.signal_age import signal_age
from tests.core.decision_contexts import HELD, decision_context, said
from tests.core.virtual_time import NOON
from tests.core.world import instrument

ALL, ENTRIES, OBSERVE = TradingState(pause=Pause.ALL), TradingState(pause=Pause.ENTRIES), TradingState(mode=Mode.OBSERVE)
HALTED, NO_MARKET = replace(instrument(), status="BREAK"), replace(instrument(), market_orders=False)
NOT_OURS = frozenset({"SOLUSDC", "BTCUSDC"})
HALT = SymbolHalt("WIFUSDC", (reason("less_than_ledger", qty="1", asset="WIF"),), NOON)


def pending(side: Side) -> Approval:
    signal = said(f"{side}_SM")
    return Approval("t", signal, 1, side, Decimal(20), signal.close, ApprovalState.OPEN, NOON, NOON + timedelta(seconds=120))


DUST = replace(HELD, qty=Decimal("0.005"))  # below a step by today's rules, whatever it was before
LITTLE = replace(HELD, qty=Decimal("0.5"))  # worth 0.24 now; the exchange wants 5


@pytest.mark.parametrize(
    ("known", "outcome", "why"),
    [
        ({"trading_state": ALL}, "ignored", "trading is paused"),
        ({"trading_state": ENTRIES}, "ignored", "entries are paused"),
        ({"trading_state": OBSERVE}, "observed", "observe mode: reported, not traded"),
        ({"symbols": NOT_OURS}, "denied", "WIFUSDC is not one of the traded symbols (BTCUSDC, SOLUSDC)"),
        ({"instrument": None}, "denied", "the exchange does not list WIFUSDC"),
        ({"instrument": HALTED}, "denied", "WIFUSDC is halted on the exchange (status BREAK)"),
        ({"instrument": NO_MARKET}, "denied", "the exchange does not accept market orders for WIFUSDC"),
        ({"position": HELD}, "ignored", "position already open: 19.98 WIF"),
        ({"position": LITTLE}, "ignored", "position already open: 0.5 WIF"),
        ({"pending": pending(Side.BUY)}, "ignored", "the same signal is already waiting for approval"),
    ],
)
def test_why_a_buy_is_not_acted_upon(known: dict[str, Any], outcome: str, why: str) -> None:
    refused = admit(said(), decision_context(**known))
    assert refused is not None
    assert (refused[0], str(refused[1])) == (outcome, why)


@pytest.mark.parametrize(
    ("known", "outcome"),
    [
        ({"trading_state": ALL, "position": HELD}, "ignored"),
        ({"trading_state": OBSERVE, "position": HELD}, "observed"),
        ({"instrument": HALTED, "position": HELD}, "denied"),
        ({"pending": pending(Side.SELL), "position": HELD}, "ignored"),
        ({}, "ignored"),
        ({"position": replace(DUST, is_open=False)}, "ignored"),
        ({"position": replace(HELD, is_open=False), "quote": None}, "ignored"),
        ({"symbols": NOT_OURS}, "denied"),
    ],
)
def test_why_a_sell_is_not_acted_upon(known: dict[str, Any], outcome: str) -> None:
    refused = admit(said("SELL_SM"), decision_context(**known))
    assert refused is not None
    assert refused[0] == outcome


@pytest.mark.parametrize(
    "known",
    [
        {},
        {"position": LITTLE},
        {"position": DUST},
        {"quote": None},
        {"trading_state": ENTRIES},
        {"symbols": NOT_OURS},
        {"pending": pending(Side.BUY)},
    ],
)
def test_what_is_held_may_be_left(known: dict[str, Any]) -> None:
    assert admit(said("SELL_SM"), decision_context(**{"position": HELD, **known})) is None


@pytest.mark.parametrize(
    "known",
    [{}, {"symbols": frozenset({"WIFUSDC"})}, {"position": DUST}, {"pending": pending(Side.SELL)}],
)
def test_what_may_be_entered(known: dict[str, Any]) -> None:
    assert admit(said(), decision_context(**known)) is None


@pytest.mark.parametrize(
    ("age", "code"), [(0, None), (60, None), (60.001, "expired"), (86_400, "expired"), (-30, None), (-30.001, "from_future")]
)
def test_the_age_of_a_signal(age: float, code: str | None) -> None:
    refused = admit(said(age=age), decision_context())
    assert (refused and refused[1].code) == code


@pytest.mark.parametrize(("age", "code"), [(60.001, None), (600, None), (600.001, "expired"), (-86_400, None)])
def test_the_age_of_an_exit(age: float, code: str | None) -> None:
    refused = admit(said("SELL_SM", age=age), decision_context(position=HELD))
    assert (refused and refused[1].code) == code


@pytest.mark.parametrize(("known", "code"), [({"halt": HALT}, "held"), ({"account_halt": HALT}, "account_held")])
def test_a_halt_keeps_entries_back_and_no_exit(known: dict[str, Any], code: str) -> None:
    refused = admit(said(), decision_context(**known))
    assert refused is not None
    assert refused[1].code == code
    assert admit(said("SELL_SM"), decision_context(**known, position=HELD)) is None


def test_nothing_is_entered_while_an_exit_is_wanted() -> None:
    refused = admit(said(), decision_context(exit_pending=True))
    assert refused is not None
    assert str(refused[1]) == "an exit from WIFUSDC is still pending"
    assert admit(said("SELL_SM"), decision_context(exit_pending=True, position=HELD)) is None


def test_what_a_person_approved_is_as_old_as_the_approval_and_not_pending() -> None:
    known = {
        "approved_at": NOON - timedelta(seconds=60),
        "pending": pending(Side.BUY),
        "trading_state": TradingState(mode=Mode.CONFIRM),
    }
    assert admit(said(age=500), decision_context(**known)) is None
    assert isinstance(decide(said(age=500), decision_context(**known)), RiskApproved)
    refused = admit(said(age=500), decision_context(**known, now=NOON + timedelta(milliseconds=1)))
    assert refused is not None
    assert refused[1].code == "expired"


def test_confirm_mode_asks_for_what_would_be_traded() -> None:
    asked = decide(said(), decision_context(trading_state=TradingState(mode=Mode.CONFIRM)))
    traded = decide(said(), decision_context())
    assert isinstance(traded, RiskApproved)
    assert asked == AskFirst(traded)


@pytest.mark.parametrize("offset", [None, 0.0, 4.9, 90.0, -90.0, 3600.0, -3600.0])
@pytest.mark.parametrize("age", [-3600.0, -90.0, -10.0, 0.0, 50.0, 90.0, 700.0, 3600.0])
@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_a_wrong_clock_of_ours_is_called_ours_and_keeps_no_exit_back(side: Side, age: float, offset: float | None) -> None:
    """Takes `age` by our clock; `offset` is how far the exchange's is ahead."""
    opinion = replace(said(f"{side}_SM"), ts=NOON - timedelta(seconds=age))
    ahead = None if offset is None else timedelta(seconds=offset)
    refused = signal_age(opinion, decision_context(clock_offset=ahead))
    by_ours = signal_age(opinion, decision_context(clock_offset=None))
    by_theirs = signal_age(opinion, replace(decision_context(), now=NOON + (ahead or timedelta())))
    if by_ours is None or by_theirs is not None or not offset or abs(offset) < 5:
        assert refused == by_ours
    elif side is Side.SELL:
        assert refused is None
    else:
        assert refused is not None
        assert refused.code == "clock_wrong"
        assert f"{in_units(f'{-offset:+.0f}')} off" in str(refused)
