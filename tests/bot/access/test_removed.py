"""A removed person: nothing kept from before does anything."""

import re
from pathlib import Path

import pyotp

from core.domain.access import Person, Role
from local_telegram.server import RunningChat
from tests.bot.commands.test_every_command import snapshot
from tests.bot.firm import firm_on
from tests.bot.parts import OWNER, STRANGER
from tests.bot.table import a_question, an_authenticator
from tests.bot.telegram.test_auth_gate import put_tap

SECRET = pyotp.random_base32()


async def test_nothing_that_a_removed_owner_has_kept_does_anything(server: RunningChat, tmp_path: Path) -> None:
    """Tries a link, a second tap, a code, an answer and a button of a list: none is a way back in, nor acts."""
    async with firm_on(server, tmp_path, secret=SECRET) as firm:
        mallory = firm.person(STRANGER)
        firm.portfolio.people[STRANGER] = Person(STRANGER, "Mallory", Role.OWNER, "Owner", firm.clock.now(), inviter=OWNER)
        await a_question(firm)
        await firm.settled()
        secret = await an_authenticator(firm, STRANGER)
        text = (await mallory.ask("/users invite owner")).text
        assert "six digits" in text
        mallory.send(pyotp.TOTP(secret).at(firm.clock.now()))
        link = re.search(r"start=(\S+)", (await mallory.wait_for("t.me")).text)
        assert link is not None
        firm.clock.skip(31)
        listed = await mallory.ask("/mode")
        asked = await mallory.ask("/set MAX_ORDER_NOTIONAL 1")
        coded = await mallory.ask("/users invite owner")
        await firm.owner.ask(f"/users revoke {STRANGER} yes")
        before = await snapshot(firm)
        token = next(iter(firm.portfolio.approvals))
        put_tap(firm, STRANGER, f"ap:{token}:y", query_id="1")
        mallory.press(listed, "/mode observe")
        mallory.press(asked, "✅ Confirm")
        mallory.send(pyotp.TOTP(secret).at(firm.clock.now()))
        mallory.send(f"/start {link[1]}")
        mallory.send("/panic")
        await firm.owner.ask("/positions")
        after = await snapshot(firm)
        assert after == before
        assert "six digits" in coded.text
        assert firm.context.people.roles.role(STRANGER) is None
