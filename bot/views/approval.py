"""Approval messages: asked and closed, and the line of an alert that says who approved. Pure."""

from dataclasses import dataclass
from decimal import Decimal

from bot.texts import Html, Texts, short
from bot.texts.figures import grouped
from bot.views.book_names import strategy_lines
from bot.views.chat_message import Button, ChatMessage, Keyboard, plain_text
from bot.views.entry_alerts import question_lines
from bot.views.entry_risk import SteppedEntry, risk_lines, stepped_lines
from bot.views.exit_plan import plan_lines
from bot.views.number_format import money, per_cent, price, quantity, share
from bot.views.sizing import sizing_line
from core.domain.approval import Approval, ApprovalState
from core.domain.dca_step import DcaStep
from core.domain.events.approvals import ApprovalClosed, ApprovalRequested
from core.domain.money import divide, multiply
from core.domain.money import per_cent as exact_per_cent
from core.domain.order import Order
from core.domain.signal import Side
from core.domain.trade_plan import PlanState, TradePlan
from core.domain.trade_size import SizeKind
from core.policy.entries.steps import step_price
from core.policy.exits.plan_risk import risk_of
from core.policy.exits.protection import exits_at_steps
from core.policy.sizing.fees import TAKER_FEE

_AMOUNTS = {"order_notional": False, "daily_loss": True}  # rules measured in quote asset; whether it is a result


@dataclass(frozen=True, slots=True)
class Live:
    """The part that changes while a question is open: the market's price for its side (quote asset; None where unknown) and
    the seconds left."""

    price: Decimal | None
    left: int


def asked_lines(event: ApprovalRequested, texts: Texts, live: Live | None = None) -> list[Html]:
    """Returns the question, as it stands when it is asked, or by what is `live`."""
    approval = event.approval
    if live is None:
        live = Live(approval.price, int((approval.expires_at - approval.asked_at).total_seconds()))
    # The price used for sizing is not shown: the current one counts.
    symbol, _, *proposal = _proposal(approval, event.base, event.quote, texts, event)
    title = texts("approval.ask", signal_type=short(approval.signal.signal_type))
    lines = [title, symbol, *proposal, _now(approval, live, texts)]
    if event.cost is not None and live.price is not None:
        lines.append(_result(approval.qty, event.cost, live.price, event.quote, texts))
    lines += [*_added(event, live, texts), *_plan(event, live, texts), *_steps(event, live, texts)]
    lines += _rules(event, live, texts)
    return [*lines, texts("approval.until", time=texts.exact_time(approval.expires_at), seconds=max(live.left, 0))]


def _plan(event: ApprovalRequested, live: Live, texts: Texts) -> list[Html]:
    """Returns the exit plan of an entry, were it made at the current price, or at its own limit."""
    approval = event.approval
    if event.plan is None:
        return []
    at = _price_of_entry(approval, live)
    counts_from = _average(event, live)
    exits = exits_at_steps(event.plan, counts_from, event.price_step)
    plan = TradePlan("", approval.signal.symbol, exits, PlanState.ENTERING, counts_from, approval.asked_at, 0)
    return [*plan_lines(plan, at, texts), *_risk(event, plan, texts)]


def _risk(event: ApprovalRequested, plan: TradePlan, texts: Texts) -> list[Html]:
    """Returns what would be lost at the stop, also of what is held already, and how many times that the targets bring."""
    approval, held = event.approval, event.position
    qty = approval.qty if held is None else approval.qty + divide(held.qty, 1 - TAKER_FEE)
    found = risk_of(plan.exits, plan.entry_price, qty)
    return risk_lines(found, event.quote, _of_capital(event, found.loss) if found is not None else None, texts)


def _of_capital(event: ApprovalRequested, amount: Decimal) -> Decimal | None:
    """Returns an amount of quote asset in per cent of the capital; None if that is unknown."""
    value = multiply(event.approval.qty, event.approval.price)
    if not event.capital or event.worth is None or not value:
        return None
    return exact_per_cent(multiply(amount, divide(event.worth, value)), event.capital)


def _steps(event: ApprovalRequested, live: Live, texts: Texts) -> list[Html]:
    """Returns the steps of the entry and what all of them come to, were it made at the current price, or at its own limit."""
    at, asked = _price_of_entry(event.approval, live), event.approval.signal.steps or ()
    steps = event.steps
    if len(asked) == len(steps):  # they count from the entry's price, as the exits do
        steps = tuple(_moved(one, shown, at, event.price_step) for one, shown in zip(asked, steps, strict=True))
    entry = SteppedEntry(at, event.approval.qty, steps, event.plan, event.price_step)
    return stepped_lines(entry, event.base, event.quote, texts)


def _moved(step: DcaStep, shown: tuple[Decimal, Decimal], at: Decimal, price_step: Decimal) -> tuple[Decimal, Decimal]:
    """Returns limit and quantity of a step after an entry at another price; an amount of quote asset stays the same."""
    (before, qty), limit = shown, step_price(step, at, price_step)
    is_amount = step.size is not None and step.size.kind is SizeKind.QUOTE
    return limit, divide(multiply(before, qty), limit) if is_amount else qty


def _price_of_entry(approval: Approval, live: Live) -> Decimal:
    return approval.price if approval.signal.entry is not None or live.price is None else live.price


def _average(event: ApprovalRequested, live: Live) -> Decimal:
    """Returns the price that the plan counts from: the entry's, or the average of all that is held then."""
    at, held, bought = _price_of_entry(event.approval, live), event.position, multiply(event.approval.qty, 1 - TAKER_FEE)
    return at if held is None else divide(held.value + multiply(bought, at), held.qty + bought)


def _added(event: ApprovalRequested, live: Live, texts: Texts) -> list[Html]:
    """Returns the line of an entry that adds to a position: to how much, which entry it would be, and the average price then."""
    if (held := event.position) is None:
        return []
    shown = {"quantity": quantity(held.qty), "base": event.base, "price": price(_average(event, live))}
    return [texts("approval.adds", number=held.entry_count + 1, most=event.most_entries, **shown)]


def _rules(event: ApprovalRequested, live: Live, texts: Texts) -> list[Html]:
    """Returns the rules as measured when it was asked; but the price band by the current price, as it will be checked at the
    tap."""
    lines, kept = [], True
    follows_market = event.approval.signal.entry is None  # a limit of its own does not move
    for name, then, limit, unit in event.rules:
        value = then
        if name == "price_band" and follows_market and live.price is not None:
            moved = event.approval.signal.moved(live.price)
            value, kept = per_cent(moved).removesuffix("%"), moved <= Decimal(limit)
        elif name in {"age", "price_sanity"} or (name == "price_band" and follows_market):  # the band is narrower, and shown
            continue
        lines.append(texts(f"rule.{name}", **measured(name, value, limit, unit)))
    return [texts("approval.rules" if kept else "approval.rules_broken"), *lines] if lines else []


def _result(qty: Decimal, cost: Decimal, at: Decimal, quote: str, texts: Texts) -> Html:
    """Returns what a sale at this price would bring, net of its fee."""
    paid = multiply(cost, qty)
    profit = multiply(multiply(at, qty), 1 - TAKER_FEE) - paid
    shown = {"cost": price(cost), "profit": money(profit, signed=True), "percent": per_cent(exact_per_cent(profit, paid))}
    return texts("approval.result", quote=quote, **shown)


def measured(name: str, value: str, limit: str, unit: str) -> dict[str, str]:
    """Returns a rule's measurement, rounded as the same amount is elsewhere."""
    if name in _AMOUNTS:
        value = money(Decimal(value), signed=_AMOUNTS[name])
    return {"value": grouped(value), "limit": grouped(limit), "unit": unit}


def _now(approval: Approval, live: Live, texts: Texts) -> Html:
    if live.price is None:
        return texts("approval.no_price")
    return texts("approval.now", price=price(live.price), distance=per_cent(approval.signal.moved(live.price)))


def closed_lines(event: ApprovalClosed, texts: Texts) -> list[Html]:
    approval = event.approval
    # An approved order that was not traded after all must not look traded.
    stopped = approval.state is ApprovalState.APPROVED and event.reason is not None
    key = "approval.stopped" if stopped else f"approval.{approval.state}"
    lines = [
        texts(key, signal_type=short(approval.signal.signal_type)),
        *_proposal(approval, event.base, event.quote, texts),
    ]
    if approval.decided_by and approval.decided_at:
        lines.append(texts("by_at", who=short(approval.decided_by), time=texts.exact_time(approval.decided_at)))
    if event.reason is not None:
        lines.append(texts("approval.not_traded", reason=texts.reason(event.reason)))
    if approval.state is ApprovalState.EXPIRED and approval.side is Side.SELL:
        lines.append(texts("approval.again"))
    return lines


def _proposal(approval: Approval, base: str, quote: str, texts: Texts, event: ApprovalRequested | None = None) -> list[Html]:
    entry = approval.signal.entry if approval.side is Side.BUY else None
    at_limit = question_lines(entry, approval.qty, quote, texts) if entry is not None else []
    return [
        texts("symbol", symbol=approval.signal.symbol),
        texts("price", price=price(approval.price)),
        *strategy_lines(approval.signal.strategy, texts),
        *at_limit,
        texts("quantity", quantity=quantity(approval.qty), base=base),
        _value(multiply(approval.qty, approval.price), quote, texts, event),
        *([sizing_line(approval.sizing, texts)] if approval.sizing is not None else []),
        texts("signal_price", price=price(approval.signal.close)),
    ]


def _value(value: Decimal, quote: str, texts: Texts, event: ApprovalRequested | None) -> Html:
    """Returns the value in quote asset, in the report asset, and as a share of equity."""
    shown = {"value": money(value), "quote": quote}
    if event is None:
        return texts("value", **shown)
    worth = event.worth if event.report else value
    if worth is not None and event.report not in {"", quote}:
        shown["quote"] = f"{quote} = {money(worth)} {event.report}"
    if worth is None or not event.capital:
        return texts("value", **shown)
    of = {"share": share(exact_per_cent(worth, event.capital)), "capital": money(event.capital), "asset": event.report or quote}
    return texts("value_share", **of, **shown)


def question(event: ApprovalRequested, texts: Texts, live: Live | None = None) -> ChatMessage:
    """Returns the question with its buttons."""
    return ChatMessage("\n".join(asked_lines(event, texts, live)), keyboard(event, texts))


def keyboard(event: ApprovalRequested, texts: Texts) -> Keyboard:
    """Returns the buttons that answer it; `bot.commands.approval_buttons` reads what they send."""
    data = f"ap:{event.approval.token}"
    answers = (Button(texts("approval.approve"), f"{data}:y"), Button(texts("approval.decline"), f"{data}:n"))
    if event.half is None:
        return (answers,)
    half = plain_text(texts("approval.half", quantity=quantity(event.half), base=event.base))
    return (answers, (Button(half, f"{data}:h"),))


def approved_line(order: Order, texts: Texts) -> list[Html]:
    """Returns who has approved an order, when and at which price; nothing for one that nobody was asked about."""
    if not order.approved_by or order.approved_at is None:
        return []
    shown = {"who": short(order.approved_by), "time": texts.exact_time(order.approved_at), "price": price(order.price)}
    return [texts("approved_by", **shown)]
