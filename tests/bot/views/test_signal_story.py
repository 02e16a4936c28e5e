"""docs/why.md: what /why answers for each kind of outcome, made by the real core on a real ledger. REWRITE=1 rewrites it."""

import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from bot.texts import en, texts
from bot.views.chat_message import plain_text
from bot.views.signal_story import letter_lines, story_lines
from core.adapters.ledger.opening import open_ledger
from core.adapters.ledger.stories import LedgerStories
from core.adapters.signals.codec import Unreadable, decode
from core.domain.account import ACCOUNT
from core.domain.dca_step import DcaStep
from core.domain.entry_reasons import ENTRY_SENTENCES
from core.domain.errors import ExchangeUnavailable
from core.domain.events.intake import DeadLettersFound
from core.domain.exit_plan import ExitPlan, Level, StopLoss, Target
from core.domain.instrument import Balance
from core.domain.limit_entry import OnTimeout
from core.domain.messages import DeadLetter
from core.domain.order import NotTaken, Rejected
from core.domain.order_state_machine import OrderState
from core.domain.plan_reasons import PLAN_SENTENCES
from core.domain.reasons import SENTENCES, reason
from core.domain.record_reasons import RECORD_SENTENCES
from core.domain.strategy_book import StrategyBook
from core.domain.symbol_halt import SymbolHalt
from core.domain.trade_size import SizeKind, TradeSize
from core.domain.trading_state import Mode, Pause, TradingState
from core.policy.decision_context import RiskLimits
from core.records.commit_batch import CommitBatch
from core.state.portfolio import Portfolio
from tests.core.memory_ledger import CountedLedger
from tests.core.scripted_venue import LOST, Course, ScriptedVenue, refused
from tests.core.virtual_time import VirtualClock
from tests.core.world import LIMITS, World, instrument, restarted
from tests.ledgers import make_ledger
from tests.paths import ROOT

POLICY = ROOT / "core" / "policy"
REST = {
    "panic_over",  # sent in the chat to the person who ended its pause
    *("above_max_notional", "unsellable", "below_min_qty", "above_max_qty"),  # sizes, reported like below_min_notional
    *("held_by_others", "strategy_paused", "own_positions"),  # of several strategies, reported like those of one
    *PLAN_SENTENCES,  # an exit plan that cannot rest
    *(
        code for code in RECORD_SENTENCES if code.startswith(("plan_", "step"))
    ),  # a record's plan and steps, refused with the record
    *ENTRY_SENTENCES,  # ends of an entry that rested, told like that of its time
    "no_equity",  # an account without any money
    "daily_loss_unknown",  # only where a symbol's rules are unknown, and then it is not traded at all
}
PLAN: dict[str, object] = {"stop_loss_pct": Decimal(5), "take_profit_pct": (Target(Level(pct=Decimal(10))),)}
PAGE = ROOT / "docs" / "why.md"

Scene = Callable[["Stage"], Awaitable[object]]


@dataclass
class Stage:
    """A fresh world, and events that may happen in it."""

    world: World
    ledger: CountedLedger
    clock: VirtualClock
    venue: ScriptedVenue

    async def tells(self, batch: CommitBatch) -> None:
        await self.clock.run(self.ledger.commit(batch))
        self.world.portfolio.apply(batch)


async def executed(stage: Stage) -> None:
    await stage.world.say("BUY_SM")


async def sold(stage: Stage) -> None:
    await stage.world.say("BUY_SM")
    stage.venue.prices["WIFUSDC"] = Decimal("0.52")
    await stage.clock.forward(600)
    await stage.world.say("SELL_SM", close="0.52")


async def found_after_silence(stage: Stage) -> None:
    stage.venue.next(Course(answer=LOST, visible_after=1.5))
    await stage.world.say("BUY_SM")


async def recovered(stage: Stage) -> None:
    stage.venue.next(Course(answer=LOST, visible_after=1.5))
    signal = stage.world.signal("BUY_SM")
    await stage.clock.run(stage.world.inbox.deliver([stage.world.said(signal)]))
    await stage.clock.forward(0.5)
    await stage.world.crash()
    stage.world = await restarted(stage.world, stage.ledger)


async def never_placed(stage: Stage) -> None:
    stage.venue.next(Course(executed=False, answer=LOST))
    signal = stage.world.signal("BUY_SM")
    asking = stage.world.inbox.ask(stage.world.said(signal))
    stage.venue.prices["WIFUSDC"] = Decimal("0.48")
    task = stage.clock.run(asking)
    stage.venue.prices["WIFUSDC"] = Decimal("0.48")
    await task


async def rejected(stage: Stage) -> None:
    stage.venue.next(Course(executed=False, answer=Rejected(reason("insufficient_balance", asset="USDC"))))
    await stage.world.say("BUY_SM")


async def not_filled(stage: Stage) -> None:
    stage.venue.next(Course(fills=Decimal(0), state=OrderState.EXPIRED))
    await stage.world.say("BUY_SM")


async def partly(stage: Stage) -> None:
    stage.venue.next(Course(fills=Decimal("0.5"), state=OrderState.EXPIRED))
    await stage.world.say("BUY_SM")


async def asked(stage: Stage) -> str:
    await stage.world.set(mode=Mode.CONFIRM)
    await stage.world.say("BUY_SM")
    await stage.clock.forward(12)
    return stage.world.question().token


async def approved(stage: Stage) -> None:
    await stage.world.tap(await asked(stage))


async def declined(stage: Stage) -> None:
    await stage.world.tap(await asked(stage), approve=False)


async def ran_out(stage: Stage) -> None:
    token = await asked(stage)
    await stage.clock.forward(110)
    await stage.world.time_out(token)


async def withdrawn(stage: Stage) -> int:
    await asked(stage)
    await stage.world.say("SELL_SM")
    return 2


async def late(stage: Stage) -> None:
    await stage.world.say("BUY_SM", age=90)


async def ahead(stage: Stage) -> None:
    await stage.world.say("BUY_SM", age=-45)


async def behind(stage: Stage) -> None:
    stage.world.portfolio.clock_offset = timedelta(seconds=45)
    await stage.world.say("BUY_SM", age=-45)


async def foreign(stage: Stage) -> None:
    await stage.world.say("BUY_SM", symbol="SOLUSDC", close="1.5")


async def paused(stage: Stage) -> None:
    await stage.world.set(pause=Pause.ALL)
    await stage.world.say("BUY_SM")


async def entries_paused(stage: Stage) -> None:
    await stage.world.set(pause=Pause.ENTRIES)
    await stage.world.say("BUY_SM")


async def observed(stage: Stage) -> None:
    await stage.world.set(mode=Mode.OBSERVE)
    await stage.world.say("BUY_SM")


async def unknown(stage: Stage) -> None:
    await stage.world.say("BUY_SM", symbol="NOSUCHUSDC", close="1")


async def held(stage: Stage) -> None:
    why = reason("less_than_ledger", qty="5", asset="WIF")
    await stage.tells(CommitBatch(holds=[SymbolHalt("WIFUSDC", (why,), stage.clock.now())]))
    await stage.world.say("BUY_SM")


async def account_held(stage: Stage) -> None:
    strange = reason("order_of_other", symbol="SOLUSDC", mark=7, count=1, order_id=28, at=stage.clock.now())
    await stage.tells(CommitBatch(holds=[SymbolHalt(ACCOUNT, (strange,), stage.clock.now())]))
    await stage.world.say("BUY_SM")


async def nothing_free(stage: Stage) -> None:
    await stage.world.say("BUY_SM")
    why = reason("less_than_ledger", qty="19.98", asset="WIF")
    await stage.tells(CommitBatch(holds=[SymbolHalt("WIFUSDC", (why,), stage.clock.now())]))
    stage.venue.more["WIF"] = Decimal("-19.98")
    await stage.world.say("SELL_SM")


async def in_position(stage: Stage) -> None:
    await stage.world.say("BUY_SM")
    await stage.world.say("BUY_SM")


async def bought_often_enough(stage: Stage) -> None:
    await stage.world.say("BUY_SM")
    await stage.world.say("BUY_SM")
    await stage.world.say("BUY_SM")


async def stepped(stage: Stage) -> None:
    signal = replace(stage.world.signal("BUY_SM"), steps=(DcaStep(Decimal("2.5")),))
    await stage.clock.run(stage.world.inbox.ask(stage.world.said(signal)))
    await stage.clock.forward(5)


async def leaving(stage: Stage) -> None:
    await stage.world.say("BUY_SM")
    stage.venue.next(refused(NotTaken(reason("banned", seconds=70), retry_after=70)))
    await stage.world.say("SELL_SM")
    await stage.world.say("BUY_SM")


async def waits(stage: Stage) -> None:
    await stage.world.say("BUY_SM")
    stage.venue.rules["WIFUSDC"] = replace(instrument(), status="BREAK")
    await stage.clock.run(stage.world.market.load_instruments(None))
    await stage.world.say("SELL_SM")


async def no_position(stage: Stage) -> None:
    await stage.world.say("SELL_SM")


async def asked_already(stage: Stage) -> None:
    await asked(stage)
    await stage.world.say("BUY_SM")


async def halted(stage: Stage) -> None:
    stage.venue.rules["WIFUSDC"] = replace(instrument(), status="BREAK")
    await stage.clock.run(stage.world.market.load_instruments(None))
    await stage.world.say("BUY_SM")


async def no_market_orders(stage: Stage) -> None:
    stage.venue.rules["WIFUSDC"] = replace(instrument(), market_orders=False)
    await stage.clock.run(stage.world.market.load_instruments(None))
    await stage.world.say("BUY_SM")


async def no_price(stage: Stage) -> None:
    stage.venue.unavailable = True
    await stage.world.say("BUY_SM")
    stage.venue.unavailable = False


async def too_small(stage: Stage) -> None:
    await stage.world.say("BUY_SM")


async def moved(stage: Stage) -> None:
    await stage.world.say("BUY_SM", close="0.46")


async def another_market(stage: Stage) -> None:
    await stage.world.say("BUY_SM", close="65000")


async def too_dear(stage: Stage) -> None:
    await stage.world.say("BUY_SM")


async def in_euros(stage: Stage, price: str = "") -> None:
    """Prices WIF in euros; a euro's rate in USDC is known where there is a `price`."""
    stage.venue.rules |= {"WIFEUR": instrument("WIF", "EUR"), "EURUSDC": instrument("EUR")}
    stage.venue.prices |= {"WIFEUR": Decimal("0.40"), **({"EURUSDC": Decimal(price)} if price else {})}
    await stage.clock.run(stage.world.market.load_instruments(None))
    await stage.world.say("BUY_SM", symbol="WIFEUR", close="0.40")


async def too_dear_in_euros(stage: Stage) -> None:
    await in_euros(stage, "1.20")


async def in_what_nobody_trades(stage: Stage) -> None:
    stage.venue.rules["WIFXYZ"] = instrument("WIF", "XYZ")
    stage.venue.prices["WIFXYZ"] = Decimal("0.40")
    await stage.clock.run(stage.world.market.load_instruments(None))
    await stage.world.say("BUY_SM", symbol="WIFXYZ", close="0.40")


async def too_many(stage: Stage) -> None:
    await stage.world.say("BUY_SM", symbol="SOLUSDC", close="1.5")
    await stage.world.say("BUY_SM")


async def bad_day(stage: Stage) -> None:
    await stage.world.say("BUY_SM")
    stage.venue.prices["WIFUSDC"] = Decimal("0.40")
    await stage.clock.forward(5)
    await stage.world.say("SELL_SM", close="0.40")
    await stage.world.say("BUY_SM", close="0.40")


async def sized(stage: Stage, kind: SizeKind, amount: str, *, money: str = "10000", stop: str = "5") -> None:
    """Gives a signal a size, and a stop where its risk counts; the account has `money`."""
    stage.venue.more["USDC"] = Decimal(money)
    plan = ExitPlan(StopLoss(Level(pct=Decimal(stop)))) if stop else None
    said = replace(stage.world.signal("BUY_SM"), size=TradeSize(kind, Decimal(amount)), plan=plan)
    await stage.clock.run(stage.world.inbox.ask(stage.world.said(said)))


async def at_risk(stage: Stage) -> None:
    await sized(stage, SizeKind.RISK, "0.25")


async def cut(stage: Stage) -> None:
    await sized(stage, SizeKind.EQUITY, "30", stop="")


async def without_a_stop(stage: Stage) -> None:
    await sized(stage, SizeKind.RISK, "1", stop="")


async def without_money(stage: Stage) -> None:
    stage.venue.more["USDC"] = Decimal(33)
    await stage.world.say("BUY_SM", symbol="SOLUSDC", close="1.5")
    await sized(stage, SizeKind.EQUITY, "50", money="33", stop="")


async def without_balances(stage: Stage) -> None:
    async def away() -> dict[str, Balance]:
        raise ExchangeUnavailable("no answer")

    stage.world.trading.decisions.funds.balances = away
    await sized(stage, SizeKind.EQUITY, "5", stop="")


async def without_a_price_of_what_is_held(stage: Stage) -> None:
    await stage.world.say("BUY_SM", symbol="SOLUSDC", close="1.5")
    del stage.venue.prices["SOLUSDC"]
    await stage.clock.forward(5)
    await sized(stage, SizeKind.EQUITY, "5", stop="")


async def fallen(stage: Stage) -> None:
    stage.venue.more["USDC"] = Decimal(100)
    await stage.clock.run(stage.world.trading.equity.run())
    await stage.world.say("BUY_SM", symbol="SOLUSDC", close="1.5")
    stage.venue.prices["SOLUSDC"] = Decimal("1.1")
    await stage.clock.forward(5)
    await stage.world.say("BUY_SM")


async def cooling(stage: Stage) -> None:
    await stage.world.say("BUY_SM")
    stage.venue.trade("WIFUSDC", "0.45")
    await stage.clock.run(stage.world.trading.hearing.run())
    await stage.clock.forward(120)
    await stage.world.say("BUY_SM", close="0.45")


async def too_much_at_once(stage: Stage) -> None:
    stage.venue.more["USDC"] = Decimal(100)
    await stage.world.say("BUY_SM", symbol="SOLUSDC", close="1.5")
    await stage.world.say("BUY_SM")


async def guarded(stage: Stage) -> None:
    stage.venue.next(Course(), refused(NotTaken(reason("exchange_busy"))))
    await stage.world.say("BUY_SM")
    await stage.clock.forward(3)
    await stage.clock.run(stage.world.trading.protection.run())
    await stage.clock.forward(1)
    stage.venue.trade("WIFUSDC", "0.529")
    await stage.clock.forward(60)
    await stage.clock.run(stage.world.trading.hearing.run())


async def stopped_just_now(stage: Stage) -> None:
    await stage.world.say("BUY_SM")
    stage.venue.trade("WIFUSDC", "0.45")
    await stage.world.say("SELL_SM", close="0.45")


async def not_alone(stage: Stage) -> None:
    stage.world.closed = reason("another_program")
    await stage.world.say("BUY_SM")


async def missed(stage: Stage) -> None:
    stage.world.start_timer()
    await stage.world.enter("0.47", expires_in=300)
    await stage.clock.forward(310)


async def chased(stage: Stage) -> None:
    stage.world.start_timer()
    await stage.world.enter("0.47", expires_in=60, on_timeout=OnTimeout.MARKET)
    order = next(iter(stage.world.portfolio.entries_for(StrategyBook("WIFUSDC"))), None)
    assert order is not None
    stage.venue.fill(order.client_order_id, Decimal("0.47"), Decimal(12))
    await stage.clock.forward(70)


async def rests_already(stage: Stage) -> None:
    await stage.world.enter("0.47")
    await stage.world.say("BUY_SM")


async def limit_too_high(stage: Stage) -> None:
    await stage.world.enter("0.49")


async def _with_exits(stage: Stage) -> None:
    """Has the exchange take entries together with their exits."""
    rules = stage.venue.rules["WIFUSDC"]
    stage.venue.rules["WIFUSDC"] = replace(rules, resting=replace(rules.resting, opo_allowed=True))
    await stage.clock.run(stage.world.market.load_instruments(None))


async def together(stage: Stage) -> None:
    await _with_exits(stage)
    await stage.world.say("BUY_SM")


async def not_whole(stage: Stage) -> None:
    await _with_exits(stage)
    stage.venue.next(Course(fills=Decimal(0), state=OrderState.EXPIRED))
    await stage.world.say("BUY_SM")


async def refused_together(stage: Stage) -> None:
    await _with_exits(stage)
    message = "OPO orders are not supported for this symbol"
    stage.venue.next(refused(Rejected(reason("order_type_off", symbol="WIFUSDC", message=message, code=-2010))))
    await stage.world.say("BUY_SM")


SCENES: dict[str, tuple[str, Scene, dict[str, object]]] = {
    "executed": ("An entry is executed", executed, {}),
    "sold": ("An exit is executed", sold, {}),
    "partly": ("Only a part is filled", partly, {}),
    "approved": ("A person approves it", approved, {}),
    "found": ("The exchange does not answer, and the order is found", found_after_silence, {}),
    "recovered": ("The program is killed while an order is on its way", recovered, {}),
    "guarded": ("An entry with an exit plan: refused at first, placed, and its target is filled", guarded, PLAN),
    "together": ("An entry that brings its exits", together, PLAN),
    "not_whole": ("An entry that brings its exits is not offered whole", not_whole, PLAN),
    "refused_together": ("The exchange refuses an entry with its exits, and takes it without them", refused_together, PLAN),
    "stopped": ("An exit that its stop forestalled", stopped_just_now, PLAN),
    "entry_timeout": ("An entry at a limit waits in vain", missed, {}),
    "chased": ("An entry at a limit is followed when its time is over", chased, {**PLAN, "trade_qty": Decimal(40)}),
    "entry_rests": ("An entry rests already", rests_already, {}),
    "entry_price_band": ("Its limit is too high", limit_too_high, {}),
    "resent": ("A request is lost for certain, and sent again", never_placed, {}),
    "rejected": ("The exchange refuses it", rejected, {}),
    "not_filled": ("The exchange takes it and fills nothing", not_filled, {}),
    "declined": ("A person declines it", declined, {}),
    "ran_out": ("Nobody answers in time", ran_out, {}),
    "withdrawn": ("A later signal withdraws the question", withdrawn, {}),
    "expired": ("It comes too late", late, {}),
    "from_future": ("It is dated in the future", ahead, {}),
    "clock_wrong": ("It is dated in the future of a clock of ours that is wrong", behind, {}),
    "symbol_not_allowed": ("Its symbol is not allowed", foreign, {"symbols": frozenset({"WIFUSDC"})}),
    "paused": ("Trading is paused", paused, {}),
    "entries_paused": ("Entries are paused", entries_paused, {}),
    "observe": ("Observe mode", observed, {}),
    "unknown_symbol": ("The exchange knows no such symbol", unknown, {}),
    "account_held": ("Somebody else trades on the account", account_held, {}),
    "nothing_free": ("Nothing is free to be sold", nothing_free, {}),
    "another_program": ("Another program uses the bot's token", not_alone, {}),
    "held": ("Ledger and exchange disagree about the symbol", held, {}),
    "in_position": ("There is a position already", in_position, {}),
    "added": ("It adds to the position", in_position, {**PLAN, "max_entries": 2}),
    "max_entries": ("The position was bought by as many entries as are allowed", bought_often_enough, {"max_entries": 2}),
    "step": ("A step waits below its entry", stepped, {**PLAN, "max_entries": 2}),
    "exit_wanted": ("The position is being left", leaving, {}),
    "waits": ("An exit that waits", waits, {}),
    "no_position": ("There is nothing to sell", no_position, {}),
    "approval_pending": ("The same is asked already", asked_already, {}),
    "not_trading": ("The symbol is halted", halted, {}),
    "market_orders_off": ("The symbol takes no market orders", no_market_orders, {}),
    "price_unknown": ("The present price is not known", no_price, {}),
    "below_min_notional": ("Too small for the exchange", too_small, {"trade_qty": Decimal(10)}),
    "price_band": ("The price has moved too far", moved, {}),
    "price_sanity": ("Its price is not of this market", another_market, {}),
    "order_notional": ("Worth more than one entry may be", too_dear, {"max_order_notional": Decimal(5)}),
    "order_notional_in_euros": ("The same, priced in another asset", too_dear_in_euros, {"max_order_notional": Decimal(5)}),
    "rate_unknown": ("What its quote asset is worth is not known", in_euros, {}),
    "no_rate": ("Its quote asset is traded against nothing that is known", in_what_nobody_trades, {}),
    "open_positions": ("Too many positions are open", too_many, {"max_open_positions": 1}),
    "at_risk": ("Its size is what its stop may lose", at_risk, {}),
    "cut": ("Its size is cut to the limit of one order", cut, {}),
    "risk_without_stop": ("Its risk has no stop to count to", without_a_stop, {}),
    "nothing_to_spend": ("Too little is free", without_money, {}),
    "balances_unknown": ("The balances that its size counts from are unknown", without_balances, {}),
    "value_unknown": ("The price of what is held is unknown", without_a_price_of_what_is_held, {}),
    "drawdown": ("The equity has fallen too far from its peak", fallen, {"max_drawdown_pct": Decimal(5)}),
    "losing_exits": ("Too many positions in a row were closed at a loss", bad_day, {"max_losing_exits": 1}),
    "cooldown": ("A stop has just sold", cooling, {**PLAN, "cooldown_after_stop": timedelta(minutes=10)}),
    "exposure": ("Too much of the equity would be in positions", too_much_at_once, {"max_exposure_pct": Decimal(35)}),
    "daily_loss": ("The day was bad enough", bad_day, {"daily_loss_limit": Decimal(1)}),
}


async def told(path: Path, scene: Scene, batch: dict[str, object], language: str) -> str:
    """Returns what /why answers for the last signal of a scene."""
    clock = VirtualClock()
    pairs = {"WIF": "0.48", "SOL": "1.5"}
    rules = {f"{base}USDC": instrument(base) for base in pairs}
    prices = {f"{base}USDC": Decimal(price) for base, price in pairs.items()}
    venue = ScriptedVenue(clock, rules, prices, ahead=timedelta(seconds=7))
    ledger = await open_ledger(make_ledger(path), clock)
    on_disk = CountedLedger(ledger, clock)
    limits: RiskLimits = replace(LIMITS, **batch)  # type: ignore[arg-type]
    stage = Stage(World(Portfolio(TradingState(), limits), clock=clock, ledger=on_disk, venue=venue), on_disk, clock, venue)
    try:
        await clock.run(stage.world.market.load_instruments(None))
        stage.world.inbox.start([], [])
        seq = await scene(stage)
        stories = LedgerStories(ledger.reader)
        (last,) = await stories.last()
        story = await stories.story(seq if isinstance(seq, int) else last)
        assert story is not None
        await stage.world.close()
    finally:
        await ledger.close()
    return plain_text("\n".join(story_lines(story, texts(language), full=False)))


async def page(tmp_path: Path, language: str) -> str:
    """Returns every story, under its heading."""
    parts = [HEAD]
    for name, (title, scene, batch) in SCENES.items():
        said = await told(tmp_path / f"{name}.{language}.db", scene, batch, language)
        parts.append(f"## {title}\n\n```text\n{said}\n```\n")
    parts.append(f"## A record that is no signal\n\n```text\n{await letter(tmp_path, language)}\n```\n")
    return "\n".join(parts)


async def letter(tmp_path: Path, language: str) -> str:
    clock = VirtualClock()
    ledger = await open_ledger(make_ledger(tmp_path / f"letter.{language}.db"), clock)
    try:
        record = b'{"signal_type": "BUY_SM", "close": -1}'
        why = decode(record, record_ts=clock.now(), source="kafka:t", default_id="t/0/17", default_symbol="WIFUSDC")
        assert isinstance(why, Unreadable)
        raw = DeadLetter("kafka:t", "t/0/17", why.problem, record, clock.now(), why.reason)
        await ledger.store([], dead=[raw], events=[DeadLettersFound(1, raw)])
        found = await LedgerStories(ledger.reader).letter("t/0/17")
        assert found is not None
        return plain_text("\n".join(letter_lines(found, texts(language))))
    finally:
        await ledger.close()


HEAD = """# What /why tells

`/why` in the chat tells the whole story of a signal: of the last one, of the one whose alert you reply to, or of any by its
number, its id, its order's id or its symbol. The first line says what became of it, the second why, where nothing was traded;
then come the steps with their times, and the numbers that each rule looked at.

Every telling here was made by the program itself: a test plays the scene on the real core and a real ledger, and fails where
this page says something else. `REWRITE=1 .venv/bin/pytest tests/bot/views/test_signal_story.py` writes it anew.
"""


async def test_the_page_tells_what_the_program_says(tmp_path: Path) -> None:
    made = await page(tmp_path, "en")
    if os.environ.get("REWRITE"):
        PAGE.write_text(made, encoding="utf-8")
    assert made == PAGE.read_text(encoding="utf-8")


async def test_every_story_is_told_in_russian_too(tmp_path: Path) -> None:
    made = await page(tmp_path, "ru")
    told_ones = re.findall(r"```text\n(.*?)```", made, re.DOTALL)
    assert len(told_ones) == len(SCENES) + 1
    answers = "\n".join(told_ones)
    for sentence in (*SENTENCES.values(), *en.CATALOGUE.values()):
        start = plain_text(sentence).partition("{")[0]
        assert len(start) < 12 or start not in answers, start
    assert not re.search(r"[ (]\?", answers), "a placeholder that nothing filled"


def test_every_refusal_before_an_order_has_its_telling() -> None:
    codes = set(re.findall(r'reason\(\s*"(\w+)"', "".join(path.read_text() for path in POLICY.rglob("*.py"))))
    assert codes - {*SCENES, *REST} == set()


async def test_the_plan_that_a_record_brought_is_told(tmp_path: Path) -> None:
    targets = Target(Level(pct=Decimal("2.5")), Decimal(60)), Target(Level(price=Decimal("0.6")), Decimal(40))

    async def with_plan(stage: Stage) -> None:
        plan = ExitPlan(StopLoss(Level(pct=Decimal(5))), targets)
        said = replace(stage.world.signal("BUY_SM"), plan=plan)
        await stage.clock.run(stage.world.inbox.ask(stage.world.said(said)))

    in_english = await told(tmp_path / "en.db", with_plan, {}, "en")
    assert "· stop 5.00% below the entry" in in_english
    assert "· target 2.50% above the entry, for 60.00% of the position" in in_english
    assert "· target at 0.6000, for 40.00% of the position" in in_english
    assert "· стоп на 5,00% ниже входа" in await told(tmp_path / "ru.db", with_plan, {}, "ru")
