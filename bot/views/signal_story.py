"""A signal's story as text: the conclusion first, then what happened, with times. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, auto

from bot.texts import Html, Texts, short
from bot.texts.figures import Figure
from bot.views.approval import measured
from bot.views.component_status import problem_text
from bot.views.entry_alerts import entry_line
from bot.views.exit_plan import plan_line, purpose, trigger_of
from bot.views.number_format import money, per_cent, price, quantity, share
from bot.views.sizing import asked_size_line, sizing_line
from core.domain.approval import ApprovalState
from core.domain.delivery import MAIN_READER
from core.domain.exit_plan import Level
from core.domain.money import ZERO, multiply
from core.domain.order import Order
from core.domain.order_state_machine import OrderState
from core.domain.position import Execution
from core.domain.signal import Signal
from core.domain.trade_plan import TradePlan
from core.policy.entries.placing import is_missed
from core.policy.entries.way import REFUSED
from core.policy.rule_measurements import DecisionRecord
from core.read_models import LetterStory, OrderStep, Story

_FILLS_SHOWN = 6
_EXTRAS_SHOWN = 6
_RAW_SHOWN = 120
_LEGS_SHOWN = 12
_TOLD_ELSEWHERE = frozenset({OrderState.AWAITING_APPROVAL, OrderState.DENIED, OrderState.DECLINED})
_UNDER_WAY = frozenset({OrderState.SUBMITTED, OrderState.UNKNOWN, OrderState.ACCEPTED, OrderState.CANCEL_SUBMITTED})
_ENDED = frozenset({OrderState.CANCELED, OrderState.EXPIRED})  # of a question, where the exchange knows no order


class _Order(IntEnum):
    """The order of steps that have the same time."""

    RECEIVED = auto()
    DECIDED = auto()
    ASKED = auto()
    ANSWERED = auto()
    SENT = auto()
    PRINTED = auto()
    ENDED = auto()
    PLANNED = auto()
    LEG_SENT = auto()
    LEG_ENDED = auto()


@dataclass(frozen=True, slots=True)
class _Step:
    """One step, with its lines that have no time of their own."""

    at: datetime
    order: _Order
    line: Html
    details: tuple[Html, ...] = ()


def story_lines(story: Story, texts: Texts, *, full: bool) -> list[Html]:
    """Returns the story on a screen; with `full` also every detail of its origin, and each message that reported it."""
    return [
        _conclusion(story, texts),
        *_why(story, texts),
        Html(""),
        texts("why.day", day=texts.zoned_day(story.received_at)),
        *_happened(story, texts, full=full),
        *([texts("why.waiting")] if story.decided_at is None else ()),
        *_paid(story, texts),
        *(_deliveries(story, texts) if full else ()),
    ]


def _conclusion(story: Story, texts: Texts) -> Html:
    key = f"why.was_{what_became(story)}"
    shown = {"signal_type": short(story.signal.signal_type), "symbol": short(story.signal.symbol), "seq": story.seq}
    return texts(key if texts.has(key) else "why.was_other", **shown)


def what_became(story: Story) -> str:
    """Returns the outcome in one word: `executed`, `partly`, `denied`, `declined`, …"""
    order = story.order
    if order is None:
        return story.outcome or "waiting"
    if executed := order.executed_qty + sum((leg.executed_qty for leg in story.legs if not leg.protects), ZERO):
        recovered = any(step.state is OrderState.UNKNOWN for step in story.steps)
        return "partly" if executed < order.qty else "recovered" if recovered else "executed"
    if is_missed(order) and order.order_id is not None:
        return "missed"
    words = {
        OrderState.AWAITING_APPROVAL: "asked",
        OrderState.DENIED: "denied",
        OrderState.DECLINED: "declined",
        OrderState.CANCELED: "withdrawn",
        OrderState.REJECTED: "failed",
        OrderState.EXPIRED: "unanswered" if story.approval is not None and story.approval.decided_by is None else "failed",
        OrderState.UNKNOWN: "finding_out",
    }
    return words.get(order.state, "under_way")


def _why(story: Story, texts: Texts) -> Iterator[Html]:
    """Yields why nothing was traded, and what can be done about it."""
    why = (story.order.reason if story.order is not None else None) or story.reason
    if why is None or (story.order is not None and story.order.executed_qty):
        return
    yield texts("reason", reason=texts.reason(why))
    if texts.has(f"advice.{why.code}"):
        yield texts(f"advice.{why.code}")


def _happened(story: Story, texts: Texts, *, full: bool) -> Iterator[Html]:
    """Yields the steps. Each part stamps its own times, some a moment before they are committed, so they are sorted here."""
    steps = [_received(story, texts, full=full), *_decided(story, texts), *_asked(story, texts), *_ordered(story, texts)]
    steps += [*_followed(story, texts), *_planned(story, texts)]
    for step in sorted(steps, key=lambda step: (step.at.replace(microsecond=step.at.microsecond // 1000 * 1000), step.order)):
        yield _at(step.at, step.line, texts)
        yield from step.details


def _received(story: Story, texts: Texts, *, full: bool) -> _Step:
    signal = story.signal
    age = (story.received_at - signal.ts).total_seconds()
    if story.hand is not None:
        line = texts("why.by_hand", who=short(story.hand.who))
    else:
        shown = {"source": short(signal.source), "id": short(signal.signal_id), "age": Figure(f"{max(age, 0):.1f}")}
        line = texts("why.received", **shown)
    details = [texts("why.signal_price", price=price(signal.close)), *_asked_for(signal, texts)]
    if full and story.hand is None:
        details += [
            texts("why.extra", name=short(str(name), 32), value=short(str(value), 80))
            for name, value in list(signal.extra.items())[:_EXTRAS_SHOWN]
        ]
    return _Step(story.received_at, _Order.RECEIVED, line, tuple(details))


def _asked_for(signal: Signal, texts: Texts) -> Iterator[Html]:
    """Yields the limit, the size and the exit plan that the record brought."""
    if (step := signal.step) is not None:
        yield texts("why.step", number=step.number, count=step.count)
    if signal.entry is not None:
        yield entry_line(signal.entry, texts)
    if signal.steps:
        yield texts("why.steps", steps=", ".join(f"{share(one.pct)}%" for one in signal.steps))
    if signal.size is not None:
        yield asked_size_line(signal.size, texts)
    plan = signal.plan
    if plan is None:
        return
    if plan.stop is not None:
        yield _level("stop", plan.stop.level, texts)
    for target in plan.targets:
        yield _level("target", target.level, texts, share=share(target.share))
    if (follows := plan.trailing) is not None:
        key = "why.trailing" if follows.activation_pct is None else "why.trailing_from"
        yield texts(key, pct=share(follows.pct), after=share(follows.activation_pct or ZERO))


def _level(kind: str, level: Level, texts: Texts, **shown: str) -> Html:
    if level.price is not None:
        return texts(f"why.{kind}_price", price=price(level.price), **shown)
    return texts(f"why.{kind}_pct", pct=share(level.pct or ZERO), **shown)


def _decided(story: Story, texts: Texts) -> Iterator[_Step]:
    if story.decided_at is None:
        return
    key = f"why.decided_{story.outcome}"
    line = texts(key if texts.has(key) else "why.decided_other", outcome=story.outcome)
    details: tuple[Html, ...] = ()
    if story.facts is not None:
        sizing = story.order.sizing if story.order is not None else None
        computed = [texts("why.sizing", line=sizing_line(sizing, texts))] if sizing is not None else []
        details = (*_decision(story.facts, texts), *computed)
    elif story.outcome != "waiting":
        details = (texts("why.no_facts"),)
    yield _Step(story.decided_at, _Order.DECIDED, line, details)


def _decision(decision: DecisionRecord, texts: Texts) -> Iterator[Html]:
    market = price(decision.price) if decision.price is not None else texts("why.no_price")
    yield texts(
        "why.market", price=market, held=quantity(decision.held), pause=texts(f"word.pause_{decision.pause}"), mode=decision.mode
    )
    for measure in decision.measures:
        shown = measured(measure.name, measure.value, measure.limit, measure.unit)
        yield texts(f"why.measure_{measure.name}", **shown)
    for rate in decision.rates:
        between = price(rate.low) if price(rate.low) == price(rate.high) else f"{price(rate.low)}–{price(rate.high)}"
        yield texts("why.rate", asset=rate.asset, rate=between, into=rate.into, via=", ".join(rate.via))
    if decision.qty is not None:
        yield texts("why.sized", quantity=quantity(decision.qty))
    if decision.way is not None:
        yield texts(f"why.way_{decision.way}")


def _asked(story: Story, texts: Texts) -> Iterator[_Step]:
    approval = story.approval
    if approval is None:
        return
    yield _Step(approval.asked_at, _Order.ASKED, texts("why.asked", price=price(approval.price)))
    if approval.decided_at is None:
        return
    key = f"why.answer_{approval.state}"
    shown = {"who": short(approval.decided_by or ""), "price": price(approval.price), "quantity": quantity(approval.qty)}
    if approval.state is not ApprovalState.OPEN:
        yield _Step(approval.decided_at, _Order.ANSWERED, texts(key, **shown))


def _ordered(story: Story, texts: Texts) -> Iterator[_Step]:
    """Yields each step of the order, and each fill."""
    attempts = 0
    for step in story.steps:
        attempts += step.state is OrderState.SUBMITTED
        line = _step(step, attempts, texts)
        if line is not None:
            yield _Step(step.at, _Order.SENT if step.state in _UNDER_WAY else _Order.ENDED, line)
    asset = story.execution.quote_asset if story.execution is not None else ""
    for number, fill in enumerate(story.fills[:_FILLS_SHOWN], start=1):
        fee = texts("why.fill_fee", fee=quantity(fill.fee), asset=fill.fee_asset) if fill.fee else Html("")
        shown = {"quantity": quantity(fill.qty), "price": price(fill.price), "quote": asset}
        more = len(story.fills) - _FILLS_SHOWN if number == _FILLS_SHOWN else 0
        rest = (texts("why.more_fills", count=more),) if more > 0 else ()
        yield _Step(fill.at, _Order.PRINTED, texts("why.fill", fee=fee, **shown), rest)


def _planned(story: Story, texts: Texts) -> Iterator[_Step]:
    """Yields the plan of an entry, and the orders that carried it out: when each was sent, and how it ended."""
    plan = story.plan
    if plan is None or story.order is None or not story.order.executed_qty:
        return
    legs = [leg for leg in story.legs if leg.protects and not _never_placed(leg)]
    shown = legs if len(legs) <= _LEGS_SHOWN else [*legs[: _LEGS_SHOWN // 2], *legs[-_LEGS_SHOWN // 2 :]]
    hidden = len(legs) - len(shown)
    rest = (texts("why.more_legs", count=hidden),) if hidden else ()
    yield _Step(story.order.updated_at, _Order.PLANNED, texts("why.plan", plan=plan_line(plan, plan.entry_price, texts)), rest)
    for leg in shown:
        yield _Step(leg.created_at, _Order.LEG_SENT, _leg("placed", leg, plan, texts))
        if leg.state.final:
            yield _Step(leg.updated_at, _Order.LEG_ENDED, _leg(leg.state, leg, plan, texts))


def _never_placed(leg: Order) -> bool:
    """Tells whether a leg went with an entry that the exchange did not get, or refused with it."""
    return leg.state is OrderState.CANCELED and leg.order_id is None


def _followed(story: Story, texts: Texts) -> Iterator[_Step]:
    """Yields the orders that went on where an entry's time was over."""
    for order in [leg for leg in story.legs if not leg.protects]:
        yield _Step(order.created_at, _Order.SENT, _following("placed", order, texts))
        if order.state.final:
            yield _Step(order.updated_at, _Order.ENDED, _following(order.state, order, texts))


def _following(what: str, order: Order, texts: Texts) -> Html:
    return texts(
        f"why.entry_{what}",
        quantity=quantity(order.qty if what == "placed" else order.executed_qty),
        asked=quantity(order.qty),
        price=price(trigger_of(order) if what == "placed" else order.average_price),
        id=short(order.order_id or "?"),
        reason=texts.reason(order.reason) if order.reason is not None else Html(""),
    )


def _leg(what: str, leg: Order, plan: TradePlan, texts: Texts) -> Html:
    sent = what == "placed"
    return texts(
        f"why.leg_{what}",
        purpose=purpose(leg, plan, texts),
        quantity=quantity(leg.qty if sent else leg.executed_qty),
        asked=quantity(leg.qty),
        price=price(trigger_of(leg) if sent else leg.average_price),
        id=short(leg.order_id or "?"),
        reason=texts.reason(leg.reason) if leg.reason is not None else Html(""),
    )


def _step(step: OrderStep, attempts: int, texts: Texts) -> Html | None:
    """Returns the step's line; None where another line covers it."""
    if step.state in _TOLD_ELSEWHERE or (step.state in _ENDED and not step.order_id):
        return None
    if step.state is OrderState.SUBMITTED and step.reason is not None and step.reason.code in REFUSED:
        return texts("why.sent_apart", quantity=quantity(step.qty), reason=texts.reason(step.reason))
    if step.state is OrderState.SUBMITTED:
        shown = {"quantity": quantity(step.qty), "price": price(step.price), "attempt": attempts}
        return texts("why.sent" if attempts == 1 else "why.sent_again", **shown)
    shown = {"id": short(step.order_id or "?"), "quantity": quantity(step.executed_qty), "asked": quantity(step.qty)}
    reason = texts.reason(step.reason) if step.reason is not None else Html("")
    return texts(f"why.step_{step.state}", reason=reason, **shown)


def _paid(story: Story, texts: Texts) -> Iterator[Html]:
    done = story.execution
    if done is None:
        return
    yield texts("why.paid", value=money(done.quote_qty), quote=done.quote_asset, price=price(done.price), fee=_fee(done, texts))
    if done.profit_quote is not None and done.profit_pct is not None:
        shown = {"profit": money(done.profit_quote, signed=True), "quote": done.quote_asset}
        yield texts("why.profit", percent=per_cent(done.profit_pct), **shown)
    if story.order is not None and story.order.price and done.qty:
        slipped = done.quote_qty - multiply(done.qty, story.order.price)
        if slipped:
            yield texts("why.slippage", amount=money(slipped, signed=True), quote=done.quote_asset)


def _fee(done: Execution, texts: Texts) -> Html:
    return texts("why.fill_fee", fee=quantity(done.fee), asset=done.fee_asset) if done.fee else Html("")


def _deliveries(story: Story, texts: Texts) -> Iterator[Html]:
    if not story.notifications:
        yield texts("why.not_told")
    for delivery in story.notifications[:8]:
        who = texts("why.owners_chat") if delivery.reader == MAIN_READER else texts("why.person", person=delivery.reader)
        yield _at(delivery.at, texts("why.told", who=who, kind=texts(f"why.kind_{delivery.kind}")), texts)


def letter_lines(found: LetterStory, texts: Texts) -> list[Html]:
    """Returns what is known of a record that is not a signal."""
    letter = found.letter
    raw = letter.raw[:_RAW_SHOWN].decode(errors="replace")
    shown = "".join(character if character.isprintable() else "·" for character in raw)
    return [
        texts("why.was_letter", seq=found.seq),
        texts("reason", reason=problem_text(letter, texts, 300)),
        texts("why.letter_advice"),
        Html(""),
        texts("why.day", day=texts.zoned_day(letter.at)),
        _at(letter.at, texts("why.letter_from", position=short(letter.position), source=short(letter.source)), texts),
        texts("why.letter_raw", raw=shown or "–"),
    ]


def _at(at: datetime, line: Html, texts: Texts) -> Html:
    return texts("why.at", time=texts.milliseconds(at), line=line)
