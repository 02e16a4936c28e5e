"""The Russian catalogue: HTML by key, a module for each part of the chat, and every reason of core.domain.reasons by its code."""

from bot.texts.ru import (
    acting,
    alerts,
    answers,
    approvals,
    entries,
    people,
    plans,
    programs,
    protection,
    quality,
    reading,
    reasons,
    records,
    refusals,
    settings,
    usage,
    why,
)

__all__ = ["CATALOGUE", "SENTENCES"]

CATALOGUE: dict[str, str] = {
    **alerts.CATALOGUE,
    **protection.CATALOGUE,
    **approvals.CATALOGUE,
    **entries.CATALOGUE,
    **answers.CATALOGUE,
    **reading.CATALOGUE,
    **quality.CATALOGUE,
    **people.CATALOGUE,
    **acting.CATALOGUE,
    **settings.CATALOGUE,
    **usage.CATALOGUE,
    **why.CATALOGUE,
    **programs.CATALOGUE,
    **refusals.CATALOGUE,
}

SENTENCES: dict[str, str] = {**reasons.SENTENCES, **entries.SENTENCES, **plans.SENTENCES, **records.SENTENCES}
