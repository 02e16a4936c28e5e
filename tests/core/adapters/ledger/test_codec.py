"""Values of a union as text: each kind by itself, and nothing of an unknown kind."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from core.adapters.ledger import codec
from core.domain.messages import SignalReceived
from core.domain.signal import Signal

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def received(**extra: object) -> SignalReceived:
    return SignalReceived(Signal("kafka:t", "one", "BUY_SM", "WIFUSDC", Decimal("0.4801"), NOON, extra=extra))


def test_a_value_is_read_as_it_was_written() -> None:
    body = received(note="\N{ROCKET}", amount="1.50")
    text = codec.bodies.encode(body)
    assert codec.bodies.decode(text) == body
    assert json.loads(text)["kind"] == "signal"


def test_what_is_nested_as_deep_as_can_be_written_is_read() -> None:
    deep: object = 1
    for _ in range(230):
        deep = [deep]
    body = received(deep=deep)
    assert codec.bodies.decode(codec.bodies.encode(body)) == body


@pytest.mark.parametrize("text", ['{"kind": "nobody knows"}', '{"kind": ["signal"]}', "{}", "[]", "null", "no JSON", ""])
def test_what_is_of_no_known_kind_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        codec.bodies.decode(text)


def test_a_kind_is_not_taken_for_another() -> None:
    with pytest.raises(ValueError, match="kind"):
        codec.events.decode(codec.bodies.encode(received()))
