"""Rules of the whole account: cooldown after a stop, losing exits in a row, exposure, drawdown. Off unless set; never an exit."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.domain.equity_mark import EquityMark
from core.domain.reasons import Reason, reason
from core.domain.signal import Side
from core.policy.conversion_rates import Rate
from core.policy.funds import Cash, Funds
from core.policy.risk import RULES, RiskApproved, assess
from core.policy.risk.cooldown import cooldown
from core.policy.risk.drawdown import drawdown
from core.policy.risk.exposure import exposure
from core.policy.risk.losing_exits import losing_exits
from core.policy.risk.rule import Entry
from tests.core.decision_contexts import HELD, decision_context, said, sized
from tests.core.virtual_time import NOON
from tests.core.world import instrument

MINUTE = timedelta(seconds=60)
UNKNOWN = reason("balances_unknown")


def money(equity: str, invested: str = "0") -> Funds:
    free = Decimal(equity) - Decimal(invested)
    return Funds(Decimal(equity), Decimal(invested), free, (Cash("USDC", Decimal(equity), Decimal(0), Decimal(1)),))


def mark(peak: str, equity: str) -> EquityMark:
    return EquityMark(NOON, "USDC", Decimal(equity), Decimal(peak), {"USDC": Decimal(equity)})


@pytest.mark.parametrize(
    ("ago", "refused"),
    [
        (timedelta(0), "a stop sold WIFUSDC recently: no entries for another 1 min of 1 min"),
        (timedelta(seconds=59), "a stop sold WIFUSDC recently: no entries for another 1 s of 1 min"),
        (MINUTE, ""),
        (timedelta(seconds=-500), "a stop sold WIFUSDC recently: no entries for another 1 min of 1 min"),  # the clock went back
        (None, ""),
    ],
)
def test_after_a_stop_its_symbol_rests(ago: timedelta | None, refused: str) -> None:
    stopped_at = None if ago is None else NOON - ago
    found = cooldown(said(), sized(), decision_context(cooldown_after_stop=MINUTE, stopped_at=stopped_at))
    assert str(found or "") == refused
    assert cooldown(said(), sized(), decision_context(stopped_at=stopped_at)) is None


@pytest.mark.parametrize(
    ("count", "refused"),
    [(0, ""), (2, ""), (3, "losing exits in a row: 3, the limit is 3; /reset losses allows entries again"), (9, "9")],
)
def test_after_so_many_losses_in_a_row_entries_wait(count: int, refused: str) -> None:
    found = str(losing_exits(said(), sized(), decision_context(max_losing_exits=3, losing_exits=count)) or "")
    assert refused in found
    assert bool(found) is bool(refused)
    assert losing_exits(said(), sized(), decision_context(losing_exits=count)) is None


@pytest.mark.parametrize(
    ("equity", "invested", "refused"),
    [
        ("100", "0", ""),
        ("100", "40.40", ""),  # 9.60 more make exactly half
        ("100", "40.41", "positions would be worth 50.01% of the account's equity, the limit is 50%"),
        ("10", "0", "positions would be worth 96.00% of the account's equity, the limit is 50%"),
        ("0", "0", "the account has no equity"),
    ],
)
def test_the_share_of_the_equity_in_positions_with_this_entry(equity: str, invested: str, refused: str) -> None:
    known = decision_context(max_exposure_pct=Decimal(50), funds=money(equity, invested))
    assert str(exposure(said(), sized(), known) or "") == refused


def test_the_exposure_counts_an_entry_at_the_most_it_may_be_worth() -> None:
    rate = Rate("EUR", "USDC", Decimal(1), Decimal("1.25"))
    known = decision_context(
        max_exposure_pct=Decimal(11), funds=money("100"), instrument=instrument(quote="EUR"), rates={"EUR": rate}
    )
    assert str(exposure(said(), sized(), known)).startswith("positions would be worth 12.00%")


@pytest.mark.parametrize(
    ("equity", "refused"),
    [
        ("1000", ""),
        ("800.01", ""),
        ("800", "the account's equity is 20.00% below its peak, the limit is 20%; /reset drawdown allows entries again"),
        ("500", "50.00% below its peak"),
    ],
)
def test_the_fall_from_the_peak_of_the_equity(equity: str, refused: str) -> None:
    known = decision_context(max_drawdown_pct=Decimal(20), funds=money(equity), equity_mark=mark("1000", equity))
    found = str(drawdown(said(), sized(), known) or "")
    assert refused in found
    assert bool(found) is bool(refused)


def test_the_equity_of_this_moment_counts_and_not_the_last_measured_one() -> None:
    fell = Funds(Decimal(700), Decimal(0), Decimal(700), (Cash("USDC", Decimal(700), Decimal(-300), Decimal(1)),))
    known = decision_context(max_drawdown_pct=Decimal(20), funds=fell, equity_mark=mark("1000", "1000"))
    assert "30.00% below" in str(drawdown(said(), sized(), known))


ON: dict[str, Any] = {"max_exposure_pct": Decimal(50), "max_drawdown_pct": Decimal(20)}


@pytest.mark.parametrize("name", sorted(ON))
@pytest.mark.parametrize("unknown", [UNKNOWN, reason("value_unknown", symbol="SOLUSDC")])
def test_an_unknown_equity_refuses_an_entry(name: str, unknown: Reason) -> None:
    assert assess(said(), sized(), decision_context(**{name: ON[name]}, funds=unknown)) == unknown


def test_where_no_limit_counts_from_the_equity_it_may_be_unknown() -> None:
    assert isinstance(assess(said(), sized(), decision_context(funds=UNKNOWN)), RiskApproved)


def test_an_exit_passes_all_of_them() -> None:
    known = decision_context(
        **ON,
        max_losing_exits=1,
        cooldown_after_stop=MINUTE,
        funds=UNKNOWN,
        losing_exits=9,
        stopped_at=NOON,
        equity_mark=mark("1000", "1"),
        position=HELD,
    )
    assert isinstance(assess(said("SELL_SM"), sized(Side.SELL), known), RiskApproved)


@pytest.mark.parametrize(
    ("name", "known", "shown"),
    [
        ("cooldown", {"cooldown_after_stop": MINUTE, "stopped_at": NOON - timedelta(seconds=90)}, ("90", "60", "s")),
        ("losing_exits", {"max_losing_exits": 4, "losing_exits": 2}, ("2", "4", "")),
        ("exposure", {"max_exposure_pct": Decimal(50), "funds": money("100", "10")}, ("19.60", "50", "%")),
        (
            "drawdown",
            {"max_drawdown_pct": Decimal(20), "funds": money("900"), "equity_mark": mark("1000", "900")},
            ("10.00", "20", "%"),
        ),
    ],
)
def test_what_each_measures_is_stored_with_a_decision(name: str, known: dict[str, Any], shown: tuple[str, str, str]) -> None:
    rule = next(rule for rule in RULES if rule.name == name)
    entry = Entry(Decimal("0.48"), Decimal("0.48"), Decimal(20))
    found = rule.measures(said(), entry, decision_context(**known))
    assert found is not None
    assert (found.value, found.limit, found.unit) == shown
    limit = next(field for field in known if field.startswith(("max_", "cooldown")))
    assert rule.measures(said(), entry, replace_limit(known, limit)) is None


def replace_limit(known: dict[str, Any], limit: str) -> Any:
    context = decision_context(**known)
    off: dict[str, Any] = {limit: None}
    return replace(context, limits=replace(context.limits, **off))
