"""/why, over HTTP with real parts: by id, by reply, by link, the last one; traded and not traded."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from core.domain.events.intake import DeadLettersFound
from core.domain.messages import DeadLetter
from core.domain.trading_state import Mode
from local_telegram.server import RunningChat
from tests.bot.conftest import until
from tests.bot.firm import ROOMY, Firm, firm_on
from tests.bot.parts import NOON, VIEWER


@pytest.fixture
async def firm(server: RunningChat, tmp_path: Path) -> AsyncIterator[Firm]:
    async with firm_on(server, tmp_path) as running_firm:
        yield running_firm


async def test_what_was_executed_is_told_from_its_arrival_to_its_result(firm: Firm) -> None:
    name = await firm.signal("BUY_SM")
    alert = await firm.owner.wait_for("BUY_SM executed")
    await firm.settled()
    text = (await firm.owner.ask("/why")).text
    assert text.splitlines()[0] == "✅ BUY_SM WIFUSDC was executed (#1)"
    for said in (
        f"received from kafka:signals ({name}), 0.0 s old",
        "decision: order",
        "· market 0.4801, position 0, pause off, mode auto",
        "· price +0.00% vs. signal, limit +1%",
        "· order value 9.70 of max 5,000 USDC",
        "· open positions 0 of max 5",
        "· P&L today 0.00 USDC, limit -100",
        "sent: 20 at about 0.4801",
        "filled: 20 (order 1)",
        "· 20 at 0.4801, fee 0.02 WIF",
        "Value: 9.60 USDC, average price 0.4801, fee 0.02 WIF",
    ):
        assert said in text
    assert alert.text.endswith("🔎 full story")
    shown = await firm.owner.ask(f"/why {name}")
    assert shown.text == text
    firm.owner.press(shown, "🔎 All details")
    told = await firm.owner.wait_for(lambda message: "notified the owner's chat: executed" in message.text, after=shown)
    assert len(told.text.splitlines()) < 30
    await firm.signal("SELL_SM")
    await firm.owner.wait_for("SELL_SM executed")
    assert "P&L: -0.20%, -0.01919 USDC net" in (await firm.owner.ask("/why WIFUSDC")).text


async def test_by_every_name_and_by_reply_and_by_link(firm: Firm) -> None:
    name = await firm.signal("BUY_SM")
    alert = await firm.owner.wait_for("BUY_SM executed")
    await firm.settled()
    (order,) = (await firm.context.ledger.queries.recent_orders(5))[:1]
    wanted = (await firm.owner.ask("/why")).text
    for known in ("1", "#1", name, order.client_order_id, str(order.order_id), "wifusdc"):
        assert (await firm.owner.ask(f"/why {known}")).text == wanted, known
    assert (await firm.owner.ask("/start why_1")).text == wanted
    firm.owner.send("/why", reply_to=alert)
    assert (await firm.owner.wait_for(lambda message: True, after=firm.owner.messages[-1])).text == wanted
    assert (await firm.person(VIEWER).ask("/why")).text == wanted


async def test_what_was_not_traded_says_why_first_and_has_a_button(firm: Firm) -> None:
    await firm.signal("BUY_SM", close="0.40")
    alert = await firm.owner.wait_for("denied")
    firm.owner.press(alert, "🔎 Why?")
    told = await firm.owner.wait_for("was denied", after=alert)
    assert told.text.splitlines()[:2] == [
        "🚫 BUY_SM WIFUSDC was denied (#1)",
        "Reason: the price moved +20.02% from the signal's 0.4 to 0.4801, more than 1%",
    ]
    assert "· price +20.02% vs. signal, limit +1%" in told.text
    assert firm.owner.now(alert) == alert  # the alert stays as it is


async def test_a_question_is_told_with_its_answer(server: RunningChat, tmp_path: Path) -> None:
    limits = replace(ROOMY, trade_qty=Decimal(40))
    async with firm_on(server, tmp_path, mode=Mode.CONFIRM, limits=limits) as firm:
        await firm.signal("BUY_SM")
        question = await firm.owner.wait_for("trade this?")
        assert "is waiting for approval" in (await firm.owner.ask("/why")).text
        firm.owner.press(question, "½ Half: 20 WIF")
        await firm.owner.wait_for("🟩 BUY_SM executed")
        text = (await firm.owner.ask("/why")).text
        assert "decision: ask for approval" in text
        assert "approved by Owner: 20 at 0.4801" in text
        await firm.signal("SELL_SM")
        question = await firm.owner.wait_for(lambda message: "SELL_SM: trade this?" in message.text)
        firm.owner.press(question, "✖️ Decline")
        await firm.owner.wait_for_edit(question, "declined")
        text = (await firm.owner.ask("/why")).text
        assert text.startswith("✖️ SELL_SM WIFUSDC was declined (#")
        assert "declined by Owner" in text


async def test_what_was_ordered_by_hand_names_the_person(firm: Firm) -> None:
    asked = await firm.trader.ask("/buy WIFUSDC")
    firm.trader.press(asked, "✅ Confirm")
    await firm.owner.wait_for("BUY_MANUAL executed")
    assert "manual order, confirmed by Trader" in (await firm.owner.ask("/why")).text


async def test_an_unreadable_record_has_a_story(firm: Firm) -> None:
    letter = DeadLetter("kafka:signals", "signals/0/17", "it is not JSON", b'{"a<b>', NOON)
    await firm.ledger.store([], dead=[letter], events=[DeadLettersFound(1, letter)])
    text = (await firm.owner.ask("/why signals/0/17")).text
    assert "Unreadable record no. 1\nReason: it is not JSON" in text
    assert 'It begins: {"a<b>' in text
    firm.clock.skip(60)
    alert = await firm.owner.wait_for("Unreadable records: 1")
    firm.owner.send("/why", reply_to=alert)
    assert (await firm.owner.wait_for("Unreadable record no. 1", after=firm.owner.messages[-1])).text == text


async def test_many_in_one_digest_are_offered(firm: Firm) -> None:
    await firm.owner.ask("/mute 1h")
    for _ in range(4):
        await firm.signal("BUY_SM", close="0.40")
    await until(lambda: not len(firm.trading.inbox))
    firm.clock.skip(150)
    firm.owner.send("/mute off")
    digest = await firm.owner.wait_for("4 events", within=15)
    firm.owner.send("/why", reply_to=digest)
    offered = await firm.owner.wait_for("More than one match")
    firm.owner.press(offered, "#2")
    assert "(#2)" in (await firm.owner.wait_for("was denied (#2)")).text


@pytest.mark.parametrize("said", ["/why nothing", "/why #99", "/why mf-0", "/why 'OR--", "/why ٣"])
async def test_what_is_not_known_is_said(firm: Firm, said: str) -> None:
    assert "Nothing found for" in (await firm.owner.ask(said)).text


async def test_there_may_be_nothing_yet(firm: Firm) -> None:
    assert (await firm.owner.ask("/why")).text == "No signals yet."
    assert "is not valid" in (await firm.owner.ask("/why a b")).text
