"""A statement that the driver executes does what SQLAlchemy's execution of it does, on both databases."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, bindparam, make_url, select, update
from sqlalchemy.exc import DBAPIError

from core.adapters.ledger.driver_statement import DriverStatement
from core.adapters.ledger.engines import Transactions, words, writing_transactions
from core.adapters.ledger.row import Row
from core.adapters.ledger.statements import statements_of
from core.adapters.ledger.tables.order_tables import fill_row, fills
from core.adapters.ledger.tables.signal_tables import inbox, message_row
from core.adapters.ledger.tables.upkeep_tables import marks
from tests.core.adapters.ledger import values

T = TypeVar("T")

MARKS = [
    {"symbol": f"S{number}USDC", "bid": Decimal(f"0.{number}0"), "at": values.NOW + timedelta(microseconds=number)}
    for number in (1, 2, 3)
]


@pytest.fixture
async def transactions(database_url: str) -> AsyncIterator[Transactions]:
    transactions = writing_transactions(make_url(database_url))
    yield transactions
    await transactions.close()


async def rows_after(transactions: Transactions, work: Callable[[Connection], object]) -> Sequence[Row]:
    """Returns all rows of `marks` once `work` is committed, and empties the table."""
    await transactions.run(work)
    found = await transactions.run(lambda connection: [*connection.execute(select(marks).order_by(marks.c.symbol)).mappings()])
    await transactions.run(lambda connection: connection.execute(marks.delete()))
    return [dict(row) for row in found]


@pytest.mark.parametrize("count", [1, 3])
async def test_rows_are_stored_as_sqlalchemy_stores_them(transactions: Transactions, count: int) -> None:
    insert, rows = marks.insert(), MARKS[:count]
    by_driver = await rows_after(transactions, lambda connection: DriverStatement(insert).run(connection, rows))
    assert by_driver == await rows_after(transactions, lambda connection: connection.execute(insert, rows)) == rows


@pytest.mark.parametrize("count", [1, 3])
async def test_what_is_new_is_returned_with_its_number(transactions: Transactions, count: int) -> None:
    rows = [message_row(values.message(number)) for number in range(count)]
    statement = statements_of(transactions.dialect).new_messages
    first = await transactions.run(lambda connection: statement.returned(connection, rows[:1]))
    assert [(source, name) for source, name, _ in first] == [(rows[0]["source"], rows[0]["source_id"])]
    later = await transactions.run(lambda connection: statement.returned(connection, rows))
    assert [name for _, name, _ in later] == [row["source_id"] for row in rows[1:]]
    assert len({number for _, _, number in [*first, *later]}) == count


async def test_what_is_returned_has_the_types_of_its_columns(transactions: Transactions) -> None:
    question = DriverStatement(select(marks.c.bid, marks.c.at).where(marks.c.symbol == bindparam("b_symbol")))

    def work(connection: Connection) -> list[tuple[Any, ...]]:
        DriverStatement(marks.insert()).run(connection, MARKS)
        return question.returned(connection, [{"b_symbol": "S2USDC"}])

    assert await transactions.run(work) == [(MARKS[1]["bid"], MARKS[1]["at"])]


@pytest.mark.parametrize(("symbol", "changed"), [("S1USDC", 1), ("S9USDC", 0)])
async def test_it_tells_whether_a_row_was_changed(transactions: Transactions, symbol: str, changed: int) -> None:
    # The value of `bid` is the statement's own, the others are of the row.
    statement = update(marks).where(marks.c.symbol == bindparam("b_symbol")).values(bid=Decimal("7.50"), at=bindparam("b_at"))

    def work(connection: Connection) -> tuple[int, list[Any]]:
        DriverStatement(marks.insert()).run(connection, MARKS[:1])
        found = DriverStatement(statement).run(connection, [{"b_symbol": symbol, "b_at": values.NOW}])
        return found, [tuple(row) for row in connection.execute(select(marks.c.bid, marks.c.at))]

    after = (Decimal("7.50"), values.NOW) if changed else (MARKS[0]["bid"], MARKS[0]["at"])
    assert await transactions.run(work) == (changed, [after])


@pytest.mark.parametrize("count", [1, 2])
async def test_what_the_database_refuses_is_said_in_its_words_and_undoes_all(transactions: Transactions, count: int) -> None:
    refused = [{**row, "bid": None} for row in MARKS[:count]]

    def work(connection: Connection) -> None:
        DriverStatement(marks.insert()).run(connection, MARKS[2:])
        DriverStatement(marks.insert()).run(connection, refused)

    with pytest.raises(DBAPIError) as caught:
        await transactions.run(work)
    assert "null" in words(caught.value).lower()
    assert "class" not in words(caught.value)
    assert not await rows_after(transactions, lambda _: None)


async def test_a_value_that_its_column_refuses_is_not_sent(transactions: Transactions) -> None:
    rows = [fill_row(("an order", values.fill())) | {"qty": Decimal("NaN")}]
    with pytest.raises(ValueError, match="finite"):
        await transactions.run(lambda connection: DriverStatement(fills.insert()).run(connection, rows))


async def test_nothing_is_executed_for_no_rows(transactions: Transactions) -> None:
    statement = DriverStatement(inbox.delete().returning(inbox.c.seq))
    assert await transactions.run(lambda connection: (statement.run(connection, []), statement.returned(connection, []))) == (
        0,
        [],
    )


@pytest.mark.parametrize("other", [{"symbol": "XUSDC", "bid": Decimal(1)}, {**MARKS[1], "note": "lost"}])
async def test_a_row_of_other_columns_than_the_first_is_refused(transactions: Transactions, other: Row) -> None:
    with pytest.raises(ValueError, match="columns, the first one 3"):
        await transactions.run(lambda connection: DriverStatement(marks.insert()).run(connection, [MARKS[0], other]))
    assert await rows_after(transactions, lambda connection: None) == []
