"""/risk: each limit, and how much of it is used now."""

from decimal import Decimal

from bot.command import Args, Command, bad_argument
from bot.desk import Caller, Desk
from bot.lists import refresh
from bot.message import ChatMessage
from bot.numbers import money
from bot.texts import Html
from core.domain.money import ZERO
from core.domain.signal import Side
from core.policy.limits import shown
from core.policy.sizing import size

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
        texts("risk.age", limit=shown(limits, "SIGNAL_MAX_AGE")),
        _size(desk),
        texts("risk.symbols", symbols=", ".join(sorted(limits.symbols)) if limits.symbols is not None else "*"),
        "",
        texts("risk.exits"),
    ]
    return ChatMessage("\n".join(lines), ((refresh("/risk", texts),),))


def _losses(desk: Desk) -> list[Html]:
    day, limit = desk.clock.now().date().isoformat(), desk.book.limits.daily_loss_limit
    quotes = sorted({instrument.quote for instrument in desk.market.instruments().values()}) or [""]
    results = [(quote, desk.book.result_of(day, quote)) for quote in quotes]
    told = [(quote, result) for quote, result in results if result] or [(quotes[0], ZERO)]
    return [
        desk.texts("risk.loss", result=money(result, signed=True), limit=money(limit), quote=quote, bar=bar(-result, limit))
        for quote, result in told
    ]


def _entry(desk: Desk) -> Html:
    """What an entry would come to now in the symbol where it is worth most, beside what it may."""
    limit = desk.book.limits.max_order_notional
    drafts = [
        (draft.notional, instrument)
        for instrument in desk.market.instruments().values()
        if desk.symbols is None or instrument.symbol in desk.symbols
        if (quote := desk.market.quote(instrument.symbol)) is not None
        for draft, _ in [size(Side.BUY, instrument, quote.ask, desk.book.position(instrument.symbol), desk.book.limits)]
    ]
    if not drafts:
        return desk.texts("risk.notional_unknown", limit=money(limit))
    used, largest = max(drafts, key=lambda one: one[0])
    shown_as = {"symbol": largest.symbol, "quote": largest.quote, "bar": bar(used, limit)}
    return desk.texts("risk.notional", used=money(used), limit=money(limit), **shown_as)


def _size(desk: Desk) -> Html:
    limits = desk.book.limits
    if limits.trade_quote is not None:
        return desk.texts("risk.size_quote", size=money(limits.trade_quote))
    return desk.texts("risk.size", size=shown(limits, "TRADE_QTY"))


def bar(used: Decimal, limit: Decimal | int) -> str:
    """How full, in cells: a used limit stands out."""
    share = min(max(used / Decimal(limit), ZERO), Decimal(1))
    full = int((share * _CELLS).to_integral_value())
    colour = "🟥" if share >= 1 else "🟨" if share >= Decimal("0.7") else "🟩"
    return colour * full + "⬜" * (_CELLS - full)


COMMAND = Command("risk", run)
