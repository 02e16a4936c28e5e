"""/quality, over HTTP with real parts: traded and missed, in both languages, by symbol and period, and with nothing to show."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from local_telegram.server import RunningChat
from tests.bot.firm import Firm, firm_on


@pytest.fixture
async def firm(server: RunningChat, tmp_path: Path) -> AsyncIterator[Firm]:
    async with firm_on(server, tmp_path) as running_firm:
        yield running_firm


WIF = """Orders: 2, filled 100%
Slippage: +3.1 bps, +0.005996 USDC
· delay +3.1 bps, +0.005996 USDC
· execution 0.0 bps, 0.00 USDC
Per order: median +2.1, p90 +4.2, worst +4.2 bps
Spread paid: 0.0 bps, 0.00 USDC
Fees: +10.0 bps, +0.01919 USDC
"""
WHOLE = f"""Execution quality, today
{WIF}Missed: 1 signal, 400.00 USDC not earned
Shortfall: +1,418.9 bps, +400.03 USDC (slippage + fees + missed)
💡 Missed signals cost the most: /signals shows them, /why tells the reason of each.

Shortfall by symbol
SOLUSDC: +1,428.6 bps, +400.00 USDC (0 orders, 1 missed)
WIFUSDC: +13.1 bps, +0.02519 USDC (2 orders, 0 missed)
"""
OF_WIF = f"""Execution quality of WIFUSDC, 30 days
{WIF}Shortfall: +13.1 bps, +0.02519 USDC (slippage + fees + missed)
💡 Fees cost the most: pay them in BNB, enter with LIMIT_MAKER orders, or trade less often.
"""
OF_SOL = """Execution quality of SOLUSDC, 7 days
Missed: 1 signal, 400.00 USDC not earned
💡 Missed signals cost the most: /signals shows them, /why tells the reason of each.

Above 0 costs you. Compared with trading every signal at its own price, at once, without fees."""


async def test_what_was_traded_and_what_was_missed(firm: Firm) -> None:
    """Wanted 20 WIF at 0.4800 and 19.98 sold at 0.4803, at a market of 0.4801; 20 SOL at 140, refused, and left at 160."""
    assert (await firm.owner.ask("/quality")).text == (
        "Execution quality, 7 days\nNo orders and no missed signals in this period."
    )
    await firm.signal("BUY_SM", close="0.4800")
    await firm.owner.wait_for("BUY_SM executed")
    await firm.signal("BUY_SM", "SOLUSDC", close="140")
    await firm.owner.wait_for("BUY_SM denied")
    firm.prices.bid["SOLUSDC"] = Decimal(160)
    await firm.signal("SELL_SM", "SOLUSDC", close="160")
    await firm.signal("SELL_SM", close="0.4803")
    await firm.owner.wait_for("SELL_SM executed")
    await firm.settled()
    whole = await firm.owner.ask("/quality today")
    assert whole.text.startswith(WHOLE)
    assert "received → decided: " in whole.text
    assert [button.data for button in whole.buttons][-1] == "/quality today"
    of_wif = await firm.owner.ask("/quality 30d wif")
    assert of_wif.text.startswith(OF_WIF)
    assert "/quality WIFUSDC month" in [button.data for button in of_wif.buttons]
    assert (await firm.owner.ask("/quality sol")).text == OF_SOL
    for wrong in ("/quality 7d 30d", "/quality wif sol"):
        assert "Usage: /quality [SYMBOL] [today|7d|30d|month|all]" in (await firm.owner.ask(wrong)).text
    await firm.owner.ask("/lang ru")
    in_russian = (await firm.owner.ask("/quality день")).text
    assert in_russian.startswith("Качество исполнения, сегодня\nОрдеров: 2, исполнено 100%\nПроскальзывание: +3,1 б.п., ")
