"""Whole numbers as people type them. Pure."""


def read_count(text: str, most: int = 20) -> int | None:
    """Parses a number from 1 to `most`; None for anything else."""
    if not (text.isascii() and text.isdigit()) or len(text) > 4 or not 1 <= int(text) <= most:
        return None
    return int(text)
