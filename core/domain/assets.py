"""Facts about assets that follow from their names alone."""

DOLLARS = frozenset({"USDC", "USDT", "FDUSD", "TUSD", "USDP", "BUSD", "USD1", "USDE", "RLUSD", "BFUSD", "XUSD", "DAI"}) | {
    "USD",
    "U",
}
EUROS = frozenset({"EUR", "EURI", "AEUR"})

FEE_COIN = "BNB"
"""The asset in which Binance charges the fee of any order, whatever it trades, if the account has chosen so."""

_OTHER_QUOTES = frozenset(
    {"BTC", "ETH", "BNB", "SOL", "XRP", "TRX", "DOGE", "DOT", "TRY", "BRL", "JPY", "GBP", "AUD", "RUB", "UAH", "NGN", "ZAR"}
    | {"PLN", "RON", "ARS", "MXN", "COP", "CZK", "IDR", "IDRT", "BIDR", "BKRW", "BVND", "BRZ", "NGNT", "VAI", "UST", "USDS"}
)
"""The other assets that Binance prices, or has priced, symbols in."""

_LEADING = frozenset(
    {"BTC", "ETH", "BNB", "SOL", "XRP", "ADA", "DOGE", "TRX", "DOT", "LTC", "BCH", "LINK", "AVAX", "SHIB", "PEPE"}
    | {"EUR", "USDT", "USDC", "FDUSD"}
)
"""Assets priced in the rarer quotes too, such as TUSD and AEUR."""

# Longest first: BTCUSDT is priced in USDT; nothing there is priced in T.
_QUOTES = sorted(DOLLARS | EUROS | _OTHER_QUOTES, key=lambda asset: (-len(asset), asset))


def is_dollar_or_euro(asset: str) -> bool:
    """Tells whether everybody can judge an amount of it: a thousand of it is about a thousand dollars."""
    return asset in DOLLARS or asset in EUROS


def base_of(symbol: str) -> str:
    """Returns the asset that a symbol trades, by its name; the name itself where it does not tell."""
    return symbol.removesuffix(quote_of(symbol) or "")


def quote_of(symbol: str) -> str | None:
    """Returns the asset that a symbol is priced in, by its name; None if it ends in none of the exchange's quote assets.

    A letter may end the base or begin a rare quote (ADA/EUR, AD/AEUR). It ends the base, unless a leading coin stands before
    it: DOTUSD is priced in USD, BTCTUSD in TUSD.
    """
    ends = [asset for asset in _QUOTES if symbol.endswith(asset) and symbol != asset]
    for longer in ends:
        if longer[1:] not in ends or symbol.removesuffix(longer) in _LEADING:
            return longer
    return None
