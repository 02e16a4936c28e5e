"""The numbers that a decision was made by, kept with it: what each rule measured, and its limit at that moment. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.domain.money import multiply, on_grid, plain
from core.domain.signal import Side, Signal
from core.policy.conversion_rates import Rate
from core.policy.decision_context import Picture
from core.policy.risk.daily_loss import result_today
from core.policy.risk.price_sanity import off_by
from core.policy.risk.signal_age import good_for


@dataclass(frozen=True, slots=True)
class Measure:
    """What a rule measured and what it allows; `name` is the rule's, `unit` an asset, `%`, `s` or nothing. Amounts are to the
    last digit: whoever shows them rounds them as everything else."""

    name: str
    value: str
    limit: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """`price` is the market's for this side (quote asset; None where it was not known), `held` the position (base asset) and
    `qty` what was sized (base asset; None where it did not come to that). `pause` and `mode` are the controls.
    `rates` are those by which amounts were converted."""

    at: datetime
    pause: str
    mode: str
    price: Decimal | None
    held: Decimal
    qty: Decimal | None
    measures: tuple[Measure, ...]
    rates: tuple[Rate, ...] = ()


def facts_of(signal: Signal, picture: Picture, qty: Decimal | None) -> Facts:
    """What the rules saw; `qty` is what was sized."""
    price = picture.quote.price_for(signal.side) if picture.quote is not None else None
    return Facts(
        at=picture.now,
        pause=picture.controls.pause.value,
        mode=picture.controls.mode.value,
        price=price,
        held=picture.position.qty,
        qty=qty,
        measures=tuple(_measures(signal, picture, price, qty)),
        rates=tuple(_rates(signal, picture)),
    )


def _measures(signal: Signal, picture: Picture, price: Decimal | None, qty: Decimal | None) -> Iterator[Measure]:
    limits = picture.limits
    age = picture.now - max(picture.approved_at or signal.ts, signal.ts)
    yield Measure("age", f"{age.total_seconds():.1f}", f"{good_for(signal, limits).total_seconds():g}", "s")
    if signal.side is Side.SELL or picture.instrument is None:
        return
    rate, report = picture.rate(picture.instrument.quote), limits.report_asset
    if price is not None:
        moved = signal.moved(price)
        yield Measure("price_sanity", f"{off_by(signal.close, price):.2f}", plain(limits.price_sanity_pct), "%")
        yield Measure("price_band", f"{moved:+.2f}", plain(limits.price_band_pct), "%")
    if price is not None and qty is not None and isinstance(rate, Rate):
        worth = on_grid(rate.at_most(multiply(qty, price)))
        yield Measure("order_notional", plain(worth), plain(limits.max_order_notional), report)
    yield Measure("open_positions", str(picture.open_count), str(limits.max_open_positions))
    result = result_today(picture)
    if isinstance(result, Decimal):
        yield Measure("daily_loss", plain(on_grid(result)), plain(-limits.daily_loss_limit), report)


def _rates(signal: Signal, picture: Picture) -> Iterator[Rate]:
    """Those that an entry's amounts were converted by."""
    if signal.side is Side.SELL or picture.instrument is None:
        return
    assets = {picture.instrument.quote, *(picture.results_today or ())} - {picture.limits.report_asset}
    for asset in sorted(assets):
        rate = picture.rate(asset)
        if isinstance(rate, Rate):
            yield rate
