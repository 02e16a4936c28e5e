"""Order lists (rest-api.md "Order lists", faqs/opo.md): how the legs of OCO, OTO, OTOCO, OPO and OPOCO depend on each other."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from tests.venue.admission import Admission
from tests.venue.book import floor_to
from tests.venue.errors import VenueError, rejected
from tests.venue.filters import SymbolRules
from tests.venue.locks import Settlement
from tests.venue.model import CONTINGENT, MARKET_KINDS, ZERO, Account, ListRequest, Order, OrderList, OrderRequest
from tests.venue.reports import REJECTIONS
from tests.venue.state import State

PAIR = 2


class Lists:
    """Opens lists and follows their legs. `start` puts an order to work."""

    def __init__(self, state: State, settlement: Settlement, admission: Admission, start: Callable[[Order], None]) -> None:
        self._state = state
        self._settlement = settlement
        self._admission = admission
        self._start = start
        self._requests: dict[Order, OrderRequest] = {}
        self.refuses_pending: Callable[[Order], bool] = lambda _: False
        """Tells whether an order that waited for the first of its list is refused when it is placed, for reasons of its own."""

    def check(self, account: Account, request: ListRequest) -> None:
        """Raises VenueError for a list that is refused, which is refused as a whole."""
        legs, working = request.legs, request.working
        self._check_allowed(self._state.rules(legs[0].symbol), request)
        self._admission.check_filters(account, request.all, lists=1)
        open_lists = self._state.orders.lists_of(account, legs[0].symbol)
        if any(found.client_list_id == request.client_list_id for found in open_lists):
            raise rejected("Duplicate order sent.")
        names = [leg.client_order_id for leg in request.all]
        if len(set(names)) < len(names):
            raise rejected("Duplicate order sent.")
        for leg in request.all:
            self._admission.check_new_id(account, leg)
        if working is None:
            self._admission.check_pair(account, *legs)
        else:
            self._admission.check_engine(account, working)

    def open(self, account: Account, request: ListRequest) -> OrderList:
        """Places a list that was checked. What follows from its first fills is left to `follow`."""
        wanted = sorted(request.legs, key=lambda leg: not leg.type.startswith("STOP_LOSS"))
        status = "NEW" if request.working is None else "PENDING_NEW"
        working = None if request.working is None else self._state.orders.add(account, request.working)
        legs = [self._state.orders.add(account, leg, status=status) for leg in wanted]
        for order, leg in zip(legs, wanted, strict=True):
            self._requests[order] = leg
            order.estimate = self._admission.estimate(leg)
        all_legs = legs if working is None else [working, *legs]
        found = self._state.orders.add_list(account, legs[0].symbol, request, all_legs)
        if working is None:
            self._place_pair(legs)
        else:
            self._start(working)
            for pending in legs:
                self._state.report(pending, "NEW")
        self._state.tell_list(found)
        return found

    def begin(self, order: Order) -> None:
        """Ends the other leg of a pair before this one, which was triggered, starts to work."""
        found = self._state.orders.list_of(order)
        if found is not None:
            self._end_rest([leg for leg in _pair(found) if leg is not order])

    def follow(self) -> None:
        """Does what follows from the legs that changed."""
        while self._settlement.changed:
            order = self._settlement.changed.pop(0)
            found = self._state.orders.list_of(order)
            if found is not None and found.is_open:
                self._follow(found)

    def cancel(self, found: OrderList, cancel_id: str) -> list[Order]:
        """Cancels every open leg; returns them. Events carry the cancel's id in the place of the order's."""
        canceled = [leg for leg in found.legs if leg.is_open]
        for leg in canceled:
            self._settlement.cancel(leg, cancel_id)
        return canceled

    def _check_allowed(self, rules: SymbolRules, request: ListRequest) -> None:
        if request.pays and not rules.allows("opoAllowed"):
            raise rejected("OPO orders are not supported for this symbol.")
        if request.working is not None and not rules.allows("otoAllowed"):
            raise rejected("OTO orders are not supported for this symbol.")
        if len(request.legs) == PAIR and not rules.allows("ocoAllowed"):
            raise rejected("OCO orders are not supported for this symbol")

    def _follow(self, found: OrderList) -> None:
        working, pending = found.working, [leg for leg in found.legs if leg.status == "PENDING_NEW"]
        if working is not None and not working.is_open:
            if pending and working.status == "FILLED":
                self._place_pending(found, pending)
            else:
                self._end_pending(pending)
                self._settlement.keep(self._state.account_of(found), found.received, ZERO)
        pair = _pair(found)
        if any(_is_started(leg) or not leg.is_open for leg in pair):
            self._end_rest([leg for leg in pair if not _is_started(leg)])
        if not any(leg.is_open for leg in found.legs):
            found.status = found.status_type = "ALL_DONE"
            self._state.tell_list(found)

    def _end_rest(self, legs: list[Order]) -> None:
        for leg in legs:
            if leg.is_open:
                self._settlement.expire(leg, "OCO_TRIGGER")

    def _end_pending(self, pending: list[Order]) -> None:
        for leg in pending:
            self._settlement.expire(leg, "OTO_PHASE_ONE_EXPIRED")

    def _place_pending(self, found: OrderList, pending: list[Order]) -> None:
        """Judges the pending orders again, and places them or ends them as rejected."""
        account = self._state.account_of(found)
        if found.pays:
            for leg in pending:
                leg.orig_qty = self._payable(found, leg)
        self._settlement.keep(account, found.received, ZERO)
        requests = [replace(self._requests[leg], quantity=leg.orig_qty) for leg in pending]
        for leg, request in zip(pending, requests, strict=True):
            try:
                if self.refuses_pending(leg):
                    raise rejected("Account has insufficient balance for requested action.")
                self._admission.check_pending(account, request)
            except VenueError as error:
                self._settlement.expire(leg, "REJECTED", REJECTIONS.get(error.msg, "NONE"))
                self._end_rest(pending)
                return
        for leg in pending:
            leg.status, leg.update_time = "NEW", self._state.now()
        if len(pending) == PAIR:
            self._place_pair(pending)
        else:
            self._start(pending[0])

    def _payable(self, found: OrderList, leg: Order) -> Decimal:
        """Returns what was received, rounded down to the lots of the leg's kind."""
        rules = self._state.symbols[found.symbol]
        kinds = ("LOT_SIZE", "MARKET_LOT_SIZE") if leg.type in MARKET_KINDS else ("LOT_SIZE",)
        steps = [Decimal(rules.rules[kind]["stepSize"]) for kind in kinds if kind in rules.rules]
        return floor_to(found.received.amount, max(steps, default=ZERO))

    def _place_pair(self, legs: list[Order]) -> None:
        """Locks once for both; the limit maker goes on the book, the others wait for their trigger."""
        self._settlement.lock(legs)
        for leg in legs:
            if leg.type not in CONTINGENT:
                leg.working_time = self._state.now()
            self._state.report(leg, "NEW")


def _is_started(leg: Order) -> bool:
    """Tells whether a leg was executed in part or was triggered: then the other one is over."""
    return bool(leg.executed_qty) or (leg.type in CONTINGENT and leg.working_time > 0)


def _pair(found: OrderList) -> list[Order]:
    """Returns the OCO pair of a list that is in force; empty if it has none yet."""
    legs = [leg for leg in found.legs if leg is not found.working and leg.status != "PENDING_NEW"]
    return legs if len(legs) == PAIR else []
