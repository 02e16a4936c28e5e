"""Numbers as text, and their marks by language: 68,638.49 in English, 68 638,49 in Russian. Pure; rounds nothing."""

import re
from functools import cache

from babel.numbers import get_decimal_symbol, get_group_symbol

_PLAIN = re.compile(r"([+-]?)(\d+)((?:\.\d+)?)", re.ASCII)


class Figure(str):
    """A number in English notation, with its sign and a per cent sign where it has one; a sentence writes it in its language."""

    __slots__ = ()


def grouped(text: str) -> str:
    """Groups the thousands of a plain decimal; returns any other text as it is."""
    match = _PLAIN.fullmatch(text)
    return Figure(f"{match[1]}{int(match[2]):,}{match[3]}") if match is not None else text


def in_language(figure: str, language: str) -> str:
    """Returns a number with the marks of `language`."""
    return figure.translate(_marks(language))


@cache
def _marks(language: str) -> dict[int, str]:
    return {ord(","): get_group_symbol(language), ord("."): get_decimal_symbol(language)}
