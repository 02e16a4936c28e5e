"""Words and numbers about the protection of each position, and about each resting order."""

from decimal import Decimal

from bot.texts import Html, Texts, short
from bot.views.exit_plan import PlanLevel, plan_levels
from bot.views.number_format import percent_of, price, quantity
from core.adapters.ledger.guards import OpenPosition, RestingOrder
from core.domain.pending_exit import PendingExit
from core.domain.plan_leg import LegKind
from core.domain.trade_plan import PlanState
from dashboard.looks import pill, safe, toned


def guard_pill(one: OpenPosition, words: Texts, *, is_watched: bool) -> Html:
    """Tells whether a position is protected on the exchange, in a frame; `is_watched` tells whether the program is alive."""
    plan = one.plan
    if plan is None:
        return pill(words("dash.no_plan"), "dim")
    if plan.state is not PlanState.GUARDED:
        since = plan.exposed_since
        return pill(words("dash.exposed_now") if since is None else words("dash.exposed", time=words.exact_time(since)), "down")
    if not plan.exits.rests:
        return pill(
            words("dash.time_only" if plan.exits.trailing is None else "dash.no_stop_yet"), "dim" if is_watched else "down"
        )
    if one.protected >= one.position.qty:
        return pill(words("dash.guarded"), "up")
    return pill(words("dash.guarded_part", part=quantity(one.protected), whole=quantity(one.position.qty)), "up")


def guard_note(one: OpenPosition, words: Texts, *, is_watched: bool) -> Html:
    """Tells of a position that no order protects why that is so, and whether the program watches it; nothing of others."""
    plan = one.plan
    if plan is None or (plan.state is PlanState.GUARDED and plan.exits.rests):
        return Html("")
    watch = words("dash.watched") if is_watched else toned(words("dash.unwatched"), Decimal(-1))
    return Html(f"{watch} ({words.reason(plan.why)})") if plan.why is not None else Html(watch)


def plan_cells(one: OpenPosition, words: Texts) -> dict[str, str]:
    """Returns stop, targets and time limit of an open position by their names, with their distance from the price."""
    plan = one.plan
    if plan is None:
        return {}
    cells: dict[str, str] = {_level_name(level, words): _level(level, one.bid, words) for level in plan_levels(plan)}
    limit = plan.exits.time_limit
    return cells if limit is None else cells | {words("dash.sold_by"): words.full_moment(plan.created_at + limit)}


def _level_name(level: PlanLevel, words: Texts) -> str:
    if not level.number:
        return words("dash.stop")
    return words("dash.target_of" if level.count > 1 else "dash.target", number=level.number, count=level.count)


def _level(level: PlanLevel, market: Decimal | None, words: Texts) -> Html:
    shown = words.figure(price(level.price))
    if level.is_sold:
        return Html(f"{shown} {words('dash.sold')}")
    part = f" · {words('dash.target_share', share=quantity(level.share))}" if level.count > 1 else ""
    away = distance(level.price, market, words)
    return Html(f"{shown}{f' ({away})' if away else ''}{part}")


def order_cells(one: RestingOrder, words: Texts) -> list[str]:
    """Returns the cells of a resting order, in the order of `order_columns`."""
    order = one.order
    left = order.qty - order.executed_qty
    return [
        safe(order.symbol),
        purpose(one, words),
        side_words(order.side.value, words),
        words.figure(quantity(left)),
        words.figure(price(one.price)),
        distance(one.price, one.bid, words),
        short(order.signal.strategy),
        order.terms.type.value,
        words.moment(order.created_at),
        "" if order.expires_at is None else words.moment(order.expires_at),
        short(order.order_id or ""),
    ]


def purpose(one: RestingOrder, words: Texts) -> Html:
    """Returns what a resting order is for."""
    order = one.order
    if (step := order.signal.step) is not None:
        return words("dash.for_step", number=step.number, count=step.count)
    if order.waits_to_buy:
        return words("dash.for_entry")
    if order.leg is None:
        return words("dash.for_exit")
    if order.leg.kind is LegKind.STOP:
        return words("dash.for_stop")
    return words("dash.for_target_of" if one.count > 1 else "dash.for_target", number=one.number, count=one.count)


def side_words(side: str, words: Texts) -> Html:
    """Returns a side in its colour."""
    return toned(words("dash.buy" if side == "BUY" else "dash.sell"), Decimal(1 if side == "BUY" else -1))


def exit_cells(one: PendingExit, words: Texts) -> list[str]:
    """Returns the cells of a pending exit."""
    return [
        safe(one.symbol),
        short(one.book.strategy),
        words.figure(quantity(one.qty)),
        words.moment(one.since),
        words("dash.until_sold") if one.signal.is_panic or one.until is None else words.moment(one.until),
        str(one.number),
        "" if one.why is None else words.reason(one.why),
    ]


def distance(at: Decimal, market: Decimal | None, words: Texts) -> str:
    """Returns how far a price is from the market in per cent; nothing if that is unknown."""
    return words.figure(percent_of(at - market, market)) if market else ""
