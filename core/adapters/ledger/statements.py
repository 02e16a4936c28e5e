"""Every writing statement, built once for one dialect."""

from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib import import_module
from typing import Any

from sqlalchemy import ARRAY, BindParameter, FromClause, Table, bindparam, column, delete, func, select, update

from core.adapters.ledger.column_types import exact_plus
from core.adapters.ledger.driver_statement import DriverStatement
from core.adapters.ledger.tables.entry import LedgerTable, Writing
from core.adapters.ledger.tables.notification_tables import deliveries, outbox
from core.adapters.ledger.tables.order_tables import approvals, order_steps, orders
from core.adapters.ledger.tables.people_tables import strangers
from core.adapters.ledger.tables.plan_tables import order_plans
from core.adapters.ledger.tables.registry import TABLES
from core.adapters.ledger.tables.result_tables import day_results, executions, totals
from core.adapters.ledger.tables.signal_tables import PRUNED, dead_letters, given_seq, inbox

_KEY = "b_seq"
_Finish = Callable[[Any], Any]


class Statements:
    """The statements of one dialect."""

    def __init__(self, dialect: str) -> None:
        self._insert = import_module(f"sqlalchemy.dialects.{dialect}").insert  # the other one takes long to import
        identity = inbox.c.source, inbox.c.source_id
        self.new_messages = self._inserting(
            inbox, lambda to: to.on_conflict_do_nothing(index_elements=identity).returning(*identity, given_seq(dialect))
        )
        self.new_executions = self._inserting(executions, lambda to: _add(to).returning(executions.c.execution_id))
        self.new_strangers = self._inserting(strangers, lambda to: _add(to).returning(strangers.c.user_id))
        self.of = {entry.table: self._of(entry) for entry in TABLES if entry.writing is not Writing.APART}
        self.outcome = DriverStatement(update(inbox).where(inbox.c.seq == bindparam(_KEY)), _outcomes_in_arrays)
        self.prune = {name: DriverStatement(statement) for name, statement in _pruning().items()}
        self.days = self._inserting(day_results, _add_to_day)
        self.count = self._inserting(totals, _add_to_total)

    def _of(self, entry: LedgerTable) -> DriverStatement:
        match entry.writing:
            case Writing.REPLACE:
                return self._inserting(entry.table, partial(_replace, entry.table))
            case Writing.ADD:
                return self._inserting(entry.table, _add)
            case _:
                return self._inserting(entry.table, lambda to: to)

    def _inserting(self, table: Table, finish: _Finish) -> DriverStatement:
        def in_arrays(columns: Sequence[str]) -> Any:
            given = _given([table.c[name] for name in columns])
            return finish(self._insert(table).from_select(list(columns), select(*given.c)))

        return DriverStatement(finish(self._insert(table)), in_arrays)


@cache
def statements_of(dialect: str) -> Statements:
    """Returns the statements of a dialect, the same ones each time."""
    return Statements(dialect)


def _given(columns: Sequence[Any]) -> FromClause:
    """Returns the rows of parameters, one array for each of `columns`, whose names and types they have."""
    arrays = [bindparam(one.name, type_=ARRAY(one.type)) for one in columns]
    named = [column(one.name, one.type) for one in columns]
    return func.unnest(*arrays).table_valued(*named).render_derived(name="given")


def _outcomes_in_arrays(columns: Sequence[str]) -> Any:
    given = _given([column(name, inbox.c.seq.type if name == _KEY else inbox.c[name].type) for name in columns])
    changed = {name: given.c[name] for name in columns if name != _KEY}
    return update(inbox).where(inbox.c.seq == given.c[_KEY]).values(changed)


def _add(insert: Any) -> Any:
    return insert.on_conflict_do_nothing()


def _replace(table: Table, insert: Any) -> Any:
    new = {column.name: insert.excluded[column.name] for column in table.columns if not column.primary_key}
    return insert.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=new)


def _add_to_total(insert: Any) -> Any:
    return insert.on_conflict_do_update(index_elements=[totals.c.name], set_={"value": totals.c.value + insert.excluded.value})


def _add_to_day(insert: Any) -> Any:
    days, new = day_results.c, insert.excluded
    amounts = {name: exact_plus(days[name], new[name]) for name in ("profit", "gross")}
    counts = {name: days[name] + new[name] for name in ("exits", "wins")}
    return insert.on_conflict_do_update(index_elements=list(day_results.primary_key.columns), set_=amounts | counts)


def _pruning() -> dict[str, Any]:
    """Returns the statements that delete old rows, by name, in the order that foreign keys require."""
    order, step, approval, delivery = orders.c, order_steps.c, approvals.c, deliveries.c
    seq: BindParameter[int] = bindparam(_KEY)
    of_order = select(order.client_order_id).where(order.inbox_seq == bindparam(_KEY))
    empty = {"kind": PRUNED, "facts": None, "reason_code": None, "reason_params": None, "reason": None}
    delivered = delivery.priority == bindparam("b_priority"), delivery.last_seq <= bindparam("b_last")
    return {
        "steps": delete(order_steps).where(step.client_order_id.in_(of_order)),
        "approvals": delete(approvals).where(approval.inbox_seq == seq),
        "plans": delete(order_plans).where(order_plans.c.plan_id.in_(of_order)),
        "orders": delete(orders).where(order.inbox_seq == seq),
        "signals": update(inbox).where(inbox.c.seq == seq).values(empty),
        "messages": delete(inbox).where(inbox.c.seq == seq),
        "deliveries": delete(deliveries).where(*delivered),
        "events": delete(outbox).where(outbox.c.seq == seq),
        "letters": delete(dead_letters).where(dead_letters.c.seq == seq),
    }
