"""/export: a year's executions as a file, or its tax lots, first in first out."""

import re
import tempfile
from dataclasses import replace
from typing import BinaryIO, cast

from bot.commands.base import Args, Command, bad_argument
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.pagination import choices
from bot.reports.tax_export import MOST_BYTES, TooLarge, write_csv, write_tax
from bot.views.chat_message import ChatMessage, Document
from core.domain.errors import LedgerUnavailable

_USAGE = "[csv|tax] [YEAR]"
_YEAR = re.compile(r"[12]\d{3}", re.ASCII)
_KINDS = ("csv", "tax")


async def run(context: CommandContext, args: Args, _caller: Caller) -> ChatMessage:
    """Takes the current UTC year where none is named."""
    words = [word.lower() for word in args]
    kind = words.pop(0) if words and words[0] in _KINDS else "csv"
    year = context.clock.now().year
    if len(words) == 1 and _YEAR.fullmatch(words[0]):
        year = int(words.pop())
    if words:
        return bad_argument(context, args, COMMAND)
    file = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - open until it is sent
    answer = await _answer(context, kind, year, file)
    if answer.document is None:
        file.close()
    return replace(answer, keyboard=choices(kind, [(each, f"/export {each} {year}") for each in _KINDS]))


async def _answer(context: CommandContext, kind: str, year: int, file: BinaryIO) -> ChatMessage:
    try:
        if kind == "tax":
            count = await write_tax(context.ledger.queries, await context.ledger.analytics.symbols(), year, file)
        else:
            count = await write_csv(context.ledger.queries, year, file)
    except LedgerUnavailable:
        return ChatMessage(context.texts("answer.ledger_read"))
    except TooLarge:
        return ChatMessage(context.texts("export.too_many", most=MOST_BYTES // 1_000_000))
    if not count:
        return ChatMessage(context.texts("export.none", year=year))
    text = context.texts(f"export.{kind}", year=year, count=count)
    return ChatMessage(text, document=Document(f"marketflow-{kind}-{year}.csv", file))


COMMAND = Command("export", run, arguments=_USAGE, examples=("csv", "tax"))
