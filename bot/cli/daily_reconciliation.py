"""The daily reconciliation: a day's signals, orders, fills, executions and history compared and reported."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from bot.clock import SystemClock
from bot.factories import check_trading_mode, export_feed, open_venue, snowflake_options
from bot.settings.settings import Settings
from core.adapters.ledger.day_reader import DayReader
from core.adapters.ledger.opening import look_into_ledger
from core.adapters.ledger.sql_ledger import SqlLedger
from core.adapters.snowflake.connection import SnowflakeConnection
from core.adapters.snowflake.history import SnowflakeHistory
from core.domain.daily_proof import Proof
from core.domain.errors import HistoryUnavailable, MarketFlowError, SymbolUnknown
from core.domain.money import plain
from core.domain.order import ExecutionReport
from core.policy.order_ownership import Ours
from core.ports.account_history import AccountHistory
from core.ports.clock import Clock
from core.ports.export_feed import ExportFeed
from core.reconciliation.daily_proof import prove
from core.reconciliation.spare_capacity import SpareCapacity

PAUSE_SECONDS = 1.0  # between two symbols, which cost 40 of the 6,000 request weight per minute
AROUND = timedelta(minutes=5)  # the exchange's clock differs from ours, and an order is older than its end


class Prover:
    """Reads a UTC day from every source and compares. Raises MarketFlowError where ledger or exchange cannot be read: then
    nothing is proved. A history that cannot be read is left out, and the report says so."""

    def __init__(
        self,
        ledger: SqlLedger,
        account: AccountHistory,
        history: tuple[SnowflakeHistory, ExportFeed] | None,
        clock: Clock,
        symbols: frozenset[str] = frozenset(),
    ) -> None:
        """Takes `history` with how far it was exported. `symbols` are queried on the exchange even where the ledger has
        nothing of them."""
        self._symbols = symbols
        self._ledger = ledger
        self._account = account
        self._history = history
        self._clock = clock
        self._leisure = SpareCapacity(clock)

    async def prove(self, day: datetime) -> Proof:
        """Returns the proof of the UTC day that begins at `day`."""
        until = day + timedelta(days=1)
        reader = DayReader(self._ledger.reader)
        books = await reader.read(day, until)
        account: list[ExecutionReport] = []
        gone: list[str] = []
        state = await self._ledger.load(f"{day:%Y-%m-%d}")
        for symbol in sorted(self._symbols | set(state.touched) | {order.symbol for order in books.orders.values()}):
            # A signal approved late ended after its day, and an order that rested may have filled in part before it.
            ends = [order.updated_at for order in books.orders.values() if order.symbol == symbol]
            fills = [fill.at for some in books.fills.values() for fill in some if fill.symbol == symbol]
            found = await self._orders(symbol, min([day, *fills]) - AROUND, max([until, *ends]) + AROUND)
            if found is None:
                gone.append(symbol)
            account += found or ()
        known = await self._ledger.find_orders([report.client_order_id for report in account])
        executed = {report.client_order_id for report in account if report.executed_qty and day <= report.at < until}
        unbooked = {name: order for name, order in known.items() if name in executed - books.orders.keys()}
        books = await reader.with_orders(books, {**books.orders, **unbooked})
        compare = partial(prove, f"{day:%Y-%m-%d}", books, now=self._clock.now(), account=account, known=known, gone=gone)
        compare = partial(compare, ours=Ours(state.mark, {one.mark: one for one in state.acknowledged}))
        if self._history is None:
            return compare(history=None)
        history, feed = self._history
        try:
            unexported = await reader.after(await feed.position(), day, until)
            return compare(history=await history.rows(day, until), unexported=unexported)
        except HistoryUnavailable as error:
            return replace(compare(history=None), history_problem=str(error))

    async def _orders(self, symbol: str, since: datetime, until: datetime) -> Sequence[ExecutionReport] | None:
        """Returns a symbol's orders, slowly: price requests share the rate limit. None for a symbol that the exchange no
        longer knows."""
        await self._clock.sleep(PAUSE_SECONDS)
        try:
            return await self._leisure.ask(partial(self._account.orders_between, symbol, since, until))
        except SymbolUnknown:
            return None


def day_of(text: str | None, now: datetime) -> datetime:
    """Returns the start of the UTC day that `text` (YYYY-MM-DD) names; of yesterday where it is None. Raises ValueError."""
    if text is None:
        return (now - timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)


async def prove_day(settings: Settings, day: str | None, say: Callable[[str], None]) -> bool:
    """Runs `marketflow prove`; returns True where everything was compared and nothing differs."""
    clock = SystemClock()
    ledger = await look_into_ledger(settings.database_url.get_secret_value(), clock)
    options = snowflake_options(settings)
    session = SnowflakeConnection(options) if options is not None else None
    try:
        begin = day_of(day, clock.now())
        if begin > clock.now():
            raise MarketFlowError(f"{begin:%Y-%m-%d} has not begun yet (UTC)")
        await check_trading_mode(settings, ledger)
        async with open_venue(settings, ledger) as (venue, _):
            history = (SnowflakeHistory(session), export_feed(ledger, session.options)) if session is not None else None
            symbols = settings.symbols or frozenset({settings.symbol})
            proof = await Prover(ledger, venue, history, clock, symbols).prove(begin)
    finally:
        await ledger.close()
        if session is not None:
            await session.close()
    for difference in proof.differences:
        say(f"DIFFERENCE: {difference}")
    if proof.history_problem:
        say(f"NOT COMPARED with the history: {proof.history_problem}")
    say(summary(proof))
    return not proof.differences and not proof.history_problem


def summary(proof: Proof) -> str:
    """Returns one line that sums up the comparison."""
    sums = [f"profit {plain(amount)} {asset}" for asset, amount in sorted(proof.profit.items())]
    sums += [f"fees {plain(amount)} {asset}" for asset, amount in sorted(proof.fees.items())]
    counts = f"{proof.signals} signals, {proof.orders} executed orders, {proof.fills} fills, {proof.executions} executions"
    elsewhere = f"{proof.in_history} rows in the history"
    if proof.in_history is None:
        elsewhere = "history not compared" if proof.history_problem else "no history configured"
    if proof.unexported:
        elsewhere += f", {proof.unexported} on their way there"
    if proof.gone:
        elsewhere += f", not compared as the exchange knows no such symbol (any more): {', '.join(proof.gone)}"
    return f"{proof.day}: {', '.join([counts, elsewhere, *sums])}; {len(proof.differences)} differences"
