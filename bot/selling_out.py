"""Out of everything, whatever it takes: what came between is sold too, and what one order leaves is sold by the next."""

import asyncio
from collections.abc import Awaitable, Mapping

import structlog

from bot.desk import Desk
from bot.orders_by_hand import exits, sell_body
from core.domain.errors import LedgerUnavailable
from core.domain.messages import Hand, Message
from core.domain.signal import BY_HAND, PANIC
from core.ports import Verdict

log = structlog.get_logger(__name__)

MOST_ORDERS = 10  # of one symbol
_LEDGER_PAUSE = 1.0  # seconds


async def sell_out(
    desk: Desk, hand: Hand, source_id: str, paused: Awaitable[object], asked: Mapping[str, Awaitable[Verdict]]
) -> None:
    """Follows a panic that is stored: `paused` is when nothing more is entered, `asked` what becomes of the sales. An entry that
    was decided before then, but after the sales were counted up, is in the book by then."""
    async with asyncio.TaskGroup() as group:
        for symbol, answer in asked.items():
            group.create_task(_out_of(desk, hand, source_id, symbol, answer))
        await paused
        for symbol in [symbol for symbol in exits(desk) if symbol not in asked]:
            log.warning("entered while the panic was stored; sold as well", symbol=symbol)
            group.create_task(_out_of(desk, hand, source_id, symbol))


async def _out_of(desk: Desk, hand: Hand, source_id: str, symbol: str, first: Awaitable[Verdict | None] | None = None) -> None:
    """Sells until nothing is left, as long as each order sells some of it."""
    answer = first if first is not None else _sell(desk, hand, f"{source_id}:{symbol}:1", symbol)
    for number in range(2, MOST_ORDERS + 1):
        before = desk.book.position(symbol)
        verdict = await answer
        after = desk.book.position(symbol)
        if verdict is None or verdict.reason is not None or not after.is_open or after.trip_sold <= before.trip_sold:
            return
        answer = _sell(desk, hand, f"{source_id}:{symbol}:{number}", symbol)
    await answer


async def _sell(desk: Desk, hand: Hand, signal_id: str, symbol: str) -> Verdict | None:
    while True:
        body = sell_body(desk, symbol, hand, signal_id, PANIC)
        try:
            return await desk.inbox.ask(Message(BY_HAND, signal_id, symbol, body, desk.clock.now()))
        except LedgerUnavailable as error:
            log.error("the sale cannot be stored; trying again", symbol=symbol, error=str(error))
            await desk.clock.sleep(_LEDGER_PAUSE)
