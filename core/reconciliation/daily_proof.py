"""Reconciles a day: signals and decisions, orders and fills, the exchange's account, the history. Pure.

Names every difference by the ids of what differs, so that it can be looked up; corrects nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any

from core.domain.daily_proof import Proof
from core.domain.day_result import DayResult
from core.domain.money import EXACT, ZERO, divide, plain
from core.domain.order import ExecutionReport, Fill, Order
from core.domain.position import Execution
from core.policy.order_ownership import Ours, Whose, whose

NOBODY = Ours(None, {})
UNDECIDED_AFTER = timedelta(minutes=10)
"""The longest that a signal may wait for its turn; one that waits longer is lost."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A signal that came in, and its decision; `outcome` is None if there was none."""

    seq: int
    name: str
    received_at: datetime
    outcome: str | None


@dataclass(frozen=True, slots=True)
class LedgerDay:
    """The ledger's records of a day. `orders` are those of the day's signals and of its executions, which may be of earlier ones,
    by client order id, with their `fills`; `executions` and `results` are those of the day itself."""

    decisions: Sequence[Decision]
    executions: Mapping[str, Execution]
    results: Sequence[DayResult]
    orders: Mapping[str, Order] = field(default_factory=dict)
    fills: Mapping[str, Sequence[Fill]] = field(default_factory=dict)
    of_orders: Mapping[str, Execution] = field(default_factory=dict)


def prove(
    day: str,
    ledger: LedgerDay,
    *,
    now: datetime,
    account: Sequence[ExecutionReport],
    known: Mapping[str, Order],
    history: Sequence[Mapping[str, Any]] | None,
    unexported: Collection[str] = (),
    ours: Ours = NOBODY,
    gone: Collection[str] = (),
) -> Proof:
    """Compares everything with everything. `ours` tells whose an order on the exchange is.
    `account` are the exchange's orders of the day and a little around it, with fills; `known` those of them that the ledger
    has, of any day; `history` the rows stored there, None if there is none to compare; `unexported` names executions that are
    still on their way there; `gone` names symbols that the exchange does not know (any more).
    """
    with localcontext(EXACT):
        profit = _profits(ledger.executions.values())
        differences = [
            *_decisions(ledger, now),
            *_account(ledger, account, known, ours, gone),
            *_executions(ledger),
            *_results(ledger, profit),
        ]
        if history is not None:
            differences += _history(ledger.executions, history, unexported)
        return Proof(
            day,
            signals=len(ledger.decisions),
            orders=sum(1 for order in ledger.orders.values() if order.executed_qty),
            fills=sum(map(len, ledger.fills.values())),
            executions=len(ledger.executions),
            in_history=None if history is None else len(history),
            profit=profit,
            fees=_fees(ledger.executions.values()),
            differences=tuple(differences),
            unexported=len(ledger.executions.keys() & set(unexported)),
            gone=tuple(gone),
        )


def _decisions(ledger: LedgerDay, now: datetime) -> Iterator[str]:
    ordered = {order.inbox_seq for order in ledger.orders.values()}
    for decision in ledger.decisions:
        if decision.outcome is None and now - decision.received_at > UNDECIDED_AFTER:
            yield f"signal {decision.name}: nothing was decided about it"
        if decision.outcome == "ordered" and decision.seq not in ordered:
            yield f"signal {decision.name}: decided to order, but there is no order"


def _account(
    ledger: LedgerDay, account: Sequence[ExecutionReport], known: Mapping[str, Order], ours: Ours, gone: Collection[str]
) -> Iterator[str]:
    reports: dict[str, ExecutionReport] = {}
    for report in account:
        name, order = report.client_order_id, known.get(report.client_order_id)
        # Several orders may share a client order id: the number tells which is the ledger's.
        if name not in reports or (order is not None and report.order_id == order.order_id):
            reports[name] = report
        if whose(report, order, ours) in {Whose.LOST, Whose.STRANGE}:
            yield f"order {name} ({report.symbol} {report.order_id}): the exchange has it, the ledger has not"
    for name, order in ledger.orders.items():
        found = reports.get(name)
        if order.rests:
            yield from _resting(order, found, gone)
        elif order.state.in_flight:
            yield f"order {name}: not settled ({order.state})"
        elif found is None:
            if order.executed_qty and order.symbol not in gone:
                yield f"order {name}: executed in the ledger, unknown to the exchange"
        else:
            yield from _order(order, found)
            yield from _fills(name, ledger.fills.get(name, ()), found.fills)


def _resting(order: Order, found: ExecutionReport | None, gone: Collection[str]) -> Iterator[str]:
    if found is None:
        if order.symbol not in gone:
            yield f"order {order.client_order_id}: rests in the ledger, unknown to the exchange"
    elif found.state.final:
        yield f"order {order.client_order_id}: rests in the ledger, ended as {found.state} on the exchange"


def _order(order: Order, found: ExecutionReport) -> Iterator[str]:
    for what, ours, theirs in (
        ("exchange's number", order.order_id or "none", found.order_id),
        ("quantity", plain(order.executed_qty), plain(found.executed_qty)),
        ("quote amount", plain(order.quote_qty), plain(found.quote_qty)),
    ):
        if ours != theirs and (order.executed_qty or found.executed_qty):
            yield f"order {order.client_order_id}: {what} is {ours} in the ledger, {theirs} on the exchange"


def _fills(name: str, ours: Sequence[Fill], theirs: Sequence[Fill]) -> Iterator[str]:
    here, there = ({fill.trade_id: fill for fill in fills} for fills in (ours, theirs))
    for trade_id in sorted(here.keys() | there.keys()):
        one, other = here.get(trade_id), there.get(trade_id)
        if one is None or other is None:
            yield f"fill {trade_id} of order {name}: missing {'in the ledger' if one is None else 'on the exchange'}"
            continue
        for what in ("price", "qty", "fee"):
            if getattr(one, what) != getattr(other, what):
                mine, its = plain(getattr(one, what)), plain(getattr(other, what))
                yield f"fill {trade_id} of order {name}: {what} is {mine} in the ledger, {its} on the exchange"
        if one.fee_asset != other.fee_asset:
            yield f"fill {trade_id} of order {name}: fee in {one.fee_asset} in the ledger, in {other.fee_asset} on the exchange"


def _executions(ledger: LedgerDay) -> Iterator[str]:
    for name in sorted(ledger.executions.keys() - ledger.orders.keys()):
        yield f"execution {name}: there is no order of it"
    for name, order in ledger.orders.items():
        execution = ledger.of_orders.get(name)
        if execution is None:
            if order.executed_qty and not order.state.in_flight:
                yield f"order {name}: executed, but there is no execution"
            continue
        yield from _execution(order, execution, ledger.fills.get(name, ()))


def _execution(order: Order, execution: Execution, fills: Sequence[Fill]) -> Iterator[str]:
    name = order.client_order_id
    fees: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for fill in fills:
        fees[fill.fee_asset] += fill.fee
    bought = sum((fill.qty for fill in fills), ZERO)
    if execution.qty != bought:
        yield f"execution {name}: quantity is {plain(execution.qty)}, its fills make {plain(bought)}"
    if order.executed_qty and execution.price != (price := divide(order.quote_qty, order.executed_qty)):
        yield f"execution {name}: price is {plain(execution.price)}, its order makes {plain(price)}"
    if execution.quote_qty != order.quote_qty:
        yield f"execution {name}: quote amount is {plain(execution.quote_qty)}, its order says {plain(order.quote_qty)}"
    # Fees in several assets are one sum in quote asset there, at prices of that time.
    paid = {asset: fee for asset, fee in fees.items() if fee}
    if not paid and execution.fee:
        yield f"execution {name}: fee is {plain(execution.fee)} {execution.fee_asset}, its fills have none"
    if len(paid) == 1 and paid.get(execution.fee_asset, ZERO) != execution.fee:
        (asset, fee), *_ = paid.items()
        yield f"execution {name}: fee is {plain(execution.fee)} {execution.fee_asset}, its fills make {plain(fee)} {asset}"


def _profits(executions: Iterable[Execution]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for execution in executions:
        if execution.profit_quote is not None:
            sums[execution.quote_asset] = sums.get(execution.quote_asset, ZERO) + execution.profit_quote
    return sums


def _fees(executions: Iterable[Execution]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for execution in executions:
        sums[execution.fee_asset] = sums.get(execution.fee_asset, ZERO) + execution.fee
    return sums


def _results(ledger: LedgerDay, profits: Mapping[str, Decimal]) -> Iterator[str]:
    kept: dict[str, Decimal] = {}
    for result in ledger.results:
        kept[result.quote_asset] = kept.get(result.quote_asset, ZERO) + result.profit
    for asset in sorted(kept.keys() | profits.keys()):
        if kept.get(asset, ZERO) != profits.get(asset, ZERO):
            ours, theirs = plain(kept.get(asset, ZERO)), plain(profits.get(asset, ZERO))
            yield f"result of the day in {asset}: {ours} is kept, its executions make {theirs}"


def _history(
    executions: Mapping[str, Execution], history: Sequence[Mapping[str, Any]], unexported: Collection[str]
) -> Iterator[str]:
    rows = {row["execution_id"]: row for row in history}
    if len(rows) != len(history):
        twice = sorted(name for name in rows if sum(row["execution_id"] == name for row in history) > 1)
        yield f"history: more than one row of execution {', '.join(twice)}"
    for name in sorted(executions.keys() - rows.keys() - set(unexported)):
        yield f"execution {name}: missing in the history"
    for name in sorted(rows.keys() - executions.keys()):
        yield f"execution {name}: in the history, not in the ledger"
    for name in sorted(executions.keys() & rows.keys()):
        for column, theirs in rows[name].items():
            ours = getattr(executions[name], column)
            if ours != theirs:
                yield f"execution {name}: {column} is {_shown(ours)} in the ledger, {_shown(theirs)} in the history"


def _shown(value: object) -> str:
    return plain(value) if isinstance(value, Decimal) else str(value)
