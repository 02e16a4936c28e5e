"""`marketflow reconcile`: ledger and exchange side by side, in words."""

from collections.abc import Callable

from bot.clock import SystemClock
from bot.config import Settings
from bot.wiring import check_trading_mode, open_venue
from core.adapters.ledger.opening import look_into_ledger
from core.adapters.ledger.queries import LedgerQueries
from core.comparison import compare
from core.policy.whose import Ours

NEWEST = 200  # executions compared one by one; the holdings are the sum of all


async def reconcile(settings: Settings, say: Callable[[str], None]) -> bool:
    """True when there is no difference. Raises MarketFlowError where one of the two cannot be read."""
    clock = SystemClock()
    ledger = await look_into_ledger(settings.database_url.get_secret_value(), clock)
    try:
        await check_trading_mode(settings, ledger)
        async with open_venue(settings, ledger) as (venue, _):
            state = await ledger.load(clock.now().date().isoformat())
            executions = await LedgerQueries(ledger.reader).recent_executions(NEWEST)
            found = await compare(
                venue,
                positions=state.positions,
                executions=executions,
                in_flight=state.in_flight,
                instruments=await venue.instruments(
                    {position.symbol for position in state.positions} | {row.symbol for row in executions}
                ),
                known=ledger.find_orders,
                ours=Ours(state.mark, {one.mark: one for one in state.acknowledged}),
            )
    finally:
        await ledger.close()
    for note in found.notes:
        say(f"note: {note}")
    for difference in found.differences:
        say(f"DIFFERENCE: {difference}")
    say(f"{len(executions)} executions and {len(state.positions)} holdings compared, {len(found.differences)} differences")
    return not found.differences
