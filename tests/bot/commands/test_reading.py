"""Commands that only read, over HTTP with real parts: results, lists paged in place, pictures and files."""

import csv
import io
import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.calendar import since_first, starts_of
from bot.commands.risk import bar
from bot.reports.tax_export import cell
from bot.texts import texts
from bot.views.chat_message import plain_text
from core.domain.day_result import DayResult
from core.domain.money import ZERO
from core.domain.position import Execution, Trade
from core.domain.signal import Side
from core.policy.tax_lots import Disposal, Lots, Valued, acquired
from core.records.commit_batch import CommitBatch
from local_telegram.server import RunningChat
from tests.bot.firm import Firm, firm_on
from tests.bot.parts import OWNER

COMMANDS = (
    *("status", "positions", "pnl", "daily", "weekly", "monthly", "performance", "stats", "trades", "signals"),
    *("orders", "balance", "risk", "health", "audit", "help", "set", "notify", "users"),
)


@pytest.fixture
async def firm(server: RunningChat, tmp_path: Path) -> AsyncIterator[Firm]:
    async with firm_on(server, tmp_path) as running_firm:
        yield running_firm


def execution(number: int, at: datetime, profit: str | None = None, **changes: object) -> Execution:
    side = Side.BUY if profit is None else Side.SELL
    values: dict[str, object] = {
        "execution_id": f"e{number}", "symbol": "WIFUSDC", "executed_at": at, "side": side, "qty": Decimal(20),
        "price": Decimal("0.48"), "profit_pct": None if profit is None else Decimal(1), "signal_type": f"{side}_SM",
        "signal_id": f"s{number}", "client_order_id": f"e{number}", "order_id": str(number), "quote_qty": Decimal("9.6"),
        "fee": Decimal("0.01"), "fee_asset": "USDC", "profit_quote": None if profit is None else Decimal(profit),
        "gross_quote": None if profit is None else Decimal(profit), "base_asset": "WIF", "quote_asset": "USDC",
        "trading_mode": "paper",
    }  # fmt: skip
    return Execution(**(values | changes))  # type: ignore[arg-type]


async def filled(firm: Firm, profits: list[str]) -> None:
    """Fills the ledger with one exit a day up to today, the last one today, and a trade of each."""
    now = firm.clock.now()
    done, trades = [], []
    for back, profit in enumerate(reversed(profits)):
        at = now - timedelta(days=back)
        done.append(execution(back, at, profit))
        symbol = "WIFUSDC" if back % 2 else "SOLUSDC"
        amounts = Decimal(20), Decimal("9.6"), Decimal("9.6") + Decimal(profit), Decimal(profit)
        trades.append(
            Trade(f"t{back}", symbol, at - timedelta(hours=1), at, *amounts, Decimal(1), Decimal(profit), "USDC", "paper")
        )
    await firm.ledger.commit(CommitBatch(executions=list(reversed(done)), trades=list(reversed(trades))))


async def test_every_answer_fits_on_a_phone(firm: Firm) -> None:
    await filled(firm, [f"{number % 7 - 3}.5" for number in range(60)])
    await firm.held()
    for name in COMMANDS:
        text = plain_text((await firm.owner.ask(f"/{name}")).text)
        assert len(text) < 2_400, (name, len(text))
        assert len(text.splitlines()) <= (70 if name == "help" else 32), (name, text)


async def test_results_by_day_week_and_month(firm: Firm) -> None:
    await filled(firm, ["1.5", "-0.5", "2"])
    today = firm.clock.now().date()
    text = (await firm.owner.ask("/daily 3")).text
    assert f"{texts('en').day(today)}  +2.00    1" in text
    assert f"{texts('en').day(today - timedelta(days=1))}  -0.50    1" in text
    assert "+" in (await firm.owner.ask("/weekly")).text
    shown = await firm.owner.ask("/monthly 2")
    firm.owner.press(shown, "Days")
    assert "By day, last 3" in (await firm.owner.wait_for_edit(shown)).text


def test_periods_before_the_first_start_are_left_out() -> None:
    today = date(2026, 3, 4)  # a Wednesday
    result = DayResult("2026-02-20", "USDC", ZERO, 1, 0)
    for name, began, count in (("daily", 3, 2), ("weekly", 3, 1), ("monthly", 3, 1), ("daily", 1, 4)):
        starts = starts_of(name, today, 6)
        assert since_first(starts, datetime(2026, 3, began, 9, tzinfo=UTC), []) == starts[:count]
    assert since_first(starts_of("weekly", today, 6), datetime(2026, 3, 3, tzinfo=UTC), [result])[-1] == date(2026, 2, 16)
    assert len(since_first(starts_of("daily", today, 6), None, [])) == 6


async def test_performance_and_stats(firm: Firm) -> None:
    await filled(firm, ["1.5", "-0.5", "2"])
    assert "➕ WIFUSDC: +3.00 USDC, 3 trades, win rate 67%" in (await firm.owner.ask("/performance")).text
    text = (await firm.owner.ask("/stats")).text
    assert "Net profit: +3.00 USDC\nWin rate 67% (2/3)\nProfit factor 7.00, expectancy +1.00 USDC per trade" in text
    assert "Max drawdown: -0.50 USDC" in text
    assert "3 positions closed, average holding time 1 h\n" in text
    assert "Best trade: SOLUSDC +1.00%, +2.00 USDC\nWorst trade: WIFUSDC +1.00%, -0.50 USDC" in text


async def test_a_list_is_leafed_through_in_place(firm: Firm) -> None:
    await filled(firm, [f"{number}.5" for number in range(25)])
    first = await firm.owner.ask("/trades 10")
    assert "+24.50 USDC" in first.text
    firm.owner.press(first, "Older ▶️")
    second = await firm.owner.wait_for_edit(first, "+14.50 USDC")
    assert "+24.50" not in second.text
    firm.owner.press(second, "Older ▶️")
    third = await firm.owner.wait_for_edit(second, "+0.50 USDC")
    assert "Older ▶️" not in [button.text for button in third.buttons]
    firm.owner.press(third, "◀️ Newer")
    back = await firm.owner.wait_for_edit(third, "+14.50 USDC")
    assert back.text == second.text
    firm.owner.press(back, "⏮ Newest")
    assert (await firm.owner.wait_for_edit(back)).text == first.text
    assert "SOLUSDC" not in (await firm.owner.ask("/trades 10 wifusdc")).text


async def test_a_year_is_a_file(firm: Firm) -> None:
    year = firm.clock.now().year
    await firm.ledger.commit(
        CommitBatch(
            executions=[
                execution(1, datetime(year, 1, 2, tzinfo=UTC)),
                execution(2, datetime(year, 1, 3, tzinfo=UTC), "0.4", quote_qty=Decimal(10), signal_id="=1+1"),
            ]
        )
    )
    sent = await firm.owner.ask("/export csv")
    assert sent.document is not None
    stored = firm.room.file(sent.document.file_id)
    assert stored is not None
    rows = list(csv.DictReader(io.StringIO(stored.data.decode())))
    assert [row["side"] for row in rows] == ["BUY", "SELL"]
    assert rows[1]["signal_id"] == "'=1+1"
    assert sent.document.name == f"marketflow-csv-{year}.csv"
    taxed = await firm.owner.ask("/export tax")
    assert taxed.document is not None
    stored = firm.room.file(taxed.document.file_id)
    assert stored is not None
    (row,) = list(csv.DictReader(io.StringIO(stored.data.decode().split("\r\n\r\n")[0])))
    assert (row["cost"], row["proceeds"], row["gain"]) == ("9.61", "9.99", "0.38")
    assert "No executions in 1999" in (await firm.owner.ask("/export csv 1999")).text


async def test_who_did_what_is_kept(firm: Firm) -> None:
    await firm.trader.ask("/pause for 2h")
    await firm.trader.ask("/lang ru")
    asked = await firm.owner.ask("/set MAX_OPEN_POSITIONS 3")
    firm.owner.press(asked, "✅ Confirm")
    await firm.owner.wait_for_edit(asked, "Done")
    text = (await firm.owner.ask("/audit")).text
    assert [re.sub(r"until .*", "until", line.split(" ", 3)[3]) for line in text.splitlines()[1:]] == [
        "Owner: MAX_OPEN_POSITIONS 5 → 3",
        "Trader: language ru",
        "Trader: paused trading until",
    ]
    assert "needs the role owner" in (await firm.person(1003).ask("/audit")).text
    assert firm.owner.id == OWNER


async def test_risk_shows_how_much_is_used(firm: Firm) -> None:
    await firm.held()
    text = (await firm.owner.ask("/risk")).text
    assert "🟩🟩⬜⬜⬜⬜⬜⬜ Open positions: 1 of 5" in text
    assert "⬜⬜⬜⬜⬜⬜⬜⬜ P&L today 0.00 USDC, limit -100.00" in text
    assert "🟩🟩🟩🟩🟩⬜⬜⬜ Order value: 3,030.00 USDC (SOLUSDC), limit 5,000.00" in text
    assert len((await firm.owner.ask("/risk")).text.splitlines()) < 14


AMOUNTS = st.decimals(Decimal("0.0001"), Decimal(1_000_000), places=4)
ROWS = st.lists(
    st.tuples(st.booleans(), AMOUNTS, AMOUNTS, st.sampled_from(["WIF", "USDC", "BNB"]), st.none() | AMOUNTS), max_size=30
)
Row = tuple[bool, Decimal, Decimal, str, Decimal | None]


def valued(rows: list[Row]) -> list[Valued]:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        Valued(
            execution(
                number, at + timedelta(hours=number), None if buy else "1",
                qty=qty, quote_qty=value, fee=min(qty, value) / 1000, fee_asset=asset,
            ),
            worth if asset == "BNB" else None,
        )
        for number, (buy, qty, value, asset, worth) in enumerate(rows)
    ]  # fmt: skip


def taken(lots: Lots, done: list[Valued]) -> list[Disposal]:
    return [disposal for one in done for disposal in lots.take(one)]


@given(ROWS)
def test_tax_lots_lose_nothing(rows: list[Row]) -> None:
    """Compares the sums over lots with the sums over executions, fees in a third asset at their value."""
    done, lots = valued(rows), Lots()
    disposals, left = taken(lots, done), lots.left()
    buys = [one for one in done if one.execution.side is Side.BUY]
    sells = [one for one in done if one.execution.side is Side.SELL]

    def fees(some: list[Valued], asset: str) -> Decimal:
        return sum((one.execution.fee for one in some if one.execution.fee_asset == asset), ZERO)

    def third(some: list[Valued]) -> Decimal:
        return sum((one.third_fee for one in some if one.third_fee is not None), ZERO)

    paid = sum((one.execution.quote_qty for one in buys), ZERO) + fees(buys, "USDC") + third(buys)
    got = sum((one.execution.quote_qty for one in sells), ZERO) - fees(sells, "USDC") - third(sells)
    sold = sum((one.execution.qty for one in sells), ZERO) + fees(sells, "WIF")
    known = [one for one in disposals if one.acquired_at is not None]
    assert sum((one.qty for one in disposals), ZERO) == sold
    assert sum((one.proceeds for one in disposals), ZERO) == got
    assert sum((one.qty for one in known), ZERO) + sum((lot.qty for lot in left), ZERO) == sum(
        (acquired(one.execution) for one in buys), ZERO
    )
    assert sum((one.cost for one in known), ZERO) + sum((lot.cost for lot in left), ZERO) == paid
    fees_of_parts = [one.third_fee_value for one in disposals] + [one.third_fee_value for one in left]
    assert sum(fees_of_parts, ZERO) == third(done)
    assert all(one.qty > 0 and one.cost >= 0 for one in disposals)
    named = {one.bought_by for one in known} | {one.sold_by for one in disposals} | {lot.execution_id for lot in left}
    unvalued = [one.execution.execution_id for one in done if one.unvalued and one.execution.execution_id in named]
    says = {one.sold_by: one for one in disposals} | {one.bought_by: one for one in known}
    assert all(says[name].fees_without_price == "BNB" for name in unvalued if name in says)


@given(ROWS, st.integers(0, 30))
def test_whoever_begins_later_finds_the_same_lots(rows: list[Row], cut: int) -> None:
    done, whole, later = valued(rows), Lots(), Lots()
    taken(whole, done[:cut])
    held = sum((lot.qty for lot in whole.left()), ZERO)
    later.begin("WIFUSDC", (one for one in reversed(done[:cut]) if one.execution.side is Side.BUY), held)
    assert later.left() == whole.left()
    assert taken(later, done[cut:]) == taken(whole, done[cut:])
    assert later.left() == whole.left()


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.sampled_from(["daily", "weekly", "monthly"]), st.integers(1, 31))
def test_periods_follow_each_other_without_a_gap(today: date, name: str, count: int) -> None:
    starts = starts_of(name, today, count)
    assert len(starts) == count
    assert starts[0] <= today
    assert starts == sorted(set(starts), reverse=True)
    if name == "weekly":
        assert all(start.weekday() == 0 for start in starts)


@given(st.decimals(-10, 1000, places=2), st.integers(1, 500))
def test_a_bar_has_eight_cells(used: Decimal, limit: int) -> None:
    assert len(bar(used, limit)) == 8


@given(st.text(max_size=10))
def test_no_cell_is_a_formula(text: str) -> None:
    assert cell(text)[:1] not in {"=", "+", "-", "@", "\t", "\r"}
