"""/export: every execution of a year as a file, or its tax lots, first in first out."""

import asyncio
import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from bot.command import Args, Command, bad_argument
from bot.desk import Caller, Desk
from bot.lists import choices
from bot.message import ChatMessage, Document
from core.domain.errors import LedgerUnavailable
from core.domain.position import Execution
from core.policy.tax_lots import Disposal, Lot, lots_of

_BATCH = 500  # made into objects between two looks at what else there is to do: a signal waits a few milliseconds for it
_MOST = 200_000  # executions; more are for `marketflow export`, which writes a file of any size
_USAGE = "[csv|tax] [YEAR]"
_EXECUTION, _DISPOSAL, _LOT = (tuple(kind.__dataclass_fields__) for kind in (Execution, Disposal, Lot))


async def run(desk: Desk, args: Args, _caller: Caller) -> ChatMessage:
    """The present UTC year where none is named."""
    words = [word.lower() for word in args]
    kind = words.pop(0) if words and words[0] in {"csv", "tax"} else "csv"
    year = desk.clock.now().year
    if words and len(words) == 1 and words[0].isascii() and words[0].isdigit() and len(words[0]) == 4:
        year = int(words.pop())
    if words:
        return bad_argument(desk, args, f"export {_USAGE}")
    buttons = choices(kind, [(each, f"/export {each} {year}") for each in ("csv", "tax")])
    try:
        executions = await _all(desk, year)
    except LedgerUnavailable:
        return ChatMessage(desk.texts("answer.ledger_read"))
    if executions is None:
        return ChatMessage(desk.texts("export.too_many", most=_MOST))
    count = sum(one.executed_at.year == year for one in executions)
    if not count:
        return ChatMessage(desk.texts("export.none", year=year), buttons)
    data = await asyncio.to_thread(_file, kind, executions, year)
    name = f"marketflow-{kind}-{year}.csv"
    return ChatMessage(desk.texts(f"export.{kind}", year=year, count=count), buttons, document=Document(name, data))


async def _all(desk: Desk, year: int) -> list[Execution] | None:
    """Everything up to the end of the year: a sale may be of what was bought years before. None where it is too much."""
    found: list[Execution] = []
    position = 0
    while batch := await desk.queries.executions_after(position, _BATCH):
        found += [one for _, one in batch if one.executed_at.year <= year]
        position = batch[-1][0]
        if len(found) > _MOST:
            return None
    return found


def _file(kind: str, found: Sequence[Execution], year: int) -> bytes:
    executions = sorted(found, key=lambda one: one.executed_at)
    if kind == "csv":
        return _csv(_EXECUTION, (one for one in executions if one.executed_at.year == year))
    disposals, lots = lots_of(executions)
    sold = _csv(_DISPOSAL, (one for one in disposals if one.disposed_at.year == year))
    return sold + b"\r\n" + _csv(_LOT, lots)


def _csv(columns: Sequence[str], rows: Iterable[object]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([cell(getattr(row, column)) for column in columns] for row in rows)
    return out.getvalue().encode()


def cell(value: object) -> str:
    """As a spreadsheet takes it: foreign words can never become a formula."""
    match value:
        case None:
            return ""
        case Decimal():
            return format(value, "f")
        case datetime():
            return value.isoformat(timespec="seconds")
        case _:
            text = str(value)
            return f"'{text}" if text[:1] in "=+-@\t\r" and text else text


COMMAND = Command("export", run, arguments=_USAGE)
