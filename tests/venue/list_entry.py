"""Reads and checks the parameters of POST orderList/oco, oto, otoco, opo and opoco."""

import secrets

from tests.venue.errors import VenueError
from tests.venue.filters import SymbolRules
from tests.venue.model import CONTINGENT, ListRequest, OrderRequest, Side
from tests.venue.order_entry import Names, read_leg, read_stp
from tests.venue.params import CLIENT_ORDER_ID, Params

_PAIR_TYPES = ("LIMIT_MAKER", *CONTINGENT)
# (type, side, is above) -> the error of a leg on the wrong side; a stop loss takes the other side of a take profit
_WRONG = {
    ("LIMIT_MAKER", "BUY", True): -1165,
    ("LIMIT_MAKER", "SELL", False): -1166,
    ("STOP_LOSS", "BUY", False): -1196,
    ("STOP_LOSS", "SELL", True): -1197,
    ("TAKE_PROFIT", "BUY", True): -1198,
    ("TAKE_PROFIT", "SELL", False): -1199,
}


def read_oco(params: Params, rules: SymbolRules) -> ListRequest:
    name, stp = _head(params, rules)
    above = read_leg(params, rules, Names("above"), stp)
    below = read_leg(params, rules, Names("below"), stp)
    _check_pair(above, below)
    return ListRequest(name, (above, below))


def read_oto(params: Params, rules: SymbolRules, *, pays: bool = False) -> ListRequest:
    """Reads an OTO, or with `pays` an OPO: the same without the quantity of the pending order."""
    name, stp = _head(params, rules)
    working = _working(params, rules, stp)
    pending = read_leg(params, rules, _names("pending", pays=pays), stp)
    return _checked(ListRequest(name, (pending,), working, pays))


def read_otoco(params: Params, rules: SymbolRules, *, pays: bool = False) -> ListRequest:
    """Reads an OTOCO, or with `pays` an OPOCO."""
    name, stp = _head(params, rules)
    working = _working(params, rules, stp)
    above = read_leg(params, rules, _names("pendingAbove", pays=pays), stp)
    below = read_leg(params, rules, _names("pendingBelow", pays=pays), stp)
    _check_pair(above, below)
    return _checked(ListRequest(name, (above, below), working, pays))


def _head(params: Params, rules: SymbolRules) -> tuple[str, str]:
    name = params.text("listClientOrderId", CLIENT_ORDER_ID) or secrets.token_hex(11)
    return name, read_stp(params, rules)


def _working(params: Params, rules: SymbolRules, stp: str) -> OrderRequest:
    working = read_leg(params, rules, Names("working", "workingSide", "workingQuantity"), stp)
    if working.type not in ("LIMIT", "LIMIT_MAKER"):
        raise VenueError(-1014)
    return working


def _names(prefix: str, *, pays: bool) -> Names:
    return Names(prefix, "pendingSide", None if pays else "pendingQuantity")


def _checked(request: ListRequest) -> ListRequest:
    if request.pays and request.working is not None:
        if request.working.side != "BUY":
            raise VenueError(-1222)
        if any(leg.side != "SELL" for leg in request.legs):
            raise VenueError(-1223)
    return request


def _check_pair(above: OrderRequest, below: OrderRequest) -> None:
    """Checks that each type is on its side of the market."""
    if above.type not in _PAIR_TYPES or below.type not in _PAIR_TYPES:
        raise VenueError(-1158)
    if above.type == below.type == "LIMIT_MAKER":
        raise VenueError(-1168)
    for leg, is_above in ((above, True), (below, False)):
        wrong = _WRONG.get(_key(leg.type, leg.side, is_above=is_above))
        if wrong is not None:
            raise VenueError(wrong)


def _key(kind: str, side: Side, *, is_above: bool) -> tuple[str, str, bool]:
    return kind.removesuffix("_LIMIT"), side, is_above
