"""Domain values to store."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from core.domain.messages import Message, SignalReceived
from core.domain.money import divide, multiply
from core.domain.order import Fill, Order
from core.domain.order_state_machine import OrderState
from core.domain.position import Execution, Position, Role
from core.domain.signal import Side, Signal, client_order_id
from core.domain.strategy_book import StrategyBook
from core.read_models import Performance
from core.records.commit_batch import CommitBatch
from core.records.message_outcome import MessageOutcome

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def signal(number: int = 1, signal_type: str = "BUY_SM", symbol: str = "WIFUSDC") -> Signal:
    return Signal("kafka:t", f"t/0/{number}", signal_type, symbol, Decimal("0.4801"), NOW, {"note": "ж <b>", "n": ["1.5"]})


def message(number: int = 1, signal_type: str = "BUY_SM") -> Message:
    said = signal(number, signal_type)
    return Message(said.source, said.signal_id, said.symbol, SignalReceived(said), NOW)


def order(seq: int, number: int = 1, state: OrderState = OrderState.SUBMITTED) -> Order:
    said = signal(number)
    return Order(client_order_id(said), said, seq, Side.BUY, Decimal(20), Decimal("0.4801"), state, "paper", NOW, NOW)


def fill(trade_id: str = "28") -> Fill:
    return Fill("WIFUSDC", trade_id, Decimal("0.4801"), Decimal(20), Decimal("0.02"), "WIF", NOW)


def execution(number: int = 1, profit: Decimal | None = None) -> Execution:
    said = signal(number)
    return Execution(
        execution_id=client_order_id(said),
        symbol="WIFUSDC",
        executed_at=NOW,
        side=Side.BUY if profit is None else Side.SELL,
        qty=Decimal(20),
        price=Decimal("0.4801"),
        profit_pct=profit,
        signal_type=said.signal_type,
        signal_id=said.signal_id,
        client_order_id=client_order_id(said),
        order_id="28",
        quote_qty=Decimal("9.602"),
        fee=Decimal("0.02"),
        fee_asset="WIF",
        profit_quote=profit,
        gross_quote=profit,
        base_asset="WIF",
        quote_asset="USDC",
        trading_mode="paper",
        strategy="default",
        role=Role.ENTRY if profit is None else Role.EXIT,
        plan_id=None,
    )


def position(qty: str) -> Position:
    return replace(Position("WIFUSDC"), qty=Decimal(qty), cost=Decimal("9.602"), value=Decimal("9.592398"), is_open=True)


def intent(seq: int, number: int = 1) -> CommitBatch:
    return CommitBatch(outcomes=[MessageOutcome(seq, "ordered", NOW)], orders=[order(seq, number)])


def round_trips(count: int, seed: int = 1) -> Iterator[Execution]:
    """Returns `count` executions of two strategies in five symbols: entries and exits of each in turn, over some days, exact to
    the last digit."""
    chance = Random(seed)
    held: dict[StrategyBook, Execution] = {}
    for number in range(count):
        symbol = chance.choice(["WIFUSDC", "BTCUSDC", "ETHUSDC", "PEPEUSDC", "BNBUSDT"])
        book = StrategyBook(symbol, chance.choice(["default", "waves"]))
        entry = held.pop(book, None)
        price = Decimal(chance.randrange(1, 10**9)).scaleb(-8)
        qty = entry.qty if entry else Decimal(chance.randrange(1, 10**6)).scaleb(-2)
        worth = multiply(qty, price)
        profit = worth - entry.quote_qty if entry else None
        one = replace(
            execution(number, profit),
            symbol=symbol,
            executed_at=BEGIN + timedelta(minutes=7 * number, microseconds=number),
            side=Side.SELL if entry else Side.BUY,
            qty=qty,
            price=price,
            profit_pct=divide(multiply(profit, Decimal(100)), entry.quote_qty) if entry and profit is not None else None,
            signal_type=chance.choice(["SELL_SM", "SELL_TP"] if entry else ["BUY_SM", "BUY_TV"]),
            quote_qty=worth,
            quote_asset=symbol[-4:],
            strategy=book.strategy,
            role=chance.choice([Role.EXIT, Role.STOP, Role.TARGET]) if entry else Role.ENTRY,
            plan_id=(entry or execution(number)).execution_id,
            **_measured(chance, price, qty),
        )
        if entry is None:
            held[book] = one
        yield one


def _measured(chance: Random, price: Decimal, qty: Decimal) -> dict[str, Any]:
    """Returns what an execution is measured against: the signal's price and the market's near `price`, or unknown."""
    near = [price + Decimal(chance.randrange(1, 10**6)).scaleb(-9) for _ in range(2)]
    known = [None if chance.random() < 0.1 else number for number in (*near, qty * 2, multiply(price, Decimal("0.001")))]
    return dict(zip(("signal_price", "arrival_price", "asked_qty", "fee_quote"), known, strict=True))


def performance(by: str, executions: list[Execution]) -> list[Performance]:
    """Returns the expected result of `LedgerAnalytics.performance`, added up in Python."""
    found: dict[tuple[str, str], Performance] = {}
    for one in executions:
        if one.profit_quote is not None and one.gross_quote is not None:
            key = (getattr(one, by), one.quote_asset)
            old = found.get(key, Performance(*key, 0, 0, Decimal(0), Decimal(0)))
            wins = old.wins + (one.profit_quote > 0)
            found[key] = Performance(*key, old.exits + 1, wins, old.profit + one.profit_quote, old.gross + one.gross_quote)
    return sorted(found.values(), key=lambda one: (one.quote_asset, -one.profit))
