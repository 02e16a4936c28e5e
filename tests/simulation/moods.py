"""Changes by the exchange and the owner while the program runs: a symbol's rules, and the free balance of a coin."""

from decimal import Decimal
from random import Random

from tests.venue.venue import Venue

_STEPS = {"WIFUSDC": "1", "WIFUSDT": "1", "DOGEUSDT": "10", "SOLUSDT": "0.01"}
_LITTLE = {"WIFUSDC": "15", "WIFUSDT": "15", "DOGEUSDT": "80", "SOLUSDT": "0.05"}  # of what an entry of 20 buys


class Moods:
    """Draws changes; `calm` reverts everything."""

    def __init__(self, venue: Venue, random: Random) -> None:
        self._venue = venue
        self._random = random
        self._rules = dict(venue.exchange.symbols)
        self._bound: dict[str, Decimal] = {}

    def new_rules(self, on: bool) -> None:
        """Sets a coarser step, a smaller largest order, or a halt."""
        self._venue.exchange.symbols.update(self._rules)
        if not on:
            return
        symbol = self._random.choice(sorted(_STEPS))
        step = {"step_size": _STEPS[symbol], "min_qty": _STEPS[symbol]}
        changes = self._random.choice([step, step, {"market_max_qty": _LITTLE[symbol]}, {"status": "BREAK"}])
        self._venue.edit_symbol(symbol, **changes)

    def coins_bound(self, on: bool) -> None:
        """Places an order of the owner's own, which locks a part of the balance."""
        for asset, amount in self._bound.items():
            balance = self._venue.account.balance(asset)
            balance.free, balance.locked = balance.free + amount, balance.locked - amount
        self._bound.clear()
        if not on:
            return
        asset = self._random.choice(["WIF", "DOGE", "SOL"])
        balance = self._venue.account.balance(asset)
        self._bound[asset] = amount = (balance.free / 3).quantize(Decimal("1e-8"))
        balance.free, balance.locked = balance.free - amount, balance.locked + amount

    def calm(self) -> None:
        self.new_rules(on=False)
        self.coins_bound(on=False)
