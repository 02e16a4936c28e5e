"""`marketflow demo` in its own process: its people, its faults, a program that is killed, and an end that leaves nothing."""

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo.cast import PEOPLE, QUESTIONS, STRANGER, TRADER, TRADING_DESK, VIEWER
from demo.stage import EXCHANGE_AWAY_SECONDS
from local_telegram.room import OWNER
from tests.servers.ports import free_port
from tests.servers.process import ServerProcess

MARKETFLOW = str(Path(sys.executable).with_name("marketflow"))
EXCHANGE, TELEGRAM, KILL = range(3)


class Demo:
    """A running demo, seen through the API of its page."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.ledger = folder / "kept.db"
        self.log = folder / "demo.log"
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=5)
        self.process = ServerProcess(
            "demo",
            [MARKETFLOW, "demo", "--no-browser", "--port", str(port), "--ledger", str(self.ledger)],
            log=self.log,
            ready=self._answers,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder), "LOG_FORMAT": "json"},
        )

    def _answers(self) -> bool:
        try:
            return self._http.get("/").status_code == 200
        except httpx.HTTPError:
            return False

    def state(self, **place: Any) -> dict[str, Any]:
        found: dict[str, Any] = self._http.get("/api/state", params=place).json()
        return found

    def said(self, after: int = 0, **place: Any) -> list[str]:
        """Returns the bot's messages, in order; those after the message with this number."""
        found = self.state(**place)["messages"]
        return [message["text"] for message in found if not message["mine"] and message["id"] > after]

    def newest(self) -> int:
        """Returns the number of the newest message."""
        return max((int(message["id"]) for message in self.state()["messages"]), default=0)

    def pull(self, number: int) -> None:
        name = self.state()["levers"][number]["name"]
        assert self._http.post("/api/lever", json={"name": name}).json() == {"ok": True}

    def left(self, number: int) -> int:
        return int(self.state()["levers"][number]["left_ms"])

    def send(self, text: str, **place: Any) -> None:
        assert self._http.post("/api/send", json={"text": text, **place}).status_code == 200

    def end(self) -> None:
        """Ends it and closes everything opened to look at it."""
        self.process.stop()
        self._http.close()

    def tap(self, label: str) -> None:
        """Taps the button on the newest message that has it."""
        message = next(one for one in reversed(self.state()["messages"]) if label in str(one["buttons"]))
        sent = {"person": OWNER.user_id, "message": message["id"], "data": label}
        assert self._http.post("/api/press", json=sent).status_code == 200

    def program(self) -> int:
        """Returns the process that trades."""
        return children(self.process.pid or 0)[0]

    def executions(self) -> list[str]:
        """Returns the executed orders, as the ledger has them."""
        with closing(sqlite3.connect(f"file:{self.ledger}?mode=ro", uri=True)) as ledger:
            return [row[0] for row in ledger.execute("select order_id from executions order by seq")]

    def legs(self) -> dict[str, dict[str, str]]:
        """Returns the orders that exit plans have placed on the exchange, by plan: their states by their ids."""
        found: dict[str, dict[str, str]] = {}
        with closing(sqlite3.connect(f"file:{self.ledger}?mode=ro", uri=True)) as ledger:
            asked = "select plan_id, client_order_id, state from orders where leg in ('S', 'T') and order_id is not null"
            for plan, name, state in ledger.execute(asked):
                found.setdefault(plan, {})[name] = state
        return found


def children(pid: int) -> list[int]:
    """Returns the child processes of a process."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()]
    except FileNotFoundError:
        return []


def lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def until(true: Callable[[], bool], within: float = 60) -> None:
    async with asyncio.timeout(within):
        while not true():  # noqa: ASYNC110 - what it waits for is another process
            await asyncio.sleep(0.05)


def running(folder: Path) -> Iterator[Demo]:
    started = Demo(folder)
    started.process.start()
    yield started
    started.end()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Yields a demo that stays for the next test: it runs on and on, and each test looks at what is new."""
    yield from running(tmp_path_factory.mktemp("demo"))


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Demo]:
    """Yields a demo for one test, which ends it."""
    yield from running(tmp_path)


async def test_a_program_that_is_killed_comes_back_and_does_nothing_twice(demo: Demo) -> None:
    await until(lambda: any("executed" in text for text in demo.said()))
    before, first, last = demo.program(), demo.executions(), demo.newest()
    demo.pull(KILL)
    await until(lambda: not lives(before))
    assert demo.left(KILL) > 0
    await until(lambda: any("MarketFlow started" in text for text in demo.said(last)))
    assert demo.program() != before
    assert demo.left(KILL) == 0
    await until(lambda: any("was offline from" in text for text in demo.said(last)))
    demo.send("/buy DOGEUSDC 20 USDC", person=OWNER.user_id)
    await until(lambda: any("Buy for 20.00 USDC" in text for text in demo.said(last)))
    demo.tap("✅ Confirm")
    await until(lambda: any("BUY_MANUAL executed" in text for text in demo.said(last)))
    executed = demo.executions()
    assert executed[: len(first)] == first
    assert len(set(executed)) == len(executed)
    assert sum("MarketFlow started" in text for text in demo.said(last)) == 1


async def test_stops_and_targets_stay_on_the_exchange_while_the_program_is_dead(demo: Demo) -> None:
    await until(lambda: any("executed" in text for text in demo.said()))
    await until(lambda: any("ACCEPTED" in legs.values() for legs in demo.legs().values()))
    last = demo.newest()
    demo.pull(KILL)
    await until(lambda: demo.left(KILL) > 0)
    before = {plan: legs for plan, legs in demo.legs().items() if set(legs.values()) == {"ACCEPTED"}}
    await until(lambda: any("was offline from" in text for text in demo.said(last)))
    after = demo.legs()
    for plan, legs in before.items():
        # One may have filled; then the exchange ended the other of its list, and what is left may be placed anew.
        assert legs.keys() <= after[plan].keys()
        assert legs.keys() == after[plan].keys() or "FILLED" in after[plan].values()


async def test_everybody_has_the_right_that_is_theirs(demo: Demo) -> None:
    await until(lambda: bool(demo.said()))
    for person in PEOPLE:
        demo.send("/mode auto", person=person.user_id)
    for person in (TRADER, VIEWER):
        lacking = f"needs the role owner; yours is {person.username}"
        await until(lambda person=person, lacking=lacking: lacking in str(demo.said(**{"as": person.user_id})))  # type: ignore[misc]
    await until(lambda: "Stranger @stranger" in str(demo.said()))
    assert demo.said(**{"as": STRANGER.user_id}) == []
    questions = {"chat": TRADING_DESK.chat_id, "topic": QUESTIONS}
    for command in ("/status", "/health"):
        demo.send(f"{command}@marketflow_local_bot", person=TRADER.user_id, **questions)
    demo.send("/status", person=TRADER.user_id)
    await until(lambda: "PAPER" in str(demo.said(**{"as": TRADER.user_id})))
    for words in ("account figures only in private", "Clock: "):
        await until(lambda words=words: words in str(demo.said(**{"as": TRADER.user_id}, **questions)))  # type: ignore[misc]
    assert "PAPER" not in str(demo.said(**{"as": TRADER.user_id}, **questions))


async def test_an_exchange_that_does_not_answer_is_counted_down_through_a_restart(demo: Demo) -> None:
    await until(lambda: bool(demo.said()))
    demo.pull(EXCHANGE)
    demo.pull(KILL)
    assert 0 < demo.left(EXCHANGE) <= EXCHANGE_AWAY_SECONDS * 1000
    await until(lambda: "trading begins when it does" in demo.log.read_text(encoding="utf-8"))  # the new one has none either
    assert demo.left(TELEGRAM) == 0
    demo.pull(TELEGRAM)
    assert demo.left(TELEGRAM) > 50_000


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_an_end_leaves_no_process(fresh: Demo, number: signal.Signals) -> None:
    await until(lambda: bool(fresh.said()))
    program = fresh.program()
    os.kill(fresh.process.pid or 0, number)
    await until(lambda: not fresh.process.running, within=5)
    assert not lives(program)


async def test_the_program_ends_when_the_demo_was_killed(fresh: Demo) -> None:
    await until(lambda: bool(fresh.said()))
    program = fresh.program()
    os.kill(fresh.process.pid or 0, signal.SIGKILL)
    await until(lambda: not lives(program))
    assert children(fresh.process.pid or 0) == []
