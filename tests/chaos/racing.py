"""Begins and ends the rounds of a race, and counts who has won."""

from collections import Counter
from decimal import Decimal

from sqlalchemy import select

from core.adapters.ledger.tables import result_tables
from core.domain.plan_leg import LegKind
from tests.chaos.brackets import legs_of, until
from tests.chaos.harness import SYMBOLS, Chaos
from tests.chaos.test_kills import KILLS

ROUNDS = 12 if KILLS > 10 else 3
"""For each of four symbols."""
STEP_WITHIN = 30.0
"""Seconds for each step of a round."""
DOWN, UP = Decimal("0.99"), Decimal("1.011")
"""Times the price at the start: beyond the stop, and beyond the target."""


async def start(world: Chaos, rules: str) -> None:
    """Starts the program on symbols with the exchange's rules of a year."""
    for symbol in SYMBOLS if rules == "2026" else ():
        world.venue.modernize(symbol)
    await world.program.start()


async def enter(world: Chaos, symbol: str, number: int, legs: int = 2) -> None:
    """Buys, and waits until so many orders of the plan rest."""
    world.venue.set_price(symbol, SYMBOLS[symbol])
    await world.say(symbol, "BUY_SM", f"in-{symbol}-{number}")
    await until(lambda: len(legs_of(world, symbol)) == legs, STEP_WITHIN, f"a bracket in {symbol}, round {number}")


def has_stop(world: Chaos, symbol: str) -> bool:
    """Tells whether a stop rests."""
    return bool(legs_of(world, symbol, LegKind.STOP))


async def is_over(world: Chaos, symbol: str) -> bool:
    """Tells whether nothing is held or rests any more, as far as exchange and ledger know."""
    positions = result_tables.positions
    open_ones = await world.reader.read(select(positions.c.symbol).where(positions.c.symbol == symbol, positions.c.is_open))
    return not legs_of(world, symbol) and not open_ones


def sellers(world: Chaos) -> str:
    """Summarises which orders sold."""
    sold = Counter(
        {"S": "a stop", "T": "a target", "X": "MarketFlow itself"}.get(order.client_order_id[32:33], "the SELL")
        for order in world.venue.orders
        if order.side == "SELL" and order.executed_qty
    )
    return ", ".join(f"{number} x {who}" for who, number in sorted(sold.items()))
