"""Commands as people mistype them: understood where only one thing can be meant, else answered with why and a line that works."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from local_telegram.server import RunningChat
from tests.bot.conftest import until
from tests.bot.firm import ROOMY, Firm, firm_on

IN_CYRILLIC = "SОLUSDС"  # its O and its C


@pytest.fixture
async def firm(server: RunningChat, tmp_path: Path) -> AsyncIterator[Firm]:
    """Yields a program with a position of 50 USDC in WIFUSDC, after a closed trade of SOLUSDC."""
    async with firm_on(server, tmp_path, limits=replace(ROOMY, trade_quote=Decimal(50))) as running:
        await running.held("SOLUSDC")
        await running.signal("SELL_SM", "SOLUSDC")
        await until(lambda: len(running.portfolio.open_positions()) == 0)
        await running.held()
        yield running


UNDERSTOOD = [
    *(
        (f"/buy SOLUSDC {size}", "Buy for 50.00 USDC")
        for size in ("50", "50$", "$50", "50 $", "50usdc", "50 USDC", "50 usd", "50.0")
    ),
    *((f"/buy SOLUSDC {size}", "Buy for 49.50 USDC") for size in ("49,5", "49,50 USDC", "0,0495k")),
    ("/buy SOLUSDC 1k", "Buy for 1,000.00 USDC"),
    ("/buy SOLUSDC 1к", "Buy for 1,000.00 USDC"),
    ("/buy SOLUSDC 0,5 sol", "Buy 0.5 SOL"),
    ("/buy SOLUSDC 0.5SOL", "Buy 0.5 SOL"),
    *((f"/buy {symbol} 50", "(SOLUSDC)") for symbol in ("sol", "SOL/USDC", "sol-usdc", "sol_usdc", "$SOL", "#sol", IN_CYRILLIC)),
    ("/buy sol 50 stop 5 %", "-5.0"),
    ("/buy sol 50 stop 0,5%", "Stop"),
    ("/buy sol 50 стоп 5% цель 7,5%", "7.5"),
    *((f"/sell wif {size}", "Sell 51.5 WIF") for size in ("50%", "50 %", "50,0%")),
    ("/sell WIF/USDC", "Sell 103 WIF"),
    ("/sell wif all", "Sell 103 WIF"),
    ("/sell wif 20wif", "Sell 20 WIF"),
    ("/close wif-usdc", "Sell 103 WIF"),
    ("/protect wif stop 5 %", "Stop"),
    ("/protect wif stop 2,5%", "Stop"),
    ("/set STOP_LOSS_PCT 5 %", "STOP_LOSS_PCT: not set → 5"),
    ("/set STOP_LOSS_PCT 2,5%", "STOP_LOSS_PCT: not set → 2.5"),
    ("/set max_order_notional 1k", "→ 1,000 USDC"),
    ("/set max_order_notional 500$", "→ 500 USDC"),
    ("/set max_order_notional 500 usdc", "→ 500 USDC"),
    ("/set APPROVAL_TTL 5m", "2 min → 5 min"),
    ("/set APPROVAL_TTL 300 s", "2 min → 5 min"),
    ("/set APPROVAL_TTL 5 минут", "2 min → 5 min"),
    ("/strategies default STOP_LOSS_PCT 5 %", "STOP_LOSS_PCT: not set → 5"),
    ("/strategies default TRADE_QUOTE 1,5k", "→ 1,500 USDC"),
    ("/pause for 2 hours", "Until "),
    ("/mute 30 min", "Muted until"),
    ("/heartbeat 6 h", "Heartbeat every 6 h"),
    ("/trades sol", "SOLUSDC"),
    ("/trades 5 sol/usdc", "SOLUSDC"),
    ("/chart sol", "SOLUSDC"),
    ("/why wif", "WIFUSDC"),
    ("/PNL 7D", "P&L"),
]

REFUSED = [
    ("/buy SOLUSDC 1,500", "1,500 can be 1500 or 1.500: write one of them.", "For example: /buy SOLUSDC 50"),
    ("/buy SOLUSDC -50", "It has to be above zero, without a minus.", "For example: /buy SOLUSDC 50"),
    ("/buy SOLUSDC 0", "It has to be above zero.", "For example: /buy SOLUSDC 50"),
    ("/buy SOLUSDC 5%", "not by a share", "For example: /buy SOLUSDC 50"),
    ("/buy SOLUSDC 50 eur", "EUR does not fit here; the unit is USDC / SOL", "For example: /buy SOLUSDC 50"),
    ("/buy SOLUSDC fifty", "“fifty” is not an amount", "For example: /buy SOLUSDC 50"),
    ("/buy SOLUSDC 50 stop", "“stop” is no exit plan: write pairs such as stop 5%", "For example: /buy SOLUSDC 50"),
    ("/buy SOLUSDC 50 stop five", "“stop five” is no exit plan", "For example: /buy SOLUSDC 50"),
    ("/buy SLOUSDC 50", "SLOUSDC is not one of the traded symbols: SOLUSDC, WIFUSDC", "SLOUSDC"),
    ("/buy btc 50", "BTC is not one of the traded symbols", "SOLUSDC, WIFUSDC"),
    ("/sell btc", "no BTC position to sell", "🚫"),
    ("/sell sol", "no SOL position to sell", "🚫"),
    ("/sell wif 150%", "A share is above 0 and at most 100%.", "For example: /sell WIFUSDC 50%"),
    ("/sell wif 50$", "sell a quantity of WIF, or a share such as 50%", "For example: /sell WIFUSDC 50%"),
    ("/sell wif half", "“half” is not an amount", "For example: /sell WIFUSDC 50%"),
    ("/close btc", "no BTC position to sell", "🚫"),
    ("/protect wif 5%", "“5%” is no exit plan", "For example: /protect WIFUSDC stop 5% target 10%"),
    ("/protect wif stop", "“stop” is no exit plan", "For example: /protect WIFUSDC stop 5% target 10%"),
    ("/protect btc stop 5%", "no BTC position to sell", "🚫"),
    ("/set STOP_LOSS_PCT 150%", "“150%” is not valid for STOP_LOSS_PCT", "For example: /set STOP_LOSS_PCT 5"),
    ("/set STOP_LOSS_PCT 5$", "$ does not fit here; the unit is %", "For example: /set STOP_LOSS_PCT 5"),
    ("/set MAX_ORDER_NOTIONAL 500 eur", "EUR does not fit here; the unit is USDC", "For example: /set MAX_ORDER_NOTIONAL 500"),
    ("/set MAX_ORDER_NOTIONAL 1,500", "1,500 can be 1500 or 1.500", "For example: /set MAX_ORDER_NOTIONAL 500"),
    ("/set STOPLOSS 5", "There is no limit STOPLOSS.", "You can set: "),
    (
        "/settings MAX_OPEN_POSITIONS 2.5",
        "“2.5” is not valid for MAX_OPEN_POSITIONS",
        "For example: 5",
    ),
    ("/strategies waves", "There is no strategy waves. Known: default", "default"),
    ("/strategies default STOP 5", "has no setting STOP", "STOP_LOSS_PCT"),
    ("/pause 2h", "“2h” is not valid here.", "For example: /pause entries for 2h"),
    ("/pause for ever", "is not valid here.", "For example: /pause entries for 2h"),
    ("/mode automatic", "“automatic” is not valid here.", "For example: /mode confirm"),
    ("/mode confirm above 100 eur", "is not valid here.", "For example: /mode confirm"),
    ("/resume now", "“now” is not valid here.", "Usage: /resume"),
    ("/reset", "What do you want to reset?", "Entries blocked"),
    ("/reset pnl", "“pnl” is not valid here.", "For example: /reset drawdown"),
    ("/accept wif", "WIF", "WIF"),
    ("/cancel 4711", "No open order or approval request has the id 4711. /cancel lists them.", "4711"),
    ("/cancel a b", "“a b” is not valid here.", "For example: /cancel all"),
    ("/pnl yesterday", "“yesterday” is not valid here.", "For example: /pnl 7d"),
    ("/daily many", "“many” is not valid here.", "For example: /daily"),
    ("/weekly 100", "“100” is not valid here.", "For example: /weekly"),
    ("/monthly -1", "“-1” is not valid here.", "For example: /monthly"),
    ("/performance year", "“year” is not valid here.", "For example: /performance 30d"),
    ("/report yearly", "“yearly” is not valid here.", "For example: /report week"),
    ("/trades 100", "“100” is not valid here.", "For example: /trades 5"),
    ("/trades btc", "No closed trades of BTC.", "BTC"),
    ("/signals all", "“all” is not valid here.", "For example: /signals 20"),
    ("/audit x", "“x” is not valid here.", "For example: /audit 20"),
    ("/export xls", "“xls” is not valid here.", "For example: /export csv"),
    ("/notify trade loud", "“trade loud” is not valid here.", "For example: /notify trades silent"),
    ("/mute forever", "“forever” is not valid here.", "For example: /mute 2h"),
    ("/quiet 23-7", "“23-7” is not valid: give start and end", "For example: /quiet 23:00-07:00"),
    ("/heartbeat 5h", "“5h” is not valid here.", "For example: /heartbeat 6h"),
    ("/lang de", "“de” is not valid here.", "For example: /lang en"),
    ("/zone Berlin", "Did you mean:", "Berlin"),
    ("/zone Nowhere", "unknown time zone", "For example: /zone Europe/Berlin"),
    ("/users add", "“add” is not valid here.", "For example: /users"),
    ("/risk now", "“now” is not valid here.", "Usage: /risk"),
    ("/postions", "Unknown command /postions.", "/positions"),
    ("/stauts", "Unknown command /stauts.", "/status"),
    ("/balace", "Unknown command /balace.", "/balance"),
    ("/setings", "Unknown command /setings.", "/settings"),
    ("/pozicii", "Unknown command /pozicii.", "/help"),
    ("/купить", "Unknown command /купить.", "/buy"),
    ("/настройки", "Unknown command /настройки.", "/settings"),
    ("/xyzzy", "Unknown command /xyzzy.", "/help"),
]


def test_the_table_is_of_many_inputs_over_many_commands() -> None:
    said = [row[0] for row in (*UNDERSTOOD, *REFUSED)]
    assert len(set(said)) == len(said) >= 60
    assert len({line.split()[0].lower() for line in said}) >= 30


async def test_what_can_mean_but_one_thing_is_understood(firm: Firm) -> None:
    wrong = {}
    for said, line in UNDERSTOOD:
        answer = await firm.owner.ask(said, within=30)
        if line not in (answer.text or "") or "not valid" in answer.text:
            wrong[said] = answer.text
    assert wrong == {}


async def test_what_is_wrong_is_answered_with_why_and_an_example(firm: Firm) -> None:
    wrong = {}
    for said, why, example in REFUSED:
        answer = await firm.owner.ask(said)
        if why not in answer.text or example not in answer.text:
            wrong[said] = answer.text
    assert wrong == {}
    assert not firm.portfolio.limits_set
