"""Exact decimal arithmetic for money, prices and quantities. Never a float."""

import re
from decimal import ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal, InvalidOperation

ZERO = Decimal(0)
HUNDRED = Decimal(100)

# Binance sends at most 8 decimals; a product of two such numbers has 16. Results of divisions and valuations are put on this
# grid, so that every later sum and difference is exact and fits its column.
GRID = Decimal("1e-16")

# 60 digits hold any product of two amounts that an exchange can name (20 integer digits, 20 decimals each).
EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)

# A size is rounded down only, or it might spend more than was asked.
_DOWN = Context(prec=60, rounding=ROUND_FLOOR)

_PLAIN_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_LONGEST_NUMBER = 60


def parse_decimal(text: str) -> Decimal:
    """Parses a number in ASCII digits; raises ValueError for anything else (NaN, infinity, `1_000`, 1e400)."""
    if len(text) > _LONGEST_NUMBER or not _PLAIN_NUMBER.fullmatch(text):
        raise ValueError("not a plain decimal number")
    try:
        number = Decimal(text)
    except InvalidOperation as error:  # an exponent beyond Decimal's range
        raise ValueError("not a plain decimal number") from error
    if number and not -30 <= number.adjusted() <= 30:
        raise ValueError("too large or too small to be an amount")
    return number


def multiply(a: Decimal, b: Decimal) -> Decimal:
    """Returns `a * b` without rounding."""
    return EXACT.multiply(a, b)


def on_grid(amount: Decimal) -> Decimal:
    """Returns `amount` on the 1e-16 grid, half to even; without trailing zeros."""
    number = EXACT.normalize(EXACT.quantize(amount, GRID))
    return number if number != number.to_integral_value() else EXACT.quantize(number, Decimal(1))


def divide(a: Decimal, b: Decimal) -> Decimal:
    """Returns `a / b` on the 1e-16 grid, half to even; without trailing zeros."""
    return on_grid(EXACT.divide(a, b))


def divide_down(a: Decimal, b: Decimal) -> Decimal:
    """Returns the largest amount on the 1e-16 grid of which `b` times makes no more than `a`; both above zero or `a` zero."""
    return _DOWN.quantize(_DOWN.divide(a, b), GRID)


def floor_to_step(amount: Decimal, step: Decimal) -> Decimal:
    """Returns the largest multiple of `step` that is not above `amount`; `amount` itself if `step` is 0 (Binance: "not
    checked")."""
    if step <= 0:
        return amount
    steps = EXACT.divide(amount, step).quantize(Decimal(1), rounding=ROUND_DOWN, context=EXACT)
    return EXACT.multiply(steps, step)


def ceil_to_step(amount: Decimal, step: Decimal) -> Decimal:
    """Returns the smallest multiple of `step` that is not below `amount` (0 or more); `amount` itself if `step` is 0."""
    below = floor_to_step(amount, step)
    return below if below == amount else EXACT.add(below, step)


def per_cent(part: Decimal, whole: Decimal) -> Decimal:
    """Returns `part` of `whole` in per cent; 0 if `whole` is 0."""
    return divide(multiply(part, HUNDRED), whole) if whole else ZERO


def plain(number: Decimal) -> str:
    """Writes the number in full, without exponent and trailing zeros: as exchanges accept and people read it."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def amount(value: Decimal) -> str:
    """Formats a quote amount for the reader: two decimals, or four significant digits below 1. Rounds down, so that what is too
    little never looks enough."""
    decimals = 2 if abs(value) >= 1 or not value else 3 - value.adjusted()
    return f"{value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_DOWN, context=EXACT):f}"
