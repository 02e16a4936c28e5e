"""Schedules the comparison of symbols with the exchange: one after another, outside their mailboxes."""

import asyncio
from collections.abc import Iterable

import structlog

from core.domain.errors import ExchangeUnavailable, LeaseLost, LedgerUnavailable
from core.engine.symbol_halts import SymbolHalts
from core.ports.clock import Clock
from core.ports.venue import Venue
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)

SWEEP_PAUSE_SECONDS = 1.0
"""Seconds between two symbols that nobody waits for. A comparison costs 20 of the 6,000 that a minute allows."""
SOON_SECONDS = 3.0
_TURN_SECONDS = 0.5
_ATTEMPTS = 5


class ComparisonSchedule:
    """A queue in which each symbol waits once. Symbols with something to compare go first; then, once after the start, every
    symbol that the ledger or the account may ever have traded: another program's orders may be there."""

    def __init__(self, symbol_halts: SymbolHalts, venue: Venue, portfolio: Portfolio, clock: Clock) -> None:
        self._symbol_halts = symbol_halts
        self._venue = venue
        self._portfolio = portfolio
        self._clock = clock
        self._wanted: dict[str, None] = {}
        self._soon: dict[str, float] = {}  # the time each is due, in monotonic seconds
        self._swept: dict[str, int] | None = None  # still to be swept, with the number of attempts; None before they are known
        self._total = 0
        self._sweeps = False
        self._wake = asyncio.Event()

    @property
    def progress(self) -> tuple[int, int] | None:
        """Returns how many symbols of the account have been compared, and how many there are; None before that is known."""
        return None if self._swept is None else (self._total - len(self._swept), self._total)

    @property
    def ready(self) -> tuple[bool, str]:
        """Tells whether no other trader is known on the account, and how far it has been compared."""
        if self._portfolio.account_halt is not None:
            return False, "entries are halted: orders that are not of this ledger"
        if self.progress is None:
            return True, "not looked at yet"
        done, total = self.progress
        return True, f"{done} of {total} symbols looked at"

    def want(self, symbols: Iterable[str]) -> None:
        """Queues `symbols` for comparison soon."""
        self._wanted |= dict.fromkeys(symbols)
        self._wake.set()

    def want_soon(self, symbol: str) -> None:
        """Queues `symbol` for comparison in a moment: an order was just placed there, and another program may have placed one for
        the same signal."""
        self._soon.setdefault(symbol, self._clock.monotonic() + SOON_SECONDS)
        self._wake.set()

    def sweep(self) -> None:
        """Queues every symbol of the account, at low priority."""
        self._swept, self._sweeps = None, True
        self._wake.set()

    async def run(self) -> None:
        """Compares until cancelled. Raises LeaseLost."""
        while True:
            if self._wanted:
                symbol = next(iter(self._wanted))
                del self._wanted[symbol]
                await self._symbol_halts.check(symbol)
            elif self._soon:
                now = self._clock.monotonic()
                due = [symbol for symbol, at in self._soon.items() if at <= now]
                for symbol in due:
                    del self._soon[symbol]
                self._wanted |= dict.fromkeys(due)
                if not due:
                    await self._clock.sleep(_TURN_SECONDS)
            elif self._sweeps:
                await self._step()
            else:
                self._wake.clear()
                await self._wake.wait()

    async def _step(self) -> None:
        try:
            if self._swept is None:
                self._swept = dict.fromkeys(await self._symbols(), 0)
                self._total = len(self._swept)
            await self._sweep_one(self._swept)
        except (ExchangeUnavailable, LedgerUnavailable) as error:
            log.warning("the account's symbols cannot be checked now", error=str(error))
            await self._clock.sleep(getattr(error, "retry_after", 0.0))
        except LeaseLost:
            raise
        except Exception:  # a failed sweep must not end trading
            log.exception("the account's symbols could not be checked")
        if self._swept == {}:
            self._sweeps = False
            log.info("every symbol of the account was checked", symbols=self._total)
        else:
            await self._clock.sleep(SWEEP_PAUSE_SECONDS)

    async def _sweep_one(self, left: dict[str, int]) -> None:
        """Compares one symbol of the sweep. One that cannot be asked goes to the end, and is skipped after a few attempts: an
        entry there asks for itself."""
        while left:
            symbol, attempts = next(iter(left.items()))
            del left[symbol]
            if self._symbol_halts.is_looked_at(symbol):
                continue
            if attempts + 1 < _ATTEMPTS:
                left[symbol] = attempts + 1
            await self._symbol_halts.look_for_orders(symbol)
            left.pop(symbol, None)
            return

    async def _symbols(self) -> list[str]:
        """Returns the symbols that the ledger ever sent an order for, then those in which the account may have bought what it
        holds."""
        balances = await self._venue.balances()
        rules = await self._venue.instruments(None)
        held = {asset for asset, balance in balances.items() if balance.total}
        return sorted(self._portfolio.touched) + sorted(name for name, one in rules.items() if one.base in held)
