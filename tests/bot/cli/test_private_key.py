"""The commands with an Ed25519 key in the place of the secret, each in its own process."""

from pathlib import Path

import pytest

from core.adapters.binance.private_key import read_private_key
from tests.bot.cli.test_command_line import until
from tests.private_keys import ed25519_pem, write_key
from tests.ring import Ring
from tests.running import run_command
from tests.venue.venue import ED25519_KEY


@pytest.fixture
def pem(ring: Ring) -> str:
    """Returns the key that the exchange knows."""
    return ring.venue.add_ed25519_key()


def with_key(ring: Ring, pem: str) -> dict[str, str]:
    """Returns settings with the key; an empty secret counts as unset."""
    path = write_key(ring.folder / "binance.pem", pem)
    return {
        "BINANCE_API_KEY": ED25519_KEY,
        "BINANCE_API_SECRET": "",
        "BINANCE_PRIVATE_KEY_PATH": str(path),
        "BINANCE_WS_URL": ring.venue.ws_url,
    }


async def test_check_says_which_public_key_belongs_to_it(ring: Ring, pem: str) -> None:
    ended = await ring.command("check", **with_key(ring, pem))
    assert (ended.code, ended.stderr) == (0, ""), ended.stdout
    public = read_private_key(ring.folder / "binance.pem").public
    lines = ended.stdout.splitlines()
    said = f"ok    binance   requests are signed with an Ed25519 key, whose public half at Binance has to be {public}"
    assert said in lines
    assert "ok    binance   the key may trade" in lines
    assert pem.splitlines()[1] not in ended.stdout


@pytest.mark.usefixtures("pem")
async def test_check_names_a_key_that_the_exchange_does_not_know(ring: Ring) -> None:
    other = ed25519_pem()
    ended = await ring.command("check", **with_key(ring, other))
    assert ended.code == 1
    assert "public half at Binance has to be" in ended.stdout
    assert "-1022" in ended.stdout
    assert "Check BINANCE_API_SECRET or BINANCE_PRIVATE_KEY_PATH, and whether it belongs to BINANCE_API_KEY" in ended.stdout
    assert other.splitlines()[1] not in ended.stdout + ended.stderr


async def test_a_position_is_bought_protected_and_sold_at_its_target(ring: Ring, pem: str) -> None:
    ring.venue.modernize("WIFUSDC")
    program = await ring.run(**with_key(ring, pem))
    await ring.publish("BUY_SM", 0.4801, stop_loss={"pct": 5}, take_profit="10%")
    await ring.told("🟩 BUY_SM executed")
    resting = "SELECT 1 FROM orders WHERE side = 'SELL' AND state = 'ACCEPTED'"
    await until(lambda: len(program.ledger(resting)) == 2)
    ring.venue.set_price("WIFUSDC", "0.5400")
    await ring.told("🔴")
    assert [side for side, filled in ring.orders if filled] == ["BUY", "SELL"]
    begun = [seen.method for seen in ring.venue.requests if seen.method.startswith("WS")]
    assert begun == ["WS session.logon", "WS userDataStream.subscribe", "WS orderList.place.opoco"]
    assert "user_stream_connected" in program.log
    assert pem.splitlines()[1] not in program.log
    compared = await ring.command("reconcile", **with_key(ring, pem))
    assert compared.code == 0, compared.stdout


@pytest.mark.parametrize("command", [["run"], ["check"], ["reconcile"]])
async def test_no_command_starts_with_secret_and_key(ring: Ring, pem: str, command: list[str]) -> None:
    ended = await ring.command(*command, **with_key(ring, pem) | {"BINANCE_API_SECRET": ring.venue.secret})
    assert ended.code == (1 if command == ["check"] else 2)
    said = ended.stdout + ended.stderr
    assert "BINANCE_API_SECRET, BINANCE_PRIVATE_KEY_PATH: both set; accepted: one of them" in said


async def test_a_file_that_is_not_there_is_told_without_a_traceback(tmp_path: Path) -> None:
    live = {"TRADING_MODE": "live", "BINANCE_API_KEY": "k" * 64, "BINANCE_PRIVATE_KEY_PATH": "no/such.pem"}
    ended = await run_command("run", settings=live, cwd=tmp_path)
    assert ended.code == 2
    assert "BINANCE_PRIVATE_KEY_PATH: found 'no/such.pem'; accepted: a file with an Ed25519 key in PEM" in ended.stderr
    assert "this file does not exist" in ended.stderr
    assert "Traceback" not in ended.stderr
