"""Several quote assets in the chat: each by itself, and together in the report asset; assets without a rate are named."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal
from pathlib import Path

import pytest

from bot.texts import texts
from bot.views.chat_message import plain_text
from bot.views.digest import digest_lines
from core.domain.digest import Digest, Occasion
from core.domain.instrument import Instrument
from core.domain.risk_limit import LimitSet
from core.domain.strategy_book import StrategyBook
from core.domain.trading_state import Mode
from core.records.commit_batch import CommitBatch
from local_telegram.server import RunningChat
from tests.bot.conftest import until
from tests.bot.firm import ROOMY, Firm, firm_on
from tests.core.virtual_time import NOON
from tests.core.world import instrument

BALANCES = {"USDC": Decimal(10_000), "EUR": Decimal(1_000), "BTC": Decimal("0.5")}


def fine(base: str, quote: str) -> Instrument:
    """Returns rules of a pair whose units are worth much."""
    least = Decimal("0.0001")
    return replace(instrument(base, quote), min_notional=least, step_size=least, min_qty=least)


def several(firm: Firm) -> None:
    """Adds WIF against euros and ETH against bitcoin."""
    rules = [instrument("WIF", "EUR"), instrument("EUR"), *(fine(*pair) for pair in (("ETH", "BTC"), ("BTC", "USDC")))]
    firm.prices.rules |= {one.symbol: one for one in rules}
    prices = {"WIFEUR": "0.40", "EURUSDC": "1.20", "ETHBTC": "0.03", "BTCUSDC": "60000"}
    firm.prices.bid |= {name: Decimal(price) for name, price in prices.items()}


@pytest.fixture
async def firm(server: RunningChat, tmp_path: Path) -> AsyncIterator[Firm]:
    limits = replace(ROOMY, trade_quote=Decimal(90), daily_loss_limit=Decimal(60))
    async with firm_on(server, tmp_path, limits=limits, balances=BALANCES) as running:
        several(running)
        await running.trading.load_rules(every=True)
        yield running


async def lose(firm: Firm, symbol: str, price: str) -> None:
    """Buys, and sells at `price`."""
    before = firm.prices.bid[symbol]
    await firm.held(symbol)
    firm.prices.bid[symbol] = Decimal(price)
    await until(lambda: firm.trading.market.price(symbol) == Decimal(price))
    await firm.signal("SELL_SM", symbol)
    await until(lambda: not firm.portfolio.position(StrategyBook(symbol)).is_open)
    firm.prices.bid[symbol] = before
    await firm.settled()


async def test_results_in_three_assets_are_told_each_and_together(firm: Firm) -> None:
    await lose(firm, "WIFEUR", "0.30")
    await lose(firm, "ETHBTC", "0.02")
    await lose(firm, "WIFUSDC", "0.40")
    results = firm.portfolio.results_of(firm.clock.now().date().isoformat())
    assert set(results) == {"BTC", "EUR", "USDC"}
    total = results["USDC"] + results["EUR"] * Decimal("1.20") + results["BTC"] * 60_000
    told = f"{total:.2f} USDC"
    for command in ("/pnl", "/report", "/status"):
        assert f"Total: {told} at current rates" in (await firm.owner.ask(command, within=60)).text, command
    daily = (await firm.owner.ask("/daily 1")).text
    assert "All in USDC at current rates, net and number of closed trades:" in daily
    assert f"{total:.2f}" in daily
    risk = (await firm.owner.ask("/risk")).text
    assert f"P&L today {told}, limit -60.00" in risk
    assert "· of these: " in risk
    assert "Entry size: 90.00 USDC" in risk
    await firm.signal("BUY_SM")
    refused = await firm.owner.wait_for("🚫 BUY_SM denied")
    assert f"Reason: daily loss limit reached: {total.quantize(Decimal('0.01'), ROUND_DOWN)} USDC" in refused.text
    performance = (await firm.owner.ask("/performance")).text
    assert performance.index("WIFUSDC") < performance.index("WIFEUR") < performance.index("ETHBTC"), "the worst last, by worth"


async def test_what_has_no_rate_is_named_and_left_out(firm: Firm) -> None:
    await lose(firm, "WIFEUR", "0.30")
    await lose(firm, "WIFUSDC", "0.40")
    del firm.prices.bid["EURUSDC"]
    firm.trading.market._quotes.pop("EURUSDC")
    results = firm.portfolio.results_of(firm.clock.now().date().isoformat())
    told = (await firm.owner.ask("/pnl")).text
    assert f"Total: {results['USDC']:.2f} USDC at current rates\n…not counting EUR: no rate right now" in told
    assert "No rate of EUR to USDC: entries are refused until there is one" in (await firm.owner.ask("/risk")).text
    await firm.signal("BUY_SM")
    refused = await firm.owner.wait_for("🚫 BUY_SM denied")
    assert "no current rate of EUR to USDC (EURUSDC)" in refused.text
    assert "What to do: wait. Entries resume once the exchange quotes that pair again" in refused.text


async def test_the_account_is_worth_so_much_of_the_report_asset(firm: Firm) -> None:
    told = (await firm.owner.ask("/balance")).text
    assert "Amount, and value in USDC" in told
    assert f"Total: {10_000 + 1_200 + 30_000:,}.00 USDC" in told


async def test_a_question_says_what_it_is_worth_in_the_report_asset(firm: Firm) -> None:
    await firm.owner.ask("/mode confirm above 50")
    await firm.signal("BUY_SM", "ETHBTC")
    asked = await firm.owner.wait_for("trade this?")
    assert "Value: 0.001485 BTC = 89.10 USDC" in asked.text
    assert "order value 89.99 of max 5,000 USDC" in asked.text
    assert "No approval needed: trades up to 50 USDC" in (await firm.owner.ask("/mode")).text


async def test_what_was_said_in_another_asset_does_not_count(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path, mode=Mode.CONFIRM) as firm:
        said = LimitSet("MAX_ORDER_NOTIONAL", "0.1", "Ann", firm.clock.now(), "BTC")
        batch = CommitBatch(limits=[said])
        await firm.ledger.commit(batch)
        firm.portfolio.apply(batch)
        assert firm.portfolio.limits.max_order_notional == ROOMY.max_order_notional
        assert not firm.portfolio.is_of("USDC")
    async with firm_on(server, tmp_path, limits=replace(ROOMY, report_asset="BTC")) as again:
        await asyncio.sleep(0)
        assert again.portfolio.limits.max_order_notional == Decimal("0.1")


@pytest.mark.parametrize(
    ("together", "lacking", "told"),
    [
        ("-67.89", (), "Total: -67.89 USDC at current rates"),
        ("-15", ("EUR",), "Total: -15.00 USDC at current rates\n…not counting EUR: no rate right now"),
        (None, ("BTC", "EUR"), "Total: unknown, no rate of BTC, EUR to USDC right now"),
    ],
)
def test_a_digest_adds_up_what_can_be_added_up(together: str | None, lacking: tuple[str, ...], told: str) -> None:
    total = Decimal(together) if together is not None else None
    digest = Digest(
        1, Occasion.EVENING, NOON, "off", "auto", "paper", 0, {"EUR": Decimal(-1)}, 1, 0, {}, 0,
        together=total, lacking=lacking, report="USDC",
    )  # fmt: skip
    assert told in plain_text("\n".join(digest_lines(digest, texts("en"))))
