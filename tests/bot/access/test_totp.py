"""One-time codes, over HTTP: asked for before acts that raise risk or grant a right, never before those that lower risk; each
person's own, each valid once."""

import asyncio
import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from itertools import count
from pathlib import Path

import pyotp
import pytest

from bot.access.confirmations import Risk
from bot.commands.caller import Caller
from bot.commands.totp_challenge import why_not
from bot.views.chat_message import plain_text
from core.adapters.ledger.tables import people_tables
from core.domain.access import Role
from core.domain.errors import LedgerUnavailable
from core.domain.exit_plan import Breakeven, Level, Target
from core.domain.messages import CodeUsed
from core.domain.risk_limit import LimitSet
from core.domain.strategy_book import StrategyBook
from core.domain.trading_state import Pause
from core.engine.access_commands import LOCKED, MOST_WRONG
from core.policy.risk.limits import SETTABLE_LIMITS, allows_more, with_set
from core.records.commit_batch import CommitBatch
from local_telegram.model import Message
from local_telegram.server import RunningChat
from tests.bot.commands.test_acting import confirmed
from tests.bot.commands.test_every_command import PERSON, Snapshot, snapshot
from tests.bot.conftest import DESK, until
from tests.bot.firm import ROOMY, Firm, firm_on
from tests.bot.parts import NOON, OWNER, TRADER, FastClock
from tests.bot.table import ROWS, Row, a_question, an_authenticator, asking
from tests.chat_client import ChatPerson

KEY = pyotp.random_base32()


def code_of(firm: Firm, secret: str) -> str:
    return pyotp.TOTP(secret).at(firm.clock.now())


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


async def locked(firm: Firm, person: int) -> None:
    one = replace(firm.portfolio.authenticators[person], locked_until=firm.clock.now() + LOCKED)
    await firm.ledger.commit(CommitBatch(authenticators=[one]))
    firm.portfolio.authenticators[person] = one


async def said(person: ChatPerson, row: Row) -> Message:
    """Returns the message after the command, confirmed where a confirmation is asked for."""
    reply = await person.ask(row.said, within=30)
    if not row.second or not any(button.data.startswith("ok:") for button in reply.buttons):
        return reply
    person.press(reply, "✅ Confirm")
    return await person.wait_for_edit(reply)


CHANGING = [row for row in ROWS if row.changes or row.second]


def test_whatever_changes_something_is_said_to_raise_or_to_lower_risk() -> None:
    assert [row.said for row in CHANGING if row.risk is None] == []


@pytest.mark.parametrize("has_one", [False, True], ids=["has none", "is locked"])
@pytest.mark.parametrize("row", [row for row in CHANGING if row.risk is Risk.LOWERS], ids=lambda row: row.said)
async def test_what_lowers_risk_is_done_without_a_code_by_who_has_none_and_who_is_locked(
    server: RunningChat, tmp_path: Path, row: Row, has_one: bool
) -> None:
    async with firm_on(server, tmp_path, secret=KEY) as firm:
        await row.prepare(firm)
        person, before = PERSON[row.role], await snapshot(firm)
        if has_one:
            await an_authenticator(firm, person)
            await locked(firm, person)
        await said(firm.person(person), row)
        if row.said != "/users withdraw":  # where there is no link to withdraw
            assert {**(await snapshot(firm)), "authenticators": []} != before


@pytest.mark.parametrize("row", [row for row in CHANGING if row.risk is Risk.RAISES], ids=lambda row: row.said)
async def test_what_raises_risk_is_done_by_a_good_code_alone(server: RunningChat, tmp_path: Path, row: Row) -> None:
    async with firm_on(server, tmp_path, secret=KEY) as firm:
        await row.prepare(firm)
        person, user_id = firm.person(PERSON[row.role]), PERSON[row.role]
        firm.portfolio.authenticators.pop(user_id, None)
        before = await snapshot(firm)
        assert "/code in a private chat" in (await said(person, row)).text
        assert await snapshot(firm) == before
        secret = await an_authenticator(firm, user_id)
        before = await snapshot(firm)
        assert "six digits" in (await said(person, row)).text
        person.send(wrong(code_of(firm, secret)))
        await until(lambda: any("Not done: wrong code" in message.text for message in person.messages))
        assert without(await snapshot(firm), user_id) == without(before, user_id)
        assert firm.portfolio.authenticators[user_id].wrong == 1
        await said(person, row)
        assert without(await snapshot(firm), user_id) == without(before, user_id)
        person.send(code_of(firm, secret))
        async with asyncio.timeout(10):
            while without(await snapshot(firm), user_id) == without(before, user_id):  # noqa: ASYNC110 - the program tells nobody of it
                await asyncio.sleep(0.01)


def without(kept: Snapshot, user_id: int) -> Snapshot:
    """Returns all but the authenticator whose code was used."""
    return {**kept, "authenticators": [row for row in kept["authenticators"] if row["user_id"] != user_id]}


@pytest.mark.parametrize(
    ("side", "word", "wanted"),
    [
        ("BUY", "y", True),
        ("BUY", "h", True),
        ("BUY", "n", False),
        ("SELL", "y", False),
        ("SELL", "n", False),
    ],
)
async def test_a_question_wants_a_code_for_an_entry_that_is_approved(
    server: RunningChat, tmp_path: Path, side: str, word: str, wanted: bool
) -> None:
    async with firm_on(server, tmp_path, secret=KEY) as firm:
        if side == "BUY":
            await a_question(firm)
        else:
            await firm.held()
            await asking(firm)
            await firm.signal("SELL_SM")
        question = await firm.owner.wait_for("trade this?")
        secret = await an_authenticator(firm, OWNER)
        firm.owner.press(question, next(button.data for button in question.buttons if button.data.endswith(f":{word}")))
        if wanted:
            await firm.owner.wait_for("six digits")
            assert firm.portfolio.approvals
            firm.owner.send(code_of(firm, secret))
        await firm.owner.wait_for_edit(question, lambda message: not message.buttons)
        await firm.settled()
        assert firm.portfolio.position(StrategyBook("WIFUSDC")).is_open is (
            (side == "BUY" and word != "n") or (side == "SELL" and word == "n")
        )


@pytest.mark.parametrize("of", ["a question", "a confirmation"])
async def test_a_tap_without_its_message_raises_no_risk(
    server: RunningChat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of: str
) -> None:
    """Taps without `message`, which may be missing, and then the code cannot be asked for:
    https://core.telegram.org/bots/api#callbackquery"""
    async with firm_on(server, tmp_path, secret=KEY) as firm:
        await an_authenticator(firm, OWNER)
        if of == "a question":
            await a_question(firm)
            asked = await firm.owner.wait_for("trade this?")
            yes = next(button.data for button in asked.buttons if button.data.endswith(":y"))
        else:
            await firm.owner.ask("/pause")
            asked, yes = await firm.owner.ask("/resume"), "✅ Confirm"
        before, put = await snapshot(firm), server.room.updates.put
        with monkeypatch.context() as patch:
            patch.setattr(
                server.room.updates, "put", lambda kind, body: put(kind, {k: v for k, v in body.items() if k != "message"})
            )
            tap = firm.owner.press(asked, yes)
        notice = await firm.owner.wait_for_answer(tap)
        assert "Nothing was done" in str(notice)
        await firm.settled()
        assert await snapshot(firm) == before


RAISED = {
    "PRICE_BAND_PCT": "1.5",
    "PRICE_SANITY_PCT": "90",
    "MAX_ORDER_NOTIONAL": "6000",
    "MAX_OPEN_POSITIONS": "50",
    "MAX_ENTRIES": "3",
    "DAILY_LOSS_LIMIT": "5000",
    "MAX_EXPOSURE_PCT": "off",
    "MAX_DRAWDOWN_PCT": "off",
    "COOLDOWN_AFTER_STOP": "5",  # over sooner
    "MAX_LOSING_EXITS": "50",
    "TRADE_QTY": "100",
    "TRADE_QUOTE": "1",  # the size becomes one of another asset: the price decides which is larger
    "TRADE_EQUITY_PCT": "0.01",
    "TRADE_RISK_PCT": "0.01",
    "SIGNAL_MAX_AGE": "600",
    "EXIT_MAX_AGE": "60",  # given up sooner, and the position stays
    "APPROVAL_TTL": "600",
    "STOP_LOSS_PCT": "off",
    "TAKE_PROFIT_PCT": "off",
    "BREAKEVEN_AFTER": "off",
    "TIME_LIMIT": "off",
    "TRAILING_PCT": "off",
    "TRAILING_ACTIVATION_PCT": "9",
    "DCA_STEPS": "2.5:1",
}
OTHER_SIZES = {"TRADE_QUOTE", "TRADE_EQUITY_PCT", "TRADE_RISK_PCT"}
LOWERED = {name: "0.01" for name in RAISED if name not in OTHER_SIZES} | {
    "MAX_OPEN_POSITIONS": "1",
    "MAX_ENTRIES": "1",
    "MAX_LOSING_EXITS": "1",
    "EXIT_MAX_AGE": "3600",
    "COOLDOWN_AFTER_STOP": "3600",
    "BREAKEVEN_AFTER": "1",
    "DCA_STEPS": "off",
}


def limit_set(name: str, value: str) -> LimitSet:
    return LimitSet(name, value, "Owner", NOON)


def test_a_limit_that_lets_more_through_wants_a_code() -> None:
    assert SETTABLE_LIMITS.keys() == RAISED.keys()
    with_plan = replace(
        ROOMY,
        stop_loss_pct=Decimal(5),
        take_profit_pct=(Target(Level(pct=Decimal(5))),),
        breakeven_after=Breakeven(Decimal(3)),
        time_limit=timedelta(hours=1),
        trailing_pct=Decimal(2),
        trailing_activation_pct=Decimal(3),
        max_exposure_pct=Decimal(50),
        max_drawdown_pct=Decimal(20),
        cooldown_after_stop=timedelta(seconds=60),
        max_losing_exits=4,
    )
    for name, value in RAISED.items():
        assert allows_more(name, with_plan, with_set(with_plan, [limit_set(name, value)])), name
    for name, value in LOWERED.items():
        assert not allows_more(name, with_plan, with_set(with_plan, [limit_set(name, value)])), name


@pytest.mark.parametrize(
    ("before", "after", "more"),
    [("5", "6", True), ("5", "off", True), ("5", "4", False), ("5", "5", False), ("off", "90", False), ("off", "off", False)],
)
def test_a_wider_stop_or_none_wants_a_code(before: str, after: str, *, more: bool) -> None:
    was, will_be = (with_set(ROOMY, [limit_set("STOP_LOSS_PCT", each)]) for each in (before, after))
    assert allows_more("STOP_LOSS_PCT", was, will_be) is more


@pytest.mark.parametrize(("after", "more"), [("off", True), ("10", False), ("5:50,10:50", False)])
def test_taking_every_target_away_wants_a_code(after: str, *, more: bool) -> None:
    was, will_be = (with_set(ROOMY, [limit_set("TAKE_PROFIT_PCT", each)]) for each in ("5", after))
    assert allows_more("TAKE_PROFIT_PCT", was, will_be) is more


@pytest.mark.parametrize(
    ("before", "after", "more"),
    [
        *[("3", "4", True), ("3", "2", False), ("3", "3", False), ("3", "target", True), ("target", "3", True)],
        *[("target", "target", False), ("target", "off", True), ("off", "target", False), ("off", "3", False)],
    ],
)
def test_a_stop_that_moves_later_or_not_at_all_wants_a_code(before: str, after: str, *, more: bool) -> None:
    was, will_be = (with_set(ROOMY, [limit_set("BREAKEVEN_AFTER", each)]) for each in (before, after))
    assert allows_more("BREAKEVEN_AFTER", was, will_be) is more


async def enrolled(firm: Firm, person: ChatPerson) -> str:
    """Sets up an authenticator from the picture's text; returns its secret."""
    shown = await person.ask("/code")
    assert shown.photo is not None
    found = re.search(r"otpauth://totp/\S+secret=([A-Z2-7]+)", shown.text)
    assert found is not None, shown.text
    person.send(wrong(code_of(firm, found[1])))
    await person.wait_for("does not match this QR code")
    sent = person.send(code_of(firm, found[1]))
    await person.wait_for("Authenticator set up")
    await person.wait_until_gone(sent)
    await person.wait_until_gone(shown)
    return found[1]


async def test_each_sets_up_an_authenticator_of_their_own_and_a_code_is_good_once_also_after_a_restart(
    server: RunningChat, tmp_path: Path
) -> None:
    start = FastClock().now()
    async with firm_on(server, tmp_path, secret=KEY, start=start, speed=1) as firm:
        of_trader = await enrolled(firm, firm.trader)
        await firm.settled()
        of_owner = await enrolled(firm, firm.owner)
        assert of_trader != of_owner
        await firm.owner.wait_for(f"{TRADER} set up an authenticator")
        firm.clock.skip(60)
        await confirmed(firm.trader, await firm.trader.ask("/buy WIFUSDC"), "six digits")
        firm.trader.send(code_of(firm, of_owner))  # somebody else's
        await until(lambda: any("Not done: wrong code" in message.text for message in firm.trader.messages))
        asked = await firm.trader.ask("/buy WIFUSDC")
        await confirmed(firm.trader, asked, "six digits")
        code, start = code_of(firm, of_trader), firm.clock.now()
        firm.trader.send(code)
        await firm.trader.wait_for_edit(asked, "BUY_MANUAL executed")
        await until(lambda: firm.portfolio.position(StrategyBook("WIFUSDC")).is_open)
        await firm.settled()
        kept = str(await firm.ledger.reader.read(people_tables.authenticators.select()))
        assert of_trader not in kept
        assert KEY not in kept
    async with firm_on(server, tmp_path, secret=KEY, start=start, speed=1) as firm:
        asked = await firm.trader.ask("/buy SOLUSDC 50 USDC")
        await confirmed(firm.trader, asked, "six digits")
        firm.trader.send(code)  # is still that of the current step
        await firm.trader.wait_for("Not done: wrong code", after=asked)
    async with firm_on(server, tmp_path, secret=pyotp.random_base32(), start=start) as firm:  # another key: nobody has one
        assert "/code in a private chat" in (await firm.trader.ask("/buy SOLUSDC 50 USDC")).text


async def test_another_one_wants_a_code_of_the_present_one_or_an_owners_word(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path, secret=KEY) as firm:
        old, owners = await an_authenticator(firm, TRADER), await an_authenticator(firm, OWNER)
        assert "Authenticator set up" in (await firm.trader.ask("/code")).text
        await confirmed(firm.trader, await firm.trader.ask("/code new"), "six digits")
        firm.trader.send(code_of(firm, old))
        shown = await firm.trader.wait_for("otpauth://")
        new = re.search(r"secret=([A-Z2-7]+)", shown.text)
        assert new is not None
        assert new[1] != old
        firm.trader.send(code_of(firm, new[1]))
        await firm.trader.wait_for("Authenticator set up")
        sent = firm.owner.send(f"/users codes {TRADER}")  # a notification of the new authenticator may come meanwhile
        asked = await firm.owner.wait_for(lambda message: message.button("✅ Confirm") is not None, after=sent)
        await confirmed(firm.owner, asked, "six digits")
        firm.owner.send(code_of(firm, owners))
        await until(lambda: TRADER not in firm.portfolio.authenticators)
        assert (await firm.trader.ask("/code")).photo is not None


async def test_the_picture_is_shown_in_private_alone_and_goes_by_itself(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path, secret=KEY) as firm:
        here = firm.trader.at(DESK.chat_id, 3)
        assert "in a private chat" in (await here.ask("/code")).text
        first = await firm.trader.ask("/code")
        second = await firm.trader.ask("/code")
        await firm.trader.wait_until_gone(first)
    await firm.trader.wait_until_gone(second)  # the program has ended


async def test_who_is_shown_out_takes_the_authenticator_along(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path) as firm:
        await firm.person(6666).ask(await link_of(firm))
        await an_authenticator(firm, 6666)
        await firm.settled()
        await firm.owner.ask("/users revoke 6666 yes")
        assert 6666 not in firm.portfolio.authenticators


async def link_of(firm: Firm) -> str:
    text = (await firm.owner.ask("/users invite trader")).text
    found = re.search(r"\?start=(\S+)", text)
    assert found is not None, text
    return f"/start {found[1]}"


async def tried(firm: Firm, person: int, code: str) -> str:
    """Returns the answer to a code that this person gives; empty where it is accepted."""
    caller = Caller(person, "Somebody", Role.OWNER, f"t:{next(firm.numbers)}", person)
    refused = await why_not(firm.context, caller, code)
    return plain_text(refused.text) if refused is not None else ""


async def test_five_wrong_codes_lock_for_a_while_across_restarts_and_nobody_else(server: RunningChat, tmp_path: Path) -> None:
    clock = FastClock(1)
    async with firm_on(server, tmp_path, secret=KEY, clock=clock) as firm:
        of_trader, of_owner = await an_authenticator(firm, TRADER), await an_authenticator(firm, OWNER)
        for _ in range(3):
            assert "Not done: wrong code" in await tried(firm, TRADER, wrong(code_of(firm, of_trader)))
    async with firm_on(server, tmp_path, secret=KEY, clock=clock) as firm:
        firm.numbers = count(100)
        assert "Not done: wrong code" in await tried(firm, TRADER, wrong(code_of(firm, of_trader)))
        assert "too many wrong codes" in await tried(firm, TRADER, wrong(code_of(firm, of_trader)))
        assert "entered a wrong one-time code" in (await firm.owner.ask("/audit")).text
    async with firm_on(server, tmp_path, secret=KEY, clock=clock) as firm:
        firm.numbers = count(200)
        assert "too many wrong codes" in await tried(firm, TRADER, code_of(firm, of_trader))
        assert await tried(firm, OWNER, code_of(firm, of_owner)) == ""
        clock.skip(LOCKED.total_seconds() + 1)
        assert await tried(firm, TRADER, code_of(firm, of_trader)) == ""


async def test_a_right_code_forgives_the_wrong_ones_before(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path, secret=KEY, speed=1) as firm:
        secret = await an_authenticator(firm, TRADER)
        for _ in range(3):
            for _ in range(MOST_WRONG - 1):
                assert "Not done: wrong code" in await tried(firm, TRADER, wrong(code_of(firm, secret)))
            assert await tried(firm, TRADER, code_of(firm, secret)) == ""
            firm.clock.skip(60)


async def test_codes_tried_at_one_moment_are_counted_one_by_one(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path, secret=KEY, speed=1) as firm:
        secret = await an_authenticator(firm, TRADER)
        right = code_of(firm, secret)
        answers = await asyncio.gather(*(tried(firm, TRADER, wrong(right)) for _ in range(40)), tried(firm, TRADER, right))
        assert "" not in answers
        assert sum("Not done: wrong code" in answer for answer in answers) < MOST_WRONG
        assert firm.portfolio.authenticators[TRADER].is_locked(firm.clock.now())


async def test_after_a_wrong_number_the_question_waits_on_for_the_right_one(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path, secret=KEY, speed=1) as firm:
        secret = await an_authenticator(firm, TRADER)
        asked = await firm.trader.ask("/buy WIFUSDC")
        asking = await confirmed(firm.trader, asked, "six digits")
        right = code_of(firm, secret)
        for typed, wrong_with_it in (("12345", "a code has six digits, this one has 5"), (wrong(right), "Not done: wrong code")):
            firm.trader.send(typed)
            answer = await firm.trader.wait_for(wrong_with_it, after=asking)
            assert re.search(r"Not done: .*\nEnter the right code within \d+ s", answer.text)
            assert not firm.portfolio.position(StrategyBook("WIFUSDC")).is_open
        assert firm.portfolio.authenticators[TRADER].wrong == 1
        firm.trader.send(f"{right[:3]} {right[3:]}")
        await until(lambda: firm.portfolio.position(StrategyBook("WIFUSDC")).is_open)


async def test_the_last_wrong_code_closes_the_question(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path, secret=KEY, speed=1) as firm:
        secret = await an_authenticator(firm, TRADER)
        asked = await firm.trader.ask("/buy WIFUSDC")
        await confirmed(firm.trader, asked, "six digits")
        right = code_of(firm, secret)
        for _ in range(MOST_WRONG - 1):
            sent = firm.trader.send(wrong(right))
            await firm.trader.wait_for("Not done: wrong code", after=sent)
        firm.trader.send(wrong(right))
        await firm.trader.wait_for_edit(asked, "too many wrong codes")
        assert "I understand commands" in (await firm.trader.ask(right)).text


async def test_a_code_of_somebody_else_or_for_nothing_is_only_a_word(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path, secret=KEY) as firm:
        secret = await an_authenticator(firm, TRADER)
        await confirmed(firm.trader, await firm.trader.ask("/buy WIFUSDC"), "six digits")
        code = code_of(firm, secret)
        assert "I understand commands" in (await firm.owner.ask(code)).text
        firm.clock.skip(61)
        assert "I understand commands" in (await firm.trader.ask(code)).text
        assert not firm.portfolio.position(StrategyBook("WIFUSDC")).is_open


async def test_a_code_that_the_ledger_cannot_note_confirms_nothing(
    server: RunningChat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with firm_on(server, tmp_path, secret=KEY) as firm:
        secret = await an_authenticator(firm, OWNER)
        await firm.owner.ask("/pause")
        asked = await firm.owner.ask("/resume")
        await confirmed(firm.owner, asked, "six digits")
        with monkeypatch.context() as patch:
            patch.setattr(firm.ledger, "store", unavailable)
            assert "could not be marked" in await tried(
                firm, OWNER, wrong(code_of(firm, secret))
            )  # nobody learns that it is wrong
            firm.owner.send(code_of(firm, secret))
            await firm.owner.wait_for_edit(asked, "could not be marked")
        assert firm.portfolio.trading_state.pause is Pause.ALL


async def unavailable(*_: object, **__: object) -> None:
    raise LedgerUnavailable("the disk is full")


async def test_of_two_codes_at_a_time_the_ledger_takes_one(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path, secret=KEY) as firm:
        await an_authenticator(firm, OWNER)
        one = firm.portfolio.authenticators[OWNER]
        for step, good in ((5, True), (5, False), (4, False), (6, True)):
            verdict = await firm.context.actions.put_as(f"t:{step}:{good}", CodeUsed(one.salt, step, OWNER, "Owner"))
            assert not isinstance(verdict, Enum)
            assert (verdict.reason is None) is good
