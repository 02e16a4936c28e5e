"""Amounts as people type them: what can be read has one meaning, and everything else is refused."""

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.arguments.amounts import UnreadAmount, typed_amount
from bot.commands.arguments.durations import with_units
from bot.commands.arguments.lookalikes import latin
from bot.commands.arguments.setting_values import read_value
from core.policy.risk.limits import MOST, SETTABLE_LIMITS, is_good

ASSETS = ("USDC", "WIF", "1000SATS", "KNC", "K", "H", "币安人生")
numbers = st.decimals(Decimal("0.0001"), Decimal(999_999), places=4)


@given(numbers, st.sampled_from(ASSETS), st.booleans())
def test_a_plain_number_with_its_asset_is_that_number(number: Decimal, asset: str, lower: bool) -> None:
    typed = typed_amount([f"{number:f}", asset.lower() if lower else asset])
    assert typed.number == number
    assert typed.is_in(asset)


@given(numbers.filter(lambda number: number != int(number)))
def test_a_comma_is_a_point_unless_three_digits_follow(number: Decimal) -> None:
    text = f"{number:f}".replace(".", ",")
    assert typed_amount([text]).number == number  # four decimals: never thousands


@pytest.mark.parametrize(
    ("words", "number", "unit"),
    [
        ("1k", 1000, ""),
        ("1,5k", 1500, ""),
        ("2К usdc", 2000, "USDC"),
        ("1,500.50", "1500.5", ""),
        ("1,000,000", 1_000_000, ""),
        ("0,500", "0.5", ""),
        ("5KNC", 5, "KNC"),
        ("20 K", 20, "K"),
        ("20 1000SATS", 20, "1000SATS"),
        ("$50", 50, "$"),
        ("50 %", 50, "%"),
        ("1,5 ВТС", "1.5", "BTC"),
    ],
)
def test_what_has_one_meaning_is_read(words: str, number: object, unit: str) -> None:
    typed = typed_amount(words.split())
    assert (typed.number, typed.unit) == (Decimal(str(number)), unit)


@pytest.mark.parametrize(
    "words",
    ["", "1,500", "12,345", "1.5.5", "1,5,5", "٣", "²", "1e5 e", "1_000", "-5", "0", "0,0", "$5 eur", "5 $ $", "k"],
)
def test_what_has_two_meanings_or_none_is_refused(words: str) -> None:
    with pytest.raises(UnreadAmount):
        typed_amount(words.split())


@given(st.lists(st.text(max_size=12), max_size=4))
def test_any_words_are_an_amount_above_zero_or_refused(words: list[str]) -> None:
    with suppress(UnreadAmount):
        assert 0 < typed_amount(words).number < MOST


@given(st.sampled_from(sorted(SETTABLE_LIMITS)), st.lists(st.text("0123456789.,:%$koff usdcmh-", max_size=9), max_size=3))
def test_a_value_that_is_read_is_valid_as_the_setting_is_written(name: str, words: list[str]) -> None:
    with suppress(UnreadAmount):
        assert is_good(name, read_value(name, words, "USDC"))


@given(st.sampled_from(sorted(SETTABLE_LIMITS)))
def test_a_value_as_the_setting_writes_it_stays(name: str) -> None:
    example = SETTABLE_LIMITS[name].example
    assert read_value(name, [example], "") == example


def test_units_are_joined_where_they_can_be_no_asset() -> None:
    assert with_units("pause", ["for", "2", "hours"]) == ["for", "2h"]
    assert with_units("buy", ["WIF", "20", "H", "stop", "5", "%"]) == ["WIF", "20", "H", "stop", "5%"]
    assert with_units("why", ["5", "%"]) == ["5", "%"]


@pytest.mark.parametrize(("typed", "meant"), [("ВТС", "BTC"), ("сол", "СОЛ"), ("eтн", "ETH"), ("wif", "WIF"), ("я", "Я")])
def test_only_letters_that_all_look_latin_are_taken_for_it(typed: str, meant: str) -> None:
    assert latin(typed) == meant


@pytest.mark.parametrize(
    ("name", "words"), [("MAX_OPEN_POSITIONS", "1 2"), ("MAX_ORDER_NOTIONAL", "1 500"), ("APPROVAL_TTL", "1 20 m")]
)
def test_two_numbers_are_never_joined(name: str, words: str) -> None:
    with pytest.raises(UnreadAmount):
        read_value(name, words.split(), "USDC")
