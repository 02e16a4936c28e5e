"""The dashboard's texts: its own, and of the chat's what both say (reasons, outcomes, stories), in the reader's language and time
zone."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from zoneinfo import ZoneInfoNotFoundError

import bot.texts
from bot.texts import LANGUAGES, Texts
from dashboard.texts import en, ru

CATALOGUES: Mapping[str, Mapping[str, str]] = {"en": en.CATALOGUE, "ru": ru.CATALOGUE}


def texts(language: str, zone: str = "UTC") -> Texts:
    """Returns the texts of a language (one of LANGUAGES) with times in `zone` (IANA's name); in UTC where nobody knows such a
    zone."""
    try:
        chat = bot.texts.texts(language, zone)
    except (ZoneInfoNotFoundError, ValueError):
        chat = bot.texts.texts(language)
    return replace(chat, catalogue=MappingProxyType({**chat.catalogue, **CATALOGUES[language]}))


def language_of(locale: str | None) -> str:
    """Returns the language of a browser's locale (`ru-RU`); English for one that there are no texts in."""
    spoken = (locale or "").partition("-")[0].lower()
    return spoken if spoken in LANGUAGES else LANGUAGES[0]
