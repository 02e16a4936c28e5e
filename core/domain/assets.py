"""What is known of assets by their names alone."""

DOLLARS = frozenset({"USDC", "USDT", "FDUSD", "TUSD", "USDP", "BUSD", "USD1", "USDE", "RLUSD", "BFUSD", "XUSD", "DAI"}) | {
    "USD",
    "U",
}
EUROS = frozenset({"EUR", "EURI", "AEUR"})

FEE_COIN = "BNB"
"""What Binance takes the fee of any order out of, whatever it trades, where the account has chosen so."""

_OTHER_QUOTES = frozenset(
    {"BTC", "ETH", "BNB", "SOL", "XRP", "TRX", "DOGE", "DOT", "TRY", "BRL", "JPY", "GBP", "AUD", "RUB", "UAH", "NGN", "ZAR"}
    | {"PLN", "RON", "ARS", "MXN", "COP", "CZK", "IDR", "IDRT", "BIDR", "BKRW", "BVND", "BRZ", "NGNT", "VAI", "UST", "USDS"}
)
"""What else Binance prices, or has priced, symbols in."""

_LEADING = frozenset(
    {"BTC", "ETH", "BNB", "SOL", "XRP", "ADA", "DOGE", "TRX", "DOT", "LTC", "BCH", "LINK", "AVAX", "SHIB", "PEPE"}
    | {"EUR", "USDT", "USDC", "FDUSD"}
)
"""Priced in the rarer quotes too, such as TUSD and AEUR."""

# The longest first: BTCUSDT is priced in USDT; nothing there is priced in T.
_QUOTES = sorted(DOLLARS | EUROS | _OTHER_QUOTES, key=lambda asset: (-len(asset), asset))


def is_dollar_or_euro(asset: str) -> bool:
    """Whether an amount of it says something to everybody: a thousand of it is about a thousand dollars."""
    return asset in DOLLARS or asset in EUROS


def quote_of(symbol: str) -> str | None:
    """The asset that a symbol is priced in, by its name; None where none of those that the exchange prices in ends it.

    A letter may end the base or begin a rare quote (ADA/EUR, AD/AEUR). It ends the base, save where a leading coin stands before
    it: DOTUSD is priced in USD, BTCTUSD in TUSD.
    """
    ends = [asset for asset in _QUOTES if symbol.endswith(asset) and symbol != asset]
    for longer in ends:
        if longer[1:] not in ends or symbol.removesuffix(longer) in _LEADING:
            return longer
    return None
