"""Exact decimals: parsing, rounding and printing keep the value."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.money import EXACT, GRID, divide, floor_to_step, multiply, parse_decimal, per_cent, plain

amounts = st.decimals(min_value=0, max_value=10**12, places=8, allow_nan=False, allow_infinity=False)
some = amounts.filter(bool)
steps = st.sampled_from([Decimal(1).scaleb(-places) for places in range(9)] + [Decimal(10), Decimal("0.00500000")])


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=8))
def test_a_number_written_in_full_is_read_as_itself(number: Decimal) -> None:
    assert parse_decimal(plain(number)) == number


@given(st.text(max_size=80))
def test_any_text_is_a_number_of_sane_size_or_refused(text: str) -> None:
    try:
        number = parse_decimal(text)
    except ValueError:
        return
    assert number.is_finite()
    assert abs(number) < Decimal("1e31")
    assert text.isascii()


@pytest.mark.parametrize(
    ("text", "number"), [("0.4801", "0.4801"), ("+5", "5"), (".5", "0.5"), ("5.", "5"), ("1e-8", "0.00000001")]
)
def test_what_is_read(text: str, number: str) -> None:
    assert parse_decimal(text) == Decimal(number)


@pytest.mark.parametrize(
    "text",
    [
        *("", " 1", "1 ", "1\n", "1,5", "1_000", "0x10", "--1", "1e", ".", "٣"),
        *("NaN", "sNaN", "Infinity", "-inf"),
        *("1e400", "1e-400", "1e9999999999", "1e31", "1e-31", "9" * 61),
    ],
)
def test_what_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a plain decimal number|too large or too small"):
        parse_decimal(text)


@given(amounts, steps)
def test_a_floor_is_the_largest_multiple_not_above(amount: Decimal, step: Decimal) -> None:
    floored = floor_to_step(amount, step)
    assert floored <= amount < EXACT.add(floored, step)
    assert EXACT.remainder(floored, step) == 0
    assert floor_to_step(floored, step) == floored


@given(amounts)
def test_a_step_of_zero_is_no_rule(amount: Decimal) -> None:
    assert floor_to_step(amount, Decimal("0.00000000")) == amount


@given(amounts, some)
def test_a_product_is_undone_by_division(a: Decimal, b: Decimal) -> None:
    assert divide(multiply(a, b), b) == a


@given(amounts, some)
def test_a_quotient_is_on_the_grid_and_as_near_as_that_allows(a: Decimal, b: Decimal) -> None:
    quotient = divide(a, b)
    assert EXACT.remainder(quotient, GRID) == 0
    assert abs(EXACT.subtract(multiply(quotient, b), a)) <= multiply(b, GRID / 2)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1E-8", "0.00000001"),
        ("1E+3", "1000"),
        ("20.000", "20"),
        ("-0.00", "0"),
        ("0E+5", "0"),
        ("-1.50", "-1.5"),
        ("100", "100"),
    ],
)
def test_a_number_in_full(number: str, text: str) -> None:
    assert plain(Decimal(number)) == text


def test_per_cent_of_nothing_is_nothing() -> None:
    assert per_cent(Decimal(5), Decimal(0)) == 0
    assert per_cent(Decimal(1), Decimal(8)) == Decimal("12.5")
