"""The trading core put together: from an inbox to a venue, on one ledger. Starts with what the process before it left."""

from collections.abc import Callable, Collection
from functools import partial

from core.book import Book
from core.deciding import Deciding
from core.inbox import CAPACITY, Inbox
from core.market import Market
from core.order_executor import OrderExecutor, new_token
from core.placement import Placement
from core.policy.picture import Limits
from core.ports import Clock, Ledger, LedgerState, Timings, Venue
from core.reconciler import Reconciler


class Trading:
    """Its parts are there to be looked at; messages go into `inbox`."""

    def __init__(
        self,
        *,
        book: Book,
        ledger: Ledger,
        venue: Venue,
        clock: Clock,
        limits: Limits,
        trading_mode: str,
        timings: Timings,
        watched: Collection[str] = (),
        token: Callable[[], str] = new_token,
        capacity: int = CAPACITY,
    ) -> None:
        """`watched` are symbols whose rules and price are kept at hand, besides those that the book needs. `token` names an
        approval, `capacity` is the inbox's."""
        self.book = book
        self.market = Market(venue, clock, watched=lambda: book.instruments_needed(watched))
        deciding = Deciding(book, self.market, limits, clock)
        self.placement = Placement(
            ledger=ledger,
            venue=venue,
            market=self.market,
            book=book,
            deciding=deciding,
            reconciler=Reconciler(venue, self.market, clock),
            clock=clock,
            timings=timings,
        )
        self.executor = OrderExecutor(
            ledger=ledger,
            book=book,
            market=self.market,
            deciding=deciding,
            placement=self.placement,
            limits=limits,
            trading_mode=trading_mode,
            clock=clock,
            timings=timings,
            token=token,
        )
        self.inbox = Inbox(ledger, self.executor.handle, capacity=capacity)

    def start(self, left: LedgerState) -> None:
        """Start-up is crash recovery: for each symbol its unsettled order, then what was left waiting, then what is new. To be
        called once the symbols' rules are loaded."""
        unsettled = [(order.symbol, partial(self.placement.recover, order)) for order in left.in_flight]
        self.inbox.start(unsettled, left.waiting)
