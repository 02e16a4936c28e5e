"""The warning that the exchange's API key may do more than it needs. Pure."""

from bot.texts import Html, Texts, short
from core.domain.api_key_permissions import DANGEROUS
from core.domain.events.process import KeyTooWide


def key_lines(event: KeyTooWide, texts: Texts) -> list[Html]:
    """Returns the key's extra permissions, and what to do about them."""
    if event.unread:
        return [texts("key.unread"), texts("key.unread_next", why=short(event.unread, 200))]
    urgent = DANGEROUS & set(event.findings)
    return [
        texts("key.dangerous" if urgent else "key.wide"),
        *(texts(f"key.{finding}") for finding in event.findings if texts.has(f"key.{finding}")),
        texts("key.next"),
    ]


# In the text of `marketflow check`, which is English.
IN_ENGLISH = {
    "withdraws": "the key may WITHDRAW: take that right away (API Management, Enable Withdrawals); MarketFlow never needs it",
    "transfers": "the key may transfer between accounts; MarketFlow never needs it",
    "any_address": "the key is good from any address: restrict it to this machine's (API Management, trusted IPs)",
}
