"""A whole trade on a phone, by taps alone, in both languages: approved, its first target filled, its stop moved, sold."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from bot.texts import LANGUAGES, texts
from core.domain.plan_leg import LegKind
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import PlanState
from core.domain.trading_state import Mode
from core.policy.decision_context import RiskLimits
from core.policy.risk.limits import SETTABLE_LIMITS
from local_telegram.room import Room
from local_telegram.server import running_chat
from tests.bot.conftest import PEOPLE, until
from tests.bot.firm import ROOMY, Firm, firm_on
from tests.local_telegram.test_page import PHONE
from tests.servers.chromium import visit

BOOK = StrategyBook("WIFUSDC")
TOO_WIDE = """() => [...document.querySelectorAll(".message, .buttons button")].filter(
    (one) => one.getBoundingClientRect().right > innerWidth || (one.tagName === "BUTTON" && one.scrollWidth > one.clientWidth + 1)
).map((one) => one.textContent.slice(0, 60))"""


def planned() -> RiskLimits:
    """Returns limits under which an entry brings a stop, two targets, and a stop that follows the first of them."""
    named = {"STOP_LOSS_PCT": "5", "TAKE_PROFIT_PCT": "5:50,10:50", "BREAKEVEN_AFTER": "target"}
    fields = {SETTABLE_LIMITS[name].field: SETTABLE_LIMITS[name].read(value) for name, value in named.items()}
    return replace(ROOMY, trade_qty=Decimal(200), **fields)


class Phone:
    """The owner's phone, beside what the program knows."""

    def __init__(self, page: Page, firm: Firm, language: str) -> None:
        self.page = page
        self.firm = firm
        self.words = texts(language)

    async def tap(self, key: str) -> None:
        """Taps the newest button with the label `key`."""
        await self.button(str(self.words(key))).tap()

    def button(self, label: str) -> Locator:
        return self.page.locator(".buttons").get_by_role("button", name=label, exact=True).last

    async def price(self, value: str) -> None:
        """Moves the market there."""
        self.firm.prices.bid[BOOK.symbol] = Decimal(value)
        await until(lambda: self.firm.trading.market.price(BOOK.symbol) == Decimal(value))

    async def settled(self) -> None:
        """Waits for the program, and looks whether everything fits the screen."""
        await self.firm.settled()
        assert await self.page.evaluate(TOO_WIDE) == []

    def stops(self) -> set[Decimal | None]:
        orders = self.firm.portfolio.resting_for(BOOK)
        return {one.terms.stop_price for one in orders if one.leg is not None and one.leg.kind is LegKind.STOP}

    def held(self) -> Decimal:
        return self.firm.portfolio.position(BOOK).qty


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_trade_by_taps(browser: Browser, tmp_path: Path, language: str) -> None:
    async with (
        running_chat(Room(PEOPLE)) as server,
        firm_on(server, tmp_path, mode=Mode.CONFIRM, limits=planned()) as firm,
        visit(browser, server.page_url, **PHONE) as page,
    ):
        await firm.owner.ask(f"/lang {language}")
        await trade(Phone(page, firm, language))


async def trade(phone: Phone) -> None:
    """Approves an entry with a plan, waits for its first target, moves the stop, sells half, and ends with a panic."""
    firm = phone.firm
    await firm.signal()
    asked = phone.page.locator(".message").filter(has_text="❓")
    for level in ("0.4561", "0.5042", "0.5282"):
        await expect(asked).to_contain_text(str(phone.words.figure(level)))
    await phone.tap("approval.approve")
    await until(lambda: BOOK in firm.portfolio.plans and firm.portfolio.plans[BOOK].state is PlanState.GUARDED)
    await phone.settled()
    assert phone.stops() == {Decimal("0.4561")}

    await phone.price("0.5060")
    await until(lambda: phone.held() < 150)
    await until(lambda: bool(phone.stops()) and phone.stops() != {Decimal("0.4561")})
    await phone.settled()
    (even,) = phone.stops()
    assert even is not None
    assert even > Decimal("0.4801"), "the stop is at the cost, fees included"

    await phone.tap("button.move")
    await phone.page.locator(".buttons").get_by_role("button", name="%").first.tap()
    await phone.tap("confirm.yes")
    await until(lambda: bool(phone.stops()) and phone.stops() != {even})
    await phone.settled()

    left = phone.held()
    await phone.tap("button.half")
    await phone.tap("confirm.yes")
    await until(lambda: 0 < phone.held() <= left / 2 + 1)
    await until(lambda: bool(phone.stops()))
    await phone.settled()

    await firm.owner.ask("/panic")
    await phone.tap("confirm.yes")
    await until(lambda: not firm.portfolio.position(BOOK).is_open and not firm.portfolio.resting)
    await phone.settled()
    await expect(phone.page.locator(".message").filter(has_text="🔴").last).to_be_visible()
