"""Rules that are inferred from recorded orders round every recorded amount to itself."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.money import floor_to_step
from core.replay.rules import step_of


@pytest.mark.parametrize(
    ("amounts", "step"),
    [
        (("0.01", "0.5"), "0.01"),
        (("19.98", "20.00"), "0.01"),
        (("20", "100"), "1"),
        (("0.00000001",), "0.00000001"),
        (("0.0000000001",), "0.00000001"),
        ((), "0.00000001"),
    ],
)
def test_the_step_is_the_coarsest_that_fits(amounts: tuple[str, ...], step: str) -> None:
    assert step_of(Decimal(amount) for amount in amounts) == Decimal(step)


@given(st.lists(st.decimals("0.001", 10_000, places=6), min_size=1), st.integers(0, 6))
def test_what_was_rounded_to_a_step_is_so_again(wanted: list[Decimal], decimals: int) -> None:
    true_step = Decimal(1).scaleb(-decimals)
    recorded = [floor_to_step(amount, true_step) for amount in wanted]
    inferred = step_of(recorded)
    again = [floor_to_step(amount, inferred) for amount in wanted]
    assert [one for one, amount in zip(again, recorded, strict=True) if amount and one != amount] == []
