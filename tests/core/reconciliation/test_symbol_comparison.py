"""`reconcile` names the owner of each order, open orders, locked balances, and every symbol that was ever traded."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core.domain.account import Acknowledged
from core.domain.exit_plan import Level, Target
from core.domain.instrument import Balance
from core.domain.money import ZERO
from core.domain.order import ExecutionReport, Order
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import OrderTerms, OrderType, TimeInForce
from core.domain.signal import Side
from core.policy.order_ownership import Ours
from core.reconciliation.daily_proof import LedgerDay, prove
from core.reconciliation.spare_capacity import SpareCapacity
from core.reconciliation.symbol_comparison import Comparison, compare, sort_orders
from tests.core.conftest import OpenWorld
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import lost
from tests.core.virtual_time import NOON
from tests.core.world import World, instrument

THEIRS = 8_000_000_001
FOREIGN = ExecutionReport("mf-x", "77", "WIFUSDC", Side.BUY, OrderState.FILLED, Decimal(20), Decimal("9.6"), NOON, mark=THEIRS)
RESTING = replace(FOREIGN, state=OrderState.ACCEPTED, executed_qty=ZERO, quote_qty=ZERO)


async def compared(world: World, ledger: MemoryLedger, *, knows: int | None = None) -> Comparison:
    async def known(names: object) -> Mapping[str, Order]:
        return {name: ledger.orders[name] for name in names if name in ledger.orders}  # type: ignore[attr-defined]

    words = {knows: Acknowledged(knows, NOON, "Ann", NOON)} if knows is not None else {}
    return await world.clock.run(
        compare(
            world.venue,
            positions=list(world.portfolio.positions.values()),
            in_flight=[*world.portfolio.in_flight.values(), *world.portfolio.resting.values()],
            symbols=ledger.touched | {"GONEUSDC"},
            instruments={name: rules for name, rules in world.venue.rules.items() if name in ledger.touched},
            known=known,
            ours=Ours(ledger.mark, words),
            spare_capacity=SpareCapacity(world.clock),
        )
    )


async def test_a_symbol_that_the_exchange_no_longer_knows_is_a_line_and_not_the_end(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    found = await compared(world, ledger)
    assert found.differences == []
    assert found.notes == ["GONEUSDC: not compared, the exchange knows no such symbol (any more)"]


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (FOREIGN, "WIFUSDC: orders of another MarketFlow, mark 8000000001 (1, the last 77 of"),
        (replace(FOREIGN, mark=None), "WIFUSDC: orders of a MarketFlow without a mark (1, the last 77 of"),
        (replace(FOREIGN, mark=7_000_000_001), "WIFUSDC: order 77 belongs to this ledger, which has lost it"),
        (
            replace(FOREIGN, client_order_id="ours"),
            "WIFUSDC: somebody else placed an order with one of our ids (1, the",
        ),
    ],
)
async def test_whose_an_order_is_is_named(world: World, ledger: MemoryLedger, report: ExecutionReport, said: str) -> None:
    await world.say("BUY_SM")
    (ours,) = ledger.orders
    world.venue.foreign.append(replace(report, client_order_id=ours) if report.client_order_id == "ours" else report)
    (difference,) = (await compared(world, ledger)).differences
    assert difference.startswith(said)


@pytest.mark.parametrize(
    "case",
    [
        (replace(RESTING, client_order_id="web_1"), None, "is not ours: left alone", False),
        (RESTING, None, "is not of this ledger: another MarketFlow?", True),
        (replace(RESTING, mark=7_000_000_001), None, "has our mark, and this ledger has lost it", True),
        (
            replace(RESTING, at=NOON.replace(hour=13)),
            THEIRS,
            "is of the MarketFlow with mark 8000000001, which you know",
            False,
        ),
    ],
)
async def test_whose_a_resting_order_is_is_named(
    world: World,
    ledger: MemoryLedger,
    monkeypatch: pytest.MonkeyPatch,
    case: tuple[ExecutionReport, int | None, str, bool],
) -> None:
    report, knows, said, differs = case

    async def resting() -> list[ExecutionReport]:
        return [report]

    monkeypatch.setattr(world.venue, "open_orders", resting)
    await world.say("BUY_SM")
    found = await compared(world, ledger, knows=knows)
    assert [line.endswith(said) for line in (found.differences if differs else found.notes[1:])] == [True]


async def test_what_an_order_binds_of_the_holding_is_named(
    world: World, ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.say("BUY_SM")

    async def bound() -> Mapping[str, Balance]:
        return {"WIF": Balance("WIF", Decimal("4.98"), Decimal(15))}

    monkeypatch.setattr(world.venue, "balances", bound)
    (difference,) = (await compared(world, ledger)).differences
    assert difference == "WIFUSDC: 19.98 WIF in the ledger, only 4.98 free: 15 are bound in orders"
    world.venue.next(lost(executed=False))  # what our own sale locks is no difference
    await world.clock.run(world.inbox.deliver([world.said(world.signal("SELL_SM"))]))
    await world.clock.quiet()
    assert not any("bound in orders" in line for line in (await compared(world, ledger)).differences)


async def test_an_order_of_another_quantity_on_the_exchange_is_named(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    ((name, order),) = ledger.orders.items()
    ledger.orders[name] = replace(order, executed_qty=Decimal(19))
    (difference,) = (await compared(world, ledger)).differences
    assert difference.startswith(f"WIFUSDC: order {order.order_id}")
    ledger.orders[name] = replace(order, executed_qty=ZERO, state=OrderState.ACCEPTED)
    assert (await compared(world, ledger)).differences == []  # still being settled


async def test_the_proof_tells_two_orders_of_one_client_id_apart(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    ((name, order),) = ledger.orders.items()
    recent = await world.venue.recent_orders("WIFUSDC", 100)
    ours = [replace(report, fills=tuple(ledger.fills.values())) for report in recent.reports]
    twice = replace(FOREIGN, client_order_id=name)
    day = LedgerDay([], {}, [], {name: order}, {name: list(ledger.fills.values())}, dict(ledger.executions))
    proof = prove(
        "2026-03-01",
        day,
        now=NOON + timedelta(days=1),
        account=[*ours, twice],
        known=ledger.orders,
        history=None,
        ours=Ours(ledger.mark, {}),
    )
    assert [one for one in proof.differences if name in one] == [
        f"order {name} (WIFUSDC 77): the exchange has it, the ledger has not"
    ]


@pytest.fixture
async def bracketed(open_world: OpenWorld) -> World:
    """Returns a process that holds 19.98 WIF, a stop and a target of which rest on the exchange."""
    world = await open_world(stop_loss_pct=Decimal(5), take_profit_pct=(Target(Level(pct=Decimal(10))),))
    await world.say("BUY_SM")
    return world


def lock(world: World, monkeypatch: pytest.MonkeyPatch, free: str, locked: str) -> None:
    async def balances() -> Mapping[str, Balance]:
        return {"WIF": Balance("WIF", Decimal(free), Decimal(locked))}

    monkeypatch.setattr(world.venue, "balances", balances)


async def test_orders_that_rest_as_the_ledger_has_them_are_no_difference(
    bracketed: World, ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock(bracketed, monkeypatch, "0", "19.98")  # a target and its stop lock the coins once
    assert len(bracketed.portfolio.resting) == 2
    assert (await compared(bracketed, ledger)).differences == []


async def test_what_somebody_else_locks_beside_our_own_orders_is_named(
    bracketed: World, ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = next(order for order in bracketed.portfolio.resting.values() if order.terms.limit_price is not None)
    sold = replace(target, executed_qty=Decimal(10), state=OrderState.PARTIALLY_FILLED)
    other = next(order for order in bracketed.portfolio.resting.values() if order is not target)
    for order in (sold, replace(other, qty=Decimal("9.98"))):
        bracketed.portfolio.resting[order.client_order_id] = order
    lock(bracketed, monkeypatch, "5", "14.98")
    (difference,) = [line for line in (await compared(bracketed, ledger)).differences if "bound" in line]
    assert difference == "WIFUSDC: 19.98 WIF in the ledger, only 14.98 free: 5 are bound in orders"


async def test_an_order_that_rests_in_the_ledger_alone_is_a_difference(bracketed: World, ledger: MemoryLedger) -> None:
    gone = next(iter(bracketed.portfolio.resting.values()))
    bracketed.venue.end(gone.client_order_id)
    (difference,) = (await compared(bracketed, ledger)).differences
    assert difference == (
        f"WIFUSDC: order {gone.client_order_id} ({gone.order_id}, {gone.terms.type}) rests in the ledger, and is not open on the "
        "exchange"
    )


async def test_an_order_of_ours_that_is_open_only_on_the_exchange_is_a_difference(bracketed: World, ledger: MemoryLedger) -> None:
    ended = next(iter(bracketed.portfolio.resting.values()))
    over = replace(ended, state=OrderState.CANCELED)
    bracketed.portfolio.resting.pop(ended.client_order_id)
    ledger.orders[ended.client_order_id] = over
    (difference,) = (await compared(bracketed, ledger)).differences
    assert difference == (f"WIFUSDC: open order {ended.order_id} (SELL) on the exchange has ended in the ledger (CANCELED)")


async def test_a_resting_order_is_proved_by_what_the_exchange_has(bracketed: World, ledger: MemoryLedger) -> None:
    reports = (await bracketed.venue.recent_orders("WIFUSDC", 100)).reports
    legs = {name: order for name, order in ledger.orders.items() if order.rests}

    def differences(account: list[ExecutionReport], gone: tuple[str, ...] = ()) -> tuple[str, ...]:
        day, now = LedgerDay([], {}, [], legs), NOON + timedelta(days=1)
        ours = Ours(ledger.mark, {})
        return prove("2026-03-01", day, now=now, account=account, known=legs, history=None, ours=ours, gone=gone).differences

    resting = [report for report in reports if report.client_order_id in legs]
    assert differences(resting) == ()
    assert differences([], gone=("WIFUSDC",)) == ()
    assert differences([]) == tuple(f"order {name}: rests in the ledger, unknown to the exchange" for name in legs)
    ended = [replace(report, state=OrderState.CANCELED) for report in resting]
    assert differences(ended) == tuple(f"order {name}: rests in the ledger, ended as CANCELED on the exchange" for name in legs)


async def test_a_fill_that_is_not_heard_of_yet_is_told_from_a_loss(bracketed: World, ledger: MemoryLedger) -> None:
    ours = Ours(ledger.mark, {})
    before = await bracketed.venue.recent_orders("WIFUSDC", 100)
    assert not sort_orders(before, ledger.orders, ours).unheard
    bracketed.venue.trade("WIFUSDC", "0.40")
    after = await bracketed.venue.recent_orders("WIFUSDC", 100)
    assert sort_orders(after, ledger.orders, ours).unheard


async def test_what_an_entry_that_rests_locks_is_ours(
    world: World, ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A coin that is held may be what another symbol is priced in."""
    await world.say("BUY_SM")
    world.venue.rules["SOLWIF"] = instrument("SOL", "WIF")
    terms = OrderTerms(OrderType.LIMIT, TimeInForce.GTC, Decimal(3))
    entry = replace(ledger.orders[next(iter(ledger.orders))], client_order_id="mf-e", state=OrderState.ACCEPTED, order_id="99")
    entry = replace(entry, signal=replace(entry.signal, symbol="SOLWIF"), qty=Decimal(5), executed_qty=ZERO, terms=terms)
    world.portfolio.resting["mf-e"] = ledger.orders["mf-e"] = entry
    ledger.touched.add("SOLWIF")
    lock(world, monkeypatch, "4.98", "15")
    assert not any("bound in orders" in line for line in (await compared(world, ledger)).differences)
    lock(world, monkeypatch, "3.98", "16")
    (difference,) = [line for line in (await compared(world, ledger)).differences if "bound" in line]
    assert difference == "WIFUSDC: 19.98 WIF in the ledger, only 18.98 free: 1 are bound in orders"
