"""The commission of a fill (faqs/commission_faq.md)."""

from decimal import ROUND_HALF_UP, Decimal

from tests.venue.filters import SymbolRules
from tests.venue.model import ZERO, Account
from tests.venue.state import State


def commission(
    state: State, account: Account, rules: SymbolRules, received: tuple[Decimal, str], price: Decimal, *, is_maker: bool
) -> tuple[Decimal, str]:
    """Returns the commission out of what is received; in BNB at the discounted rate if the account burns BNB and has enough.

    The FAQ's worked example rounds half up."""
    got, asset = received
    rate = account.rates.maker if is_maker else account.rates.taker
    if account.rates.bnb_burn:
        worth = got if asset == rules.quote else got * price
        bnb_price = price if rules.base == "BNB" else _bnb_price(state, rules.quote)
        if bnb_price:
            fee = _round(worth / bnb_price * rate * account.rates.bnb_multiplier, 8)
            if account.balance("BNB").free >= fee:
                return fee, "BNB"
    digits = rules.base_commission_precision if asset == rules.base else rules.quote_commission_precision
    return _round(got * rate, digits), asset


def _bnb_price(state: State, quote: str) -> Decimal:
    """Returns the price of 1 BNB in `quote`; 0 if unknown."""
    if quote == "BNB":
        return Decimal(1)
    listed = state.books.get(f"BNB{quote}")
    if listed is not None and listed.last:
        return listed.last
    return state.bnb_prices.get(quote, ZERO)


def _round(value: Decimal, digits: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
