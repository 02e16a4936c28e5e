"""Replacing what rests for a plan, one share after the other: what is to be taken off, and what is placed then. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from core.domain.money import ZERO
from core.domain.order import Order
from core.policy.exits.bracket_check import Bracket
from core.policy.exits.protection import bound


@dataclass(frozen=True, slots=True)
class Move:
    """One share of a position: the orders that are taken off (none if it has lost them), and the `part` of the plan that is
    placed then (None if the plan has none for it any more)."""

    off: tuple[Order, ...]
    part: Bracket | None


def moves_of(parts: Iterable[Bracket], resting: Iterable[Order], held: Decimal) -> list[Move]:
    """Returns how `parts` take the place of the `resting` orders of a position of `held` (base asset), share by share.

    What the plan has no part for any more is taken off first, and then a share without orders is placed if it is free. Then come
    those that shrink: what they leave is free for those that grow, so that no part is ever larger than what no order binds.
    """
    wanted, lists = {part.number: part for part in parts}, defaultdict[int, list[Order]](list)
    for order in resting:
        lists[order.leg.number if order.leg is not None else 0].append(order)
    free = held - bound(order for some in lists.values() for order in some)
    growth = {number: _qty(wanted.get(number)) - bound(lists.get(number, ())) for number in wanted.keys() | lists.keys()}
    first: list[int] = []
    for number in sorted(wanted.keys() - lists.keys()):
        if growth[number] <= free:
            first.append(number)
            free -= growth[number]
    rest = sorted(wanted.keys() - set(first), key=lambda number: (growth[number], number))
    over = sorted(lists.keys() - wanted.keys())
    return [Move(tuple(lists.get(number, ())), wanted.get(number)) for number in (*over, *first, *rest)]


def _qty(part: Bracket | None) -> Decimal:
    return ZERO if part is None else part.qty
