"""A year and its tax lots are read from the ledger without reading other years, on both databases."""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from bot.reports.tax_export import write_csv, write_tax
from core.adapters.ledger.analytics import LedgerAnalytics
from core.adapters.ledger.queries import LedgerQueries
from core.adapters.ledger.row import Row
from core.adapters.ledger.sql_ledger import SqlLedger
from core.domain.events.orders import OrderExecuted
from core.domain.messages import StoredMessage
from core.domain.order_state_machine import OrderState
from core.domain.position import Execution, Position
from core.domain.signal import Side
from core.policy.tax_lots import Disposal, Lots, Valued, acquired
from core.records.commit_batch import CommitBatch
from tests.core.adapters.ledger.values import execution, message, order

YEAR = datetime(2026, 1, 1, tzinfo=UTC)
SYMBOLS = ("WIFUSDC", "SOLUSDC", "RAREUSDC")


def lived(before: int, within: int, after: int = 0) -> list[tuple[Execution, Decimal, Decimal | None]]:
    """Returns so many executions before, within and after the year, each with the position afterwards and the value of its
    fee. Something of each symbol is always left over; the last one is not traded in the year."""
    chance, held = Random(7), dict.fromkeys(SYMBOLS, Decimal(0))
    found = []
    for number in range(before + within + after):
        minutes = timedelta(minutes=number - before)
        at = YEAR + minutes + (timedelta(days=370) if number >= before + within else timedelta())
        symbol = "RAREUSDC" if number in (0, 1) else chance.choice(SYMBOLS[:2])
        buys = held[symbol] < 10
        qty = Decimal(chance.randrange(100, 900)).scaleb(-1) if buys else held[symbol] - Decimal(chance.randrange(1, 8))
        asset = chance.choice(["BNB", "USDC", symbol[:-4]]) if buys else chance.choice(["BNB", "USDC"])
        one = replace(
            execution(number, None if buys else Decimal(1)), symbol=symbol, base_asset=symbol[:-4], executed_at=at, qty=qty,
            quote_qty=Decimal(chance.randrange(1, 10**8)).scaleb(-4), fee=qty / 1000, fee_asset=asset,
        )  # fmt: skip
        held[symbol] += acquired(one) if one.side is Side.BUY else -one.qty
        value = Decimal(chance.randrange(1, 10**6)).scaleb(-6) if asset == "BNB" and number % 3 else None
        found.append((one, held[symbol], value))
    return found


async def keep(ledger: SqlLedger, done: Sequence[tuple[Execution, Decimal, Decimal | None]], *, events: bool = True) -> None:
    stored = await ledger.store([message(number) for number in range(len(done))])
    orders = [
        replace(order(one.seq, number, OrderState.FILLED), client_order_id=done[number][0].client_order_id)
        for number, one in enumerate(stored)
        if isinstance(one, StoredMessage)
    ]
    told = [
        OrderExecuted(placed, one, Position(one.symbol, held), value)
        for placed, (one, held, value) in zip(orders, done, strict=True)
    ]
    positions = {one.symbol: Position(one.symbol, held, is_open=True) for one, held, _ in done}
    await ledger.commit(
        CommitBatch(
            orders=orders,
            executions=[one for one, _, _ in done],
            events=[*told] if events else [],
            positions=list(positions.values()),
        )
    )


async def tax(ledger: SqlLedger) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Returns the year's file: disposals, remaining lots."""
    file = io.BytesIO()
    queries = LedgerQueries(ledger.reader)
    await write_tax(queries, await LedgerAnalytics(ledger.reader).symbols(), YEAR.year, file)
    sold, left = file.getvalue().decode().split("\r\n\r\n")
    return list(csv.DictReader(io.StringIO(sold))), list(csv.DictReader(io.StringIO(left)))


def replayed(done: Sequence[tuple[Execution, Decimal, Decimal | None]], *, valued: bool = True) -> tuple[list[Disposal], Lots]:
    """Replays everything from the beginning, in memory."""
    lots, sold = Lots(), list[Disposal]()
    for one, _, value in done:
        if one.executed_at.year <= YEAR.year:
            disposals = lots.take(Valued(one, value if valued else None))
            sold += disposals if one.executed_at.year == YEAR.year else []
    return sold, lots


@pytest.mark.parametrize("events", [True, False])
async def test_a_year_begins_where_the_one_before_ended(ledger: SqlLedger, events: bool) -> None:
    done = lived(60, 1_050, 20)
    await keep(ledger, done, events=events)
    disposals, lots = replayed(done, valued=events)
    sold, left = await tax(ledger)
    assert [(one["sold_by"], one["bought_by"], Decimal(one["cost"]), Decimal(one["gain"])) for one in sold] == [
        (one.sold_by, one.bought_by, one.cost, one.gain) for one in disposals
    ]
    assert [Decimal(one["third_fee_value"]) for one in sold] == [one.third_fee_value for one in disposals]
    assert sorted((one["execution_id"], Decimal(one["qty"]), Decimal(one["cost"])) for one in left) == sorted(
        (one.execution_id, one.qty, one.cost) for one in lots.left()
    )
    assert any(one["symbol"] == "RAREUSDC" for one in left)
    assert {one["fees_without_price"] for one in sold} == {"", "BNB"}
    file = io.BytesIO()
    assert await write_csv(LedgerQueries(ledger.reader), YEAR.year, file) == 1_050
    rows = list(csv.DictReader(io.StringIO(file.getvalue().decode())))
    assert [one["execution_id"] for one in rows] == [one.execution_id for one, _, _ in done if one.executed_at.year == YEAR.year]


async def rows_read(ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch, *, of_tax: bool) -> int:
    """Returns how many rows the database read for the year."""
    count, read = 0, ledger.reader.read

    async def counted(question: Any, values: Any = None) -> Sequence[Row]:
        nonlocal count
        found = await read(question, values)
        count += len(found)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(ledger.reader, "read", counted)
        if of_tax:
            await tax(ledger)
        else:
            await write_csv(LedgerQueries(ledger.reader), YEAR.year, io.BytesIO())
    return count


@pytest.mark.parametrize(("of_tax", "most"), [(False, 1.0), (True, 1.3)])
async def test_other_years_cost_nothing(ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch, of_tax: bool, most: float) -> None:
    """Reads as many rows with a history twenty-five times as long before the year, and after it again."""
    await keep(ledger, lived(40, 200))
    alone = await rows_read(ledger, monkeypatch, of_tax=of_tax)
    others = [
        replace(one, execution_id=f"{days}:{one.execution_id}", executed_at=one.executed_at + timedelta(days=days))
        for days in (-30, 500)
        for one, _, _ in lived(1_000, 0)
    ]
    await ledger.commit(CommitBatch(executions=others))
    assert await rows_read(ledger, monkeypatch, of_tax=of_tax) <= most * alone
