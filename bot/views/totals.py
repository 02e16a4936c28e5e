"""A total in words. Pure."""

from decimal import Decimal

from bot.texts import Html, Texts
from bot.views.number_format import money


def total_lines(total: Decimal | None, asset: str, lacking: tuple[str, ...], texts: Texts) -> list[Html]:
    """A total in `asset` at present rates, and what is `lacking` in it as nobody knows its rate; None: all of it is."""
    if total is None:
        return [texts("total.unknown", assets=", ".join(lacking), asset=asset)]
    line = texts("total", amount=money(total, signed=True), asset=asset)
    return [line, texts("total.without", assets=", ".join(lacking))] if lacking else [line]
