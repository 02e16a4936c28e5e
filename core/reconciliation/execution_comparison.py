"""Compares the ledger's executions with the exchange's records of the account: one symbol at a time, one question per page."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import partial

from core.domain.errors import SymbolUnknown
from core.domain.money import ZERO, plain
from core.domain.order import ExecutionReport
from core.domain.position import Execution
from core.ports.account_history import AccountHistory
from core.reconciliation.spare_capacity import SpareCapacity
from core.reconciliation.symbol_comparison import Comparison

AROUND = timedelta(minutes=5)  # the exchange's clock and ours differ, and an order is older than its end


async def compare_executions(
    account: AccountHistory,
    executions: Sequence[Execution],
    spare_capacity: SpareCapacity,
    progress: Callable[[str, int, int], None] = lambda symbol, done, total: None,
) -> Comparison:
    """Returns what differs, with fees. Calls `progress` with each symbol, and how many executions of how many were compared.
    Raises ExchangeUnavailable; a symbol that the exchange no longer knows is a note."""
    found = Comparison()
    done = 0
    for symbol, ours in sorted(_by_symbol(executions).items()):
        since = min(one.executed_at for one in ours) - AROUND
        until = max(one.executed_at for one in ours) + AROUND
        try:
            reports = await spare_capacity.ask(partial(account.orders_between, symbol, since, until))
        except SymbolUnknown:
            found.notes.append(f"{symbol}: {len(ours)} executions not compared, the exchange knows no such symbol (any more)")
        else:
            by_id = {report.order_id: report for report in reports}
            by_name = {report.client_order_id: report for report in reports}
            for execution in ours:
                found.differences += _differences(execution, by_id, by_name)
        done += len(ours)
        progress(symbol, done, len(executions))
    return found


def _by_symbol(executions: Sequence[Execution]) -> Mapping[str, Sequence[Execution]]:
    found: dict[str, list[Execution]] = defaultdict(list)
    for execution in executions:
        found[execution.symbol].append(execution)
    return found


def _differences(
    execution: Execution, by_id: Mapping[str, ExecutionReport], by_name: Mapping[str, ExecutionReport]
) -> Iterator[str]:
    """Yields the differences, matching by the exchange's own number: several orders may share an id of ours."""
    what = f"{execution.symbol}: order {execution.order_id}"
    report = by_id.get(execution.order_id) or by_name.get(execution.client_order_id)
    if report is None:
        yield f"{what} is in the ledger, the exchange does not know it"
        return
    for name, ours, theirs in (
        ("order id", execution.order_id, report.order_id),
        ("quantity", plain(execution.qty), plain(report.executed_qty)),
        ("quote amount", plain(execution.quote_qty), plain(report.quote_qty)),
    ):
        if ours != theirs:
            yield f"{what}: {name} is {ours} in the ledger, {theirs} on the exchange"
    fees: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for fill in report.fills:
        fees[fill.fee_asset] += fill.fee
    if report.fills_complete and set(fees) == {execution.fee_asset} and fees[execution.fee_asset] != execution.fee:
        theirs = plain(fees[execution.fee_asset])
        yield f"{what}: fee is {plain(execution.fee)} {execution.fee_asset} in the ledger, {theirs} on the exchange"
