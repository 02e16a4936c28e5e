"""/risk: each limit, and how much of it is used."""

from decimal import Decimal

from bot.commands.base import Args, Command, bad_argument
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.pagination import refresh
from bot.texts import Html
from bot.texts.figures import grouped
from bot.views.chat_message import ChatMessage
from bot.views.number_format import money
from bot.views.symbol_halts import halt_name
from core.domain.money import ZERO
from core.domain.signal import Side
from core.policy.conversion_rates import Rate
from core.policy.risk.limits import in_quote, shown
from core.policy.sizing.market_orders import size

_CELLS = 8


async def run(context: CommandContext, args: Args, _caller: Caller) -> ChatMessage:
    """Answers from memory."""
    if args:
        return bad_argument(context, args, "risk")
    limits, portfolio, texts = context.portfolio.limits, context.portfolio, context.texts
    opened, most = portfolio.count_open(besides=""), limits.max_open_positions
    lines = [
        texts("risk"),
        texts("risk.positions", used=opened, limit=most, bar=bar(Decimal(opened), most)),
        *_losses(context),
        _entry(context),
        texts("risk.band", limit=grouped(shown(limits, "PRICE_BAND_PCT"))),
        texts("risk.sanity", limit=grouped(shown(limits, "PRICE_SANITY_PCT"))),
        texts("risk.age", limit=grouped(shown(limits, "SIGNAL_MAX_AGE")), exit=grouped(shown(limits, "EXIT_MAX_AGE"))),
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


def _entry(context: CommandContext) -> Html:
    """Returns the value of an entry now in the symbol where it is largest, beside its limit."""
    limit, report = context.portfolio.limits.max_order_notional, context.exchange.rates.report
    known = [
        (instrument, quote.ask)
        for instrument in context.exchange.market.instruments().values()
        if context.exchange.symbols is None or instrument.symbol in context.exchange.symbols
        if (quote := context.exchange.market.quote(instrument.symbol)) is not None
    ]
    rates = context.exchange.rates.last({instrument.quote for instrument, _ in known})
    entries = [
        (rate.at_most(sized.notional), instrument.symbol)
        for instrument, ask in known
        if isinstance(rate := rates[instrument.quote], Rate)
        for sized, _ in [
            size(
                Side.BUY, instrument, ask, context.portfolio.position(instrument.symbol), in_quote(context.portfolio.limits, rate)
            )
        ]
    ]
    if not entries:
        return context.texts("risk.notional_unknown", limit=money(limit), quote=report)
    used, symbol = max(entries)
    return context.texts("risk.notional", used=money(used), limit=money(limit), symbol=symbol, quote=report, bar=bar(used, limit))


def _size(context: CommandContext) -> Html:
    limits = context.portfolio.limits
    if limits.trade_quote is not None:
        return context.texts("risk.size_quote", size=money(limits.trade_quote), quote=limits.report_asset)
    return context.texts("risk.size", size=grouped(shown(limits, "TRADE_QTY")))


def bar(used: Decimal, limit: Decimal | int) -> str:
    """Returns a bar in cells: a used limit stands out."""
    share = min(max(used / Decimal(limit), ZERO), Decimal(1))
    full = int((share * _CELLS).to_integral_value())
    colour = "🟥" if share >= 1 else "🟨" if share >= Decimal("0.7") else "🟩"
    return colour * full + "⬜" * (_CELLS - full)


COMMAND = Command("risk", run)
