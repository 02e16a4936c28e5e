"""Finds the instrument that a record is about. The default applies only if nothing in the record names one, in any way: whatever
could name one and cannot be read as one is refused (docs/adr/0020). Pure."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.adapters.signals.json_parser import Refused, entries, printable, shown
from core.domain.assets import is_dollar_or_euro
from core.domain.reasons import reason

NAMES = ("symbol", "ticker", "pair", "instrument")
"""The fields that name the instrument, in exactly this spelling."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# A part alone may have a single letter (WUSDC, S/USDC); a whole symbol has 2 to 20.
_SYMBOL = re.compile(r"(?:BINANCE:)?(?:([A-Z0-9]{2,20})|([A-Z0-9]{1,12})[/-]([A-Z0-9]{2,8}))", re.ASCII | re.IGNORECASE)
_ELSEWHERE = re.compile(r"(?!BINANCE:)[A-Z0-9_]{2,20}:[^:]+", re.ASCII | re.IGNORECASE)
_PERPETUAL = re.compile(r".+(?:\.P|[-_/.]?PERP|[-_/]SWAP|:USD[TC]?)", re.IGNORECASE)
_UNFILLED = re.compile(r"[{}<>$%]")
_ASKED_FOR = ("ticker", "symbol", "instrument", "pair", "coin", "base", "quote", "currency")
_PLACEHOLDER = re.compile(r"[{<$%]{1,3}\s?[\w.]{0,24}(?:" + "|".join(_ASKED_FOR) + ")", re.IGNORECASE)

# A field is about an instrument if its name, without capitals and signs, contains one of these ...
_CONTAINED = ("symbol", "ticker", "instrument", "символ", "тикер", "инструмент")
# ... or has one of these among its words ...
_WORDS = _set("pair pairs coin coins asset assets sym instid security isin figi пара монета актив")
# ... unless it holds a number, and its name says that it is an amount.
_AMOUNTS = _set("amount amt qty quantity size price count value volume balance pct percent change rank fee cost")
# Of these, the value is one of the instrument's own assets.
_OWN_COIN = _set("coin asset base underlying basecoin baseasset basecurrency монета актив")
# These mean many things; the value decides.
_VAGUE = _set("market base quote currency contract product underlying crypto cryptocurrency basecurrency quotecurrency")
_HARMLESS = _set(
    "spot margin crypto cryptocurrency base quote limit market binance open closed bull bear bullish bearish long short flat "
    "neutral trending ranging up down sideways yes no none"
)
_NUMERIC = re.compile(r"[+-]?[\d.,]*%?")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")

# Endings that only pairs have; then endings that words have too (ENTRY), so that a coin must come before them.
_QUOTES = "USDT|USDC|FDUSD|TUSD|BUSD|USDP|USD|BTC|XBT|BNB"
_MORE_QUOTES = "ETH|EUR|EURI|TRY|BRL|GBP|JPY|AUD|DAI|RUB|UAH|PLN|ARS|MXN|ZAR|IDR|COP|CZK|RON|SOL|XRP|DOGE|TRX"
_STABLE = _set("USDT USDC FDUSD TUSD BUSD USDP USD1 USDE DAI EURI")
_COINS = _STABLE | _set(
    "BTC XBT WBTC ETH WETH BNB SOL XRP ADA DOGE TRX AVAX LTC BCH SHIB XLM XMR ETC ARB SUI PEPE WIF BONK FLOKI FIL HBAR AAVE "
    "MATIC POL TAO INJ TIA SEI WLD JUP ENA ONDO ICP ALGO ATOM ZEC DASH EOS XTZ MKR UNI CRV LDO RUNE GRT"
)
_TOKEN = re.compile(r"[^\W_]{3,24}(\.[Pp](?![^\W_]))?")
_GLUED = re.compile(rf"[^\W_]+(?:{_QUOTES})|[^\W_]{{2,}}PERP")
_GLUED_COIN = re.compile(rf"([A-Z0-9]+)(?:{_MORE_QUOTES})")
_JOINED = re.compile(rf"(?<![^\W_])([^\W_]{{1,12}}) ?/ ?({_QUOTES}|{_MORE_QUOTES})(?![^\W_])")
_HYPHENED = re.compile(rf"(?<![^\W_])([A-Z0-9]{{1,12}})-({_QUOTES}|{_MORE_QUOTES})(?![^\W_])")
_WHOLE = re.compile(rf"([^\W_]{{1,12}})[-_ ]({_QUOTES}|{_MORE_QUOTES})", re.IGNORECASE)
# Wide, bold and circled letters and digits, each mapped to the plain one: full normalization turns some into eighteen letters.
_LOOKALIKES = {
    code: plain
    for block in (range(0xFF01, 0xFF5F), range(0x1D400, 0x1D800), range(0x2460, 0x2500))
    for code in block
    if len(plain := unicodedata.normalize("NFKC", chr(code))) == 1
}
_ANY_QUOTE = tuple(f"{_QUOTES}|{_MORE_QUOTES}|PERP".split("|"))


def find_symbol(fields: dict[str, Any], beside: Mapping[str, str], default: str) -> str:
    """Returns the symbol that `fields` name, else `default`. `beside` is what came with the record without being in it (its key,
    headers, the query of a URL), by name. Raises Refused with how to fix it."""
    named = {name: _read(name, fields[name], default) for name in NAMES if name in fields}
    for name in fields:
        if name not in NAMES and _bare(name) in NAMES:
            raise Refused(reason("symbol_misspelled", name=shown(name)))
    if not named:
        _refuse_what_names(fields, beside, default)
        return default
    (one, symbol), *others = named.items()
    for other, second in others:
        if second != symbol:
            raise Refused(_differ(one, symbol, other, second))
    _refuse_what_differs({name: value for name, value in fields.items() if name not in NAMES}, one, symbol)
    return symbol


def read_symbol(text: str) -> str | None:
    """Returns the symbol that `text` writes (WIFUSDC, wifusdc, WIF/USDC, WIF-USDC, BINANCE:WIFUSDC); None if it is none."""
    found = _SYMBOL.fullmatch(text)
    if found is None or _PERPETUAL.fullmatch(text):
        return None
    whole, base, quote = found.groups()
    return str(whole or base + quote).upper()


def _read(name: str, found: Any, default: str) -> str:
    if found is None or (isinstance(found, str) and not found.strip()):
        raise Refused(reason("symbol_empty", name=name, found=shown(found), default=default))
    if not isinstance(found, str):
        raise Refused(reason("symbol_unreadable", name=name, found=shown(found)))
    if (symbol := read_symbol(found)) is not None:
        return symbol
    if _UNFILLED.search(found):
        raise Refused(reason("symbol_unfilled", name=name, found=shown(found)))
    if _PERPETUAL.fullmatch(found):
        raise Refused(reason("symbol_perpetual", name=name, found=shown(found)))
    if _ELSEWHERE.fullmatch(found):
        raise Refused(reason("symbol_foreign", name=name, found=shown(found)))
    raise Refused(reason("symbol_unreadable", name=name, found=shown(found)))


def _refuse_what_differs(fields: dict[str, Any], one: str, symbol: str) -> None:
    """Refuses a field that is about another instrument than `symbol`, which the field `one` names. A coin alone does not count,
    unless the field says that it is the instrument's own: fees, margin and another chart may be in any."""
    about = _Kinds()
    for path, value in entries(fields):
        if not isinstance(value, str) or not any(about[name] for name in path):
            continue
        own = _bare(path[-1]) in _OWN_COIN or _speaks_of(_bare(path[-1]), _CONTAINED)
        for second in _pairs_and_coins(value):
            is_coin = second in _COINS or is_dollar_or_euro(second)
            if not _fits(second, symbol) and (own or not is_coin):
                raise Refused(_differ(one, symbol, _named(path), second))


def _refuse_what_names(fields: dict[str, Any], beside: Mapping[str, str], default: str) -> None:
    """Refuses anything that could name an instrument if no field does so properly."""
    about = _Kinds()
    for path, value in (*entries(fields), *(((name,), text) for name, text in beside.items())):
        name = path[-1]
        if _could_name(about[name], name, value, default):
            raise Refused(reason("symbol_perhaps", name=_named(path), found=shown(value), default=default))
        if isinstance(value, str) and _asks_for_one(value):
            raise Refused(reason("symbol_unfilled", name=_named(path), found=shown(value)))
        spoken = _pairs_and_coins(value, by_word=name == "signal_type") if isinstance(value, str) else ()
        for pair in (*_pairs(name), *spoken):
            if not _fits(pair, default):
                raise Refused(reason("symbol_in_passing", name=_named(path), found=shown(pair), default=default))


def _could_name(kind: str, name: str, value: Any, default: str) -> bool:
    if kind == "telling":
        return not _is_amount(name, value) and not (isinstance(value, str) and read_symbol(value) == default)
    return kind == "vague" and isinstance(value, str) and not _is_harmless(value, default)


class _Kinds(dict[str, str]):
    """Classifies how a field's name refers to an instrument, once for each name: `telling`, `vague`, or empty for not at all."""

    def __missing__(self, name: str) -> str:
        kind = self[name] = "telling" if _is_telling(name) else "vague" if _bare(name) in _VAGUE else ""
        return kind


def _differ(one: str, symbol: str, other: str, second: str) -> Any:
    return reason("symbols_differ", one=one, found=shown(symbol), other=other, second=shown(second))


def _named(path: Sequence[str]) -> str:
    return printable(".".join(path))


def _bare(name: str) -> str:
    """Returns a name without capitals, accents, spaces and signs."""
    return "".join(c for c in unicodedata.normalize("NFKD", name).casefold() if c.isalnum())


def _words(name: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(unicodedata.normalize("NFKC", name))}


def _is_telling(name: str) -> bool:
    bare = _bare(name).replace("instrumentation", "")  # a program's: tracing names itself in headers
    return any(word in bare for word in _CONTAINED) or bool(_WORDS & {bare, *_words(name)}) or bare.endswith(("pair", "coin"))


def _is_amount(name: str, value: Any) -> bool:
    """Tells whether a field holds an amount of something, not its name: numbers are also sent as text."""
    if isinstance(value, dict | list) or (isinstance(value, str) and not _NUMERIC.fullmatch(value)):
        return False
    return isinstance(value, bool) or bool(_AMOUNTS & _words(name))


def _is_harmless(value: str, default: str) -> bool:
    word = _bare(value)
    return not word or word in _HARMLESS or default.casefold().startswith(word) or default.casefold().endswith(word)


def _asks_for_one(text: str) -> bool:
    """Tells whether the text contains an unfilled placeholder for an instrument."""
    return _speaks_of(text.casefold(), _ASKED_FOR) and _PLACEHOLDER.search(text) is not None


def _speaks_of(text: str, words: Sequence[str]) -> bool:
    """Checks quickly, in a hundredth of the time that a pattern takes."""
    return any(word in text for word in words)


def _fits(spoken: str, symbol: str) -> bool:
    """Tells whether the mention is the symbol, or one of its two assets."""
    return spoken == symbol or (spoken in _COINS and (symbol.startswith(spoken) or symbol.endswith(spoken)))


def _pairs_and_coins(text: str, *, by_word: bool = False) -> Iterator[str]:
    """Yields the pairs in a text, and the coin that it is as a whole; with `by_word` also the coins between its underscores."""
    yield from _pairs(text)
    whole = text.strip().upper()
    yield from (word for word in (whole.split("_") if by_word else [whole]) if word in _COINS)
    if not by_word and (found := _WHOLE.fullmatch(text.strip())):
        yield (found[1] + found[2]).upper()


def _pairs(text: str) -> Iterator[str]:
    """Yields what reads as a pair of assets, in capitals: BTCUSDC for `BTC/USDC`, `btcusdc` and `BINANCE:BTCUSDC`; a perpetual
    keeps its mark, so that it is no spot symbol."""
    if not text.isascii():
        text = text.translate(_LOOKALIKES)
    capitals = text.upper()
    if not _speaks_of(capitals, _ANY_QUOTE):
        return
    if "/" in text:
        yield from (found[1] + found[2] for found in _JOINED.finditer(capitals))
    if "-" in text:
        yield from (found[1] + found[2] for found in _HYPHENED.finditer(text))
    for token in _TOKEN.finditer(text):
        word, mark = token[0].upper(), token[1]
        bare = word.removesuffix(".P")
        if not bare.endswith(_ANY_QUOTE) or bare in _STABLE:
            continue
        coin = _GLUED_COIN.fullmatch(bare) if bare == token[0] else None
        if _GLUED.fullmatch(bare) or (coin is not None and coin[1] in _COINS):
            yield word if mark else bare
