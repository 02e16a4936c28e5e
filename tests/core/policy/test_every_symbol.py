"""Every recorded symbol, with each flag off and each order type missing in turn: what becomes of each plan is what the exchange's
documentation says, read from the recorded rules by nothing of the program's own."""

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import ROUND_CEILING, Decimal
from typing import Any

import pytest

from core.adapters.binance.codec import instrument as parsed
from core.domain.exit_plan import ExitPlan, Level, StopLoss, Target, Trailing
from core.domain.instrument import Instrument, Quote
from core.domain.protection_policy import ProtectionPolicy
from core.domain.reasons import Reason
from core.policy.decision import Decision, Refused, decide
from core.policy.exits.bracket import Purchase, brackets
from core.policy.exits.bracket_check import Bracket
from core.policy.exits.trailing import with_later_stop
from core.policy.risk import RiskApproved
from tests.core.decision_contexts import decision_context, said
from tests.core.virtual_time import NOON
from tests.paths import DATA
from tests.venue.filters import edited

FILES = ("exchangeInfo_12_symbols.json", "exchangeInfo_2026_rows.json")
SYMBOLS = [entry for name in FILES for entry in json.loads((DATA / "binance" / name).read_text())["symbols"]]
PRICES = {
    "ETHBTC": "0.04", "BTCUSDT": "68000", "ETHUSDT": "3000", "BNBUSDT": "600", "BTCUSDC": "68000", "USDCUSDT": "1",
    "DOGEUSDT": "0.1", "SOLUSDT": "150", "SHIBUSDT": "0.00002", "PEPEUSDT": "0.00001", "WIFUSDT": "0.48", "WIFUSDC": "0.48",
    "TSLABUSDT": "250", "BTCUSD": "68000",
}  # fmt: skip
WORTH = ("1000", "13")  # quote asset, a hundred-thousandth of it in bitcoin: enough for every part, and too little for some


def level(pct: str) -> Level:
    return Level(pct=Decimal(pct))


def ladder(*parts: tuple[str, str]) -> tuple[Target, ...]:
    return tuple(Target(level(pct), Decimal(share)) for pct, share in parts)


PLANS = {
    "stop": ExitPlan(StopLoss(level("5"))),
    "far stop": ExitPlan(StopLoss(level("15"))),
    "very far stop": ExitPlan(StopLoss(level("85"))),
    "stop within its limit": ExitPlan(StopLoss(level("9.5"), Decimal(2))),
    "target": ExitPlan(targets=ladder(("10", "100"))),
    "far target": ExitPlan(targets=ladder(("25", "100"))),
    "stop and target": ExitPlan(StopLoss(level("5")), ladder(("10", "100"))),
    "stop and half a target": ExitPlan(StopLoss(level("5")), ladder(("10", "50"))),
    "stop and two targets": ExitPlan(StopLoss(level("5")), ladder(("5", "50"), ("10", "50"))),
    "stop and five targets": ExitPlan(StopLoss(level("5")), ladder(*((str(number), "20") for number in range(1, 6)))),
    "targets alone": ExitPlan(targets=ladder(("5", "30"), ("10", "30"))),
    "trailing": ExitPlan(trailing=Trailing(Decimal(4))),
    "trailing once it is up": ExitPlan(trailing=Trailing(Decimal(4), Decimal(3))),
}  # fmt: skip


def rules_of(entry: Any) -> Iterator[tuple[str, Any]]:
    """Yields the recorded rules, and each change of them with its name."""
    yield "as recorded", entry
    for name, value in entry.items():
        if value is True:
            yield f"{name} off", edited(entry, {name: False})
    for kind in entry["orderTypes"]:
        yield f"no {kind}", edited(entry, {"orderTypes": [one for one in entry["orderTypes"] if one != kind]})
    yield "no market stops", edited(entry, {"orderTypes": [one for one in entry["orderTypes"] if one != "STOP_LOSS"]})
    yield "no stops", edited(entry, {"orderTypes": [one for one in entry["orderTypes"] if not one.startswith("STOP_LOSS")]})
    for name in ("max_num_algo_orders", "max_num_orders", "max_num_order_lists"):
        for most in (0, 1, 4):
            yield f"{name} {most}", edited(entry, {name: most})


CASES = [pytest.param(entry, id=f"{entry['symbol']}-{len(entry['orderTypes'])}-{place}") for place, entry in enumerate(SYMBOLS)]


@pytest.mark.parametrize("entry", CASES)
def test_what_becomes_of_each_plan_is_what_the_documentation_says(entry: Any) -> None:
    wrong = []
    for change, rules in rules_of(entry):
        for name, plan in PLANS.items():
            for worth in WORTH:
                faults = set(_faults(rules, plan, _quantity(rules, worth)))
                wrong += [f"{change}, {name}, {worth}: {one}" for one in _disagreements(rules, plan, worth, faults)]
    assert wrong == []


def _disagreements(rules: Any, plan: ExitPlan, worth: str, faults: set[str]) -> Iterator[str]:
    """Yields where the program does something else about a plan than place it as it is, watch it, or refuse its entry."""
    instrument, price, held = parsed(rules), Decimal(PRICES[rules["symbol"]]), _received(rules, worth)
    found = brackets(with_later_stop(plan), instrument, Purchase(held, price, price))
    if isinstance(found, Reason):
        if found.code not in faults:
            yield f"not placed as {found.code}, and not {sorted(faults)}"
    elif faults:
        yield f"placed in spite of {sorted(faults)}"
    else:
        yield from _misplaced(rules, plan, found, held)
    for protection in ProtectionPolicy:
        entered = _decided(instrument, plan, _quantity(rules, worth), protection)
        refused = isinstance(entered, Refused) and entered.reason.code == "protection_required"
        if not refused and not isinstance(entered, RiskApproved):
            if _takes_entries(rules):
                yield f"the entry is refused: {entered}"
        elif refused != (bool(faults) and protection is ProtectionPolicy.REQUIRED):
            yield f"{protection}: {entered}, but {sorted(faults)}"


def _takes_entries(rules: Any) -> bool:
    return "MARKET" in rules["orderTypes"] and rules["isSpotTradingAllowed"]


def _decided(instrument: Instrument, plan: ExitPlan, qty: Decimal, protection: ProtectionPolicy) -> Decision:
    price = Decimal(PRICES[instrument.symbol])
    signal = replace(said(close=PRICES[instrument.symbol]), symbol=instrument.symbol, plan=plan)
    quote = Quote(instrument.symbol, price, price, NOON)
    wanted = {"trade_qty": qty, "max_order_notional": Decimal(10**6)}
    context = decision_context(instrument=instrument, quote=quote, protection=protection, report_asset=instrument.quote, **wanted)
    return decide(signal, context)


# --- what the documentation says (filters.md; rest-api.md, "Exchange information" and "New OCO"), by the recorded rules alone


def _quantity(rules: Any, worth: str) -> Decimal:
    """Returns what so much buys, in steps."""
    amount = Decimal(worth) / (100_000 if rules["quoteAsset"] == "BTC" else 1)
    step = Decimal(_rule(rules, "LOT_SIZE")["stepSize"])
    return amount / Decimal(PRICES[rules["symbol"]]) // step * step


def _received(rules: Any, worth: str) -> Decimal:
    """Returns what is left of it after a fee of a tenth of a per cent."""
    return _quantity(rules, worth) * Decimal("0.999")


def _rule(rules: Any, kind: str) -> Any:
    return next((rule for rule in rules["filters"] if rule["filterType"] == kind), {})


def _stop_pct(plan: ExitPlan) -> Decimal | None:
    if plan.stop is None:
        return plan.trailing.pct if plan.trailing is not None else None
    assert plan.stop.level.pct is not None
    return plan.stop.level.pct


def _up(price: Decimal, tick: Decimal) -> Decimal:
    return (price / tick).to_integral_value(ROUND_CEILING) * tick


def _orders(rules: Any, plan: ExitPlan, bought: Decimal) -> Iterator[dict[str, Decimal]]:
    """Yields each part's quantity, and the prices that its orders name: `stop` the trigger, `limit` the stop's own limit."""
    tick, price = Decimal(_rule(rules, "PRICE_FILTER")["tickSize"]), Decimal(PRICES[rules["symbol"]])
    step, below = Decimal(_rule(rules, "LOT_SIZE")["stepSize"]), _stop_pct(plan)
    left = whole = bought * Decimal("0.999") // step * step
    common: dict[str, Decimal] = {}
    if below is not None:
        common["stop"] = _up(price * (100 - below) / 100, tick)
        if "STOP_LOSS" not in rules["orderTypes"]:
            offset = plan.stop.limit_offset_pct if plan.stop is not None else None
            common["limit"] = common["stop"] * (100 - (Decimal(1) if offset is None else offset)) / 100 // tick * tick
    shares = [target.share for target in plan.targets]
    for place, target in enumerate(plan.targets):
        is_last = place + 1 == len(shares) and sum(shares) == 100
        qty = left if is_last else whole * target.share / 100 // step * step
        left -= qty
        assert target.level.pct is not None
        yield {"qty": qty, "target": _up(price * (100 + target.level.pct) / 100, tick)} | common
    if common and sum(shares) < 100:
        yield {"qty": left} | common


def _faults(rules: Any, plan: ExitPlan, bought: Decimal) -> Iterator[str]:
    """Yields every reason for which the exchange would not hold the plan."""
    types, parts, below = set(rules["orderTypes"]), list(_orders(rules, plan, bought)), _stop_pct(plan)
    if below is not None and not types & {"STOP_LOSS", "STOP_LOSS_LIMIT"}:
        yield "order_type_missing"
    if plan.targets and "LIMIT_MAKER" not in types:
        yield "order_type_missing"
    if plan.targets and below is not None and not rules["ocoAllowed"]:
        yield "order_lists_missing"
    for part in parts:
        yield from _faults_of(rules, part)
    stops = sum("stop" in part for part in parts)
    lists = sum("stop" in part and "target" in part for part in parts)
    orders = stops + sum("target" in part for part in parts)
    for code, kind, field, count in (
        ("stops_full", "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders", stops),
        ("orders_full", "MAX_NUM_ORDERS", "maxNumOrders", orders),
        ("lists_full", "MAX_NUM_ORDER_LISTS", "maxNumOrderLists", lists),
    ):
        if count and count > _rule(rules, kind).get(field, count):
            yield code


def _faults_of(rules: Any, part: dict[str, Decimal]) -> Iterator[str]:
    price, band = Decimal(PRICES[rules["symbol"]]), _rule(rules, "PERCENT_PRICE_BY_SIDE")
    least = Decimal((_rule(rules, "NOTIONAL") or _rule(rules, "MIN_NOTIONAL"))["minNotional"])
    if part["qty"] < Decimal(_rule(rules, "LOT_SIZE")["minQty"]):
        yield "part_below_min_qty"
    for name in ("stop", "limit", "target"):
        if name in part and not price * Decimal(band["askMultiplierDown"]) <= part[name] <= price * Decimal(
            band["askMultiplierUp"]
        ):
            yield "price_out_of_band"
    for name in ("target", "limit" if "limit" in part else "stop"):
        if name in part and part["qty"] * part[name] < least:
            yield "part_below_min_notional"


def _misplaced(rules: Any, plan: ExitPlan, found: tuple[Bracket, ...], held: Decimal) -> Iterator[str]:
    """Yields each part whose quantity, prices or types are not those that the documentation leads to."""
    wanted = list(_orders(rules, plan, held / Decimal("0.999")))
    if len(wanted) != len(found):
        yield f"{len(found)} parts, not {len(wanted)}"
    for part, expected in zip(found, wanted, strict=False):
        prices = {"qty": part.qty}
        if part.target is not None and part.target.limit_price is not None:
            prices["target"] = part.target.limit_price
            if part.target.type != "LIMIT_MAKER":
                yield f"a target of type {part.target.type}"
        if part.stop is not None and part.stop.stop_price is not None:
            prices |= {"stop": part.stop.stop_price}
            prices |= {"limit": part.stop.limit_price} if part.stop.limit_price is not None else {}
            if part.stop.type not in rules["orderTypes"]:
                yield f"a stop of type {part.stop.type}"
        if prices != expected:
            yield f"{prices}, not {expected}"
