"""The menu of settings: one message, buttons that lead to the same change as /set, values typed as people type them."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from bot.commands.settings import GROUPS
from bot.texts import LANGUAGES, texts
from core.domain.strategy_book import StrategyBook
from core.policy.risk.limits import SETTABLE_LIMITS
from core.policy.strategy_settings import EVERY, Override, StrategySettings
from local_telegram.model import Message
from local_telegram.server import RunningChat
from tests.bot.commands.test_acting import confirmed
from tests.bot.conftest import DESK, until
from tests.bot.firm import ROOMY, Firm, firm_on
from tests.bot.parts import OWNER
from tests.bot.table import an_authenticator
from tests.chat_client import ChatPerson

DATA_BYTES = 64  # core.telegram.org/bots/api#inlinekeyboardbutton
IN_USE = replace(ROOMY, trade_quote=Decimal(50), stop_loss_pct=Decimal(5))


@pytest.fixture
async def firm(server: RunningChat, tmp_path: Path) -> AsyncIterator[Firm]:
    """Yields a program whose entries are of 50 USDC with a stop of 5 %."""
    async with firm_on(server, tmp_path, limits=IN_USE) as running:
        yield running


async def tap(person: ChatPerson, message: Message, button: str) -> Message:
    """Taps a button, by its text or data; returns the same message as it is then."""
    person.press(message, button)
    return await person.wait_for_edit(message)


def names() -> Iterator[str]:
    for group in GROUPS.values():
        yield from group


def test_each_setting_of_the_chat_is_in_one_group_and_has_its_words() -> None:
    assert sorted(names()) == sorted(SETTABLE_LIMITS)
    for language in LANGUAGES:
        words = texts(language)
        labels = [words(f"setting.{name}") for name in SETTABLE_LIMITS]
        assert len(set(labels)) == len(labels)
        assert all(len(label) <= 24 for label in labels), "two stand in a row on a phone"


async def test_the_way_from_the_menu_to_a_change_and_back_is_one_message(firm: Firm) -> None:
    menu = await firm.owner.ask("/settings")
    assert "stop 5% below the entry" in menu.text
    group = await tap(firm.owner, menu, "Exit plan")
    assert "PROTECTION best_effort (only in .env, then restart)" in group.text
    page = await tap(firm.owner, group, "Stop")
    assert "Now: 5%" in page.text
    assert "Set in .env or the environment" in page.text
    assert "Program's default: not set" in page.text
    asked = await tap(firm.owner, page, "3%")
    assert "STOP_LOSS_PCT: 5 → 3" in asked.text
    assert "Next entry (WIFUSDC): 50.00 USDC\nAt its stop it loses 1.60 USDC instead of 2.59 USDC, fees included." in asked.text
    done = await tap(firm.owner, asked, "✅ Confirm")
    assert done.text.startswith("✅ Done. Owner, ")
    assert "Now: 3%\nSet in the chat by Owner, " in done.text
    assert "Without the chat (.env): 5%" in done.text
    assert firm.portfolio.limits.stop_loss_pct == 3
    again = await tap(firm.owner, done, "↩️ Without the chat: 5%")
    await tap(firm.owner, again, "✅ Confirm")
    await until(lambda: firm.portfolio.limits.stop_loss_pct == 5)
    back = await tap(firm.owner, await tap(firm.owner, firm.owner.now(menu) or menu, "‹ Exit plan"), "‹ Settings")
    assert back.text == menu.text
    await firm.settled()
    of_the_menu = [one for one in firm.owner.received if "⚙️ Settings" in one.text or "Now:" in one.text]
    assert [one.message_id for one in of_the_menu] == [menu.message_id]
    assert "STOP_LOSS_PCT 5 → 3" in (await firm.owner.ask("/audit")).text


async def test_cancelling_and_waiting_too_long_lead_back_to_the_page(firm: Firm) -> None:
    asked = await firm.owner.ask("/settings STOP_LOSS_PCT 3")
    left = await tap(firm.owner, asked, "✖️ Cancel")
    assert left.text.startswith("✖️ Cancelled. Owner")
    assert "Now: 5%" in left.text
    asked = await tap(firm.owner, left, "8%")
    firm.clock.skip(62)
    over = await firm.owner.wait_for_edit(asked, "Expired, nothing was done")
    assert "Now: 5%" in (await tap(firm.owner, over, "‹ Exit plan")).text or firm.portfolio.limits.stop_loss_pct == 5


@pytest.mark.parametrize("name", SETTABLE_LIMITS)
async def test_each_page_says_where_its_value_is_from_and_its_buttons_ask_for_what_they_say(firm: Firm, name: str) -> None:
    page = await firm.owner.ask(f"/settings {name}")
    assert f"({name})" in page.text
    assert "rogram's default" in page.text
    for button in page.buttons:
        assert len(button.data.encode()) <= DATA_BYTES
        if button.data.startswith(f"/settings {name} ") and not button.data.endswith(" type"):
            asked = await firm.owner.ask(button.data)
            assert f"{name}: " in asked.text, asked.text
            assert any(one.data.startswith("ok:") for one in asked.buttons), asked.text


@pytest.mark.parametrize("group", GROUPS)
async def test_each_group_is_a_page_with_a_way_back(firm: Firm, group: str) -> None:
    menu = await firm.owner.ask("/settings")
    page = await tap(firm.owner, menu, f"/settings {group}")
    assert page.buttons[-1].data == "/settings"
    assert all(name in page.text for name in GROUPS[group])


@pytest.mark.parametrize(("typed", "value"), [("3", "3"), ("3,5 %", "3.5"), ("4%", "4"), ("off", None), ("выкл", None)])
async def test_a_typed_value_is_asked_about_in_the_same_message(firm: Firm, typed: str, value: str | None) -> None:
    page = await firm.owner.ask("/settings STOP_LOSS_PCT")
    waiting = await tap(firm.owner, page, "✏️ Type a value")
    assert "For example: 5\n" in waiting.text
    firm.owner.send(typed)
    asked = await firm.owner.wait_for_edit(waiting, "STOP_LOSS_PCT: 5 → ")
    await tap(firm.owner, asked, "✅ Confirm")
    await until(lambda: firm.portfolio.limits.stop_loss_pct == (None if value is None else Decimal(value)))


async def test_a_wrong_value_says_why_and_the_next_message_is_taken_again(firm: Firm) -> None:
    waiting = await tap(firm.owner, await firm.owner.ask("/settings MAX_ORDER_NOTIONAL"), "✏️ Type a value")
    firm.owner.send("1,500")
    wrong = await firm.owner.wait_for_edit(waiting, "1,500 can be 1500 or 1.500: write one of them.")
    firm.owner.send("1.5k usdc")
    asked = await firm.owner.wait_for_edit(wrong, "MAX_ORDER_NOTIONAL: 5,000 USDC → 1,500 USDC")
    assert firm.portfolio.limits.max_order_notional == 5000, asked.text


async def test_a_command_a_tap_and_time_end_the_wait(firm: Firm) -> None:
    page = await firm.owner.ask("/settings STOP_LOSS_PCT")
    waiting = await tap(firm.owner, page, "✏️ Type a value")
    await firm.owner.ask("/risk")
    assert "I understand commands" in (await firm.owner.ask("7")).text
    waiting = await tap(firm.owner, await tap(firm.owner, waiting, "‹ Don't change it"), "✏️ Type a value")
    page = await tap(firm.owner, waiting, "‹ Don't change it")
    assert "I understand commands" in (await firm.owner.ask("7")).text
    waiting = await tap(firm.owner, page, "✏️ Type a value")
    firm.clock.skip(125)
    assert "I understand commands" in (await firm.owner.ask("7")).text
    assert "Now: 5%" in (await firm.owner.wait_for_edit(waiting)).text
    assert firm.portfolio.limits.stop_loss_pct == 5


async def test_in_a_group_only_a_reply_is_the_value(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path, limits=IN_USE, main=DESK.chat_id) as firm:
        owner = firm.owner.at(DESK.chat_id)
        waiting = await tap(owner, await owner.ask("/settings STOP_LOSS_PCT"), "✏️ Type a value")
        assert "Reply to this message" in waiting.text
        owner.send("what about 7?")
        owner.send("4", reply_to=waiting)
        await owner.wait_for_edit(waiting, "STOP_LOSS_PCT: 5 → 4")


async def test_what_another_owner_has_changed_meanwhile_is_not_overwritten(firm: Firm) -> None:
    asked = await firm.owner.ask("/settings MAX_ORDER_NOTIONAL 4000")
    other = await firm.owner.ask("/set MAX_ORDER_NOTIONAL 300")
    await confirmed(firm.owner, other)
    await until(lambda: firm.portfolio.limits.max_order_notional == 300)
    late = await tap(firm.owner, asked, "✅ Confirm")
    assert "MAX_ORDER_NOTIONAL has changed since you were asked, it is 300 now" in late.text
    assert "Now: 300 USDC" in late.text
    assert firm.portfolio.limits.max_order_notional == 300


async def test_a_button_of_a_stale_page_says_what_is_so_and_nothing_else(firm: Firm) -> None:
    page = await firm.owner.ask("/settings STOP_LOSS_PCT")
    await confirmed(firm.owner, await firm.owner.ask("/set STOP_LOSS_PCT 3"))
    await until(lambda: firm.portfolio.limits.stop_loss_pct == 3)
    same = await tap(firm.owner, page, "3%")
    assert same.text.startswith("STOP_LOSS_PCT is already 3.")
    assert "Now: 3%" in same.text


async def test_what_raises_risk_needs_a_code_and_leads_back_to_the_page(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path, limits=IN_USE, secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP") as firm:
        refused = await firm.owner.ask("/settings STOP_LOSS_PCT off")
        assert "you have no authenticator yet" in refused.text
        assert refused.buttons[-1].text == "‹ Exit plan"
        await an_authenticator(firm, OWNER)
        asked = await tap(firm.owner, refused, "off")
        assert "Without a stop nothing sells it when the price falls" in asked.text
        coded = await tap(firm.owner, asked, "✅ Confirm")
        assert "six digits" in coded.text
        assert firm.portfolio.limits.stop_loss_pct == 5
        lower = await firm.owner.ask("/settings STOP_LOSS_PCT 3")
        done = await tap(firm.owner, lower, "✅ Confirm")
        assert "Now: 3%" in done.text


async def test_the_menu_is_its_owners(firm: Firm) -> None:
    for said in ("/settings", "/settings size", "/settings STOP_LOSS_PCT", "/settings STOP_LOSS_PCT 3"):
        assert "needs the role owner" in (await firm.trader.ask(said)).text


async def test_values_of_strategies_and_symbols_are_named(firm: Firm) -> None:
    firm.portfolio.strategy_settings = StrategySettings({StrategyBook(EVERY, "waves"): Override({"stop_loss_pct": Decimal(9)})})
    assert "Not for waves: they have a value of their own" in (await firm.owner.ask("/settings STOP_LOSS_PCT")).text
    assert "Not for waves" in (await firm.owner.ask("/set STOP_LOSS_PCT 3")).text


async def test_an_unknown_name_offers_those_that_were_probably_meant(firm: Firm) -> None:
    for said, meant in (("stop", "STOP_LOSS_PCT"), ("MAX_ORDER", "MAX_ORDER_NOTIONAL"), ("drawdown", "MAX_DRAWDOWN_PCT")):
        answered = await firm.owner.ask(f"/settings {said} 5")
        assert f"/settings {meant} 5" in [button.data for button in answered.buttons]
    assert [one.data for one in (await firm.owner.ask("/settings xyzzy")).buttons] == ["/settings"]


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("/settings MAX_OPEN_POSITIONS 1", "Open or being bought now: 1; room for 0 more."),
        ("/settings MAX_OPEN_POSITIONS 1", "That is reached already"),
        ("/settings DAILY_LOSS_LIMIT 50", "Lost today: 0.00 USDC; 50.00 USDC left until entries stop."),
        ("/settings MAX_LOSING_EXITS 3", "Losing exits in a row now: 0"),
        ("/settings TRADE_QUOTE 100", "100.00 USDC instead of 50.00 USDC"),
        ("/settings TAKE_PROFIT_PCT 5", "Open positions keep the plan they have"),
    ],
)
async def test_a_change_is_asked_about_in_numbers(firm: Firm, said: str, line: str) -> None:
    await firm.held()
    assert line in (await firm.owner.ask(said)).text
