"""The page's looks and handling: contrast in both themes, overflow, keyboard navigation."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect
from telegram import (
    BotCommand,
    CopyTextButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaDocument,
    InputMediaPhoto,
    ReplyKeyboardMarkup,
    ReplyParameters,
)
from telegram.constants import ParseMode
from telegram.ext import ExtBot

from demo.cast import PEOPLE, TRADER, TRADING_DESK
from local_telegram.levers import Lever
from local_telegram.room import OWNER, Room
from local_telegram.server import RunningChat, running_chat
from tests.chat_client import ChatPerson, api_of
from tests.local_telegram.test_bot_api import png
from tests.local_telegram.test_page import PHONE, beyond_the_screen, box, message, mine
from tests.servers.chromium import visit

CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")
DESK = TRADING_DESK.chat_id
RICH = (
    "<b>bold</b> <i>italic</i> <code>code</code> <a href='https://example.com'>link</a> /pnl #tag\n"
    "<pre>block</pre><blockquote>quoted</blockquote><blockquote expandable>long</blockquote> <tg-spoiler>hidden</tg-spoiler>"
)
BUTTONS = InlineKeyboardMarkup(
    [
        [InlineKeyboardButton("Plain", callback_data="a"), InlineKeyboardButton("Copy", copy_text=CopyTextButton("42"))],
        [
            InlineKeyboardButton(style.title(), callback_data=style, api_kwargs={"style": style})
            for style in ("danger", "success", "primary")
        ],
    ]
)


@pytest.fixture
async def server() -> AsyncIterator[RunningChat]:
    async with running_chat(Room(PEOPLE, (TRADING_DESK,))) as chat:
        yield chat


@pytest.fixture
async def api(server: RunningChat) -> AsyncIterator[ExtBot[None]]:
    async with api_of(server) as ready:
        yield ready


@pytest.fixture
async def scene(server: RunningChat, api: ExtBot[None]) -> RunningChat:
    """Fills a chat and a group with one of each thing that can be shown."""
    server.room.levers = (Lever("It breaks", "It is mended.", lambda: None, lambda: 30.0),)
    await api.set_my_commands([BotCommand("status", "How it stands")])
    trader = ChatPerson(server.room, TRADER)
    for chat_id, person in ((TRADER.user_id, trader), (DESK, trader.at(DESK))):
        first = await api.send_message(chat_id, RICH, ParseMode.HTML, reply_markup=BUTTONS)
        person.send("an answer with a /command", reply_to=person.received[0])
        person.send_file("mine.txt", b"1")
        await first.edit_text(RICH + "!", ParseMode.HTML, reply_markup=BUTTONS)
        answered = ReplyParameters(person.messages[-1].message_id)
        await api.send_photo(chat_id, png(300, 200), caption="a picture", reply_parameters=answered)
        await api.send_document(chat_id, b"1", filename="trades.csv", caption="a file")
    ChatPerson(server.room, OWNER).at(DESK).send("somebody else")
    keys = ReplyKeyboardMarkup([["/status", "Help"]], resize_keyboard=True, input_field_placeholder="Ask")
    await api.send_message(TRADER.user_id, "keys", reply_markup=keys)
    await api.pin_chat_message(TRADER.user_id, 1)
    return server


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("chat", [0, DESK])
async def test_every_text_can_be_read(browser: Browser, scene: RunningChat, theme: Any, chat: int) -> None:
    url = f"{scene.page_url}?as={TRADER.user_id}&chat={chat}"
    async with visit(browser, url, color_scheme=theme) as page:
        await expect(page.locator(".document")).to_have_count(2)
        await page.locator("#promises").click()
        assert await page.evaluate(CONTRAST) == []
        await box(page).fill("/")
        await page.evaluate("document.dispatchEvent(new CustomEvent('copy-text', { detail: '42' }))")
        await page.locator(".message .answer").nth(1).dispatch_event("click")
        assert await page.evaluate(CONTRAST) == []


@pytest.mark.parametrize("chat", [0, DESK])
async def test_nothing_is_wider_than_a_phone(browser: Browser, scene: RunningChat, chat: int) -> None:
    async with visit(browser, f"{scene.page_url}?as={TRADER.user_id}&chat={chat}", **PHONE) as page:
        await expect(page.locator(".document")).to_have_count(2)
        await page.locator("#promises").tap()
        await expect(page.get_by_role("button", name="It breaks")).to_be_in_viewport(ratio=1)
        assert await beyond_the_screen(page) == []


async def test_all_of_it_is_reached_by_the_keyboard(browser: Browser, scene: RunningChat) -> None:
    async with visit(browser, f"{scene.page_url}?as={TRADER.user_id}") as page:
        await expect(page.locator(".document")).to_have_count(2)
        await page.locator("#people a").first.focus()
        reached = [await _tab(page) for _ in range(60)]
        wanted = ["Stranger", "It breaks", "Theme", "General", "Pinned message", "hidden", "Plain", "Copy", "Open", "trades.csv"]
        for name in [*wanted, "Message", "/status", "Send a picture or a file"]:
            assert any(name in one for one in reached), (name, reached)
        await message(page, "hidden").locator(".spoiler").focus()
        await page.keyboard.press("Enter")
        await expect(message(page, "hidden").locator(".spoiler")).to_have_class("spoiler shown")
        await page.get_by_title("Open").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("dialog", name="Photo")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog", name="Photo")).to_be_hidden()
        await expect(page.get_by_title("Open")).to_be_focused()


async def _tab(page: Page) -> str:
    """Presses Tab; returns the focused element."""
    await page.keyboard.press("Tab")
    found: str = await page.evaluate(
        "[document.activeElement.title, document.activeElement.ariaLabel, document.activeElement.textContent].join(' ')"
    )
    return found


async def test_a_message_becomes_another_picture_or_a_file(browser: Browser, server: RunningChat, api: ExtBot[None]) -> None:
    buttons = InlineKeyboardMarkup.from_button(InlineKeyboardButton("30d", callback_data="30"))
    sent = await api.send_photo(OWNER.user_id, png(300, 200), caption="7 days", reply_markup=buttons)
    async with visit(browser, server.page_url) as page:
        await expect(message(page, "7 days").get_by_role("img")).to_be_visible()
        wider = InputMediaPhoto(png(400, 200), caption="<b>30</b> days", parse_mode=ParseMode.HTML)
        await sent.edit_media(wider, reply_markup=buttons)
        await expect(message(page, "30 days").locator(".photo")).to_have_css("aspect-ratio", "400 / 200")
        await expect(page.locator(".buttons button")).to_have_text("30d")
        await page.get_by_title("Open").click()
        viewer = page.get_by_role("dialog", name="Photo")
        await expect(viewer.locator("p")).to_have_text("30 days")
        await viewer.get_by_role("button", name="Close").click()
        await expect(viewer).to_be_hidden()
        await sent.edit_media(InputMediaDocument(b"a,b\n", filename="all.csv", caption="all"))
        await expect(message(page, "all").locator(".document")).to_contain_text("all.csv4 B")
        await expect(page.locator(".photo, .buttons")).to_have_count(0)
        await sent.edit_caption("all of them", caption_entities=None)
        await expect(message(page, "all of them").locator(".meta")).to_contain_text("edited")


async def test_a_keyboard_sends_its_text_and_is_removed(browser: Browser, server: RunningChat, api: ExtBot[None]) -> None:
    async with visit(browser, server.page_url, **PHONE) as page:
        keys, toggle = page.get_by_role("group", name="The bot's keyboard"), page.get_by_title("Show the bot's keyboard")
        await api.send_message(OWNER.user_id, "keys", reply_markup=ReplyKeyboardMarkup([["Yes", "No"]], one_time_keyboard=True))
        await keys.get_by_role("button", name="Yes").tap()
        await expect(mine(page, "Yes")).to_be_visible()
        await expect(keys).to_be_hidden()
        await toggle.tap()
        await expect(keys).to_be_visible()
        await api.send_message(OWNER.user_id, "gone", reply_markup={"remove_keyboard": True})  # type: ignore[arg-type]
        await expect(keys).to_be_hidden()
        await expect(toggle).to_be_hidden()
        force = {"force_reply": True, "input_field_placeholder": "Your name"}
        await api.send_message(OWNER.user_id, "Who are you?", reply_markup=force)  # type: ignore[arg-type]
        await expect(page.locator("#replying")).to_contain_text("Who are you?")
        await expect(box(page)).to_have_attribute("placeholder", "Your name")


async def test_the_words_of_the_page_are_the_readers(browser: Browser, scene: RunningChat) -> None:
    async with visit(browser, f"{scene.page_url}?as={TRADER.user_id}", locale="ru-RU", **PHONE) as page:
        words = await page.evaluate("import('/page/words.js').then(({ WORDS }) => WORDS)")
        holes = [{key: set(re.findall(r"{\w+}", said)) for key, said in words[language].items()} for language in ("en", "ru")]
        assert holes[0] == holes[1]
        await expect(page.locator("html")).to_have_attribute("lang", "ru")
        await expect(page.locator(".day")).to_have_text("Сегодня")
        await expect(page.locator("#promises")).to_have_attribute("title", "Проверить обещания")
        await expect(page.get_by_title("Отправить", exact=True)).to_be_visible()
        await expect(page.locator("#theme")).to_have_attribute("title", "Тема: как в системе")
        await page.locator("#promises").tap()
        await expect(page.locator("#levers p")).to_have_text(re.compile("Сломайте что-нибудь"))
        titles: list[str] = await page.evaluate("[...document.querySelectorAll('button[title]')].map((one) => one.title)")
        assert [title for title in titles if not re.search("[а-я]", title)] == []


async def test_the_promises_have_a_word_on_a_phone(browser: Browser, scene: RunningChat) -> None:
    scene.room.levers = (Lever("It breaks", "It is mended.", lambda: None, lambda: 0.0),)
    longest = max(PEOPLE, key=lambda person: len(person.first_name))
    async with visit(browser, f"{scene.page_url}?as={longest.user_id}", **PHONE) as page:
        await expect(page.locator("#promises em")).to_be_visible()
        await expect(page.locator("#promises em")).to_have_text("Break it")
        await expect(page.locator("#people [aria-current]")).to_be_in_viewport(ratio=1)
        assert await page.locator("#people").evaluate("people => people.scrollWidth <= people.clientWidth")
        assert await beyond_the_screen(page) == []


async def test_a_note_does_not_cover_what_one_writes_with(browser: Browser, server: RunningChat, api: ExtBot[None]) -> None:
    await api.send_message(OWNER.user_id, "<code>copy me</code>", ParseMode.HTML)
    async with visit(browser, server.page_url, **PHONE) as page:
        await box(page).fill("one\ntwo\nthree")
        await page.evaluate("document.dispatchEvent(new CustomEvent('copy-text', { detail: 'x' }))")
        await expect(page.locator(".toast")).to_be_visible()
        note, composer = await page.locator(".toast").bounding_box(), await page.locator("#composer").bounding_box()
        assert note
        assert composer
        assert note["y"] + note["height"] <= composer["y"]


@pytest.mark.parametrize("window", [{}, PHONE])
async def test_buttons_are_as_wide_as_their_bubble(
    browser: Browser, server: RunningChat, api: ExtBot[None], window: dict[str, Any]
) -> None:
    row = [InlineKeyboardButton(label, callback_data=label) for label in ("Yes", "Rather not today")]
    for text, labels in (("?", row), ("a question of some length, to be answered", row[:1])):
        await api.send_message(OWNER.user_id, text, reply_markup=InlineKeyboardMarkup([labels]))
    async with visit(browser, server.page_url, **window) as page:
        for told in await page.locator(".message").all():
            bubble, buttons = await told.locator(".bubble").bounding_box(), await told.locator(".buttons").bounding_box()
            assert bubble
            assert buttons
            assert bubble["width"] == pytest.approx(buttons["width"], abs=1)
        lines = "button => button.getBoundingClientRect().height"
        assert await page.get_by_role("button", name="Rather not today").evaluate(lines) < 45  # its label fits on one line
