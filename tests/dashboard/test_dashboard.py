"""The dashboard in a real browser: every page, on a phone and on a wide screen, in both languages."""

import csv
import io
import re
from datetime import timedelta

from playwright.async_api import Browser, Page, expect

from core.records.commit_batch import CommitBatch
from tests.dashboard.conftest import EARLIER, PASSWORD, Dashboard, traded

CHART = ".vega-embed :is(canvas, svg)"
WIDE = {"width": 1440, "height": 1000}


async def figure(page: Page, name: str) -> str:
    return await page.locator(f'[data-figure="{name}"] .value').first.inner_text()


async def assert_it_fits(page: Page) -> None:
    """Waits until nothing of the page is wider than its window."""
    main = "document.querySelector('[data-testid=stMain]')"
    await page.wait_for_function(f"{main}.scrollWidth <= {main}.clientWidth")


async def test_nothing_is_shown_without_the_password(browser: Browser, dashboard: Dashboard) -> None:
    context = await browser.new_context(locale="ru-RU")
    page = await context.new_page()
    answer = await page.goto(dashboard.url("results"))
    assert answer is not None
    assert answer.status == 401
    await expect(page.get_by_text("Это DASHBOARD_PASSWORD из настроек")).to_be_visible()
    await page.get_by_label("Пароль").fill(PASSWORD)
    await page.get_by_role("button", name="Войти").click()
    await expect(page.locator(".badge")).to_have_text("PAPER")
    await context.close()


async def test_the_first_page_on_a_phone(browser: Browser, dashboard: Dashboard) -> None:
    async with dashboard.opened(browser, "?period=7d") as page:
        await expect(page.locator(".badge")).to_have_text("PAPER")
        await expect(page.get_by_text("exposed since 12:00:00 UTC")).to_be_visible()
        cards = page.locator(".card")
        await expect(cards.filter(has_text="WIFUSDC")).to_contain_text("0.4750 (-5.00%)")
        await expect(page.locator("td").filter(has_text="target 2 of 2")).to_be_visible()
        assert await figure(page, "Last profit") == "+0.50%"
        assert (await figure(page, "Net result"), await figure(page, "Win rate")) == ("+0.50 USDC", "100.00%")
        await assert_it_fits(page)
        await dashboard.ledger.commit(CommitBatch(executions=[traded(1003, timedelta(minutes=5), "-0.25")]))
        await expect(page.locator('[data-figure="Net result"] .value')).to_have_text("+0.25 USDC")  # it came by itself
        await page.get_by_text("How each figure is counted").click()
        await expect(page.get_by_text("Exits with a net profit, in per cent of all exits.")).to_be_visible()
        await page.get_by_role("button", name="Filters").click()
        async with page.expect_download() as downloading:
            await page.get_by_role("button", name="Trades as CSV").click()
        path = await (await downloading.value).path()
        rows = list(csv.DictReader(io.StringIO(path.read_text())))
        assert [row["profit_quote"] for row in rows] == ["-0.25", "0.5", ""]
        await page.get_by_role("combobox", name="Strategy").click()
        await page.get_by_role("option", name="waves", exact=True).click()
        await expect(page).to_have_url(re.compile("[?]period=7d&strategy=waves$"))
        await page.keyboard.press("Escape")
        await expect(page.get_by_text("Not shown: 2 of another symbol or strategy")).to_be_visible()
        await expect(page.get_by_text("No order rests on the exchange.")).to_be_visible()
        await page.get_by_role("link", name="Results").click()
        await expect(page).to_have_url(re.compile("/results[?]period=7d&strategy=waves$"))
        await expect(page.get_by_text("Nothing was sold in this time.")).to_be_visible()


async def test_results_and_chart_on_a_wide_screen_in_russian(browser: Browser, dashboard: Dashboard) -> None:
    days = f"results?period=days&since=2026-03-01&until={EARLIER[-1].executed_at:%Y-%m-%d}&lang=ru"
    async with dashboard.opened(browser, days, viewport=WIDE, color_scheme="dark") as page:
        exits = [one for one in EARLIER if one.profit_quote is not None and one.quote_asset == "USDC"]
        won = sum(one.profit_quote > 0 for one in exits if one.profit_quote is not None)
        await expect(page.locator('[data-figure="Винрейт"]').first).to_contain_text(f"{won} из {len(exits)}")
        await expect(page.get_by_text("По стратегиям")).to_be_visible()
        await expect(page.locator(CHART)).to_have_count(6)  # curve, drawdown and days, of both quote assets
        await page.get_by_role("link", name="Исполнение").click()
        await expect(page.get_by_text("По символам")).to_be_visible()
        await expect(page.locator('[data-figure="Исполнено"]').first).to_be_visible()
        await assert_it_fits(page)
        await page.get_by_role("link", name="График").click()
        await expect(page.get_by_text("модельный рынок демо")).to_be_visible()
        await expect(page.locator(CHART)).to_have_count(1)
        await assert_it_fits(page)
        await page.goto(dashboard.url("chart?symbol=WIFUSDC&span=24h&lang=ru"))
        await expect(page.get_by_text("1 закрытая сделка: +0,50 USDC")).to_be_visible()
        await page.goto(dashboard.url("chart?symbol=BNBUSDT"))
        await expect(page.get_by_text("No chart of BNBUSDT")).to_be_visible()


async def test_a_signal_and_its_story_on_a_phone(browser: Browser, dashboard: Dashboard) -> None:
    async with dashboard.opened(browser, "signals") as page:
        await expect(page.get_by_role("link", name="BUY_SM WIFUSDC").first).to_be_visible()
        await assert_it_fits(page)
        await page.get_by_role("link", name="BUY_SM WIFUSDC").first.click()
        await expect(page).to_have_url(re.compile("signal=1$"))
        await expect(page.locator(".story")).to_contain_text("received from kafka:t")
        await page.goto(dashboard.url("signals?signal=nobody"))
        await expect(page.get_by_text("There is no signal nobody in this ledger.")).to_be_visible()
        await page.get_by_role("link", name="Health").click()
        await expect(page.get_by_text("A password is asked for")).to_be_visible()
        await page.goto(dashboard.url("?strategy=tides&mode=moon&period=never&lang=xx"))
        await expect(page.get_by_text("Not shown: 3 of another symbol or strategy").first).to_be_visible()
        await expect(page.get_by_role("button", name="tides")).to_be_visible()
        assert await figure(page, "Last profit") == "none yet"
        assert await page.locator(".card").count() == 0
