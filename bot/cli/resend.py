"""`marketflow resend`: exports a day's executions to the history again. Rows that are already there and correct stay as they
are."""

from collections.abc import Callable
from datetime import timedelta

from bot.cli.daily_reconciliation import day_of
from bot.clock import SystemClock
from bot.factories import snowflake_options
from bot.settings.settings import Settings
from core.adapters.ledger.day_reader import DayReader
from core.adapters.ledger.opening import look_into_ledger
from core.adapters.snowflake.connection import SnowflakeConnection
from core.adapters.snowflake.history import SnowflakeHistory
from core.domain.errors import ConfigurationError
from core.history_export import BATCH


async def resend(settings: Settings, day: str | None, say: Callable[[str], None]) -> None:
    """Sends the executions of a UTC day (default: yesterday). Raises MarketFlowError where ledger or history is unavailable."""
    options = snowflake_options(settings)
    if options is None:
        raise ConfigurationError(["SNOWFLAKE_ACCOUNT: not set; there is no history to send to"])
    clock = SystemClock()
    ledger = await look_into_ledger(settings.database_url.get_secret_value(), clock)
    session = SnowflakeConnection(options)
    try:
        begin = day_of(day, clock.now())
        executions = list((await DayReader(ledger.reader).executions(begin, begin + timedelta(days=1))).values())
        history, was_empty = SnowflakeHistory(session), False
        for start in range(0, len(executions), BATCH):
            was_empty |= await history.keep(executions[start : start + BATCH])
    finally:
        await ledger.close()
        await session.close()
    say(f"{begin:%Y-%m-%d}: {len(executions)} executions sent")
    if was_empty:
        say("The history was empty: the other days are missing there too. Send them with --day, one after the other.")
