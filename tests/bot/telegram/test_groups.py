"""Groups and their topics: the person counts, not the group, and an answer stands where the question was asked."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pyotp
import pytest
from sqlalchemy import select

from bot.commands.parser import parse_command
from bot.views.reply_keyboard import command_of
from core.adapters.ledger.tables import order_tables
from core.domain.strategy_book import StrategyBook
from core.domain.trading_state import Mode, Pause
from local_telegram.server import RunningChat
from tests.bot.commands.test_acting import confirmed
from tests.bot.conftest import DESK, until
from tests.bot.firm import Firm, firm_on
from tests.bot.parts import STRANGER, TRADER, VIEWER
from tests.bot.table import ROWS, Prepare, a_position, a_question, an_authenticator
from tests.chat_client import ChatPerson

ALERTS, QUESTIONS = 2, 3
SECRET = pyotp.random_base32()


@pytest.fixture
async def firm(server: RunningChat, tmp_path: Path) -> AsyncIterator[Firm]:
    """Yields a program for which the group is the owner's chat."""
    async with firm_on(server, tmp_path, main=DESK.chat_id, topic=ALERTS) as running_firm:
        yield running_firm


def here(person: ChatPerson, thread_id: int = QUESTIONS) -> ChatPerson:
    """Returns the person in a topic of the group."""
    return person.at(DESK.chat_id, thread_id)


@pytest.mark.parametrize("thread_id", [0, ALERTS, QUESTIONS])
async def test_an_answer_stands_in_the_topic_below_what_it_answers(firm: Firm, thread_id: int) -> None:
    viewer = here(firm.person(VIEWER), thread_id)
    said = viewer.send("/status@marketflow_local_bot")
    answer = await viewer.wait_for("PAPER", after=said)
    assert answer.reply_to == said.message_id
    elsewhere = [topic for topic in (0, ALERTS, QUESTIONS) if topic != thread_id]
    assert not any(here(firm.owner, topic).received for topic in elsewhere)


async def test_in_a_group_that_is_notified_of_nothing_the_result_is_the_answer(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path) as firm:
        await firm.held()
        record = await confirmed(here(firm.trader), await here(firm.trader).ask("/sell WIFUSDC"))
        assert "✅ WIFUSDC: executed. Figures are shown in private only." in record.text
        assert "the result here" not in record.text


async def test_a_group_gives_nobody_a_right(firm: Firm) -> None:
    stranger, viewer = here(firm.person(STRANGER)), here(firm.person(VIEWER))
    stranger.send("/status")
    stranger.send("/panic")
    stranger.send("/start")
    assert "needs the role trader; yours is viewer" in (await viewer.ask("/pause")).text
    assert "/mode observe needs the role owner; yours is trader" in (await here(firm.trader).ask("/mode observe")).text
    assert len(viewer.received) == 2
    assert firm.portfolio.trading_state.pause is Pause.OFF
    assert firm.portfolio.trading_state.mode is Mode.AUTO


async def test_what_is_said_among_people_is_none_of_ours(firm: Firm) -> None:
    trader = here(firm.trader)
    trader.send("shall we /pause?")
    trader.send("⏸ Pause")
    trader.send("/pause@another_bot")
    trader.send("@marketflow_local_bot look at this")
    answer = await trader.ask("/status")
    trader.send("123456", reply_to=answer)
    trader.send("thank you", reply_to=answer)
    await firm.trader.ask("/status")
    assert len(trader.received) == 1
    assert firm.portfolio.trading_state.pause is Pause.OFF


async def test_the_second_tap_is_that_of_who_asked(firm: Firm) -> None:
    trader = here(firm.trader)
    asked = await trader.ask("/buy WIFUSDC")
    for person in (firm.owner, firm.person(VIEWER)):
        toast = await here(person).wait_for_answer(here(person).press(asked, "✅ Confirm"))
        assert "Only Trader can answer this" in toast["text"]
    here(firm.person(STRANGER)).press(asked, "✅ Confirm")
    assert trader.now(asked) == asked
    await confirmed(trader, asked)
    await until(lambda: firm.portfolio.position(StrategyBook("WIFUSDC")).is_open)


async def test_a_code_is_brought_as_an_answer_where_the_bot_hears_nothing_else(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path, main=DESK.chat_id, secret=SECRET) as firm:
        trader, secret = here(firm.trader), await an_authenticator(firm, TRADER)
        asked = await trader.ask("/buy WIFUSDC")
        trader.press(asked, "✅ Confirm")
        asking = await trader.wait_for_edit(asked, "Reply to this message")
        code = pyotp.TOTP(secret).at(firm.clock.now())
        trader.send(code)  # reaches nobody: Telegram does not hand it on
        sent = trader.send(code, reply_to=asking)
        await trader.wait_for_edit(asking, "✅")
        assert trader.now(sent) is not None  # only an administrator may delete other people's messages
        await until(lambda: firm.portfolio.position(StrategyBook("WIFUSDC")).is_open)


async def test_a_list_is_leafed_through_by_whoever_may_read_it(firm: Firm) -> None:
    await firm.held()
    asked = await here(firm.trader).ask("/pnl 7d")
    viewer, stranger = here(firm.person(VIEWER)), here(firm.person(STRANGER))
    stranger.press(asked, "/pnl 30d")
    viewer.press(asked, "/pnl all")
    assert (await viewer.wait_for_edit(asked)).message_id == asked.message_id
    assert len(viewer.received) == 1


async def test_how_a_group_is_told_is_set_by_an_owner_alone(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path, main=DESK.chat_id, topic=ALERTS) as firm:
        trader, owner = here(firm.trader), here(firm.owner)
        for said in ("/mute 2h", "/quiet 23:00-07:00", "/notify trades off", "/heartbeat 6h"):
            assert "only an owner" in (await trader.ask(said)).text
        assert DESK.chat_id not in firm.portfolio.readers
        await owner.ask("/quiet 23:00-07:00")
        assert firm.portfolio.readers[DESK.chat_id].quiet is not None
        await trader.ask("/lang ru")  # a language is the person's own, in every chat
        assert set(firm.portfolio.readers) == {DESK.chat_id, firm.trader.id}


async def test_an_owner_hears_how_a_group_comes_to_be_told(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path) as firm:
        assert f"TG_CHAT_ID={DESK.chat_id}" in (await here(firm.owner).ask("/mute 2h")).text
        assert firm.portfolio.readers == {}


async def test_a_question_is_put_into_the_topic_and_answered_there_by_who_may(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path, main=DESK.chat_id, topic=ALERTS, mode=Mode.CONFIRM) as firm:
        trader, viewer = here(firm.trader, ALERTS), here(firm.person(VIEWER), ALERTS)
        await firm.signal()
        question = await trader.wait_for("trade this?")
        toast = await viewer.wait_for_answer(viewer.press(question, "✅ Approve"))
        assert "needs the role trader" in toast["text"]
        here(firm.person(STRANGER), ALERTS).press(question, "✅ Approve")
        assert not firm.portfolio.position(StrategyBook("WIFUSDC")).is_open
        trader.press(question, "✅ Approve")
        record = await trader.wait_for_edit(question, lambda message: not message.buttons)
        assert "Trader" in record.text
        await trader.wait_for("executed")
        assert not here(firm.owner, 0).received


async def test_what_was_to_be_told_in_a_topic_that_is_gone_is_told_in_the_group(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path, main=DESK.chat_id, topic=99) as firm:
        await firm.held()
        assert "executed" in (await here(firm.owner, 0).wait_for("executed")).text


FIGURE = re.compile(r"\d[.,]\d")
NO_FIGURE = re.compile(r"MarketFlow 0\.1\.0|\d\d\.\d\d\.\d{4}")  # the version and dates
IN_ANY_GROUP = frozenset(
    {
        "/pause",
        "/resume",
        "/mode",
        "/panic",
        "/sell",
        "/close",
        "/lang",
        "/zone",
        "/theme",
        "/mute",
        "/quiet",
        "/notify",
        "/heartbeat",
    }
    | {"/theme", "/health", "/start", "/help", "/code"}
)
"""Commands that are answered in any group: the way out of a position, and answers without figures of the account."""


@pytest.mark.parametrize("prepare", [a_position, a_question], ids=["held", "asked"])
async def test_no_figure_of_the_account_is_shown_in_a_group_that_the_owner_has_not_set(
    server: RunningChat, tmp_path: Path, prepare: Prepare
) -> None:
    async with firm_on(server, tmp_path) as firm:
        await prepare(firm)
        here = firm.owner.at(DESK.chat_id, QUESTIONS)
        for row in ROWS:
            command = parse_command(command_of(row.said) or row.said, "marketflow_local_bot")
            assert command is not None
            reply = await here.ask(command_of(row.said) or row.said, within=30)
            assert FIGURE.search(NO_FIGURE.sub("", reply.text)) is None, reply.text
            pauses = row.said.startswith(("/strategies pause ", "/strategies resume "))
            in_any_group = pauses or f"/{command.name}" in IN_ANY_GROUP
            private = not in_any_group or row.said == "/start why_1"
            told = "ask me there" in reply.text or "спросите там" in reply.text  # after /lang ru
            assert told is private or command.name in {"sell", "close"}, row.said  # there is no position


async def test_the_way_out_is_open_in_every_group(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path) as firm:
        for said in ("/sell WIFUSDC", "/close all", "/panic"):
            await firm.held()
            trader = here(firm.trader)
            await confirmed(trader, await trader.ask(said))
            await until(lambda: not firm.portfolio.position(StrategyBook("WIFUSDC")).is_open)
            await firm.settled()
        sides = [row["side"] for row in await firm.ledger.reader.read(select(order_tables.orders))]
        assert sides == ["BUY", "SELL"] * 3


async def test_a_list_of_before_is_covered_up_when_it_is_leafed_through(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path, main=DESK.chat_id) as firm:
        listed = await here(firm.trader).ask("/pnl 7d")
    async with firm_on(server, tmp_path) as firm:  # the owner's chat is another one now
        here(firm.trader).press(listed, "/pnl 30d")
        covered = await here(firm.trader).wait_for_edit(listed, "ask me there")
        assert "USDC" not in covered.text
