"""Domain values to store."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from core.domain.messages import Message, SignalReceived
from core.domain.order import Fill, Order, OrderState
from core.domain.position import Execution, Position
from core.domain.signal import Side, Signal, client_order_id
from core.ports import Changes, Verdict

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
    )


def position(qty: str) -> Position:
    return replace(Position("WIFUSDC"), qty=Decimal(qty), cost=Decimal("9.602"), value=Decimal("9.592398"), is_open=True)


def intent(seq: int, number: int = 1) -> Changes:
    return Changes(verdicts=[Verdict(seq, "ordered", NOW)], orders=[order(seq, number)])
