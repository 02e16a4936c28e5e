"""The numbers behind a decision, stored with it: each rule's measurement, and its limit at that moment. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.domain.money import multiply, on_grid, plain
from core.domain.signal import Side, Signal
from core.policy.conversion_rates import Rate
from core.policy.decision_context import DecisionContext
from core.policy.risk.daily_loss import result_today
from core.policy.risk.price_sanity import off_by
from core.policy.risk.signal_age import good_for


@dataclass(frozen=True, slots=True)
class RuleMeasurement:
    """A rule's measurement and its limit; `name` is the rule's, `unit` an asset, `%`, `s` or nothing. Amounts are exact to the
    last digit: whoever shows them rounds them."""

    name: str
    value: str
    limit: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """`price` is the market's for this side (quote asset; None if unknown), `held` the position (base asset) and `qty` the sized
    quantity (base asset; None if it did not come to that). `pause` and `mode` are the trading state. `rates` are those that
    converted the amounts."""

    at: datetime
    pause: str
    mode: str
    price: Decimal | None
    held: Decimal
    qty: Decimal | None
    measures: tuple[RuleMeasurement, ...]
    rates: tuple[Rate, ...] = ()


def facts_of(signal: Signal, decision_context: DecisionContext, qty: Decimal | None) -> DecisionRecord:
    """Returns the numbers that the rules saw; `qty` is the sized quantity."""
    price = decision_context.quote.price_for(signal.side) if decision_context.quote is not None else None
    return DecisionRecord(
        at=decision_context.now,
        pause=decision_context.controls.pause.value,
        mode=decision_context.controls.mode.value,
        price=price,
        held=decision_context.position.qty,
        qty=qty,
        measures=tuple(_measures(signal, decision_context, price, qty)),
        rates=tuple(_rates(signal, decision_context)),
    )


def _measures(
    signal: Signal, decision_context: DecisionContext, price: Decimal | None, qty: Decimal | None
) -> Iterator[RuleMeasurement]:
    limits = decision_context.limits
    age = decision_context.now - max(decision_context.approved_at or signal.ts, signal.ts)
    yield RuleMeasurement("age", f"{age.total_seconds():.1f}", f"{good_for(signal, limits).total_seconds():g}", "s")
    if signal.side is Side.SELL or decision_context.instrument is None:
        return
    rate, report = decision_context.rate(decision_context.instrument.quote), limits.report_asset
    if price is not None:
        moved = signal.moved(price)
        yield RuleMeasurement("price_sanity", f"{off_by(signal.close, price):.2f}", plain(limits.price_sanity_pct), "%")
        yield RuleMeasurement("price_band", f"{moved:+.2f}", plain(limits.price_band_pct), "%")
    if price is not None and qty is not None and isinstance(rate, Rate):
        worth = on_grid(rate.at_most(multiply(qty, price)))
        yield RuleMeasurement("order_notional", plain(worth), plain(limits.max_order_notional), report)
    yield RuleMeasurement("open_positions", str(decision_context.open_count), str(limits.max_open_positions))
    result = result_today(decision_context)
    if isinstance(result, Decimal):
        yield RuleMeasurement("daily_loss", plain(on_grid(result)), plain(-limits.daily_loss_limit), report)


def _rates(signal: Signal, decision_context: DecisionContext) -> Iterator[Rate]:
    """Yields the rates that converted an entry's amounts."""
    if signal.side is Side.SELL or decision_context.instrument is None:
        return
    assets = {decision_context.instrument.quote, *(decision_context.results_today or ())} - {decision_context.limits.report_asset}
    for asset in sorted(assets):
        rate = decision_context.rate(asset)
        if isinstance(rate, Rate):
            yield rate
