"""`marketflow init` asks, tries each answer at once, and leaves a `.env` with which everything is well."""

import asyncio
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.cli.init import init
from bot.settings.env_file import read_env_file
from core.domain.errors import MarketFlowError
from demo.broker import MemoryBroker
from tests.chat_client import LocalChat, local_chat
from tests.private_keys import write_key
from tests.running import MARKETFLOW, surroundings
from tests.venue.server import running_venue
from tests.venue.venue import ED25519_KEY, Venue

TOPIC = "trading_signals"


@dataclass
class Terminal:
    """Types the answers, line by line, and keeps what is said."""

    typed: list[str]
    said: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)

    def ask(self, question: str, secret: bool) -> str:
        self.said.append(question)
        if secret:
            self.hidden.append(question)
        if not self.typed:
            raise MarketFlowError("the answers ended early: nothing was written")
        return self.typed.pop(0)

    @property
    def text(self) -> str:
        return "\n".join(self.said)


@dataclass
class Surroundings:
    """The servers that the answers lead to."""

    chat: LocalChat
    venue: Venue
    broker: str

    def environment(self, folder: Path) -> dict[str, str]:
        return {
            "TG_API_URL": self.chat.api_url,
            "BINANCE_API_URL": self.venue.api_url,
            "DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'ledger.db'}",
        }


@pytest.fixture
async def there(memory_broker: MemoryBroker) -> AsyncIterator[Surroundings]:
    memory_broker.create_topic(TOPIC, partitions=1)
    async with local_chat() as chat, running_venue() as venue:
        yield Surroundings(chat, venue, memory_broker.address)


@pytest.fixture
def its_own(there: Surroundings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in there.environment(tmp_path).items():
        monkeypatch.setenv(name, value)


async def test_answered_right_it_leaves_settings_with_which_all_is_well(there: Surroundings, tmp_path: Path) -> None:
    there.chat.owner.send("hello")
    typed = [there.chat.token, "", "y", "ru", "", "", "50", "", there.broker, "", ""]
    process = await asyncio.create_subprocess_exec(
        *(MARKETFLOW, "init"),
        cwd=tmp_path,
        env=surroundings(there.environment(tmp_path)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = (part.decode() for part in await process.communicate("\n".join([*typed, ""]).encode()))
    assert (process.returncode, err) == (0, ""), out + err
    assert read_env_file(tmp_path / ".env") == {
        "TG_TOKEN": there.chat.token,
        "TG_CHAT_ID": str(there.chat.owner.id),
        "TG_USERS": f"{there.chat.owner.id}:owner",
        "TG_LANG": "ru",
        "TRADING_MODE": "paper",
        "SYMBOLS": "WIFUSDC",
        "SYMBOL": "WIFUSDC",
        "TRADE_QUOTE": "50",
        "STOP_LOSS_PCT": "5",
        "KAFKA_BROKER": there.broker,
        "KAFKA_TOPIC": TOPIC,
    }
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    assert there.chat.token not in out
    assert "FAIL" not in out, out
    assert "Проверка связи" in there.chat.owner.received[-1].text


async def test_wrong_answers_are_explained_and_asked_for_again(there: Surroundings, its_own: None, tmp_path: Path) -> None:
    target = tmp_path / ".env"
    terminal = Terminal(
        [
            *("12", "123456:" + "A" * 35, there.chat.token),  # no token, one of nobody, the right one
            *("", "99", str(there.chat.owner.id)),  # nobody has written, a chat that is not there, the right one
            *("fr", "en", "play", "paper"),
            *("WIFUSDC", "many", "50", "-1", "off"),
            *("127.0.0.1:9", "", "", "n", there.broker, "", TOPIC),  # nobody answers there
        ]
    )
    assert await init(target, terminal.ask, terminal.said.append), terminal.text
    for told in (
        "TG_TOKEN: ",
        "Telegram does not know this bot token",
        "Nothing has arrived yet",
        "is no chat that the bot can write to",
    ):
        assert told in terminal.text
    for name in ("TG_LANG", "TRADING_MODE", "TRADE_QUOTE", "STOP_LOSS_PCT"):
        assert f"  {name}: found " in terminal.text
    assert "FAIL  kafka" in terminal.text
    found = read_env_file(target)
    assert (found["TG_CHAT_ID"], found["KAFKA_BROKER"]) == (str(there.chat.owner.id), there.broker)
    assert terminal.typed == []


async def test_without_a_broker_signals_come_over_http(there: Surroundings, its_own: None, tmp_path: Path) -> None:
    terminal = Terminal([there.chat.token, str(there.chat.owner.id), "", "", "", "", "", ""])
    assert await init(tmp_path / ".env", terminal.ask, terminal.said.append), terminal.text
    found = read_env_file(tmp_path / ".env")
    assert "KAFKA_BROKER" not in found
    assert len(found["WEBHOOK_SECRET"]) >= 32
    assert found["WEBHOOK_SECRET"] not in terminal.text
    assert terminal.hidden == ["Token of your bot: "]


async def test_live_asks_for_the_key_and_tries_it(there: Surroundings, its_own: None, tmp_path: Path) -> None:
    right = (there.venue.key, there.venue.secret)
    keys = ["A" * 64, "B" * 64, "", "", "", "n", *right, "", "", ""]
    terminal = Terminal([there.chat.token, str(there.chat.owner.id), "", "live", *keys, ""])
    assert await init(tmp_path / ".env", terminal.ask, terminal.said.append), terminal.text
    found = read_env_file(tmp_path / ".env")
    assert (found["BINANCE_API_KEY"], found["BINANCE_API_SECRET"]) == right
    secret = "Secret of the key, or the file of an Ed25519 key's private half: "
    assert terminal.hidden == ["Token of your bot: ", *["API key: ", secret] * 2]


async def test_a_file_is_taken_for_an_ed25519_key(there: Surroundings, its_own: None, tmp_path: Path) -> None:
    file = write_key(tmp_path / "binance.pem", there.venue.add_ed25519_key())
    terminal = Terminal([there.chat.token, str(there.chat.owner.id), "", "live", ED25519_KEY, str(file), "", "", "", ""])
    assert await init(tmp_path / ".env", terminal.ask, terminal.said.append), terminal.text
    found = read_env_file(tmp_path / ".env")
    assert found["BINANCE_PRIVATE_KEY_PATH"] == str(file)
    assert "BINANCE_API_SECRET" not in found
    assert "requests are signed with an Ed25519 key" in terminal.text


async def test_nothing_is_written_over_or_written_by_halves(there: Surroundings, its_own: None, tmp_path: Path) -> None:
    target = tmp_path / ".env"
    early = Terminal([there.chat.token, str(there.chat.owner.id), ""])
    with pytest.raises(MarketFlowError, match="the answers ended early"):
        await init(target, early.ask, early.said.append)
    assert not target.exists()
    target.write_text("TG_TOKEN=mine\n")
    again = Terminal([])
    with pytest.raises(MarketFlowError, match=r"\.env is there already: `marketflow check` looks at it"):
        await init(target, again.ask, again.said.append)
    assert target.read_text() == "TG_TOKEN=mine\n"
