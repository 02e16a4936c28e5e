"""The size of an order in words and numbers: what a signal asks for, and how a size was computed. Pure."""

from bot.texts import Html, Texts
from bot.views.number_format import money, quantity, share
from core.domain.money import ZERO
from core.domain.trade_size import Sizing, TradeSize


def sizing_line(sizing: Sizing, texts: Texts) -> Html:
    """Returns how a size was computed from the equity, and what made it smaller."""
    shown = {"pct": share(sizing.pct), "equity": money(sizing.equity), "wanted": money(sizing.wanted), "asset": sizing.report}
    line = texts(f"sizing.{sizing.kind}", stop=share(sizing.stop_pct or ZERO), **shown)
    if sizing.cap is None:
        return line
    return Html(line + texts(f"sizing.cap_{sizing.cap}", most=money(sizing.most or ZERO), asset=sizing.report))


def asked_size_line(size: TradeSize, texts: Texts) -> Html:
    """Returns the size that a signal asks for."""
    return texts(f"why.asked_{size.kind}", amount=quantity(size.amount), pct=share(size.amount))
