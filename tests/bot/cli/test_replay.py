"""`marketflow replay` on a ledger in a file: what it says, what it refuses, and that it writes nothing."""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.adapters.ledger.opening import open_ledger
from tests.core.memory_ledger import CountedLedger
from tests.core.replay.scenes import WITH_STOPS, open_world, trade
from tests.core.virtual_time import VirtualClock
from tests.core.world import three_markets
from tests.ledgers import make_ledger
from tests.running import run_command
from tests.venue.server import running_venue

BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
AS_RECORDED = {
    "SYMBOLS": "*",
    "TRADE_QUOTE": "50",
    "STOP_LOSS_PCT": "2",
    "MAX_OPEN_POSITIONS": "2",
    "DAILY_LOSS_LIMIT": "8",
}


@pytest.fixture
async def settings(tmp_path: Path) -> dict[str, str]:
    """Returns the settings of a program that has recorded sixty signals."""
    clock = VirtualClock(BEGAN)
    venue = three_markets(clock)
    url = make_ledger(tmp_path / "ledger.db")
    ledger = await open_ledger(url, clock)
    world = await open_world(CountedLedger(ledger, clock), clock, venue, WITH_STOPS)
    await trade(world, venue, 60)
    await world.close()
    await ledger.close()
    return {**AS_RECORDED, "DATABASE_URL": url}


async def test_the_same_settings_bring_the_same_and_others_say_what_they_change(settings: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    before = hashlib.sha256(file.read_bytes()).digest()
    same = await run_command("replay", settings=settings, installed=True)
    assert (same.code, same.stderr) == (0, "")
    assert "Decided otherwise: 0 of" in same.stdout
    assert "guessed on paper with 0.1% fees: 0" in same.stdout
    other = await run_command("replay", "--set", "max_open_positions=1", "--strategy", "fast", settings=settings)
    assert "today's, with MAX_OPEN_POSITIONS=1" in other.stdout
    assert "(fast): " in other.stdout
    assert "open positions: 1, the limit is 1" in other.stdout
    since = BEGAN + timedelta(minutes=20)
    later = await run_command("replay", "--since", since.isoformat(), "--all", settings=settings)
    assert f"Replay from {since:%Y-%m-%d %H:%M}" in later.stdout
    assert "-> the same" in later.stdout
    assert hashlib.sha256(file.read_bytes()).digest() == before


async def test_a_shadow_is_compared_order_by_order(settings: dict[str, str]) -> None:
    ended = await run_command("replay", "--shadow", settings=settings)
    assert ended.code == 0
    assert "Trading beside its shadow from the beginning" in ended.stdout
    assert re.search(r"^  delay +[+-]\d+\.\d\d$", ended.stdout, re.MULTILINE)
    assert re.search(r"^  .* SELL WIFUSDC: [+-]\d+\.\d\d USDC \(", ended.stdout, re.MULTILINE)


async def test_what_is_wrong_is_named_all_at_once(settings: dict[str, str]) -> None:
    ended = await run_command("replay", "--set", "STOP=3", "--set", "MAX_ENTRIES=none", settings=settings)
    assert ended.code == 2
    assert "there is no rule STOP" in ended.stderr
    assert "'none' is not valid for MAX_ENTRIES" in ended.stderr
    assert (await run_command("replay", "--since", "yesterday", settings=settings)).code == 2


async def test_the_exchange_is_asked_for_candles_only_where_that_is_wanted(settings: dict[str, str]) -> None:
    async with running_venue() as exchange:
        address = {**settings, "BINANCE_API_URL": exchange.api_url}
        assert (await run_command("replay", settings=address)).code == 0
        assert exchange.requests == []
        ended = await run_command("replay", "--candles", settings=address)
        assert "Decided otherwise: " in ended.stdout
        assert any(one.path == "/api/v3/klines" for one in exchange.requests)
