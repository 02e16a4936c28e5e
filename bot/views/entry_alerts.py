"""Entries that wait at a limit: their alerts, and how they are asked about and listed. Pure."""

from datetime import datetime, timedelta
from decimal import Decimal

from bot.texts import Html, Texts, short
from bot.views.book_names import strategy_lines
from bot.views.exit_plan import away, side_mark
from bot.views.number_format import money, price, quantity
from bot.views.trading_mode import not_live
from core.domain.assets import base_of, quote_of
from core.domain.events.entries import EntryChased, EntryFilledPartly, EntryMissed, EntryRests
from core.domain.limit_entry import LimitEntry, OnTimeout
from core.domain.money import ZERO, multiply
from core.domain.order import Order
from core.domain.signal import Signal
from core.policy.entries.follow_up import MOST_CHASES

_A_DAY = timedelta(hours=20)


def rests_lines(event: EntryRests, texts: Texts) -> list[Html]:
    """Returns the alert of an entry that waits on the exchange."""
    order, limit_price = event.order, event.order.terms.limit_price or ZERO
    return [
        texts("entry.rests", signal_type=short(order.signal.signal_type), price=price(limit_price)),
        texts("symbol", symbol=order.symbol),
        *strategy_lines(order.signal.strategy, texts),
        *step_lines(order.signal, texts),
        texts(
            "entry.quantity",
            quantity=quantity(order.qty),
            base=base_of(order.symbol),
            cost=money(multiply(order.qty, limit_price)),
            quote=quote_of(order.symbol) or "",
        ),
        _until(order, texts),
        *not_live(order.trading_mode, texts),
    ]


def filled_partly_lines(event: EntryFilledPartly, texts: Texts) -> list[Html]:
    """Returns the alert of an entry that has begun to fill."""
    order = event.order
    filled, asked = quantity(order.executed_qty), quantity(order.qty)
    return [
        texts("entry.filled_partly", signal_type=short(order.signal.signal_type)),
        texts("symbol", symbol=order.symbol),
        *strategy_lines(order.signal.strategy, texts),
        *step_lines(order.signal, texts),
        texts("entry.filled", quantity=filled, asked=asked, base=base_of(order.symbol), price=price(order.average_price)),
        _until(order, texts),
        *not_live(order.trading_mode, texts),
    ]


def chased_lines(event: EntryChased, texts: Texts) -> list[Html]:
    """Returns the alert of an entry whose time was over, and which goes on otherwise."""
    before, after = event.order, event.following
    limit_price = price(after.terms.limit_price or ZERO)
    key = "entry.chased_reprice" if after.waits_to_buy else "entry.chased_market"
    lines = [
        texts(key, signal_type=short(before.signal.signal_type), price=limit_price),
        texts("symbol", symbol=before.symbol),
        *strategy_lines(before.signal.strategy, texts),
        texts("entry.chased_rest", quantity=quantity(after.qty), base=base_of(after.symbol), price=limit_price),
    ]
    if after.waits_to_buy:
        lines.append(_until(after, texts))
    return [*lines, *not_live(before.trading_mode, texts)]


def missed_lines(event: EntryMissed, texts: Texts) -> list[Html]:
    """Returns the alert of an entry that was not filled, or of the last of its orders."""
    order = event.order
    key = "entry.missed_rest" if event.held else "entry.missed"
    lines = [texts(key, signal_type=short(order.signal.signal_type)), texts("symbol", symbol=order.symbol)]
    lines += [*strategy_lines(order.signal.strategy, texts), *step_lines(order.signal, texts)]
    if order.reason is not None:
        lines.append(texts("reason", reason=texts.reason(order.reason)))
    if event.held:
        lines.append(texts("held", quantity=quantity(event.held), base=base_of(order.symbol)))
    else:
        lines.append(texts("entry.nothing"))
    return [*lines, *not_live(order.trading_mode, texts)]


def step_lines(signal: Signal, texts: Texts) -> list[Html]:
    """Returns which step of its entry a signal is; nothing for any other."""
    step = signal.step
    return [] if step is None else [texts("entry.step", number=step.number, count=step.count)]


def question_lines(entry: LimitEntry, qty: Decimal, quote: str, texts: Texts) -> list[Html]:
    """Returns how an entry of `qty` (base asset) is asked about: its limit, how long it waits, and what it costs at most."""
    order_price, cost = price(entry.limit_price), money(multiply(qty, entry.limit_price))
    if entry.expires_in is None:
        return [
            texts("entry.ask_at_once", price=order_price, stays=entry.time_in_force or ""),
            texts("entry.ask_cost", cost=cost, quote=quote),
        ]
    length = texts.length(f"{entry.expires_in.total_seconds():g}")
    return [
        texts(f"entry.ask_{entry.type}", price=order_price, length=length, then=_then(entry.on_timeout, texts)),
        texts("entry.ask_cost", cost=cost, quote=quote),
    ]


def entry_line(entry: LimitEntry, texts: Texts) -> Html:
    """Returns the limit that a record asked for, as /why shows it."""
    until = Html("")
    if entry.expires_in is not None:
        length = texts.length(f"{entry.expires_in.total_seconds():g}")
        until = texts("why.limit_until", length=length, then=_then(entry.on_timeout, texts))
    stays = entry.time_in_force or entry.type
    return texts("why.limit_entry", price=price(entry.limit_price), type=stays, until=until)


def order_line(order: Order, market: Decimal | None, texts: Texts) -> Html:
    """Returns an entry that waits, on one line: what it is for, what it has bought, how far it is from the `market` (quote asset;
    None if unknown), and when its time is over."""
    limit = order.terms.limit_price or ZERO
    shown = {
        "mark": side_mark(order.side),
        "quantity": quantity(order.executed_qty),
        "asked": quantity(order.qty),
        "price": price(limit),
        "away": away(limit, market, texts),
    }
    if (step := order.signal.step) is not None:
        left = quantity(order.qty - order.executed_qty)
        return texts("entry.order_step", number=step.number, count=step.count, left=left, **shown)
    if order.expires_at is None or order.signal.entry is None:
        return texts("entry.order_unknown", **shown)
    time, then = _time(order, order.expires_at, texts), _then(order.signal.entry.on_timeout, texts)
    return texts("entry.order", signal_type=short(order.signal.signal_type), time=time, then=then, **shown)


def _until(order: Order, texts: Texts) -> Html:
    if order.signal.is_step:
        return texts("entry.until_closed")
    if order.expires_at is None or order.signal.entry is None:
        return texts("entry.until_unknown")
    time = _time(order, order.expires_at, texts)
    return texts("entry.until", time=time, then=_then(order.signal.entry.on_timeout, texts))


def _time(order: Order, at: datetime, texts: Texts) -> str:
    return texts.exact_time(at) if at - order.created_at < _A_DAY else texts.full_moment(at)


def _then(choice: OnTimeout, texts: Texts) -> Html:
    return texts(f"entry.then_{choice}", count=MOST_CHASES) if choice is OnTimeout.REPRICE else texts(f"entry.then_{choice}")
