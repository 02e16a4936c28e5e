"""The daily comparison of ledger, exchange and history as text. Pure."""

from bot.texts import Html, Texts, short
from bot.views.number_format import money
from core.domain.daily_proof import Proof
from core.domain.events.daily_proof import DayProved, DayUnproved

_DIFFERENCES_SHOWN = 10


def day_lines(event: DayProved, texts: Texts) -> list[Html]:
    """Returns the day's result: what differs, what was compared, the profit."""
    proof, count = event.proof, event.count
    return [*_differences(proof, count, texts), *_counts(proof, texts)]


def _differences(proof: Proof, count: int, texts: Texts) -> list[Html]:
    shown = [texts("proof.difference", difference=short(each, 160)) for each in proof.differences[:_DIFFERENCES_SHOWN]]
    title = texts("proof.differs", day=proof.day, count=count) if count else texts("proof.agrees", day=proof.day)
    more = [texts("proof.more", count=count - _DIFFERENCES_SHOWN, day=proof.day)] if count > _DIFFERENCES_SHOWN else []
    return [title, *shown, *more, *([texts("proof.next", day=proof.day)] if count else [])]


def _counts(proof: Proof, texts: Texts) -> list[Html]:
    lines = [texts("proof.counts", signals=proof.signals, orders=proof.orders, fills=proof.fills)]
    if proof.in_history is not None:
        lines.append(texts("proof.history", rows=proof.in_history))
    if proof.unexported:
        lines.append(texts("proof.unexported", count=proof.unexported))
    if proof.gone:
        lines.append(texts("proof.gone", symbols=", ".join(proof.gone)))
    if proof.history_problem:
        lines.append(texts("proof.no_history", problem=short(proof.history_problem, 200)))
    lines += [texts("proof.profit", profit=money(profit, signed=True), asset=asset) for asset, profit in proof.profit.items()]
    return lines


def no_day_lines(event: DayUnproved, texts: Texts) -> list[Html]:
    """Returns the alert that a day could not be compared, and why."""
    problem = texts("proof.problem", problem=short(event.problem, 200))
    return [texts("proof.none", day=event.day), problem, texts("proof.again", day=event.day)]
