"""Formats numbers for people: the one place that rounds and groups. Pure; its results are never computed with."""

from collections.abc import Callable, Collection, Sequence
from decimal import ROUND_HALF_UP, Decimal

from core.domain.money import EXACT
from core.domain.money import per_cent as exact_per_cent

NARROW_SPACE = "\u202f"  # a thin space at which a line never breaks
_GROUPED_FROM = 5  # digits before the point; four read well as they are
_SIGNIFICANT = 6
_MOST_DECIMALS = 12
_ALIKE_DECIMALS = 4
_CENT_LIKE = 10  # from this price on two decimals say enough


def price(number: Decimal) -> str:
    """A price in quote asset: six significant digits (but cents always), padded to four decimals below 10 and two above, so that
    prices of one symbol stand under each other: 0.4805, 0.5220, 0.00001234, 97 123.45."""
    least = 4 if abs(number) < _CENT_LIKE else 2
    return _fixed(number, least=least, most=_decimals_for(number, _SIGNIFICANT, least=2))


def money(number: Decimal, *, signed: bool = False) -> str:
    """An amount of quote asset: cents, and below 1 as many decimals as four significant digits take: 9.61, 0.0123."""
    most = 2 if abs(number) >= 1 else _decimals_for(number, 4, least=2)
    text = _fixed(number, least=2, most=most)
    return f"+{text}" if signed and number > 0 else text


def alike(amounts: Collection[Decimal]) -> Callable[[Decimal], str]:
    """Returns a format for the results of one list in one quote asset: each with its sign, and all with as many decimals as the
    finest of them needs, up to four; more only if the greatest is so small that it needs them."""
    needed = {amount: len(money(amount).partition(".")[2]) for amount in amounts if amount}
    greatest = needed[max(needed, key=abs)] if needed else 2
    decimals = max(min(max(needed.values(), default=2), _ALIKE_DECIMALS), greatest)

    def written(number: Decimal) -> str:
        text = _fixed(number, least=decimals, most=decimals)
        return f"+{text}" if number > 0 else text

    return written


def quantity(number: Decimal) -> str:
    """An amount of base asset: in full up to 8 decimals, as exchanges have it."""
    return _fixed(number, least=0, most=8)


def per_cent(number: Decimal) -> str:
    """One decimal and always a sign, that of the true number, so that no loss is ever shown as a gain: +7.8%, -0.0%."""
    text = _fixed(abs(number), least=1, most=1)
    return f"{'-' if number < 0 else '+'}{text}%"


def percent_of(part: Decimal, whole: Decimal) -> str:
    """Returns `part` of `whole`, both in the same asset, as a percentage with its sign."""
    return per_cent(exact_per_cent(part, whole))


def distance(number: Decimal) -> str:
    """Formats the distance between two prices in per cent: two decimals and a sign: +0.10%, -1.25%."""
    text = _fixed(abs(number), least=2, most=2)
    return f"{'-' if number < 0 else '+'}{text}%"


def share(number: Decimal) -> str:
    """A part of a whole in per cent, without a sign: 0.1%, 12.5%."""
    return f"{_fixed(number, least=1, most=1)}%"


def aligned(numbers: Sequence[str]) -> list[str]:
    """Numbers one under the other, equally wide, point under point; for type of one width."""
    parts = [number.partition(".") for number in numbers]
    left = max((len(whole) for whole, _, _ in parts), default=0)
    right = max((len(point + decimals) for _, point, decimals in parts), default=0)
    return [f"{whole:>{left}}{point + decimals:<{right}}" for whole, point, decimals in parts]


def _decimals_for(number: Decimal, significant: int, *, least: int) -> int:
    decimals = significant - 1 - number.adjusted() if number else least
    return min(max(decimals, least), _MOST_DECIMALS)


def _fixed(number: Decimal, *, least: int, most: int) -> str:
    rounded = number.quantize(Decimal(1).scaleb(-most), rounding=ROUND_HALF_UP, context=EXACT)
    whole, _, decimals = format(rounded, "f").partition(".")
    decimals = decimals.rstrip("0").ljust(least, "0")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    if not digits.strip("0") and not decimals.strip("0"):
        sign = ""
    if len(digits) >= _GROUPED_FROM:
        digits = f"{int(digits):,}".replace(",", NARROW_SPACE)
    return f"{sign}{digits}.{decimals}" if decimals else f"{sign}{digits}"
