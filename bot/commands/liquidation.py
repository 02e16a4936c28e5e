"""Sells all positions for /panic, including remainders and late entries. The panic is stored in the ledger, so any process
continues it and sends the final message."""

from itertools import count

import structlog

from bot.commands.context import CommandContext
from bot.commands.manual_orders import exits, sell_body
from bot.views.book_names import book_name
from core.domain.errors import LedgerUnavailable
from core.domain.messages import ManualInstruction, Message, PanicEnded
from core.domain.position import Position
from core.domain.signal import BY_HAND, PANIC
from core.domain.strategy_book import StrategyBook
from core.domain.trading_state import Panic, Pause
from core.engine.inbox import CONTROLS

log = structlog.get_logger(__name__)


class PanicTimer:
    """Sells what a panic did not count: entered at that very moment, or left by an order. Refusals are reported and left."""

    def __init__(self, context: CommandContext) -> None:
        self._context = context
        self._of = ""  # the last panic it worked on
        self._tried: dict[StrategyBook, Position] = {}  # each position when the sale of all of it was last queued or pending

    async def run(self) -> None:
        trading_state = self._context.portfolio.trading_state
        if trading_state.panic is None or trading_state.pause is not Pause.ALL:
            return
        if trading_state.panic.source_id != self._of:
            self._of, self._tried = trading_state.panic.source_id, {}
        try:
            await self._go_on(trading_state.panic)
        except LedgerUnavailable as error:
            log.error("a panic cannot continue yet; retrying", error=str(error))

    async def _go_on(self, panic: Panic) -> None:
        portfolio = self._context.portfolio
        orders = (*portfolio.in_flight.values(), *(one for one in portfolio.resting.values() if one.waits_to_buy))
        books = {*exits(self._context), *portfolio.exits, *(order.book for order in orders)}
        self._tried |= {book: portfolio.position(book) for book in books if self._is_selling(book)}
        under_way = {book for book in books if self._context.actions.inbox.is_busy(book.symbol) or book in portfolio.exits}
        left = {book for book in books - under_way if self._tried.get(book) == portfolio.position(book)}
        for book in sorted(books - under_way - left):
            await self._sell(panic, book)
            self._tried[book] = portfolio.position(book)
        if left == books:
            over = Message("timer", f"{panic.source_id}:over", CONTROLS, PanicEnded(panic.source_id), self._context.clock.now())
            await self._context.actions.inbox.ask_all([over])

    def _is_selling(self, book: StrategyBook) -> bool:
        """Tells whether a panic's exit of the whole position is pending: what that may leave unsold, and told, is left."""
        pending = self._context.portfolio.exits.get(book)
        return pending is not None and pending.signal.is_panic and pending.qty >= self._context.portfolio.position(book).qty

    async def _sell(self, panic: Panic, book: StrategyBook) -> None:
        """Queues the sale under the first name that no earlier process has used."""
        log.warning("a position is left in a panic; it is sold as well", symbol=book.symbol, strategy=book.strategy)
        for number in count(1):
            signal_id, now = f"{panic.source_id}:{book_name(book)}:{number}", self._context.clock.now()
            body = sell_body(self._context, book, ManualInstruction(panic.user_id, panic.who), signal_id, PANIC)
            (answer,) = await self._context.actions.inbox.ask_all([Message(BY_HAND, signal_id, book.symbol, body, now)])
            if answer is not None:
                return
