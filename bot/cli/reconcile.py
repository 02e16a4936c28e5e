"""`marketflow reconcile`: compares ledger and exchange and reports the differences."""

from collections.abc import Callable, Set

from bot.clock import SystemClock
from bot.factories import check_trading_mode, open_venue
from bot.settings.settings import Settings
from core.adapters.ledger.opening import look_into_ledger
from core.adapters.ledger.queries import LedgerQueries
from core.policy.order_ownership import Ours
from core.reconciliation.execution_comparison import compare_executions
from core.reconciliation.spare_capacity import SpareCapacity
from core.reconciliation.symbol_comparison import compare

NEWEST = 1_000  # executions compared one by one; the positions are the sum of all


async def reconcile(
    settings: Settings, say: Callable[[str], None], progress: Callable[[str], None], *, also: Set[str] = frozenset()
) -> bool:
    """Returns True when there is no difference in any symbol that the ledger knows, and in those of `also`; `progress` is called
    with how far it is. Raises MarketFlowError where ledger or exchange cannot be read."""
    clock = SystemClock()
    ledger = await look_into_ledger(settings.database_url.get_secret_value(), clock)
    spare_capacity = SpareCapacity(
        clock, lambda seconds: progress(f"the exchange allows no more just now: going on in {seconds:.0f} s")
    )
    try:
        await check_trading_mode(settings, ledger)
        async with open_venue(settings, ledger) as (venue, _):
            state = await ledger.load(clock.now().date().isoformat())
            executions = await LedgerQueries(ledger.reader).recent_executions(NEWEST)
            symbols = {position.symbol for position in state.positions} | {row.symbol for row in executions} | set(state.touched)
            symbols |= also
            progress(f"{len(symbols)} symbols: rules, holdings, newest orders")
            found = await compare(
                venue,
                positions=state.positions,
                in_flight=state.orders,
                symbols=symbols,
                instruments=await venue.instruments(symbols),
                known=ledger.find_orders,
                ours=Ours(state.mark, {one.mark: one for one in state.acknowledged}),
                spare_capacity=spare_capacity,
            )
            of_executions = await compare_executions(
                venue, executions, spare_capacity, lambda symbol, done, total: progress(f"{symbol}: {done} of {total} executions")
            )
    finally:
        await ledger.close()
    for note in [*found.notes, *of_executions.notes]:
        say(f"note: {note}")
    differences = [*found.differences, *of_executions.differences]
    for difference in differences:
        say(f"DIFFERENCE: {difference}")
    say(f"{len(executions)} executions and {len(state.positions)} holdings compared, {len(differences)} differences")
    return not differences
