"""Events as messages. Pure: no clock, no telegram; everything from outside is escaped on its way into a sentence.

The first lines of the alerts are the contract's ("The chat"), word for word in English. `Price` is the average fill price."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import assert_never

from bot.texts import Html, Texts, short
from bot.views.access_changes import person_line
from bot.views.api_key_warning import key_lines
from bot.views.approval import asked_lines, closed_lines, keyboard
from bot.views.chat_message import Button, ChatMessage, Keyboard, plain_text
from bot.views.component_status import state_word
from bot.views.digest import digest_lines
from bot.views.number_format import money, per_cent, price, quantity
from bot.views.other_instance import QUIET_SECONDS, another_program
from bot.views.pending_exits import advice, waiting_lines
from bot.views.rejected_records import dead_letters, outage_over, requests_refused
from bot.views.symbol_halts import accept_button, event_lines
from core.domain.daily_proof import Proof
from core.domain.events.access import AuthenticatorChanged, PersonJoined, PersonRevoked, StrangerSeen
from core.domain.events.approvals import ApprovalClosed, ApprovalRequested
from core.domain.events.control import ControlsChanged, LimitChanged, PanicOver
from core.domain.events.daily_proof import DayProved, DayUnproved
from core.domain.events.intake import DeadLettersFound, RequestsRefused, SignalsLost
from core.domain.events.orders import OrderAdopted, OrderExecuted, OrderFailed, OrderUnanswered
from core.domain.events.outages import OutageOver, PartTroubled
from core.domain.events.priority import Priority
from core.domain.events.process import AnotherProgram, CaughtUp, DigestMade, KeyTooWide, Started
from core.domain.events.signals import ExitPending, SignalRefused
from core.domain.events.symbol_halts import HaltAccepted, SymbolHalted, SymbolResumed
from core.domain.events.table import Event, subject_of
from core.domain.money import per_cent as exact_per_cent
from core.domain.order_state_machine import OrderState
from core.domain.outbox_item import OutboxItem
from core.domain.signal import Side
from core.domain.trading_state import Mode, Pause, TradingState

_DIFFERENCES_SHOWN = 10
_DIGEST_UNITS = 1_500  # about a phone's screen
_DIGEST_LINES = 15
_PAUSE_KEYS = {Pause.ALL: "controls.paused", Pause.ENTRIES: "controls.entries", Pause.OFF: "controls.running"}


def render(event: Event, texts: Texts) -> ChatMessage:
    """The message that tells one event."""
    silent = event.priority is Priority.CHATTY
    return ChatMessage("\n".join(_lines(event, texts)), _keyboard(event, texts), silent=silent)


def _lines(event: Event, texts: Texts) -> list[Html]:  # noqa: PLR0911, PLR0912, C901 - flat: one case for each kind of event
    match event:
        case OrderExecuted():
            return _executed(event, texts)
        case OrderFailed():
            return _failed(event, texts)
        case OrderUnanswered():
            return _unanswered(event, texts)
        case OrderAdopted():
            return _adopted(event, texts)
        case ExitPending():
            return waiting_lines(event, texts)
        case SignalRefused():
            return _refused(event, texts)
        case ApprovalRequested():
            return asked_lines(event, texts)
        case ApprovalClosed():
            return closed_lines(event, texts)
        case ControlsChanged():
            return _controls_changed(event, texts)
        case LimitChanged():
            return _limit(event, texts)
        case Started():
            return _started(event, texts)
        case CaughtUp():
            return [_caught_up(event, texts)]
        case DigestMade():
            return digest_lines(event.digest, texts)
        case DeadLettersFound():
            return dead_letters(event.count, event, event.kinds, texts)
        case RequestsRefused():
            return requests_refused(event, texts)
        case OutageOver():
            return outage_over(event, texts)
        case StrangerSeen():
            return [texts("stranger", name=short(event.name), user_id=event.user_id)]
        case PersonJoined() | PersonRevoked() | AuthenticatorChanged():
            return [person_line(event, texts)]
        case KeyTooWide():
            return key_lines(event, texts)
        case PartTroubled():
            return _part(event, texts)
        case AnotherProgram():
            return [another_program(event, texts)]
        case PanicOver():
            return _panic_over(event, texts)
        case SignalsLost():
            return _signals_lost(event, texts)
        case SymbolHalted() | SymbolResumed() | HaltAccepted():
            return event_lines(event, texts)
        case DayProved():
            return _proved(event.proof, event.count, texts)
        case DayUnproved():
            problem = texts("proof.problem", problem=short(event.problem, 200))
            return [texts("proof.none", day=event.day), problem, texts("proof.again", day=event.day)]
        case _ as unreachable:
            assert_never(unreachable)


def _keyboard(event: Event, texts: Texts) -> Keyboard:
    if isinstance(event, SymbolHalted):
        return accept_button(event.hold, texts)
    if isinstance(event, ApprovalRequested):
        return keyboard(event, texts)
    seq = subject_of(event)
    if isinstance(event, SignalRefused) and event.lost_exit:
        sell = Button(texts("button.sell", symbol=event.signal.symbol), f"/close {event.signal.symbol}")
        return ((sell, Button(texts("why.button"), f"/why {seq}")),) if seq is not None else ((sell,),)
    if seq is None or isinstance(event, OrderExecuted | ApprovalClosed):
        return ()
    return ((Button(texts("why.button"), f"/why {seq}"),),)


def _executed(event: OrderExecuted, texts: Texts) -> list[Html]:
    done, order = event.execution, event.order
    lines = [
        texts(f"executed.{done.side.lower()}", signal_type=short(done.signal_type)),
        texts("symbol", symbol=done.symbol),
        texts("price", price=price(done.price)),
    ]
    if done.profit_pct is not None:
        lines.append(texts("profit", percent=per_cent(done.profit_pct)))
    if order.state is OrderState.FILLED or done.qty == order.qty:
        lines.append(texts("quantity", quantity=quantity(done.qty), base=done.base_asset))
    else:
        asked = quantity(order.qty)
        lines.append(texts("quantity_partial", quantity=quantity(done.qty), asked=asked, base=done.base_asset))
    lines += [texts("value", value=money(done.quote_qty), quote=done.quote_asset), *_fee(event, texts)]
    if done.profit_quote is not None:
        lines.append(texts("net_profit", profit=money(done.profit_quote, signed=True), quote=done.quote_asset))
    if event.position.qty:
        key = "held" if done.side is Side.BUY else "still_held"
        lines.append(texts(key, quantity=quantity(event.position.qty), base=done.base_asset))
    return [*lines, *not_live(done.trading_mode, texts)]


def _fee(event: OrderExecuted, texts: Texts) -> list[Html]:
    done = event.execution
    if not done.fee:
        return []
    fee, asset = quantity(done.fee), done.fee_asset
    if event.fee_value is None or asset == done.quote_asset:
        return [texts("fee", fee=fee, asset=asset)]
    return [texts("fee_valued", fee=fee, asset=asset, value=money(event.fee_value), quote=done.quote_asset)]


def _failed(event: OrderFailed, texts: Texts) -> list[Html]:
    order = event.order
    lines = [texts("failed", signal_type=short(order.signal.signal_type)), texts("symbol", symbol=order.symbol)]
    if order.reason is not None:
        lines.append(texts("reason", reason=texts.reason(order.reason)))
    end = "fate_unknown" if event.fate_unknown else order.side.lower()
    lines += [texts(f"failed.{end}"), *advice(order.reason, order.side, texts)]
    return [*lines, *not_live(order.trading_mode, texts)]


def _unanswered(event: OrderUnanswered, texts: Texts) -> list[Html]:
    order = event.order
    return [
        texts("unanswered", signal_type=short(order.signal.signal_type)),
        texts("symbol", symbol=order.symbol),
        texts("unanswered.next"),
        *not_live(order.trading_mode, texts),
    ]


def _adopted(event: OrderAdopted, texts: Texts) -> list[Html]:
    order = event.order
    return [
        texts("adopted", side=texts(f"side.{order.side.lower()}")),
        texts("symbol", symbol=order.symbol),
        texts("adopted.why", order_id=short(order.order_id or "–")),
        *not_live(order.trading_mode, texts),
    ]


def _panic_over(event: PanicOver, texts: Texts) -> list[Html]:
    who, held = short(event.by), ", ".join(short(symbol) for symbol in event.held)
    end = texts("panic.over_paused" if event.paused else "panic.over_resumed")
    if not held:
        return [texts("panic.over", who=who), end]
    return [texts("panic.over_held", who=who, symbols=held), texts("panic.over_next"), end]


def _refused(event: SignalRefused, texts: Texts) -> list[Html]:
    key = f"refused.{event.outcome}"
    return [
        texts(key if texts.has(key) else "refused.ignored", signal_type=short(event.signal.signal_type)),
        texts("symbol", symbol=short(event.signal.symbol)),
        texts("reason", reason=texts.reason(event.reason)),
        texts("signal_price", price=price(event.signal.close)),
        *advice(event.reason, event.signal.side, texts),
        *([texts("exit_lost")] if event.lost_exit else []),
    ]


def controls_lines(controls: TradingState, texts: Texts) -> Html:
    """Whether trading is paused and for how long, and the mode with its meaning: a line each."""
    lines = [texts(_PAUSE_KEYS[controls.pause])]
    if controls.until is not None:
        lines.append(texts("controls.until", time=texts.full_moment(controls.until)))
    lines.append(texts("controls.mode", mode=controls.mode, meaning=texts(f"mode.{controls.mode}")))
    if controls.mode is Mode.CONFIRM and controls.asking.above:
        lines.append(texts("mode.above", above=f"{controls.asking.above:f}", asset=controls.asking.asset))
    if controls.mode is Mode.CONFIRM and controls.asking.besides:
        lines.append(texts("mode.besides", types=", ".join(sorted(controls.asking.besides))))
    return Html("\n".join(lines))


def _controls_changed(event: ControlsChanged, texts: Texts) -> list[Html]:
    after = event.after
    if not event.by and event.before.until is not None and after.until is None:
        return [texts("controls.changed", state=controls_lines(after, texts), who=texts("controls.over"))]
    when = f"{short(after.changed_by)}, {texts.exact_time(after.changed_at)}" if after.changed_at else short(after.changed_by)
    return [texts("controls.changed", state=controls_lines(after, texts), who=when)]


def _limit(event: LimitChanged, texts: Texts) -> list[Html]:
    limit = event.limit
    none = texts("limit.none")
    before, after = (f"{value} {limit.asset}".strip() if value else "" for value in (event.before, event.after))
    who = f"{short(limit.changed_by)}, {texts.exact_time(limit.changed_at)}"
    return [
        texts("limit.changed", name=limit.name, before=before or none, after=after or none),
        texts("limit.by", who=who),
    ]


def _started(event: Started, texts: Texts) -> list[Html]:
    notes = [f"note.{note}" for note in event.notes]
    return [
        texts("started"),
        texts("started.version", version=event.version, trading_mode=event.trading_mode.upper()),
        *not_live(event.trading_mode, texts),
        controls_lines(event.controls, texts),
        texts("started.positions", count=event.open_positions),
        *([texts("started.away", time=texts.full_moment(event.away_since))] if event.away_since is not None else []),
        *(
            texts(key, seconds=QUIET_SECONDS) if texts.has(key) else texts("note.unknown", note=short(note))
            for key, note in zip(notes, event.notes, strict=True)
        ),
    ]


def _caught_up(event: CaughtUp, texts: Texts) -> Html:
    key = "caught_up.nothing" if not event.came else "caught_up.too_old" if event.too_old else "caught_up.all"
    since, until = texts.time(event.since), texts.exact_time(event.until)
    return texts(key, since=since, until=until, came=event.came, too_old=event.too_old)


def _part(event: PartTroubled, texts: Texts) -> list[Html]:
    key = f"part.{event.part}"
    name = texts(key) if texts.has(key) else event.part
    lines = [texts("part.up" if event.recovered else "part.down", part=name)]
    return [*lines, texts("part.detail", detail=state_word(event.detail, texts, 300))] if event.detail else lines


def _signals_lost(event: SignalsLost, texts: Texts) -> list[Html]:
    key = "signals_lost.expired" if event.wanted < event.resumed_at else "signals_lost.anew"
    last = event.resumed_at - 1
    return [
        texts("signals_lost"),
        texts(key, topic=short(event.topic), partition=event.partition, first=event.wanted, last=last),
        texts("signals_lost.next"),
    ]


def _proved(proof: Proof, count: int, texts: Texts) -> list[Html]:
    title = texts("proof.differs", day=proof.day, count=count) if count else texts("proof.agrees", day=proof.day)
    lines = [
        title,
        *(texts("proof.difference", difference=short(each, 160)) for each in proof.differences[:_DIFFERENCES_SHOWN]),
    ]
    if count > _DIFFERENCES_SHOWN:
        lines.append(texts("proof.more", count=count - _DIFFERENCES_SHOWN, day=proof.day))
    lines.append(texts("proof.counts", signals=proof.signals, orders=proof.orders, fills=proof.fills))
    if proof.in_history is not None:
        lines.append(texts("proof.history", rows=proof.in_history))
    if proof.unexported:
        lines.append(texts("proof.unexported", count=proof.unexported))
    if proof.gone:
        lines.append(texts("proof.gone", symbols=", ".join(proof.gone)))
    if proof.history_problem:
        lines.append(texts("proof.no_history", problem=short(proof.history_problem, 200)))
    lines += [texts("proof.profit", profit=money(profit, signed=True), asset=asset) for asset, profit in proof.profit.items()]
    return lines


def not_live(trading_mode: str, texts: Texts) -> list[Html]:
    """The line that says that it is no real money; none for live trading."""
    key = f"not_live.{trading_mode}"
    return [texts(key)] if texts.has(key) else []


def render_line(item: OutboxItem, texts: Texts) -> Html:
    """One event as one line of a digest."""
    event, at = item.event, texts.time(item.at)
    match event:
        case OrderExecuted():
            done = event.execution
            shown = {
                "time": at,
                "mark": "🟩" if done.side is Side.BUY else "🔴",
                "signal_type": short(done.signal_type),
                "symbol": done.symbol,
                "quantity": quantity(done.qty),
                "price": price(done.price),
            }
            if done.profit_pct is None:
                return texts("digest.executed", **shown)
            return texts("digest.executed_profit", percent=per_cent(done.profit_pct), **shown)
        case SignalRefused():
            mark = "🚫" if event.outcome == "denied" else "⚪"
            signal, why = event.signal, texts.reason(event.reason)
            kind, symbol = short(signal.signal_type), short(signal.symbol)
            return texts("digest.refused", time=at, mark=mark, signal_type=kind, symbol=symbol, reason=why)
        case OrderFailed(order=order) if order.reason is not None:
            kind, why = short(order.signal.signal_type), texts.reason(order.reason)
            return texts("digest.refused", time=at, mark="❗", signal_type=kind, symbol=order.symbol, reason=why)
        case _:
            return texts("digest.other", time=at, first_line=plain_text(_lines(event, texts)[0]).partition("\n")[0])


def render_digest(items: Sequence[OutboxItem], texts: Texts) -> ChatMessage:
    """Many events as one message: a line each up to a screen, then how many more there are of which kind."""
    lines = [texts("digest", count=len(items))]
    size, shown = 0, 0
    for item in items:
        line = render_line(item, texts)
        size += len(line)
        if shown == _DIGEST_LINES or size > _DIGEST_UNITS:
            break
        lines.append(line)
        shown += 1
    if rest := items[shown:]:
        counted = Counter(_class_of(item.event) for item in rest)
        counts = ", ".join(texts(f"digest.{kind}_count", count=count) for kind, count in counted.most_common())
        lines.append(texts("digest.rest", count=len(rest), counts=Html(counts)))
    silent = all(item.event.priority is Priority.CHATTY for item in items)
    return ChatMessage("\n".join(lines), silent=silent)


def _class_of(event: Event) -> str:
    match event:
        case OrderExecuted():
            return "executed"
        case SignalRefused():
            return "refused"
        case OrderFailed():
            return "failed"
        case _:
            return "other"


def duration(length: timedelta, texts: Texts) -> Html:
    """A length of time in its two largest units."""
    minutes, seconds = divmod(max(int(length.total_seconds()), 0), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return texts("duration.d", a=days, b=hours)
    if hours:
        return texts("duration.h", a=hours, b=minutes)
    return texts("duration.min", a=minutes) if minutes else texts("duration.s", a=seconds)


def percent_of(part: Decimal, whole: Decimal) -> str:
    """`part` of `whole`, both in the same asset, as a percentage with its sign."""
    return per_cent(exact_per_cent(part, whole))


def short_parts(health: Mapping[str, tuple[bool, str]], texts: Texts, limit: int) -> list[Html]:
    """A line for each part of the program: whether it is well, and its word on it, foreign ones at most `limit` characters."""
    lines = []
    for part, (well, word) in health.items():
        name = texts(f"part.{part}") if texts.has(f"part.{part}") else part
        lines.append(texts("status.part_up" if well else "status.part_down", part=name, word=state_word(word, texts, limit)))
    return lines
