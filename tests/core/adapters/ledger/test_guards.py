"""The ledger knows which positions are protected, and which orders rest."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from core.adapters.ledger.analytics import LedgerAnalytics
from core.adapters.ledger.guards import Guards
from core.adapters.ledger.sql_ledger import SqlLedger
from core.domain.exit_plan import ExitPlan, Level, StopLoss, Target
from core.domain.instrument import Quote
from core.domain.messages import StoredMessage
from core.domain.order import Order
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import OrderTerms, OrderType, TimeInForce
from core.domain.plan_leg import LegKind, PlanLeg
from core.domain.signal import PLANNED, Side, Signal
from core.domain.trade_plan import PlanState, TradePlan
from core.records.commit_batch import CommitBatch
from tests.core.adapters.ledger.values import NOW, message, order, position

ENTRY = order(1).client_order_id
EXITS = ExitPlan(
    StopLoss(Level(pct=Decimal(5))),
    (Target(Level(pct=Decimal(10)), Decimal(50)), Target(Level(price=Decimal("0.6")), Decimal(50))),
)
PLAN = TradePlan(ENTRY, "WIFUSDC", EXITS, PlanState.GUARDED, Decimal("0.5"), NOW, 1, generation=1)


def leg(kind: LegKind, number: int, price: str, state: OrderState = OrderState.ACCEPTED) -> Order:
    own = PlanLeg(ENTRY, kind, number)
    signal = Signal(PLANNED, own.client_order_id, "SELL_STOP_LOSS", "WIFUSDC", Decimal(price), NOW)
    terms = (
        OrderTerms(OrderType.STOP_LOSS, stop_price=Decimal(price))
        if kind is LegKind.STOP
        else OrderTerms(OrderType.LIMIT_MAKER, limit_price=Decimal(price))
    )
    list_id = replace(own, kind=LegKind.LIST).client_order_id
    placed = Order(own.client_order_id, signal, 1, Side.SELL, Decimal(10), Decimal(price), state, "paper", NOW, NOW)
    return replace(placed, order_id=str(number), terms=terms, leg=own, list_id=list_id)


def entry_at_limit() -> Order:
    terms = OrderTerms(OrderType.LIMIT, TimeInForce.GTC, Decimal("0.4"))
    waiting = replace(order(1, 2, OrderState.PARTIALLY_FILLED), terms=terms, executed_qty=Decimal(5), order_id="9")
    return replace(waiting, signal=replace(waiting.signal, symbol="SOLUSDC"), expires_at=NOW + timedelta(minutes=5))


async def test_a_position_shows_its_plan_in_prices_and_how_much_of_it_rests(ledger: SqlLedger) -> None:
    (first,) = await ledger.store([message(1)])
    assert isinstance(first, StoredMessage)
    legs = [leg(LegKind.STOP, 1, "0.475"), leg(LegKind.TARGET, 1, "0.55"), leg(LegKind.STOP, 2, "0.475", OrderState.SUBMITTED)]
    bare = replace(position("5"), symbol="BTCUSDC")
    done = replace(PLAN, plan_id="mf-done", symbol="BTCUSDC", state=PlanState.CLOSED)
    await ledger.commit(CommitBatch(orders=legs, positions=[position("20"), bare], plans=[PLAN, done]))
    held = {one.position.symbol: one for one in await Guards(ledger.reader).positions()}
    assert (held["BTCUSDC"].plan, held["BTCUSDC"].protected) == (None, Decimal(0))
    assert held["WIFUSDC"].protected == 10  # the two of a list lock what they sell once; one about to be sent protects nothing
    plan = held["WIFUSDC"].plan
    assert plan is not None
    assert plan.exits.stop is not None
    assert plan.exits.stop.level == Level(Decimal("0.475"))
    assert [target.level.price for target in plan.exits.targets] == [Decimal("0.55"), Decimal("0.6")]


async def test_targets_that_have_sold_are_those_whose_price_that_was(ledger: SqlLedger) -> None:
    """The nearest does not always sell first: one that the market has passed rests above it, maybe above the next."""
    for at, found in (("0.6", {1}), ("0.55", {0}), ("0.52", set[int]())):  # the last is of targets that the plan had before
        await ledger.commit(CommitBatch(positions=[position("20")], plans=[replace(PLAN, sold_at=(Decimal(at),))]))
        (held,) = await Guards(ledger.reader).positions()
        assert held.sold == found


async def test_resting_orders_say_which_target_they_are(ledger: SqlLedger) -> None:
    (first,) = await ledger.store([message(1)])
    assert isinstance(first, StoredMessage)
    legs = [leg(LegKind.STOP, 1, "0.475"), leg(LegKind.TARGET, 1, "0.6"), leg(LegKind.TARGET, 2, "0.55", OrderState.FILLED)]
    await ledger.commit(CommitBatch(orders=[*legs, entry_at_limit()], plans=[PLAN]))
    await ledger.mark([Quote("WIFUSDC", Decimal("0.5"), Decimal("0.51"), NOW)])
    found = await Guards(ledger.reader).resting()
    assert [(one.order.symbol, one.price, one.bid, one.number, one.count) for one in found] == [
        ("SOLUSDC", Decimal("0.4"), None, 0, 0),
        ("WIFUSDC", Decimal("0.6"), Decimal("0.5"), 2, 2),
        ("WIFUSDC", Decimal("0.475"), Decimal("0.5"), 0, 0),
    ]
    assert (await LedgerAnalytics(ledger.reader).pulse()).unsettled == 0  # nobody waits for the end of what rests
