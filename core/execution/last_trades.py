"""Our own last trades: the exchange takes no list with a target at the last trade, which a target that has sold a part was."""

from decimal import Decimal

from core.domain.reasons import Reason
from core.domain.strategy_book import StrategyBook
from core.state.portfolio import Portfolio


class LastTrades:
    """Knows at which of our own last trades the exchange has refused a list. While it has not, others may have traded since."""

    def __init__(self, portfolio: Portfolio) -> None:
        self._portfolio = portfolio
        self._refused: dict[StrategyBook, Decimal] = {}

    def refused_at(self, book: StrategyBook) -> Decimal | None:
        """Returns the price (quote asset) above which the targets of `book` are to be placed; None if none was refused."""
        return self._refused.get(book)

    def explain(self, book: StrategyBook, why: Reason) -> bool:
        """Tells whether our own last trade explains that the exchange has refused a list for the reason `why`: then the next
        attempt goes above it. A second refusal is not explained by the same trade."""
        last = self._portfolio.last_prices.get(book.symbol)
        if why.code != "list_prices" or last is None or self._refused.get(book) == last:
            return False
        self._refused[book] = last
        return True

    def forget(self, book: StrategyBook) -> None:
        """Forgets the refusal, once all lists of the plan are placed."""
        self._refused.pop(book, None)
