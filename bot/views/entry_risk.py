"""The risk of an entry in numbers: alone, and with all of its steps. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from bot.texts import Html, Texts
from bot.views.number_format import money, percent_of, price, quantity, share
from core.domain.exit_plan import ExitPlan
from core.domain.money import ZERO, divide, multiply
from core.policy.exits.plan_risk import PlanRisk, risk_of
from core.policy.exits.protection import exits_at_steps


@dataclass(frozen=True, slots=True)
class SteppedEntry:
    """An entry of `qty` at `at`, and its `steps`: limit and quantity of each. Prices in quote asset, quantities in base asset.
    `exits` is its plan; the prices of its orders are multiples of `price_step`."""

    at: Decimal
    qty: Decimal
    steps: Sequence[tuple[Decimal, Decimal]]
    exits: ExitPlan | None
    price_step: Decimal


def risk_lines(found: PlanRisk | None, quote: str, part: Decimal | None, texts: Texts) -> list[Html]:
    """Returns what would be lost at the stop, also as its `part` of the account in per cent if that is known, and how many times
    that the targets bring; nothing where nothing is at risk."""
    if found is None or found.loss <= ZERO:
        return []
    shown = {"loss": money(found.loss), "quote": quote}
    lines = [texts("approval.risk", **shown) if part is None else texts("approval.risk_of", share=share(part), **shown)]
    return lines if found.ratio is None else [*lines, texts("approval.reward", ratio=money(found.ratio))]


def stepped_lines(entry: SteppedEntry, base: str, quote: str, texts: Texts) -> list[Html]:
    """Returns a line for each step, and what the entry comes to if all are bought: quantity, amount, average price, and the loss
    at its stop then, counted as for an entry alone."""
    if not entry.steps:
        return []
    bought = [(entry.at, entry.qty), *entry.steps]
    qty, cost = sum((one for _, one in bought), ZERO), sum((multiply(at, one) for at, one in bought), ZERO)
    average = divide(cost, qty)
    lines = [_step(number, step, entry.at, texts) for number, step in enumerate(entry.steps, 1)]
    whole = {"quantity": quantity(qty), "base": base, "cost": money(cost), "quote": quote, "price": price(average)}
    lines += [texts("steps.whole", **whole), texts("steps.average", **whole)]
    return [*lines, *_stop(entry, average, qty, quote, texts)]


def _step(number: int, step: tuple[Decimal, Decimal], entry_price: Decimal, texts: Texts) -> Html:
    at, qty = step
    shown = {"price": price(at), "away": percent_of(at - entry_price, entry_price), "quantity": quantity(qty)}
    return texts("steps.one", number=number, **shown)


def _stop(entry: SteppedEntry, average: Decimal, qty: Decimal, quote: str, texts: Texts) -> list[Html]:
    exits = None if entry.exits is None else exits_at_steps(entry.exits, average, entry.price_step)
    found = None if exits is None else risk_of(exits, average, qty)
    if exits is None or found is None or exits.stop is None or exits.stop.level.price is None:
        return []
    lines = [texts("steps.stop", stop=price(exits.stop.level.price))]
    return [*lines, texts("steps.risk", loss=money(found.loss), quote=quote)] if found.loss > ZERO else lines
