"""The trading core put together: from an inbox to a venue, on one ledger. Starts with what the process before it left."""

from collections.abc import Callable, Collection, Sequence
from functools import partial

from core.book import Book
from core.deciding import Deciding
from core.exits import Exits, ExitTimer
from core.holding import Holding
from core.inbox import CAPACITY, Inbox, Work
from core.market import Market
from core.order_executor import OrderExecutor, new_token
from core.placement import Placement
from core.ports import Clock, EntryGate, Ledger, LedgerState, Timings, Venue
from core.rates import Rates
from core.reconciler import Reconciler
from core.wishes import Wishes

MOST_WATCHED = 20


class Trading:
    """Its parts are there to be looked at; messages go into `inbox`."""

    def __init__(
        self,
        *,
        book: Book,
        ledger: Ledger,
        venue: Venue,
        clock: Clock,
        trading_mode: str,
        timings: Timings,
        watched: Collection[str] = (),
        gate: EntryGate = lambda: None,
        token: Callable[[], str] = new_token,
        capacity: int = CAPACITY,
    ) -> None:
        """`gate` may keep entries back. `watched` are symbols whose rules and price are kept at hand, besides those that the book
        needs. `token` names an approval, `capacity` is the inbox's."""
        self.book = book
        self._watched = watched
        self.market = Market(venue, clock, watched=self.needed)
        self.rates = rates = Rates(book, self.market, clock)
        self.deciding = deciding = Deciding(book, self.market, rates, clock, gate)
        self.placement = Placement(
            ledger=ledger,
            venue=venue,
            market=self.market,
            book=book,
            deciding=deciding,
            reconciler=Reconciler(venue, self.market, clock),
            clock=clock,
            timings=timings,
            put=self._put,
        )
        self.holding = Holding(ledger=ledger, venue=venue, market=self.market, book=book, clock=clock)
        self.executor = OrderExecutor(
            ledger=ledger,
            book=book,
            market=self.market,
            deciding=deciding,
            rates=rates,
            placement=self.placement,
            exits=Exits(book, self.market, venue, clock),
            wishes=Wishes(book, venue, self.market, self.holding, clock),
            trading_mode=trading_mode,
            clock=clock,
            token=token,
        )
        self._looks: set[str] = set()
        self.inbox = Inbox(ledger, self.executor.handle, clock, capacity=capacity)
        self.exits = ExitTimer(book, self.inbox.ask_all, clock)

    async def _put(self, messages: Sequence[Message]) -> None:
        await self.inbox.ask_all(messages)

    def needed(self) -> set[str]:
        """The symbols whose rules and prices are kept at hand."""
        symbols = self.book.instruments_needed(self._watched)
        return symbols | self.rates.pairs(symbols)

    async def load_rules(self, *, every: bool) -> None:
        """Reads the rules of the symbols that are needed, or of `every` symbol there is, and those of the pairs by which their
        amounts are converted. Raises ExchangeUnavailable."""
        symbols = self.book.instruments_needed(self._watched)
        await self.market.load_instruments(None if every else symbols)
        await self.rates.load(symbols)

    def start(self, left: LedgerState) -> None:
        """Start-up is crash recovery: for each symbol its unsettled order, a look at the exchange, then what was left waiting,
        then what is new. To be called once the symbols' rules are loaded."""
        recovering = [(order.symbol, partial(self.placement.recover, order)) for order in left.in_flight]
        self.inbox.start([*recovering, *self._comparing()], left.waiting)

    def compare(self) -> None:
        """Puts a look at the exchange into the mailbox of each symbol that there is something to compare of, and where none waits
        already behind an order that takes its time."""
        for symbol, work in self._comparing():
            if symbol not in self._looks and self.inbox.also(symbol, partial(self._look, symbol, work)):
                self._looks.add(symbol)

    async def _look(self, symbol: str, work: Work) -> None:
        self._looks.discard(symbol)
        await work()

    def _comparing(self) -> list[tuple[str, Work]]:
        known = {symbol for symbol, position in self.book.positions.items() if position.is_open}
        known |= {symbol for symbol, hold in self.book.holds.items() if hold.active or hold.differences}
        known |= {order.symbol for order in self.book.in_flight.values()}
        # Each costs some of what may be asked of the exchange: of many symbols, only those with something to compare.
        symbols = sorted(known | set(self._watched) if len(self._watched) <= MOST_WATCHED else known)
        return [(symbol, partial(self.holding.check, symbol)) for symbol in symbols]
