"""A ledger belongs to one trading mode: paper positions are never sold for money."""

from pathlib import Path

import pytest

from bot.factories import check_trading_mode
from bot.settings.settings import load_settings
from core.adapters.ledger.opening import open_ledger
from core.domain.errors import ConfigurationError
from core.domain.messages import StoredMessage
from tests.bot.parts import FastClock
from tests.core.adapters.ledger.values import intent, message
from tests.ledgers import make_ledger

KEY = {"BINANCE_API_KEY": "k" * 64, "BINANCE_API_SECRET": "s" * 64}


async def test_a_ledger_of_paper_orders_does_not_start_live(tmp_path: Path) -> None:
    paper, live = (load_settings({"TRADING_MODE": mode, **KEY}, env_file=None) for mode in ("paper", "live"))
    ledger = await open_ledger(make_ledger(tmp_path / "ledger.db"), FastClock())
    try:
        await check_trading_mode(live, ledger)  # nothing is in it yet
        (stored,) = await ledger.store([message()])
        assert isinstance(stored, StoredMessage)
        await ledger.commit(intent(stored.seq))
        await check_trading_mode(paper, ledger)
        with pytest.raises(ConfigurationError, match="TRADING_MODE: found live; the ledger of DATABASE_URL holds paper orders"):
            await check_trading_mode(live, ledger)
    finally:
        await ledger.close()
