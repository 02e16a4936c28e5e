"""`reconcile` names the owner of each order, open orders, locked balances, and every symbol that was ever traded."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core.domain.account import Acknowledged
from core.domain.instrument import Balance
from core.domain.money import ZERO
from core.domain.order import ExecutionReport, Order
from core.domain.order_state_machine import OrderState
from core.domain.signal import Side
from core.policy.order_ownership import Ours
from core.reconciliation.daily_proof import LedgerDay, prove
from core.reconciliation.spare_capacity import SpareCapacity
from core.reconciliation.symbol_comparison import Comparison, compare
from tests.core.memory_ledger import MemoryLedger
from tests.core.virtual_time import NOON
from tests.core.world import World

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
            in_flight=list(world.portfolio.in_flight.values()),
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
            "WIFUSDC: somebody else placed an order under an id of ours (1, the",
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
