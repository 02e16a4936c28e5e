"""Earlier orders of this ledger: looked up before an order is sent, so that nothing is ordered twice."""

from dataclasses import replace
from datetime import datetime

from core.domain.messages import StoredMessage
from core.domain.reasons import Reason, reason
from core.domain.signal import Side, Signal, client_order_id
from core.engine.symbol_halts import SymbolHalts
from core.execution.decision_service import DecisionService, Weighed
from core.execution.first_sending import FirstSending
from core.policy.decision import Refused
from core.policy.decision_context import SizeRequest
from core.ports.ledger import Ledger
from core.state.market_data import MarketDataCache


class EarlierOrders:
    """Asks the ledger and the exchange for earlier orders of a signal or its symbol."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        market: MarketDataCache,
        decisions: DecisionService,
        first: FirstSending,
        symbol_halts: SymbolHalts,
    ) -> None:
        self._ledger = ledger
        self._market = market
        self._decisions = decisions
        self._first = first
        self._symbol_halts = symbol_halts

    def is_at_hand(self, signal: Signal, received_at: datetime) -> bool:
        """Tells whether nothing has to be asked before `signal`, which came at `received_at`, is decided: neither about earlier
        orders nor for what the decision needs."""
        is_new = not self._first.is_old(signal.ts, received_at) and self._symbol_halts.is_looked_at(signal.symbol)
        return is_new and self._decisions.is_at_hand(signal)

    async def weigh(self, signal: Signal, approved_at: datetime | None, size_request: SizeRequest) -> Weighed:
        """Decides; before an entry, finds out whether this ledger has ordered in the symbol before."""
        weighed = await self._decisions.weigh_patiently(signal, approved_at=approved_at, size_request=size_request)
        is_entry = signal.side is Side.BUY and not isinstance(weighed.decision, Refused)
        if not is_entry or self._symbol_halts.is_looked_at(signal.symbol):
            return weighed
        why = await self._symbol_halts.before_order(signal.side, signal.symbol, client_order_id(signal))
        if why is not None:
            return replace(weighed, decision=Refused("ignored" if why.code == "already_ordered" else "denied", why))
        return await self._decisions.weigh_patiently(signal, approved_at=approved_at, size_request=size_request)

    async def lost(self, signal: Signal) -> Reason | None:
        """Adopts the orders that the ledger lost in an exit's symbol before the exit is sized; returns why the exit is over if
        its own order was among them."""
        if self._market.instrument(signal.symbol) is None or self._symbol_halts.is_looked_at(signal.symbol):
            return None
        return await self._symbol_halts.before_order(signal.side, signal.symbol, client_order_id(signal))

    async def known(self, stored: StoredMessage, signal: Signal) -> Reason | None:
        """Returns why an old signal is over if its order is in the ledger already: it was adopted from the exchange."""
        self._first.doubt(signal, stored.message.received_at)
        if not self._first.is_old(signal.ts, stored.message.received_at):
            return None
        known = (await self._ledger.find_orders([client_order_id(signal)])).get(client_order_id(signal))
        if known is None or known.inbox_seq == stored.seq:
            return None
        return reason("already_ordered", order_id=known.order_id or known.client_order_id)
