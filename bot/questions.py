"""Questions about a trade as messages: asked, closed, and with what came of it. Pure."""

from bot.message import Button, ChatMessage, Keyboard, plain_text
from bot.numbers import money, price, quantity
from bot.texts import Html, Texts, short
from core.domain.approval import Approval
from core.domain.events import ApprovalClosed, ApprovalRequested, OrderExecuted, OrderFailed
from core.domain.money import multiply


def asked_lines(event: ApprovalRequested, texts: Texts) -> list[Html]:
    approval = event.approval
    seconds = int((approval.expires_at - approval.asked_at).total_seconds())
    return [
        texts("approval.ask", signal_type=short(approval.signal.signal_type)),
        *_proposal(approval, event.base, event.quote, texts),
        texts("approval.until", time=texts.exact_time(approval.expires_at), seconds=seconds),
    ]


def closed_lines(event: ApprovalClosed, texts: Texts) -> list[Html]:
    approval = event.approval
    lines = [
        texts(f"approval.{approval.state}", signal_type=short(approval.signal.signal_type)),
        *_proposal(approval, event.base, event.quote, texts),
    ]
    if approval.decided_by and approval.decided_at:
        lines.append(texts("by_at", who=short(approval.decided_by), time=texts.exact_time(approval.decided_at)))
    if event.reason is not None:
        lines.append(texts("approval.not_traded", reason=texts.reason(event.reason)))
    return lines


def _proposal(approval: Approval, base: str, quote: str, texts: Texts) -> list[Html]:
    return [
        texts("symbol", symbol=approval.signal.symbol),
        texts("price", price=price(approval.price)),
        texts("quantity", quantity=quantity(approval.qty), base=base),
        texts("value", value=money(multiply(approval.qty, approval.price)), quote=quote),
        texts("signal_price", price=price(approval.signal.close)),
    ]


def keyboard(event: ApprovalRequested, texts: Texts) -> Keyboard:
    """The buttons that answer it; `bot.approvals` reads what they send."""
    data = f"ap:{event.approval.token}"
    answers = (Button(texts("approval.approve"), f"{data}:y"), Button(texts("approval.decline"), f"{data}:n"))
    if event.half is None:
        return (answers,)
    half = plain_text(texts("approval.half", quantity=quantity(event.half), base=event.base))
    return (answers, (Button(half, f"{data}:h"),))


def record(event: OrderExecuted | OrderFailed, texts: Texts) -> ChatMessage:
    """The message that asked, once it is known what came of it."""
    order = event.order
    lines = [
        texts("approval.APPROVED", signal_type=short(order.signal.signal_type)),
        texts("symbol", symbol=order.symbol),
    ]
    if order.approved_by and order.approved_at:
        lines.append(texts("by_at", who=short(order.approved_by), time=texts.exact_time(order.approved_at)))
    if isinstance(event, OrderFailed):
        why = texts.reason(order.reason) if order.reason is not None else ""
        return ChatMessage("\n".join([*lines, texts("record.failed", reason=why)]))
    done = event.execution
    shown = {"quantity": quantity(done.qty), "base": done.base_asset, "price": price(done.price)}
    lines += [
        texts("record.executed", value=money(done.quote_qty), quote=done.quote_asset, **shown),
        texts("record.asked", price=price(order.price)),
    ]
    return ChatMessage("\n".join(lines))
