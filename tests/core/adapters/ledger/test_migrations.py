"""An old ledger is the same ledger after the steps that it lacked."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import count

import pytest
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, Insert, MetaData, Table, insert, update

from bot.clock import SystemClock
from core.adapters.ledger.analytics import LedgerAnalytics
from core.adapters.ledger.export_feed import SqlExportFeed
from core.adapters.ledger.opening import look_into_ledger, open_ledger
from core.adapters.ledger.queries import LedgerQueries
from core.adapters.ledger.row import Row
from core.adapters.ledger.schema import MIGRATIONS, revisions, upgrade
from core.adapters.ledger.tables import control_tables, order_tables, plan_tables, result_tables, signal_tables, upkeep_tables
from core.domain.errors import LedgerInUse, LedgerNotReady, LedgerUnavailable
from core.domain.exit_plan import ExitPlan
from core.domain.order import Order
from core.domain.order_state_machine import OrderState
from core.domain.pending_exit import PendingExit
from core.domain.position import Execution, Position, Role
from core.domain.signal import Side, Signal
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import PlanState, TradePlan
from core.read_models import Selection
from core.records.commit_batch import CommitBatch
from tests.core.adapters.ledger import values
from tests.core.adapters.ledger.conftest import Reopen
from tests.core.adapters.ledger.values import NOW, performance, round_trips
from tests.ledgers import work_on


@pytest.fixture
def database_url(empty_database_url: str) -> str:
    """Returns the address of a database in which each test takes the steps itself."""
    return empty_database_url


def of_before(connection: Connection) -> None:
    upgrade(connection, "0001")


async def revision(database_url: str) -> str | None:
    found: list[str | None] = []

    def look(connection: Connection) -> None:
        applied, newest = revisions(connection)
        assert applied == MigrationContext.configure(connection).get_current_revision()
        assert newest == revisions_there()
        found.append(applied)

    await work_on(database_url, look)
    return found[0]


async def test_who_only_looks_makes_and_changes_nothing(database_url: str) -> None:
    with pytest.raises(LedgerNotReady, match="no ledger"):
        await look_into_ledger(database_url, SystemClock())
    assert await revision(database_url) is None
    await work_on(database_url, of_before)
    with pytest.raises(LedgerNotReady, match="older version: stop MarketFlow"):
        await look_into_ledger(database_url, SystemClock())
    assert await revision(database_url) == "0001"


async def test_a_step_waits_for_the_process_of_the_version_before(database_url: str) -> None:
    await work_on(database_url, of_before)
    held = {"epoch": 1, "holder": "process 1 on old", "session": "", "taken_at": NOW}
    await work_on(database_url, lambda connection: connection.execute(update(upkeep_tables.lease).values(held)))
    beating = asyncio.create_task(beat(database_url))
    with pytest.raises(LedgerInUse, match="process 1 on old"):
        await open_ledger(database_url, SystemClock())
    assert await revision(database_url) == "0001"
    beating.cancel()
    await asyncio.gather(beating, return_exceptions=True)
    await work_on(database_url, lambda connection: connection.execute(update(upkeep_tables.lease).values(holder="")))
    ledger = await open_ledger(database_url, SystemClock())
    assert await revision(database_url) == revisions_there()
    await ledger.commit(CommitBatch(executions=list(round_trips(10))))
    await ledger.close()
    await (await look_into_ledger(database_url, SystemClock())).close()


async def beat(database_url: str) -> None:
    """Updates the lease, like a process of the old version."""
    for number in count(1):
        await work_on(database_url, lambda c, number=number: c.execute(update(upkeep_tables.lease).values(commits=number)))  # type: ignore[misc]
        await asyncio.sleep(0.1)


def revisions_there() -> str:
    """Returns Alembic's newest step."""
    return str(ScriptDirectory(str(MIGRATIONS)).as_revision_number("head"))


async def test_a_newer_ledger_is_left_alone(database_url: str) -> None:
    await (await open_ledger(database_url, SystemClock())).close()
    await work_on(database_url, lambda connection: connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'"))
    for opening in (open_ledger, look_into_ledger):
        with pytest.raises(LedgerUnavailable, match="newer version"):
            await opening(database_url, SystemClock())


async def test_results_by_symbol_are_made_of_the_executions_of_before(database_url: str, reopen: Reopen) -> None:
    executions = list(round_trips(400))
    before, since = executions[:300], executions[300:]

    def fill(connection: Connection) -> None:
        upgrade(connection, "0001")
        connection.execute(insert(result_tables.executions), [old_execution_row(one) for one in before])

    await work_on(database_url, fill)
    ledger = await reopen()
    await ledger.commit(CommitBatch(executions=since))
    found = LedgerAnalytics(ledger.reader)
    assert await found.performance("symbol", Selection()) == performance("symbol", executions)
    assert await found.performance("signal_type", Selection()) == performance("signal_type", executions)


def old_execution_row(execution: Execution) -> Row:
    """Returns a row of `executions` as it was before it had a role."""
    return without({"strategy", "role", "plan_id"}, unmeasured(result_tables.execution_row(execution)))


def unmeasured(row: Row) -> Row:
    """Returns a row of `orders` or `executions` as it was before its quality was measured."""
    return without({"signal_price", "arrival_price", "asked_qty", "fee_quote", "sent_at", "answered_at"}, row)


def without(later: set[str], row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in later}


async def test_executions_of_before_get_their_role_their_strategy_and_their_plan(database_url: str, reopen: Reopen) -> None:
    entry = replace(values.order(1), signal=replace(values.signal(), extra={"strategy": "waves"}), state=OrderState.FILLED)
    bare = values.order(2, 2, OrderState.FILLED)
    bought, alone = values.execution(1), values.execution(2)
    plan_id = bought.execution_id

    def sold(name: str, kind: str, signal_id: str | None = None) -> Execution:
        one = replace(values.execution(3, Decimal(1)), execution_id=name, client_order_id=name)
        return replace(one, signal_type=kind, signal_id=signal_id or name)

    stop, late = sold(f"{plan_id}S100", "SELL_STOP_LOSS"), sold(f"{plan_id}X300", "SELL_TIME_LIMIT")
    target, other = sold(f"{plan_id}T201", "SELL_TAKE_PROFIT"), sold("mf-other", "SELL_STOP_LOSS", "a sender's own")

    def of_version_26(connection: Connection) -> None:
        upgrade(connection, "0026")
        for number, order in enumerate((entry, bare), 1):
            connection.execute(insert(signal_tables.inbox), [signal_tables.message_row(values.message(number))])
            connection.execute(insert(order_tables.orders), [unmeasured(order_tables.order_row(order))])
        plan = TradePlan(plan_id, "WIFUSDC", ExitPlan(), PlanState.CLOSED, Decimal(1), NOW, 1)
        row = plan_tables.plan_row(plan)
        del row["strategy"], row["part_sold"]
        connection.execute(insert(plan_tables.order_plans), [row])
        rows = [old_execution_row(one) for one in (bought, alone, stop, target, late, other)]
        connection.execute(insert(result_tables.executions), rows)
        connection.execute(insert(upkeep_tables.export_positions), [{"name": "snowflake:RAW.EXECUTIONS", "seq": 6}])

    await work_on(database_url, of_version_26)
    ledger = await reopen()
    found = {one.execution_id: one for _, one in await LedgerQueries(ledger.reader).executions_after(0, 10)}
    assert {name: (one.role, one.strategy, one.plan_id) for name, one in found.items()} == {
        bought.execution_id: (Role.ENTRY, "waves", plan_id),
        alone.execution_id: (Role.ENTRY, "default", None),
        stop.execution_id: (Role.STOP, "waves", plan_id),
        target.execution_id: (Role.TARGET, "waves", plan_id),
        late.execution_id: (Role.TIME_LIMIT, "waves", plan_id),
        other.execution_id: (Role.EXIT, "default", None),
    }
    assert [row["strategy"] for row in await ledger.reader.read(plan_tables.order_plans.select())] == ["waves"]
    assert await SqlExportFeed(ledger, "snowflake:RAW.EXECUTIONS").position() == 0  # the history lacks the new columns


def before_strategies(table: Table, row: Row) -> tuple[Insert, list[Row]]:
    """Returns the statement that inserts a row into `table` as it was before it had a strategy, and the row."""
    later = {"strategy", "entries", "last_entry"}
    columns = [Column(column.name, column.type) for column in table.c if column.name not in later]
    return insert(Table(table.name, MetaData(), *columns)), [without(later, row)]


@pytest.mark.parametrize(
    ("entered", "asked", "owner"), [("waves", "tides", "waves"), ("waves", "", "waves"), ("", "waves", "default")]
)
@pytest.mark.parametrize("rests", [False, True])
async def test_what_is_open_belongs_to_the_strategy_of_its_entry_and_results_of_before_to_the_default_one(
    database_url: str, reopen: Reopen, *, rests: bool, entered: str, asked: str, owner: str
) -> None:
    """Follows the entry, whatever other strategy asked for the exit. `rests`: the entry has filled in part."""

    def of(strategy: str, **more: str) -> Signal:
        named = {"strategy": strategy} if strategy else {}
        return replace(values.signal(), extra=named | more)

    entry = replace(values.order(1), signal=of(entered, note="kept"), state=OrderState.ACCEPTED if rests else OrderState.FILLED)
    leg = replace(values.order(2, 2), signal=of(""), side=Side.SELL, state=OrderState.ACCEPTED)
    bought = replace(values.execution(1), side=Side.BUY, strategy=entered or "default", executed_at=NOW)
    pending = PendingExit(replace(of(asked), signal_type="SELL_SM"), Decimal(5), NOW, NOW)
    held = Position("WIFUSDC", Decimal("19.98"), Decimal("9.61"), Decimal("9.6"), is_open=True, opened_at=NOW)
    sold = replace(values.execution(3, Decimal("-1.5")), strategy="other")

    def of_version_27(connection: Connection) -> None:
        upgrade(connection, "0027")
        for number, order in enumerate((entry, leg), 1):
            connection.execute(insert(signal_tables.inbox), [signal_tables.message_row(values.message(number))])
            connection.execute(insert(order_tables.orders), [unmeasured(order_tables.order_row(order))])
        if not rests:
            earlier = replace(bought, execution_id="x0", strategy="tides", executed_at=NOW - timedelta(days=1))
            rows = [unmeasured(result_tables.execution_row(one)) for one in (bought, earlier)]
            connection.execute(insert(result_tables.executions), rows)
        plan = TradePlan("mf-1", "WIFUSDC", ExitPlan(), PlanState.GUARDED, Decimal(1), NOW, 1)
        row = plan_tables.plan_row(plan)
        del row["part_sold"]
        connection.execute(insert(plan_tables.order_plans), [row])
        connection.execute(*before_strategies(result_tables.positions, result_tables.position_row(held)))
        connection.execute(*before_strategies(control_tables.wanted_exits, control_tables.exit_row(pending)))
        day = {"day": "2026-03-01", "quote_asset": "USDC", "symbol": "WIFUSDC", "signal_type": "SELL_SM", "trading_mode": "paper"}
        amounts = {"profit": Decimal("-1.5"), "gross": Decimal("-1.4"), "exits": 1, "wins": 0}
        connection.execute(*before_strategies(result_tables.day_results, day | amounts))

    await work_on(database_url, of_version_27)
    ledger = await reopen()
    state = await ledger.load("2026-03-01")
    assert state.positions == [replace(held, strategy=owner)]
    found: list[TradePlan | Signal] = [*state.plans, *(one.signal for one in state.orders), *(one.signal for one in state.exits)]
    assert {one.book for one in found} == {StrategyBook("WIFUSDC", owner)}
    assert len(found) == 3 + rests
    assert not rests or any(one.signal.extra.get("note") == "kept" for one in state.orders)
    await ledger.commit(CommitBatch(executions=[sold], positions=[replace(held, strategy="other", qty=Decimal(3))]))
    again = await reopen()
    assert len((await again.load("2026-03-01")).positions) == 2
    results = await LedgerAnalytics(again.reader).performance("strategy", Selection())
    assert {one.name: one.profit for one in results} == {"default": Decimal("-1.5"), "other": Decimal("-1.5")}


def old_order_row(order: Order) -> Row:
    """Returns a row of `orders` as it was before orders had terms."""
    later = {"type", "time_in_force", "limit_price", "stop_price", "trailing_delta", "plan_id", "leg", "leg_number", "generation"}
    later |= {"list_id", "booked_profit", "booked_cost", "booked_gross", "expires_at", "sizing"}
    return without(later, unmeasured(order_tables.order_row(order)))


async def test_a_ledger_of_before_gets_a_mark_and_the_symbols_it_has_traded(database_url: str, reopen: Reopen) -> None:
    def of_version_8(connection: Connection) -> None:
        upgrade(connection, "0008")
        for seq, symbol, order_id in ((1, "WIFUSDC", "28"), (2, "WIFUSDC", "29"), (3, "SOLUSDC", None)):
            message = signal_tables.message_row(values.message(seq))
            connection.execute(insert(signal_tables.inbox), [{**message, "seq": seq}])
            row = old_order_row(values.order(seq, seq, OrderState.FILLED if order_id else OrderState.DENIED))
            connection.execute(insert(order_tables.orders), [{**row, "symbol": symbol, "order_id": order_id}])

    await work_on(database_url, of_version_8)
    state = await (await reopen()).load("2026-01-01")
    assert state.mark is not None
    assert state.touched == ["WIFUSDC"]


async def test_fills_of_before_are_kept_and_those_of_a_reset_testnet_stand_beside_them(database_url: str, reopen: Reopen) -> None:
    orders = [values.order(number, number, OrderState.FILLED) for number in (1, 2)]
    old_fill = order_tables.fill_row((orders[0].client_order_id, values.fill()))

    def of_version_7(connection: Connection) -> None:
        upgrade(connection, "0007")
        for number, order in enumerate(orders, 1):
            connection.execute(insert(signal_tables.inbox), [signal_tables.message_row(values.message(number))])
            connection.execute(insert(order_tables.orders), [old_order_row(order)])
        connection.execute(insert(order_tables.fills), [old_fill])

    await work_on(database_url, of_version_7)
    ledger = await reopen()
    await ledger.commit(CommitBatch(fills=[(order.client_order_id, values.fill()) for order in orders]))
    kept = await ledger.reader.read(order_tables.fills.select())
    assert sorted(row["client_order_id"] for row in kept) == sorted(order.client_order_id for order in orders)
    assert old_fill in [dict(row) for row in kept]
