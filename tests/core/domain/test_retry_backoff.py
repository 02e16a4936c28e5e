"""Pauses grow by their factor up to the longest, and no number of failures breaks them."""

from hypothesis import given
from hypothesis import strategies as st

from core.domain.retry_backoff import RetryBackoff


def test_pauses_double_up_to_the_longest() -> None:
    assert [RetryBackoff(0.25, 5.0).after(failures) for failures in range(1, 8)] == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


def test_the_factor_can_be_another() -> None:
    assert [RetryBackoff(5.0, 120.0, factor=4.0).after(failures) for failures in range(1, 5)] == [5.0, 20.0, 80.0, 120.0]


@given(st.integers(1, 10**9))
def test_the_next_pause_is_that_of_one_more_failure(failures: int) -> None:
    backoff = RetryBackoff(0.5, 30.0)
    assert backoff.longer(backoff.after(failures)) == backoff.after(failures + 1)


def test_a_pause_that_a_server_asked_for_does_not_last() -> None:
    assert RetryBackoff(0.1, 5.0).longer(120.0) == 5.0
