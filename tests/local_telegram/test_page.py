"""The page of the local chat in a real browser, with the real bot on the other side.

Each visit also proves that the page was loaded once, sent requests only to its own server, and reported no error.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, FilePayload, Locator, Page, expect
from telegram import (
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    ReplyKeyboardMarkup,
    ReplyParameters,
    Update,
)
from telegram.constants import ChatAction, ParseMode
from telegram.ext import ExtBot

from bot.commands import COMMANDS
from bot.telegram.client import connect
from core.domain.approval import ApprovalState
from core.domain.events.access import StrangerSeen
from core.domain.events.approvals import ApprovalClosed, ApprovalRequested
from core.domain.messages import ApprovalAnswered
from core.domain.reasons import reason
from core.domain.signal import Side
from local_telegram.levers import Lever
from local_telegram.page_view import FIRST_PAGE
from local_telegram.room import Room
from local_telegram.server import RunningChat, running_chat
from tests.bot.conftest import PEOPLE, Bot, bot_on, running
from tests.bot.parts import OWNER, VIEWER, FastClock, Office, approval, executed
from tests.chat_client import api_of
from tests.local_telegram.test_bot_api import png
from tests.local_telegram.wire import wire_to
from tests.owner_deliveries import owners_notifier
from tests.ring import Ring
from tests.servers.chromium import WAIT_MS, visit

TOKEN = "a1b2c3d4e5f6g7h8"
EVIL = "<img src=x onerror='hacked=1'>&lt;b>"
LINE_DOWN = "Failed to load resource|net::ERR"  # the browser's own console messages
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 3,
    "is_mobile": True,
    "has_touch": True,
}
TWO = InlineKeyboardMarkup([[InlineKeyboardButton("Yes", callback_data="yes"), InlineKeyboardButton("No", callback_data="no")]])


@pytest.fixture
async def server() -> AsyncIterator[RunningChat]:
    async with running_chat(Room(PEOPLE)) as chat:
        yield chat


@pytest.fixture
async def page(browser: Browser, server: RunningChat) -> AsyncIterator[Page]:
    """Yields the owner's page on a desktop."""
    async with visit(browser, server.page_url) as opened:
        yield opened


@pytest.fixture
async def api(server: RunningChat) -> AsyncIterator[ExtBot[None]]:
    """Yields the Bot API, as python-telegram-bot calls it."""
    async with api_of(server) as ready:
        yield ready


@pytest.fixture
async def bot(server: RunningChat) -> AsyncIterator[Bot]:
    """Yields the bot, with a position, that answers and sends alerts."""
    office = await Office(FastClock()).with_position()
    notifier = owners_notifier(connect(server.token, server.api_url), OWNER, office.ledger, office.context.clock)
    async with bot_on(server, office) as answering, running(notifier.run()):
        yield answering


def box(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Message")


def message(page: Page, text: str | re.Pattern[str]) -> Locator:
    """Finds the bot's message with this text."""
    return page.locator(".message:not(.mine)").filter(has_text=text)


def mine(page: Page, text: str) -> Locator:
    return page.locator(".message.mine").filter(has_text=text)


def button(page: Page, label: str) -> Locator:
    """Finds an inline button."""
    return page.locator(".buttons").get_by_role("button", name=label)


async def weight(element: Locator) -> int:
    return int(await element.evaluate("element => getComputedStyle(element).fontWeight"))


async def natural_size(image: Locator) -> list[int]:
    """Returns the size of a loaded picture; its space is reserved before."""
    await image.evaluate("image => image.decode()")
    size: list[int] = await image.evaluate("image => [image.naturalWidth, image.naturalHeight]")
    return size


async def new_updates(api: ExtBot[None]) -> list[Update]:
    """Returns the updates that are not confirmed yet, at least one; confirms them."""
    updates = list(await api.get_updates(timeout=10))
    await api.get_updates(offset=updates[-1].update_id + 1)
    return updates


# Commands


async def test_a_command_that_is_typed_is_answered(bot: Bot, page: Page) -> None:
    await expect(page.get_by_title("Send", exact=True)).to_be_disabled()
    await box(page).press_sequentially("/status")
    await box(page).press("Enter")
    await expect(message(page, "trading: PAPER")).to_be_visible()
    await expect(mine(page, "/status")).to_be_visible()
    await expect(box(page)).to_have_value("")

    await box(page).fill("/positions")
    await page.get_by_title("Send", exact=True).click()
    await expect(message(page, "WIFUSDC: 19.98 WIF")).to_be_visible()
    await expect(page.locator(".message")).to_have_count(4)

    await box(page).fill("/help")
    await box(page).press("Enter")
    await message(page, "/pnl").get_by_role("button", name="/positions").click()
    await expect(message(page, "WIFUSDC: 19.98 WIF")).to_have_count(2)


async def test_a_command_is_picked_from_the_menu_or_after_a_slash(bot: Bot, page: Page) -> None:
    await page.get_by_role("button", name="Menu").click()
    offered = page.get_by_role("listbox", name="Commands").get_by_role("option")
    await expect(offered.locator("b")).to_have_text([f"/{command.name}" for command in COMMANDS])
    await offered.filter(has_text="/positions").click()
    await expect(message(page, "WIFUSDC: 19.98 WIF")).to_be_visible()
    await expect(offered).to_have_count(0)
    await expect(mine(page, "/positions")).to_have_count(1)

    await box(page).press_sequentially("/p")
    await expect(offered.locator("b")).to_have_text(["/positions", "/pnl", "/performance", "/protect", "/panic", "/pause"])
    await box(page).press_sequentially("n")
    await expect(offered.locator("b")).to_have_text(["/pnl"])
    await box(page).press("Tab")
    await expect(box(page)).to_have_value("/pnl ")
    await expect(offered).to_have_count(0)

    await box(page).fill("/")
    await expect(offered).to_have_count(len(COMMANDS))
    await box(page).press("ArrowDown")
    await box(page).press("ArrowDown")
    await expect(page.locator("[aria-selected=true] b")).to_have_text("/positions")
    await box(page).press("Enter")
    await expect(message(page, "WIFUSDC: 19.98 WIF")).to_have_count(2)

    await box(page).fill("/st")
    await expect(offered.locator("b")).to_have_text(["/status", "/stats", "/strategies", "/start"])
    await box(page).press("Escape")
    await expect(offered).to_have_count(0)


async def test_the_menu_stays_when_one_was_typing(bot: Bot, page: Page) -> None:
    menu, offered = page.get_by_role("button", name="Menu"), page.get_by_role("option")
    await box(page).click()
    await page.clock.install()
    await menu.click()
    await page.clock.fast_forward(1_000)
    assert await offered.count() == len(COMMANDS)
    await menu.click()
    await page.clock.fast_forward(1_000)
    assert await offered.count() == 0


# Alerts


async def test_an_alert_appears_by_itself_in_its_formatting(bot: Bot, page: Page) -> None:
    await expect(page.locator("#status")).to_have_text("bot")
    bot.office.ledger.add(executed(), executed(Side.SELL))
    sold = message(page, "🔴 SELL_SM executed")
    await expect(message(page, "🟩 BUY_SM executed").locator("b")).to_have_text("🟩 BUY_SM executed")
    await expect(sold.locator("b")).to_have_text("🔴 SELL_SM executed")
    await expect(sold.locator(".text")).to_contain_text("Symbol: WIFUSDC\nPrice: 0.4805\nProfit: +7.8%", use_inner_text=True)
    assert await weight(sold.locator("b")) >= 600
    assert await weight(sold.locator(".text")) == 400

    bot.office.ledger.add(StrangerSeen(6666, EVIL))
    told = message(page, "wrote to the bot")
    await expect(told.locator("b")).to_have_text(EVIL)
    await expect(told.locator("code")).to_have_text(["6666"])
    await expect(told.locator(".text *")).to_have_count(3)


async def test_nothing_from_outside_is_markup_wherever_it_stands(
    api: ExtBot[None], browser: Browser, server: RunningChat
) -> None:
    await api.set_my_description(EVIL)
    await api.set_my_commands([BotCommand("evil", EVIL)])
    async with visit(browser, server.page_url) as page:
        await expect(page.locator("#welcome")).to_contain_text(EVIL)
        buttons = InlineKeyboardMarkup([[InlineKeyboardButton(EVIL, callback_data="tap")]])
        first = await api.send_message(OWNER, EVIL, reply_markup=buttons)
        await api.send_photo(OWNER, png(300, 200), caption=EVIL, reply_parameters=ReplyParameters(first.message_id))
        await api.send_document(OWNER, b"1", filename=EVIL)
        keyboard = ReplyKeyboardMarkup([[KeyboardButton(EVIL)]], input_field_placeholder=EVIL)
        await api.send_message(
            OWNER, f"<b>&lt;img src=x&gt;</b> <code>{'&amp;lt;'}</code>", ParseMode.HTML, reply_markup=keyboard
        )
        await api.pin_chat_message(OWNER, first.message_id)

        await expect(page.locator(".message .text")).to_have_text([EVIL, EVIL, "<img src=x> &lt;"])
        await expect(page.locator(".quote span")).to_have_text(EVIL)
        await expect(page.locator(".photo img")).to_have_attribute("alt", EVIL)
        await expect(page.locator(".document b")).to_have_text(EVIL)
        await expect(page.locator("#pinned span")).to_have_text(EVIL)
        await expect(box(page)).to_have_attribute("placeholder", EVIL)
        await box(page).fill("/")
        await expect(page.get_by_role("option")).to_have_text(f"/evil{EVIL}")
        await box(page).fill("")

        await page.locator("#keyboard").get_by_text(EVIL).click()
        await expect(page.locator(".message.mine .text")).to_have_text(EVIL)
        assert [update.message.text for update in await new_updates(api) if update.message] == [EVIL]
        for alert, shown in ((False, ".toast"), (True, "#alert p")):
            await button(page, EVIL).click()
            (update,) = await new_updates(api)
            assert update.callback_query
            await update.callback_query.answer(EVIL, show_alert=alert)
            await expect(page.locator(shown)).to_have_text(EVIL)
        await page.get_by_role("button", name="OK").click()
        await expect(page.locator("#alert")).to_be_hidden()
        await expect(page.get_by_role("link", name="<b>Mallory</b>")).to_be_visible()

        await expect(page.locator("img[src=x]")).to_have_count(0)
        assert await page.evaluate("typeof hacked") == "undefined"


# Approvals


async def test_an_approval_is_tapped_answered_and_becomes_the_record(bot: Bot, page: Page) -> None:
    bot.office.portfolio.approvals[TOKEN] = approval(TOKEN)
    bot.office.ledger.add(ApprovalRequested(approval(TOKEN), "WIF", "USDC"))
    asked = message(page, "trade this?")
    await expect(asked.locator(".buttons button")).to_have_text(["✅ Approve", "✖️ Decline"])
    place = await asked.get_attribute("id")
    bot.office.trading.hold = asyncio.Event()

    await button(page, "✅ Approve").click()
    await expect(button(page, "✅ Approve")).to_be_disabled()  # until the bot has answered
    bot.office.trading.hold.set()
    await expect(page.get_by_role("status").locator(".toast")).to_have_text("Approved. You'll get the result here.")
    await expect(button(page, "✅ Approve")).to_be_enabled()
    (answered,) = bot.office.trading.handled
    assert answered.body == ApprovalAnswered(TOKEN, approve=True, user_id=OWNER, who="Owner")

    bot.office.ledger.add(ApprovalClosed(approval(TOKEN, ApprovalState.APPROVED, "Ann <b>"), "WIF", "USDC", reason("paused")))
    record = page.locator(f"#{place}")
    await expect(record.locator(".text b")).to_have_text("🚫 BUY_SM: approved, but not traded")
    await expect(record).to_contain_text("Ann <b>, 12:00:10 UTC")
    await expect(record.locator(".meta")).to_contain_text("edited")
    await expect(page.locator(".buttons")).to_have_count(0)
    await expect(page.locator(".message")).to_have_count(1)


async def test_a_question_asked_in_the_browser_trades_at_the_exchange(ring: Ring, browser: Browser) -> None:
    await ring.run()
    async with visit(browser, ring.chat.page_url) as page:
        await box(page).fill("/mode confirm")
        await box(page).press("Enter")
        await expect(message(page, "each trade needs your approval").first).to_be_visible()
        await ring.publish("BUY_SM", 0.4801)
        await expect(message(page, "trade this?")).to_be_visible()
        assert ring.orders == []
        await button(page, "Approve").click()
        await expect(message(page, "🟩 BUY_SM executed")).to_be_visible()
        await expect(message(page, "✅ BUY_SM approved")).to_be_visible()
        await expect(button(page, "Approve")).to_have_count(0)
    assert ring.orders == [("BUY", Decimal(20))]


# Pictures and files


async def test_a_photo_is_shown_and_a_file_can_be_saved(page: Page, api: ExtBot[None]) -> None:
    await api.send_photo(OWNER, png(320, 200), caption="<b>WIF</b>", parse_mode=ParseMode.HTML)
    photo = message(page, "WIF").get_by_role("img", name="WIF")
    await expect(photo).to_be_in_viewport(ratio=1)
    assert await natural_size(photo) == [320, 200]
    shown = await photo.bounding_box()
    assert shown is not None
    assert shown["width"] / shown["height"] == pytest.approx(1.6, abs=0.02)
    await page.get_by_title("Open").click()
    large = page.get_by_role("dialog", name="Photo").locator("img")
    await expect(large).to_be_visible()
    assert await natural_size(large) == [320, 200]
    await large.click()
    await expect(large).to_be_hidden()

    await api.send_document(OWNER, b"a,b\n1,2\n", filename="Сделки <1>.csv", caption="October")
    async with page.expect_download() as saving:
        await page.get_by_role("link", name="Сделки <1>.csv").click()
    saved = await saving.value
    assert saved.suggested_filename == "Сделки _1_.csv"  # the browser's own: no file system takes < and >
    assert await asyncio.to_thread(Path(await saved.path()).read_bytes) == b"a,b\n1,2\n"


async def test_a_person_sends_a_photo_and_a_file(page: Page, api: ExtBot[None]) -> None:
    picture = png(64, 48)
    files: list[FilePayload] = [
        {"name": "chart.png", "mimeType": "image/png", "buffer": picture},
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"hello"},
    ]
    for file, caption in zip(files, ("my chart", ""), strict=True):
        await box(page).fill(caption)
        async with page.expect_file_chooser() as choosing:
            await page.get_by_title("Send a picture or a file").click()
        await (await choosing.value).set_files(file)
        await expect(box(page)).to_have_value("")
    assert await natural_size(mine(page, "my chart").locator("img")) == [64, 48]
    await expect(page.locator(".message.mine .document")).to_contain_text("notes.txt5 B")

    sent = [update.message for update in await new_updates(api)]
    assert [(one.caption, bool(one.photo), bool(one.document)) for one in sent if one] == [
        ("my chart", True, False),
        (None, False, True),
    ]
    assert sent[0]
    assert sent[1]
    assert sent[1].document
    assert bytes(await (await sent[0].photo[-1].get_file()).download_as_bytearray()) == picture
    assert bytes(await (await sent[1].document.get_file()).download_as_bytearray()) == b"hello"


# Changes


async def test_an_edit_is_shown_in_place_and_a_deletion_leaves_nothing(page: Page, api: ExtBot[None]) -> None:
    await api.send_chat_action(OWNER, ChatAction.TYPING)
    await expect(page.locator("#status")).to_have_text("typing")
    first, second, third = [await api.send_message(OWNER, f"number {count}") for count in (1, 2, 3)]
    said = page.locator(".message .text")
    await expect(said).to_have_text(["number 1", "number 2", "number 3"])
    await expect(page.locator("#status")).to_have_text("bot")
    await second.edit_text("<i>another</i>", ParseMode.HTML, reply_markup=TWO)
    await expect(said).to_have_text(["number 1", "another", "number 3"])
    await expect(message(page, "another").locator("i")).to_have_text("another")
    await expect(message(page, "another").locator(".meta")).to_contain_text("edited")
    await expect(page.locator(".buttons button")).to_have_text(["Yes", "No"])
    await second.edit_reply_markup(None)
    await expect(page.locator(".buttons")).to_have_count(0)
    await first.delete()
    await expect(said).to_have_text(["another", "number 3"])
    await second.delete()
    await third.delete()
    await expect(page.locator(".message, .day")).to_have_count(0)


async def test_a_long_chat_is_loaded_as_one_scrolls_up(server: RunningChat, browser: Browser, api: ExtBot[None]) -> None:
    for count in range(FIRST_PAGE + 20):
        server.room.send(OWNER, f"number {count}")
    async with visit(browser, server.page_url) as page:
        said = page.locator(".message")
        await expect(said).to_have_count(FIRST_PAGE)
        await expect(said.last).to_be_in_viewport(ratio=1)
        await said.first.scroll_into_view_if_needed()
        await expect(said).to_have_count(FIRST_PAGE + 20)
        await expect(said.first).to_contain_text("number 0")
        await api.send_message(OWNER, "news")
        down = page.get_by_title("To the newest message")
        await expect(down).to_have_text("1")
        await expect(message(page, "news")).not_to_be_in_viewport()


async def test_everybody_sees_their_own_chat(server: RunningChat, browser: Browser) -> None:
    server.room.send(OWNER, "from the owner")
    async with visit(browser, f"{server.page_url}?as={VIEWER}") as page:
        await expect(page.locator("#people [aria-current] .name")).to_have_text("Viewer")
        await box(page).fill("from the viewer")
        await box(page).press("Enter")
        await expect(page.locator(".message .text")).to_have_text(["from the viewer"])
    assert [one.text for one in server.room.messages(VIEWER)] == ["from the viewer"]


# A phone


async def test_on_a_phone_everything_is_within_the_screen(
    bot: Bot, server: RunningChat, api: ExtBot[None], browser: Browser
) -> None:
    long = "unbroken" * 40
    async with visit(browser, server.page_url, **PHONE) as page:
        first = await api.send_message(OWNER, f"{long} https://example.com/{long}")
        await api.send_message(OWNER, f"<pre>{long}</pre><code>{long}</code>", ParseMode.HTML)
        await api.send_photo(OWNER, png(1200, 300), caption=long, reply_parameters=ReplyParameters(first.message_id))
        await api.send_document(OWNER, b"1", filename=f"{long[:120]}.csv")
        await api.pin_chat_message(OWNER, first.message_id)
        await api.send_message(OWNER, "keys", reply_markup=ReplyKeyboardMarkup([["/status", "/positions"], [long[:40]]]))
        await box(page).fill(long)
        await page.get_by_title("Send", exact=True).tap()
        await expect(mine(page, long)).to_be_visible()
        await natural_size(page.get_by_role("img", name=long))
        bot.office.portfolio.approvals[TOKEN] = approval(TOKEN)
        bot.office.ledger.add(ApprovalRequested(approval(TOKEN), "WIF", "USDC"))

        for label in ("✅ Approve", "✖️ Decline"):
            await expect(button(page, label)).to_be_in_viewport(ratio=1)
        for title in ("Commands", "Send", "Send a picture or a file", "Show the bot's keyboard"):
            await expect(page.get_by_title(title, exact=True)).to_be_in_viewport(ratio=1)
        await expect(box(page)).to_be_in_viewport(ratio=1)
        await expect(page.locator("#keyboard button")).to_have_count(3)
        assert await beyond_the_screen(page) == []

        await button(page, "✅ Approve").tap()
        toast = page.locator(".toast")
        await expect(toast).to_have_text("Approved. You'll get the result here.")
        assert await beyond_the_screen(page) == []
        await page.get_by_role("button", name="Commands").tap()
        await page.get_by_role("option").filter(has_text="/positions").tap()
        await expect(message(page, "WIFUSDC: 19.98 WIF")).to_be_in_viewport(ratio=1)
        assert await beyond_the_screen(page) == []


async def beyond_the_screen(page: Page) -> list[str]:
    """Returns everything beyond a side of the window, or that could be scrolled there, except the inside of a block of code."""
    found: list[str] = await page.evaluate(
        """() => [...document.querySelectorAll("body *")].filter((element) => {
          const { left, right } = element.getBoundingClientRect();
          const wide = element.scrollWidth > element.clientWidth && getComputedStyle(element).overflowX !== "hidden";
          return left < -0.5 || right > innerWidth + 0.5 || (wide && element.matches("html, body, main"));
        }).map((element) => element.outerHTML.slice(0, 80)).concat(innerWidth === 390 ? [] : [`the window: ${innerWidth}`])"""
    )
    return found


# The connection to the server


async def test_the_page_can_ask_nobody_else(server: RunningChat, browser: Browser) -> None:
    """Makes it try another server: the browser holds the page to its own."""
    async with running_chat() as elsewhere, visit(browser, server.page_url, excused="Content Security Policy|Failed to") as page:
        await expect(page.locator("#status")).to_have_text("bot")
        attempt = "url => fetch(url, { mode: 'no-cors' }).then(() => 'answered', () => 'refused')"
        assert await page.evaluate(attempt, elsewhere.page_url) == "refused"
        assert await page.evaluate(attempt, server.page_url) == "answered"


async def test_after_a_cut_the_page_shows_what_it_missed(server: RunningChat, browser: Browser, api: ExtBot[None]) -> None:
    async with wire_to(server.port) as wire, visit(browser, wire.url, excused=LINE_DOWN) as page:
        kept, changed, gone = [await api.send_message(OWNER, text, reply_markup=TWO) for text in ("kept", "old", "gone")]
        said, status = page.locator(".message .text"), page.locator("#status")
        await expect(said).to_have_text(["kept", "old", "gone"])
        await wire.cut()
        await expect(status).to_have_text("connecting")
        await box(page).fill("/status")
        await box(page).press("Enter")
        await expect(page.locator(".toast")).to_be_visible()
        await expect(box(page)).to_have_value("/status")  # an unsent text is not lost
        await changed.edit_text("new")
        await gone.delete()
        await api.send_message(OWNER, "missed")
        await expect(said).to_have_text(["kept", "old", "gone"])

        await wire.mend()
        await expect(said).to_have_text(["kept", "new", "missed"])
        await expect(status).to_have_text("bot")
        await box(page).press("Enter")
        await expect(said).to_have_text(["kept", "new", "missed", "/status"])
        await kept.edit_text("still followed")
        await expect(said.first).to_have_text("still followed")


async def test_the_page_finds_a_server_that_was_started_anew(browser: Browser) -> None:
    """Restarts the server, also with an answer after which the browser itself gives up a stream of events."""
    async with running_chat(Room(PEOPLE)) as old, running_chat(Room(PEOPLE)) as new, wire_to(old.port) as wire:
        for text in ("one", "two", "three"):
            old.room.send(OWNER, text)
        async with visit(browser, wire.url, excused=LINE_DOWN) as page:
            said = page.locator(".message .text")
            await expect(said).to_have_text(["one", "two", "three"])
            await wire.cut(busy=True)
            await asyncio.wait_for(wire.turned_away.wait(), WAIT_MS / 1000)
            await expect(page.locator("#status")).to_have_text("connecting")
            new.room.send(OWNER, "another chat")
            wire.port = new.port
            await wire.mend()
            await expect(said).to_have_text(["another chat"])
            new.room.send(OWNER, "goes on")
            await expect(said).to_have_text(["another chat", "goes on"])


async def test_a_theme_is_chosen_and_remembered(server: RunningChat, browser: Browser) -> None:
    async with visit(browser, server.page_url, color_scheme="dark") as page:
        root, switch = page.locator("html"), page.get_by_role("button", name="Theme")
        await expect(root).to_have_attribute("data-theme", "dark")
        await expect(switch).to_have_attribute("title", "Theme: as your system")
        await switch.click()
        await expect(root).to_have_attribute("data-theme", "light")
        async with page.context.expect_page() as opening:
            await page.get_by_role("link", name="Viewer").click()
        other = await opening.value
        await expect(other.locator("html")).to_have_attribute("data-theme", "light")
        await switch.click()
        await expect(root).to_have_attribute("data-theme", "dark")
        await expect(other.get_by_role("button", name="Theme")).to_have_attribute("title", "Theme: dark")


async def test_a_visitor_may_have_things_go_wrong(bot: Bot, page: Page) -> None:
    seconds = [0.0]
    bot.room.levers = (Lever("The exchange is away", "Nothing is lost.", lambda: seconds.append(30.0), lambda: seconds[-1]),)
    await bot.owner.ask("/positions")
    promises = page.locator("#promises")
    await promises.click()
    await page.get_by_role("button", name="The exchange is away").click()
    await expect(page.locator(".toast")).to_contain_text("Watch what the bot does")
    assert seconds[-1] == 30
    await expect(promises).to_have_text(re.compile(r"The exchange is away: (30|29) s"))
    await promises.click()
    await expect(page.locator("#levers").get_by_role("button")).to_be_disabled()
    await page.keyboard.press("Escape")
    await expect(page.locator("#levers")).to_be_hidden()


async def test_a_link_to_the_bot_tells_a_story_or_lets_somebody_in(bot: Bot, page: Page) -> None:
    await box(page).fill("/users invite viewer")
    await box(page).press("Enter")
    await page.get_by_role("button", name="https://t.me/").click()
    guest = page.get_by_role("dialog").get_by_role("link", name="Mallory")
    await expect(guest).to_have_attribute("href", re.compile(r"/\?as=6666#start=in_\w"))
    await bot.owner.ask("/why")
