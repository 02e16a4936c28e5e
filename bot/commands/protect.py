"""/protect: gives a position an exit plan or changes it, after a second tap."""

from dataclasses import replace
from decimal import Decimal
from functools import partial

from bot.access.confirmations import Risk
from bot.commands.actions import Trouble
from bot.commands.arguments.books import book_asked, name_of, words_of
from bot.commands.arguments.exits import USAGE, ExitWords, exit_words
from bot.commands.arguments.symbols import held_buttons, several_held, symbol_to_sell
from bot.commands.base import Args, Command, bad_argument
from bot.commands.caller import Caller
from bot.commands.confirm import ask
from bot.commands.context import CommandContext
from bot.commands.order_results import done
from bot.commands.protection import protection_lines
from bot.texts import short
from bot.views.chat_message import Button, ChatMessage
from bot.views.exit_plan import plan_lines
from bot.views.number_format import percent_of, price, quantity
from bot.views.trading_mode import not_live
from core.domain.access import Role
from core.domain.exit_plan import ExitPlan, Level, StopLoss
from core.domain.instrument import Instrument
from core.domain.money import ZERO, ceil_to_step, multiply, plain
from core.domain.order_messages import PlanRequested
from core.domain.position import Position
from core.domain.reasons import reason
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import TradePlan
from core.policy.exits.breakeven import breakeven_price
from core.policy.exits.plan_change import RequestedPlan, change_refusal, changed, obstacle, raises_risk
from core.policy.exits.protection import at_prices

ROLE = Role.TRADER
_USAGE = f"SYMBOL [@STRATEGY] {USAGE}"
_STEPS = tuple(map(Decimal, ("0.99", "0.98", "0.97", "0.95")))  # of the market's price


async def run(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:
    """Shows the plan of the symbol's position with `/protect WIF`, changes what is named with `/protect WIF stop 5% target 10%`
    (a distance from the entry, a price, or off); without arguments it offers the open positions."""
    if not args:
        return held_buttons(context, "protect")
    symbol = symbol_to_sell(context, args[0])
    if symbol is not None and (which := several_held(context, symbol, "protect")) is not None:
        return which
    asked = book_asked(context, symbol, args[1:], "protect") if symbol is not None else None
    if isinstance(asked, ChatMessage):
        return asked
    words = exit_words(asked[1]) if asked is not None else None
    if asked is None:
        return bad_argument(context, args, COMMAND)
    if asked[1] and words is None:
        return bad_argument(context, args, COMMAND, context.texts("exits.unread", words=short(" ".join(asked[1]))))
    return await _of_book(context, caller, asked[0], words)


async def _of_book(context: CommandContext, caller: Caller, book: StrategyBook, words: ExitWords | None) -> ChatMessage:
    """Shows the plan of the book's position, or asks whether to change it."""
    position, instrument = context.portfolio.position(book), context.exchange.market.instrument(book.symbol)
    if not position.is_open or instrument is None:
        nothing = reason("no_position", base=short(context.exchange.priced(book.symbol).base))
        return ChatMessage(context.texts("protect.refused", reason=context.texts.reason(nothing)))
    if words is None:
        return _offered(context, position, instrument)
    return await _asked(context, caller, words, position, instrument)


async def _asked(
    context: CommandContext, caller: Caller, words: ExitWords, position: Position, instrument: Instrument
) -> ChatMessage:
    texts, before = context.texts, context.portfolio.plans.get(position.book)
    exits = _exits(words, before, position, instrument)
    quote = await context.exchange.market.fresh_quote(position.symbol)
    if exits == (before.exits if before is not None else ExitPlan()):
        return ChatMessage(texts("protect.refused", reason=texts.reason(reason("plan_unchanged"))))
    if quote is None:
        return ChatMessage(texts("protect.refused", reason=texts.reason(reason("price_unknown", symbol=position.symbol))))
    after = changed(before, position, RequestedPlan(exits, caller.name, "preview", 0, quote.bid), context.clock.now())
    if (
        why := change_refusal(after, position, instrument, quote.bid, context.portfolio.limits_for(position.book).protection)
    ) is not None:
        return ChatMessage(texts("protect.refused", reason=texts.reason(why)))
    lines = [texts("protect.ask", symbol=name_of(context, position.book), quantity=quantity(position.qty), base=instrument.base)]
    lines += [texts("protect.none")] if exits.is_empty else plan_lines(at_prices(after, instrument), quote.bid, texts)
    if not exits.is_empty and (cannot := obstacle(after, position, instrument, quote.bid)) is not None:
        lines.append(texts("protect.watched", reason=texts.reason(cannot)))
    lines += not_live(context.exchange.trading_mode, texts)
    risk = Risk.RAISES if raises_risk(before, after.exits) else Risk.LOWERS
    seen = before.exits if before is not None else None
    about = position.symbol, exits, position.opened_at, caller.user_id, caller.name, seen
    body = PlanRequested(*about, strategy=position.strategy)
    return ask(context, caller, ROLE, "\n".join(lines), partial(_request, context, caller, body), risk=risk)


def _exits(words: ExitWords, before: TradePlan | None, position: Position, instrument: Instrument) -> ExitPlan:
    exits = words.applied(before.exits if before is not None else ExitPlan())
    if not words.to_breakeven:
        return exits
    return replace(exits, stop=StopLoss(Level(price=breakeven_price(position, instrument, ZERO)), above_cost_pct=ZERO))


def _offered(context: CommandContext, position: Position, instrument: Instrument) -> ChatMessage:
    """Shows what protects the position now, with buttons for stops below the market."""
    symbol, texts, market = words_of(context, position.book), context.texts, context.exchange.market.price(position.symbol)
    lines = [
        texts("protect.now", symbol=name_of(context, position.book)),
        *protection_lines(context, position),
        texts("protect.how", symbol=symbol),
    ]
    buttons = [
        Button(texts.figure(f"{price(stop)} ({percent_of(stop - market, market)})"), f"/protect {symbol} stop {plain(stop)}")
        for stop in _stops(market or ZERO, instrument)
        if market is not None
    ]
    rows = tuple(tuple(buttons[start : start + 2]) for start in range(0, len(buttons), 2))
    even = Button(texts("protect.breakeven"), f"/protect {symbol} stop breakeven")
    return ChatMessage("\n".join(lines), (*rows, (even,)))


def _stops(market: Decimal, instrument: Instrument) -> list[Decimal]:
    """Returns a few prices below the market, the nearest first."""
    found = (ceil_to_step(multiply(market, share), instrument.price_step) for share in _STEPS)
    return [stop for stop in dict.fromkeys(found) if 0 < stop < market]


async def _request(context: CommandContext, caller: Caller, body: PlanRequested, source_id: str) -> str:
    """Puts the confirmed plan into the symbol's mailbox. Returns a line on the outcome."""
    outcome = await context.actions.put_as(source_id, body, mailbox=body.symbol)
    if isinstance(outcome, Trouble):
        return context.texts(outcome.value or "answer.known")
    if outcome.reason is not None:
        return context.texts("confirm.not_done", reason=context.texts.reason(outcome.reason))
    return await done(context, caller, source_id)


COMMAND = Command(
    "protect",
    run,
    role=ROLE,
    arguments=_USAGE,
    examples=("SYMBOL stop 5% target 10%", "SYMBOL stop breakeven", "SYMBOL trail 2%"),
    answers_anew=True,
)
