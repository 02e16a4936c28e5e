"""Out of everything, whatever it takes: what came between is sold too, and what one order leaves is sold by the next."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from itertools import count

import structlog

from bot.desk import Desk
from bot.orders_by_hand import exits, sell_body
from core.book import Book
from core.domain.controls import Pause
from core.domain.errors import LedgerUnavailable
from core.domain.events import PanicOver
from core.domain.messages import Hand, Message
from core.domain.position import Position
from core.domain.signal import BY_HAND, PANIC, Side
from core.ports import Verdict

log = structlog.get_logger(__name__)

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 300.0  # after an order that sold nothing
_LEDGER_PAUSE = 1.0  # seconds

Answer = Awaitable[Verdict | None]


@dataclass(frozen=True, slots=True)
class Panic:
    """One that is stored as `source_id`, said by `hand`: `paused` is when nothing more is entered."""

    desk: Desk
    hand: Hand
    source_id: str
    paused: "asyncio.Future[Verdict]"


async def sell_out(panic: Panic, asked: Mapping[str, Answer]) -> None:
    """Follows it until all is sold, and tells that it is over. `asked` is what becomes of the sales that were stored with it. An
    entry that was decided before the pause, but after the sales were counted up, is in the book by then."""
    async with asyncio.TaskGroup() as group:
        for symbol, answer in asked.items():
            group.create_task(_out_of(panic, symbol, answer))
        await asyncio.shield(panic.paused)
        for symbol in [symbol for symbol in exits(panic.desk) if symbol not in asked]:
            log.warning("entered while the panic was stored; sold as well", symbol=symbol)
            group.create_task(_out_of(panic, symbol, _sell(panic, symbol, 1)))
    paused = panic.desk.book.controls.pause is Pause.ALL
    panic.desk.tell(PanicOver(panic.hand.who, tuple(exits(panic.desk)), paused))


async def _out_of(panic: Panic, symbol: str, answer: Answer) -> None:
    """Sells until nothing is left or the panic is taken back. What is refused is told, and left."""
    book, clock = panic.desk.book, panic.desk.clock
    before, pause = book.position(symbol), FIRST_PAUSE_SECONDS
    for number in count(2):
        verdict = await answer
        after = book.position(symbol)
        await asyncio.shield(panic.paused)
        if not _entered_since(book, after):
            if verdict is None or verdict.reason is not None or not after.is_open:
                return
            if after.trip_sold > before.trip_sold:
                pause = FIRST_PAUSE_SECONDS
            else:
                await clock.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        if book.controls.pause is not Pause.ALL or symbol not in exits(panic.desk):
            return
        before = book.position(symbol)
        answer = _sell(panic, symbol, number)


def _entered_since(book: Book, position: Position) -> bool:
    """Whether an entry came, or is on its way, since `position` was all that was held."""
    order = book.in_flight_for(position.symbol)
    return book.position(position.symbol).qty > position.qty or (order is not None and order.side is Side.BUY)


async def _sell(panic: Panic, symbol: str, number: int) -> Verdict | None:
    desk, signal_id = panic.desk, f"{panic.source_id}:{symbol}:{number}"
    while True:
        body = sell_body(desk, symbol, panic.hand, signal_id, PANIC)
        try:
            return await desk.inbox.ask(Message(BY_HAND, signal_id, symbol, body, desk.clock.now()))
        except LedgerUnavailable as error:
            log.error("the sale cannot be stored; trying again", symbol=symbol, error=str(error))
            await desk.clock.sleep(_LEDGER_PAUSE)
