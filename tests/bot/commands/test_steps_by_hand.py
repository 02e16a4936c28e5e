"""Steps of an order by hand: typed as traders type them, shown in numbers before the second tap, and bought as shown."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from bot.commands.arguments.russian import in_english
from bot.commands.arguments.steps import UnreadStep, step_words
from core.domain.dca_step import DcaStep
from core.domain.exit_plan import ExitPlan, Level, StopLoss
from core.domain.money import ZERO
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import PlanState
from core.policy.exits.plan_risk import risk_of
from local_telegram.server import RunningChat
from tests.bot.commands.test_acting import confirmed
from tests.bot.conftest import until
from tests.bot.firm import ROOMY, Firm, firm_on

BOOK = StrategyBook("WIFUSDC")


def steps(*said: tuple[str, str]) -> tuple[DcaStep, ...]:
    return tuple(DcaStep(Decimal(pct), Decimal(times)) for pct, times in said)


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("3% 6%", steps(("3", "1"), ("6", "1"))),
        ("3%,6%", steps(("3", "1"), ("6", "1"))),
        ("3%, 6%", steps(("3", "1"), ("6", "1"))),
        ("-3% -6%", steps(("3", "1"), ("6", "1"))),
        ("2,5% 5.5%", steps(("2.5", "1"), ("5.5", "1"))),
        ("3% 6%:1.5", steps(("3", "1"), ("6", "1.5"))),
        ("3% 6%x2", steps(("3", "1"), ("6", "2"))),
        ("3% 6%х1,5", steps(("3", "1"), ("6", "1.5"))),  # the letter of a Russian keyboard
        ("off", ()),
    ],
)
def test_steps_as_they_are_typed(said: str, read: tuple[DcaStep, ...]) -> None:
    assert step_words(said.split()) == read


@pytest.mark.parametrize(("said", "word"), [("", ""), ("3% 6", "6"), ("three", "three"), ("3%%", "3%%"), ("3% 0.45", "0.45")])
def test_what_is_no_step_is_named(said: str, word: str) -> None:
    with pytest.raises(UnreadStep) as raised:
        step_words(said.split())
    assert raised.value.word == word


@pytest.mark.parametrize("word", ["ступени", "Ступень", "докупки", "усреднение"])
def test_russian_words_of_steps(word: str) -> None:
    said = f"WIFUSDC 50 стоп 15% {word} 3% 6%".split()
    assert in_english("buy", said) == ("WIFUSDC", "50", "stop", "15%", "steps", "3%", "6%")


@pytest.fixture
async def stepping(server: RunningChat, tmp_path: Path) -> AsyncIterator[Firm]:
    """Returns a program that allows three entries of a position; its entries have a stop 20 % below."""
    limits = replace(ROOMY, max_entries=3, stop_loss_pct=Decimal(20))
    async with firm_on(server, tmp_path, limits=limits) as firm:
        yield firm


async def test_the_confirmation_shows_them_in_numbers_and_they_are_bought(stepping: Firm) -> None:
    asked = await stepping.trader.ask("/buy WIF 48 USDC stop 15% steps 3% 6%:2")
    shown = asked.text.splitlines()
    qty = Decimal("98.98")  # 48 at the edge of the band, 1 % above 0.4801, rounded down to the step
    bought = [(Decimal("0.4801"), qty), (Decimal("0.4656"), qty), (Decimal("0.4512"), qty * 2)]
    whole, cost = sum((one for _, one in bought), ZERO), sum((at * one for at, one in bought), ZERO)
    assert "Step 1: 98.98 at 0.4656 (-3.02%)" in shown
    assert "Step 2: 197.96 at 0.4512 (-6.02%)" in shown
    assert f"With the steps: {whole} WIF for {cost:.2f} USDC" in shown
    average = cost / whole
    assert f"Average entry then: {average:.6f}".rstrip("0") in asked.text
    at_stop = Decimal("0.3928")  # 15 % below the average, rounded up to the tick
    loss = risk_of_stop(at_stop, average, whole)
    assert f"Stop then: {at_stop}\nAt risk then: {loss:.2f} USDC" in asked.text
    await confirmed(stepping.trader, asked)
    await until(lambda: len(stepping.portfolio.entries_for(BOOK)) == 2)
    waiting = [(one.terms.limit_price, one.qty) for one in stepping.portfolio.entries_for(BOOK)]
    assert waiting == bought[1:], "what was shown rests on the exchange"


def risk_of_stop(stop: Decimal, average: Decimal, qty: Decimal) -> Decimal:
    found = risk_of(ExitPlan(StopLoss(Level(price=stop))), average, qty)
    assert found is not None
    return found.loss


async def test_without_the_word_there_are_none_whatever_the_settings_say(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path, limits=replace(ROOMY, max_entries=3, dca_steps=steps(("3", "1")))) as firm:
        asked = await firm.trader.ask("/buy WIF 48")
        assert "Step" not in asked.text
        await confirmed(firm.trader, asked)
        await firm.settled()
        assert not firm.portfolio.entries_for(BOOK)


async def test_what_is_set_before_the_second_tap_changes_nothing(stepping: Firm) -> None:
    asked = await stepping.trader.ask("/buy WIF 48")
    assert "(-20.00%)" in asked.text or "(-19.99%)" in asked.text
    stepping.portfolio.limits = replace(stepping.portfolio.limits, stop_loss_pct=Decimal(2))
    await confirmed(stepping.trader, asked)
    await until(lambda: BOOK in stepping.portfolio.plans and stepping.portfolio.plans[BOOK].state is PlanState.GUARDED)
    assert stepping.portfolio.plans[BOOK].exits.stop == StopLoss(Level(pct=Decimal(20)))


async def test_a_purchase_for_a_position_that_was_opened_since_is_not_made(stepping: Firm) -> None:
    asked = await stepping.trader.ask("/buy WIF 48")
    await stepping.held()
    before = stepping.portfolio.position(BOOK)
    await confirmed(stepping.trader, asked, "has been opened since you were asked")
    assert stepping.portfolio.position(BOOK) == before


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("steps", "Which steps?"),
        ("steps three", "three is not a step"),
        ("steps 3% 0.45", "0.45 is not a step"),
        ("steps 6% 3%", "give distances that rise"),
        ("steps 3% 120%", "give a distance above 0 and below 100"),
        ("stop 5% steps 3% 9%", "is not above the stop"),
        ("steps 1% 2% 3%", "First the owner allows 4 entries of a position: /set MAX_ENTRIES 4"),
    ],
)
async def test_wrong_steps_are_answered_with_why_and_with_a_line_that_works(stepping: Firm, said: str, why: str) -> None:
    answer = (await stepping.trader.ask(f"/buy WIF 48 {said}")).text
    assert why in answer
    example = answer.partition("For example: ")[2].splitlines()[0]
    assert "With the steps" in (await stepping.trader.ask(example)).text


async def test_beside_a_position_they_are_refused(stepping: Firm) -> None:
    await stepping.held()
    answer = (await stepping.trader.ask("/buy WIF 48 steps 3%")).text
    assert "steps belong to the entry that opens a position" in answer
    assert "For example" not in answer


@pytest.mark.parametrize(
    ("language", "before", "listed", "after"),
    [
        (
            "en",
            "Steps waiting: 2 · entries 1 of 3\n· Step 1: 98.98 at 0.4656 (-3.02%)\n· Step 2: 98.98 at 0.4512 (-6.02%)",
            "🟩 step 2/2: 98.98 at 0.4512 (-6.02%)",
            "Steps waiting: 1 · entries 2 of 3\n· Step 2: 98.98 at 0.4512 (-2.97%)",
        ),
        (
            "ru",
            "Ждут ступени: 2 · входов 1 из 3\n· Ступень 1: 98,98 по 0,4656 (-3,02%)\n· Ступень 2: 98,98 по 0,4512",
            "🟩 ступень 2/2: 98,98 по 0,4512 (-6,02%)",
            "Ждут ступени: 1 · входов 2 из 3\n· Ступень 2: 98,98 по 0,4512 (-2,97%)",
        ),
    ],
)
async def test_positions_and_orders_show_the_steps_that_wait(
    stepping: Firm, language: str, before: str, listed: str, after: str
) -> None:
    await confirmed(stepping.trader, await stepping.trader.ask("/buy WIF 48 steps 3% 6%"))
    await stepping.trader.ask(f"/lang {language}")
    await until(lambda: len(stepping.portfolio.entries_for(BOOK)) == 2)
    await stepping.settled()
    assert before in (await stepping.trader.ask("/positions")).text
    assert listed in (await stepping.trader.ask("/orders")).text
    stepping.prices.bid[BOOK.symbol] = Decimal("0.4650")
    await until(lambda: stepping.portfolio.position(BOOK).entries == 2)
    await stepping.settled()
    assert after in (await stepping.trader.ask("/positions")).text


async def test_entries_are_counted_without_steps_where_there_may_be_more_than_one(stepping: Firm) -> None:
    await stepping.held()
    assert "Entries: 1 of 3" in (await stepping.trader.ask("/positions")).text
    stepping.portfolio.limits = replace(stepping.portfolio.limits, max_entries=1)
    assert "Entries" not in (await stepping.trader.ask("/positions")).text
