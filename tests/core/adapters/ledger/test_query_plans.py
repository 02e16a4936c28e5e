"""Frequent queries use an index: both databases explain their plans, and no plan may scan a whole table that grows."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from core.adapters.ledger.analytics import LedgerAnalytics
from core.adapters.ledger.execution_quality import LedgerQuality
from core.adapters.ledger.queries import LedgerQueries
from core.adapters.ledger.sql_ledger import SqlLedger
from core.adapters.ledger.stories import LedgerStories
from core.adapters.ledger.tables.metadata import metadata
from core.adapters.ledger.turnovers import Turnovers
from core.domain.delivery import Delivery
from core.domain.events.priority import Priority
from core.domain.messages import ControlsRequested, DeadLetter, Message
from core.domain.position import Trade
from core.domain.trading_state import Pause
from core.engine.inbox import CONTROLS
from core.read_models import Page, Selection
from core.records.commit_batch import CommitBatch
from tests.bot.reports.test_tax_export import YEAR, keep, lived
from tests.core.adapters.ledger.values import NOW, message

GROWING = {
    *("inbox", "orders", "order_steps", "fills", "trades", "executions", "approvals", "outbox", "deliveries", "dead_letters")
}
"""Tables that grow with trading; the results of days grow with days alone."""

_ROUGH = ("seqscan", "bitmapscan", "hashjoin", "mergejoin")
"""Makes PostgreSQL avoid the scans that it would rightly choose for tables as small as a test's."""

SINCE = YEAR + timedelta(minutes=100)
DAY = Selection(since=YEAR.date())
PAGES = {"newest": Page(), "older": Page(before=200), "newer": Page(after=100)}

Ask = Callable[[SqlLedger], Awaitable[object]]


def of_pages(name: str, ask: Callable[[SqlLedger, Page], Awaitable[object]]) -> dict[str, Ask]:
    return {f"{name}, {which}": lambda ledger, page=page: ask(ledger, page) for which, page in PAGES.items()}  # type: ignore[misc]


QUESTIONS: dict[str, Ask] = {
    **of_pages("signals", lambda ledger, page: LedgerQueries(ledger.reader).recent_signals(10, page=page)),
    **of_pages(
        "signals of a symbol", lambda ledger, page: LedgerQueries(ledger.reader).recent_signals(10, symbol="S7USDC", page=page)
    ),
    **of_pages("trades", lambda ledger, page: LedgerQueries(ledger.reader).recent_trades(10, page=page)),
    **of_pages(
        "trades of a symbol", lambda ledger, page: LedgerQueries(ledger.reader).recent_trades(10, symbol="S7USDC", page=page)
    ),
    **of_pages("acts", lambda ledger, page: LedgerQueries(ledger.reader).acts(10, page=page)),
    "new executions added up": lambda ledger: Turnovers().catch_up(ledger.reader),
    "exits of some days": lambda ledger: LedgerAnalytics(ledger.reader).gains(replace(DAY, until=YEAR.date()), 10),
    "last on the exchange": lambda ledger: LedgerQueries(ledger.reader).last_on_exchange(),
    "orders": lambda ledger: LedgerQueries(ledger.reader).recent_orders(8),
    "executions": lambda ledger: LedgerQueries(ledger.reader).recent_executions(8),
    "executions behind": lambda ledger: LedgerQueries(ledger.reader).executions_after(100, 50),
    "a year": lambda ledger: LedgerQueries(ledger.reader).executions_between(YEAR, SINCE, 50),
    "a year, on": lambda ledger: LedgerQueries(ledger.reader).executions_between(YEAR, SINCE, 50, after=(YEAR, 90)),
    "a year of a symbol": lambda ledger: LedgerQueries(ledger.reader).executions_between(YEAR, SINCE, 50, symbol="S7USDC"),
    "before a year": lambda ledger: LedgerQueries(ledger.reader).executions_before("S7USDC", SINCE, 1),
    "before a year, on": lambda ledger: LedgerQueries(ledger.reader).executions_before("S7USDC", SINCE, 20, before=(YEAR, 90)),
    "settled": lambda ledger: LedgerQueries(ledger.reader).settled(["a", "b"]),
    "newest": lambda ledger: LedgerQueries(ledger.reader).newest_seq(),
    "arrivals": lambda ledger: LedgerQueries(ledger.reader).arrivals(350, SINCE),
    "gains": lambda ledger: LedgerAnalytics(ledger.reader).gains(Selection(), 50),
    "gains of a day": lambda ledger: LedgerAnalytics(ledger.reader).gains(DAY, 50),
    "a symbol's chart": lambda ledger: LedgerAnalytics(ledger.reader).executions(Selection(symbol="S7USDC"), 50),
    "a strategy's trades": lambda ledger: LedgerAnalytics(ledger.reader).executions(Selection(strategy="waves"), 50),
    "a strategy's last exit": lambda ledger: LedgerAnalytics(ledger.reader).last_exit(Selection(strategy="waves")),
    "the last exit": lambda ledger: LedgerAnalytics(ledger.reader).last_exit(),
    "quality": lambda ledger: LedgerQuality(ledger.reader).report(Selection(), ()),
    "quality of a day": lambda ledger: LedgerQuality(ledger.reader).report(DAY, ()),
    "quality of a symbol": lambda ledger: LedgerQuality(ledger.reader).report(replace(DAY, symbol="S7USDC"), ()),
    "quality of a strategy": lambda ledger: LedgerQuality(ledger.reader).report(replace(DAY, strategy="waves"), ()),
    "digest: results": lambda ledger: LedgerQueries(ledger.reader).day_results("2026-01-01"),
    "digest: days": lambda ledger: LedgerAnalytics(ledger.reader).days(DAY),
    "why: the last": lambda ledger: LedgerStories(ledger.reader).last(),
    "why: a number": lambda ledger: LedgerStories(ledger.reader).named("999999"),
    "why: a name": lambda ledger: LedgerStories(ledger.reader).named("nothing"),
    "why: an answer": lambda ledger: LedgerStories(ledger.reader).told_by(1, 2),
    "why: a record": lambda ledger: LedgerStories(ledger.reader).letter("t/0/1"),
    "why: an answer to a record": lambda ledger: LedgerStories(ledger.reader).letter_told_by(1, 2),
    "why: the story": lambda ledger: LedgerStories(ledger.reader).story(5),
    "alerts": lambda ledger: ledger.waiting(dict.fromkeys(Priority, 300), 20),
    "alerts, how many": lambda ledger: ledger.pending(dict.fromkeys(Priority, 300)),
    "a question's message": lambda ledger: ledger.question_message(1, 5),
}


@dataclass
class Asked:
    """Records the statements sent to the database."""

    statements: list[tuple[str, Any]] = field(default_factory=list)

    def note(self, _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            self.statements.append((statement, parameters))


def symbol_of(number: int) -> str:
    return f"S{number % 50}USDC"


def trade(number: int) -> Trade:
    at, one = YEAR + timedelta(minutes=number), Decimal(1)
    return Trade(f"t{number}", symbol_of(number), at, at, one, one, one, one, one, one, "USDC", "paper")


def said_by_hand(number: int) -> Message:
    return Message("telegram", f"c{number}", CONTROLS, ControlsRequested(1001, "Owner", Pause.ALL), NOW)


@pytest.fixture
async def full(ledger: SqlLedger) -> SqlLedger:
    """Returns a ledger with some of everything that is queried, and statistics of it."""
    many = [
        replace(one, symbol=symbol_of(number), execution_id=f"m{number}", executed_at=YEAR + timedelta(minutes=number))
        for number, (one, _, _) in enumerate(lived(2_000, 0))
    ]
    await keep(ledger, lived(100, 300))
    await ledger.commit(CommitBatch(executions=many, trades=[trade(number) for number in range(1_000)]))
    said = [replace(message(number), mailbox=symbol_of(number)) for number in range(1_000, 2_000)]
    await ledger.store([*said, *(said_by_hand(number) for number in range(20))])
    letters = [DeadLetter("kafka:t", f"t/1/{number}", "no JSON", b"{", NOW) for number in range(300)]
    await ledger.store([], dead=letters)
    told = [Delivery(1 + number % 9, 1_000 + number, Priority.NORMAL, number, number) for number in range(1, 200)]
    await asyncio.gather(*(ledger.keep_cursor("main", {Priority.NORMAL: one.last_seq}, one) for one in told))
    if ledger.writing.dialect == "postgresql":
        await ledger.writing.run(lambda connection: connection.execute(text("ANALYZE")))
    return ledger


async def test_no_plan_goes_through_a_table_that_grows(full: SqlLedger) -> None:
    engine, bad = full.reader.questions.engine, {}
    for name, ask in QUESTIONS.items():
        asked = Asked()
        event.listen(engine, "before_cursor_execute", asked.note)
        try:
            await ask(full)
        finally:
            event.remove(engine, "before_cursor_execute", asked.note)
        assert asked.statements, name
        for statement, parameters in asked.statements:
            if troubles := await scans(full, statement, parameters):
                bad[name] = (troubles, statement)
    assert not bad


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM executions WHERE fee_asset = 'BNB'",
        "SELECT * FROM executions WHERE fee_asset = 'BNB' ORDER BY seq DESC LIMIT 5",
        "SELECT * FROM executions ORDER BY qty LIMIT 5",
        "SELECT count(*) FROM inbox",
        "SELECT * FROM executions JOIN orders ON orders.signal_id = executions.signal_id WHERE executions.seq = 5",
    ],
)
async def test_a_scan_is_found(full: SqlLedger, statement: str) -> None:
    """Checks that the test itself would notice one."""
    assert await scans(full, statement, ())


async def scans(ledger: SqlLedger, statement: str, parameters: Any) -> list[str]:
    """Returns the steps of the database's plan that would scan a whole growing table."""

    def look(connection: Connection) -> list[str]:
        if connection.dialect.name == "sqlite":
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            return scans_of_sqlite([row.detail for row in plan], statement)
        for way in _ROUGH:
            connection.execute(text(f"SET enable_{way} = off"))
        plan = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
        found = list(scans_of_postgresql(plan.scalar_one()[0]["Plan"], limited=False))
        for way in _ROUGH:
            connection.execute(text(f"RESET enable_{way}"))
        return found

    return await ledger.reader.questions.run(look)


def scans_of_sqlite(steps: Sequence[str], statement: str) -> list[str]:
    """Reads https://sqlite.org/eqp.html: SCAN goes through everything. It ends early only if rows come in the requested order (no
    B-tree to sort them), there is a LIMIT, and none is skipped: no condition, or that of the partial index."""
    partial = {index.name for table in metadata.tables.values() for index in table.indexes if where_of(index) is not None}
    sorts = any("TEMP B-TREE FOR ORDER BY" in step for step in steps)
    found = []
    for step in steps:
        match = re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", step)
        if match is None or match[1] not in GROWING:
            continue
        passes_over = "WHERE" in statement and match[2] not in partial
        if sorts or passes_over or "LIMIT" not in statement:
            found.append(step)
    return found


def where_of(index: Any) -> object:
    return index.dialect_options["sqlite"]["where"]


def scans_of_postgresql(node: dict[str, Any], *, limited: bool) -> Iterator[str]:
    """Finds scans: an index scan without a condition ends early only below a LIMIT with no sort between, where no row is
    skipped."""
    kind, table = node["Node Type"], node.get("Relation Name")
    if table in GROWING:
        free = "Index Cond" not in node
        if kind == "Seq Scan" or (free and (not limited or "Filter" in node)):
            yield f"{kind} on {table} {node.get('Index Name', '')}"
    limited = (limited or kind == "Limit") and kind not in {"Sort", "Aggregate", "Hash"}
    for child in node.get("Plans", ()):
        yield from scans_of_postgresql(child, limited=limited)
