"""A year of executions as CSV, and its tax lots: read page by page, so that neither memory nor time depends on other years."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import BinaryIO, Protocol

from core.domain.money import ZERO
from core.domain.position import Execution
from core.domain.signal import Side
from core.policy.tax_lots import Disposal, Lot, Lots, Valued, acquired, in_third_asset
from core.read_models import Place, Settled

_PAGE = 500  # executions; more, decoded at once, would block the event loop
_FEW = 20  # executions read at a time when looking for the last purchases
_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)
MOST_BYTES = 45_000_000  # https://core.telegram.org/bots/api#senddocument: "up to 50 MB"
_EXECUTION, _DISPOSAL, _LOT = (tuple(kind.__dataclass_fields__) for kind in (Execution, Disposal, Lot))


class Executions(Protocol):
    """Reads executions. Every method raises LedgerUnavailable."""

    async def executions_between(
        self, since: datetime, until: datetime, limit: int, *, after: Place | None = None, symbol: str | None = None
    ) -> Sequence[tuple[int, Execution]]:
        """Returns executions (of `symbol`, None: all) from `since` on and before `until` by the exchange's time, the oldest
        first, with their numbers; only those behind `after`."""
        ...

    async def executions_before(
        self, symbol: str, until: datetime, limit: int, *, before: Place | None = None
    ) -> Sequence[tuple[int, Execution]]:
        """Returns executions of `symbol` before `until`, the newest first, with their numbers; only those older than `before`."""
        ...

    async def settled(self, client_order_ids: Sequence[str]) -> Mapping[str, Settled]:
        """Returns what settling those orders found, by client order id."""
        ...


class TooLarge(Exception):
    """Raised when the file would be larger than a chat accepts."""


async def write_csv(executions: Executions, year: int, file: BinaryIO) -> int:
    """Writes every execution of the UTC year; returns their number. Raises LedgerUnavailable, TooLarge."""
    sheet, count = _Sheet(file), 0
    await sheet.add([_EXECUTION])
    async for page in _pages(executions, _start(year), _start(year + 1)):
        await sheet.add(_cells(_EXECUTION, page))
        count += len(page)
    return count


async def write_tax(executions: Executions, symbols: Iterable[str], year: int, file: BinaryIO) -> int:
    """Writes the disposals of the UTC year, and below them the lots left at its end; returns the number of executions.
    `symbols` are those that may have been held without being traded in it. Raises LedgerUnavailable, TooLarge."""
    sheet, count, lots = _Sheet(file), 0, Lots()
    begun: set[str] = set()
    await sheet.add([_DISPOSAL])
    for symbol in symbols:
        await _begin(executions, symbol, _start(year), lots)
        begun.add(symbol)
    async for page in _pages(executions, _start(year), _start(year + 1)):
        for symbol in {one.symbol for one in page} - begun:
            await _begin(executions, symbol, _start(year), lots)
            begun.add(symbol)
        sold = [disposal for one in await _valued(executions, page) for disposal in lots.take(one)]
        await sheet.add(_cells(_DISPOSAL, sold))
        count += len(page)
    await sheet.add([(), _LOT, *_cells(_LOT, lots.left())])
    return count


async def _begin(executions: Executions, symbol: str, at: datetime, lots: Lots) -> None:
    """Fills in the lots that were left at that moment. They were bought last, so the executions are read backwards only as far
    as needed; where the ledger does not know the position (an earlier version's), everything of the symbol is read."""
    last = await executions.executions_before(symbol, at, 1)
    if not last:
        return
    name = last[0][1].client_order_id
    known = (await executions.settled([name])).get(name)
    if known is None:
        async for page in _pages(executions, _BEGIN, at, symbol):
            for one in await _valued(executions, page):
                lots.take(one)
        return
    bought, missing, before = list[Execution](), known.held, None
    while missing > 0 and (found := await executions.executions_before(symbol, at, _FEW, before=before)):
        before = found[-1][1].executed_at, found[-1][0]
        page = [one for _, one in found if one.side is Side.BUY]
        bought += page
        missing -= sum(map(acquired, page), ZERO)
    lots.begin(symbol, await _valued(executions, bought), known.held)


async def _valued(executions: Executions, page: Sequence[Execution]) -> list[Valued]:
    """Adds the value of fees in third assets, at the price the ledger stored when they were settled."""
    names = [one.client_order_id for one in page if in_third_asset(one)]
    known = await executions.settled(names) if names else {}
    return [Valued(one, known[one.client_order_id].fee_value if one.client_order_id in known else None) for one in page]


async def _pages(
    executions: Executions, since: datetime, until: datetime, symbol: str | None = None
) -> AsyncIterator[list[Execution]]:
    after: Place | None = None
    while page := await executions.executions_between(since, until, _PAGE, after=after, symbol=symbol):
        yield [one for _, one in page]
        after = page[-1][1].executed_at, page[-1][0]


def _start(year: int) -> datetime:
    return datetime(year, 1, 1, tzinfo=UTC)


class _Sheet:
    """A CSV file that grows."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = 0

    async def add(self, rows: Iterable[Sequence[str]]) -> None:
        """Appends rows. Raises TooLarge."""
        out = io.StringIO(newline="")
        csv.writer(out).writerows(rows)
        data = out.getvalue().encode()
        self._size += len(data)
        if self._size > MOST_BYTES:
            raise TooLarge
        await asyncio.to_thread(self._file.write, data)


def _cells(columns: Sequence[str], rows: Iterable[object]) -> Iterator[list[str]]:
    return ([cell(getattr(row, column)) for column in columns] for row in rows)


def cell(value: object) -> str:
    """Returns the value safe for a spreadsheet: foreign text can never become a formula."""
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
