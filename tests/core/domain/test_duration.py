"""Lengths of time are read at a glance: two units at most, no 356347 s."""

import pytest

from core.domain.duration import in_units
from core.domain.reasons import reason


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        ("0", "0 s"),
        ("0.5", "0.5 s"),
        ("59.4", "59.4 s"),
        ("60", "1 min"),
        ("61", "1 min 1 s"),
        ("3600", "1 h"),
        ("3661", "1 h 1 min"),
        ("86400", "1 d"),
        ("86460", "1 d"),
        ("356347", "4 d 2 h"),
        ("-5400", "-1 h 30 min"),
        ("+3", "+3 s"),
        ("+90", "+1 min 30 s"),
        ("?", "? s"),
        ("NaN", "NaN s"),
        ("Infinity", "Infinity s"),
    ],
)
def test_a_length_of_time_has_two_units_at_most(seconds: str, shown: str) -> None:
    assert in_units(seconds) == shown


def test_its_units_may_be_those_of_another_language() -> None:
    assert in_units("356347", ("д", "ч", "мин", "с")) == "4 д 2 ч"


def test_reasons_say_ages_and_waits_this_way() -> None:
    assert str(reason("expired", age=356347, limit=60)) == "the signal was 4 d 2 h old, the limit is 1 min"
