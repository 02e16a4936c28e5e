"""Says in the owner's chat why this program ends, where no ledger can keep it any more."""

import asyncio

import structlog
from telegram.error import TelegramError

from bot.clock import SystemClock
from bot.config import Settings
from bot.message import ChatMessage
from bot.telegram_link import Speaker, connect
from bot.texts import short, texts
from bot.this_program import this_program
from core.domain.errors import LeaseLost, LedgerSetBack

log = structlog.get_logger(__name__)

SECONDS = 20.0  # for which the end waits for Telegram; whoever starts the program anew waits for the end
_WHO_SHOWN = 160


async def say_last(settings: Settings, error: LeaseLost) -> None:
    """Says that the ledger was lost, and how, in the chat that alerts go to. Where Telegram is away, the log has to do."""
    if settings.tg_token is None or settings.tg_chat_id is None:
        return
    key = "end.set_back" if isinstance(error, LedgerSetBack) else "end.taken_over"
    text = texts(settings.tg_lang)(key, who=short(this_program(settings.database_url.get_secret_value()), _WHO_SHOWN))
    speaker = Speaker(connect(settings.tg_token.get_secret_value(), settings.tg_api_url), SystemClock())
    try:
        async with asyncio.timeout(SECONDS):
            await speaker.send(settings.tg_chat_id, ChatMessage(text), thread_id=settings.tg_topic_id)
    except (TelegramError, TimeoutError):
        log.error("the owner could not be told why this program ends", error=speaker.problem)
    finally:
        await speaker.bot.request.shutdown()
