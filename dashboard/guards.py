"""Words and numbers about the protection of each position, and about each resting order."""

from decimal import Decimal

from core.adapters.ledger.guards import OpenPosition, RestingOrder
from core.domain.exit_plan import Level
from core.domain.money import per_cent, plain
from core.domain.plan_leg import LegKind
from core.domain.trade_plan import PlanState, TradePlan
from dashboard.tables import rounded, shown

PRICE_DECIMALS = 8  # Binance's finest precision


def guard_cells(one: OpenPosition, *, is_watched: bool) -> dict[str, str]:
    """Returns the cells of an open position about its protection; `is_watched` tells whether the program is alive."""
    plan = one.plan
    cells = {"guard": guard_words(one, is_watched=is_watched), "stop": "", "targets": "", "sold at the latest": ""}
    if plan is None:
        return cells
    stop, limit = plan.exits.stop, plan.exits.time_limit
    return cells | {
        "stop": "" if stop is None else _at(_price(stop.level), one.bid),
        "targets": ", ".join(_targets(plan, one)),
        "sold at the latest": "" if limit is None else shown(plan.created_at + limit),
    }


def guard_words(one: OpenPosition, *, is_watched: bool) -> str:
    """Tells whether a position is protected on the exchange; if not, since when, why, and whether the program watches it."""
    plan = one.plan
    if plan is None:
        return "no exit plan"
    if plan.state is PlanState.GUARDED:
        if not plan.exits.rests:
            only = "time limit only" if plan.exits.trailing is None else "no stop yet"
            return f"⏱ {only}" if is_watched else f"❌ {only}; MarketFlow is silent"
        if one.protected >= one.position.qty:
            return "🛡 guarded"
        return f"🛡 guarded: {plain(one.protected)} of {plain(one.position.qty)}"
    since = "" if plan.exposed_since is None else f" since {plan.exposed_since:%H:%M:%S} UTC"
    why = "" if plan.why is None else f" ({plan.why})"
    watch = "watched by MarketFlow" if is_watched else "NOT watched: MarketFlow is silent"
    return f"{'⚠️' if is_watched else '❌'} exposed{since}, {watch}{why}"


def order_row(one: RestingOrder) -> dict[str, str]:
    """Returns the cells of a resting order."""
    order = one.order
    return {
        "symbol": order.symbol,
        "strategy": order.signal.strategy,
        "side": order.side.value,
        "for": purpose(one),
        "quantity": plain(order.qty - order.executed_qty),
        "price": rounded(one.price, PRICE_DECIMALS),
        "from the market": distance(one.price, one.bid),
        "type": order.terms.type.value,
        "since": shown(order.created_at),
        "until": shown(order.expires_at),
        "order_id": shown(order.order_id),
    }


def purpose(one: RestingOrder) -> str:
    """Returns what a resting order is for."""
    order = one.order
    if (step := order.signal.step) is not None:
        return f"step {step.number} of {step.count}"
    if order.waits_to_buy:
        return "entry"
    if order.leg is None:
        return "exit"
    if order.leg.kind is LegKind.STOP:
        return "stop"
    return f"target {one.number} of {one.count}" if one.count > 1 else "target"


def distance(price: Decimal, market: Decimal | None) -> str:
    """Returns how far `price` is from the market in per cent; nothing if that is unknown."""
    return f"{per_cent(price - market, market):+.2f}%" if market else ""


def _targets(plan: TradePlan, position: OpenPosition) -> list[str]:
    targets = sorted((_price(one.level), one.share, place in position.sold) for place, one in enumerate(plan.exits.targets))
    share = {False: "", True: " {}%"}[len(targets) > 1]
    return [
        f"{rounded(price, PRICE_DECIMALS)} sold" if is_sold else _at(price, position.bid) + share.format(plain(part))
        for price, part, is_sold in targets
    ]


def _at(price: Decimal, market: Decimal | None) -> str:
    away = distance(price, market)
    return rounded(price, PRICE_DECIMALS) + (f" ({away})" if away else "")


def _price(level: Level) -> Decimal:
    if level.price is None:
        raise ValueError("the level of a shown plan is a price")
    return level.price
