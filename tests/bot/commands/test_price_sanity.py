"""An exit whose price is not of this market, in the chat: reported at once, with a button that sells nevertheless."""

from pathlib import Path

from core.domain.strategy_book import StrategyBook
from local_telegram.server import RunningChat
from tests.bot.conftest import until
from tests.bot.firm import firm_on


async def test_an_exit_off_tenfold_is_sold_by_the_button_and_a_second_tap(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path) as firm:
        await firm.held()
        await firm.signal("SELL_SM", close="65000")
        told = await firm.owner.wait_for("🚫 SELL_SM denied")
        assert "the signal's price 65,000 is too far from the market, now at 0.4801" in told.text
        assert "Nothing was sold." in told.text
        assert firm.portfolio.position(StrategyBook("WIFUSDC")).is_open
        firm.owner.press(told, "🔴 Sell WIFUSDC anyway")
        asked = await firm.owner.wait_for("🔴 Sell 19.98 WIF", after=told)
        assert firm.portfolio.position(StrategyBook("WIFUSDC")).is_open
        firm.owner.press(asked, "✅ Confirm")
        await firm.owner.wait_for("🔴 SELL_MANUAL executed")
        await until(lambda: not firm.portfolio.position(StrategyBook("WIFUSDC")).is_open)


async def test_an_entry_of_another_market_offers_nothing_to_sell(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path) as firm:
        await firm.signal("BUY_SM", close="65000")
        told = await firm.owner.wait_for("🚫 BUY_SM denied")
        assert [button.text for row in told.keyboard for button in row] == ["🔎 Why?"]
