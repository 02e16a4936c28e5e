"""The fall of the equity from its peak, whatever was paid in or out meanwhile. Pure."""

from datetime import datetime
from decimal import Decimal

from core.domain.equity_mark import EquityMark
from core.domain.money import EXACT, ZERO, divide, multiply, on_grid, per_cent
from core.policy.funds import Cash, Funds


def follow(mark: EquityMark | None, funds: Funds, report: str, now: datetime) -> EquityMark:
    """Returns the mark after the equity was measured again. What came or went since `mark` and was not earned or lost by trading
    moves the peak in the same proportion as the equity, so that neither a deposit hides a loss nor a withdrawal looks like one.
    Without an earlier mark in the same asset, or with nothing left to compare with, the peak begins here."""
    external = {one.asset: EXACT.subtract(one.owned, one.realised) for one in funds.cash}
    start = EquityMark(now, report, funds.equity, funds.equity, external)
    if mark is None or mark.report != report or mark.equity <= 0:
        return start
    base = EXACT.add(mark.equity, _flows(mark, funds))
    if base <= 0:
        return start
    peak = mark.peak if base == mark.equity else divide(multiply(on_grid(mark.peak), on_grid(base)), mark.equity)
    return EquityMark(now, report, funds.equity, max(peak, funds.equity), external)


def drawdown_pct(mark: EquityMark) -> Decimal:
    """Returns how far the equity is below its peak, in per cent."""
    return per_cent(EXACT.subtract(mark.peak, mark.equity), mark.peak)


def _flows(mark: EquityMark, funds: Funds) -> Decimal:
    """Returns what was paid in less what was paid out since the mark, in the report asset."""
    total = ZERO
    for one in funds.cash:
        total = EXACT.add(total, multiply(on_grid(_flow(mark, one)), one.worth))
    return total


def _flow(mark: EquityMark, one: Cash) -> Decimal:
    if one.asset not in mark.external:  # it joins the account with all there is
        return one.owned
    return EXACT.subtract(EXACT.subtract(one.owned, one.realised), mark.external[one.asset])
