"""The line that marks paper and testnet trading. Pure."""

from bot.texts import Html, Texts


def not_live(trading_mode: str, texts: Texts) -> list[Html]:
    """Returns the line that says that no real money is traded; none for live trading."""
    key = f"not_live.{trading_mode}"
    return [texts(key)] if texts.has(key) else []
