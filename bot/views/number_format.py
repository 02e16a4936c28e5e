"""Formats numbers for people: the one place that rounds and groups. Pure; its results are never computed with."""

from collections.abc import Callable, Collection, Sequence
from decimal import ROUND_HALF_UP, Decimal

from bot.texts.figures import Figure, grouped
from core.domain.money import EXACT
from core.domain.money import per_cent as exact_per_cent

_SIGNIFICANT = 6
_MOST_DECIMALS = 12
_ALIKE_DECIMALS = 4
_CENTS_FROM = Decimal("0.1")
_CENT_LIKE = 10  # from this price on two decimals say enough


def price(number: Decimal) -> Figure:
    """Formats a price in quote asset: six significant digits (but cents always), padded to four decimals below 10 and two above,
    so that prices of one symbol line up: 0.4805, 0.5220, 0.00001234, 97,123.45."""
    least = 4 if abs(number) < _CENT_LIKE else 2
    return _fixed(number, least=least, most=_decimals_for(number, _SIGNIFICANT, least=2))


def money(number: Decimal, *, signed: bool = False) -> Figure:
    """Formats an amount of quote asset: two decimals; below 0.1, four significant digits: 9.61, 0.82, 0.0123."""
    most = 2 if abs(number) >= _CENTS_FROM else _decimals_for(number, 4, least=2)
    text = _fixed(number, least=2, most=most)
    return _signed(text, number) if signed else text


def alike(amounts: Collection[Decimal]) -> Callable[[Decimal], Figure]:
    """Returns a format for the results of one list in one quote asset: each with its sign, and all with as many decimals as the
    finest of them needs, up to four; more only if the greatest is so small that it needs them."""
    needed = {amount: len(money(amount).partition(".")[2]) for amount in amounts if amount}
    greatest = needed[max(needed, key=abs)] if needed else 2
    decimals = max(min(max(needed.values(), default=2), _ALIKE_DECIMALS), greatest)

    def written(number: Decimal) -> Figure:
        text = _fixed(number, least=decimals, most=decimals)
        return _signed(text, number)

    return written


def quantity(number: Decimal) -> Figure:
    """Formats an amount of base asset, in full up to the 8 decimals that exchanges use."""
    return _fixed(number, least=0, most=8)


def per_cent(number: Decimal) -> Figure:
    """Formats a percentage with two decimals and a sign: +7.84%, -12.35%. Zero after rounding has no sign: 0.00%."""
    return _percentage(number, 2)


def alert_per_cent(number: Decimal) -> Figure:
    """Formats a percentage with one decimal and a sign, for the first lines of alerts: +7.8%."""
    return _percentage(number, 1)


def percent_of(part: Decimal, whole: Decimal) -> Figure:
    """Returns `part` of `whole`, both in the same asset, as a percentage with its sign."""
    return per_cent(exact_per_cent(part, whole))


def basis_points(number: Decimal) -> Figure:
    """Formats basis points with one decimal and a sign: +4.2, -0.5. Zero after rounding has no sign: 0.0."""
    return _signed(_fixed(number, least=1, most=1), number)


def share(number: Decimal) -> Figure:
    """Formats a share in per cent with two decimals and no sign: 0.10%, 12.50%."""
    return Figure(f"{_fixed(number, least=2, most=2)}%")


def aligned(numbers: Sequence[str]) -> list[str]:
    """Pads numbers to one width with their decimal points aligned, for monospaced type."""
    parts = [number.partition(".") for number in numbers]
    left = max((len(whole) for whole, _, _ in parts), default=0)
    right = max((len(point + decimals) for _, point, decimals in parts), default=0)
    return [f"{whole:>{left}}{point + decimals:<{right}}" for whole, point, decimals in parts]


def _decimals_for(number: Decimal, significant: int, *, least: int) -> int:
    decimals = significant - 1 - number.adjusted() if number else least
    return min(max(decimals, least), _MOST_DECIMALS)


def _fixed(number: Decimal, *, least: int, most: int) -> Figure:
    rounded = number.quantize(Decimal(1).scaleb(-most), rounding=ROUND_HALF_UP, context=EXACT)
    whole, _, decimals = format(rounded, "f").partition(".")
    decimals = decimals.rstrip("0").ljust(least, "0")
    text = grouped(f"{whole}.{decimals}" if decimals else whole)
    return Figure(text if text.strip("-0.") else text.lstrip("-"))


def _signed(text: Figure, number: Decimal) -> Figure:
    return Figure(f"+{text}") if number > 0 and text.strip("0.") else text


def _percentage(number: Decimal, decimals: int) -> Figure:
    return Figure(f"{_signed(_fixed(number, least=decimals, most=decimals), number)}%")
