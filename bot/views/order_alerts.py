"""Order alerts: filled, failed, unanswered, adopted. Pure.

The first lines are the contract's ("The chat"), word for word in English. `Price` is the average fill price.
"""

from bot.texts import Html, Texts, short
from bot.views.book_names import strategy_lines
from bot.views.entry_alerts import step_lines
from bot.views.exit_plan import executed_plan_lines
from bot.views.number_format import alert_per_cent, money, per_cent, price, quantity
from bot.views.pending_exits import advice
from bot.views.sizing import sizing_line
from bot.views.trading_mode import not_live
from core.domain.assets import base_of
from core.domain.events.control import PanicOver
from core.domain.events.orders import OrderAdopted, OrderExecuted, OrderFailed, OrderUnanswered
from core.domain.order_state_machine import OrderState
from core.domain.signal import Side


def executed_lines(event: OrderExecuted, texts: Texts) -> list[Html]:
    """Returns the alert of an order that filled, with its profit where it closed something."""
    done, order = event.execution, event.order
    lines = [
        texts(f"executed.{done.side.lower()}", signal_type=short(done.signal_type)),
        texts("symbol", symbol=done.symbol),
        texts("price", price=price(done.price)),
    ]
    if done.profit_pct is not None:
        lines.append(texts("profit", percent=alert_per_cent(done.profit_pct)))
    lines += strategy_lines(done.strategy, texts)
    if order.state is OrderState.FILLED or done.qty == order.qty:
        lines.append(texts("quantity", quantity=quantity(done.qty), base=done.base_asset))
    else:
        asked = quantity(order.qty)
        lines.append(texts("quantity_partial", quantity=quantity(done.qty), asked=asked, base=done.base_asset))
        if order.reason is not None:
            lines.append(texts("reason", reason=texts.reason(order.reason)))
        elif order.terms.limit_price is not None and not order.protects:
            lines.append(texts("quantity_limit", price=price(order.terms.limit_price)))
    lines += [texts("value", value=money(done.quote_qty), quote=done.quote_asset), *_fee(event, texts)]
    if order.sizing is not None:
        lines.append(sizing_line(order.sizing, texts))
    if done.profit_quote is not None:
        lines.append(texts("net_profit", profit=money(done.profit_quote, signed=True), quote=done.quote_asset))
    if event.position.qty:
        key = "held" if done.side is Side.BUY else "still_held"
        lines.append(texts(key, quantity=quantity(event.position.qty), base=done.base_asset))
    lines += [*_added(event, texts), *executed_plan_lines(event, texts)]
    return [*lines, *not_live(done.trading_mode, texts)]


def _added(event: OrderExecuted, texts: Texts) -> list[Html]:
    """Returns the line of an entry that has added to a position: which one it was, and what the position has cost on average."""
    position = event.position
    if event.execution.side is Side.SELL or position.entry_count < 2:
        return []
    return [texts("added", number=position.entry_count, price=price(position.average_price))]


def _fee(event: OrderExecuted, texts: Texts) -> list[Html]:
    done = event.execution
    if not done.fee:
        return []
    fee, asset = quantity(done.fee), done.fee_asset
    if event.fee_value is None or asset == done.quote_asset:
        return [texts("fee", fee=fee, asset=asset)]
    return [texts("fee_valued", fee=fee, asset=asset, value=money(event.fee_value), quote=done.quote_asset)]


def failed_lines(event: OrderFailed, texts: Texts) -> list[Html]:
    """Returns the alert of an order that did not fill."""
    order = event.order
    lines = [texts("failed", signal_type=short(order.signal.signal_type)), texts("symbol", symbol=order.symbol)]
    lines += [*strategy_lines(order.signal.strategy, texts), *step_lines(order.signal, texts)]
    if order.reason is not None:
        lines.append(texts("reason", reason=texts.reason(order.reason)))
    end = "fate_unknown" if event.fate_unknown else order.side.lower()
    lines += [texts(f"failed.{end}"), *advice(order.reason, order.side, texts)]
    return [*lines, *not_live(order.trading_mode, texts)]


def unanswered_lines(event: OrderUnanswered, texts: Texts) -> list[Html]:
    """Returns the alert of an order that the exchange has not answered for yet."""
    order = event.order
    return [
        texts("unanswered", signal_type=short(order.signal.signal_type)),
        texts("symbol", symbol=order.symbol),
        *strategy_lines(order.signal.strategy, texts),
        texts("unanswered.next"),
        *not_live(order.trading_mode, texts),
    ]


def adopted_lines(event: OrderAdopted, texts: Texts) -> list[Html]:
    """Returns the alert of an order that was found on the exchange and entered into the ledger."""
    order = event.order
    return [
        texts("adopted", side=texts(f"side.{order.side.lower()}")),
        texts("symbol", symbol=order.symbol),
        *strategy_lines(order.signal.strategy, texts),
        texts("adopted.why", order_id=short(order.order_id or "–")),
        *not_live(order.trading_mode, texts),
    ]


def panic_over_lines(event: PanicOver, texts: Texts) -> list[Html]:
    """Returns the alert that ends a panic: what could not be sold, and whether trading stays paused."""
    who, held = short(event.by), ", ".join(short(symbol) for symbol in event.held)
    end = texts("panic.over_paused" if event.paused else "panic.over_resumed")
    dust = ", ".join(f"{texts.figure(quantity(qty))} {short(base_of(symbol))}" for symbol, qty in event.dust)
    left = [texts("panic.dust", dust=dust)] if dust else []
    if not held:
        return [texts("panic.over", who=who), *left, end]
    return [texts("panic.over_held", who=who, symbols=held), *left, texts("panic.over_next"), end]


def executed_line(event: OrderExecuted, at: str, texts: Texts) -> Html:
    """Returns the alert as one line of a batch."""
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


def failed_line(event: OrderFailed, at: str, texts: Texts) -> Html | None:
    """Returns the alert as one line of a batch; None where the order has no reason to show."""
    order = event.order
    if order.reason is None:
        return None
    kind, why = short(order.signal.signal_type), texts.reason(order.reason)
    return texts("digest.refused", time=at, mark="❗", signal_type=kind, symbol=order.symbol, reason=why)
