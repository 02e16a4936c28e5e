"""The Mini App in a real browser, on the real core: who may see it, and that a tap does what the chat's would."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlencode

import httpx
import pytest
from playwright.async_api import Browser, Page, Route, expect

from bot.app.web import mini_app
from bot.telegram.web_app_answers import HOME, OpenQuestions, WebAppAnswers
from bot.web.health import create_web_app
from bot.web.server import serve_web
from core.domain.errors import LedgerUnavailable
from core.domain.strategy_book import StrategyBook
from core.domain.trading_state import Mode
from local_telegram.server import RunningChat
from tests.bot.conftest import until
from tests.bot.firm import Firm, firm_on
from tests.bot.parts import OWNER, STRANGER, VIEWER, FastClock, Office
from tests.ring import Ring

BOOK = StrategyBook("WIFUSDC")
# What Telegram's own script gives the page: https://core.telegram.org/bots/webapps#initializing-mini-apps
SCRIPT = "window.Telegram = {WebApp: {initData: decodeURIComponent(location.hash.slice(1)), ready() {}, expand() {}}};"


def signed(firm: Firm, user_id: int, *, minutes_ago: int = 0, token: str = "") -> str:
    """Returns what Telegram hands to the page that a person of the firm opens."""
    return init_data(user_id, firm.clock.now() - timedelta(minutes=minutes_ago), token or firm.server.token)


def init_data(user_id: int, at: datetime, token: str) -> str:
    opened = int(at.timestamp())
    fields = {"auth_date": str(opened), "user": json.dumps({"id": user_id, "first_name": "<b>Ann</b>"})}
    key = hmac.new(b"WebAppData", token.encode(), hashlib.sha256).digest()
    chain = "\n".join(f"{name}={fields[name]}" for name in sorted(fields))
    return urlencode(fields | {"hash": hmac.new(key, chain.encode(), hashlib.sha256).hexdigest()})


@asynccontextmanager
async def serving(firm: Firm) -> AsyncIterator[str]:
    """Yields the address under which the firm's Mini App is served."""
    app = create_web_app({}, "1", mini_app(firm.context, firm.ledger, firm.server.token))
    async with serve_web(app, "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}/app"


async def opened(browser: Browser, address: str, data: str) -> Page:
    """Returns the page as Telegram opens it on a phone. Telegram's script is the only thing from elsewhere that it asks for."""
    context = await browser.new_context(viewport={"width": 390, "height": 800}, locale="en-US")

    async def elsewhere(route: Route) -> None:
        assert route.request.url == "https://telegram.org/js/telegram-web-app.js"
        await route.fulfill(body=SCRIPT, content_type="text/javascript")

    await context.route(lambda url: not url.startswith(address.removesuffix("/app")), elsewhere)
    page = await context.new_page()
    await page.goto(f"{address}#{quote(data)}")
    return page


async def test_a_question_is_approved_and_its_position_closed(server: RunningChat, tmp_path: Path, browser: Browser) -> None:
    async with firm_on(server, tmp_path, mode=Mode.CONFIRM) as firm, serving(firm) as address:
        await firm.signal()
        await until(lambda: bool(firm.portfolio.approvals))
        page = await opened(browser, address, signed(firm, OWNER))
        question = page.locator(".card").filter(has_text="BUY_SM: trade this?")
        await expect(question).to_contain_text("price 0.00% vs. signal")
        await question.get_by_role("button", name="Approve").click()
        await until(lambda: firm.portfolio.position(BOOK).is_open)
        await firm.settled()

        await page.reload()
        position = page.locator(".card").filter(has_text="WIFUSDC")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await page.locator("#menu").get_by_role("button", name="Chart").click()
        await page.get_by_role("button", name="WIFUSDC", exact=True).click()
        await expect(page.get_by_role("img")).to_be_visible()
        await page.locator("#menu").get_by_role("button", name="Positions").click()
        await position.get_by_role("button", name="Close", exact=True).click()
        assert firm.portfolio.position(BOOK).is_open, "nothing is sold before the second tap"
        await page.get_by_role("button", name="Confirm").click()
        await until(lambda: not firm.portfolio.position(BOOK).is_open)
        await firm.settled()


async def test_forged_and_old_data_show_nothing(server: RunningChat, tmp_path: Path, browser: Browser) -> None:
    async with firm_on(server, tmp_path) as firm, serving(firm) as address:
        await firm.held()
        forged = signed(firm, OWNER).replace("1001", "1003")
        for data, said in ((forged, "not signed"), (signed(firm, OWNER, minutes_ago=61), "close it and open it again")):
            page = await opened(browser, address, data)
            await expect(page.locator("#screen")).to_contain_text(said)
            await expect(page.locator("body")).not_to_contain_text("WIF")


@pytest.fixture
async def firm(server: RunningChat, tmp_path: Path) -> AsyncIterator[Firm]:
    async with firm_on(server, tmp_path, mode=Mode.CONFIRM, secret="JBSWY3DPEHPK3PXPJBSWY3DP") as one:
        yield one


async def test_roles_and_codes_are_those_of_the_chat(firm: Firm) -> None:
    await firm.signal()
    await until(lambda: bool(firm.portfolio.approvals))
    (token,) = firm.portfolio.approvals
    async with serving(firm) as address, httpx.AsyncClient(base_url=address) as client:

        async def answer(user_id: int, text: str = "", **how: str) -> httpx.Response:
            headers = {"Authorization": f"tma {signed(firm, user_id, **how)}"}  # type: ignore[arg-type]
            return await client.post("/answer", headers=headers | {"X-Tap": quote(text)})

        def texts(said: httpx.Response) -> str:
            return "\n".join(one["text"] for one in said.json()["messages"])

        assert (await answer(STRANGER)).status_code == 403
        assert (await answer(OWNER, token="1:other")).status_code == 401
        assert (await client.post("/answer")).status_code == 401
        seen = (await answer(VIEWER)).json()["messages"][1]
        assert "trade this?" in seen["text"]
        assert seen["keyboard"] == []
        assert "This needs the role" in texts(await answer(VIEWER, f"ap:{token}:y"))
        assert "/close needs the role" in texts(await answer(VIEWER, "/close all"))
        assert "one-time code" in texts(await answer(OWNER, f"ap:{token}:y"))
        assert "in the chat only" in texts(await answer(OWNER, "/code"))
        assert token in firm.portfolio.approvals
        assert "Declined" in texts(await answer(OWNER, f"ap:{token}:n"))
        await until(lambda: not firm.portfolio.approvals)
        await firm.settled()


@pytest.mark.parametrize("url", ["", "https://marketflow.example.com/app"])
async def test_the_program_serves_it_where_its_address_is_set(ring: Ring, url: str) -> None:
    program = await ring.run(WEB_APP_URL=url)
    said = {"Authorization": f"tma {init_data(OWNER, datetime.now(UTC), ring.chat.token)}", "Host": "marketflow.example.com"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{program.settings['HTTP_PORT']}") as client:
        page, answer = await client.get("/app", headers=said), await client.post("/app/answer", headers=said)
    assert (page.status_code, answer.status_code) == ((200, 200) if url else (404, 404))
    assert not url or "No open positions" in answer.text


async def test_a_stranger_gets_nothing_while_the_ledger_is_away() -> None:
    class Away:
        async def first_time_stranger(self, user_id: int, name: str) -> bool:
            raise LedgerUnavailable("the disk is full")

    office = Office(FastClock())
    assert await WebAppAnswers(office.context, OpenQuestions(), Away()).answer(STRANGER, "Mallory", HOME) is None
    await office.inbox.close()
