"""Three toy strategies that publish records as they please: ladders, stops that follow, entries that wait. Not advice."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from random import Random
from typing import Any

from core.adapters.signals.codec import encode
from demo.market import INSTRUMENTS, SimulatedMarket
from tests.simulation.machine import Clock

_PAUSE = (60.0, 240.0)  # seconds between two records of a strategy


class Strategy:
    """Publishes an entry or an exit of one of its symbols at a time, drawn from `random`; it knows nothing of what became of
    them."""

    name = ""
    symbols: Sequence[str] = ()
    exits = 0.4
    """The part of its records that sell."""

    def __init__(
        self, market: SimulatedMarket, publish: Callable[[bytes, str], Awaitable[None]], clock: Clock, seed: int
    ) -> None:
        """Builds it; `publish` takes a record and its id."""
        self._market = market
        self._publish = publish
        self._clock = clock
        self._random = Random(f"{self.name} {seed}")
        self.published = 0

    async def run(self) -> None:
        """Publishes until it is cancelled."""
        while True:
            await self._clock.sleep(self._random.uniform(*_PAUSE))
            record = self._record(self._random.choice(self.symbols), is_exit=self._random.random() < self.exits)
            self.published += 1
            await self._publish(record, f"{self.name}-{self.published}")

    def _record(self, symbol: str, *, is_exit: bool) -> bytes:
        now = self._clock.now()
        quote = self._market.quote_at(symbol, now)
        kind, close = ("SELL_SM", quote.bid) if is_exit else ("BUY_SM", quote.ask)
        fields = self._exit(self._random) if is_exit else self._entry(self._random, symbol, close)
        return encode(signal_type=kind, close=close, symbol=symbol, ts=now, extra={"strategy": self.name, **fields})

    def _entry(self, random: Random, symbol: str, ask: Decimal) -> Mapping[str, Any]:
        """Returns the fields of an entry while the market asks `ask` (quote asset)."""
        raise NotImplementedError

    def _exit(self, random: Random) -> Mapping[str, Any]:
        """Returns the fields of an exit: some sell a part."""
        return {"position_pct": random.choice([25, 50])} if random.random() < 0.3 else {}


class Ladders(Strategy):
    """Buys at once, sells in up to four steps, moves its stop to breakeven, and gives a trade some minutes."""

    name = "ladders"
    symbols = ("WIFUSDC", "BTCUSDC", "DOGEUSDC")

    def _entry(self, random: Random, symbol: str, ask: Decimal) -> Mapping[str, Any]:
        rungs: Sequence[tuple[str, str]] = random.choice(
            [
                *[[("2", "100")]] * 2,
                [("1", "50"), ("3", "50")],
                [("0.7", "40"), ("1.5", "30"), ("3", "30")],
                [("1", "25"), ("2", "25")],  # half of it is left to the stop and the time
                [("0.5", "20"), ("1", "20"), ("1.5", "20"), ("2.5", "40")],
            ]
        )
        return {
            "stop_loss": f"{random.choice(['1.5', '3', '4'])}%",
            "take_profit": [{"pct": pct, "position_pct": share} for pct, share in rungs],
            **({"breakeven": {"after": random.choice(["target", "0.6"])}} if len(rungs) > 1 else {}),
            "time_limit": random.choice([60, 180, 900]),
        }


class Trails(Strategy):
    """Lets its stop follow the market, at once or once it has risen, and sells part of it at a target sometimes."""

    name = "trails"
    symbols = ("WIFUSDC", "ETHUSDC", "SOLUSDC")

    def _entry(self, random: Random, symbol: str, ask: Decimal) -> Mapping[str, Any]:
        trailing = {"pct": random.choice(["1", "2", "3"])}
        plan: dict[str, Any] = {"trailing": trailing}
        if random.random() < 0.5:
            trailing["activation_pct"] = random.choice(["0.4", "1"])
            plan["stop_loss"] = "4%"
        if random.random() < 0.4:
            plan["take_profit"] = [{"pct": "3", "position_pct": random.choice(["50", "100"])}]
        if random.random() < 0.3:
            plan["time_limit"] = 240
        return plan


class Waits(Strategy):
    """Bids below the market and waits, for a while, with a stop and a target; some plans have a stop alone."""

    name = "waits"
    symbols = ("BTCUSDC", "ETHUSDC", "WIFUSDC")

    def _entry(self, random: Random, symbol: str, ask: Decimal) -> Mapping[str, Any]:
        tick, below = INSTRUMENTS[symbol].tick_size, Decimal(random.choice(["0.9995", "0.998", "0.99"]))
        plan: dict[str, Any] = {"stop_loss": "3%"}
        if random.random() < 0.7:
            plan["take_profit"] = "2%"
        return {
            "order_type": random.choice(["LIMIT", "LIMIT", "LIMIT_MAKER"]),
            "limit_price": f"{(ask * below / tick).to_integral_value() * tick:f}",
            "expires_in": random.choice([5, 20, 120]),
            "on_timeout": random.choice(["cancel", "market", "reprice"]),
            **plan,
        }


ALL: Sequence[type[Strategy]] = (Ladders, Trails, Waits)
