"""The ledger is chosen once, the owner's before a demo's; candles come from where the program has its prices."""

import asyncio
import socket
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.settings.settings import load_settings
from bot.web.allowed_hosts import HostCheck
from core.adapters.ledger.demo_location import signpost
from core.domain.candle import spanning
from core.domain.errors import ConfigurationError, ExchangeUnavailable, LedgerUnavailable, SymbolUnknown
from dashboard import market, source
from dashboard.__main__ import gates, known_hosts, options_of
from dashboard.password import PasswordCheck
from dashboard.source import DEMO, Source, chosen_source
from tests.ledgers import make_ledger
from tests.venue import running_venue

DAY = spanning(timedelta(days=1))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Goes to an empty directory beside a running demo, as far as its signpost goes, with nothing set."""
    for name in ("here", "tmp"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.chdir(tmp_path / "here")
    for name in ("DATABASE_URL", DEMO, "DASHBOARD_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    chosen_source.cache_clear()
    with signpost(make_ledger(tmp_path / "tmp" / "demo.db")):
        yield tmp_path / "here"
    chosen_source.cache_clear()


def test_a_demo_is_shown_where_the_owner_has_no_ledger(here: Path) -> None:
    found = chosen_source()
    assert (found.is_demo, found.words()) == (True, f"{here.parent}/tmp/demo.db")
    assert market.market_host() is None


def test_the_owners_ledger_goes_before_a_demos_and_stays(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / ".env").write_text("DATABASE_URL=postgresql+asyncpg://me:hunter2@db.example/trades\nTRADING_MODE=testnet\n")
    found = chosen_source()
    assert (found.is_demo, found.words()) == (False, "PostgreSQL, db.example, trades")
    assert market.market_host() == "testnet.binance.vision"
    (here / ".env").unlink()
    monkeypatch.setenv(DEMO, "1")
    assert chosen_source() is found


def test_the_demo_is_shown_where_it_is_asked_for(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_ledger(here / "marketflow.db")
    monkeypatch.setenv(DEMO, "1")
    assert chosen_source().is_demo
    chosen_source.cache_clear()
    (here.parent / "tmp" / "demo.db").unlink()
    with pytest.raises(LedgerUnavailable, match="no demo is running"):
        chosen_source()


def test_wrong_settings_are_said(here: Path) -> None:
    (here / ".env").write_text("DASHBOARD_PASSWORD=short\n")
    with pytest.raises(ConfigurationError, match="DASHBOARD_PASSWORD: found a value of 5 characters; accepted: at least 12"):
        chosen_source()


def test_the_simulated_market_is_that_of_the_demo(here: Path) -> None:
    found = market.candles("WIFUSDC", DAY)
    assert here.exists()
    assert len(found) > 90
    assert all(one.low <= min(one.open, one.close) <= max(one.open, one.close) <= one.high for one in found)
    with pytest.raises(SymbolUnknown):
        market.candles("NOSUCH", DAY)


async def test_candles_are_the_exchanges_own_and_asked_for_once(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_venue() as venue:
        settings = load_settings({"BINANCE_API_URL": venue.api_url}, env_file=None)
        monkeypatch.setattr(source, "chosen_source", lambda: Source("", False, settings))
        monkeypatch.setattr(market, "chosen_source", source.chosen_source)
        monkeypatch.setattr(market, "_KEPT", {})
        venue.walk("WIFUSDC", "0.48", "0.52", "0.47", "0.50")
        found = await asyncio.to_thread(market.candles, "WIFUSDC", DAY)
        assert str(found[-1].close.normalize()) == "0.5"
        assert await asyncio.to_thread(market.candles, "WIFUSDC", DAY) == found
        assert len([seen for seen in venue.requests if seen.path == "/api/v3/klines"]) == 1
        venue.faults.cut("GET klines", times=2)
        for _ in range(2):  # the second time from memory: the exchange would answer again
            with pytest.raises(ExchangeUnavailable):
                await asyncio.to_thread(market.candles, "SOLUSDC", DAY)


def test_options_of_streamlit() -> None:
    assert options_of(["--server.port", "8600", "--server.address=0.0.0.0"]) == {"server.port": 8600, "server.address": "0.0.0.0"}
    for wrong in (["--server.port"], ["8600"], ["server.port=1"]):
        with pytest.raises(ValueError, match="is no option with a value"):
            options_of(wrong)


def test_who_may_be_asked_for_and_what_every_request_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "localhost")
    assert known_hosts(frozenset({"me.example"}))[0] == "localhost"
    assert known_hosts(frozenset({"me.example"}))[-1] == "me.example"
    bare = Source("", False, load_settings({"HTTP_ALLOWED_HOSTS": "me.example"}, env_file=None))
    closed = Source("", False, load_settings({"DASHBOARD_PASSWORD": "correct horse"}, env_file=None))
    passed: list[list[object]] = [[gate.cls for gate in gates(each)] for each in (bare, closed)]
    assert passed == [[HostCheck], [HostCheck, PasswordCheck]]
