"""The snapshot that a decision is made from, and the limits that the owner has set."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from core.domain.approval import Approval
from core.domain.dca_step import DcaStep
from core.domain.equity_mark import EquityMark
from core.domain.exit_plan import Breakeven, ExitPlan, Level, StopLoss, Target, Trailing
from core.domain.instrument import Instrument, Quote
from core.domain.money import HUNDRED, ZERO
from core.domain.order_terms import EntryStyle
from core.domain.position import Position
from core.domain.protection_policy import ProtectionPolicy
from core.domain.reasons import Reason, reason
from core.domain.symbol_halt import SymbolHalt
from core.domain.trade_plan import TradePlan
from core.domain.trade_size import SizeKind, TradeSize
from core.domain.trading_state import TradingState
from core.policy.conversion_rates import Rate, Unknown, same
from core.policy.exits.bracket_check import NOTHING_OPEN, OpenOrders
from core.policy.funds import Funds


@dataclass(frozen=True, slots=True)
class RiskLimits:
    """The owner's limits. `symbols` None allows all. Sizes: `trade_quote` (report asset) replaces `trade_qty` (base asset) if
    set. `price_band_pct` and `price_sanity_pct` in per cent; `max_order_notional` and `daily_loss_limit` in `report_asset`, in
    which everything is counted. `stop_loss_pct` (per cent below the entry, None for no stop), `take_profit_pct`,
    `breakeven_after`, `time_limit` and `trailing_*` are the exit plan of an entry whose signal brings none. `trade_equity_pct`
    and `trade_risk_pct` are per cent of the equity; at most one of them and `trade_quote` is set, and replaces `trade_qty`.
    `max_drawdown_pct` is of the equity's peak, `max_exposure_pct` of the equity; these and the last two are off where they are
    None. A position may be bought by `max_entries` entries; `dca_steps` are the steps of one whose signal brings none."""

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
    entry_style: EntryStyle = EntryStyle.LIMIT_IOC
    stop_loss_pct: Decimal | None = None
    take_profit_pct: tuple[Target, ...] = ()
    protection: ProtectionPolicy = ProtectionPolicy.BEST_EFFORT
    breakeven_after: Breakeven | None = None
    time_limit: timedelta | None = None
    trailing_pct: Decimal | None = None
    trailing_activation_pct: Decimal | None = None
    trade_equity_pct: Decimal | None = None
    trade_risk_pct: Decimal | None = None
    max_drawdown_pct: Decimal | None = None
    max_exposure_pct: Decimal | None = None
    cooldown_after_stop: timedelta | None = None
    max_losing_exits: int | None = None
    max_entries: int = 1
    dca_steps: tuple[DcaStep, ...] = ()

    @property
    def plan(self) -> ExitPlan | None:
        """Returns the exit plan of an entry whose signal brings none; None if none is set. What has nothing to act on is left
        out: no entry is refused because another setting was changed."""
        stop = None if self.stop_loss_pct is None else StopLoss(Level(pct=self.stop_loss_pct))
        plan = ExitPlan(
            stop, self.take_profit_pct, self.breakeven_after if self._may_move_stop else None, self.time_limit, self._trailing
        )
        return None if plan.is_empty else plan

    @property
    def size(self) -> TradeSize:
        """Returns the size of an entry whose signal asks for none; an amount of TRADE_QUOTE is in the report asset."""
        if self.trade_risk_pct is not None:
            return TradeSize(SizeKind.RISK, self.trade_risk_pct)
        if self.trade_equity_pct is not None:
            return TradeSize(SizeKind.EQUITY, self.trade_equity_pct)
        if self.trade_quote is not None:
            return TradeSize(SizeKind.QUOTE, self.trade_quote)
        return TradeSize(SizeKind.QUANTITY, self.trade_qty)

    @property
    def _trailing(self) -> Trailing | None:
        return None if self.trailing_pct is None else Trailing(self.trailing_pct, self.trailing_activation_pct)

    @property
    def _may_move_stop(self) -> bool:
        """Tells whether there is a stop, and something that it protects when it is to move."""
        found, shares = self.breakeven_after, sum((target.share for target in self.take_profit_pct), ZERO)
        if found is None or self.stop_loss_pct is None:
            return False
        if found.after_pct is None:
            return bool(self.take_profit_pct) and self.take_profit_pct[0].share < HUNDRED
        return shares < HUNDRED or found.after_pct < max(target.level.pct or ZERO for target in self.take_profit_pct)


@dataclass(frozen=True, slots=True)
class SizeRequest:
    """A size other than the signal's own or the settings': `qty` (base asset) or `quote` (quote asset) of an entry and at most
    `qty` of an exit; `share` of the resulting size."""

    qty: Decimal | None = None
    quote: Decimal | None = None
    share: Decimal = Decimal(1)


NOT_ASKED = reason("balances_unknown")


@dataclass(frozen=True, slots=True)
class DecisionContext:
    """Everything known at the moment of deciding. None always means "unknown".

    `open_count` counts open positions and entries under way; `results_today` are today's net profits by quote asset; `rates`
    are those into the report asset, by asset; `approved_at` is when a person approved this very signal: then its age counts
    from there, and nobody is asked again. `halt` is the symbol's halt, `account_halt` the whole account's; if there is one,
    `free` is what the exchange could sell of the base asset. `by_hand`: a manual order, which may close a position even while
    signals may not. `exit_pending`: an exit of the symbol is pending; `entry_rests`: an entry waits there at its limit, and is no
    step of the open position; `entries_wait` counts the other entries that wait there, and have bought nothing yet.
    `clock_offset` is how far the exchange's clock is ahead of ours. `gate` is why entries are held back for reasons outside the
    signal. `funds` is the account's money, or why it is unknown; it is asked for only where a size or a limit counts from it.
    `equity_mark` is the equity as last measured; `stopped_at` is when a stop last sold in the symbol, within the last days;
    `losing_exits` counts the positions that its strategy closed at a loss in a row. `open_beside` counts the open orders on the
    symbol of other strategies, `own_count` the open positions of its strategy, of which it may have `most_own` (None: no limit of
    its own), and `held_by` names the others that hold the symbol. `shares_coin`: another book has, or is about to have, a
    position in the same coin, which an order of this one could spend. `plan` is the open plan of the position.
    """

    now: datetime
    limits: RiskLimits
    trading_state: TradingState
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
    entry_rests: bool = False
    entries_wait: int = 0
    clock_offset: timedelta | None = None
    funds: Funds | Reason = NOT_ASKED
    equity_mark: EquityMark | None = None
    stopped_at: datetime | None = None
    losing_exits: int = 0
    open_beside: OpenOrders = NOTHING_OPEN
    own_count: int = 0
    most_own: int | None = None
    strategy_paused: bool = False
    held_by: tuple[str, ...] = ()
    shares_coin: bool = False
    plan: TradePlan | None = None

    def rate(self, asset: str) -> Rate | Unknown:
        """Returns what one unit of `asset` is worth in the report asset."""
        report = self.limits.report_asset
        return same(asset) if asset == report else self.rates.get(asset) or Unknown(asset, report)
