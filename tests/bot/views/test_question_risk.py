"""The question about an entry says what its stop risks, and what its targets may bring for that."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.texts import texts
from bot.views.approval import Live, asked_lines
from bot.views.chat_message import plain_text
from core.domain.events.approvals import ApprovalRequested
from core.domain.exit_plan import ExitPlan, Level, StopLoss, Target
from core.domain.position import Position
from tests.bot.parts import approval

STOP = StopLoss(Level(pct=Decimal(5)))
PLAN = ExitPlan(STOP, (Target(Level(pct=Decimal(5)), Decimal(50)), Target(Level(pct=Decimal(10)), Decimal(50))))


def event(plan: ExitPlan | None, **more: object) -> ApprovalRequested:
    asked = approval()
    asked = replace(asked, qty=Decimal(200), price=Decimal("0.48"), signal=replace(asked.signal, entry=None))
    return replace(ApprovalRequested(asked, "WIF", "USDC", plan=plan, price_step=Decimal("0.0001")), **more)  # type: ignore[arg-type]


def said(one: ApprovalRequested, language: str = "en", at: str = "0.48") -> str:
    return plain_text("\n".join(asked_lines(one, texts(language), Live(Decimal(at), 60))))


@pytest.mark.parametrize(
    ("language", "risk", "reward"),
    [
        ("en", "At risk: 4.98 USDC (0.50% of the account)", "Reward to risk: 1.40"),
        ("ru", "Риск: 4,98 USDC (0,50% счёта)", "Прибыль к риску: 1,40"),
    ],
)
def test_risk_and_reward_are_told(language: str, risk: str, reward: str) -> None:
    whole = said(event(PLAN, worth=Decimal(96), capital=Decimal(1000), report="USDC"), language)
    assert risk in whole
    assert reward in whole


def test_the_share_is_in_the_asset_that_capital_is_counted_in() -> None:
    # The same 96 USDC are worth 192 of the report asset here.
    assert "At risk: 4.98 USDC (1.00% of the account)" in said(
        event(PLAN, worth=Decimal(192), capital=Decimal(1000), report="EUR")
    )


def test_it_goes_with_the_live_price() -> None:
    fixed = ExitPlan(StopLoss(Level(price=Decimal("0.46"))))
    assert "At risk: 4.18 USDC" in said(event(fixed))
    assert "At risk: 8.18 USDC" in said(event(fixed), at="0.50")


def test_what_is_held_already_is_at_risk_too() -> None:
    # 200 bought before and 200 now, 0.1 % of each taken as fee: 192 - 399.6 * 0.456 * 0.999
    held = Position("WIFUSDC", Decimal("199.8"), Decimal(96), Decimal("95.904"), entries=1)
    assert "At risk: 9.96 USDC" in said(event(ExitPlan(STOP), position=held, most_entries=2))


@pytest.mark.parametrize("plan", [None, ExitPlan(None, PLAN.targets), ExitPlan(StopLoss(Level(price=Decimal("0.49"))))])
def test_without_a_loss_to_tell_there_is_no_line(plan: ExitPlan | None) -> None:
    assert "At risk" not in said(event(plan))


def test_a_share_of_what_is_unknown_is_not_told() -> None:
    assert "At risk: 4.98 USDC\n" in said(event(PLAN, capital=None))
