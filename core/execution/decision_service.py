"""Collects the decision context and asks the pure policy what to do about a signal. Changes nothing."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import structlog

from core.domain.errors import ExchangeUnavailable
from core.domain.instrument import Instrument, Quote
from core.domain.money import ZERO
from core.domain.order import Order
from core.domain.order_terms import EntryStyle
from core.domain.reasons import Reason
from core.domain.retry_backoff import RetryBackoff
from core.domain.signal import Side, Signal, client_order_id
from core.domain.strategy_book import StrategyBook
from core.policy.conversion_rates import Rate, Unknown
from core.policy.decision import AskFirst, Decision, Refused, counts, counts_from_equity, decide
from core.policy.decision_context import NOT_ASKED, DecisionContext, SizeRequest
from core.policy.entries.chase_check import chase_refusal
from core.policy.entries.steps import belongs
from core.policy.execution_role import entry_id_of
from core.policy.exits.protection import bound
from core.policy.exits.requests import open_beside
from core.policy.risk.signal_age import good_for, lasts
from core.policy.rule_measurements import DecisionRecord, record_of
from core.ports.clock import Clock
from core.ports.entry_gate import EntryGate
from core.state.account_funds import AccountFunds, Balances, Snapshot
from core.state.exchange_rates import ExchangeRates
from core.state.market_data import ASK_TIMEOUT_SECONDS, MarketDataCache
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)

USUAL = SizeRequest()
_UNREAD = frozenset({"price_unknown", "balances_unknown", "value_unknown"})
"""Reasons that the exchange's next answer may take away."""
_WITHOUT_END = datetime.max.replace(tzinfo=UTC)

PATIENCE_SECONDS = 60.0
_BACKOFF = RetryBackoff(first=0.5, longest=2.0)


@dataclass(frozen=True, slots=True)
class Weighed:
    """A decision and the numbers behind it; `counts`: the signal is a current opinion on this market."""

    decision: Decision
    facts: DecisionRecord
    counts: bool


@dataclass(frozen=True, slots=True)
class _Read:
    """The answers that a decision waited for."""

    instrument: Instrument | None
    free: Decimal | None
    money: Snapshot | Reason
    quote: Quote | None
    rates: Mapping[str, Rate | Unknown]

    @property
    def asset(self) -> str:
        """Returns the asset that an entry spends."""
        return self.instrument.quote if self.instrument is not None else ""


def _lacks_only_an_answer(decision: Decision) -> bool:
    return isinstance(decision, Refused) and decision.reason.code in _UNREAD


def _record(signal: Signal, decision_context: DecisionContext, decision: Decision) -> DecisionRecord:
    """Returns the numbers behind a decision."""
    if isinstance(decision, Refused):
        return record_of(signal, decision_context, decision.sized.qty if decision.sized is not None else None)
    order = decision.order if isinstance(decision, AskFirst) else decision
    return record_of(signal, decision_context, order.qty, order.way)


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
        self.funds = AccountFunds(portfolio, market, rates, balances, clock)
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
        read = await self._read(signal, size_request)
        decision_context = self._context(signal, approved_at, size_request, read)
        decision = decide(signal, decision_context)
        return Weighed(decision, _record(signal, decision_context, decision), counts(signal, decision_context))

    def is_at_hand(self, signal: Signal) -> bool:
        """Tells whether everything that `weigh` reads for `signal` is in memory: then it waits for nothing."""
        instrument = self._market.instrument(signal.symbol)
        if instrument is None or not instrument.trading or self._needs_funds(signal, USUAL, instrument):
            return False
        if signal.side is Side.SELL:
            prices_known = not self._is_in_doubt(signal.symbol)
        else:
            prices_known = self._rates.are_at_hand(self._rates.needed(instrument.quote))
        return prices_known and self._market.quote_at_hand(signal.symbol) is not None

    async def _read(self, signal: Signal, size_request: SizeRequest) -> _Read:
        """Reads what is not in memory; the price last, as it ages."""
        instrument = await self._instrument(signal)
        free = await self._free(signal, instrument)
        asset = instrument.quote if instrument is not None else ""
        snapshot = await self.funds.look(asset) if self._needs_funds(signal, size_request, instrument) else NOT_ASKED
        quote, rates = await self._prices(signal, instrument) if instrument else (None, {})
        return _Read(instrument, free, snapshot, quote, rates)

    def _context(self, signal: Signal, approved_at: datetime | None, size_request: SizeRequest, read: _Read) -> DecisionContext:
        """Returns everything known at this moment, with what was `read` for it."""
        now, limits = self._clock.now(), self._portfolio.limits_for(signal.book)
        return DecisionContext(
            now=now,
            limits=replace(limits, entry_style=EntryStyle.MARKET) if signal.at_market else limits,
            trading_state=self._portfolio.trading_state_for(signal.book),
            instrument=read.instrument,
            quote=read.quote,
            position=self._portfolio.position(signal.book),
            open_count=self._portfolio.count_open(besides=client_order_id(signal)),
            results_today=self._portfolio.results_of(now.date().isoformat()),
            rates=read.rates,
            pending=self._portfolio.approval_for(signal.book),
            approved_at=approved_at,
            halt=self._portfolio.halt_on(signal.symbol),
            account_halt=self._portfolio.account_halt,
            free=read.free,
            by_hand=signal.by_hand,
            gate=self._gate(),
            size_request=size_request,
            exit_pending=signal.book in self._portfolio.exits,
            **self._waiting(signal),
            clock_offset=self._portfolio.clock_offset,
            funds=self.funds.of(read.money, read.asset, besides=client_order_id(signal)),
            equity_mark=self._portfolio.equity_mark,
            stopped_at=self._portfolio.record.stopped.get(signal.symbol),
            losing_exits=self._portfolio.record.losing_exits.get(signal.strategy, 0),
            **self._beside(signal),
            shares_coin=read.instrument is not None and self._shares_coin(read.instrument, signal.book),
            plan=self._portfolio.plans.get(signal.book),
        )

    def _beside(self, signal: Signal) -> dict[str, Any]:
        """Returns what the strategy of `signal`, and the others in its symbol, have open; by the context's fields."""
        book, portfolio = signal.book, self._portfolio
        held = (one.strategy for one in portfolio.open_positions() if one.symbol == book.symbol and one.book != book)
        return {
            "open_beside": open_beside(one for one in portfolio.open_for(book.symbol) if one.book != book),
            "own_count": portfolio.count_open(besides=client_order_id(signal), strategy=book.strategy),
            "most_own": portfolio.terms_for(book).own_positions,
            "strategy_paused": book.strategy in portfolio.strategy_pauses,
            "held_by": tuple(sorted(held)),
        }

    def _waiting(self, signal: Signal) -> dict[str, Any]:
        """Returns what of the book of `signal` waits to be bought at a limit; by the context's fields."""
        position, entries = self._portfolio.position(signal.book), self._portfolio.entries_for(signal.book)
        steps, own = [one for one in entries if belongs(one.signal.step, position)], client_order_id(signal)
        waiting = [one for one in entries if not one.executed_qty and entry_id_of(one) != own]
        return {"entry_rests": len(steps) < len(entries), "entries_wait": len(waiting)}

    def _shares_coin(self, instrument: Instrument, book: StrategyBook) -> bool:
        """Tells whether coins of this base asset may be free for another book. What an entry with its exits buys never is."""
        others = {one.book for one in self._portfolio.positions.values() if one.qty}
        others |= {one.book for one in self._portfolio.buying() if one.list_id is None}
        others.discard(book)
        known = (self._market.instrument(symbol) for symbol in {one.symbol for one in others})
        return any(one is not None and one.base == instrument.base for one in known)

    async def weigh_patiently(
        self, signal: Signal, *, approved_at: datetime | None = None, size_request: SizeRequest = USUAL
    ) -> "Weighed":
        """Decides as `weigh`; an entry that lacks only a price or the balances is weighed again while its signal is good,
        for at most a minute. Nothing that could be sold waits behind it: what adds to a position is not waited for."""
        began, pause = self._clock.monotonic(), _BACKOFF.first
        good_until = (approved_at or signal.ts) + good_for(signal, self._portfolio.limits_for(signal.book))
        weighed = await self.weigh(signal, approved_at=approved_at, size_request=size_request)
        while _lacks_only_an_answer(weighed.decision) and self.patient and not self._portfolio.position(signal.book).is_open:
            left = min((good_until - self._clock.now()).total_seconds(), began + PATIENCE_SECONDS - self._clock.monotonic())
            if left <= pause:
                break
            await self._clock.sleep(pause)
            pause = _BACKOFF.longer(pause)
            weighed = await self.weigh(signal, approved_at=approved_at, size_request=size_request)
        return weighed

    def good_until(self, order: Order) -> datetime:
        """Returns when the order's signal becomes too old to be placed again."""
        if lasts(order.signal, self._portfolio.trading_state):
            return _WITHOUT_END
        began = order.created_at if order.leg is not None else order.approved_at or order.signal.ts
        return began + good_for(order.signal, self._portfolio.limits_for(order.book))

    async def chase_refusal(self, signal: Signal) -> Reason | None:
        """Returns why the entry of `signal`, whose time is over, may not go on by another order; None if it may."""
        return chase_refusal(signal, self._context(signal, None, USUAL, await self._read(signal, USUAL)))

    def _needs_funds(self, signal: Signal, size_request: SizeRequest, instrument: Instrument | None) -> bool:
        """Tells whether the account's money decides about an order on `signal`: it costs a request."""
        limits = self._portfolio.limits_for(signal.book)
        by_limit = signal.side is Side.BUY and (limits.max_exposure_pct is not None or limits.max_drawdown_pct is not None)
        return instrument is not None and (by_limit or counts_from_equity(signal, size_request, limits))

    async def _free(self, signal: Signal, instrument: Instrument | None) -> Decimal | None:
        """Returns the amount of the base asset that the exchange could sell, for an exit where the ledger may be wrong; None if
        that cannot be asked soon, or need not be."""
        if instrument is None or signal.side is Side.BUY or not self._is_in_doubt(signal.symbol):
            return None
        try:
            async with asyncio.timeout(ASK_TIMEOUT_SECONDS):
                balance = (await self.funds.balances()).get(instrument.base)
        except (ExchangeUnavailable, TimeoutError) as error:
            log.warning("the free balance cannot be read; using the ledger's figure", error=str(error) or "no answer in time")
            return None
        if balance is None:
            return ZERO
        # What protects the position is taken off before the exit is sent.
        return min(balance.free + bound(self._portfolio.resting_for(signal.book)), balance.total)

    def _is_in_doubt(self, symbol: str) -> bool:
        """Tells whether the ledger may be wrong about what is held of `symbol`."""
        return self._portfolio.halt_on(symbol) is not None or self._portfolio.account_halt is not None

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
        return allowed is None or symbol in allowed or any(book.symbol == symbol for book in self._portfolio.positions)
