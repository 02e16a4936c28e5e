"""A table cannot be forgotten: the registry has every one, its values reach it, and trading takes over what is loaded."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, get_args, get_type_hints

import pytest
from sqlalchemy import Column

from core.adapters.ledger.tables.entry import LedgerTable, Writing
from core.adapters.ledger.tables.metadata import metadata
from core.adapters.ledger.tables.registry import TABLES
from core.domain.order import Order
from core.domain.order_state_machine import OrderState
from core.domain.trading_state import TradingState
from core.records.commit_batch import CommitBatch
from core.records.kept_rows import KeptRows
from core.records.ledger_state import LedgerState
from core.state.portfolio import Portfolio
from tests.core.world import LIMITS
from tests.samples import sample

BY_THEMSELVES = {"messages", "outcomes"}  # new rows and updates of the inbox
READ_APART = {"today", "totals", "last_profit_pct", "mark", "record"}  # sums and single values

SINGLE = {entry.batch for entry in TABLES if entry.is_single}
KEPT = [each.name for each in fields(KeptRows)]


def names(of: type[Any]) -> set[str]:
    return {each.name for each in fields(of)}


def value_of(field: str) -> Any:
    """Returns a value for a field of KeptRows that still matters."""
    kind = get_type_hints(KeptRows)[field]
    value = sample(get_args(kind)[0])
    match value:
        case Order():
            return replace(value, state=OrderState.SUBMITTED)
        case TradingState():
            return replace(value, changed_by="me")
        case _:
            return value


def batch_of(rows: type[Any], field: str) -> Any:
    value = value_of(field)
    return rows(**{field: value if field in SINGLE else [value]})


def argument(encode: Callable[..., Any]) -> Any:
    """Returns the type that `encode` takes; None if it does not say."""
    hints = get_type_hints(encode)
    return next((kind for name, kind in hints.items() if name != "return"), None)


def is_needed(column: Column[Any]) -> bool:
    return not column.nullable and column.autoincrement is not True


def test_every_table_has_one_entry() -> None:
    assert sorted(entry.table.name for entry in TABLES) == sorted(metadata.tables)


def test_foreign_keys_point_to_tables_that_are_written_before() -> None:
    written: set[str] = set()
    for entry in TABLES:
        written.add(entry.table.name)
        assert {key.column.table.name for key in entry.table.foreign_keys} <= written


def test_every_field_of_a_commit_is_written() -> None:
    assert {entry.batch for entry in TABLES if entry.batch} == names(CommitBatch) - BY_THEMSELVES


def test_every_field_of_the_state_is_loaded() -> None:
    loading = [entry for entry in TABLES if entry.at_start is not None]
    assert sorted(entry.state for entry in loading) == sorted(names(LedgerState) - READ_APART)
    assert all(entry.decode is not None for entry in loading)
    assert all(entry.at_start is not None for entry in TABLES if entry.state)


@pytest.mark.parametrize("field", KEPT)
def test_what_is_kept_is_loaded_and_written_under_one_name(field: str) -> None:
    assert {entry.state for entry in TABLES if entry.batch == field and entry.state} >= {field}


@pytest.mark.parametrize("field", KEPT)
def test_trading_takes_over_what_is_loaded_and_what_is_committed(field: str) -> None:
    def started(state: LedgerState) -> Portfolio:
        return Portfolio.from_ledger(state, TradingState(), LIMITS, "2026-03-01")

    empty, loaded, changed = started(LedgerState()), started(batch_of(LedgerState, field)), started(LedgerState())
    changed.apply(batch_of(CommitBatch, field))
    changed.moves.clear()  # counts commits alone
    assert loaded != empty
    assert changed == loaded


ENCODED = [entry for entry in TABLES if entry.encode is not None and argument(entry.encode) is not None]


@pytest.mark.parametrize("entry", ENCODED, ids=lambda entry: entry.table.name)
def test_a_row_fits_its_table_and_is_the_same_value_again(entry: LedgerTable) -> None:
    assert entry.encode is not None
    value = sample(argument(entry.encode))
    row = entry.encode(value)
    assert set(row) <= set(entry.table.columns.keys())
    assert {column.name for column in entry.table.columns if is_needed(column)} <= set(row)
    if entry.decode is not None and entry.table.name != "inbox":
        assert entry.decode(row) == value


@pytest.mark.parametrize("entry", TABLES, ids=lambda entry: entry.table.name)
def test_rows_that_replace_others_are_known_by_a_key_of_their_own(entry: LedgerTable) -> None:
    if entry.writing is Writing.REPLACE:
        assert all(column.autoincrement is not True for column in entry.table.primary_key.columns)
