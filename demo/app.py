"""The demo: the same program with a broker, a market, an exchange and a chat of its own. No account, no server, no network."""

import asyncio
import contextlib
import os
import tempfile
import webbrowser
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

from bot.app import Embedded, run
from bot.clock import SystemClock
from bot.config import Settings, load_settings
from core.adapters.kafka_settings import KafkaOptions
from core.adapters.ledger.signpost import signpost
from core.domain.errors import MarketFlowError
from demo.broker import running_broker
from demo.cast import PEOPLE, TRADER, TRADING_DESK, VIEWER
from demo.chat.levers import Lever
from demo.chat.room import OWNER, Room
from demo.chat.server import RunningChat, running_chat
from demo.market import INSTRUMENTS, SimulatedMarket
from demo.strategy import ToyStrategy

USUAL_PORT = 8090
TELEGRAM_AWAY_SECONDS, EXCHANGE_AWAY_SECONDS = 60.0, 30.0
FETCH_MS = 20  # the in-memory broker sleeps this long when there is nothing to fetch


async def run_demo(*, port: int, open_browser: bool, ledger: str | None) -> None:
    """Runs until Ctrl-C. `port` 0 takes the usual one, or any that is free; `ledger` is a SQLite file to keep."""
    clock = SystemClock()
    market = SimulatedMarket(clock)
    async with contextlib.AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="marketflow-demo-"))
        broker = await stack.enter_async_context(running_broker())
        chat = await stack.enter_async_context(_chat(port))
        chat.room.levers = _levers(chat.room, market)
        settings = _settings(broker.address, chat, Path(ledger) if ledger else Path(folder) / "demo.db")
        stack.enter_context(signpost(settings.database_url.get_secret_value()))
        await asyncio.to_thread(broker.create_topic, settings.kafka_topic)
        options = KafkaOptions(servers=broker.address)
        strategy = ToyStrategy(market, options, settings.kafka_topic, clock, symbols=list(INSTRUMENTS))
        trading = asyncio.Event()
        feeding = asyncio.create_task(_feed(trading, strategy), name="toy strategy")
        _greet(chat.page_url, open_browser=open_browser)
        try:
            await run(settings, Embedded(market, FETCH_MS), on_ready=trading.set)
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)


@contextlib.asynccontextmanager
async def _chat(port: int) -> AsyncIterator[RunningChat]:
    async with contextlib.AsyncExitStack() as stack:
        try:
            chat = await stack.enter_async_context(running_chat(_room(), port=port or USUAL_PORT))
        except OSError as error:
            if port:
                raise MarketFlowError(f"port {port} cannot be used for the chat: {error.strerror}") from None
            chat = await stack.enter_async_context(running_chat(_room()))
        yield chat


def _room() -> Room:
    return Room(PEOPLE, (TRADING_DESK,))


def _levers(room: Room, market: SimulatedMarket) -> tuple[Lever, ...]:
    return (
        Lever(
            "Telegram is away for a minute",
            "Nothing reaches the bot, nothing comes from it. Trading goes on, and all of it is told afterwards, once.",
            partial(room.faults.down_for, TELEGRAM_AWAY_SECONDS),
            lambda: room.faults.down_left,
        ),
        Lever(
            "The exchange does not answer for half a minute",
            "No price, no order. Signals wait or are refused with the reason; none is traded twice afterwards.",
            partial(market.away_for, EXCHANGE_AWAY_SECONDS),
            lambda: market.away_left,
        ),
    )


def _settings(broker: str, chat: RunningChat, ledger: Path) -> Settings:
    """The demo's settings. What the environment says about taste (language, log) counts; what would reach outside does not."""
    taste = {name: os.environ[name] for name in ("TG_LANG", "LOG_FORMAT", "APPROVAL", "TRADE_QUOTE") if name in os.environ}
    return load_settings(
        {
            "LOG_LEVEL": "WARNING",
            "TRADE_QUOTE": "100",
            **taste,
            "TRADING_MODE": "paper",
            "KAFKA_BROKER": broker,
            "TG_TOKEN": chat.token,
            "TG_CHAT_ID": str(OWNER.user_id),
            "TG_USERS": f"{TRADER.user_id}:trader,{VIEWER.user_id}:viewer",
            "TG_API_URL": chat.api_url,
            "DATABASE_URL": f"sqlite+aiosqlite:///{ledger.absolute()}",
            "SYMBOLS": ",".join(INSTRUMENTS),
            "METRICS_PORT": os.environ.get("METRICS_PORT", "0"),
            "HTTP_PORT": os.environ.get("HTTP_PORT", "0"),
        },
        env_file=None,
    )


async def _feed(trading: asyncio.Event, strategy: ToyStrategy) -> None:
    await trading.wait()
    await asyncio.sleep(1.0)  # the source takes its first position: what is published before that is not for us
    await strategy.run()


def _greet(address: str, *, open_browser: bool) -> None:
    print(
        f"\n  MarketFlow demo: paper trading on a simulated market.\n\n  Open the chat:  {address}\n\n  Ctrl-C ends it.\n",
        flush=True,
    )
    if open_browser:
        # A browser that cannot be opened is no reason not to run: the address is printed.
        with contextlib.suppress(webbrowser.Error):
            webbrowser.open(address)
