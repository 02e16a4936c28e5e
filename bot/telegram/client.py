"""The connection to Telegram: the bot, its timeouts and retries. The token is never shown outside this file."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

import structlog
from telegram import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    InputMediaPhoto,
    LinkPreviewOptions,
    ReplyKeyboardMarkup,
    ReplyParameters,
)
from telegram.constants import ParseMode
from telegram.error import BadRequest, NetworkError, RetryAfter, TelegramError, TimedOut
from telegram.ext import ExtBot

from bot.settings.redaction import shown, shown_on_purpose
from bot.telegram.api_responses import CheckedRequest, OddAnswer
from bot.views.chat_message import MAX_CAPTION_UNITS, ChatMessage, Document, Keyboard, plain_text, split, units
from core.domain.retry_backoff import RetryBackoff
from core.ports.clock import Clock

log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")

POLL_SECONDS = 25
_BACKOFF = RetryBackoff(first=1.0, longest=30.0)
_HOUR = 3600.0
_LOG_LEVELS = {
    "httpx": logging.WARNING,  # logs request URLs, and the URL holds the token
    "httpcore": logging.WARNING,
    "telegram": logging.INFO,  # at DEBUG, so does it
    "telegram.request": logging.CRITICAL,  # a traceback for each unreadable answer; RetryingBot logs it in a line
}
_LONGEST_ANSWER_PAUSE = 10.0
_ODD_ATTEMPTS = 3  # for requests that Telegram says it carried out in an unreadable response: each may be a message
_DOUBTED_AFTER = 8  # failures of one message, some two minutes: then Telegram's health is checked
NO_MESSAGE = 0
"""The id of a message that Telegram accepted with an unreadable answer."""
_SLACK = 0.5  # seconds on top of what Telegram asks for


def connect(token: str, api_url: str) -> ExtBot[None]:
    """Returns a bot that has sent nothing yet. `api_url` is the Bot API server, without a path."""
    for name, level in _LOG_LEVELS.items():
        logging.getLogger(name).setLevel(max(level, logging.getLogger().level))
    # Asks python-telegram-bot for durations as timedelta, as its next major version will have them.
    os.environ.setdefault("PTB_TIMEDELTA", "true")
    base = api_url.rstrip("/")
    return ExtBot(
        token,
        base_url=f"{base}/bot",
        base_file_url=f"{base}/file/bot",
        request=CheckedRequest(connection_pool_size=32, connect_timeout=5, read_timeout=15, write_timeout=15, pool_timeout=10),
        get_updates_request=CheckedRequest(connection_pool_size=1, connect_timeout=5, read_timeout=10, pool_timeout=10),
    )


def name_of(bot: ExtBot[None]) -> str:
    """Returns the bot's user name; empty until Telegram has sent it."""
    try:
        return bot.username
    except RuntimeError:
        return ""


def markup(keyboard: Keyboard) -> InlineKeyboardMarkup | None:
    """Converts a keyboard to Telegram's form."""
    if not keyboard:
        return None
    rows = [[InlineKeyboardButton(button.label, callback_data=button.data) for button in row] for row in keyboard]
    return InlineKeyboardMarkup(rows)


def key_markup(keys: tuple[tuple[str, ...], ...]) -> ReplyKeyboardMarkup | None:
    """Converts the keyboard below the input field to Telegram's form: https://core.telegram.org/bots/api#replykeyboardmarkup"""
    if not keys:
        return None
    return ReplyKeyboardMarkup([list(row) for row in keys], resize_keyboard=True, is_persistent=True)


def can_try_again(error: TelegramError) -> bool:
    """Tells whether the same call may work a little later: no answer, a broken one, or too many calls."""
    passing = isinstance(error, NetworkError | RetryAfter) and not isinstance(error, BadRequest)
    return passing or type(error) is TelegramError


class NotTaken(TelegramError):
    """Raised when one message is refused repeatedly by a Telegram that works otherwise."""


def is_unchanged(error: TelegramError) -> bool:
    """Tells whether Telegram refuses an edit because the message has that text and those buttons already."""
    return isinstance(error, BadRequest) and "not modified" in str(error)


class RetryingBot:
    """Sends through one bot, retrying until Telegram accepts. `problem` says what is wrong, empty when all is well."""

    def __init__(self, bot: ExtBot[None], clock: Clock, longest_wait: float = _HOUR) -> None:
        """Takes `longest_wait`, the most seconds it waits before a retry, whatever Telegram asks for."""
        self.bot = bot
        self.problem = ""
        self._longest_wait = longest_wait
        self._clock = clock
        self._ending = asyncio.Event()

    def end(self) -> None:
        """Ends calls with limited attempts: the process ends."""
        self._ending.set()

    def words(self, error: TelegramError) -> str:
        """Returns Telegram's error message without the token."""
        return shown(f"{type(error).__name__}: {str(error).replace(self.bot.token, '***')}")

    async def do(self, action: Callable[[], Awaitable[Answer]], attempts: int | None = None) -> Answer | None:
        """Does the same as `call` for an action that changes something. Returns None where Telegram reports repeatedly that it
        is done, in a response that cannot be read: retrying would do it again and again. Raises NotTaken for a single message
        that does not pass."""
        try:
            return await self.call(action, attempts, doing=True)
        except OddAnswer as error:
            if not error.done:
                raise
            log.error("Telegram carried out a request, and its answer is unreadable", error=self.words(error))
            return None

    async def call(self, action: Callable[[], Awaitable[Answer]], attempts: int | None = None, *, doing: bool = False) -> Answer:
        """Returns the answer of `action`, tried up to `attempts` times (None: for ever). Raises TelegramError for what will
        not pass."""
        tried = 0
        while True:
            try:
                answer = await action()
            except TelegramError as error:
                tried += 1
                self._note(error)
                pause = min(wait_after(error, tried), self._longest_wait)
                # Calls with limited attempts answer a person, who will not wait for ever; nor will the end of the process.
                too_long = attempts is not None and isinstance(error, RetryAfter) and pause > _LONGEST_ANSWER_PAUSE
                if not can_try_again(error) or tried == attempts or too_long or (doing and _is_done(error, tried)):
                    raise
                if doing and attempts is None and tried % _DOUBTED_AFTER == 0 and await self._is_well(error):
                    raise NotTaken(self.words(error)) from None
                if attempts is None:
                    await self._clock.sleep(pause)
                elif await self._ends_within(min(pause, _LONGEST_ANSWER_PAUSE)):
                    raise
            else:
                if self.problem:
                    log.info("Telegram answers again")
                self.problem = ""
                return answer

    def _note(self, error: TelegramError) -> None:
        if is_unchanged(error):  # as it should be, and nothing is wrong
            log.debug("a message reads so already", error=self.words(error))
            return
        if not self.problem:
            log.warning("a request to Telegram failed", error=self.words(error))
        self.problem = self.words(error)

    async def _is_well(self, error: TelegramError) -> bool:
        """Tells whether Telegram answers other requests now and did answer this one (a silence is no answer)."""
        if isinstance(error, TimedOut | RetryAfter):
            return False
        try:
            await self.bot.get_me()
        except TelegramError:
            return False
        return True

    async def _ends_within(self, seconds: float) -> bool:
        """Waits; returns whether the process ends first."""
        resting = asyncio.ensure_future(self._clock.sleep(seconds))
        ending = asyncio.ensure_future(self._ending.wait())
        try:
            await asyncio.wait({resting, ending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            resting.cancel()
            ending.cancel()
        return self._ending.is_set()

    async def send(
        self,
        chat_id: int,
        message: ChatMessage,
        attempts: int | None = None,
        *,
        thread_id: int | None = None,
        reply_to: int | None = None,
    ) -> int:
        """Sends a message; returns the id of the (last) message sent, which carries the buttons. Sends plain text where
        Telegram refuses the formatting. `thread_id` is a group's topic, `reply_to` the message that is answered."""
        # A message that deletes itself may contain a secret for its reader.
        text = shown_on_purpose(message.text) if message.passes else shown(message.text)
        place, message = _Place(chat_id, thread_id, reply_to), replace(message, text=text)
        if message.document is not None:
            with message.document.file:
                return await self._send_file(place, message, attempts)
        if message.photo:
            return await self._send_file(place, message, attempts)
        pieces = split(message.text)
        sent = 0
        for number, text in enumerate(pieces, start=1):
            last = number == len(pieces)
            piece = ChatMessage(text, message.keyboard if last else (), message.silent, message.keys if last else ())
            try:
                sent = await self._send(place, piece, ParseMode.HTML, attempts)
            except BadRequest as error:
                if "parse entities" not in str(error):
                    raise
                sent = await self._send(place, replace(piece, text=plain_text(text)), None, attempts)
        return sent

    async def _send(self, place: "_Place", piece: ChatMessage, parse_mode: str | None, attempts: int | None) -> int:
        sent = await self.do(
            lambda: self.bot.send_message(
                place.chat_id,
                piece.text,
                parse_mode=parse_mode,
                disable_notification=piece.silent,
                message_thread_id=place.thread_id,
                reply_parameters=place.reply,
                reply_markup=markup(piece.keyboard) or key_markup(piece.keys),
                link_preview_options=LinkPreviewOptions(is_disabled=True),
            ),
            attempts,
        )
        return NO_MESSAGE if sent is None else sent.message_id

    async def _send_file(self, place: "_Place", message: ChatMessage, attempts: int | None) -> int:
        """Sends a file, after its text where that is too long for a caption."""
        caption = message.text
        if units(plain_text(caption)) > MAX_CAPTION_UNITS:
            await self.send(place.chat_id, ChatMessage(caption, silent=True), attempts, thread_id=place.thread_id)
            caption = ""
        send = self.bot.send_photo if message.document is None else self.bot.send_document
        sent = await self.do(
            lambda: send(
                place.chat_id,
                message.photo if message.document is None else _opened(message.document),
                caption=caption,
                parse_mode=ParseMode.HTML,
                disable_notification=message.silent,
                message_thread_id=place.thread_id,
                reply_parameters=place.reply,
                reply_markup=markup(message.keyboard),
            ),
            attempts,
        )
        return NO_MESSAGE if sent is None else sent.message_id

    async def delete(self, chat_id: int, message_id: int, attempts: int | None = None) -> None:
        """Deletes a message; one that is gone, or that Telegram no longer deletes, is left as it is."""
        with suppress(BadRequest, NotTaken):
            await self.do(lambda: self.bot.delete_message(chat_id, message_id), attempts)

    async def edit(self, chat_id: int, message_id: int, message: ChatMessage, attempts: int | None = None) -> bool:
        """Edits an earlier message to this one, buttons included. Returns False where it cannot be edited (any more), or not
        into this: a text never becomes a picture, nor a picture a text."""
        if message.document is not None:
            return False
        message = replace(message, text=shown(message.text))
        try:
            await self.do(
                lambda: (
                    self.bot.edit_message_media(
                        InputMediaPhoto(message.photo, caption=message.text, parse_mode=ParseMode.HTML),
                        chat_id=chat_id,
                        message_id=message_id,
                        reply_markup=markup(message.keyboard),
                    )
                    if message.photo
                    else self.bot.edit_message_text(
                        message.text,
                        chat_id=chat_id,
                        message_id=message_id,
                        parse_mode=ParseMode.HTML,
                        reply_markup=markup(message.keyboard),
                        link_preview_options=LinkPreviewOptions(is_disabled=True),
                    )
                ),
                attempts,
            )
        except NotTaken:
            return False
        except BadRequest as error:
            self.problem = ""  # Telegram is well; the message is not
            return is_unchanged(error)
        return True


@dataclass(frozen=True, slots=True)
class _Place:
    """The destination of a message."""

    chat_id: int
    thread_id: int | None
    reply_to: int | None

    @property
    def reply(self) -> ReplyParameters | None:
        """Returns the reply parameters; the answer is sent even where the question has been deleted."""
        return None if self.reply_to is None else ReplyParameters(self.reply_to, allow_sending_without_reply=True)


def _opened(document: Document) -> InputFile:
    """Returns the file from its beginning, however often it is sent; not read into memory."""
    document.file.seek(0)
    return InputFile(document.file, document.name, read_file_handle=False)


def _is_done(error: TelegramError, tried: int) -> bool:
    return isinstance(error, OddAnswer) and error.done and tried >= _ODD_ATTEMPTS


def wait_after(error: TelegramError, tried: int) -> float:
    """Returns the seconds to wait before the next try."""
    if isinstance(error, RetryAfter):
        asked = error.retry_after
        return (asked if isinstance(asked, int) else asked.total_seconds()) + _SLACK
    return _BACKOFF.after(tried)
