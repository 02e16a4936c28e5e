"""The value of an entry at current prices, beside MAX_ORDER_NOTIONAL."""

from decimal import Decimal

from bot.commands.context import CommandContext
from core.domain.position import Position
from core.domain.signal import Side
from core.policy.conversion_rates import Rate
from core.policy.decision_context import RiskLimits
from core.policy.risk.limits import in_quote
from core.policy.sizing.order_size import size


def entry_values(context: CommandContext, limits: RiskLimits) -> list[tuple[Decimal, str]]:
    """Returns what an entry of the size in `limits` is worth now, in the report asset, with its symbol: for each traded symbol
    whose price and rate are known. One counted from the equity is never worth too much: it is cut."""
    if limits.size.kind.is_computed:
        return []
    market = context.exchange.market
    known = [
        (instrument, quote.ask)
        for instrument in market.instruments().values()
        if context.exchange.symbols is None or instrument.symbol in context.exchange.symbols
        if (quote := market.quote(instrument.symbol)) is not None
    ]
    rates = context.exchange.rates.last({instrument.quote for instrument, _ in known})
    return [
        (rate.at_most(sized.notional), instrument.symbol)
        for instrument, ask in known
        if isinstance(rate := rates[instrument.quote], Rate)
        for sized, _ in [size(Side.BUY, instrument, ask, Position(instrument.symbol), in_quote(limits, rate))]
    ]
