"""Requests of people and timers in a few words, for /audit: one table, a row for each kind of message. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from bot.texts import Html, Texts, short
from bot.views.trading_state import setting_change_lines
from core.domain import messages, order_messages
from core.domain.access import Reader
from core.domain.messages import Body

B = TypeVar("B", bound=Body)
Words = Callable[[B, Texts], Html]

_HOW_SHOWN = frozenset({"language", "zone", "theme"})
"""A reader's preferences that are not about which notifications they get."""


def audit_entry(body: Body, texts: Texts, mailbox: str = "") -> Html:
    """Returns the request in a few words; `mailbox` is the symbol that an answer to an approval is about."""
    what = ENTRIES[type(body)](body, texts)
    if mailbox and isinstance(body, messages.ApprovalAnswered | messages.ApprovalTimedOut):
        return texts("audit.about", what=what, symbol=short(mailbox))
    return what


def _order(body: messages.SignalReceived, texts: Texts) -> Html:
    return texts("audit.order", signal_type=short(body.signal.signal_type), symbol=short(body.signal.symbol))


def _approval(body: messages.ApprovalAnswered, texts: Texts) -> Html:
    if not body.approve:
        return texts("audit.decline")
    return texts("audit.half" if body.half else "audit.approve")


def _controls(body: messages.ControlsRequested, texts: Texts) -> Html:
    if body.pause is None:
        return texts("audit.mode", mode=body.mode)
    until = texts("audit.until", time=texts.moment(body.until)) if body.until is not None else Html("")
    return texts(f"audit.pause_{body.pause}", until=until)


def _limit(body: messages.LimitRequested, texts: Texts) -> Html:
    shown = {"name": short(body.name), "value": short(body.value or "default")}
    if body.before is None:
        return texts("audit.limit", **shown)
    return texts("audit.limit_changed", before=short(body.before) or texts("limit.none"), **shown)


def _strategy(body: messages.StrategyRequested, texts: Texts) -> Html:
    return texts("audit.strategy_paused" if body.paused else "audit.strategy_resumed", strategy=short(body.strategy))


def _strategy_limit(body: messages.StrategyLimitRequested, texts: Texts) -> Html:
    changes = Html(", ".join(setting_change_lines(body.changes, "", texts)))
    return texts("audit.strategy_limit", strategy=short(body.strategy), changes=changes)


def _reader(body: messages.ReaderRequested, texts: Texts) -> Html:
    what = Html(", ".join(_changed(body.reader, name, texts) for name in body.changed))
    return what if what and _HOW_SHOWN.issuperset(body.changed) else texts("audit.reader", what=what or "…")


def _changed(reader: Reader, name: str, texts: Texts) -> Html:
    """Returns the change that somebody made to a chat's notification settings."""
    match name:
        case "levels":
            levels = (f"{texts(f'topic.{topic}')}: {texts(f'level.{level}')}" for topic, level in reader.levels.items())
            return Html(", ".join(levels))
        case "quiet":
            quiet = reader.quiet
            return texts("audit.quiet", hours=f"{quiet.start:%H:%M}-{quiet.end:%H:%M}" if quiet is not None else "–")
        case "muted_until":
            until = reader.muted_until
            return texts("audit.muted", until=texts.moment(until)) if until is not None else texts("audit.unmuted")
        case "heartbeat_hours":
            hours = reader.heartbeat_hours
            return texts("audit.heartbeat", hours=hours) if hours else texts("audit.no_heartbeat")
        case "language" | "zone" | "theme":
            return texts(f"audit.{name}", value=short(str(getattr(reader, name))) or "–")
        case _:
            return texts("audit.began")


def _always(key: str) -> Words[Any]:
    return lambda _body, texts: texts(key)


def _row(kind: type[B], words: Words[B]) -> tuple[type[Any], Words[Any]]:
    return kind, words


ENTRIES: Mapping[type[Any], Words[Any]] = dict(
    (
        _row(messages.SignalReceived, _order),
        _row(messages.ApprovalAnswered, _approval),
        _row(messages.ApprovalTimedOut, _always("audit.approval_over")),
        _row(messages.ControlsRequested, _controls),
        _row(messages.PauseTimedOut, _always("audit.pause_over")),
        _row(messages.PanicEnded, _always("audit.panic_over")),
        _row(messages.LimitRequested, _limit),
        _row(messages.StrategyRequested, _strategy),
        _row(messages.StrategyLimitRequested, _strategy_limit),
        _row(messages.ResetRequested, lambda body, texts: texts("audit.reset", what=body.what)),
        _row(messages.CancelRequested, lambda body, texts: texts("audit.cancel", symbol=short(body.symbol))),
        _row(messages.FeePaid, lambda body, texts: texts("audit.fee", fee=f"{body.fee:f}", asset=short(body.asset))),
        _row(messages.AcceptRequested, lambda body, texts: texts("audit.accept", symbol=short(body.symbol))),
        _row(messages.OrderFound, _always("audit.found")),
        _row(order_messages.ExecutionReported, lambda body, texts: texts("audit.reported", symbol=short(body.report.symbol))),
        _row(order_messages.EntryDue, _always("audit.entry")),
        _row(order_messages.OrderForgotten, lambda body, texts: texts("audit.forgotten", symbol=short(body.symbol))),
        _row(order_messages.ProtectionDue, lambda body, texts: texts("audit.protection", symbol=short(body.symbol))),
        _row(order_messages.PlanRequested, lambda body, texts: texts("audit.plan", symbol=short(body.symbol))),
        _row(order_messages.PositionsFound, _always("audit.bare")),
        _row(order_messages.BreakevenReached, lambda body, texts: texts("audit.breakeven", symbol=short(body.symbol))),
        _row(order_messages.TrailingDue, lambda body, texts: texts("audit.trailing", symbol=short(body.symbol))),
        _row(messages.InviteRequested, lambda body, texts: texts("audit.invite", role=texts(f"role.{body.role.name.lower()}"))),
        _row(messages.InviteUsed, _always("audit.joined")),
        _row(messages.InvitesWithdrawn, _always("audit.withdrawn")),
        _row(messages.RevokeRequested, lambda body, texts: texts("audit.revoke", person=body.person)),
        _row(messages.AuthenticatorRequested, _always("audit.authenticator")),
        _row(messages.AuthenticatorEnded, lambda body, texts: texts("audit.codes_ended", person=body.person)),
        _row(messages.CodeUsed, _always("audit.code")),
        _row(messages.CodeRefused, _always("audit.code_refused")),
        _row(messages.ReaderRequested, _reader),
        _row(messages.DigestDue, _always("audit.digest")),
    )
)
