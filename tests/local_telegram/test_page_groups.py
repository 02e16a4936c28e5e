"""Several persons at once, groups and topics on the page of the local chat, in a real browser."""

import contextlib
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, expect
from telegram import Bot, BotCommand, InlineKeyboardButton, InlineKeyboardMarkup, ReplyKeyboardMarkup, Update
from telegram.constants import ChatAction, ParseMode

from demo.cast import ALERTS, PEOPLE, QUESTIONS, STRANGER, TRADER, TRADING_DESK, VIEWER
from local_telegram.model import Person
from local_telegram.room import OWNER, Room
from local_telegram.server import RunningChat, running_chat
from tests.chat_client import ChatPerson, api_of
from tests.local_telegram.test_page import PHONE, beyond_the_screen, box, button, message, mine, new_updates
from tests.servers.chromium import visit

DESK = TRADING_DESK.chat_id
APPROVE = InlineKeyboardMarkup([[InlineKeyboardButton("Approve", callback_data="approve")]])


@pytest.fixture
async def server() -> AsyncIterator[RunningChat]:
    async with running_chat(Room(PEOPLE, (TRADING_DESK,))) as chat:
        yield chat


@pytest.fixture
async def api(server: RunningChat) -> AsyncIterator[Any]:
    async with api_of(server) as ready:
        yield ready


@contextlib.asynccontextmanager
async def page_of(
    browser: Browser, server: RunningChat, person: Person, chat: int = 0, topic: int = 0, **window: Any
) -> AsyncIterator[Page]:
    """Yields somebody's page, which shows this place."""
    async with visit(browser, f"{server.page_url}?as={person.user_id}&chat={chat}&topic={topic}", **window) as page:
        yield page


def place(page: Page, name: str) -> Locator:
    """Finds a chat or topic in the list."""
    return page.get_by_role("navigation", name="Chats").get_by_role("button", name=name)


async def say(page: Page, text: str) -> None:
    await box(page).fill(text)
    await box(page).press("Enter")


async def texts(api: Bot) -> list[str | None]:
    """Returns the texts that the bot received."""
    updates: list[Update] = await new_updates(api)  # type: ignore[arg-type]
    return [update.message.text for update in updates if update.message]


async def test_who_i_am_is_seen_and_the_others_are_a_tap_away(browser: Browser, server: RunningChat) -> None:
    async with page_of(browser, server, TRADER) as page:
        people = page.get_by_role("navigation", name="Who you are").get_by_role("link")
        await expect(people).to_have_text(["OOwner", "TTrader", "VViewer", "SStranger"])
        await expect(page.locator("#people [aria-current]")).to_have_text("TTrader")
        await expect(page.get_by_role("heading")).to_have_text("MarketFlow as Trader")
        await expect(page).to_have_title("Trader · MarketFlow")
        async with page.context.expect_page() as opening:
            await people.filter(has_text="Stranger").click()
        other = await opening.value
        await expect(other.get_by_role("heading")).to_have_text("MarketFlow as Stranger")
        await other.get_by_role("button", name="Start", exact=True).click()
        await expect(mine(other, "/start")).to_be_visible()
        await expect(other.get_by_role("button", name="Start", exact=True)).to_be_hidden()
        await expect(page.locator(".message")).to_have_count(0)


async def test_what_is_said_in_a_group_everybody_sees_at_once(browser: Browser, server: RunningChat, api: Bot) -> None:
    async with (
        page_of(browser, server, TRADER, DESK, QUESTIONS) as trader,
        page_of(browser, server, VIEWER, DESK, QUESTIONS) as viewer,
        page_of(browser, server, STRANGER, DESK) as stranger,
    ):
        await expect(trader.get_by_role("heading")).to_have_text("Trading desk › Questions as Trader")
        await expect(trader.locator("#status")).to_have_text("5 members")
        await expect(trader.locator(".service")).to_have_text("Owner made the topic “Questions”")
        await say(trader, "shall we buy?")
        await say(viewer, "I only look")
        for page in (trader, viewer):
            await expect(page.locator(".message .text")).to_have_text(["shall we buy?", "I only look"])
        await expect(message(viewer, "shall we buy?").locator(".sender")).to_have_text("Trader")
        await expect(mine(viewer, "I only look")).to_be_visible()
        await expect(stranger.locator(".message")).to_have_count(0)
        await expect(place(stranger, "Questions unread")).to_be_visible()
        await place(stranger, "Questions").click()
        await expect(stranger.locator(".message .text")).to_have_text(["shall we buy?", "I only look"])
        await expect(place(stranger, "Questions unread")).to_have_count(0)
        await stranger.go_back()
        await expect(stranger.get_by_role("heading")).to_have_text("Trading desk › General as Stranger")
        await say(trader, "/status")
        assert await texts(api) == ["/status"]  # the bot received nothing else


async def test_a_tap_in_a_group_is_answered_to_who_tapped(browser: Browser, server: RunningChat, api: Bot) -> None:
    await api.send_message(DESK, "trade this?", message_thread_id=ALERTS, reply_markup=APPROVE)
    async with (
        page_of(browser, server, VIEWER, DESK, ALERTS) as viewer,
        page_of(browser, server, TRADER, DESK, ALERTS) as trader,
    ):
        await button(viewer, "Approve").click()
        (update,) = await new_updates(api)  # type: ignore[arg-type]
        assert update.callback_query
        assert update.callback_query.from_user.id == VIEWER.user_id
        await update.callback_query.answer("You may only look", show_alert=True)
        await expect(viewer.get_by_role("dialog")).to_contain_text("You may only look")
        await update.callback_query.edit_message_text("Approved by nobody")
        for page in (viewer, trader):
            await expect(page.locator(".message .text")).to_have_text(["Approved by nobody"])
        await expect(trader.get_by_role("dialog")).to_have_count(0)


async def test_in_a_group_a_picked_command_names_the_bot(browser: Browser, server: RunningChat, api: Bot) -> None:
    await api.set_my_commands([BotCommand("status", "How it stands")])
    async with page_of(browser, server, TRADER, DESK) as page:
        await box(page).fill("/st")
        await page.get_by_role("option").click()
        await expect(mine(page, "/status@marketflow_local_bot")).to_be_visible()
        await api.send_message(DESK, "Try /pnl")
        await page.get_by_role("button", name="/pnl").click()
        await expect(mine(page, "/pnl@marketflow_local_bot")).to_be_visible()
        assert await texts(api) == ["/status@marketflow_local_bot", "/pnl@marketflow_local_bot"]


async def test_a_link_to_the_bot_leads_from_the_group_to_its_chat(browser: Browser, server: RunningChat, api: Bot) -> None:
    link = "https://t.me/marketflow_local_bot?start=why_12"
    buttons = InlineKeyboardMarkup([[InlineKeyboardButton("Tell me", url=link)]])
    await api.send_message(DESK, f'<a href="{link}">Why?</a>', ParseMode.HTML, reply_markup=buttons)
    await api.send_message(DESK, "https://t.me/another_bot?start=x and t.me/marketflow_local_bot?start=y")
    async with page_of(browser, server, TRADER, DESK) as page:
        await expect(page.get_by_role("link", name="https://t.me/another_bot")).to_have_attribute("target", "_blank")
        await page.get_by_role("button", name="Why?").click()
        await expect(page.get_by_role("heading")).to_have_text("MarketFlow as Trader")
        await expect(mine(page, "/start why_12")).to_be_visible()
        await place(page, "General").click()
        await button(page, "Tell me").click()
        await expect(mine(page, "/start why_12")).to_have_count(2)
        await place(page, "General").click()
        await page.get_by_role("button", name="t.me/marketflow_local_bot?start=y").click()
        await expect(mine(page, "/start y")).to_be_visible()
        updates = await new_updates(api)  # type: ignore[arg-type]
        assert {update.message.chat.id for update in updates if update.message} == {TRADER.user_id}


async def test_a_keyboard_in_a_group_answers_the_bot(browser: Browser, server: RunningChat, api: Bot) -> None:
    keys = ReplyKeyboardMarkup([["Status"]], is_persistent=True, resize_keyboard=True, input_field_placeholder="Ask me")
    brought = await api.send_message(DESK, "keys", message_thread_id=ALERTS, reply_markup=keys)
    async with page_of(browser, server, TRADER, DESK, ALERTS) as page:
        await expect(page.get_by_title("Show the bot's keyboard")).to_be_hidden()  # a persistent one stays
        await expect(box(page)).to_have_attribute("placeholder", "Ask me")
        await page.get_by_role("group", name="The bot's keyboard").get_by_role("button", name="Status").click()
        (update,) = await new_updates(api)  # type: ignore[arg-type]
        assert update.message
        assert update.message.reply_to_message
        assert (update.message.text, update.message.reply_to_message.message_id) == ("Status", brought.message_id)
        await place(page, "Questions").click()
        await expect(page.locator("#keyboard")).to_be_hidden()


async def test_what_the_bot_is_at_is_shown_in_its_topic(browser: Browser, server: RunningChat, api: Bot) -> None:
    async with page_of(browser, server, TRADER, DESK, ALERTS) as page:
        await api.send_chat_action(DESK, ChatAction.UPLOAD_PHOTO, message_thread_id=ALERTS)
        await expect(page.locator("#status")).to_have_text("MarketFlow is sending a picture")
        await place(page, "General").click()
        await expect(page.locator("#status")).to_have_text("5 members")


async def test_on_a_phone_the_chats_are_behind_a_button(browser: Browser, server: RunningChat, api: Bot) -> None:
    people = [ChatPerson(server.room, person).at(DESK) for person in (TRADER, VIEWER)]
    for count in range(6):
        people[count % 2].send(f"{'unbroken' * 20} {count}")
    async with page_of(browser, server, OWNER, **PHONE) as page:
        await expect(place(page, "Alerts")).to_be_hidden()
        await api.send_message(DESK, "sold", message_thread_id=ALERTS, reply_markup=APPROVE)
        await expect(page.locator("#list .dot")).to_be_visible()
        await page.get_by_title("Chats", exact=True).tap()
        await place(page, "Alerts unread").tap()
        await expect(message(page, "sold")).to_be_in_viewport(ratio=1)
        await expect(place(page, "Alerts")).to_be_hidden()
        await message(page, "sold").locator(".text").tap()
        await message(page, "sold").get_by_title("Reply").tap()
        await say(page, "why?")
        (update,) = await new_updates(api)  # type: ignore[arg-type]
        assert update.message
        assert update.message.reply_to_message
        assert update.message.reply_to_message.text == "sold"
        await page.get_by_title("Chats", exact=True).tap()
        await place(page, "General").tap()
        await expect(message(page, re.compile("unbroken 5"))).to_be_in_viewport()
        assert await beyond_the_screen(page) == []


async def test_an_empty_chat_says_what_the_bot_is_and_takes_an_invitation(
    browser: Browser, server: RunningChat, api: Bot
) -> None:
    server.room.profile.description[""] = "It trades."
    async with page_of(browser, server, STRANGER, **PHONE) as page:
        await expect(page.locator("#welcome p")).to_have_text("It trades.")
        await expect(page.locator("#welcome")).to_be_in_viewport(ratio=1)
        invitation = page.get_by_role("textbox", name="With a link of invitation")
        await invitation.fill("https://t.me/another_bot?start=in_1")
        await page.get_by_role("button", name="Open").tap()
        await expect(page.locator(".toast")).to_have_text("That is no link to this bot")
        await invitation.fill("https://t.me/marketflow_local_bot?start=in_1")
        await page.get_by_role("button", name="Open").tap()
        await expect(mine(page, "/start in_1")).to_be_visible()
        await expect(page.locator("#welcome")).to_be_hidden()
        await say(page, "t.me/marketflow_local_bot?start=in_2")
        await expect(mine(page, "/start in_2")).to_be_visible()
        await api.send_message(STRANGER.user_id, "t.me/marketflow_local_bot?start=in_3")
        await page.get_by_role("button", name="start=in_3").tap()
        await expect(mine(page, "/start in_3")).to_be_visible()
    assert await texts(api) == ["/start in_1", "/start in_2", "/start in_3"]
    async with page_of(browser, server, TRADER) as page:
        await page.locator("#welcome").get_by_role("button", name="Start").click()
        await expect(mine(page, "/start")).to_be_visible()


async def test_an_empty_topic_says_what_can_be_tried_there(browser: Browser, server: RunningChat, api: Bot) -> None:
    async with page_of(browser, server, TRADER, DESK, ALERTS, **PHONE) as page:
        await expect(page.locator("#welcome")).to_be_in_viewport(ratio=1)
        await page.get_by_role("button", name="/health").tap()
        await expect(mine(page, "/health@marketflow_local_bot")).to_be_visible()
        await expect(page.locator("#welcome")).to_be_hidden()
    assert await texts(api) == ["/health@marketflow_local_bot"]
