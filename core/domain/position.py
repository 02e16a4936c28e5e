"""Positions, closed trades, and the row that records an execution."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from core.domain.money import ZERO, divide
from core.domain.signal import Side
from core.domain.strategy_book import DEFAULT_STRATEGY, StrategyBook


@dataclass(frozen=True, slots=True)
class Position:
    """The net holding of a strategy in a symbol.

    `qty` is the amount held in base asset, after fees. `cost` is its cost in quote asset, fees included; `value` is the same
    holding at its fill prices without fees. `is_open` goes by quantity, never by current value: it is False for dust, which no
    order may ask for, and for the rest of a sale that was worth less than an order at the sale's own price. Both stay in the
    ledger with their cost and join the next entry. The `trip_*` sums are of the current round trip, in quote asset (`trip_sold`
    in base asset). `entries` counts the entries that have bought in it, and `last_entry` is the id of the one that was booked
    last.
    """

    symbol: str
    qty: Decimal = ZERO
    cost: Decimal = ZERO
    value: Decimal = ZERO
    is_open: bool = False
    opened_at: datetime | None = None
    trip_sold: Decimal = ZERO
    trip_cost: Decimal = ZERO
    trip_proceeds: Decimal = ZERO
    trip_gross: Decimal = ZERO
    strategy: str = DEFAULT_STRATEGY
    entries: int = 0
    last_entry: str = field(default="", compare=False)

    @classmethod
    def empty(cls, book: StrategyBook) -> "Position":
        """Returns the position of a book that holds nothing."""
        return cls(book.symbol, strategy=book.strategy)

    @property
    def book(self) -> StrategyBook:
        """Returns the book that it belongs to."""
        return StrategyBook(self.symbol, self.strategy)

    @property
    def average_cost(self) -> Decimal:
        """Returns the average cost per unit in quote asset, fees included; 0 if nothing is held."""
        return divide(self.cost, self.qty) if self.qty else ZERO

    @property
    def average_price(self) -> Decimal:
        """Returns the average price per unit that was paid, in quote asset, without fees; 0 if nothing is held."""
        return divide(self.value, self.qty) if self.qty else ZERO

    @property
    def entry_count(self) -> int:
        """Returns how many entries have bought it: one that an earlier version has booked counts as one."""
        return max(self.entries, 1) if self.is_open else 0


@dataclass(frozen=True, slots=True)
class Trade:
    """A closed round trip. `qty` in base asset; `entry_cost`, `proceeds`, `profit` (net) and `gross` in quote asset;
    `profit_pct` in per cent of the cost."""

    trade_id: str
    symbol: str
    opened_at: datetime
    closed_at: datetime
    qty: Decimal
    entry_cost: Decimal
    proceeds: Decimal
    profit: Decimal
    profit_pct: Decimal
    gross: Decimal
    quote_asset: str
    trading_mode: str
    strategy: str = DEFAULT_STRATEGY


class Role(StrEnum):
    """The role of an order in its trade. EXIT is by a signal or a person, the others that sell by the plan of the position."""

    ENTRY = "entry"
    STOP = "stop"
    TARGET = "target"
    TIME_LIMIT = "time_limit"
    EXIT = "exit"


@dataclass(frozen=True, slots=True)
class Execution:
    """One row per executed order: the `executions` table. `profit_*` are None on entries; `fee` is in `fee_asset`;
    `profit_quote` and `gross_quote` in quote asset, net and before commissions. `strategy` is that of its signal, and of an order
    that a plan made that of the plan. `plan_id` names the plan that the position had, None if it had none. `signal_price` is the
    price that the order was wanted at, `arrival_price` the middle of the market when it was decided (both quote asset),
    `asked_qty` what it asked for (base asset) and `fee_quote` its whole fee in quote asset; each is None where it is not known,
    as in rows of earlier versions."""

    execution_id: str
    symbol: str
    executed_at: datetime
    side: Side
    qty: Decimal
    price: Decimal
    profit_pct: Decimal | None
    signal_type: str
    signal_id: str
    client_order_id: str
    order_id: str
    quote_qty: Decimal
    fee: Decimal
    fee_asset: str
    profit_quote: Decimal | None
    gross_quote: Decimal | None
    base_asset: str
    quote_asset: str
    trading_mode: str
    strategy: str = DEFAULT_STRATEGY  # the defaults are for alerts that an earlier version stored
    role: Role = Role.EXIT
    plan_id: str | None = None
    signal_price: Decimal | None = None
    arrival_price: Decimal | None = None
    asked_qty: Decimal | None = None
    fee_quote: Decimal | None = None
