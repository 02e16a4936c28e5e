"""A forked `marketflow` is what the installed command is: its words, its code, its group, its surroundings."""

import asyncio
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.running import Program, run_command
from tests.servers import preloaded
from tests.servers.process import ServerDidNotStartError

COMMANDS = {
    "help": ["--help"],
    "no such command": ["trade"],
    "wrong usage": ["publish", "BUY_SM"],
    "wrong settings": ["run"],
    "a failure": ["reconcile"],
    "another failure": ["publish", "BUYY", "--close", "cheap"],
}
SETTINGS = {"KAFKA_BROKER": "127.0.0.1:1", "TRADE_QTY": "ten", "TG_TOKEN": "my-secret-word"}
PAPER = {"KAFKA_BROKER": "127.0.0.1:1", "TG_TOKEN": "123456:" + "T" * 35, "TG_CHAT_ID": "1001"}
NOBODY = {"TG_API_URL": "http://127.0.0.1:1", "BINANCE_API_URL": "http://127.0.0.1:1/api"}


@pytest.fixture(autouse=True)
def _linux() -> None:
    if not preloaded.IS_POSSIBLE:
        pytest.skip("needs Linux: elsewhere the installed command is started")


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS.keys())
async def test_it_says_and_returns_what_the_installed_command_does(tmp_path: Path, arguments: list[str]) -> None:
    settings = SETTINGS if "run" in arguments else {"KAFKA_BROKER": SETTINGS["KAFKA_BROKER"]}
    (tmp_path / ".env").write_text("SYMBOL=SOLUSDC\n")
    forked, installed = [
        await run_command(*arguments, settings=settings, cwd=tmp_path, installed=installed) for installed in (False, True)
    ]
    assert forked == installed
    assert forked.stdout + forked.stderr


def started(folder: Path) -> preloaded.ForkedProcess:
    env = {"PATH": os.environ["PATH"], "DATABASE_URL": f"sqlite+aiosqlite:///{folder}/ledger.db"}
    with (folder / "log").open("wb") as log:
        return preloaded.fork(["run"], env=env | PAPER | NOBODY, cwd=str(folder), output=log)


def test_it_leads_its_own_group_in_its_own_folder_until_the_group_is_killed(tmp_path: Path) -> None:
    process = started(tmp_path)
    try:
        assert os.getpgid(process.pid) == os.getsid(process.pid) == process.pid
        while not (tmp_path / "ledger.db").exists():
            assert process.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.01)
        assert Path(f"/proc/{process.pid}/cwd").readlink() == tmp_path
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
    assert process.wait(20) == process.poll() == process.returncode == -signal.SIGKILL
    assert not Path(f"/proc/{process.pid}").exists()
    process.send_signal(signal.SIGTERM)  # it has ended: nobody gets it


async def test_each_start_is_a_process_of_its_own(tmp_path: Path) -> None:
    first, second = [await asyncio.to_thread(started, tmp_path) for _ in range(2)]
    assert first.pid != second.pid
    for process in (first, second):
        process.send_signal(signal.SIGKILL)
    assert [await asyncio.to_thread(process.wait, 20) for process in (first, second)] == [-signal.SIGKILL] * 2


async def test_a_program_that_ends_at_once_did_not_start(tmp_path: Path) -> None:
    program = Program(tmp_path, {"TRADE_QTY": "ten"})
    with pytest.raises(ServerDidNotStartError, match="TRADE_QTY: found 'ten'"):
        await program.start()
    assert not program.is_alive
