"""The trades of each symbol, second by second, and the klines made of them (rest-api.md, "Kline/Candlestick data")."""

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby

from tests.venue.model import ZERO

SECOND = 1_000
_LENGTHS = {"s": SECOND, "m": 60 * SECOND, "h": 3_600 * SECOND, "d": 86_400 * SECOND, "w": 7 * 86_400 * SECOND}
INTERVALS = ("1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M")
_MONDAY = 4 * _LENGTHS["d"]  # weeks begin on Mondays; the epoch was a Thursday
_KEPT = 100_000


@dataclass(slots=True)
class Bar:
    """The trades from `at` (milliseconds) on; `taken_*` is what buyers took."""

    at: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    qty: Decimal = ZERO
    quote_qty: Decimal = ZERO
    count: int = 0
    taken_qty: Decimal = ZERO
    taken_quote_qty: Decimal = ZERO

    def add(self, other: "Bar") -> None:
        self.high, self.low, self.close = max(self.high, other.high), min(self.low, other.low), other.close
        self.qty += other.qty
        self.quote_qty += other.quote_qty
        self.count += other.count
        self.taken_qty += other.taken_qty
        self.taken_quote_qty += other.taken_quote_qty


def began(at: int, interval: str) -> int:
    """Returns when the interval of a time began, in milliseconds, by UTC."""
    if interval == "1M":
        day = datetime.fromtimestamp(at / 1000, UTC)
        return int(datetime(day.year, day.month, 1, tzinfo=UTC).timestamp()) * 1000
    length, offset = int(interval[:-1]) * _LENGTHS[interval[-1]], _MONDAY if interval == "1w" else 0
    return at - (at - offset) % length


def after(at: int, interval: str) -> int:
    """Returns when the interval ends that begins at `at`."""
    return began(at + 31 * _LENGTHS["d"], interval) if interval == "1M" else at + int(interval[:-1]) * _LENGTHS[interval[-1]]


class Tape:
    """The trades of every symbol."""

    def __init__(self) -> None:
        self._bars: dict[str, deque[Bar]] = defaultdict(lambda: deque(maxlen=_KEPT))

    def note(self, symbol: str, at: int, price: Decimal, qty: Decimal = ZERO, *, taken: bool = False) -> None:
        """Notes a trade; one without a quantity sets the price alone."""
        bars, worth = self._bars[symbol], price * qty
        bought = (qty, worth) if taken else (ZERO, ZERO)
        bar = Bar(at - at % SECOND, price, price, price, price, qty, worth, int(qty > 0), *bought)
        if bars and bars[-1].at >= bar.at:
            bars[-1].add(bar)
        else:
            bars.append(bar)

    def klines(self, symbol: str, interval: str, now: int) -> Iterator[tuple[Bar, int]]:
        """Returns each kline with its close time, from the first trade to the present; one without a trade repeats the last
        price."""
        due, last = None, None
        for at, bars in groupby(self._bars[symbol], key=lambda bar: began(bar.at, interval)):
            while last is not None and due is not None and due < at:
                yield Bar(due, last, last, last, last), (due := after(due, interval)) - 1
            first, *others = bars
            whole = Bar(**{name: getattr(first, name) for name in Bar.__slots__} | {"at": at})
            for other in others:
                whole.add(other)
            last, due = whole.close, after(at, interval)
            yield whole, due - 1
        while last is not None and due is not None and due <= now:
            yield Bar(due, last, last, last, last), (due := after(due, interval)) - 1
