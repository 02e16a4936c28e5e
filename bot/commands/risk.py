"""/risk: each limit, and how much of it is used."""

from decimal import Decimal

from bot.commands.base import Args, Command, bad_argument
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.entry_values import entry_values
from bot.commands.pagination import refresh
from bot.texts import Html
from bot.texts.figures import grouped
from bot.views.chat_message import ChatMessage
from bot.views.number_format import money, share
from bot.views.symbol_halts import halt_name
from core.domain.money import ZERO, plain
from core.domain.trade_size import SizeKind
from core.policy.drawdown import drawdown_pct
from core.policy.risk.limits import shown

_CELLS = 8


async def run(context: CommandContext, args: Args, _caller: Caller) -> ChatMessage:
    """Answers from memory."""
    if args:
        return bad_argument(context, args, COMMAND)
    limits, portfolio, texts = context.portfolio.limits, context.portfolio, context.texts
    opened, most = portfolio.count_open(besides=""), limits.max_open_positions
    lines = [
        texts("risk"),
        texts("risk.positions", used=opened, limit=most, bar=bar(Decimal(opened), most)),
        *_losses(context),
        *_protections(context),
        _entry(context),
        texts("risk.band", limit=grouped(shown(limits, "PRICE_BAND_PCT"))),
        texts("risk.sanity", limit=grouped(shown(limits, "PRICE_SANITY_PCT"))),
        texts("risk.age", limit=shown(limits, "SIGNAL_MAX_AGE"), exit=shown(limits, "EXIT_MAX_AGE")),
        _size(context),
        texts("risk.symbols", symbols=", ".join(sorted(limits.symbols)) if limits.symbols is not None else "*"),
        "",
        *_halted(context),
        texts("risk.exits"),
    ]
    return ChatMessage("\n".join(lines), ((refresh("/risk", texts),),))


def _halted(context: CommandContext) -> list[Html]:
    """Returns where nothing may be bought now, whatever the limits."""
    halts = Html(", ".join(halt_name(halt, context.texts) for halt in context.portfolio.active_halts()))
    return [context.texts("status.held", symbols=halts)] if halts else []


def _losses(context: CommandContext) -> list[Html]:
    """Returns today's loss in all quote assets together, as the rule counts it; and in each, where there is another than the
    report asset."""
    limit, report = context.portfolio.limits.daily_loss_limit, context.exchange.rates.report
    results = dict(sorted(context.portfolio.results_of(context.clock.now().date().isoformat()).items()))
    total, lacking = context.exchange.rates.total(results)
    shown_as = {"limit": money(limit), "quote": report, "bar": bar(-total, limit)}
    lines = [context.texts("risk.loss", result=money(total, signed=True), **shown_as)]
    if set(results) - {report}:
        each = (context.texts("status.result", profit=money(one, signed=True), quote=quote) for quote, one in results.items())
        lines.append(context.texts("risk.of_these", results=Html(", ".join(each))))
    return [*lines, *([context.texts("risk.no_rate", assets=", ".join(lacking), asset=report)] if lacking else [])]


def _protections(context: CommandContext) -> list[Html]:
    """Returns the limits of the whole account that are on, and how far each has come."""
    limits, portfolio, texts = context.portfolio.limits, context.portfolio, context.texts
    mark, lines = portfolio.equity_mark, []
    if limits.max_drawdown_pct is not None and mark is not None:
        fallen, limit = drawdown_pct(mark), limits.max_drawdown_pct
        lines.append(texts("risk.drawdown", used=share(fallen), limit=share(limit), bar=bar(fallen, limit)))
        lines.append(texts("risk.equity", equity=money(mark.equity), peak=money(mark.peak), asset=mark.report))
    if limits.max_exposure_pct is not None:
        lines.append(texts("risk.exposure", limit=share(limits.max_exposure_pct)))
    if (most := limits.max_losing_exits) is not None:
        used = portfolio.record.most_losing_exits
        lines.append(texts("risk.losses", used=used, limit=most, bar=bar(Decimal(used), most)))
    if limits.cooldown_after_stop is not None:
        lines.append(texts("risk.cooldown", limit=shown(limits, "COOLDOWN_AFTER_STOP")))
        since = context.clock.now() - limits.cooldown_after_stop
        if cooling := [symbol for symbol, at in sorted(portfolio.record.stopped.items()) if at > since]:
            lines.append(texts("risk.cooling", symbols=", ".join(cooling)))
    return lines


def _entry(context: CommandContext) -> Html:
    """Returns the value of an entry now in the symbol where it is largest, beside its limit."""
    limit, report = context.portfolio.limits.max_order_notional, context.exchange.rates.report
    entries = entry_values(context, context.portfolio.limits)
    if not entries:
        return context.texts("risk.notional_unknown", limit=money(limit), quote=report)
    used, symbol = max(entries)
    return context.texts("risk.notional", used=money(used), limit=money(limit), symbol=symbol, quote=report, bar=bar(used, limit))


def _size(context: CommandContext) -> Html:
    limits = context.portfolio.limits
    match limits.size.kind:
        case SizeKind.QUOTE:
            return context.texts("risk.size_quote", size=money(limits.size.amount), quote=limits.report_asset)
        case SizeKind.EQUITY | SizeKind.RISK as kind:
            return context.texts(f"risk.size_{kind}", pct=share(limits.size.amount))
        case _:
            return context.texts("risk.size", size=grouped(plain(limits.size.amount)))


def bar(used: Decimal, limit: Decimal | int) -> str:
    """Returns a bar in cells: a used limit stands out."""
    share = min(max(used / Decimal(limit), ZERO), Decimal(1))
    full = int((share * _CELLS).to_integral_value())
    colour = "🟥" if share >= 1 else "🟨" if share >= Decimal("0.7") else "🟩"
    return colour * full + "⬜" * (_CELLS - full)


COMMAND = Command("risk", run)
