"""Steps of entries: which records bring them, and the promises about them."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from random import Random

from core.adapters.ledger import codec
from core.adapters.ledger.row import Row
from core.adapters.ledger.tables import control_tables, order_tables, result_tables, signal_tables
from core.domain.dca_step import StepPlace
from core.domain.messages import SignalReceived
from core.domain.money import ZERO
from core.domain.signal import STEP
from core.policy.entries.steps import BOUGHT
from tests.simulation.accidents import SET_BACK
from tests.simulation.books import Whose, book_of, book_of_order
from tests.simulation.evidence import Evidence, is_signal
from tests.simulation.sizes import entries_of

RESTS = {"ACCEPTED", "PARTIALLY_FILLED"}
_WITH_POSITION = {"entry_over", "entry_left"}
_DISTANCES = ("0.05", "0.1", "0.2", "0.3", "0.5", "0.9")


def come_with_steps(seed: int) -> bool:
    """Tells whether the records of a history bring steps, by its seed: half of those whose positions may have several entries."""
    return entries_of(seed) > 1 and Random(f"with steps {seed}").random() < 0.5


class Steps:
    """Draws the steps of a record."""

    def __init__(self, seed: int) -> None:
        self._random = Random(f"steps {seed}")
        self._most = entries_of(seed) - 1 if come_with_steps(seed) else 0

    @property
    def are_brought(self) -> bool:
        """Tells whether any record brings some."""
        return self._most > 0

    def of(self, side: str) -> Mapping[str, object]:
        """Returns the fields that a record has besides."""
        random = self._random
        if side.startswith("SELL") or not self._most or random.random() < 0.2:
            return {}
        distances = sorted(random.sample(_DISTANCES, random.randint(1, self._most)), key=float)
        sizes: list[Mapping[str, object]] = [{}, {"size_factor": "1.5"}, {"quote_quantity": 17}]
        return {"dca_steps": [{"pct": pct, **random.choice(sizes)} for pct in distances]}


def is_step(row: Row) -> bool:
    """Tells whether a row of the inbox is a step of an entry, or sells what one has bought too late."""
    return bool(row["source"] == STEP)


def ended_with_its_position(row: Row) -> bool:
    """Tells whether an order of the ledger is a step that was taken off because its position was closed: nobody is told."""
    return _place(row) is not None and row["reason_code"] in _WITH_POSITION


def resting_steps(seen: Evidence) -> list[Row]:
    """Returns the steps that rest, as the ledger has them."""
    return [row for row in seen.rows(order_tables.orders) if _place(row) is not None and row["state"] in RESTS]


def bought_by_resting(seen: Evidence) -> list[StepPlace]:
    """Returns the places of the steps that have bought a part and rest on: their executions are written at their ends."""
    bought = [_place(row) for row in resting_steps(seen) if row["executed_qty"]]
    return [place for place in bought if place is not None]


def names(seen: Evidence) -> set[str]:
    """Returns the client order ids of all steps."""
    return {row["client_order_id"] for row in seen.rows(order_tables.orders) if _place(row) is not None}


def before_lost(seen: Evidence, whose: Whose) -> set[str]:
    """Returns the steps whose orders were sent while the ledger had lost another entry of their book: the exchange has taken that
    before the step, and the ledger has written of it after the step only."""
    first: dict[str, int] = {}
    for row in sorted(seen.rows(order_tables.order_steps), key=lambda row: row["seq"]):
        first.setdefault(row["client_order_id"], row["seq"])
    bought = [order for order in seen.orders if order.side == "BUY" and order.executed_qty and order.client_order_id in first]
    known = names(seen)
    return {
        step.client_order_id
        for step in bought
        if step.client_order_id in known
        and any(
            order.order_id < step.order_id
            and order.symbol == step.symbol
            and whose.find(order) == whose.find(step)
            and first[order.client_order_id] > first[step.client_order_id]
            for order in bought
        )
    }


def _place(row: Row) -> StepPlace | None:
    signal = codec.signals.decode(row["signal"])
    return signal.step if signal.is_step else None


def _of_open_positions(seen: Evidence) -> Iterator[str]:
    """Checks that each step that rests at the end is one of the position that is open in its book."""
    opened = {book_of(row): row["opened_at"] for row in seen.rows(result_tables.positions) if row["is_open"]}
    for row in resting_steps(seen):
        place = _place(row)
        if place is not None and opened.get(book_of_order(row)) != place.opened_at:
            yield f"step {row['client_order_id']} rests, and its position is closed"


def _once(seen: Evidence) -> Iterator[str]:
    """Checks that each step of an entry is one signal and one order at most."""
    orders = Counter[tuple[str, int]]()
    for row in seen.rows(order_tables.orders):
        if (place := _place(row)) is not None:
            orders[place.entry_id, place.number] += 1
    for (entry, number), count in orders.items():
        if count > 1:
            yield f"step {number} of {entry} is {count} orders"


def _all_stored(seen: Evidence) -> Iterator[str]:
    """Checks that an entry that filled at once has all of its steps in the inbox: they were stored with its end. A ledger that
    was set back takes its order over, and may know no more what its record was."""
    if seen.accident == SET_BACK:
        return
    stored: dict[str, set[int]] = defaultdict(set)
    for row in filter(is_step, seen.rows(signal_tables.inbox)):
        body = codec.bodies.decode(row["body"])
        if isinstance(body, SignalReceived) and body.signal.is_step and body.signal.step is not None:
            stored[body.signal.step.entry_id].add(body.signal.step.number)
    for row in seen.signal_orders:
        signal, name = codec.signals.decode(row["signal"]), row["client_order_id"]
        if not signal.steps or signal.entry is not None or row["state"] != "FILLED":
            continue
        if len(stored[name]) != len(signal.steps):
            yield f"{len(stored[name])} of {len(signal.steps)} steps of entry {name} were stored"


def _not_kept(seen: Evidence) -> Iterator[str]:
    """Checks that no position is left that a step has opened, after that of its entry was closed."""
    steps = names(seen)
    leaving = {book_of(row) for row in seen.rows(control_tables.wanted_exits) if row["ended_at"] is None}
    for row in seen.rows(result_tables.positions):
        if row["is_open"] and row["entries"] == 1 and row["last_entry"] in steps and book_of(row) not in leaving:
            yield f"step {row['last_entry']} has opened a position in {row['symbol']}, and it is kept"


def _not_asked(seen: Evidence) -> Iterator[str]:
    """Checks that nobody is asked about a step, and that none becomes too old."""
    for row in filter(is_step, seen.rows(signal_tables.inbox)):
        if is_signal(row) and row["signal_type"] == BOUGHT and row["outcome"] in {"awaiting_approval", "expired"}:
            yield f"step {row['source_id']} is {row['outcome']}"


def locked(seen: Evidence, asset: str) -> Decimal:
    """Returns how much of a quote asset the steps that rest lock, by the ledger."""
    rows = [row for row in resting_steps(seen) if row["symbol"].endswith(asset)]
    return sum(((row["qty"] - row["executed_qty"]) * row["limit_price"] for row in rows), ZERO)


PROMISES = (_of_open_positions, _once, _all_stored, _not_kept, _not_asked)
