"""Creates orders from a signal and a size."""

from decimal import Decimal

from core.domain.order import Order
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import AT_MARKET, OrderTerms
from core.domain.signal import Signal, client_order_id
from core.ports.clock import Clock


class OrderFactory:
    """Makes orders of one trading mode."""

    def __init__(self, trading_mode: str, clock: Clock) -> None:
        self._trading_mode = trading_mode
        self._clock = clock

    def new(
        self, seq: int, signal: Signal, qty: Decimal, price: Decimal, state: OrderState, *, terms: OrderTerms = AT_MARKET
    ) -> Order:
        """Returns an order for the signal of the inbox number `seq`; `qty` in base asset, `price` in quote asset."""
        now = self._clock.now()
        return Order(
            client_order_id=client_order_id(signal),
            signal=signal,
            inbox_seq=seq,
            side=signal.side,
            qty=qty,
            price=price,
            state=state,
            trading_mode=self._trading_mode,
            created_at=now,
            updated_at=now,
            terms=terms,
        )
