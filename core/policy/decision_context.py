"""The snapshot that a decision is made from, and the limits that the owner has set."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from core.domain.approval import Approval
from core.domain.instrument import Instrument, Quote
from core.domain.position import Position
from core.domain.reasons import Reason
from core.domain.symbol_halt import SymbolHalt
from core.domain.trading_state import TradingState
from core.policy.conversion_rates import Rate, Unknown, same


@dataclass(frozen=True, slots=True)
class RiskLimits:
    """The owner's limits. `symbols` None allows all. Sizes: `trade_quote` (report asset) replaces `trade_qty` (base asset) if
    set. `price_band_pct` and `price_sanity_pct` in per cent; `max_order_notional` and `daily_loss_limit` in `report_asset`, in
    which everything is counted."""

    symbols: frozenset[str] | None
    trade_qty: Decimal
    trade_quote: Decimal | None
    signal_max_age: timedelta
    price_band_pct: Decimal
    price_sanity_pct: Decimal
    max_order_notional: Decimal
    max_open_positions: int
    daily_loss_limit: Decimal
    approval_ttl: timedelta
    report_asset: str
    exit_max_age: timedelta = timedelta(seconds=600)


@dataclass(frozen=True, slots=True)
class SizeRequest:
    """A size other than the usual: `qty` (base asset) or `quote` (quote asset) of an entry and at most `qty` of an exit; `share`
    of the resulting size."""

    qty: Decimal | None = None
    quote: Decimal | None = None
    share: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class DecisionContext:
    """Everything known at the moment of deciding. None always means "unknown".

    `open_count` counts open positions and entries under way; `results_today` are today's net profits by quote asset; `rates`
    are those into the report asset, by asset; `approved_at` is when a person approved this very signal: then its age counts
    from there, and nobody is asked again. `halt` is the symbol's halt, `account_halt` the whole account's; if there is one,
    `free` is what the exchange could sell of the base asset. `by_hand`: a manual order, which may close a position even while
    signals may not. `exit_pending`: an exit of the symbol is pending. `clock_offset` is how far the exchange's clock is ahead of
    ours. `gate` is why entries are held back for reasons outside the signal.
    """

    now: datetime
    limits: RiskLimits
    controls: TradingState
    instrument: Instrument | None
    quote: Quote | None
    position: Position
    open_count: int
    results_today: Mapping[str, Decimal] | None
    rates: Mapping[str, Rate | Unknown] = field(default_factory=dict)
    pending: Approval | None = None
    approved_at: datetime | None = None
    halt: SymbolHalt | None = None
    account_halt: SymbolHalt | None = None
    free: Decimal | None = None
    by_hand: bool = False
    gate: Reason | None = None
    size_request: SizeRequest = SizeRequest()
    exit_pending: bool = False
    clock_offset: timedelta | None = None

    def rate(self, asset: str) -> Rate | Unknown:
        """Returns what one unit of `asset` is worth in the report asset."""
        report = self.limits.report_asset
        return same(asset) if asset == report else self.rates.get(asset) or Unknown(asset, report)
