"""/chart and /theme: pictures renewed in place, what they cover and show, and plain words where there is none."""

import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image

from bot.commands.caller import Caller
from bot.commands.chart import COMMAND, chart_of
from bot.reports.charts import Bars, Candles, Chart, Curve
from bot.texts import texts
from bot.views.chat_message import ChatMessage
from core.domain.access import Role
from core.domain.candle import Candle, Interval
from core.domain.errors import ExchangeUnavailable, SymbolUnknown
from core.domain.exit_plan import ExitPlan, Level, StopLoss, Target
from core.domain.instrument import Balance
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import PlanState, TradePlan
from core.records.commit_batch import CommitBatch
from local_telegram.server import RunningChat
from tests.bot.commands.test_reading import execution, filled
from tests.bot.conftest import until
from tests.bot.firm import Firm, firm_on
from tests.bot.parts import OWNER

WIF = "WIFUSDC"
CALLER = Caller(OWNER, "Owner", Role.OWNER, "1", OWNER)


@pytest.fixture
async def firm(server: RunningChat, tmp_path: Path) -> AsyncIterator[Firm]:
    async with firm_on(server, tmp_path) as running_firm:
        yield running_firm


@dataclass
class Asked:
    """Asks `/chart` as the owner, and keeps what would be drawn."""

    firm: Firm
    charts: list[Chart] = field(default_factory=list)

    async def draw(self, chart: Chart) -> bytes:
        self.charts.append(chart)
        return b"a picture"

    async def ask(self, said: str) -> ChatMessage:
        return await COMMAND.run(replace(self.firm.context, draw=self.draw), said.split(), CALLER)

    async def candles(self, said: str) -> Candles:
        """Returns the chart of a symbol."""
        assert (await self.ask(said)).photo
        chart = self.charts[-1]
        assert isinstance(chart, Candles)
        return chart


@pytest.fixture
def asked(firm: Firm) -> Asked:
    return Asked(firm)


async def test_a_chart_is_a_picture_that_is_renewed_in_place(firm: Firm) -> None:
    assert "Nothing to chart yet" in (await firm.owner.ask("/chart")).text
    await filled(firm, ["1.5", "-0.5", "2"])
    shown = await firm.owner.ask("/chart", within=30)
    assert shown.photo is not None
    assert "Net profit, USDC" in shown.text
    firm.owner.press(shown, "daily")
    await firm.owner.wait_for_edit(shown, "by day", within=30)
    of_symbol = await firm.owner.ask("/chart wif", within=30)
    assert of_symbol.photo is not None
    assert "WIFUSDC" in of_symbol.text
    firm.owner.press(of_symbol, "24 h")
    await firm.owner.wait_for_edit(of_symbol, "WIFUSDC, 15 min", within=30)
    report = await firm.owner.ask("/report month", within=30)
    assert report.photo is not None


async def test_a_dot_marks_the_chart_that_is_shown_in_every_language(firm: Firm) -> None:
    assert [button.text for button in (await firm.owner.ask("/chart")).buttons[:2]] == ["● equity", "daily"]
    await firm.owner.ask("/lang ru")
    assert [button.text for button in (await firm.owner.ask("/chart daily")).buttons[:2]] == ["капитал", "● по дням"]
    shown = [button.text for button in (await firm.owner.ask("/chart WIFUSDC неделя", within=30)).buttons]
    assert shown[:2] == ["капитал", "по дням"]
    assert "● 7 дней" in shown


async def test_the_report_of_a_day_draws_that_day(firm: Firm) -> None:
    await filled(firm, ["1.5", "-0.5", "2"])
    today = firm.clock.now().date()
    drawn = await chart_of(firm.context, "equity", today)
    assert isinstance(drawn, Curve)
    assert (drawn.values, drawn.head.title) == ((0.0, 2.0), f"Net profit since {texts('en').day(today)} UTC, USDC")
    ever = await chart_of(firm.context, "equity", None)
    assert isinstance(ever, Curve)
    assert ever.values == (0.0, 1.5, 1.0, 3.0)
    week = await chart_of(firm.context, "daily", today - timedelta(days=1))
    assert isinstance(week, Bars)
    assert week.values == (-0.5, 2.0)


@pytest.mark.parametrize(("said", "values"), [("daily 2d", (-0.5, 2.0)), ("daily 24h", (2.0,)), ("daily all", (1.5, -0.5, 2.0))])
async def test_results_of_a_period(firm: Firm, asked: Asked, said: str, values: Sequence[float]) -> None:
    await filled(firm, ["1.5", "-0.5", "2"])
    assert (await asked.ask(said)).photo
    (chart,) = asked.charts
    assert isinstance(chart, Bars)
    assert chart.values == values


async def test_results_are_shown_in_per_cent_of_what_there_was_before(firm: Firm) -> None:
    await filled(firm, ["1.5", "-0.5", "2"])
    firm.portfolio.balances = {"USDC": Balance("USDC", Decimal(10_003))}
    firm.portfolio.balances_at = firm.clock.now()
    chart = await chart_of(firm.context, "equity", None)
    assert chart is not None
    assert chart.head.details[0] == "+0.03% of capital · 3 closed trades"


async def test_candles_of_the_exchange_with_everything_of_ours(firm: Firm, asked: Asked) -> None:
    await firm.held()
    book, now = StrategyBook(WIF), firm.clock.now()
    exits = ExitPlan(StopLoss(Level(Decimal("0.47"))), (Target(Level(Decimal("0.52"))),))
    firm.portfolio.plans[book] = TradePlan("mf-1", WIF, exits, PlanState.GUARDED, Decimal("0.4801"), now, 1)
    chart = await asked.candles("wif 24h")
    assert set(chart.closes) == {0.4801}
    assert len(chart.times) in (96, 97)
    assert datetime.fromisoformat(chart.times[-1]) <= now
    mark, *others = chart.marks
    assert (mark.is_entry, mark.price, others) == (True, 0.4801, [])
    lines = {line.kind: line.value for line in chart.lines}
    held = firm.portfolio.position(book)
    assert lines == {"average": float(held.average_cost), "stop": 0.47, "target": 0.52, "price": 0.4801}
    assert chart.head.details[0] == "19.98 WIF at 0.480581: -0.009602 USDC (-0.10%)"


async def test_a_closed_trade_is_marked_with_its_profit(firm: Firm, asked: Asked) -> None:
    await firm.held()
    firm.prices.bid[WIF] = Decimal("0.5220")
    await until(lambda: firm.trading.market.price(WIF) == Decimal("0.5220"))
    await firm.signal("SELL_SM")
    await firm.settled()
    chart = await asked.candles("WIFUSDC")
    ((_, trade),) = await firm.context.ledger.queries.recent_trades(1)
    bought, sold = chart.marks
    assert (bought.is_entry, bought.label, sold.is_entry, sold.price) == (True, "", False, 0.522)
    assert (sold.label, sold.tone) == (f"+{trade.profit:.2f}", float(trade.profit))
    assert chart.trips[0].until == trade.closed_at.isoformat()
    assert chart.head.details == ("No open position", f"1 closed trade: +{trade.profit:.2f} USDC")


async def test_without_a_period_it_begins_before_our_last_trades(firm: Firm, asked: Asked) -> None:
    now = firm.clock.now()
    assert (await asked.candles("WIFUSDC")).head.title == "WIFUSDC, 2 h"  # seven days
    await firm.ledger.commit(CommitBatch(executions=[execution(1, now - timedelta(hours=20))]))
    chart = await asked.candles("WIFUSDC")
    assert chart.head.title == "WIFUSDC, 15 min"
    assert datetime.fromisoformat(chart.times[0]) < datetime.fromisoformat(chart.marks[0].at)


async def test_fills_from_before_the_period_are_not_drawn(firm: Firm, asked: Asked) -> None:
    now = firm.clock.now()
    done = [execution(1, now - timedelta(days=3)), execution(2, now - timedelta(hours=3))]
    await firm.ledger.commit(CommitBatch(executions=done))
    assert [mark.at for mark in (await asked.candles("WIFUSDC 24h")).marks] == [done[1].executed_at.isoformat()]
    assert len((await asked.candles("WIFUSDC 7d")).marks) == 2


@pytest.mark.parametrize(
    "said", ["WIFUSDC soon", "WIFUSDC 30d 1m", "WIFUSDC 7d 1h 2h", "equity 7d 1h", "daily later", "equity x", "$$$"]
)
async def test_what_it_does_not_understand(asked: Asked, said: str) -> None:
    answer = await asked.ask(said)
    assert "is not valid here. Usage: /chart" in answer.text
    assert not answer.photo


async def test_a_symbol_that_is_not_traded_is_answered_with_those_that_are(asked: Asked) -> None:
    answer = await asked.ask("WIFUSD")
    assert "WIFUSD is not one of the traded symbols" in answer.text
    assert [button.data for row in answer.keyboard for button in row] == ["/chart WIFUSDC"]


@dataclass
class Venue:
    """An exchange that has no candles, for the reason `error`, or without one."""

    error: Exception | None = None

    async def candles(self, _symbol: str, _interval: Interval, _since: datetime, _limit: int) -> Sequence[Candle]:
        if self.error is not None:
            raise self.error
        return []


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ExchangeUnavailable("no <route> to host"), "the exchange gives no prices right now (no &lt;route&gt; to host)"),
        (TimeoutError(), "the exchange gives no prices right now (8 s)"),
        (SymbolUnknown("Invalid symbol."), "the exchange no longer has this symbol"),
        (None, "the exchange has no prices of that time"),
    ],
)
async def test_where_there_are_no_candles_it_says_so_and_draws_nothing(
    firm: Firm, asked: Asked, error: Exception | None, says: str
) -> None:
    await filled(firm, ["1.5", "-0.5", "2"])
    context = replace(firm.context, draw=asked.draw, exchange=replace(firm.context.exchange, venue=Venue(error)))  # type: ignore[arg-type]
    answer = await COMMAND.run(context, ["WIFUSDC", "7d"], CALLER)
    assert f"No chart of WIFUSDC: {says}" in answer.text
    assert (answer.photo, asked.charts) == (b"", [])
    assert "/chart WIFUSDC 7d" in [button.data for row in answer.keyboard for button in row]


async def test_an_open_position_is_a_button_away(firm: Firm, asked: Asked) -> None:
    await firm.held()
    assert "/chart WIFUSDC" in [button.data for row in (await asked.ask("")).keyboard for button in row]


def brightness(picture: bytes) -> int:
    """Returns how bright the background is, from 0 to 255."""
    found = Image.open(io.BytesIO(picture)).convert("L").getpixel((2, 2))
    assert isinstance(found, int)
    return found


async def test_the_theme_is_a_persons_own(firm: Firm) -> None:
    await filled(firm, ["1.5"])
    assert "Charts: 🌙 Dark." in (await firm.owner.ask("/theme")).text
    dark = await firm.owner.ask("/chart", within=30)
    answer = await firm.owner.ask("/theme light")
    assert ("Charts: ☀️ Light." in answer.text, answer.buttons[1].text) == (True, "● ☀️ Light")
    light = await firm.owner.ask("/chart", within=30)
    assert dark.photo is not None
    assert light.photo is not None
    assert brightness(light.photo.data) > 250
    assert brightness(dark.photo.data) < 30
    assert "Charts: 🌙 Dark." in (await firm.trader.ask("/theme")).text
    assert "Usage: /theme" in (await firm.owner.ask("/theme pink")).text
    assert "charts light" in (await firm.owner.ask("/audit")).text
