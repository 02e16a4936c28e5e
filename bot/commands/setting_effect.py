"""Says what a changed limit means in numbers, at current prices."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from bot.commands.context import CommandContext
from bot.commands.entry_values import entry_values
from bot.texts import Html
from bot.views.number_format import money, share
from core.domain.money import HUNDRED, ZERO, divide, multiply
from core.domain.strategy_book import StrategyBook
from core.domain.trade_size import SizeKind
from core.policy.decision_context import RiskLimits
from core.policy.drawdown import drawdown_pct
from core.policy.exits.plan_risk import risk_of
from core.policy.risk.limits import SETTABLE_LIMITS, SIZES
from core.policy.strategy_settings import EVERY

PLAN = (
    *("STOP_LOSS_PCT", "TAKE_PROFIT_PCT", "BREAKEVEN_AFTER", "TIME_LIMIT", "TRAILING_PCT", "TRAILING_ACTIVATION_PCT"),
    "DCA_STEPS",
)
"""The settings of the exit plan and the steps of an entry, which a position keeps as it was bought."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """The next entry by some limits: what it is `worth` and what it would lose at its stop, fees included (None: unknown, or no
    stop), both in the report asset; `symbol` is empty where it does not depend on one."""

    worth: Decimal | None
    loss: Decimal | None
    symbol: str = ""


def effect_lines(context: CommandContext, name: str, after: RiskLimits) -> list[Html]:
    """Returns what is different with the limits `after`, in which `name` has changed: the next entry and its risk, or how much of
    the limit is used."""
    lines = [*_entry_lines(context, name, after), *_used_lines(context, name, after)]
    if name in PLAN:
        lines.append(context.texts("strategies.open_keep"))
    if own := own_values(context, name):
        lines.append(context.texts("settings.own_values", names=", ".join(own)))
    return lines


def own_values(context: CommandContext, name: str) -> list[str]:
    """Returns the strategies and symbols that have a value of their own, by STRATEGIES_FILE or the chat."""
    portfolio, field = context.portfolio, SETTABLE_LIMITS[name].field
    by_file = [book for book, override in portfolio.strategy_settings.sections.items() if field in override.fields]
    by_chat = [StrategyBook(EVERY, one) for one in portfolio.strategies if name in portfolio.set_for(one)]
    return sorted({" @".join(filter(None, (book.symbol, book.strategy))) for book in (*by_file, *by_chat)})


def _entry_lines(context: CommandContext, name: str, after: RiskLimits) -> Iterator[Html]:
    is_size = SETTABLE_LIMITS[name].field in SIZES
    if not is_size and name != "STOP_LOSS_PCT":
        return
    was, will_be = _entry(context, context.portfolio.limits), _entry(context, after)
    shown = {"asset": after.report_asset}
    if will_be.worth is not None:
        head = {"symbol": f" ({will_be.symbol})" if will_be.symbol else "", "worth": money(will_be.worth), **shown}
        if was.worth is None or was.worth == will_be.worth:
            yield context.texts("effect.entry", **head)
        else:
            yield context.texts("effect.entry_instead", before=money(was.worth), **head)
    if will_be.loss is not None and was.loss is not None and was.loss != will_be.loss:
        yield context.texts("effect.risk_instead", loss=money(will_be.loss), before=money(was.loss), **shown)
    elif will_be.loss is not None:
        yield context.texts("effect.risk", loss=money(will_be.loss), **shown)
    elif after.stop_loss_pct is None:
        yield context.texts("effect.no_stop")


def _entry(context: CommandContext, limits: RiskLimits) -> _Entry:
    """Returns the entry that is worth the most at current prices; one counted from the equity, as last measured."""
    if not limits.size.kind.is_computed:
        worth, symbol = max(entry_values(context, limits), default=(None, ""))
        return _Entry(worth, _loss(limits, worth), symbol)
    mark = context.portfolio.equity_mark
    if mark is None:
        return _Entry(None, None)
    part = divide(multiply(mark.equity, limits.size.amount), HUNDRED)
    if limits.size.kind is SizeKind.RISK:
        return _Entry(None, part if limits.stop_loss_pct is not None else None)
    worth = min(part, limits.max_order_notional)
    return _Entry(worth, _loss(limits, worth))


def _loss(limits: RiskLimits, worth: Decimal | None) -> Decimal | None:
    """Returns what an entry of that worth would lose at its stop."""
    if worth is None or limits.plan is None:
        return None
    found = risk_of(limits.plan, Decimal(1), worth)
    return found.loss if found is not None and found.loss > ZERO else None


def _used_lines(context: CommandContext, name: str, after: RiskLimits) -> Iterator[Html]:
    """Yields how much of a limit is used now, and whether it refuses entries from then on."""
    portfolio, texts, asset = context.portfolio, context.texts, after.report_asset
    match name:
        case "DAILY_LOSS_LIMIT":
            total, _ = context.exchange.rates.total(dict(portfolio.results_of(context.clock.now().date().isoformat())))
            lost = max(-total, ZERO)
            yield texts("effect.lost", lost=money(lost), left=money(max(after.daily_loss_limit - lost, ZERO)), asset=asset)
            full = lost >= after.daily_loss_limit
        case "MAX_OPEN_POSITIONS":
            opened = portfolio.count_open(besides="")
            yield texts("effect.opened", opened=opened, left=max(after.max_open_positions - opened, 0))
            full = opened >= after.max_open_positions
        case "MAX_DRAWDOWN_PCT" if portfolio.equity_mark is not None:
            fallen = drawdown_pct(portfolio.equity_mark)
            yield texts("effect.fallen", fallen=share(fallen))
            full = after.max_drawdown_pct is not None and fallen >= after.max_drawdown_pct
        case "MAX_LOSING_EXITS":
            losing = portfolio.record.most_losing_exits
            yield texts("effect.losing", count=losing)
            full = after.max_losing_exits is not None and losing >= after.max_losing_exits
        case _:
            full = False
    if full:
        yield texts("effect.full")
