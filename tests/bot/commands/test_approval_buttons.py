"""Approvals over HTTP: the tap becomes a message in the symbol's mailbox, once; the question becomes the record."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.telegram.client import connect
from core.domain.approval import ApprovalState
from core.domain.events.approvals import ApprovalClosed, ApprovalRequested
from core.domain.messages import ApprovalAnswered
from core.domain.reasons import reason
from local_telegram.model import Message
from tests.bot.conftest import Bot, running, until
from tests.bot.parts import OWNER, approval
from tests.owner_deliveries import owners_notifier

TOKEN = "a1b2c3d4e5f6g7h8"


@pytest.fixture
async def asking(bot: Bot) -> AsyncIterator[Bot]:
    """Yields a bot whose owner is being asked."""
    alerts = connect(bot.server.token, bot.server.api_url)
    notifier = owners_notifier(alerts, OWNER, bot.office.ledger, bot.office.context.clock)
    async with running(notifier.run()):
        bot.office.portfolio.approvals[TOKEN] = approval(TOKEN)
        bot.office.ledger.add(ApprovalRequested(approval(TOKEN), "WIF", "USDC"))
        yield bot


async def question(bot: Bot) -> Message:
    return await bot.owner.wait_for("trade this?")


async def test_a_tap_is_one_message_in_the_symbols_mailbox(asking: Bot) -> None:
    asked = await question(asking)
    assert "Symbol: WIFUSDC\nQuantity: 20 WIF\nValue: 9.61 USDC" in asked.text
    assert [button.text for button in asked.buttons] == ["✅ Approve", "✖️ Decline"]
    query = asking.owner.press(asked, "✅ Approve")
    assert (await asking.owner.wait_for_answer(query))["text"] == "Approved. You'll get the result here."
    (message,) = asking.office.trading.handled
    assert (message.source, message.source_id, message.mailbox) == ("telegram", f"callback:{query}", "WIFUSDC")
    assert message.body == ApprovalAnswered(TOKEN, approve=True, user_id=OWNER, who="Owner")


async def test_the_question_becomes_the_record(asking: Bot) -> None:
    asked = await question(asking)
    closed = approval(TOKEN, ApprovalState.APPROVED, "Ann <b>")
    await until(lambda: bool(asking.office.ledger.deliveries))
    asking.office.ledger.add(ApprovalClosed(closed, "WIF", "USDC", reason("paused")))
    record = await asking.owner.wait_for_edit(asked, "approved")
    assert record.keyboard == ()
    assert "Ann <b>, 12:00:10 UTC\nNot traded: trading is paused" in record.text


async def test_declining_is_told(asking: Bot) -> None:
    asked = await question(asking)
    notice = await asking.owner.wait_for_answer(asking.owner.press(asked, "✖️ Decline"))
    assert notice["text"] == "Declined: no trade."


async def test_a_double_tap_trades_once(asking: Bot) -> None:
    asked = await question(asking)
    asking.office.trading.hold = asyncio.Event()
    taps = [asking.owner.press(asked, "✅ Approve") for _ in range(2)]
    await until(lambda: len(asking.office.inbox) == 2)
    asking.office.trading.hold.set()
    notices = {(await asking.owner.wait_for_answer(tap))["text"] for tap in taps}
    assert notices == {"Approved. You'll get the result here.", "This was already decided."}


async def test_a_tap_after_the_decision_reaches_nobody(asking: Bot) -> None:
    asked = await question(asking)
    asking.office.portfolio.approvals.clear()
    notice = await asking.owner.wait_for_answer(asking.owner.press(asked, "✅ Approve"))
    assert notice["text"] == "This was already decided."
    assert asking.office.trading.handled == []


async def test_an_ailing_ledger_is_said_and_the_button_stays(asking: Bot) -> None:
    asked = await question(asking)
    asking.office.ledger.down = True
    notice = await asking.owner.wait_for_answer(asking.owner.press(asked, "✅ Approve"))
    assert notice["text"] == "Not done: the database isn't responding. Try again."
    asking.office.ledger.down = False
    assert TOKEN in asking.office.portfolio.approvals


async def test_a_record_whose_question_is_gone_is_a_message_of_its_own(asking: Bot) -> None:
    asked = await question(asking)
    await until(lambda: bool(asking.office.ledger.deliveries))
    chat = asking.room.chat(OWNER)
    assert chat is not None
    chat.delete(asked.message_id)
    asking.office.ledger.add(
        ApprovalClosed(approval(TOKEN, ApprovalState.EXPIRED), "WIF", "USDC", reason("approval_expired", ttl=120))
    )
    record = await asking.owner.wait_for("nobody answered in time")
    assert "Not traded: no answer within 2 min" in record.text
