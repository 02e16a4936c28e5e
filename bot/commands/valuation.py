"""Positions at current prices, and totals across assets. From memory."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal

from bot.commands.context import CommandContext
from bot.texts import Html, short
from bot.views.number_format import money
from bot.views.totals import total_lines
from core.domain.money import multiply
from core.policy.conversion_rates import Rate
from core.read_models import Performance


def unrealised(context: CommandContext) -> dict[str, Decimal]:
    """Returns the unrealised profit of open positions by quote asset; without those whose price is unknown."""
    found: defaultdict[str, Decimal] = defaultdict(Decimal)
    for position in context.portfolio.open_positions():
        priced = context.exchange.priced(position.symbol)
        if priced.price is not None:
            found[priced.quote_asset] += multiply(position.qty, priced.price) - position.cost
    return dict(found)


def together(context: CommandContext, results: Mapping[str, Decimal]) -> list[Html]:
    """Returns the total in the report asset of results by quote asset; nothing where there is no other asset among them."""
    if not set(results) - {context.exchange.rates.report}:
        return []
    total, lacking = context.exchange.rates.total(results)
    return total_lines(total if len(lacking) < len(results) else None, context.exchange.rates.report, lacking, context.texts)


def by_worth(context: CommandContext, found: Sequence[Performance]) -> list[Performance]:
    """Returns the most profitable first, by value in the report asset; those without a known rate last."""
    rates = context.exchange.rates.last({one.quote_asset for one in found})

    def worth(one: Performance) -> tuple[bool, Decimal]:
        rate = rates[one.quote_asset]
        return (True, rate.at_worst(one.profit)) if isinstance(rate, Rate) else (False, one.profit)

    return sorted(found, key=worth, reverse=True)


def performance_line(context: CommandContext, one: Performance, profit: str = "") -> Html:
    """Returns one symbol's or kind of signal's profit, number of exits and number of gains. `profit` is the amount as
    formatted for its list, if it is part of one."""
    return context.texts(
        "performance.line",
        mark="➕" if one.profit > 0 else "➖",
        name=short(one.name),
        profit=profit or money(one.profit, signed=True),
        quote=one.quote_asset,
        exits=one.exits,
        rate=round(100 * one.wins / one.exits) if one.exits else 0,
    )
