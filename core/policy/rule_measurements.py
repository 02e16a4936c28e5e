"""The numbers behind a decision, stored with it: each rule's measurement, and its limit at that moment. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.domain.entry_way import EntryWay
from core.domain.signal import Side, Signal
from core.policy.conversion_rates import Rate
from core.policy.decision_context import DecisionContext
from core.policy.risk import RULES
from core.policy.risk.rule import Entry, RuleMeasurement
from core.policy.risk.signal_age import good_for
from core.policy.sizing.entry_terms import entry_terms


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """`price` is the market's for this side (quote asset; None if unknown), `held` the position (base asset) and `qty` the sized
    quantity (base asset; None if it did not come to that). `pause` and `mode` are the trading state. `rates` are those that
    converted the amounts. `way` is that of an entry with a plan which is ordered. `middle` is halfway between bid and ask (quote
    asset; None if unknown)."""

    at: datetime
    pause: str
    mode: str
    price: Decimal | None
    held: Decimal
    qty: Decimal | None
    measures: tuple[RuleMeasurement, ...]
    rates: tuple[Rate, ...] = ()
    way: EntryWay | None = None
    middle: Decimal | None = None


def record_of(
    signal: Signal, decision_context: DecisionContext, qty: Decimal | None, way: EntryWay | None = None
) -> DecisionRecord:
    """Returns the numbers that the rules saw; `qty` is the sized quantity, `way` how it is ordered."""
    price = decision_context.quote.price_for(signal.side) if decision_context.quote is not None else None
    return DecisionRecord(
        at=decision_context.now,
        pause=decision_context.trading_state.pause.value,
        mode=decision_context.trading_state.mode.value,
        price=price,
        held=decision_context.position.qty,
        qty=qty,
        measures=tuple(_measures(signal, decision_context, price, qty)),
        rates=tuple(_rates(signal, decision_context)),
        way=way,
        middle=decision_context.quote.middle if decision_context.quote is not None else None,
    )


def _measures(
    signal: Signal, decision_context: DecisionContext, price: Decimal | None, qty: Decimal | None
) -> Iterator[RuleMeasurement]:
    age = decision_context.now - max(decision_context.approved_at or signal.ts, signal.ts)
    yield RuleMeasurement(
        "age", f"{age.total_seconds():.1f}", f"{good_for(signal, decision_context.limits).total_seconds():g}", "s"
    )
    if signal.side is Side.SELL or decision_context.instrument is None:
        return
    terms = entry_terms(signal.close, decision_context.instrument, decision_context.limits, signal.entry)
    limit_price = terms.limit_price
    worst_price = price if price is None or limit_price is None else limit_price
    entry = Entry(price, worst_price, qty)
    found = (rule.measures(signal, entry, decision_context) for rule in RULES)
    yield from filter(None, found)


def _rates(signal: Signal, decision_context: DecisionContext) -> Iterator[Rate]:
    """Yields the rates that converted an entry's amounts."""
    if signal.side is Side.SELL or decision_context.instrument is None:
        return
    assets = {decision_context.instrument.quote, *(decision_context.results_today or ())} - {decision_context.limits.report_asset}
    for asset in sorted(assets):
        rate = decision_context.rate(asset)
        if isinstance(rate, Rate):
            yield rate
