"""Alerts as one reader sees them. An event that cannot be rendered never blocks the others."""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from bot.notifications.approval_countdown import ApprovalCountdown
from bot.subscriptions.notification_rules import Recipient, role_to_tap
from bot.views.approval import approved_line, question
from bot.views.chat_message import ChatMessage
from bot.views.event_batch import render_digest
from bot.views.events import render
from bot.views.reply_keyboard import Keys, keys
from core.domain.access import Level
from core.domain.events.approvals import ApprovalRequested
from core.domain.events.control import ControlsChanged, PanicOver
from core.domain.events.entries import EntryMissed
from core.domain.events.orders import OrderExecuted, OrderFailed
from core.domain.events.priority import Priority
from core.domain.events.table import Event, subject_of
from core.domain.outbox_item import OutboxItem
from core.domain.trading_state import Pause, TradingState

log = structlog.get_logger(__name__)


def batched(recipient: Recipient, items: Sequence[OutboxItem]) -> ChatMessage:
    """Returns several events as one message, loud where one of them is."""
    try:
        message = render_digest(items, recipient.texts)
    except Exception:
        log.exception("events could not be combined", seqs=[item.seq for item in items])
        message = ChatMessage(recipient.texts("digest", count=len(items)))
    loud = any(recipient.level(item.event) is Level.LOUD and item.event.priority is not Priority.CHATTY for item in items)
    may_tap = all(recipient.role >= role_to_tap(item) for item in items)
    renewed = [row for item in items if (row := _keys(recipient, item.event))]
    return replace(message, silent=not loud, keyboard=message.keyboard if may_tap else (), keys=renewed[-1] if renewed else ())


def rendered(recipient: Recipient, item: OutboxItem, countdown: ApprovalCountdown) -> ChatMessage:
    """Returns one event as this reader sees it: without buttons above their role, silent unless the level is loud."""
    try:
        if isinstance(item.event, ApprovalRequested):
            message = question(item.event, recipient.texts, countdown.live(item.event.approval))
        else:
            message = render(item.event, recipient.texts)
    except Exception:  # an event that cannot be rendered must not block the others
        log.exception("an event could not be rendered", seq=item.seq, kind=item.event.kind)
        return unshowable(recipient, item.event.kind, item.seq)
    if isinstance(item.event, OrderExecuted | OrderFailed | EntryMissed):
        message = replace(message, text="\n".join([message.text, *approved_line(item.event.order, recipient.texts)]))
    seq = subject_of(item.event)
    if isinstance(item.event, OrderExecuted) and seq and recipient.bot_name:
        link = f"https://t.me/{recipient.bot_name}?start=why_{seq}"
        message = replace(message, text=f"{message.text}\n{recipient.texts('why.link', link=link)}")
    if recipient.role < role_to_tap(item):
        message = replace(message, keyboard=())
    message = replace(message, keys=_keys(recipient, item.event))
    return message if recipient.level(item.event) is Level.LOUD else replace(message, silent=True)


def _keys(recipient: Recipient, event: Event) -> Keys:
    """Returns the keyboard below the input field where `event` has changed it, in a person's private chat."""
    if recipient.chat_id < 0:  # a group
        return ()
    match event:
        case ControlsChanged(after=controls):
            return keys(recipient.texts, recipient.role, controls)
        case PanicOver(paused=paused):
            return keys(recipient.texts, recipient.role, TradingState(Pause.ALL if paused else Pause.OFF))
        case _:
            return ()


def unshowable(recipient: Recipient, kind: str, seq: int) -> ChatMessage:
    """Returns the message that stands in for an event which cannot be shown."""
    return ChatMessage(recipient.texts("alert.unshowable", kind=kind, seq=seq))
