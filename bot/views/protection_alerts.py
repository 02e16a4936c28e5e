"""Alerts about the protection of a position: missing, and restored. Pure."""

from bot.texts import Html, Texts, short
from bot.views.book_names import book_name
from bot.views.exit_plan import plan_lines
from bot.views.number_format import price, quantity
from core.domain.assets import base_of
from core.domain.events.protection import PlanChanged, PositionsBare, ProtectionFailed, ProtectionRestored
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import ChangeCause


def protection_failed_lines(event: ProtectionFailed, texts: Texts) -> list[Html]:
    """Returns the alert of a position that no order on the exchange protects as its plan wants."""
    stays = event.stop_stays
    return [
        texts("protection.failed" if stays is None else "protection.not_moved", symbol=_name(event)),
        texts("held", quantity=quantity(event.qty), base=short(base_of(event.symbol))),
        texts("protection.since", time=texts.exact_time(event.since)),
        texts("reason", reason=texts.reason(event.why)),
        texts("protection.next") if stays is None else texts("protection.stop_stays", price=price(stays)),
    ]


def protection_restored_lines(event: ProtectionRestored, texts: Texts) -> list[Html]:
    """Returns the alert that ends the other one."""
    return [texts("protection.restored", symbol=_name(event)), texts("protection.rests")]


def plan_changed_lines(event: PlanChanged, texts: Texts) -> list[Html]:
    """Returns the alert that the orders of a plan rest elsewhere than before, and why."""
    change = event.change
    key = (
        "protection.protected_by"
        if change.is_new and change.cause is ChangeCause.PERSON
        else f"protection.changed_{change.cause}"
    )
    name = book_name(event.plan.book)
    head = texts(key, symbol=name, number=change.number, count=change.count, who=short(change.by))
    return [head, *plan_lines(event.plan, None, texts)]


def _name(event: ProtectionFailed | ProtectionRestored) -> str:
    return book_name(StrategyBook(short(event.symbol), event.strategy))


def positions_bare_lines(event: PositionsBare, texts: Texts) -> list[Html]:
    """Returns the alert that positions of before there were plans are not protected."""
    return [texts("protection.bare", symbols=", ".join(map(short, event.symbols))), texts("protection.bare_next")]
