"""Sells all positions for /panic, including remainders and late entries. The panic is stored in the ledger, so any process
continues it and sends the final message."""

from itertools import count

import structlog

from bot.commands.context import CommandContext
from bot.commands.manual_orders import exits, sell_body
from core.domain.errors import LedgerUnavailable
from core.domain.messages import ManualInstruction, Message, PanicEnded
from core.domain.position import Position
from core.domain.signal import BY_HAND, PANIC
from core.domain.trading_state import Panic, Pause
from core.engine.inbox import CONTROLS

log = structlog.get_logger(__name__)


class PanicTimer:
    """Sells what a panic did not count: entered at that very moment, or left by an order. Refusals are reported and left."""

    def __init__(self, context: CommandContext) -> None:
        self._context = context
        self._of = ""  # the last panic it worked on
        self._tried: dict[str, Position] = {}  # each position when the sale of all of it was last queued or pending

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
        symbols = {*exits(self._context), *portfolio.exits, *(order.symbol for order in orders)}
        self._tried |= {symbol: portfolio.position(symbol) for symbol in symbols if self._is_selling(symbol)}
        under_way = {symbol for symbol in symbols if self._context.actions.inbox.is_busy(symbol) or symbol in portfolio.exits}
        left = {symbol for symbol in symbols - under_way if self._tried.get(symbol) == portfolio.position(symbol)}
        for symbol in sorted(symbols - under_way - left):
            await self._sell(panic, symbol)
            self._tried[symbol] = portfolio.position(symbol)
        if left == symbols:
            over = Message("timer", f"{panic.source_id}:over", CONTROLS, PanicEnded(panic.source_id), self._context.clock.now())
            await self._context.actions.inbox.ask_all([over])

    def _is_selling(self, symbol: str) -> bool:
        """Tells whether a panic's exit of the whole position is pending: what that may leave unsold, and told, is left."""
        pending = self._context.portfolio.exits.get(symbol)
        return pending is not None and pending.signal.is_panic and pending.qty >= self._context.portfolio.position(symbol).qty

    async def _sell(self, panic: Panic, symbol: str) -> None:
        """Queues the sale under the first name that no earlier process has used."""
        log.warning("a position is left in a panic; it is sold as well", symbol=symbol)
        for number in count(1):
            signal_id, now = f"{panic.source_id}:{symbol}:{number}", self._context.clock.now()
            body = sell_body(self._context, symbol, ManualInstruction(panic.user_id, panic.who), signal_id, PANIC)
            (answer,) = await self._context.actions.inbox.ask_all([Message(BY_HAND, signal_id, symbol, body, now)])
            if answer is not None:
                return
