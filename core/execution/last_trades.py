"""Our own last trades: the exchange takes no list with a target at the last trade, which a target that has sold a part was."""

from collections.abc import Sequence
from decimal import Decimal

from core.domain.instrument import Instrument
from core.domain.order import Order
from core.domain.plan_leg import LegKind
from core.domain.reasons import Reason
from core.domain.strategy_book import StrategyBook
from core.policy.exits.bracket import is_at_last
from core.state.portfolio import Portfolio


class LastTrades:
    """Knows at which of our own last trades the exchange has refused a list. While it has not, others may have traded since."""

    def __init__(self, portfolio: Portfolio) -> None:
        self._portfolio = portfolio
        self._refused: dict[StrategyBook, Decimal] = {}

    def refused_at(self, book: StrategyBook) -> Decimal | None:
        """Returns the price (quote asset) above which the targets of `book` are to be placed; None if none was refused."""
        return self._refused.get(book)

    def explain(self, legs: Sequence[Order], why: Reason, instrument: Instrument | None) -> bool:
        """Tells whether our own last trade explains that the exchange has refused the list of `legs` for the reason `why`: then
        the next attempt goes above it. A second refusal is not explained by the same trade."""
        book, last = legs[0].book, self._portfolio.last_prices.get(legs[0].symbol)
        if why.code != "list_prices" or last is None or instrument is None or self._refused.get(book) == last:
            return False
        targets = [leg.terms.limit_price for leg in legs if leg.leg is not None and leg.leg.kind is LegKind.TARGET]
        if not any(price is not None and is_at_last(price, last, instrument) for price in targets):
            return False
        self._refused[book] = last
        return True

    def forget(self, book: StrategyBook) -> None:
        """Forgets the refusal, once all lists of the plan are placed."""
        self._refused.pop(book, None)
