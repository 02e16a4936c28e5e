"""Cyrillic letters that look like Latin ones: a Russian keyboard writes ВТС where BTC is meant. Pure."""

_LATIN = str.maketrans("АВЕКМНОРСТУХІЈЅ", "ABEKMHOPCTYXIJS")


def latin(text: str) -> str:
    """Returns `text` in capitals, its Cyrillic letters replaced if each of them looks like a Latin one; else as it is, in
    capitals."""
    upper = text.upper()
    found = upper.translate(_LATIN)
    return found if found.isascii() else upper
