"""The daily proof: a day's signals, orders, fills, executions and history side by side, in words."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from bot.clock import SystemClock
from bot.config import Settings
from bot.wiring import check_trading_mode, open_venue, snowflake_options
from core.adapters.ledger.day_reader import DayReader
from core.adapters.ledger.opening import look_into_ledger
from core.adapters.ledger.sql_ledger import SqlLedger
from core.adapters.snowflake_connection import SnowflakeConnection
from core.adapters.snowflake_history import SnowflakeHistory
from core.domain.errors import ExchangeUnavailable
from core.domain.money import plain
from core.domain.order import ExecutionReport
from core.domain.proof import Proof
from core.ports import AccountHistory, Clock
from core.proof import prove

PAUSE_SECONDS = 1.0  # between two symbols, which cost 40 of the 6,000 that a minute allows
PATIENCE = 5
AROUND = timedelta(minutes=5)  # the exchange's clock and ours differ, and an order is older than its end


class Prover:
    """Reads a UTC day everywhere and compares. Raises MarketFlowError where a part cannot be read: nothing is proved then."""

    def __init__(
        self,
        ledger: SqlLedger,
        account: AccountHistory,
        history: SnowflakeHistory | None,
        clock: Clock,
        symbols: frozenset[str] = frozenset(),
    ) -> None:
        """`symbols` are looked up on the exchange even where the ledger holds nothing of them."""
        self._symbols = symbols
        self._ledger = ledger
        self._account = account
        self._history = history
        self._clock = clock

    async def prove(self, day: datetime) -> Proof:
        """The proof of the UTC day that begins at `day`."""
        until = day + timedelta(days=1)
        books = await DayReader(self._ledger.reader).read(day, until)
        symbols = {order.symbol for order in books.orders.values()} | {one.symbol for one in books.executions.values()}
        account: list[ExecutionReport] = []
        for symbol in sorted(symbols | self._symbols):
            account += await self._orders(symbol, day - AROUND, until + AROUND)
        known = await self._ledger.find_orders([report.client_order_id for report in account])
        return prove(
            f"{day:%Y-%m-%d}",
            books,
            now=self._clock.now(),
            account=account,
            known=known,
            history=None if self._history is None else await self._history.rows(day, until),
        )

    async def _orders(self, symbol: str, since: datetime, until: datetime) -> Sequence[ExecutionReport]:
        """At leisure: prices are asked for out of the same allowance."""
        for attempt in range(PATIENCE):
            await self._clock.sleep(PAUSE_SECONDS)
            try:
                return await self._account.orders_between(symbol, since, until)
            except ExchangeUnavailable as error:
                if attempt == PATIENCE - 1 or not error.retry_after:
                    raise
                await self._clock.sleep(error.retry_after)
        raise AssertionError("unreachable")


def day_of(text: str | None, now: datetime) -> datetime:
    """The beginning of the UTC day that `text` (YYYY-MM-DD) names; of yesterday where it names none. ValueError."""
    if text is None:
        return (now - timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)


async def prove_day(settings: Settings, day: str | None, say: Callable[[str], None]) -> bool:
    """`marketflow prove`: True where nothing differs."""
    clock = SystemClock()
    ledger = await look_into_ledger(settings.database_url.get_secret_value(), clock)
    options = snowflake_options(settings)
    session = SnowflakeConnection(options) if options is not None else None
    try:
        await check_trading_mode(settings, ledger)
        async with open_venue(settings, ledger) as (venue, _):
            history = SnowflakeHistory(session) if session is not None else None
            proof = await Prover(ledger, venue, history, clock, settings.symbols or frozenset({settings.symbol})).prove(
                day_of(day, clock.now())
            )
    finally:
        await ledger.close()
        if session is not None:
            await session.close()
    for difference in proof.differences:
        say(f"DIFFERENCE: {difference}")
    say(summary(proof))
    return not proof.differences


def summary(proof: Proof) -> str:
    """One line of what was compared."""
    sums = [f"profit {plain(amount)} {asset}" for asset, amount in sorted(proof.profit.items())]
    sums += [f"fees {plain(amount)} {asset}" for asset, amount in sorted(proof.fees.items())]
    counts = f"{proof.signals} signals, {proof.orders} executed orders, {proof.fills} fills, {proof.executions} executions"
    elsewhere = "no history configured" if proof.in_history is None else f"{proof.in_history} rows in the history"
    return f"{proof.day}: {', '.join([counts, elsewhere, *sums])}; {len(proof.differences)} differences"
