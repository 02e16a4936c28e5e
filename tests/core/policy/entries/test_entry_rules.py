"""Entries at a limit, as pure decisions: when one ends, what follows it, what its plan needs, and what is refused."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.exit_plan import ExitPlan, Level, StopLoss
from core.domain.instrument import Quote
from core.domain.limit_entry import LimitEntry, OnTimeout
from core.domain.order import Order
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import OrderTerms, OrderType, TimeInForce
from core.domain.plan_leg import LegKind, PlanLeg
from core.domain.position import Position
from core.domain.reasons import Reason, reason
from core.domain.resting_rules import PriceBand
from core.domain.signal import Side, client_order_id
from core.domain.trade_plan import PlanState, TradePlan
from core.domain.trading_state import Mode, Pause, TradingState
from core.policy.decision import Refused, decide
from core.policy.entries.chase_check import chase_refusal
from core.policy.entries.ends import Surroundings, why_ends
from core.policy.entries.follow_up import MOST_CHASES, Market, follow_up, money_bound
from core.policy.entries.placing import is_missed, resting_events, with_expiry
from core.policy.entries.purchase import after_purchase, emptied
from core.policy.risk import RiskApproved
from tests.core.decision_contexts import HELD, decision_context, said
from tests.core.virtual_time import NOON
from tests.core.world import LIMITS, instrument

WIF = "WIFUSDC"
NOTHING = Position(WIF)
QUIET = Surroundings(NOTHING, None, exit_pending=False, trading_state=TradingState())
PLAN = TradePlan("mf-1", WIF, ExitPlan(StopLoss(Level(pct=Decimal(5)))), PlanState.ENTERING, Decimal("0.48"), NOON, 1)


OWN = client_order_id(said())


def at_limit(price: str = "0.47", on_timeout: OnTimeout = OnTimeout.CANCEL, kind: OrderType = OrderType.LIMIT) -> LimitEntry:
    stays = TimeInForce.GTC if kind is OrderType.LIMIT else None
    return LimitEntry(kind, Decimal(price), stays, timedelta(seconds=60), on_timeout)


def entry(on_timeout: OnTimeout = OnTimeout.CANCEL, **fields: Any) -> Order:
    """Returns an entry of 20 at 0.47 that rests until a minute after noon."""
    asked = at_limit(on_timeout=on_timeout)
    about = "mf-1", replace(said(), entry=asked), 1, Side.BUY, Decimal(20), Decimal("0.48")
    order = Order(*about, OrderState.ACCEPTED, "paper", NOON, NOON)
    terms = OrderTerms(OrderType.LIMIT, TimeInForce.GTC, Decimal("0.47"))
    return replace(order, terms=terms, expires_at=NOON + timedelta(seconds=60), **fields)


def quote(price: str) -> Market:
    return Market(Quote(WIF, Decimal(price), Decimal(price) + Decimal("0.0001"), NOON))


# --- when one ends


@pytest.mark.parametrize(
    ("around", "code"),
    [
        (QUIET, None),
        (replace(QUIET, trading_state=TradingState(Pause.ENTRIES)), "entry_paused"),
        (replace(QUIET, trading_state=TradingState(Pause.ALL)), "entry_paused"),
        (replace(QUIET, trading_state=TradingState(mode=Mode.OBSERVE)), "entry_observed"),
        (replace(QUIET, trading_state=TradingState(mode=Mode.CONFIRM)), None),
        (replace(QUIET, exit_pending=True), "entry_left"),
        (replace(QUIET, position=replace(HELD, trip_sold=Decimal(3))), "entry_sold"),
        (replace(QUIET, plan=replace(PLAN, state=PlanState.EXPOSED)), "entry_sold"),
        (replace(QUIET, plan=PLAN), None),
        (replace(QUIET, plan=replace(PLAN, state=PlanState.EXPOSED), position=HELD), None),
    ],
)
def test_what_ends_an_entry_before_its_time(around: Surroundings, code: str | None) -> None:
    found = why_ends(entry(), NOON, around)
    assert (found.code if found is not None else None) == code


@pytest.mark.parametrize(
    ("seconds", "code"), [(-3600, "entry_clock"), (-25, None), (59, None), (60, "entry_timeout"), (3600, "entry_timeout")]
)
def test_its_time(seconds: int, code: str | None) -> None:
    found = why_ends(entry(), NOON + timedelta(seconds=seconds), QUIET)
    assert (found.code if found is not None else None) == code


def test_one_whose_time_nobody_knows_has_none() -> None:
    found = why_ends(replace(entry(), expires_at=None), NOON, QUIET)
    assert found is not None
    assert found.code == "entry_lost"


# --- what follows


def test_nothing_follows_where_nothing_is_wanted() -> None:
    assert follow_up(entry(), instrument(), quote("0.48"), LIMITS, NOON) is None


def test_the_rest_is_bought_within_the_band() -> None:
    found = follow_up(entry(OnTimeout.MARKET), instrument(), quote("0.48"), LIMITS, NOON)
    assert isinstance(found, Order)
    assert found.terms == OrderTerms(OrderType.LIMIT, TimeInForce.IOC, Decimal("0.4848"))
    assert (found.qty, found.state, found.expires_at) == (Decimal("19.38"), OrderState.SUBMITTED, None)
    assert found.leg == PlanLeg("mf-1", LegKind.ENTRY, 1, 1)
    assert found.client_order_id == "mf-1E101"


def test_a_chase_waits_again_at_the_best_bid() -> None:
    at = NOON + timedelta(seconds=61)
    found = follow_up(entry(OnTimeout.REPRICE), instrument(), quote("0.475"), LIMITS, at)
    assert isinstance(found, Order)
    assert (found.terms.limit_price, found.terms.time_in_force) == (Decimal("0.475"), TimeInForce.GTC)
    assert found.expires_at == at + timedelta(seconds=60)
    assert (found.order_id, found.reason) == (None, None)
    assert (found.executed_qty, found.quote_qty) == (Decimal(0), Decimal(0))


@pytest.mark.parametrize(
    ("order", "market", "code"),
    [
        (entry(OnTimeout.REPRICE), Market(None), "price_unknown"),
        (entry(OnTimeout.REPRICE, leg=PlanLeg("mf-1", LegKind.ENTRY, 1, MOST_CHASES)), quote("0.48"), "chases_used_up"),
        (entry(OnTimeout.MARKET, executed_qty=Decimal(10), quote_qty=Decimal("4.7")), quote("0.48"), "rest_too_small"),
    ],
)
def test_why_nothing_follows(order: Order, market: Market, code: str) -> None:
    found = follow_up(order, instrument(), market, LIMITS, NOON)
    assert isinstance(found, Reason)
    assert found.code == code


@given(
    qty=st.decimals("10", "1000", places=2),
    part=st.decimals("0", "0.99", places=4),
    paid=st.decimals("0.4", "0.47", places=4),
    bid=st.decimals("0.3", "0.7", places=4),
    on_timeout=st.sampled_from([OnTimeout.MARKET, OnTimeout.REPRICE]),
)
def test_what_follows_never_costs_or_buys_more_than_was_left(
    qty: Decimal, part: Decimal, paid: Decimal, bid: Decimal, on_timeout: OnTimeout
) -> None:
    executed = instrument().market_quantity(qty * part)
    order, spent = replace(entry(on_timeout), qty=qty, executed_qty=executed, quote_qty=executed * paid), executed * paid
    bought = executed
    while isinstance(found := follow_up(order, instrument(), quote(str(bid)), LIMITS, NOON), Order):
        limit_price = found.terms.limit_price or Decimal(0)
        assert limit_price <= Decimal("0.48") * Decimal("1.01")
        assert spent + found.qty * limit_price <= qty * Decimal("0.47")
        assert bought + found.qty <= qty
        half = instrument().market_quantity(found.qty / 2)
        order = replace(found, executed_qty=half, quote_qty=half * limit_price, state=OrderState.CANCELED)
        spent, bought = spent + half * limit_price, bought + half


def test_an_entry_that_rests_locks_what_it_did_not_buy_yet() -> None:
    assert money_bound(entry(executed_qty=Decimal(8))) == Decimal("5.64")


@pytest.mark.parametrize(
    ("known", "code"),
    [
        ({}, None),
        ({"trading_state": TradingState(Pause.ENTRIES)}, "entries_paused"),
        ({"trading_state": TradingState(mode=Mode.OBSERVE)}, "observe"),
        ({"exit_pending": True}, "exit_wanted"),
        ({"gate": reason("another_program")}, "another_program"),
        ({"results_today": {"USDC": Decimal(-100)}}, "daily_loss"),
        ({"results_today": None}, "daily_loss_unknown"),
        ({"position": replace(HELD, last_entry=OWN), "entry_rests": True, "open_count": 9}, None),  # judged when it was placed
        ({"position": HELD}, "in_position"),  # bought by an order that the ledger had lost
        ({"position": HELD, "max_entries": 2}, None),
        ({"position": HELD, "max_entries": 2, "entries_wait": 1}, "max_entries_with_steps"),
        ({"position": replace(HELD, entries=2), "max_entries": 2}, "max_entries"),
    ],
)
def test_the_rules_that_must_still_hold(known: dict[str, Any], code: str | None) -> None:
    found = chase_refusal(said(age=9_000), decision_context(**known))
    assert (found.code if found is not None else None) == code


# --- its plan


def test_the_plan_counts_from_the_average_of_all_that_was_bought() -> None:
    bought = replace(HELD, qty=Decimal(10), value=Decimal("4.75"))
    step = after_purchase(PLAN, bought, instrument(), bought=True, goes_on=True, is_covered=False, now=NOON)
    assert (step.protect, step.plan.entry_price, step.plan.state) == (True, Decimal("0.475"), PlanState.ENTERING)
    more = after_purchase(step.plan, bought, instrument(), bought=True, goes_on=True, is_covered=True, now=NOON)
    assert (more.protect, more.plan.state) == (False, PlanState.EXPOSED)


@pytest.mark.parametrize(
    ("state", "goes_on", "after"),
    [
        (PlanState.ENTERING, True, PlanState.ENTERING),
        (PlanState.ENTERING, False, PlanState.MISSED),
        (PlanState.EXPOSED, False, PlanState.CLOSED),
    ],
)
def test_the_plan_of_an_entry_without_a_position(state: PlanState, *, goes_on: bool, after: PlanState) -> None:
    plan = replace(PLAN, state=state)
    step = after_purchase(plan, NOTHING, instrument(), bought=False, goes_on=goes_on, is_covered=False, now=NOON)
    assert (step.plan.state, step.protect) == (after, False)


def test_the_plan_of_a_position_that_was_sold_stays_while_its_entry_may_fill() -> None:
    assert emptied(PLAN, NOON, rests=True).state is PlanState.EXPOSED
    assert emptied(PLAN, NOON, rests=False).state is PlanState.CLOSED


# --- placing it


def test_its_time_begins_when_it_is_sent() -> None:
    sent = with_expiry(replace(entry(), expires_at=None), NOON + timedelta(seconds=7))
    assert sent.expires_at == NOON + timedelta(seconds=67)
    at_once = replace(entry(), terms=OrderTerms(), expires_at=None)
    assert with_expiry(at_once, NOON).expires_at is None


def test_what_is_told_of_it() -> None:
    assert [event.kind for event in resting_events(entry())] == ["entry_rests"]
    assert resting_events(entry(state=OrderState.FILLED)) == []
    assert is_missed(entry(state=OrderState.CANCELED))
    assert is_missed(entry(state=OrderState.REJECTED, reason=reason("would_take", code=-2010)))
    assert not is_missed(entry(state=OrderState.REJECTED, reason=reason("insufficient_balance", asset="USDC")))


# --- the decision


def decided(limit: LimitEntry, **known: Any) -> RiskApproved | str:
    found = decide(replace(said(), entry=limit), decision_context(**known))
    if isinstance(found, Refused):
        return found.reason.code
    assert isinstance(found, RiskApproved)
    return found


def test_a_limit_below_the_market_is_approved_at_its_own_price() -> None:
    found = decided(at_limit("0.46005"))
    assert isinstance(found, RiskApproved)
    assert (found.qty, found.terms.limit_price) == (Decimal(20), Decimal("0.46"))


def test_an_amount_of_quote_asset_is_never_exceeded() -> None:
    found = decided(at_limit("0.47"), trade_quote=Decimal(10))
    assert isinstance(found, RiskApproved)
    assert found.qty == Decimal("21.27")
    assert found.qty * Decimal("0.47") <= 10


@pytest.mark.parametrize(
    ("limit", "known", "code"),
    [
        (at_limit("0.4849"), {}, "entry_price_band"),
        (at_limit("0.4848"), {}, None),
        (at_limit("0.00001"), {}, "below_min_qty"),
        (at_limit("0.00001"), {"trade_quote": Decimal(10)}, "below_min_qty"),
        (at_limit("0.24"), {}, "below_min_notional"),  # 20 of it are worth 4.80
        (at_limit(), {"entry_rests": True}, "entry_rests"),
        (at_limit(), {"max_order_notional": Decimal(9)}, "order_notional"),
        (at_limit(), {"open_count": 5}, "open_positions"),
    ],
)
def test_what_is_refused(limit: LimitEntry, known: dict[str, Any], code: str | None) -> None:
    found = decided(limit, **known)
    assert (found if isinstance(found, str) else None) == code


def test_what_the_exchange_would_not_take_is_not_sent() -> None:
    rules = instrument()
    no_makers = replace(rules, resting=replace(rules.resting, order_types=frozenset({OrderType.LIMIT})))
    assert decided(at_limit(kind=OrderType.LIMIT_MAKER), instrument=no_makers) == "order_type_missing"
    narrow = replace(rules, resting=replace(rules.resting, buy_band=PriceBand(Decimal("0.99"))))
    assert decided(at_limit("0.47"), instrument=narrow) == "price_out_of_band"
    dear = replace(rules, resting=replace(rules.resting, min_notional=Decimal(10)))
    assert decided(at_limit("0.47"), instrument=dear) == "below_min_notional"


def test_a_fixed_stop_is_compared_with_the_limit() -> None:
    above = replace(said(), entry=at_limit("0.45"), plan=ExitPlan(StopLoss(Level(price=Decimal("0.46")))))
    found = decide(above, decision_context())
    assert isinstance(found, Refused)
    assert found.reason.code == "plan_stop_price"
