"""`marketflow init`: asks for what is needed, tries each answer at once, and writes `.env`. Trades nothing."""

import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.doctor import check, examine, telegram_trouble
from bot.cli.findings import Level, Say, as_lines
from bot.cli.partial_settings import load_partly
from bot.settings.env_file import read_env_file
from bot.settings.redaction import hide
from bot.settings.settings import Settings, load_settings
from bot.telegram.client import connect
from core.adapters.private_files import written_whole
from core.domain.errors import ConfigurationError, MarketFlowError

if TYPE_CHECKING:
    from telegram.ext import ExtBot

Ask = Callable[[str, bool], str]
"""Asks a question and returns the answer; True: it is a secret, which is not shown while it is typed."""

YES = frozenset({"y", "yes", "д", "да"})
_SECRET_BYTES = 24


@dataclass(frozen=True, slots=True)
class Question:
    """Asks for one setting. An empty answer is `default`; `hint` says where the value is found."""

    name: str
    text: str
    hint: str = ""
    default: str = ""
    secret: bool = False


TOKEN = Question(
    "TG_TOKEN", "Token of your bot", "Write /newbot to @BotFather in Telegram; it answers with the token.", secret=True
)
LANGUAGE = Question("TG_LANG", "Language of the chat, en or ru", default="en")
MODE = Question("TRADING_MODE", "Trade on paper, testnet or live", "Paper needs no account and no money.", default="paper")
KEYS = (
    Question("BINANCE_API_KEY", "API key", "With the permission Spot trading, and none to withdraw.", secret=True),
    Question("BINANCE_API_SECRET", "Secret of the key, or the file of an Ed25519 key's private half", secret=True),
)
ORDERS = (
    Question("SYMBOLS", "Symbols that may be traded, separated by commas", default="WIFUSDC"),
    Question("TRADE_QUOTE", "Size of an order, in the quote asset", default="25"),
    Question("STOP_LOSS_PCT", "Stop below the entry, in per cent; off for none", default="5"),
)
BROKER = Question("KAFKA_BROKER", "Kafka broker as host:port; empty if signals come over HTTP")
USER = Question(
    "KAFKA_USERNAME", "User name there; empty for none", "Azure Event Hubs: $ConnectionString, and the string itself."
)
PASSWORD = Question("KAFKA_PASSWORD", "Password there", secret=True)
TOPIC = Question("KAFKA_TOPIC", "Topic of the signals", default="trading_signals")
MAY_BE_EMPTY = frozenset({"KAFKA_BROKER", "KAFKA_USERNAME"})


@dataclass(slots=True)
class Answers:
    """Holds what was answered so far, beside the environment's settings."""

    ask: Ask
    say: Say
    given: dict[str, str] = field(default_factory=dict)

    def settings(self, **more: str) -> Settings:
        """Returns the settings that follow from the answers. Raises ConfigurationError."""
        return load_settings({**os.environ, **self.given, **more}, env_file=None)

    def take(self, question: Question) -> None:
        """Asks until the answer is one that the setting accepts, and keeps it."""
        if question.hint:
            self.say(question.hint)
        default = f" [{question.default}]" if question.default else ""
        while True:
            value = self.ask(f"{question.text}{default}: ", question.secret).strip() or question.default
            more = _meant(question.name, value)
            if not (problems := self._problems(question.name, more)):
                self.given = {name: text for name, text in (self.given | more).items() if text}
                return
            for problem in problems:
                self.say(f"  {problem}")

    def _problems(self, name: str, more: Mapping[str, str]) -> list[str]:
        if not any(more.values()):
            return [] if name in MAY_BE_EMPTY else [f"{name}: an answer is needed"]
        try:
            hide(self.settings(**more).secret_values())
        except ConfigurationError as error:  # others may still be missing, and are asked for next
            names = [one for one, value in more.items() if value]
            return [problem for problem in error.problems if any(one in problem.partition(":")[0] for one in names)]
        return []

    def agrees(self, question: str) -> bool:
        """Asks a yes-or-no question; no answer is no."""
        return self.ask(f"{question} [y/N]: ", False).strip().casefold() in YES


def _meant(name: str, value: str) -> dict[str, str]:
    """Returns the settings that an answer means: a signal that names no symbol is for the first one, and a file is a private
    key."""
    if name == "SYMBOLS":
        return {name: value, "SYMBOL": value.partition(",")[0].strip()}
    if name == "BINANCE_API_SECRET":
        is_file = bool(value) and Path(value).is_file()
        return {"BINANCE_PRIVATE_KEY_PATH": value if is_file else "", name: "" if is_file else value}
    return {name: value}


async def init(target: Path, ask: Ask, say: Say) -> bool:
    """Writes the new file `target`, which only its owner can read; returns True when every part is well then. Raises
    MarketFlowError where there is such a file, or the answers end early; then nothing was written."""
    if target.exists():  # noqa: ASYNC240 - nothing else runs
        raise MarketFlowError(f"{target} is there already: `marketflow check` looks at it; rename it to begin anew")
    answers = Answers(ask, say)
    await _telegram(answers)
    answers.take(LANGUAGE)
    answers.take(MODE)
    await _tried(answers, (*(() if answers.given["TRADING_MODE"] == "paper" else KEYS), *ORDERS), "binance")
    await _source(answers)
    _write(target, answers.given)
    say(f"{target} is written; only you can read it. Now each part once more, and a message to the chat:")
    found = load_partly(target)
    hide(found.settings.secret_values())
    return await as_lines(check(found, message=True), say)


async def _telegram(answers: Answers) -> None:
    from telegram.error import TelegramError  # noqa: PLC0415 - heavy

    while True:
        answers.take(TOKEN)
        settings = answers.settings()
        try:
            async with connect(answers.given[TOKEN.name], settings.tg_api_url) as bot:
                answers.say(f"  That is @{bot.username}.")
                await _chat(answers, bot)
                return
        except TelegramError as error:
            answers.say(f"  {telegram_trouble(error, settings)}")


async def _chat(answers: Answers, bot: "ExtBot[None]") -> None:
    """Takes the chat of who writes to the bot now, who then may command it, or the number that is typed."""
    answers.say(f"Write anything to @{bot.username} in Telegram, in the chat where alerts are to go.")
    while True:
        typed = answers.ask("Then press Enter (or type the chat's number): ", False).strip()
        found = {"TG_CHAT_ID": typed} if typed else await _who_wrote(answers, bot)
        if not found:
            continue
        # Who was named for an earlier chat may not command the bot of this one.
        answers.given = {name: text for name, text in answers.given.items() if name != "TG_USERS"} | found
        with suppress(ConfigurationError):
            if await _well(answers, "telegram"):
                return
        answers.say(f"  {found['TG_CHAT_ID']} is no chat that the bot can write to.")


async def _who_wrote(answers: Answers, bot: "ExtBot[None]") -> dict[str, str]:
    """Returns the chat in which somebody wrote last, and its owner; nothing if nobody did, or it is another one."""
    written = [update for update in await bot.get_updates(timeout=0) if update.effective_chat and update.effective_user]
    if not written:
        answers.say("  Nothing has arrived yet.")
        return {}
    chat, person = written[-1].effective_chat, written[-1].effective_user
    if chat is None or person is None:
        return {}
    who = f"{person.full_name} ({person.id})"
    if not answers.agrees(f"Alerts go to {chat.effective_name} ({chat.type}), and {who} may command the bot. Right?"):
        return {}
    return {"TG_CHAT_ID": str(chat.id), "TG_USERS": f"{person.id}:owner"}


async def _source(answers: Answers) -> None:
    while True:
        answers.take(BROKER)
        if "KAFKA_BROKER" not in answers.given:
            answers.given["WEBHOOK_SECRET"] = secrets.token_urlsafe(_SECRET_BYTES)
            answers.say("  Signals come over HTTP: POST /signals, with WEBHOOK_SECRET of the file (docs/signals.md).")
            return
        answers.take(USER)
        if "KAFKA_USERNAME" in answers.given:
            answers.take(PASSWORD)
        answers.take(TOPIC)
        if await _well(answers, "kafka") or answers.agrees("Keep it all the same?"):
            return
        answers.given = {name: text for name, text in answers.given.items() if not name.startswith("KAFKA_")}


async def _tried(answers: Answers, questions: Sequence[Question], part: str) -> None:
    """Asks the questions until the part is well with the answers, or the owner keeps them all the same."""
    while True:
        for question in questions:
            answers.take(question)
        if await _well(answers, part) or answers.agrees("Keep it all the same?"):
            return


async def _well(answers: Answers, part: str) -> bool:
    found = [one async for one in examine(part, answers.settings())]
    for one in found:
        answers.say(f"  {one}")
    return all(one.level is not Level.FAIL for one in found)


def _write(target: Path, given: Mapping[str, str]) -> None:
    """Writes the file whole or not at all. Raises MarketFlowError."""
    lines = ["# Every setting is described in docs/settings.md.", *(f"{name}={_quoted(value)}" for name, value in given.items())]
    try:
        with written_whole(target) as partial:
            partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
            if read_env_file(partial) != given:
                raise AssertionError("the file does not say what was answered")
    except OSError as error:
        raise MarketFlowError(f"{target} cannot be written: {error.strerror}") from None


def _quoted(value: str) -> str:
    """Returns the value as a line of the file has it."""
    if value and not set(value) & set(" #'\"\\$`"):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"' if "'" in value else f"'{value}'"
