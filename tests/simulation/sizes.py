"""Sizes that signals bring, payments into and out of the account, and protections: what is drawn, and what must hold of it."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from itertools import takewhile
from random import Random
from typing import Any

from core.adapters.ledger import codec
from core.adapters.ledger.row import Row
from core.adapters.ledger.tables import plan_tables, protection_tables, result_tables, signal_tables
from core.domain.exit_plan import ExitPlan
from core.domain.money import ZERO
from core.domain.signal import BY_HAND, Signal
from core.domain.strategy_book import DEFAULT_STRATEGY
from core.domain.trade_size import SizeKind
from core.policy.exits.protection import STOPPED
from tests.simulation.accidents import SET_BACK
from tests.simulation.evidence import Evidence, is_signal
from tests.simulation.exchange import Exchange
from tests.simulation.machine import Fate

PAYMENT = "payment"
_EVERY_SECONDS = 60.0
_FEE = Decimal("0.001")
_ROUGHLY = Decimal("1.001")  # a rate between two dollar coins
_CLOCKS_OFF = timedelta(seconds=40)  # at most, of the exchange's clock and ours
_QUANTITIES = {"WIFUSDC": "45", "WIFUSDT": "51", "DOGEUSDT": "222", "SOLUSDT": "0.15"}


def protections_of(seed: int) -> Mapping[str, Any]:
    """Returns the protections of a history, by its seed: the fields of RiskLimits. Most have none."""
    some: tuple[Mapping[str, Any], ...] = (
        {"max_losing_exits": 3},
        {"cooldown_after_stop": timedelta(days=1)},  # no clock here is off by as much
        {"max_exposure_pct": Decimal("0.03")},
        {"max_drawdown_pct": Decimal("0.005"), "trade_equity_pct": Decimal("0.01"), "trade_quote": None},
    )
    found = Random(f"protections {seed}").choice([{}, {}, *some])
    return {**found, "max_entries": entries_of(seed)}


def entries_of(seed: int) -> int:
    """Returns how many entries may buy a position in a history, by its seed."""
    return Random(f"entries {seed}").choice([1, 1, 2, 4])


class Sizes:
    """Draws the size of a record; most have none."""

    def __init__(self, seed: int, plan: ExitPlan | None) -> None:
        self._random = Random(f"sizes {seed}")
        self._has_stop = plan is not None and plan.stop is not None

    def of(self, side: str, symbol: str) -> Mapping[str, object]:
        """Returns the fields that a record of that type has besides."""
        random = self._random
        if random.random() < 0.6:
            return {}
        if side.startswith("SELL"):
            return random.choice([{"position_pct": 50}, {"position_pct": "100"}, {"quantity": 10**6}])
        sizes: list[Mapping[str, object]] = [
            {"quantity": _QUANTITIES[symbol]},
            {"quote_quantity": random.choice(["17.77", "23", "31.41"])},
            {"equity_pct": random.choice(["0.01", "0.013", "0.7"])},  # the last is more than one order may be
        ]
        risks: list[Mapping[str, object]] = [{"risk_pct": random.choice(["0.0001", "0.0002", "0.02"])}]
        return random.choice([*sizes, *(risks * 3 if self._has_stop else [])])


class Payments:
    """Pays into the account and out of it, as its owner does."""

    def __init__(self, fate: Fate, exchange: Exchange) -> None:
        self._fate = fate
        self._exchange = exchange

    async def come(self) -> None:
        """Runs until all is well."""
        while not self._fate.over:
            await asyncio.sleep(self._fate.random.expovariate(1 / _EVERY_SECONDS))
            asset = self._fate.random.choice(["USDC", "USDT"])
            amount = Decimal(self._fate.random.choice(["-20000", "-37.5", "0.01", "900", "15000"]))
            balance = self._exchange.venue.account.balance(asset)
            if self._fate.strikes(PAYMENT, 1.0) and balance.free + amount > 0:
                balance.free += amount
                self._exchange.paid[asset] += amount
                self._fate.tell(f"{amount} {asset} paid in")


def _ordered(seen: Evidence) -> Iterator[tuple[Row, Signal]]:
    """Yields the orders that were sent for signals with a size, or with a computed one, and the signals."""
    for row in seen.signal_orders:
        signal = codec.signals.decode(row["signal"])
        is_asked_for = signal.entry is not None and row["limit_price"] is None  # a question that came to nothing has no limit yet
        if row["side"] == "BUY" and row["state"] not in {"DENIED", "DECLINED"} and signal.source != BY_HAND and not is_asked_for:
            yield row, signal


def _sizes(seen: Evidence) -> Iterator[str]:
    """Checks that no order is larger than its signal, or what its size was computed from, allows."""
    for row, signal in _ordered(seen):
        worst = row["limit_price"] or row["price"]
        worth, off = row["qty"] * worst, Decimal(1) if row["symbol"].endswith("USDC") else _ROUGHLY
        size = signal.size
        if size is not None and size.kind is SizeKind.QUANTITY and row["qty"] > size.amount:
            yield f"order {row['client_order_id']} is of {row['qty']}, {size.amount} were asked for"
        if size is not None and size.kind is SizeKind.QUOTE and worth > size.amount:
            yield f"order {row['client_order_id']} may cost {worth}, {size.amount} were asked for"
        if row["sizing"] is None:
            # Of an order that was found again nobody remembers how its own size was computed, if another was computed since.
            if size is not None and size.kind.is_computed and seen.accident != SET_BACK:
                yield f"order {row['client_order_id']} does not say how its size was computed"
            continue
        sizing = codec.sizings.decode(row["sizing"])
        allowed = sizing.equity * sizing.pct / 100
        if sizing.kind is SizeKind.EQUITY and worth > allowed * off:
            yield f"order {row['client_order_id']} may cost {worth}, {allowed} of the equity were asked for"
        if sizing.kind is SizeKind.RISK and (lost := _lost(seen, row, worst)) > allowed * off:
            yield f"order {row['client_order_id']} may lose {lost}, {allowed} were to be at risk"


def _lost(seen: Evidence, row: Row, worst: Decimal) -> Decimal:
    """Returns what the stop of an entry would lose, with both fees."""
    pct = _moved_stop(seen, row) or Decimal(seen.settings["STOP_LOSS_PCT"])
    trigger = worst * (1 - pct / 100)
    return Decimal(row["qty"] * (worst - trigger * (1 - _FEE) ** 2))


def _moved_stop(seen: Evidence, row: Row) -> Decimal | None:
    """Returns how far an entry that adds says it is above the stop of its position, in per cent, if that goes by the cost or
    follows the market; None for any other."""
    added = {one["client_order_id"]: one["plan_id"] for one in seen.rows(result_tables.executions) if one["side"] == "BUY"}
    plan_id = added.get(row["client_order_id"], row["client_order_id"])
    for plan in seen.rows(plan_tables.order_plans) if plan_id != row["client_order_id"] else ():
        exits = codec.plans.decode(plan["exits"])
        has_moved = exits.trailing is not None or (exits.stop is not None and exits.stop.above_cost_pct is not None)
        if plan["plan_id"] == plan_id and has_moved:
            return codec.sizings.decode(row["sizing"]).stop_pct
    return None


def _cut(seen: Evidence) -> Iterator[str]:
    """Checks that what is computed is cut, and never refused for being too large."""
    for row in seen.rows(signal_tables.inbox):
        body = codec.bodies.decode(row["body"]) if is_signal(row) else None
        signal = getattr(body, "signal", None)
        is_computed = isinstance(signal, Signal) and signal.size is not None and signal.size.kind.is_computed
        if is_computed and row["reason_code"] == "order_notional":
            yield f"signal {row['source_id']} was refused, not cut: {row['reason']}"


def _equity(seen: Evidence) -> Iterator[str]:
    """Checks that what the ledger takes for paid in is what was paid in, whatever was traded; and that the equity is the worth
    of everything."""
    for row in seen.rows(protection_tables.equity_marks) if not seen.accident else ():
        external = codec.amounts.decode(row["external"])
        for asset, start in seen.start_balances.items():
            paid = Decimal(start) + seen.paid.get(asset, ZERO)
            if abs(external[asset] - paid) > Decimal("1e-9"):
                yield f"{paid} {asset} were paid in, the ledger says {external[asset]}"
        if row["peak"] < row["equity"]:
            yield f"the equity is {row['equity']}, above its peak of {row['peak']}"


def _protected(seen: Evidence) -> Iterator[str]:
    """Checks what protections say after the last start: they have forgotten nothing, and refuse nothing that they should not."""
    trades, most = seen.rows(result_tables.trades), seen.settings.get("MAX_LOSING_EXITS")
    stops = [row for row in seen.rows(result_tables.executions) if row["signal_type"] == STOPPED]
    for row in seen.rows(signal_tables.inbox):
        if row["source_id"] not in seen.hands.afterwards or seen.accident:
            continue
        now = row["decided_at"]
        if now is None:
            continue  # nobody has decided it, which is another promise
        if any(abs(one["closed_at"] - now) < _CLOCKS_OFF for one in trades):
            continue  # nobody can say which came first
        own = [one for one in trades if one["strategy"] == DEFAULT_STRATEGY]  # theirs who comes afterwards
        losing = sum(
            1 for _ in takewhile(lambda one: one["profit"] < 0, (one for one in reversed(own) if one["closed_at"] < now))
        )
        stopped = {one["symbol"] for one in stops if one["executed_at"] < now}
        symbol, traded = row["mailbox"], row["outcome"] in {"ordered", "awaiting_approval"}
        if traded and most and losing >= int(most):
            yield f"signal {row['source_id']} was traded after {losing} losses in a row"
        if row["reason_code"] == "losing_exits" and (not most or losing < int(most)):
            yield f"signal {row['source_id']} was refused after {losing} losses in a row"
        if traded and seen.settings.get("COOLDOWN_AFTER_STOP") and symbol in stopped:
            yield f"signal {row['source_id']} was traded though a stop had sold {symbol}"
        if row["reason_code"] == "cooldown" and symbol not in stopped:
            yield f"signal {row['source_id']} was refused though no stop had sold {symbol}"


PROMISES = (_sizes, _cut, _equity, _protected)
