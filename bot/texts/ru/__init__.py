"""The Russian catalogue: HTML by key, a module for each part of the chat, and every reason of core.domain.reasons by its code."""

from bot.texts.ru import acting, alerts, answers, approvals, people, programs, reading, reasons, records, refusals, why

__all__ = ["CATALOGUE", "SENTENCES"]

CATALOGUE: dict[str, str] = {
    **alerts.CATALOGUE,
    **approvals.CATALOGUE,
    **answers.CATALOGUE,
    **reading.CATALOGUE,
    **people.CATALOGUE,
    **acting.CATALOGUE,
    **why.CATALOGUE,
    **programs.CATALOGUE,
    **refusals.CATALOGUE,
}

SENTENCES: dict[str, str] = {**reasons.SENTENCES, **records.SENTENCES}
