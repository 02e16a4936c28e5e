"""The fee that sizes and previews count with."""

from decimal import Decimal

TAKER_FEE = Decimal("0.001")  # Binance's standard fee, taken out of what is bought
