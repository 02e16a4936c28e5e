"""`python -m tests.screens`: the chat's messages in both languages as pictures for docs/screens.md, for people to look at."""

import asyncio
import io
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.async_api import Browser, Page, async_playwright

import bot.texts
from bot.reports import chart_process
from bot.telegram.client import RetryingBot, connect
from bot.texts import LANGUAGES, texts
from bot.views.chat_message import ChatMessage
from bot.views.event_batch import render_digest
from bot.views.events import render
from core.domain.events.table import Event
from core.domain.exit_plan import Breakeven, ExitPlan, Level, StopLoss, Target
from core.domain.messages import Message, SignalReceived
from core.domain.outbox_item import OutboxItem
from core.domain.signal import Signal
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import PlanState
from core.domain.trading_state import Mode
from local_telegram.room import Room
from local_telegram.server import running_chat
from tests.bot.conftest import PEOPLE, until
from tests.bot.firm import ROOMY, Firm, firm_on
from tests.bot.parts import NOON, OWNER, FastClock, executed, refused
from tests.bot.views.test_events import ALL_EVENTS
from tests.chat_client import ChatPerson
from tests.paths import ROOT

DOCS = ROOT / "docs"
WIDTH = 390
TEXTS_A_MESSAGE = 12
PLAN = ExitPlan(
    StopLoss(Level(pct=Decimal(5))),
    (Target(Level(pct=Decimal(5)), Decimal(50)), Target(Level(pct=Decimal(10)), Decimal(50))),
    Breakeven(),
)
Act = Callable[["Scene"], Awaitable[object]]


class Noting(dict[str, str]):
    """Texts by key that record which of them were used."""

    def __init__(self, of: Mapping[str, str]) -> None:
        super().__init__(of)
        self.said: set[str] = set()

    def __getitem__(self, key: str) -> str:
        self.said.add(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self.said.add(key)
        return super().get(key, default)

    @property
    def unsaid(self) -> Iterator[str]:
        return (text for key, text in self.items() if key not in self.said)


@dataclass
class Scene:
    """The program and the owner's page."""

    firm: Firm
    page: Page
    language: str
    noted: Sequence[Noting]

    @property
    def owner(self) -> ChatPerson:
        return self.firm.owner

    async def say(self, *commands: str) -> None:
        for command in commands:
            await self.owner.ask(command, within=30)

    async def tap(self, label: str) -> None:
        """Taps the last message that has a button of this kind of data."""
        for message in reversed(self.owner.received):
            for button in message.buttons:
                if button.data.startswith(label):
                    self.owner.press(message, button.data)
                    await self.owner.wait_for_edit(message)
                    return


async def reading(scene: Scene) -> None:
    await scene.say("/status", "/positions", "/pnl all", "/daily 3", "/performance", "/stats")


async def lists(scene: Scene) -> None:
    await scene.say("/trades", "/signals 5", "/orders", "/balance", "/risk", "/health")


async def pictures(scene: Scene) -> None:
    scene.firm.prices.swing = 0.03
    await scene.say("/chart", "/chart wif", "/theme light", "/chart WIFUSDC 24h", "/report day", "/export csv")
    await scene.say("/theme dark")


async def why(scene: Scene) -> None:
    await scene.say("/why", "/why #2 full")


async def acting(scene: Scene) -> None:
    await scene.say("/sell WIFUSDC")
    await scene.tap("no:")
    await scene.say("/buy SOLUSDC 1 SOL", "/close all", "/panic", "/set MAX_ORDER_NOTIONAL 500", "/set", "/cancel")


async def controls(scene: Scene) -> None:
    await scene.say("/pause entries for 2h", "/resume")
    await scene.tap("ok:")
    await scene.say("/mode", "/mode confirm above 100", "/accept")


async def asking(scene: Scene) -> None:
    """Shows an approved question, and one that is still open."""
    scene.firm.prices.bid["SOLUSDC"] = Decimal(150)
    await scene.say("/mode confirm")
    await asked(scene, "BUY_SM")
    await scene.tap("ap:")
    await until(lambda: scene.firm.portfolio.position(StrategyBook("SOLUSDC")).is_open)
    scene.firm.prices.bid["SOLUSDC"] = Decimal("153.2")
    await until(lambda: scene.firm.trading.market.price("SOLUSDC") == Decimal("153.2"))
    await asked(scene, "SELL_SM")


async def asked(scene: Scene, kind: str) -> None:
    await scene.firm.signal(kind, "SOLUSDC")
    await scene.owner.wait_for(lambda message: any(button.data.startswith("ap:") for button in message.buttons))
    await scene.firm.settled()


async def trade(scene: Scene) -> None:
    """Shows an entry with a stop and two targets until the first target has moved the stop, and the question about another."""
    firm, bought = scene.firm, StrategyBook("SOLUSDC", "waves")
    await planned(scene, bought)
    await scene.tap("ap:")
    await until(lambda: bought in firm.portfolio.plans and firm.portfolio.plans[bought].state is PlanState.GUARDED)
    stop = firm.portfolio.plans[bought].exits.stop
    firm.prices.bid[bought.symbol] = Decimal(162)
    await until(lambda: firm.portfolio.plans[bought].exits.stop != stop, within=30)
    await firm.settled()
    await scene.say("/positions", "/protect SOLUSDC @waves")
    await planned(scene, StrategyBook("WIFUSDC", "waves"))


async def planned(scene: Scene, book: StrategyBook) -> None:
    """Sends a signal that brings a plan, and waits for the question."""
    firm, at = scene.firm, scene.firm.prices.bid[book.symbol]
    said = Signal(
        "kafka:signals", f"plan {book}", "BUY_SM", book.symbol, at, firm.clock.now(), {"strategy": book.strategy}, plan=PLAN
    )
    await firm.trading.inbox.deliver([Message(said.source, said.signal_id, said.symbol, SignalReceived(said), firm.clock.now())])
    await scene.owner.wait_for(lambda message: book.symbol in message.text and "waves" in message.text and bool(message.buttons))
    await firm.settled()


async def strategies(scene: Scene) -> None:
    """Shows two strategies, and changes the stop of one."""
    await scene.say("/strategies waves STOP_LOSS_PCT 3")
    await scene.tap("ok:")
    await scene.say("/strategies", "/strategies waves", "/strategies waves STOP_LOSS_PCT", "/strategies waves reset")


async def settings(scene: Scene) -> None:
    """Shows the menu, a group, a setting, and a change of it."""
    await scene.say("/settings", "/settings exits", "/settings STOP_LOSS_PCT 5")
    await scene.tap("ok:")
    await scene.say("/settings STOP_LOSS_PCT 3", "/settings MAX_ORDER_NOTIONAL type", "/help buy", "/buy SOLUSDC 1,500")


async def people(scene: Scene) -> None:
    await scene.say("/start", "/help", "/help acting", "/users", "/users invite trader", "/audit", "/statsu")


async def telling(scene: Scene) -> None:
    await scene.say("/notify", "/mute 2h", "/mute off", "/quiet 23:00-07:00", "/quiet off", "/heartbeat 6h", "/zone", "/lang")


async def alerts(scene: Scene) -> None:
    """Sends every kind of event."""
    link = connect(scene.firm.server.token, scene.firm.server.api_url)
    sender, words = RetryingBot(link, FastClock()), texts(scene.language)
    for event in ALL_EVENTS:
        await sender.send(OWNER, render(event, words))
    many: list[Event] = [executed(), *[refused()] * 3, *[executed()] * 30]
    items = [OutboxItem(number, NOON, event) for number, event in enumerate(many)]
    await sender.send(OWNER, render_digest(items, words))
    await link.request.shutdown()


async def others(scene: Scene) -> None:
    """Shows every text not used before; in place of a value, the value's name."""
    link = connect(scene.firm.server.token, scene.firm.server.api_url)
    sender = RetryingBot(link, FastClock())
    lines = [text.replace("{", "‹").replace("}", "›") for noted in scene.noted for text in noted.unsaid]
    for first in range(0, len(lines), TEXTS_A_MESSAGE):
        await sender.send(OWNER, ChatMessage("\n".join(f"· {line}" for line in lines[first : first + TEXTS_A_MESSAGE])))
    await link.request.shutdown()


SCENES: dict[str, tuple[str, Act]] = {
    "reading": ("How things stand", reading),
    "lists": ("What happened", lists),
    "pictures": ("Pictures and files", pictures),
    "why": ("The whole story", why),
    "acting": ("Acting by hand", acting),
    "controls": ("Pausing and modes", controls),
    "asking": ("A question, its record, and the next question", asking),
    "trade": ("A trade with a stop and two targets", trade),
    "strategies": ("Strategies, and the settings of one", strategies),
    "settings": ("Settings by buttons, and how a command is used", settings),
    "people": ("People and commands", people),
    "telling": ("What one is told, and when", telling),
    "alerts": ("Every alert", alerts),
    "others": ("Everything else that it can say", others),
}


async def picture_of(page: Page, first: int, last: int) -> Image.Image:
    """Returns a picture of the messages of the chat from one number to another, below each other."""
    parts = []
    for number in range(first, last + 1):
        place = page.locator(f"#m{number}")
        if await place.count():
            parts.append(Image.open(io.BytesIO(await place.screenshot())))
    height = sum(part.height + 6 for part in parts) + 6
    whole = Image.new("RGB", (WIDTH, height), "#9dc39a")
    top = 6
    for part in parts:
        whole.paste(part, (max((WIDTH - part.width) // 2, 0), top))
        top += part.height + 6
    return whole.quantize(96, method=Image.Quantize.FASTOCTREE)  # others lose the red and the green of few points


def noting(language: str) -> Sequence[Noting]:
    """Records from now on which texts of a language are used."""
    module = import_module(f"bot.texts.{language}")
    where = vars(bot.texts if language == "en" else module)  # the English sentences are the core's own
    catalogue, sentences = Noting(module.CATALOGUE), Noting(where["SENTENCES"])
    vars(module)["CATALOGUE"], where["SENTENCES"] = catalogue, sentences
    texts.cache_clear()
    return catalogue, sentences


async def play(browser: Browser, language: str, folder: Path) -> None:
    """Plays every scene in one language."""
    noted = noting(language)
    limits = replace(ROOMY, trade_qty=Decimal(20))
    async with running_chat(Room(PEOPLE)) as server, firm_on(server, folder, speed=4, mode=Mode.AUTO, limits=limits) as firm:
        page = await browser.new_page(viewport={"width": WIDTH, "height": 1400})
        await page.goto(f"http://127.0.0.1:{server.port}/")
        await page.evaluate("document.getElementById('down').style.display = 'none'")  # it would cover the messages
        await firm.owner.ask(f"/lang {language}")
        await firm.held()
        await firm.signal("BUY_SM", close="0.40")
        firm.prices.bid["WIFUSDC"] = Decimal("0.5220")
        await until(lambda: firm.trading.market.price("WIFUSDC") == Decimal("0.5220"))
        await firm.signal("SELL_SM")
        await firm.settled()
        await firm.held()
        scene = Scene(firm, page, language, noted)
        for name, (_, act) in SCENES.items():
            first = firm.owner.messages[-1].message_id + 1
            await act(scene)
            await firm.settled()
            await page.wait_for_timeout(4_500)  # until no passing note covers the messages
            made = await picture_of(page, first, firm.owner.messages[-1].message_id)
            made.save(DOCS / "images" / "screens" / f"{name}.{language}.png", optimize=True)
        await page.close()


async def main() -> None:
    """Writes the pictures and the page."""
    chart_process.SECONDS = 60.0  # a machine that draws pictures of everything is slow
    (DOCS / "images" / "screens").mkdir(exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for language in LANGUAGES:
            with tempfile.TemporaryDirectory() as folder:
                await play(browser, language, Path(folder))
        await browser.close()
    rows = [
        f"## {title}\n\n| English | Русский |\n|---|---|\n"
        f"| ![{title}](images/screens/{name}.en.png) | ![{title}](images/screens/{name}.ru.png) |\n"
        for name, (title, _) in SCENES.items()
    ]
    how = "In the local chat of `make demo`, at a phone's width; `.venv/bin/python -m tests.screens` makes them anew."
    head = f"# What the chat says\n\n{how}\n"
    (DOCS / "screens.md").write_text("\n".join([head, *rows]), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
