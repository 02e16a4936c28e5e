"""The states of an order and its legal moves, in one table."""

from enum import StrEnum

from core.domain.errors import IllegalTransition


class OrderState(StrEnum):
    """The states of an order. Denied by us, rejected by the venue, declined by the owner are three different things."""

    DENIED = "DENIED"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    DECLINED = "DECLINED"
    SUBMITTED = "SUBMITTED"
    UNKNOWN = "UNKNOWN"
    ACCEPTED = "ACCEPTED"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    CANCEL_SUBMITTED = "CANCEL_SUBMITTED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"

    @property
    def in_flight(self) -> bool:
        """Tells whether it is committed, maybe sent, not yet at its end: start-up must find out about these."""
        return self in _IN_FLIGHT

    @property
    def final(self) -> bool:
        return not MOVES[self]


_S = OrderState


_SETTLED = frozenset({_S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELED, _S.EXPIRED})


MOVES: dict[OrderState, frozenset[OrderState]] = {
    _S.AWAITING_APPROVAL: frozenset({_S.SUBMITTED, _S.DECLINED, _S.DENIED, _S.EXPIRED, _S.CANCELED}),
    _S.SUBMITTED: frozenset({_S.UNKNOWN, _S.ACCEPTED, _S.REJECTED, _S.DENIED}) | _SETTLED,
    _S.UNKNOWN: frozenset({_S.SUBMITTED, _S.ACCEPTED, _S.REJECTED, _S.DENIED}) | _SETTLED,
    _S.ACCEPTED: _SETTLED | {_S.REJECTED, _S.CANCEL_SUBMITTED},
    _S.PARTIALLY_FILLED: frozenset({_S.FILLED, _S.CANCELED, _S.EXPIRED, _S.CANCEL_SUBMITTED}),
    _S.CANCEL_SUBMITTED: frozenset({_S.FILLED, _S.CANCELED, _S.EXPIRED}),  # the exchange's report decides the race
    _S.DENIED: frozenset(),
    _S.DECLINED: frozenset(),
    _S.FILLED: frozenset(),
    _S.CANCELED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.EXPIRED: frozenset(),
}


_IN_FLIGHT = frozenset({_S.SUBMITTED, _S.UNKNOWN, _S.ACCEPTED, _S.PARTIALLY_FILLED, _S.CANCEL_SUBMITTED})


def check_move(old: OrderState, new: OrderState) -> None:
    """Raises IllegalTransition unless an order may go from `old` to `new`. Staying is always legal."""
    if new is not old and new not in MOVES[old]:
        raise IllegalTransition(f"an order cannot go from {old} to {new}")
