"""The asset that a symbol is priced in, derived from its name."""

import pytest

from core.domain.assets import quote_of


@pytest.mark.parametrize(
    ("symbol", "quote"),
    [
        *(
            ("WIFUSDC", "USDC"),
            ("BTCUSDT", "USDT"),
            ("WIFFDUSD", "FDUSD"),
            ("WIFEUR", "EUR"),
            ("ETHBTC", "BTC"),
            ("WIFTRY", "TRY"),
        ),
        # The letter between is the base's ...
        *(("ADAEUR", "EUR"), ("GALAEUR", "EUR"), ("BNBUSD", "USD"), ("DOTUSD", "USD"), ("AVAXUSD", "USD"), ("BNBEUR", "EUR")),
        *(("TRXUSD", "USD"), ("ARBUSD", "USD"), ("USDTUSD", "USD"), ("BNBIDR", "IDR")),
        # ... unless it follows a coin that is priced in nearly everything.
        *(("BTCTUSD", "TUSD"), ("BNBBUSD", "BUSD"), ("ETHAEUR", "AEUR"), ("EURAEUR", "AEUR"), ("BTCBIDR", "BIDR")),
        *(("WIFXYZ", None), ("EUR", None), ("", None), ("TUSD", "USD")),
    ],
)
def test_the_quote_of_a_symbol(symbol: str, quote: str | None) -> None:
    assert quote_of(symbol) == quote
