"""Compares a thousand executions over fifty symbols within the exchange's limits, at low priority, and shows the progress."""

import asyncio
import os
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from core.adapters.binance.binance_client import BinanceClient
from core.adapters.ledger.opening import look_into_ledger, open_ledger
from core.adapters.ledger.queries import LedgerQueries
from core.domain.messages import Message, SignalReceived
from core.domain.signal import Signal
from core.domain.trading_state import TradingState
from core.reconciliation.execution_comparison import compare_executions
from core.reconciliation.spare_capacity import SpareCapacity
from core.reconciliation.symbol_comparison import Comparison
from core.state.portfolio import Portfolio
from core.trading import Trading
from tests.core.adapters.clocks import RealClock
from tests.core.adapters.conftest import Connect
from tests.core.world import LIMITS, Durations
from tests.ledgers import make_ledger
from tests.running import MARKETFLOW, surroundings
from tests.venue.venue import Venue

SYMBOLS, ROUNDS = 50, 10  # a buy and a sale each
EXECUTIONS = SYMBOLS * ROUNDS * 2
ROOMY = replace(LIMITS, max_open_positions=SYMBOLS, max_order_notional=Decimal(10**6), daily_loss_limit=Decimal(10**6))


@pytest.fixture
async def traded(venue: Venue, client: BinanceClient, tmp_path: Path) -> Path:
    """Fills a ledger with that many executions, and the exchange with the matching trades."""
    venue.lift_limits()
    symbols = [venue.add_symbol(f"C{number:02}") for number in range(SYMBOLS)]
    clock, path = RealClock(), tmp_path / "ledger.db"
    ledger = await open_ledger(make_ledger(path), clock)
    today = f"{clock.now():%Y-%m-%d}"
    portfolio = Portfolio.from_ledger(await ledger.load(today), TradingState(), ROOMY, today)
    trading = Trading(portfolio=portfolio, ledger=ledger, venue=client, clock=clock, trading_mode="live", timings=Durations())
    await trading.market.load_instruments(symbols)
    trading.inbox.start_controls([])
    trading.start(await ledger.load(today))
    venue.set_balance("USDC", "1000000")
    prices = asyncio.create_task(trading.market.run())
    for number in range(ROUNDS * 2):
        kind = ("BUY_SM", "SELL_SM")[number % 2]
        now = clock.now()
        said = [Signal("test", f"{symbol}-{number}", kind, symbol, Decimal("0.4801"), now) for symbol in symbols]
        asked = (trading.inbox.ask(Message("test", one.signal_id, one.symbol, SignalReceived(one), now)) for one in said)
        assert {outcome.outcome for outcome in await asyncio.gather(*asked) if outcome} == {"ordered"}
    prices.cancel()
    await trading.inbox.close()
    await ledger.close()
    assert len(venue.orders) == EXECUTIONS
    venue.set_limits(weight_1m=6_000, orders_10s=100, orders_1d=200_000, raw_5m=300_000)
    return path


def settings(venue: Venue, ledger: Path) -> dict[str, str]:
    return surroundings(
        {
            "TRADING_MODE": "live",
            "BINANCE_API_URL": venue.api_url,
            "BINANCE_API_KEY": venue.key,
            "BINANCE_API_SECRET": venue.secret,
            "DATABASE_URL": f"sqlite+aiosqlite:///{ledger}",
        }
    )


async def reconciled(venue: Venue, ledger: Path) -> tuple[int | None, str, str]:
    """Runs `marketflow reconcile` on a terminal; returns its exit code, its findings, and what the terminal showed meanwhile."""
    terminal, end = os.openpty()
    process = await asyncio.create_subprocess_exec(
        MARKETFLOW, "reconcile", env=settings(venue, ledger), cwd="/", stdout=asyncio.subprocess.PIPE, stderr=end
    )
    os.close(end)
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    shown = b""
    while True:
        try:
            shown += os.read(terminal, 65_536)
        except OSError:  # the other end is closed: https://man7.org/linux/man-pages/man7/pty.7.html
            break
    os.close(terminal)
    return process.returncode, out.decode(), shown.decode()


class Counted(RealClock):
    """A clock that adds up its sleeps."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        await super().sleep(seconds)


async def compared(account: BinanceClient, ledger: Path, clock: Counted) -> Comparison:
    """Compares the whole ledger, with this client."""
    books = await look_into_ledger(f"sqlite+aiosqlite:///{ledger}", clock)
    executions = await LedgerQueries(books.reader).recent_executions(EXECUTIONS)
    await books.close()
    assert len(executions) == EXECUTIONS
    return await compare_executions(account, executions, SpareCapacity(clock))


@pytest.mark.timeout(300)
async def test_reconcile_stays_inside_the_limits_and_shows_how_far_it_is(venue: Venue, traded: Path, connect: Connect) -> None:
    code, out, shown = await reconciled(venue, traded)
    assert (code, out) == (0, f"{EXECUTIONS} executions and {SYMBOLS} holdings compared, 0 differences\n"), shown
    assert venue.limits.refusals == 0
    assert 0 < int(venue.limits.headers()["X-MBX-USED-WEIGHT-1M"]) <= 6_000 * 0.9
    done = [int(number) for number in re.findall(rf"C\d\dUSDC: (\d+) of {EXECUTIONS} executions", shown)]
    assert done == list(range(20, EXECUTIONS + 1, 20))

    # A second of this exchange is a minute of the real one: the client waits, and earns no refusal.
    (rule,) = [one for one in venue.rate_limits if one["rateLimitType"] == "REQUEST_WEIGHT"]
    rule |= {"interval": "SECOND", "limit": 500}
    venue.limits.set_rules(venue.rate_limits)
    account = connect(clock=(clock := Counted()))
    await account.instruments(["WIFUSDC"])
    found = await compared(account, traded, clock)
    assert (found.differences, found.notes) == ([], [])
    assert venue.limits.refusals == 0
    assert clock.waited  # 2,000 of weight, at 300 a second for comparisons

    # One of them differs, another's symbol is delisted: each has its line, and all others are compared.
    venue.delist("C07USDC")
    with closing(sqlite3.connect(traded)) as ledger, ledger:
        of_one = "SELECT MIN(execution_id) FROM executions WHERE symbol = 'C03USDC' AND side = 'BUY'"
        ledger.execute(f"UPDATE executions SET fee = '9' WHERE execution_id = ({of_one})")
    await asyncio.sleep(1 - venue.clock.now_ms() % 1_000 / 1_000)  # the one-second counts have restarted
    found = await compared(account, traded, clock)
    assert found.notes == ["C07USDC: 20 executions not compared, the exchange knows no such symbol (any more)"]
    (difference,) = found.differences
    assert re.fullmatch(r"C03USDC: order \d+: fee is 9 C03 in the ledger, 0\.02 on the exchange", difference)
