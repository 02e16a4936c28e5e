"""Collects the decision context and asks the pure policy what to do about a signal. Changes nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import structlog

from core.domain.errors import ExchangeUnavailable
from core.domain.instrument import Balance, Instrument, Quote
from core.domain.money import ZERO
from core.domain.order import Order
from core.domain.retry_backoff import RetryBackoff
from core.domain.signal import Side, Signal, client_order_id
from core.policy.conversion_rates import Rate, Unknown
from core.policy.decision import AskFirst, Decision, Refused, counts, decide
from core.policy.decision_context import DecisionContext, SizeRequest
from core.policy.risk.signal_age import good_for, lasts
from core.policy.rule_measurements import DecisionRecord, record_of
from core.ports.clock import Clock
from core.ports.entry_gate import EntryGate
from core.state.exchange_rates import ExchangeRates
from core.state.market_data import ASK_TIMEOUT_SECONDS, MarketDataCache
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)

Balances = Callable[[], Awaitable[Mapping[str, Balance]]]

USUAL = SizeRequest()
_WITHOUT_END = datetime.max.replace(tzinfo=UTC)

PATIENCE_SECONDS = 60.0
_BACKOFF = RetryBackoff(first=0.5, longest=2.0)


@dataclass(frozen=True, slots=True)
class Weighed:
    """A decision and the numbers behind it; `counts`: the signal is a current opinion on this market."""

    decision: Decision
    facts: DecisionRecord
    counts: bool


def _lacks_only_a_price(decision: Decision) -> bool:
    return isinstance(decision, Refused) and decision.reason.code == "price_unknown"


def _qty(decision: Decision) -> Decimal | None:
    """Returns the sized quantity, in base asset."""
    match decision:
        case Refused(sized=sized):
            return sized.qty if sized is not None else None
        case AskFirst(order):
            return order.qty
        case _:
            return decision.qty


class DecisionService:
    """Decides on signals at the current price, by the current portfolio."""

    def __init__(
        self,
        *,
        portfolio: Portfolio,
        market: MarketDataCache,
        rates: ExchangeRates,
        balances: Balances,
        clock: Clock,
        gate: EntryGate = lambda: None,
    ) -> None:
        """Builds the service. `balances` asks for the account's balances, `gate` may hold entries back."""
        self._portfolio = portfolio
        self._market = market
        self._rates = rates
        self._balances = balances
        self._clock = clock
        self._gate = gate
        self.patient = True
        """False once the process ends: then nothing waits for a price any more."""

    async def decide(self, signal: Signal, *, approved_at: datetime | None = None, size_request: SizeRequest = USUAL) -> Decision:
        """Returns the decision, without the numbers behind it: see `weigh`."""
        return (await self.weigh(signal, approved_at=approved_at, size_request=size_request)).decision

    async def weigh(self, signal: Signal, *, approved_at: datetime | None = None, size_request: SizeRequest = USUAL) -> "Weighed":
        """Decides at once if rules and price are in memory, as they are for every watched symbol.

        There is no await between collecting the context and returning: a caller that reserves the decided amount before
        awaiting anything decides alone.
        """
        instrument = await self._instrument(signal)
        free = await self._free(signal, instrument)
        quote, rates = await self._prices(signal, instrument) if instrument else (None, {})
        now = self._clock.now()
        decision_context = DecisionContext(
            now=now,
            limits=self._portfolio.limits,
            controls=self._portfolio.controls,
            instrument=instrument,
            quote=quote,
            position=self._portfolio.position(signal.symbol),
            open_count=self._portfolio.count_open(besides=client_order_id(signal)),
            results_today=self._portfolio.results_of(now.date().isoformat()),
            rates=rates,
            pending=self._portfolio.approval_for(signal.symbol),
            approved_at=approved_at,
            halt=self._portfolio.halt_on(signal.symbol),
            account_halt=self._portfolio.account_halt,
            free=free,
            by_hand=signal.by_hand,
            gate=self._gate(),
            size_request=size_request,
            exit_pending=signal.symbol in self._portfolio.exits,
            clock_offset=self._portfolio.clock_offset,
        )
        decision = decide(signal, decision_context)
        return Weighed(decision, record_of(signal, decision_context, _qty(decision)), counts(signal, decision_context))

    async def weigh_patiently(
        self, signal: Signal, *, approved_at: datetime | None = None, size_request: SizeRequest = USUAL
    ) -> "Weighed":
        """Decides as `weigh`; an entry that lacks only the current price is weighed again while its signal is good, for at most a
        minute. Nothing that could be sold waits behind it: if a position is open no entry comes this far."""
        began, pause = self._clock.monotonic(), _BACKOFF.first
        good_until = (approved_at or signal.ts) + good_for(signal, self._portfolio.limits)
        weighed = await self.weigh(signal, approved_at=approved_at, size_request=size_request)
        while _lacks_only_a_price(weighed.decision) and self.patient:
            left = min((good_until - self._clock.now()).total_seconds(), began + PATIENCE_SECONDS - self._clock.monotonic())
            if left <= pause:
                break
            await self._clock.sleep(pause)
            pause = _BACKOFF.longer(pause)
            weighed = await self.weigh(signal, approved_at=approved_at, size_request=size_request)
        return weighed

    def good_until(self, order: Order) -> datetime:
        """Returns when the order's signal becomes too old to be placed again."""
        if lasts(order.signal, self._portfolio.controls):
            return _WITHOUT_END
        return (order.approved_at or order.signal.ts) + good_for(order.signal, self._portfolio.limits)

    async def _free(self, signal: Signal, instrument: Instrument | None) -> Decimal | None:
        """Returns the amount of the base asset that the exchange could sell, for an exit where the ledger may be wrong; None if
        that cannot be asked soon, or need not be."""
        in_doubt = self._portfolio.halt_on(signal.symbol) is not None or self._portfolio.account_halt is not None
        if instrument is None or signal.side is Side.BUY or not in_doubt:
            return None
        try:
            async with asyncio.timeout(ASK_TIMEOUT_SECONDS):
                balance = (await self._balances()).get(instrument.base)
        except (ExchangeUnavailable, TimeoutError) as error:
            log.warning("the free balance cannot be read; using the ledger's figure", error=str(error) or "no answer in time")
            return None
        return balance.free if balance is not None else ZERO

    async def _prices(self, signal: Signal, instrument: Instrument) -> tuple[Quote | None, Mapping[str, Rate | Unknown]]:
        """Returns the price, and the rates that convert an entry's amounts; the price last, as it ages while a rate is read. An
        exit waits for no rate: the last one serves, or none."""
        is_exit = signal.side is Side.SELL
        rates = dict(self._rates.last({instrument.quote})) if is_exit else {}
        while True:
            quote = await self._market.fresh_quote(signal.symbol)
            # Another symbol's exit may end meanwhile, in an asset in which nothing was earned or lost before.
            missing = set() if is_exit or quote is None else self._rates.needed(instrument.quote) - rates.keys()
            if not missing:
                return quote, rates
            rates |= await self._rates.fresh(missing)

    async def _instrument(self, signal: Signal) -> Instrument | None:
        known = self._market.instrument(signal.symbol)
        if (known is not None and known.trading) or not self._is_wanted(signal.symbol):
            return known
        try:
            return await self._market.find_instrument(signal.symbol)
        except ExchangeUnavailable:
            return known  # unknown or halted, and refused as such: nothing is traded on a guess

    def _is_wanted(self, symbol: str) -> bool:
        """Tells whether `symbol` is worth asking the exchange about: a stream could name thousands that nobody allowed."""
        allowed = self._portfolio.limits.symbols
        return allowed is None or symbol in allowed or symbol in self._portfolio.positions
