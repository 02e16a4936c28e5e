"""The demo's surroundings: a broker, a chat with its people, a strategy, and faults to try."""

import asyncio
import contextlib
import os
import signal
import tempfile
import webbrowser
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

from bot.lifecycle import first_of
from bot.observability.logging_setup import configure_logging
from bot.settings.settings import load_settings
from core.adapters.kafka.options import KafkaOptions
from core.adapters.ledger.demo_location import signpost
from core.domain.errors import MarketFlowError
from core.ports.clock import Clock
from demo.broker import running_broker
from demo.cast import PEOPLE, TRADER, TRADING_DESK, VIEWER
from demo.child import Child
from demo.ledger_file import claim
from demo.market import INSTRUMENTS, SimulatedMarket
from demo.own_signals import how_to_send, webhook_settings
from demo.strategy import ToyStrategy
from local_telegram.levers import Lever
from local_telegram.room import OWNER, Room
from local_telegram.server import RunningChat, running_chat

USUAL_PORT = 8090
TELEGRAM_AWAY_SECONDS, EXCHANGE_AWAY_SECONDS = 60.0, 30.0
_DESCRIPTION = {  # with Telegram the bot's creator sets it at @BotFather
    "": (
        "MarketFlow executes trading signals and reports every trade here. Ask for positions, profit and the reason of each "
        "decision, or approve each trade yourself. Only people with access get an answer."
    ),
    "ru": (
        "MarketFlow исполняет торговые сигналы и сообщает о каждой сделке. Спросите о позициях, прибыли и причинах решений "
        "или одобряйте каждую сделку сами. Отвечает только тем, у кого есть доступ."
    ),
}


async def play(child: Child, clock: Clock, *, port: int, open_browser: bool, ledger: str | None) -> None:
    """Runs the program of `child` with all of it until Ctrl-C; see `demo.app.run_demo`."""
    async with contextlib.AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="marketflow-demo-"))
        file = Path(ledger) if ledger else Path(folder) / "demo.db"
        claim(file)
        broker = await stack.enter_async_context(running_broker())
        chat = await stack.enter_async_context(_chat(port))
        given = _settings(broker.address, chat, file)
        settings = load_settings(given, env_file=None)
        configure_logging(settings)
        chat.room.levers = _levers(chat.room, child)
        stack.enter_context(signpost(settings.database_url.get_secret_value()))
        await asyncio.to_thread(broker.create_topic, settings.kafka_topic)
        options = KafkaOptions(servers=broker.address)
        market = SimulatedMarket(clock)
        strategy = ToyStrategy(market, options, settings.kafka_topic, clock, symbols=list(INSTRUMENTS))
        price = market.quote_at(settings.symbol, clock.now()).ask
        _greet(chat.page_url, how_to_send(given, price), open_browser=open_browser)
        stop = stack.enter_context(_asked_to_stop(child))
        try:
            await first_of(stop.wait(), child.keep(given), _feed(child, strategy))
        finally:
            await child.stop()  # while the chat is still there for the last message


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
    room = Room(PEOPLE, (TRADING_DESK,))
    room.profile.description.update(_DESCRIPTION)
    return room


def _levers(room: Room, child: Child) -> tuple[Lever, ...]:
    return (
        Lever(
            "The exchange times out for half a minute",
            "No price, no order. What cannot be traded is refused with the reason; nothing is traded twice afterwards.",
            partial(child.away_for, EXCHANGE_AWAY_SECONDS),
            lambda: child.away_left,
            "exchange",
        ),
        Lever(
            "Telegram is down for a minute",
            "Nothing reaches the bot, nothing comes from it. Trading goes on, and all of it is told afterwards, once.",
            partial(room.faults.down_for, TELEGRAM_AWAY_SECONDS),
            lambda: room.faults.down_left,
            "telegram",
        ),
        Lever(
            "The program is killed and started again",
            "Stops and targets stay on the exchange meanwhile: /orders lists the same ones before and after. It says for how long"
            " it was away, catches up on what came meanwhile, and does nothing a second time.",
            child.kill,
            lambda: child.back_in,
            "kill",
        ),
    )


def _settings(broker: str, chat: RunningChat, ledger: Path) -> dict[str, str]:
    """Returns the demo's settings. The environment may set language and log format, but nothing that would reach outside."""
    taste = {name: os.environ[name] for name in ("TG_LANG", "LOG_FORMAT", "APPROVAL", "TRADE_QUOTE") if name in os.environ}
    return {
        "LOG_LEVEL": "WARNING",
        "TRADE_QUOTE": "100",
        "STOP_LOSS_PCT": "4",
        "TAKE_PROFIT_PCT": "6",
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
        **webhook_settings(),
    }


@contextlib.contextmanager
def _asked_to_stop(child: Child) -> Iterator[asyncio.Event]:
    """Yields an event set at the first Ctrl-C or SIGTERM, for an end in order; a second one ends the program at once."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    caught = (signal.SIGTERM, signal.SIGINT)

    def asked() -> None:
        if stop.is_set():
            child.kill()
        stop.set()

    for number in caught:
        loop.add_signal_handler(number, asked)
    try:
        yield stop
    finally:
        for number in caught:
            loop.remove_signal_handler(number)


async def _feed(child: Child, strategy: ToyStrategy) -> None:
    await child.ready.wait()
    await asyncio.sleep(1.0)  # the source takes its first position: anything published before that is skipped
    await strategy.run()


def _greet(address: str, sending: str, *, open_browser: bool) -> None:
    print(
        f"\n  MarketFlow demo: paper trading on a simulated market.\n\n  Open the chat:  {address}\n\n"
        f"{sending}\n\n  Ctrl-C ends it.\n",
        flush=True,
    )
    if open_browser:
        # A browser that cannot be opened does not stop the demo: the address is printed.
        with contextlib.suppress(webbrowser.Error):
            webbrowser.open(address)
