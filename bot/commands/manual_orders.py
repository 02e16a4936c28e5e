"""Manual orders: previewed in numbers, by the same rules that decide when they are confirmed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from bot.commands.actions import Trouble
from bot.commands.arguments.books import name_of
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.order_results import done
from bot.commands.protection import entry_plan_lines, taken_off_lines
from bot.texts import Html, Texts, short
from bot.views.entry_risk import SteppedEntry, risk_lines, stepped_lines
from bot.views.number_format import money, percent_of, price, quantity
from bot.views.trading_mode import not_live
from core.domain.dca_step import DcaStep
from core.domain.errors import LedgerUnavailable
from core.domain.exit_plan import ExitPlan
from core.domain.messages import Body, ManualInstruction, Message, SignalReceived
from core.domain.money import ZERO, divide, multiply
from core.domain.order import Order
from core.domain.position import Position
from core.domain.reasons import Reason, reason
from core.domain.signal import BY_HAND, Side, Signal, client_order_id, naming
from core.domain.strategy_book import StrategyBook
from core.policy.decision import Refused
from core.policy.decision_context import SizeRequest
from core.policy.entries.adding import exits_shown
from core.policy.entries.step_refusal import step_orders
from core.policy.exits.plan_risk import risk_of
from core.policy.exits.protection import exits_at_steps
from core.policy.risk import RiskApproved
from core.policy.sizing.fees import TAKER_FEE

_KINDS = {Side.BUY: "BUY_MANUAL", Side.SELL: "SELL_MANUAL"}


@dataclass(frozen=True, slots=True)
class Plan:
    """A manual order at the current market: quantity in base asset, price in quote asset, and the person's instruction. Where
    the market's price is unknown, a position may be sold nevertheless: then `price` is its average cost, used only as the
    signal's price. `exits` are those that a purchase was shown with, `brought` those that it brings: none of its own where it
    adds to a position whose exits stay. `steps` follow it, with limit (quote asset) and quantity of each in `expected_steps`.
    `held` is the position as it was shown."""

    book: StrategyBook
    side: Side
    qty: Decimal
    price: Decimal
    instruction: ManualInstruction
    held: Position
    price_known: bool = True
    exits: ExitPlan | None = None
    brought: ExitPlan | None = None
    steps: tuple[DcaStep, ...] = ()
    expected_steps: tuple[tuple[Decimal, Decimal], ...] = ()

    @property
    def symbol(self) -> str:
        return self.book.symbol

    @property
    def value(self) -> Decimal:
        """Returns the value in quote asset."""
        return multiply(self.qty, self.price)

    def body(self, context: CommandContext, source_id: str) -> SignalReceived:
        """Returns the message that places it. Its price is the one shown: the price band is measured from there."""
        kind = _KINDS[self.side]
        named = naming(self.book.strategy)
        signal = Signal(BY_HAND, source_id, kind, self.symbol, self.price, context.clock.now(), named, plan=self.brought)
        return SignalReceived(replace(signal, steps=self.steps or None), self.instruction)

    @property
    def average(self) -> Decimal:
        """Returns the average price (quote asset) of all that is held after a purchase, from which its exits count."""
        bought = multiply(self.qty, 1 - TAKER_FEE)
        return divide(self.held.value + multiply(bought, self.price), self.held.qty + bought) if self.held.is_open else self.price


async def plan(
    context: CommandContext,
    side: Side,
    book: StrategyBook,
    instruction: ManualInstruction,
    *,
    exits: ExitPlan | None = None,
    steps: tuple[DcaStep, ...] = (),
) -> Plan | Reason:
    """Returns the order that would be placed, or why none would. Changes nothing."""
    symbol = book.symbol
    quote = await context.exchange.market.fresh_quote(symbol)
    known = context.portfolio.position(book).average_cost
    close = quote.price_for(side) if quote is not None else known
    if not close:
        return reason("price_unknown", symbol=short(symbol))
    named, now = naming(book.strategy), context.clock.now()
    signal = Signal(BY_HAND, "preview", _KINDS[side], symbol, close, now, named, plan=exits, steps=steps or None)
    decision = await context.actions.decisions.decide(
        signal, approved_at=signal.ts, size_request=SizeRequest(instruction.qty, instruction.quote)
    )
    if isinstance(decision, Refused):
        return decision.reason
    order = decision if isinstance(decision, RiskApproved) else decision.order
    if side is Side.BUY and instruction.quote is None:
        # The usual size may change before the second tap: the previewed size counts.
        instruction = replace(instruction, qty=order.qty)
    found = Plan(book, side, order.qty, order.price, instruction, context.portfolio.position(book), quote is not None)
    return _with_exits(context, found, signal, order) if side is Side.BUY else found


def _with_exits(context: CommandContext, found: Plan, signal: Signal, order: RiskApproved) -> Plan:
    """Returns a purchase with the exits and steps that it would have. What opens a position brings them as they are shown,
    whatever is set before the second tap."""
    instrument, limits = context.exchange.market.instrument(found.symbol), context.portfolio.limits_for(found.book)
    if instrument is None:
        return found
    held, now = context.portfolio.plans.get(found.book) if found.held.is_open else None, context.clock.now()
    exits = exits_shown(signal, held, limits, instrument, now)
    brought = signal.plan if found.held.is_open else exits or ExitPlan()
    expected = step_orders(signal, order, limits, instrument, now)
    return replace(found, exits=exits, brought=brought, steps=signal.steps or (), expected_steps=expected)


def plan_lines(context: CommandContext, found: Plan) -> list[Html]:
    """Returns the order in numbers: its cost or proceeds, and the position afterwards."""
    texts, priced, position = context.texts, context.exchange.priced(found.symbol), context.portfolio.position(found.book)
    unit = {"base": priced.base, "quote": priced.quote_asset}
    title = f"plan.{found.side.lower()}" if found.instruction.quote is None else "plan.buy_for"
    spent = money(found.instruction.quote) if found.instruction.quote is not None else ""
    lines = [texts(title, symbol=name_of(context, found.book), quantity=quantity(found.qty), spent=spent, **unit)]
    lines += _worth(found, position.average_cost, texts, unit) if found.price_known else [texts("plan.no_price")]
    # The fee of a purchase is deducted from the quantity bought.
    gained = multiply(found.qty, 1 - TAKER_FEE) if found.side is Side.BUY else -found.qty
    lines += since_lines(context, found)
    if found.side is Side.SELL:
        lines += taken_off_lines(context, found.book, found.qty)
    else:
        lines += _exits_lines(context, found)
    lines.append(texts("plan.after", quantity=quantity(max(position.qty + gained, ZERO)), **unit))
    return [*lines, *not_live(context.exchange.trading_mode, texts)]


def _exits_lines(context: CommandContext, found: Plan) -> list[Html]:
    """Returns the exits that all that is held then would have, what they put at risk, and the steps below."""
    texts, instrument = context.texts, context.exchange.market.instrument(found.symbol)
    if instrument is None:
        return []
    lines, step = [], instrument.price_step
    if found.exits is not None and not found.exits.is_empty:
        whole = found.qty + (divide(found.held.qty, 1 - TAKER_FEE) if found.held.is_open else ZERO)
        at_risk = risk_of(exits_at_steps(found.exits, found.average, step), found.average, whole)
        lines = entry_plan_lines(context, found.exits, instrument, found.average, found.price)
        lines += risk_lines(at_risk, instrument.quote, None, texts)
    entry = SteppedEntry(found.price, found.qty, found.expected_steps, found.exits, step)
    return [*lines, *stepped_lines(entry, instrument.base, instrument.quote, texts)]


def since_lines(context: CommandContext, found: Plan) -> list[Html]:
    """Returns the line that says since when the position is held that would be sold: an older button may have meant another."""
    opened_at = context.portfolio.position(found.book).opened_at
    if found.side is Side.BUY or opened_at is None:
        return []
    return [context.texts("plan.since", time=context.texts.full_moment(opened_at))]


def _worth(found: Plan, average_cost: Decimal, texts: Texts, unit: Mapping[str, str]) -> list[Html]:
    """Returns value and fee at the market's price, and the result of a sale."""
    fee = multiply(found.value, TAKER_FEE)
    lines = [
        texts("plan.value", price=price(found.price), value=money(found.value), **unit),
        texts("plan.fee", fee=money(fee), **unit),
    ]
    if found.side is Side.SELL:
        cost = multiply(average_cost, found.qty)
        profit = found.value - fee - cost
        percent = percent_of(profit, cost) if cost else ""
        lines.append(texts("plan.profit", profit=money(profit, signed=True), percent=percent, **unit))
    return lines


async def place(context: CommandContext, caller: Caller, found: Plan, source_id: str) -> str:
    """Places it, by the rules at the moment of confirmation. Returns a line on the outcome."""
    if (other := _other_position(context, found)) is not None:
        return context.texts("confirm.not_done", reason=context.texts.reason(other))
    body = found.body(context, source_id)
    outcome = await context.actions.put_as(source_id, body, mailbox=found.symbol)
    if isinstance(outcome, Trouble):
        return context.texts(outcome.value or "answer.known")
    if outcome.reason is not None:
        return context.texts("confirm.not_done", reason=context.texts.reason(outcome.reason))
    return await done(context, caller, source_id, client_order_id(body.signal))


def _other_position(context: CommandContext, found: Plan) -> Reason | None:
    """Returns why a purchase is not the one that was shown: its position was opened or closed meanwhile."""
    is_open = context.portfolio.position(found.book).is_open
    if found.side is Side.SELL or is_open is found.held.is_open:
        return None
    return reason("opened_since" if is_open else "closed_since", symbol=found.symbol)


async def place_all(context: CommandContext, caller: Caller, bodies: Sequence[tuple[str, Body]], source_id: str) -> str:
    """Puts all messages into the named mailboxes, in one commit or not at all."""
    now = context.clock.now()
    messages = [Message(BY_HAND, f"{source_id}:{number}", mailbox, body, now) for number, (mailbox, body) in enumerate(bodies)]
    try:
        answers = await context.actions.inbox.ask_all(messages)
    except LedgerUnavailable:
        return context.texts("answer.ledger")
    if not any(answers):
        return context.texts("answer.known")
    return await done(context, caller, source_id)


def exits(context: CommandContext) -> list[StrategyBook]:
    """Returns the books that may have something to sell: an open position or a pending entry."""
    entering = {order.book for order in context.portfolio.in_flight.values() if order.side is Side.BUY}
    return sorted({position.book for position in context.portfolio.open_positions()} | entering)


def sell_body(
    context: CommandContext, book: StrategyBook, instruction: ManualInstruction, signal_id: str, kind: str = _KINDS[Side.SELL]
) -> SignalReceived:
    """Returns the message that sells the position there is when its turn comes."""
    priced = context.exchange.priced(book.symbol)
    position = context.portfolio.position(book)
    entering: Order | None = context.portfolio.in_flight_for(book.symbol)
    close = priced.price or position.average_cost or (entering.price if entering is not None else ZERO)
    named = naming(book.strategy)
    return SignalReceived(Signal(BY_HAND, signal_id, kind, book.symbol, close, context.clock.now(), named), instruction)
