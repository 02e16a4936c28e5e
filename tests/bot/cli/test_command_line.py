"""The command line as its users meet it: every command in its own process, its output, and its exit code.

At least one test of each command, and each that is about the loading, starts the installed one.
"""

import asyncio
import gc
import json
import os
import re
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from bot.__main__ import _finish
from core.adapters.kafka.options import KafkaOptions
from core.adapters.kafka.topic_check import find_partitions
from core.adapters.signals.codec import decode, instant
from core.domain.signal import Signal
from demo.broker import MemoryBroker
from tests.ledgers import make_ledger
from tests.owner_deliveries import undelivered
from tests.paths import ROOT
from tests.ring import TOPIC, Ring
from tests.running import MARKETFLOW, Ended, Program, run_command, surroundings
from tests.servers.kafka import KafkaServer
from tests.venue.faults import Fault
from tests.venue.model import OrderRequest
from tests.venue.server import running_venue
from tests.venue.venue import KEY, READ_ONLY_KEY, SECRET, Venue

NOBODY = "127.0.0.1:1"  # an address where nothing listens
COMMANDS = ("run", "demo", "check", "publish", "reconcile")
PARTS = ("settings", "ledger", "telegram", "kafka", "binance")
BESIDES = ("webhook", "snowflake", "message")
SECRETS = ("BINANCE_API_KEY", "BINANCE_API_SECRET", "TG_TOKEN")

# Everything a start needs, with none of it reachable: for findings that come before anything is reached.
NOTHING_THERE: dict[str, str] = {
    "BINANCE_API_URL": f"http://{NOBODY}/api",
    "KAFKA_BROKER": NOBODY,
    "TG_API_URL": f"http://{NOBODY}",
    "TG_TOKEN": "123456:" + "T" * 35,
    "TG_CHAT_ID": "1001",
    "HTTP_PORT": "0",
    "METRICS_PORT": "0",
}

_FINDING = re.compile(rf"(ok  |warn|FAIL)  ({'|'.join((*PARTS, *BESIDES))}) +(\S.*)")
_PYTHON = re.compile(r"Traceback|\b[A-Z]\w+(?:Error|Exception|Token|Request)\b|\('")


def python_in(ended: Ended) -> list[str]:
    """Returns what only somebody who knows the code could read: tracebacks, class names, tuples."""
    return _PYTHON.findall(ended.stdout + ended.stderr)


async def until(condition: Callable[[], bool], within: float = 20.0) -> None:
    """Returns as soon as `condition` holds; raises TimeoutError after `within` seconds."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - what it waits for is another process
            await asyncio.sleep(0.01)


def send(program: Program, number: signal.Signals) -> None:
    """Sends the process a signal, as a terminal or a service manager does."""
    pid = program._process.pid
    assert pid is not None
    os.kill(pid, number)


async def end_of(program: Program, within: float = 20.0) -> int | None:
    """Returns its exit code once it has ended by itself."""
    await until(lambda: not program._process.running, within)
    return await program.stop()


async def records(broker: str, topic: str = TOPIC) -> list[ConsumerRecord]:
    """Returns everything in the topic."""
    async with AIOKafkaConsumer(bootstrap_servers=broker, fetch_max_wait_ms=10) as consumer:
        partitions = [TopicPartition(topic, number) for number in await find_partitions(KafkaOptions(broker), topic)]
        ends = await consumer.end_offsets(partitions)
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        async with asyncio.timeout(20):
            return [await consumer.getone() for _ in range(sum(ends.values()))]


# --- help


# Prints the exit code, and the packages that were imported for it.
_PROBE = """\
import sys
from bot.__main__ import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    print("code", end.code, *sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""
HEAVY = frozenset(
    {"aiokafka", "alembic", "binance", "confluent_kafka", "fastapi", "matplotlib", "pydantic", "sqlalchemy", "telegram"}
)


@pytest.mark.parametrize("command", ["", *COMMANDS])
async def test_help_is_given_without_importing_what_is_heavy(command: str) -> None:
    arguments = [*filter(None, [command]), "--help"]
    ended = await run_command(*arguments, settings={}, installed=True)
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"usage: {' '.join(['marketflow', *arguments[:-1]])} ")
    assert [name for name in COMMANDS if not command and not re.search(rf"^ +{name}\b", ended.stdout, re.MULTILINE)] == []

    probe = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _PROBE, *arguments),
        env=surroundings({}),
        cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await probe.communicate()
    assert said.decode().startswith("code 0 ")
    assert HEAVY & set(said.decode().split()) == set()


async def test_a_word_that_is_no_command_is_answered_with_those_that_are() -> None:
    ended = await run_command("trade", settings={}, installed=True)
    assert ended.code == 2
    assert "'trade'" in ended.stderr
    assert [name for name in COMMANDS if name not in ended.stderr] == []
    assert python_in(ended) == []


def test_garbage_is_collected_once_a_command_is_loaded() -> None:
    async def collects() -> bool:
        return gc.isenabled()

    gc.disable()
    try:
        assert _finish(collects())
    finally:
        gc.enable()


# --- check


def findings(ended: Ended) -> list[tuple[str, str, str]]:
    """Returns verdict, part and text of each line; every line is one."""
    lines = [_FINDING.fullmatch(line) for line in ended.stdout.splitlines()]
    assert None not in lines, ended.stdout
    return [(line[1].strip(), line[2], line[3]) for line in lines if line is not None]


async def test_check_says_one_line_of_each_part_that_is_well(ring: Ring) -> None:
    ring.installed = True
    ended = await ring.command("check")
    assert (ended.code, ended.stderr) == (0, ""), ended.stdout
    expected = (
        ("settings", r"trading mode live, approval auto, may command: 1001 \(owner\)"),
        ("ledger", r".*open positions: none; unsettled orders: 0"),
        ("telegram", r"@marketflow_local_bot; alerts go to Owner \(private\)"),
        ("kafka", rf"{ring.broker}: topic {TOPIC} has 4 partition\(s\).*(\blag\b|no position yet).*"),
        ("binance", rf"{ring.venue.api_url}: clock offset [+-]\d+\.\d+ s"),
        ("binance", r"orders go by REST: BINANCE_WS_URL names no WebSocket API"),
        ("binance", r"the key may trade"),
        ("binance", r"WIFUSDC: .*20 WIF at 0\.4801.*"),
    )
    found = findings(ended)
    missing = [
        pattern
        for part, pattern in expected
        if not any(verdict == "ok" and name == part and re.fullmatch(pattern, text) for verdict, name, text in found)
    ]
    assert missing == [], ended.stdout
    assert [one for one in found if one[0] != "ok"] == []


@dataclass(frozen=True)
class Sick:
    """A fault; for each expected FAIL line its part and text that says what to fix; and what the other lines of that part
    still say."""

    fails: Sequence[tuple[str, Sequence[str]]]
    well: Sequence[str] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    arrange: Callable[[Venue], object] = lambda venue: None


def _symbols_out_of_order(venue: Venue) -> None:
    venue.edit_symbol("WIFUSDT", status="HALT")
    venue.edit_symbol("WIFUSDC", min_notional="5")
    venue.set_price("WIFUSDC", "0.48")


SICK: dict[str, Sick] = {
    "nobody at any address": Sick(
        fails=[("telegram", ["TG_API_URL"]), ("kafka", [NOBODY, "connection refused"]), ("binance", [NOBODY])],
        settings={"TG_API_URL": f"http://{NOBODY}", "KAFKA_BROKER": NOBODY, "BINANCE_API_URL": f"http://{NOBODY}/api"},
    ),
    "token, topic and key unknown": Sick(
        fails=[
            ("telegram", ["TG_TOKEN"]),
            ("kafka", ["topic no_such_topic does not exist"]),
            ("binance", ["-2015", "BINANCE_API_KEY"]),
        ],
        settings={"TG_TOKEN": "654321:" + "t" * 35, "KAFKA_TOPIC": "no_such_topic", "BINANCE_API_KEY": "x" * 64},
    ),
    "chat unknown, key cut off": Sick(
        fails=[("telegram", ["TG_CHAT_ID"]), ("binance", ["-2014", "BINANCE_API_KEY"])],
        settings={"TG_CHAT_ID": "404", "BINANCE_API_KEY": "k" * 20},
    ),
    "wrong secret": Sick(fails=[("binance", ["-1022", "BINANCE_API_SECRET"])], settings={"BINANCE_API_SECRET": "y" * 64}),
    "key that may only read": Sick(
        fails=[("binance", ["the key may not trade", "Spot trading permission"])],
        well=["clock offset"],
        settings={"BINANCE_API_KEY": READ_ONLY_KEY},
    ),
    "key that may withdraw": Sick(
        fails=[("binance", ["may WITHDRAW", "Enable Withdrawals"])],
        well=["clock offset"],
        arrange=lambda venue: venue.change_key(can_withdraw=True),
    ),
    "account that may not trade": Sick(
        fails=[("binance", ["account", "may not trade"])], arrange=lambda venue: setattr(venue.account, "can_trade", False)
    ),
    # The record's age is measured by this machine's clock: so far off, every signal would be too old or too new to trust.
    "clock off": Sick(fails=[("binance", ["clock"])], arrange=lambda venue: setattr(venue.clock, "offset_ms", 90_000)),
    "symbols": Sick(
        fails=[
            ("binance", ["BTCUSDC", "MAX_ORDER_NOTIONAL"]),
            ("binance", ["NOSUCHUSDC", "no such symbol"]),
            ("binance", ["WIFUSDC", "order value 4.80 USDC is below the exchange's minimum of 5", "TRADE_QTY"]),
            ("binance", ["WIFUSDT", "halted"]),
        ],
        well=["clock offset", "the key may trade"],
        settings={"SYMBOLS": "WIFUSDC,WIFUSDT,BTCUSDC,NOSUCHUSDC", "TRADE_QTY": "10"},
        arrange=_symbols_out_of_order,
    ),
}


def shortcomings(sick: Sick, ended: Ended) -> list[str]:
    """Returns what the output of `check` lacks, or has and should not have."""
    found = findings(ended)
    failed = [(part, text) for verdict, part, text in found if verdict == "FAIL"]
    if ended.code != 1 or [part for part, _ in failed] != [part for part, _ in sick.fails]:
        return [f"ended with {ended.code} and these FAIL lines: {failed}"]
    lacks = [
        f"{word!r} is not in {text!r}"
        for (_, text), (_, words) in zip(failed, sick.fails, strict=True)
        for word in words
        if word not in text
    ]
    lacks += [f"no line of {part}" for part in PARTS if part not in {name for _, name, _ in found}]
    well = [text for verdict, _, text in found if verdict == "ok"]
    lacks += [f"no ok line with {word!r}" for word in sick.well if not any(word in text for text in well)]
    secrets = [sick.settings[name].rpartition(":")[2] for name in SECRETS if name in sick.settings]
    return [
        *lacks,
        *(f"Python's own word {word}" for word in python_in(ended)),
        *("a secret is shown" for secret in secrets if secret in ended.stdout),
        *(f"on standard error: {line}" for line in ended.stderr.splitlines()),
    ]


async def test_check_names_what_to_mend(ring: Ring) -> None:
    pace = asyncio.Semaphore(2)  # one after the other they would take twice as long

    async def checked(name: str, sick: Sick) -> list[str]:
        async with pace, running_venue() as venue:
            sick.arrange(venue)
            ledger = f"sqlite+aiosqlite:///{ring.folder / name.replace(' ', '-')}.db"
            its_own = {"BINANCE_API_URL": venue.api_url, "DATABASE_URL": ledger}
            return shortcomings(sick, await ring.command("check", **its_own | dict(sick.settings)))

    lacking = await asyncio.gather(*(checked(name, sick) for name, sick in SICK.items()))
    told = [f"{name}: {line}" for name, lines in zip(SICK, lacking, strict=True) for line in lines]
    assert not told, "\n".join(told)


def listening() -> socket.socket:
    """Returns a socket that listens, and answers nothing."""
    taken = socket.create_server(("127.0.0.1", 0))
    taken.settimeout(1)
    return taken


async def test_check_says_where_the_webhook_listens_and_whether_its_port_is_free(tmp_path: Path) -> None:
    with closing(listening()) as taken:
        port = taken.getsockname()[1]
        its_own = NOTHING_THERE | {"HTTP_PORT": str(port), "WEBHOOK_SECRET": "s" * 20}
        found = findings(await run_command("check", settings=its_own, cwd=tmp_path))
        assert ("FAIL", "webhook", f"HTTP_PORT: {port} on 127.0.0.1 is taken by another program, or cannot be opened") in found
    found = findings(await run_command("check", settings=its_own, cwd=tmp_path))
    assert ("ok", "webhook", f"http://127.0.0.1:{port}/signals: the port is free") in found


async def test_check_tries_what_a_wrong_value_does_not_concern(tmp_path: Path) -> None:
    its_own = NOTHING_THERE | {"TG_CHAT_ID": "me", "MAX_ORDER_NOTIONAL": "many", "LOG_LEVEL": "LOUD"}
    ended = await run_command("check", settings=its_own, cwd=tmp_path)
    assert (ended.code, ended.stderr) == (1, "")
    found = findings(ended)
    wrong = [text.partition(":")[0] for verdict, part, text in found if (verdict, part) == ("FAIL", "settings")]
    assert sorted(wrong) == ["LOG_LEVEL", "MAX_ORDER_NOTIONAL", "TG_CHAT_ID"]
    for part in ("telegram", "binance"):
        assert [text for _, name, text in found if name == part] == ["not tried: its settings are wrong"]
    assert ("ok", "ledger") in [one[:2] for one in found]
    assert any(part == "kafka" and NOBODY in text for _, part, text in found)


async def test_check_without_anything_says_how_to_begin(tmp_path: Path) -> None:
    ended = await run_command("check", settings={"BINANCE_API_URL": f"http://{NOBODY}/api"}, cwd=tmp_path)
    assert ended.code == 1
    begins = "warn  settings  there is no .env here; `marketflow init` asks"
    assert any(line.startswith(begins) for line in ended.stdout.splitlines())


async def test_check_as_json_is_what_it_says_by_line(ring: Ring) -> None:
    by_line, as_json = [await ring.command("check", *words) for words in ((), ("--json",))]
    document = json.loads(as_json.stdout)
    assert (as_json.code, document["well"]) == (0, True)
    assert [(one["level"], one["part"]) for one in document["findings"]] == [found[:2] for found in findings(by_line)]
    ill = json.loads((await ring.command("check", "--json", TG_TOKEN="12", BINANCE_API_SECRET="")).stdout)
    assert ill["well"] is False
    assert "fail" in {one["level"] for one in ill["findings"] if one["part"] == "settings"}


async def test_check_sends_a_message_to_the_chat_where_it_is_asked_to(ring: Ring) -> None:
    before = len(ring.chat.owner.received)
    assert (await ring.command("check")).code == 0
    assert len(ring.chat.owner.received) == before
    ended = await ring.command("check", "--message")
    assert ("ok", "message", "sent: the chat has a test message") in findings(ended)
    assert "MarketFlow can write to this chat" in ring.chat.owner.received[-1].text
    nobody = await ring.command("check", "--message", TG_CHAT_ID="99")
    assert nobody.code == 1
    assert [text for level, part, text in findings(nobody) if (level, part) == ("FAIL", "message")]


# --- publish


def read_of(record: ConsumerRecord) -> tuple[bytes | None, str, str, Decimal, str]:
    """Returns the record as the program's source reads it: key, type, symbol, price and id."""
    read = decode(
        record.value, record_ts=instant(Decimal(record.timestamp)), source="kafka", default_id="none", default_symbol="NONE"
    )
    assert isinstance(read, Signal), read
    return record.key, read.signal_type, read.symbol, read.close, read.signal_id


async def test_a_published_record_is_a_signal_keyed_by_its_symbol(ring: Ring) -> None:
    ring.installed = True
    first = await ring.command("publish", "BUY_SM", "--close", "0.4801")
    ring.installed = False
    second = await ring.command("publish", "SELL_SM", "--close", "60000.10", "--symbol", "BTCUSDC", "--signal-id", "mine")
    assert [(ended.code, ended.stderr) for ended in (first, second)] == [(0, ""), (0, "")]
    assert [word for word in ("BUY_SM WIFUSDC at 0.4801", TOPIC) if word not in first.stdout] == []
    made_up = first.stdout.split()[-1]
    assert second.stdout.split()[-1] == "mine"
    assert sorted(map(read_of, await records(ring.broker))) == [
        (b"BTCUSDC", "SELL_SM", "BTCUSDC", Decimal("60000.10"), "mine"),
        (b"WIFUSDC", "BUY_SM", "WIFUSDC", Decimal("0.4801"), made_up),
    ]


# Type and price, and the text that says which of them is wrong.
WRONG_SIGNALS: Mapping[tuple[str, str], Sequence[str]] = {
    **{("BUY_SM", close): ("close", f"'{close}'", "price", "above 0") for close in ("NaN", "-1", "0", "abc")},
    **{(word, "0.4801"): ("signal_type", f"'{word}'", "use BUY_ or SELL_") for word in ("HOLD", "buy_sm")},
}


async def test_what_is_no_signal_is_not_published(ring: Ring) -> None:
    calls = (ring.command("publish", signal_type, "--close", close) for signal_type, close in WRONG_SIGNALS)
    for words, ended in zip(WRONG_SIGNALS.values(), await asyncio.gather(*calls), strict=True):
        assert ended.code in {1, 2}
        assert ended.stdout == ""
        assert [word for word in words if word not in ended.stderr] == [], ended.stderr
        assert python_in(ended) == []
    assert await records(ring.broker) == []


async def test_publish_names_a_wrong_type_before_anything_else() -> None:
    ended = await run_command("publish", "BUYY", "--close", "cheap", settings={"KAFKA_BROKER": NOBODY})
    assert ended.code == 1
    assert "not published: signal_type" in ended.stderr
    assert "BUYY" in ended.stderr


async def test_publish_says_that_the_broker_is_away(ring: Ring, memory_broker: MemoryBroker) -> None:
    await asyncio.to_thread(memory_broker.set_down)
    ended = await ring.command("publish", "BUY_SM", "--close", "0.4801")
    await asyncio.to_thread(memory_broker.set_up)
    assert (ended.code, ended.stdout) == (1, "")
    assert ended.stderr == f"marketflow: cannot reach broker {ring.broker}: connection refused\n"
    assert await records(ring.broker) == []


async def test_publish_says_where_else_signals_go_when_no_topic_is_read() -> None:
    elsewhere = {**NOTHING_THERE, "KAFKA_BROKER": "", "WEBHOOK_SECRET": "0123456789abcdef", "HTTP_PORT": "8080"}
    ended = await run_command("publish", "BUY_SM", "--close", "0.4801", settings=elsewhere)
    assert (ended.code, ended.stdout) == (1, ""), ended.stderr
    assert "no topic is read here" in ended.stderr
    assert "docs/connections.md" in ended.stderr


async def test_the_same_signal_published_twice_is_one_order(ring: Ring) -> None:
    program = await ring.run()
    for _ in range(2):
        ended = await ring.command("publish", "BUY_SM", "--close", "0.4801", "--signal-id", "one")
        assert ended.code == 0, ended.stderr
    await ring.command("publish", "SELL_SM", "--close", "0.4801", "--signal-id", "two")
    await ring.told("🔴 SELL_SM executed")
    assert ring.orders == [("BUY", Decimal(20)), ("SELL", Decimal("19.98"))]
    assert ring.posts() == 2
    assert program.log.count("repeated; ignored") == 1


# --- reconcile


async def test_beside_a_running_program_check_and_reconcile_find_nothing_wrong(ring: Ring) -> None:
    await ring.run()
    await ring.publish("BUY_SM", 0.4801)
    await ring.told("🟩 BUY_SM executed")
    checked = await ring.command("check")
    assert (checked.code, checked.stderr) == (0, ""), checked.stdout
    assert "open positions: WIFUSDC 19.98; unsettled orders: 0" in checked.stdout
    assert re.search(rf"topic {TOPIC} has 4 partition\(s\).*\blag\b", checked.stdout)

    await ring.publish("SELL_SM", 0.4801)
    await ring.told("🔴 SELL_SM executed")
    by_hand = OrderRequest("WIFUSDC", "BUY", "LIMIT", "GTC", Decimal(20), None, Decimal("0.4"), "by-hand", "NONE")
    order = ring.venue.exchange.place(ring.venue.account, by_hand)
    compared = await ring.command("reconcile")
    assert (compared.code, compared.stderr) == (0, ""), compared.stdout
    *notes, result = compared.stdout.splitlines()
    assert notes == [f"note: WIFUSDC: open order {order.order_id} (BUY) on the exchange is not ours: left alone"]
    assert result.startswith("2 executions")
    assert result.endswith(", 0 differences")


async def test_reconcile_names_each_difference(ring: Ring) -> None:
    program = await ring.run()
    await ring.publish("BUY_SM", 0.4801)
    await ring.told("🟩 BUY_SM executed")
    held = ring.venue.faults.hold("POST order")
    await ring.publish("SELL_SM", 0.4801)
    await held.arrived.wait()
    await program.kill()
    ring.venue.set_balance("WIF", "10")
    (order,) = program.ledger("SELECT client_order_id FROM orders WHERE side = 'SELL'")

    ring.installed = True
    ended = await ring.command("reconcile")
    held.release()
    assert (ended.code, ended.stderr) == (1, ""), ended.stdout
    *differences, result = ended.stdout.splitlines()
    assert differences == [
        "DIFFERENCE: WIFUSDC: the exchange holds 9.98 WIF less than the ledger: sold elsewhere?",
        f"DIFFERENCE: WIFUSDC: order {order['client_order_id']} is not settled (SUBMITTED)",
    ]
    assert result.endswith(", 2 differences")


async def test_reconcile_says_that_the_exchange_is_away(tmp_path: Path) -> None:
    ledger = make_ledger(tmp_path / "ledger.db")
    live = {"TRADING_MODE": "live", "BINANCE_API_KEY": KEY, "BINANCE_API_SECRET": SECRET}
    ended = await run_command("reconcile", settings=NOTHING_THERE | live | {"DATABASE_URL": ledger})
    assert (ended.code, ended.stdout) == (1, "")
    assert NOBODY in ended.stderr
    assert python_in(ended) == []


# --- Ctrl-C and SIGTERM


@dataclass(frozen=True)
class InFlight:
    """A way to end the program, and what its order waits for then."""

    number: signal.Signals
    hold: Callable[[Venue], Fault]


def _unanswered(venue: Venue) -> Fault:
    venue.faults.cut("POST order")
    return venue.faults.hold("GET order")


IN_FLIGHT: dict[str, InFlight] = {
    "Ctrl-C, the order on its way": InFlight(signal.SIGINT, lambda venue: venue.faults.hold("POST order")),
    "SIGTERM, the order unanswered": InFlight(signal.SIGTERM, _unanswered),
}


@pytest.mark.parametrize("in_flight", IN_FLIGHT.values(), ids=IN_FLIGHT.keys())
async def test_an_order_in_flight_is_settled_before_the_end(ring: Ring, in_flight: InFlight) -> None:
    program = await ring.run()
    held = in_flight.hold(ring.venue)
    await ring.publish("BUY_SM", 0.4801)
    await held.arrived.wait()
    send(program, in_flight.number)
    await until(lambda: "stopping: intake ends" in program.log)
    await ring.publish("SELL_SM", 0.4801)  # comes too late to be accepted
    held.release()
    assert await end_of(program) == 0
    assert "Traceback" not in program.log

    assert ring.orders == [("BUY", Decimal(20))]
    assert program.ledger("SELECT side, state FROM orders") == [{"side": "BUY", "state": "FILLED"}]
    (row,) = program.ledger("SELECT side, qty FROM executions")
    assert (row["side"], Decimal(row["qty"])) == ("BUY", Decimal(20))
    outbox, told = program.ledger("SELECT seq, priority FROM outbox"), program.ledger("SELECT * FROM told")
    if undelivered(outbox, told):  # Telegram was too slow: the next start sends it
        await program.start()
    await ring.told("🟩 BUY_SM executed")


async def test_a_second_ctrl_c_ends_at_once(ring: Ring) -> None:
    program = await ring.run()
    answer = ring.venue.faults.slow_answer("POST order", 60_000)
    await ring.publish("BUY_SM", 0.4801)
    await answer.arrived.wait()
    send(program, signal.SIGINT)
    await until(lambda: "stopping: intake ends" in program.log)
    await asyncio.to_thread(program.is_ready)  # whatever it answers: the loop has gone on from there
    send(program, signal.SIGINT)
    assert await end_of(program, within=5) not in {0, None}  # without it the program would have waited for the order: 25 s
    assert "Traceback" not in program.log
    assert program.ledger("SELECT state FROM orders") == [{"state": "SUBMITTED"}]

    await program.start()
    await ring.told("🟩 BUY_SM executed")
    assert program.ledger("SELECT state FROM orders") == [{"state": "FILLED"}]
    assert ring.posts() == 1


@pytest.mark.parametrize(("command", "code"), [("run", 0), ("check", 1)])
async def test_ctrl_c_while_the_exchange_is_silent_ends_without_a_traceback(ring: Ring, command: str, code: int) -> None:
    silence = ring.venue.faults.hang("*", times=None)
    ports = {"HTTP_PORT": "0", "METRICS_PORT": "0", "DATABASE_URL": f"sqlite+aiosqlite:///{ring.folder / 'ledger.db'}"}
    process = await asyncio.create_subprocess_exec(
        *(MARKETFLOW, command),
        env=surroundings(ring.settings(**ports)),
        cwd=ring.folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(60):  # to load it may take a busy machine long
            await silence.arrived.wait()
        async with asyncio.timeout(20):
            process.send_signal(signal.SIGINT)
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == code
    assert "Traceback" not in said.decode()


# --- settings


async def test_a_dollar_in_the_env_file_is_a_dollar(real_kafka: KafkaServer, tmp_path: Path) -> None:
    topic = f"letters-{uuid4().hex}"
    await real_kafka.create_topic(topic)
    (tmp_path / ".env").write_text(
        f"KAFKA_BROKER={real_kafka.sasl_address}\n"
        "KAFKA_USERNAME=$ConnectionString\n"
        f"KAFKA_PASSWORD={real_kafka.password}\n"
        f"KAFKA_SSL_CAFILE={real_kafka.cafile}\n"
        f"KAFKA_TOPIC={topic}\n"
    )
    arguments = ("publish", "BUY_SM", "--close", "0.4801", "--signal-id", "letters")
    ended = await run_command(*arguments, settings={"ConnectionString": "expanded"}, cwd=tmp_path)
    assert (ended.code, ended.stderr) == (0, "")
    assert [read_of(record)[-1] for record in await records(real_kafka.plain_address, topic)] == ["letters"]

    refused = await run_command(*arguments, settings={"KAFKA_USERNAME": "expanded"}, cwd=tmp_path)
    assert refused.code == 1
    assert f"marketflow: broker {real_kafka.sasl_address} refused user name or password\n" in refused.stderr
    assert real_kafka.password not in refused.stderr


async def test_what_is_wrong_in_the_env_file_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SYMBOL=WIFUSDC\nTRADE_QTY=ten\nTG_TOKEN=my-secret-word\n")
    ended = await run_command("run", settings={}, cwd=tmp_path)
    assert (ended.code, ended.stdout) == (2, "")
    first, *problems = ended.stderr.splitlines()
    assert first == "marketflow: 2 settings are wrong:"
    assert any(line.startswith("  TRADE_QTY: found 'ten'; accepted: ") for line in problems)
    assert any(line.startswith("  TG_TOKEN: ") for line in problems)
    assert "my-secret-word" not in ended.stderr
    assert python_in(ended) == []


async def test_a_line_of_the_env_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SYMBOL=WIFUSDC\nexport my-secret-word\n")
    ended = await run_command("run", settings={}, cwd=tmp_path)
    assert ended.code == 2
    assert ".env line 2: cannot be read" in ended.stderr
    assert "my-secret-word" not in ended.stderr


LEDGERS: dict[str, tuple[str, str]] = {
    "unknown scheme": ("run", "mysql://bot:hunter2@127.0.0.1/ledger"),
    "no such folder": ("run", "sqlite+aiosqlite:///{folder}/missing/ledger.db"),
    "a folder": ("reconcile", "sqlite+aiosqlite:///{folder}"),
    "another file": ("reconcile", "sqlite+aiosqlite:///{folder}/notes.txt"),
    "nobody there": ("run", f"postgresql+asyncpg://bot:hunter2@{NOBODY}/ledger"),
    "no port": ("reconcile", "postgresql+asyncpg://bot:hunter2@127.0.0.1:hunter2/ledger"),
    "option of another driver": ("reconcile", f"postgresql+asyncpg://bot:hunter2@{NOBODY}/ledger?sslmode=require"),
}


@pytest.mark.parametrize(("command", "url"), LEDGERS.values(), ids=LEDGERS.keys())
async def test_a_ledger_that_cannot_be_opened_is_said_plainly(tmp_path: Path, command: str, url: str) -> None:
    (tmp_path / "notes.txt").write_text("not a database, but long enough to be taken for one\n" * 100)
    ended = await run_command(command, settings=NOTHING_THERE | {"DATABASE_URL": url.format(folder=tmp_path)})
    assert python_in(ended) == [], ended.stderr
    assert ended.code in {1, 2}
    assert ended.stdout == ""
    assert "DATABASE_URL" in ended.stderr
    assert "hunter2" not in ended.stderr


@pytest.mark.parametrize("name", ["HTTP_PORT", "METRICS_PORT"])
async def test_a_port_that_is_taken_is_named(tmp_path: Path, name: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as somebody:
        port = somebody.getsockname()[1]
        ledger = f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}"
        ended = await run_command("run", settings=NOTHING_THERE | {"DATABASE_URL": ledger, name: str(port)})
    assert ended.code == 2
    assert ended.stderr.splitlines() == [
        "marketflow: 1 setting is wrong:",
        f"  {name}: cannot listen on port {port} of 127.0.0.1 (Address already in use); accepted: a free port, or 0 for off",
    ]
