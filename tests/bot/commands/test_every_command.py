"""Everything that can be written or tapped, over HTTP: the right person, the wrong role, a stranger, too late, again, after a
restart, forged, from elsewhere, edited. Nothing changes without a right."""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, select

from bot.access.confirmations import Risk
from bot.commands import BY_NAME
from bot.texts import texts
from bot.views.events import render
from bot.views.reply_keyboard import command_of
from core.adapters.ledger.tables import (
    control_tables,
    notification_tables,
    order_tables,
    people_tables,
    protection_tables,
    result_tables,
)
from core.domain.access import Role
from core.domain.trading_state import Pause
from local_telegram.errors import ApiError
from local_telegram.model import Message
from local_telegram.server import RunningChat
from tests.bot.conftest import DESK, until
from tests.bot.firm import ROLES, Firm, firm_on
from tests.bot.parts import OWNER, STRANGER, TRADER, VIEWER
from tests.bot.table import ANSWERS, BUTTON_KINDS, ROWS, Row, a_question
from tests.bot.telegram.test_auth_gate import NOT_OWN, put_message, put_tap
from tests.bot.views.test_events import ALL_EVENTS
from tests.chat_client import ChatPerson

PERSON = {Role.VIEWER: VIEWER, Role.TRADER: TRADER, Role.OWNER: OWNER}
KEPT: Sequence[Table] = (
    *(
        order_tables.orders,
        result_tables.executions,
        result_tables.positions,
        control_tables.controls,
        control_tables.strategy_pauses,
        control_tables.strategy_limits,
        control_tables.limits,
        order_tables.approvals,
    ),
    *(
        people_tables.people,
        people_tables.invites,
        people_tables.authenticators,
        notification_tables.readers,
        control_tables.holds,
    ),
    *(protection_tables.equity_marks, protection_tables.loss_resets),
)
seen: set[str] = set()
"""The kinds of buttons that the answers had."""

Snapshot = dict[str, list[dict[str, Any]]]


async def snapshot(firm: Firm) -> Snapshot:
    """Returns everything that trades, grants a right or is somebody's setting."""
    await until(lambda: not len(firm.trading.inbox) and not firm.portfolio.in_flight)
    return {table.name: sorted(await firm.ledger.reader.read(select(table)), key=str) for table in KEPT}


async def answered(firm: Firm) -> None:
    """Returns when every earlier update has been handled."""
    await firm.owner.ask("/positions")


def kinds_of(message: Message) -> Iterator[str]:
    for button in message.buttons:
        yield kind_of(button.data)


def kind_of(data: str) -> str:
    """Returns the kind of button that sends this."""
    if data.startswith("/"):
        assert data[1:].split(maxsplit=1)[0] in BY_NAME, data
        return "command"
    word, _, rest = data.partition(":")
    return f"ap:{rest.rpartition(':')[2]}" if word == "ap" else word


def is_told_its_age(firm: Firm, user_id: int) -> bool:
    return any(" old, so " in message.text for message in firm.person(user_id).received)


def is_panic_over(firm: Firm) -> bool:
    return firm.portfolio.trading_state.pause is Pause.ALL and firm.portfolio.trading_state.panic is None


async def without_a_right(firm: Firm, row: Row) -> None:
    """Tries everything that must change nothing."""
    person = PERSON[row.role]
    before = await snapshot(firm)
    if row.role > Role.VIEWER:
        for user_id in (one for one, role in ROLES.items() if role < row.role):
            assert "needs the role" in (await firm.person(user_id).ask(for_the_bot(row.said))).text
            in_group = await in_the_group(firm.person(user_id)).ask(for_the_bot(row.said))
            assert "needs the role" in in_group.text or "figures only in private" in in_group.text  # whichever comes first
    in_the_group(firm.person(STRANGER)).send(row.said)
    put_message(firm, STRANGER, row.said, {})
    put_message(firm, person, row.said, {"edit_date": int(firm.room.now().timestamp())}, kind="edited_message")
    for change in NOT_OWN.values():
        put_message(firm, person, row.said, change)
    explained = len(NOT_OWN) - 1  # an anonymous sender is nobody, and gets no answer
    await until(lambda: sum("Nothing was done" in message.text for message in firm.person(person).received) == explained)
    command = row.said.split()[0]
    group = {"chat": {"id": -42, "type": "group", "title": "x"}}
    put_message(firm, person, row.said.replace(command, f"{command}@some_other_bot"), group)
    put_message(firm, person, f"let us {row.said}", group)
    if row.changes or row.second:
        long_ago = {"date": int((firm.clock.now() - timedelta(hours=1)).timestamp())}
        put_message(firm, person, row.said, long_ago)
        for forged in (row.said + "\u0000", row.said.replace("/", "\uff0f"), f"{row.said} {'x' * 200}"):
            if forged != row.said:
                put_message(firm, person, forged, {})
    if row.own:
        put_message(firm, person, row.said, group)
    await answered(firm)
    await until(lambda: not (row.changes or row.second) or is_told_its_age(firm, person))  # the answers of a chat come in turn
    after = await snapshot(firm)
    if row.own:  # language and zone are the person's own, in every chat
        before.pop("readers")
        after.pop("readers")
    assert after == before


async def at_the_second_tap(firm: Firm, row: Row, asked: Message) -> None:
    """Tries the question with people who must not answer, invalid answers, from elsewhere, and too late."""
    person, before = PERSON[row.role], await snapshot(firm)
    data = next(button.data for button in asked.buttons if button.data.startswith("ok:"))
    others = [one for one in (*ROLES, STRANGER) if one != person]
    for number, user_id in enumerate(others):
        put_tap(firm, user_id, data, query_id=f"8{number}")
    for number, forged in enumerate((f"{data}x", data[:-1], data.upper(), f"OK{data[2:]}", f"{data}\n", f"ok:{'a' * 22}", "ok:")):
        put_tap(firm, person, forged, query_id=f"7{number}")
    elsewhere(firm, person, data)
    await answered(firm)
    assert await snapshot(firm) == before
    if row.risk is Risk.LOWERS:
        return  # acts that lower risk are not asked a third time
    put_tap(firm, person, data, query_id="999")  # the server knows no such tap: too old
    again = await firm.person(person).wait_for("tap again within 60 s", after=asked)
    assert next(button.data for button in again.buttons if button.data.startswith("ok:")) != data
    assert await snapshot(firm) == before


def in_the_group(person: ChatPerson) -> ChatPerson:
    return person.at(DESK.chat_id, 3)


def for_the_bot(said: str) -> str:
    """Writes it as a command that reaches the bot in a group too, where a keyboard label does not."""
    return command_of(said) or said


def elsewhere(firm: Firm, person: int, data: str) -> None:
    """Sends the right person's tap from another chat."""
    message = {"message_id": 5, "date": 1, "chat": {"id": -77, "type": "group", "title": "x"}, "text": "x"}
    who = firm.person(person).person.as_user()
    firm.room.updates.put("callback_query", {"id": "66", "from": who, "message": message, "chat_instance": "1", "data": data})


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.said)
async def test_whatever_is_said_is_done_for_who_may_say_it_once(server: RunningChat, tmp_path: Path, row: Row) -> None:
    data = ""
    async with firm_on(server, tmp_path) as firm:
        await row.prepare(firm)
        await without_a_right(firm, row)
        await firm.settled()  # also who the stranger was: the next message is the answer
        person = firm.person(PERSON[row.role])
        before = await snapshot(firm)
        reply = await person.ask(row.said, within=30)
        seen.update(kinds_of(reply))
        if not (row.changes or row.second or row.own):
            await in_the_group(person).ask(row.said, within=30)
        if row.second:
            await at_the_second_tap(firm, row, reply)
            # A tap that came too late has closed that question: it is asked once more.
            reply = await person.ask(row.said)
            assert reply.buttons, reply.text
            data = next(button.data for button in reply.buttons if button.data.startswith("ok:"))
            person.press(reply, "✅ Confirm")
            await person.wait_for_edit(reply, "✅")
        await until(lambda: "panic" not in row.said or is_panic_over(firm))
        after = await snapshot(firm)
        if row.own:
            assert person.id in {one["chat_id"] for one in after["readers"]}
        elif row.said != "/users withdraw":  # where there is no link to withdraw
            assert (after != before) is (row.changes or row.second)
        if data:
            with pytest.raises(ApiError):
                person.press(reply, "✅ Confirm")
            put_tap(firm, person.id, data, query_id="101")
            await answered(firm)
            assert await snapshot(firm) == after
    async with firm_on(server, tmp_path) as again:
        if data:
            put_tap(again, PERSON[row.role], data, query_id="102")
            await answered(again)
        left = await snapshot(again)
        for each in (left, after):
            each.pop("holds")  # a start checks the exchange for itself
        assert left == after


@pytest.mark.parametrize("word", ANSWERS)
async def test_a_question_is_answered_once_by_who_may(server: RunningChat, tmp_path: Path, word: str) -> None:
    async with firm_on(server, tmp_path) as firm:
        await a_question(firm)
        question = next(message for message in firm.owner.received if "trade this?" in message.text)
        seen.update(kinds_of(question))
        before, token = await snapshot(firm), next(iter(firm.portfolio.approvals))
        put_tap(firm, VIEWER, f"ap:{token}:{word}", query_id="1")
        put_tap(firm, STRANGER, f"ap:{token}:{word}", query_id="2")
        forgeries = (f"ap:{token}x:{word}", f"ap:{token}:{word}{word}", f"ap:{token.lower()}:{word}!", f"ap:{token}:z", "ap::y")
        for number, forged in enumerate(forgeries):
            put_tap(firm, OWNER, forged, query_id=f"3{number}")
        await answered(firm)
        assert await snapshot(firm) == before
        firm.owner.press(question, next(button.data for button in question.buttons if button.data.endswith(f":{word}")))
        await firm.owner.wait_for_edit(question, lambda message: not message.buttons)
        await firm.settled()
        after = await snapshot(firm)
        assert bool(after["executions"]) is ANSWERS[word]
        for number, other in enumerate(ANSWERS):
            put_tap(firm, TRADER, f"ap:{token}:{other}", query_id=f"4{number}")
        await answered(firm)
        assert await snapshot(firm) == after
    async with firm_on(server, tmp_path) as again:
        for number, other in enumerate(ANSWERS):
            put_tap(again, OWNER, f"ap:{token}:{other}", query_id=f"5{number}")
        await answered(again)
        assert await snapshot(again) == after


async def test_a_question_whose_time_is_up_trades_nothing(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path) as firm:
        await a_question(firm)
        question = next(message for message in firm.owner.received if "trade this?" in message.text)
        token = next(iter(firm.portfolio.approvals))
        firm.clock.skip(121)
        await firm.owner.wait_for_edit(question, "nobody answered in time")
        before = await snapshot(firm)
        put_tap(firm, OWNER, f"ap:{token}:y", query_id="6")
        await answered(firm)
        assert await snapshot(firm) == before
        assert not before["executions"]


async def test_the_same_update_brought_again_is_done_once(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path) as firm:
        sent = firm.trader.send("/pause entries")
        update_id = firm.room.updates._last_id
        await firm.trader.wait_for("PAUSED")
        after = await snapshot(firm)
        firm.room.updates._last_id = update_id - 1
        firm.room.updates.put("message", firm.room.as_json(sent))
        await answered(firm)
        assert await snapshot(firm) == after
    async with firm_on(server, tmp_path) as again:
        again.room.updates._last_id = update_id - 1
        again.room.updates.put("message", again.room.as_json(sent))
        again.room.updates._last_id += 1_000
        await answered(again)
        assert await snapshot(again) == after


async def test_update_ids_that_begin_anew_keep_nobody_from_being_heard(server: RunningChat, tmp_path: Path) -> None:
    """Restarts update ids at random, as Telegram may after a week without updates."""
    async with firm_on(server, tmp_path) as firm:
        begun = firm.room.updates._last_id
        await firm.trader.ask("/pause entries")
        assert firm.portfolio.trading_state.pause is Pause.ENTRIES
    async with firm_on(server, tmp_path) as again:
        again.room.updates._last_id = begun
        await again.settled()
        await again.trader.ask("/pause")
        assert again.portfolio.trading_state.pause is Pause.ALL


def test_no_command_is_without_its_row() -> None:
    said = {row.said.split()[0].removeprefix("/") for row in ROWS}
    assert BY_NAME.keys() - said == set()


def test_every_command_that_changes_something_wants_a_right_in_the_table() -> None:
    changing = {name for name, command in BY_NAME.items() if command.needed(("x",)) > Role.VIEWER}
    in_table = {row.said.split()[0].removeprefix("/") for row in ROWS if row.role > Role.VIEWER}
    assert changing <= in_table


def test_no_button_is_without_its_row() -> None:
    rendered = {kind_of(button.data) for event in ALL_EVENTS for row in render(event, texts("en")).keyboard for button in row}
    written = set(re.findall(r'f?"(ok|no|ap):', "".join(path.read_text() for path in Path("bot").rglob("*.py"))))
    assert rendered | seen <= BUTTON_KINDS.keys()
    assert written == {kind.partition(":")[0] for kind in BUTTON_KINDS} - {"command"}
