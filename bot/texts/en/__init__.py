"""The English catalogue: HTML by key, a module for each part of the chat."""

from bot.texts.en import (
    acting,
    alerts,
    answers,
    approvals,
    entries,
    people,
    programs,
    protection,
    quality,
    reading,
    refusals,
    settings,
    usage,
    why,
)

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
