"""People, over HTTP: let in by a link that works once, removed by an owner, and nothing without a right."""

import re
from dataclasses import replace

import pytest

from core.domain.access import Person, Role
from local_telegram.server import RunningChat
from tests.bot.conftest import Bot, bot_on
from tests.bot.parts import OWNER, STRANGER, TRADER, VIEWER, FastClock, Office, came, signal
from tests.chat_client import ChatPerson


async def link_of(bot: Bot, role: str = "viewer") -> str:
    """Returns the message that opening the link sends."""
    text = (await bot.owner.ask(f"/users invite {role}")).text
    found = re.search(r"https://t\.me/marketflow_local_bot\?start=(\S+)", text)
    assert found is not None, text
    return f"/start {found[1]}"


async def test_a_link_lets_one_person_in_once(bot: Bot) -> None:
    start = await link_of(bot, "trader")
    stranger = bot.person(STRANGER)
    assert "Welcome, <b>Mallory</b>" in (await stranger.ask(start)).text
    assert bot.office.people.role(STRANGER) is Role.TRADER
    assert "Open positions" in (await stranger.ask("/status")).text
    assert "PAUSED" in (await stranger.ask("/pause")).text
    assert start.split()[1] not in str(bot.office.portfolio.invites)
    assert bot.office.portfolio.readers[STRANGER].active


async def test_a_used_link_a_withdrawn_one_and_an_old_one_let_nobody_in(server: RunningChat) -> None:
    clock = FastClock()
    async with bot_on(server, Office(clock)) as bot:
        stranger = bot.person(STRANGER)
        withdrawn = await link_of(bot)
        assert "All invite links are revoked" in (await bot.owner.ask("/users withdraw")).text
        old = await link_of(bot)
        clock.skip(24 * 3600 + 1)
        for start in (withdrawn, old, "/start in_", "/start in_guessed", "/start"):
            stranger.send(start)
        await bot.owner.ask("/positions")
        assert stranger.received == []
        assert bot.office.people.role(STRANGER) is None


async def test_the_same_link_in_two_hands_lets_in_the_first(bot: Bot) -> None:
    start = await link_of(bot)
    stranger = bot.person(STRANGER)
    stranger.send(start)
    stranger.send(start)
    await stranger.wait_for("Welcome")
    await bot.owner.ask("/positions")
    assert len(bot.office.portfolio.people) == 1


async def test_who_is_shown_out_gets_no_answer_any_more(bot: Bot) -> None:
    stranger = bot.person(STRANGER)
    await stranger.ask(await link_of(bot))
    listed = await bot.owner.ask("/users")
    assert f"<b>Mallory</b> ({STRANGER}): viewer, invited by Owner" in listed.text
    bot.owner.press(listed, "🚫 <b>Mallory</b>")
    asked = await bot.owner.wait_for_edit(listed, "Revoke")
    assert bot.office.people.role(STRANGER) is Role.VIEWER
    bot.owner.press(asked, "🚫 Revoke")
    await bot.owner.wait_for_edit(asked, "removed")
    before = len(stranger.received)
    stranger.send("/status")
    await bot.owner.ask("/positions")
    assert len(stranger.received) == before
    assert bot.office.people.role(STRANGER) is None


async def test_an_owner_who_is_shown_out_has_kept_no_link_to_come_back_by(bot: Bot) -> None:
    stranger = bot.person(STRANGER)
    await stranger.ask(await link_of(bot, "owner"))
    text = (await stranger.ask("/users invite owner")).text
    kept = f"/start {text.partition('?start=')[2].split()[0]}"
    assert kept.startswith("/start in_")
    await link_of(bot)
    assert "now void: 1" in (await bot.owner.ask(f"/users revoke {STRANGER} yes")).text
    assert len(bot.office.portfolio.invites) == 1  # the owner's own
    stranger.send(kept)
    await bot.owner.ask("/positions")
    assert bot.office.people.role(STRANGER) is None


async def test_who_never_made_links_takes_none_with_them(bot: Bot) -> None:
    await bot.person(STRANGER).ask(await link_of(bot, "trader"))
    await link_of(bot)
    assert "lead nowhere" not in (await bot.owner.ask(f"/users revoke {STRANGER} yes")).text
    assert len(bot.office.portfolio.invites) == 1


@pytest.mark.parametrize("lost", [None, Role.VIEWER, Role.TRADER])
@pytest.mark.parametrize("invited", list(Role))
async def test_a_link_dies_with_the_right_of_who_made_it(bot: Bot, invited: Role, lost: Role | None) -> None:
    """Loses the right in each way: removed, or given a lower role, or none, in the settings."""
    start, fixed = await link_of(bot, invited.name.lower()), bot.office.portfolio.fixed
    bot.office.portfolio.fixed = {TRADER: Role.OWNER} | ({} if lost is None else {OWNER: lost})
    stranger = bot.person(STRANGER)
    stranger.send(start)
    await bot.person(TRADER).ask("/positions")
    assert bot.office.people.role(STRANGER) is None
    assert "Open links" not in (await bot.person(TRADER).ask("/users")).text
    bot.office.portfolio.fixed = fixed
    await stranger.ask(start)  # the right is back, and so is the link
    assert bot.office.people.role(STRANGER) is invited


async def test_a_link_whose_maker_is_not_known_lets_nobody_in(bot: Bot) -> None:
    start = await link_of(bot)
    invites = bot.office.portfolio.invites
    invites.update({digest: replace(invite, inviter=0) for digest, invite in invites.items()})
    bot.person(STRANGER).send(start)
    await bot.owner.ask("/positions")
    assert bot.office.people.role(STRANGER) is None


async def test_whom_somebody_brought_along_is_shown_when_the_right_is_taken(bot: Bot) -> None:
    bot.office.portfolio.people[77] = Person(
        77, "Second account", Role.OWNER, "Mallory", bot.office.context.clock.now(), inviter=STRANGER
    )
    await bot.person(STRANGER).ask(await link_of(bot, "owner"))
    asked = await bot.owner.ask(f"/users revoke {STRANGER}")
    assert "Invited by this person" in asked.text
    assert "Second account" in asked.text


@pytest.mark.parametrize("person", [TRADER, VIEWER])
async def test_only_owners_have_to_do_with_people(bot: Bot, person: int) -> None:
    for said in ("/users", "/users invite owner", f"/users revoke {VIEWER} yes", "/users withdraw"):
        assert "needs the role owner" in (await bot.person(person).ask(said)).text
    assert bot.office.trading.handled == []


async def test_who_stands_in_the_settings_stays(bot: Bot) -> None:
    assert "TG_USERS" in (await bot.owner.ask(f"/users revoke {TRADER}")).text
    assert "nobody with the id" in (await bot.owner.ask(f"/users revoke {TRADER} yes")).text
    assert bot.office.people.role(TRADER) is Role.TRADER


@pytest.mark.parametrize("said", ["/users invite admin", "/users revoke x", "/users revoke ٣", "/users revoke 1 no", "/users x"])
async def test_what_is_not_accepted_is_said(bot: Bot, said: str) -> None:
    assert "is not valid" in (await bot.owner.ask(said)).text
    assert bot.office.trading.handled == []


async def test_each_reads_in_their_language_and_zone(bot: Bot) -> None:
    viewer = bot.person(VIEWER)
    assert "Язык: русский" in (await viewer.ask("/lang ru")).text
    assert "Позиций" in (await viewer.ask("/positions")).text
    assert "Positions" in (await bot.owner.ask("/positions")).text
    assert "Asia/Tashkent" in (await viewer.ask("/zone Asia/Tashkent")).text
    assert "UTC+05" in (await viewer.ask("/positions")).text
    bot.office.ledger.signals = [came(signal(), None)]
    assert (await viewer.ask("/signals")).text.splitlines()[0] == "Последние сигналы (UTC+05)"
    for wrong in ("/zone Mars/Base", "/zone ../../etc/passwd"):
        assert "такого часового пояса нет" in (await viewer.ask(wrong)).text
    assert "не подходит" in (await viewer.ask("/lang de")).text


async def test_a_language_outlives_a_restart(server: RunningChat) -> None:
    office = Office(FastClock())
    async with bot_on(server, office) as bot:
        await bot.person(VIEWER).ask("/lang ru")
    again = Office(FastClock())
    again.portfolio.readers |= office.portfolio.readers
    async with bot_on(server, again) as bot:
        assert "Открытых позиций нет" in (await bot.person(VIEWER).ask("/positions")).text


async def test_the_keyboard_goes_by_role_language_and_pause(bot: Bot) -> None:
    def last(person: ChatPerson) -> str:
        conversation = person.room.chat(person.id)
        assert conversation is not None
        return str(conversation.keyboard_for(person.id).rows[-1][-1])

    viewer, owner, trader = bot.person(VIEWER), bot.owner, bot.person(TRADER)
    assert "/mode" not in (await viewer.ask("/start")).text
    assert last(viewer) == "📒 Trades"
    assert "/mode confirm to approve each trade" in (await owner.ask("/start")).text
    assert last(owner) == "⏸ Pause"
    await owner.ask("/mode confirm")
    assert "/mode" not in (await owner.ask("/start")).text
    await owner.ask("/pause")
    assert last(owner) == "▶️ Resume"
    await trader.ask("/start")
    assert last(trader) == "⏸ Pause"
    await owner.ask("/lang ru")
    assert last(owner) == "▶️ Продолжить"
    assert "Возобновить торговлю" in (await owner.ask("▶️ Продолжить")).text
