"""Asks the exchange about the orders that rest there. What it learns becomes messages, like everything else that comes in."""

from collections.abc import Iterable

import structlog

from core.domain.errors import ExchangeUnavailable, LedgerUnavailable, SymbolUnknown
from core.domain.messages import Message
from core.domain.order import ExecutionReport, Order
from core.domain.order_messages import ExecutionReported, OrderForgotten
from core.execution.due_messages import Put
from core.execution.gone import GONE_SECONDS, Gone
from core.policy.exits.protection import is_news
from core.ports.clock import Clock
from core.ports.venue import Venue
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)

SOURCE = "venue"


def reported(report: ExecutionReport, clock: Clock) -> Message:
    """Returns the message of a report. The same news is stored once, whoever hears it first: the stream or a question."""
    name = f"{report.symbol}:{report.order_id}:{report.state}:{report.executed_qty.normalize():f}"
    return Message(SOURCE, name, report.symbol, ExecutionReported(report), clock.now())


class OrderPoller:
    """Asks what became of each order that is believed to rest: one question a symbol while nothing happens."""

    def __init__(self, venue: Venue, portfolio: Portfolio, put: Put, clock: Clock) -> None:
        """Builds it. `put` stores messages, each once by its identity; it raises LedgerUnavailable."""
        self._venue = venue
        self._portfolio = portfolio
        self._put = put
        self._clock = clock
        self._unknown: dict[str, Gone] = {}  # by client order id: orders that the exchange does not know

    async def run(self) -> None:
        """Asks once about every symbol with resting orders."""
        resting = self._portfolio.resting
        self._unknown = {name: gone for name, gone in self._unknown.items() if name in resting}
        for symbol in sorted({order.symbol for order in resting.values()}):
            try:
                if news := await self._news(symbol):
                    await self._put(news)
            except ExchangeUnavailable as error:
                log.warning("resting orders cannot be asked about yet", symbol=symbol, error=str(error))
            except LedgerUnavailable as error:
                log.error("what was heard of resting orders cannot be stored; asking again", symbol=symbol, error=str(error))

    async def _news(self, symbol: str) -> list[Message]:
        resting = self._portfolio.open_for(symbol)
        try:
            open_ones = {report.client_order_id: report for report in await self._venue.open_orders(symbol)}
            found = [
                (one, open_ones.get(one.client_order_id) or await self._venue.find_order(symbol, one.client_order_id))
                for one in resting
            ]
        except SymbolUnknown:
            return self._not_known(resting)
        for order, report in found:
            if report is not None:
                self._unknown.pop(order.client_order_id, None)
        news = [one for order, one in found if one is not None and is_news(order, one.state, one.executed_qty)]
        return [reported(one, self._clock) for one in news] + self._not_known(order for order, one in found if one is None)

    def _not_known(self, orders: Iterable[Order]) -> list[Message]:
        """Counts an answer that the exchange does not know these orders; returns the messages of those that it has not known for
        so long that they are gone."""
        messages, at = [], self._clock.monotonic()
        for order in orders:
            gone = self._unknown.setdefault(order.client_order_id, Gone())
            gone.say(at)
            if gone.answers == 1:
                log.warning(
                    "the exchange does not know a resting order", symbol=order.symbol, client_order_id=order.client_order_id
                )
            if gone.is_for_good(at):
                name = f"{order.client_order_id}:forgotten:{int(self._clock.now().timestamp() // GONE_SECONDS)}"
                body = OrderForgotten(order.symbol, order.client_order_id)
                messages.append(Message(SOURCE, name, order.symbol, body, self._clock.now()))
        return messages
