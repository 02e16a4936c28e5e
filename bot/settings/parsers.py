"""Parses single settings. A parser raises ValueError with the accepted values, and never repeats its input."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar
from urllib.parse import SplitResult, parse_qs, urlsplit

from pydantic import SecretStr

from core.adapters.binance.private_key import PrivateKey, UnusableKey, read_private_key
from core.domain.access import Role
from core.domain.dca_step import DcaStep
from core.domain.exit_plan import Breakeven, Target
from core.domain.money import parse_decimal
from core.policy.entries import step_check
from core.policy.exits import plan_text

T = TypeVar("T")

ALL_SYMBOLS = "*"
_LONGEST_SHOWN = 40  # characters; a bot token has 46 and an API key 64, so that one in the wrong variable is not shown
_MAY_HOLD_A_SECRET = re.compile(r"@|[?&;].*=|://[^/]*:[^0-9/]")  # user:password@host, ?key=…, a connection string
_SYMBOL = re.compile(r"[A-Z0-9._-]{1,20}")  # rest-api.md: `^[A-Z0-9-_.]{1,20}$`
_ASSET = re.compile(r"[A-Z0-9]{1,20}")
_INTEGER = re.compile(r"[+-]?[0-9]{1,15}")
_KEY_ITSELF = "-----BEGIN"
BOT_TOKEN = re.compile(r"[0-9]+:[A-Za-z0-9_-]+")
_CREDENTIAL = re.compile(r"[A-Za-z0-9_-]+")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")  # org.apache.kafka.common.internals.Topic
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
_TABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*){0,2}")
_BROKER = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_DATABASE = re.compile(r"(sqlite\+aiosqlite:///|postgresql\+asyncpg://)\S+")
_DATABASE_OPTIONS = frozenset({"ssl", "host", "port", "user", "password", "database"})  # of asyncpg, as text
_MOST_SECONDS = 7 * 24 * 3600


def found(text: str, *, secret: bool) -> str:
    """Shows a wrong value in quotes; a secret, anything long, and what may contain a login or a key only by its length."""
    hidden = secret or len(text) > _LONGEST_SHOWN or _MAY_HOLD_A_SECRET.search(text)
    return f"a value of {len(text)} characters" if hidden else f"{text!r}"


def amount(text: str) -> Decimal:
    """Returns a positive amount, exactly as written."""
    try:
        number = parse_decimal(text.strip())
    except ValueError:
        number = Decimal(0)
    if number <= 0:
        raise ValueError("a plain decimal number above 0, such as 10 or 0.5")
    return number


def per_cent(text: str) -> Decimal:
    """Returns a percentage above 0, at most 100."""
    accepted = ValueError("a plain decimal number above 0 and at most 100, such as 1.0")
    try:
        number = amount(text)
    except ValueError:
        raise accepted from None
    if number > 100:
        raise accepted
    return number


def or_off(parse: Callable[[str], T]) -> Callable[[str], T | None]:
    """Returns the parser of a value that may be turned off: `off` is None."""

    def parse_or_off(text: str) -> T | None:
        if text.strip().casefold() == plan_text.OFF:
            return None
        try:
            return parse(text)
        except ValueError as error:
            raise ValueError(f"{error}; or off") from None

    return parse_or_off


def stop_distance(text: str) -> Decimal | None:
    """Returns the distance of a stop below the entry, in per cent; None for `off`."""
    try:
        return plan_text.stop_pct(text)
    except ValueError:
        raise ValueError("per cent below the entry, above 0 and below 100, such as 5, or off") from None


def profit_targets(text: str) -> tuple[Target, ...]:
    """Returns the targets above the entry; none for `off`."""
    try:
        return plan_text.targets(text)
    except ValueError:
        raise ValueError(
            "per cent above the entry, above 0 and at most 1000, such as 5; up to five with shares that add up to at most 100 "
            "(five: exactly 100), such as 5:50,10:50; or off"
        ) from None


def dca_steps(text: str) -> tuple[DcaStep, ...]:
    """Returns the steps below the entry; none for `off`."""
    try:
        return step_check.steps(text)
    except ValueError:
        raise ValueError(
            "up to nine steps, each with per cent below the entry, above 0, below 100 and rising, and the multiple of the first "
            "entry, at most 100, such as 2.5:1,5:1.5; or off"
        ) from None


def breakeven_after(text: str) -> Breakeven | None:
    """Returns when a stop moves to breakeven; None for `off`."""
    try:
        return plan_text.breakeven(text)
    except ValueError:
        raise ValueError("target, per cent above the entry, more than fees take (0.2) and at most 1000, or off") from None


def time_limit(text: str) -> timedelta | None:
    """Returns after how long a position is sold; None for `off`."""
    try:
        return plan_text.time_limit(text)
    except ValueError:
        raise ValueError("seconds, above 0 and at most 31536000, or off") from None


def activation_distance(text: str) -> Decimal | None:
    """Returns how far above the entry a stop begins to follow, in per cent; None for `off`."""
    try:
        return plan_text.activation_pct(text)
    except ValueError:
        raise ValueError("per cent above the entry, above 0 and at most 1000, or off") from None


def integer(least: int, most: int) -> Callable[[str], int]:
    """Returns a parser of whole numbers within limits."""

    def read(text: str) -> int:
        if not _INTEGER.fullmatch(text.strip()) or not least <= int(text) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(text)

    return read


def seconds(text: str) -> timedelta:
    """Returns a duration given in seconds."""
    try:
        number = amount(text)
    except ValueError:
        number = Decimal(0)
    if not 0 < number <= _MOST_SECONDS:
        raise ValueError(f"seconds, a number above 0 and at most {_MOST_SECONDS}")
    return timedelta(milliseconds=int(number * 1000))


def chat_id(text: str) -> int:
    """Returns a Telegram chat id: positive for a private chat, negative for a group."""
    if not _INTEGER.fullmatch(text.strip()) or not int(text):
        raise ValueError("the number of a chat, such as 123456789, negative for a group; the bot @userinfobot tells yours")
    return int(text)


def users(text: str) -> Mapping[int, Role]:
    """Parses `id:role` pairs, separated by commas."""
    accepted = ValueError(
        "pairs id:role, separated by commas, each id once; roles viewer, trader, owner; such as 123456789:trader"
    )
    roles: dict[int, Role] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        number, _, role = pair.partition(":")
        if (
            not _INTEGER.fullmatch(number)
            or int(number) <= 0
            or int(number) in roles
            or role.strip().upper() not in Role.__members__
        ):
            raise accepted
        roles[int(number)] = Role[role.strip().upper()]
    return MappingProxyType(roles)


def symbol(text: str) -> str:
    """Returns a trading symbol in capitals."""
    if not _SYMBOL.fullmatch(text.strip().upper()):
        raise ValueError("a symbol of the exchange, such as WIFUSDC")
    return text.strip().upper()


def asset(text: str) -> str:
    """Returns an asset's code in capitals."""
    if not _ASSET.fullmatch(text.strip().upper()):
        raise ValueError("an asset of the exchange, such as USDC")
    return text.strip().upper()


def symbols(text: str) -> frozenset[str] | None:
    """Parses a comma list of symbols; None for all."""
    if text.strip() == ALL_SYMBOLS:
        return None
    names = frozenset(filter(None, (part.strip().upper() for part in text.split(","))))
    if not names or not all(map(_SYMBOL.fullmatch, names)):
        raise ValueError("symbols of the exchange, separated by commas, such as WIFUSDC,BTCUSDC, or * for all")
    return names


def one_of(*words: str) -> Callable[[str], str]:
    """Returns a parser of one of `words`, in any case."""

    def read(text: str) -> str:
        for word in words:
            if text.strip().casefold() == word.casefold():
                return word
        raise ValueError(f"{', '.join(words[:-1])} or {words[-1]}")

    return read


def bot_token(text: str) -> SecretStr:
    """Parses a bot's token as @BotFather gives it."""
    if not BOT_TOKEN.fullmatch(text.strip()):
        raise ValueError("the token that @BotFather gave you: digits, a colon, and letters")
    return SecretStr(text.strip())


def api_credential(text: str) -> SecretStr:
    """Parses an API key, or the secret of an HMAC key."""
    if not _CREDENTIAL.fullmatch(text.strip()):
        raise ValueError("the letters and digits that Binance shows when an API key is made")
    return SecretStr(text.strip())


def secret(text: str) -> SecretStr:
    """Takes any secret literally."""
    return SecretStr(text)


def totp_secret(text: str) -> SecretStr:
    """Parses a secret for one-time codes, base32 as authenticators take it."""
    letters = text.replace(" ", "").upper().rstrip("=")
    if len(letters) < _TOTP_LETTERS or not _BASE32.fullmatch(letters):
        raise ValueError("at least 23 letters A to Z and digits 2 to 7 (base32), as an authenticator app shows them")
    return SecretStr(letters)


def brokers(text: str) -> str:
    """Parses Kafka's bootstrap servers."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(map(_BROKER.fullmatch, parts)):
        raise ValueError("host:port of one or more brokers, separated by commas and without a scheme, such as 127.0.0.1:9092")
    return ",".join(parts)


_TOTP_LETTERS = 23  # 112 bits, the minimum of RFC 4226
_BASE32 = re.compile(r"[A-Z2-7]+")


def matching(pattern: re.Pattern[str], accepted: str) -> Callable[[str], str]:
    """Returns a parser of text that `pattern` matches in full."""

    def read(text: str) -> str:
        if not pattern.fullmatch(text.strip()):
            raise ValueError(accepted)
        return text.strip()

    return read


topic = matching(_TOPIC, "a topic's name: letters, digits, dots, dashes and underscores, at most 249")
group = matching(re.compile(r"\S{1,255}"), "a name without spaces, at most 255 characters")
host = matching(_HOST, "a host name or an address, such as 127.0.0.1, or 0.0.0.0 for all of them")
table = matching(_TABLE, "the name of a table or view, such as RAW.SIGNALS")
word = matching(re.compile(r"\S+"), "a name without spaces")


_HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")


def host_names(text: str) -> frozenset[str]:
    """Parses host names, in lower case."""
    names = [name.strip().lower().removesuffix(".") for name in text.split(",") if name.strip()]
    if not names or not all(map(_HOST_NAME.fullmatch, names)):
        raise ValueError("names of hosts, with commas between and without scheme or port, such as marketflow.example.com")
    return frozenset(names)


def path_of(text: str) -> Path:
    """Returns the path that is written, with the home directory for `~`; as it is where there is no such home."""
    path = Path(text.strip())
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def existing_file(text: str) -> Path:
    """Returns the path of an existing file."""
    path = path_of(text)
    try:
        exists = path.is_file()
    except OSError:  # a name too long, a directory that may not be looked into
        exists = False
    if not exists:
        raise ValueError("the path of a file that exists")
    return path


def private_key(text: str) -> PrivateKey:
    """Reads the Ed25519 key in a file."""
    accepted = "a file with an Ed25519 key in PEM, without a password, as `openssl genpkey -algorithm ed25519` makes it"
    if "\0" in text:
        raise ValueError(accepted)
    if _KEY_ITSELF in text:
        raise ValueError(f"{accepted}; this is the key itself, and not the path of a file")
    try:
        return read_private_key(path_of(text))
    except UnusableKey as error:
        raise ValueError(f"{accepted}; this file {error}") from None


def database_url(text: str) -> SecretStr:
    """Parses the ledger's URL. A secret, as it may contain a password."""
    accepted = "sqlite+aiosqlite:///FILE or postgresql+asyncpg://USER:PASSWORD@HOST:PORT/DATABASE"
    if not _DATABASE.fullmatch(text.strip()):
        raise ValueError(accepted)
    if text.strip().startswith("sqlite"):
        if text.strip().endswith(("///", ":memory:")):
            raise ValueError(f"{accepted}; the ledger must be a file that stays")
        return SecretStr(text.strip())
    try:
        parts = urlsplit(text.strip())
        options = parse_qs(parts.query, strict_parsing=True) if parts.query else {}
        _ = parts.port  # raises for an invalid port
    except ValueError:
        raise ValueError(accepted) from None
    if not options.keys() <= _DATABASE_OPTIONS:
        raise ValueError(f"{accepted}, with no other options than {', '.join(sorted(_DATABASE_OPTIONS))} (for TLS: ?ssl=require)")
    return SecretStr(text.strip())


def split_url(text: str) -> SplitResult | None:
    """Returns the parts of a URL; None where it is invalid."""
    try:
        parts = urlsplit(text.strip())
        _ = parts.port  # raises for an invalid port
    except ValueError:
        return None
    return parts if parts.hostname and not re.search(r"\s", text.strip()) else None


def url(*schemes: str, ending: str = "", credentials: bool = False) -> Callable[[str], str]:
    """Returns a parser of URLs: without query, with user and password only where `credentials`, and without a trailing slash."""
    accepted = f"an address that begins with {' or '.join(f'{scheme}://' for scheme in schemes)}" + (
        f" and ends in {ending}" if ending else ""
    )

    def read(text: str) -> str:
        parts = split_url(text)
        if parts is None or parts.scheme not in schemes or parts.query or parts.fragment:
            raise ValueError(accepted)
        if parts.username is not None and not credentials:
            raise ValueError(f"{accepted}, without user and password")
        if not parts.path.rstrip("/").endswith(ending):
            raise ValueError(accepted)
        return text.strip().rstrip("/")

    return read


def stream_url(text: str) -> str:
    """Parses a WebSocket API's URL; empty for none."""
    return url("wss", "ws")(text) if text.strip() else ""


def secret_url(text: str) -> SecretStr:
    """Parses a URL that may contain a password."""
    return SecretStr(url("http", "https", credentials=True)(text))
