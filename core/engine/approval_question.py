"""The content of an approval request: the order, its worth and each rule's measurement."""

from decimal import Decimal

from core.domain.approval import Approval
from core.domain.events.approvals import ApprovalRequested
from core.domain.exit_plan import ExitPlan
from core.domain.instrument import Instrument
from core.domain.money import ZERO, multiply
from core.domain.signal import Side
from core.execution.decision_service import DecisionService
from core.policy.conversion_rates import Rate
from core.policy.decision_context import RiskLimits, SizeRequest
from core.policy.entries.adding import exits_shown
from core.policy.entries.step_refusal import step_orders
from core.policy.exits.plan_choice import plan_of
from core.policy.risk import RiskApproved
from core.policy.rule_measurements import DecisionRecord
from core.state.exchange_rates import ExchangeRates
from core.state.market_data import MarketDataCache
from core.state.portfolio import Portfolio

HALF = SizeRequest(share=Decimal("0.5"))


class ApprovalQuestions:
    """Makes the event that asks for an approval."""

    def __init__(self, portfolio: Portfolio, market: MarketDataCache, decisions: DecisionService, rates: ExchangeRates) -> None:
        self._portfolio = portfolio
        self._market = market
        self._decisions = decisions
        self._rates = rates

    async def asked(self, approval: Approval, sized: RiskApproved, facts: DecisionRecord) -> ApprovalRequested:
        """Returns the request, including half the quantity."""
        half = await self._decisions.decide(approval.signal, approved_at=approval.asked_at, size_request=HALF)
        base, quote = self.assets(approval.signal.symbol)
        worth, capital = self._weight(sized, quote)
        book, instrument = approval.signal.book, self._market.instrument(approval.signal.symbol)
        held, limits = self._portfolio.position(book), self._portfolio.limits_for(book)
        cost = held.average_cost if sized.side is Side.SELL else None
        return ApprovalRequested(
            approval,
            base,
            quote,
            half=half.qty if isinstance(half, RiskApproved) else None,
            capital=capital,
            rules=tuple((one.name, one.value, one.limit, one.unit) for one in facts.measures),
            cost=cost or None,
            worth=worth,
            report=self._rates.report,
            plan=self._exits(approval, limits, instrument),
            price_step=instrument.price_step if instrument else ZERO,
            position=held if held.is_open and sized.side is Side.BUY else None,
            most_entries=limits.max_entries,
            steps=()
            if instrument is None or held.is_open
            else step_orders(approval.signal, sized, limits, instrument, approval.asked_at),
        )

    def _exits(self, approval: Approval, limits: RiskLimits, instrument: Instrument | None) -> ExitPlan | None:
        """Returns the exits that would be made with the entry, those of the position that it adds to included; None for none."""
        signal = approval.signal
        plan = self._portfolio.plans.get(signal.book) if self._portfolio.position(signal.book).is_open else None
        return plan_of(signal, limits) if instrument is None else exits_shown(signal, plan, limits, instrument, approval.asked_at)

    def assets(self, symbol: str) -> tuple[str, str]:
        """Returns base and quote asset; the symbol itself and an empty text if its rules are unknown."""
        instrument = self._market.instrument(symbol)
        return (instrument.base, instrument.quote) if instrument else (symbol, "")

    def _weight(self, sized: RiskApproved, quote: str) -> tuple[Decimal | None, Decimal | None]:
        """Returns the order's value and the whole capital, in the report asset; None if unknown."""
        rate = self._rates.last({quote})[quote]
        worth = rate.at_most(multiply(sized.qty, sized.price)) if isinstance(rate, Rate) else None
        funds = self._portfolio.capital((self._rates.report, quote), self._market.instruments())
        capital, unvalued = self._rates.total(funds) if funds is not None else (None, ())
        return worth, None if unvalued else capital
