"""/risk: each limit, and how much of it is used now."""

from decimal import Decimal

from bot.commands.base import Args, Command, bad_argument
from bot.commands.context import Caller, Desk
from bot.commands.pagination import refresh
from bot.texts import Html
from bot.views.chat_message import ChatMessage
from bot.views.number_format import money
from bot.views.symbol_halts import hold_name
from core.domain.money import ZERO
from core.domain.signal import Side
from core.policy.conversion_rates import Rate
from core.policy.risk.limits import in_quote, shown
from core.policy.sizing.market_orders import size

_CELLS = 8


async def run(desk: Desk, args: Args, _caller: Caller) -> ChatMessage:
    """Answers from memory."""
    if args:
        return bad_argument(desk, args, "risk")
    limits, book, texts = desk.book.limits, desk.book, desk.texts
    opened, most = book.count_open(besides=""), limits.max_open_positions
    lines = [
        texts("risk"),
        texts("risk.positions", used=opened, limit=most, bar=bar(Decimal(opened), most)),
        *_losses(desk),
        _entry(desk),
        texts("risk.band", limit=shown(limits, "PRICE_BAND_PCT")),
        texts("risk.sanity", limit=shown(limits, "PRICE_SANITY_PCT")),
        texts("risk.age", limit=shown(limits, "SIGNAL_MAX_AGE"), exit=shown(limits, "EXIT_MAX_AGE")),
        _size(desk),
        texts("risk.symbols", symbols=", ".join(sorted(limits.symbols)) if limits.symbols is not None else "*"),
        "",
        *_halted(desk),
        texts("risk.exits"),
    ]
    return ChatMessage("\n".join(lines), ((refresh("/risk", texts),),))


def _halted(desk: Desk) -> list[Html]:
    """Where nothing may be bought now, whatever the limits."""
    held = Html(", ".join(hold_name(hold, desk.texts) for hold in desk.book.active_holds()))
    return [desk.texts("status.held", symbols=held)] if held else []


def _losses(desk: Desk) -> list[Html]:
    """Of all quote assets together, as the rule counts them; and each, where there is another than the report asset."""
    limit, report = desk.book.limits.daily_loss_limit, desk.rates.report
    results = dict(sorted(desk.book.results_of(desk.clock.now().date().isoformat()).items()))
    total, lacking = desk.rates.total(results)
    shown_as = {"limit": money(limit), "quote": report, "bar": bar(-total, limit)}
    lines = [desk.texts("risk.loss", result=money(total, signed=True), **shown_as)]
    if set(results) - {report}:
        each = (desk.texts("status.result", profit=money(one, signed=True), quote=quote) for quote, one in results.items())
        lines.append(desk.texts("risk.of_these", results=Html(", ".join(each))))
    return [*lines, *([desk.texts("risk.no_rate", assets=", ".join(lacking), asset=report)] if lacking else [])]


def _entry(desk: Desk) -> Html:
    """What an entry would come to now in the symbol where it is worth most, beside what it may."""
    limit, report = desk.book.limits.max_order_notional, desk.rates.report
    known = [
        (instrument, quote.ask)
        for instrument in desk.market.instruments().values()
        if desk.symbols is None or instrument.symbol in desk.symbols
        if (quote := desk.market.quote(instrument.symbol)) is not None
    ]
    rates = desk.rates.last({instrument.quote for instrument, _ in known})
    drafts = [
        (rate.at_most(draft.notional), instrument.symbol)
        for instrument, ask in known
        if isinstance(rate := rates[instrument.quote], Rate)
        for draft, _ in [size(Side.BUY, instrument, ask, desk.book.position(instrument.symbol), in_quote(desk.book.limits, rate))]
    ]
    if not drafts:
        return desk.texts("risk.notional_unknown", limit=money(limit), quote=report)
    used, symbol = max(drafts)
    return desk.texts("risk.notional", used=money(used), limit=money(limit), symbol=symbol, quote=report, bar=bar(used, limit))


def _size(desk: Desk) -> Html:
    limits = desk.book.limits
    if limits.trade_quote is not None:
        return desk.texts("risk.size_quote", size=money(limits.trade_quote), quote=limits.report_asset)
    return desk.texts("risk.size", size=shown(limits, "TRADE_QTY"))


def bar(used: Decimal, limit: Decimal | int) -> str:
    """How full, in cells: a used limit stands out."""
    share = min(max(used / Decimal(limit), ZERO), Decimal(1))
    full = int((share * _CELLS).to_integral_value())
    colour = "🟥" if share >= 1 else "🟨" if share >= Decimal("0.7") else "🟩"
    return colour * full + "⬜" * (_CELLS - full)


COMMAND = Command("risk", run)
