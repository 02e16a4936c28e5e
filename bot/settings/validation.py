"""Checks settings against one another. Works on their texts, so that every contradiction is reported beside every unreadable
value."""

from collections.abc import Iterator, Mapping

from bot.settings.endpoints import doubtful_addresses, plain_addresses
from bot.settings.parsers import ALL_SYMBOLS, BOT_TOKEN, asset, chat_id, dca_steps, integer, split_url, symbol, symbols, users
from core.domain.access import Role
from core.domain.assets import is_dollar_or_euro, quote_of
from core.policy.exits.plan_text import OFF

LIVE_API = "https://api.binance.com/api"
TESTNET_API = "https://testnet.binance.vision/api"
LIVE_WS = "wss://ws-api.binance.com:443/ws-api/v3"
TESTNET_WS = "wss://ws-api.testnet.binance.vision/ws-api/v3"
TELEGRAM_API = "https://api.telegram.org"
DEFAULT_SYMBOL = "WIFUSDC"
DEFAULT_TOPIC = "trading_signals"
DEFAULT_DLQ_TOPIC = "trading_signals.dlq"

_SIGNING = ("BINANCE_API_SECRET", "BINANCE_PRIVATE_KEY_PATH")
_SHORTEST_WEBHOOK_SECRET = 16  # characters
_SHORTEST_PASSWORD = 12
_SHORTEST_TOKEN_SECRET = 30  # characters; Telegram's own have 35


def venue_of(address: str) -> str:
    """Returns whose money an address is about: `testnet` (nobody's), `live`, or `other` where it is not Binance's."""
    parts = split_url(address)
    host = (parts.hostname or "").rstrip(".") if parts else ""
    if host == "testnet.binance.vision" or host.endswith(".testnet.binance.vision"):
        return "testnet"
    if host.startswith("demo-") and host.endswith(".binance.com"):  # Binance's demo accounts, also without money
        return "testnet"
    return "live" if host.endswith((".binance.com", ".binance.vision", ".binance.us")) else "other"


def defaults_that_follow(given: Mapping[str, str]) -> dict[str, str]:
    """Returns the defaults of unset variables that depend on others."""
    mode = trading_mode(given)
    api = given.get("BINANCE_API_URL") or (TESTNET_API if mode == "testnet" else LIVE_API)
    # Another host has another stream: the keys must not go to Binance when the orders do not.
    stream = {("live", "live"): LIVE_WS, ("testnet", "testnet"): TESTNET_WS}.get((mode, venue_of(api)), "")
    return {
        "TRADING_MODE": mode,
        "BINANCE_API_URL": api,
        "BINANCE_WS_URL": stream,
        "SYMBOLS": given.get("SYMBOL", DEFAULT_SYMBOL),
        "REPORT_ASSET": _report_asset(given) or "",
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL" if "KAFKA_USERNAME" in given else "PLAINTEXT",
    }


def trading_mode(given: Mapping[str, str]) -> str:
    """Returns the requested mode, as written, or the one implied by the address."""
    follows = "testnet" if venue_of(given.get("BINANCE_API_URL", "")) == "testnet" else "paper"
    return given.get("TRADING_MODE", follows).strip().lower()


def contradictions(given: Mapping[str, str]) -> Iterator[str]:
    """Yields every problem that involves more than one variable. `given` holds no empty values, except BINANCE_WS_URL's."""
    yield from _binance(given)
    yield from plain_addresses(given, trading_mode(given))
    yield from _limits(given)
    yield from _kafka(given)
    yield from _telegram(given)
    yield from _snowflake(given)
    yield from _webhook(given)
    yield from _dashboard(given)


def _binance(given: Mapping[str, str]) -> Iterator[str]:
    mode, signing = trading_mode(given), [name for name in _SIGNING if name in given]
    if len(signing) > 1:
        yield f"{', '.join(signing)}: both set; accepted: one of them, the secret of an HMAC key or the file of an Ed25519 key"
    if mode not in {"testnet", "live"}:
        return
    if "BINANCE_API_KEY" not in given:
        yield f"BINANCE_API_KEY: not set; needed while TRADING_MODE is {mode} (paper needs none)"
    if not signing:
        yield f"{', '.join(_SIGNING)}: neither set; accepted: one of them while TRADING_MODE is {mode} (paper needs none)"
    wrong = "testnet" if mode == "live" else "live"
    for name in ("BINANCE_API_URL", "BINANCE_WS_URL"):
        if venue_of(given.get(name, "")) == wrong:
            host = "Binance's testnet" if wrong == "testnet" else "Binance itself, where real money is"
            yield f"{name}: names {host}, but TRADING_MODE is {mode}; accepted: an address that fits, or TRADING_MODE={wrong}"


def _report_asset(given: Mapping[str, str]) -> str | None:
    """Returns the report asset: as set, otherwise the quote asset of SYMBOL; None where its name does not show it."""
    try:
        return asset(given["REPORT_ASSET"]) if "REPORT_ASSET" in given else quote_of(symbol(given.get("SYMBOL", DEFAULT_SYMBOL)))
    except ValueError:
        return None  # reported already


def _limits(given: Mapping[str, str]) -> Iterator[str]:
    sizes = [name for name in ("TRADE_QUOTE", "TRADE_EQUITY_PCT", "TRADE_RISK_PCT") if name in given]
    if len(sizes) > 1:
        yield f"{', '.join(sizes)}: {len(sizes)} sizes of an entry; accepted: one of them"
    yield from _steps(given)
    report = _report_asset(given)
    if report is None:
        if "REPORT_ASSET" not in given:
            name = given.get("SYMBOL", DEFAULT_SYMBOL).strip()
            yield f"REPORT_ASSET: not set, and SYMBOL {name[:20]} does not tell what it is priced in; accepted: an asset"
        return
    if is_dollar_or_euro(report):
        return
    for limit in ("MAX_ORDER_NOTIONAL", "DAILY_LOSS_LIMIT"):
        if limit not in given:
            yield (
                f"{limit}: not set; needed while REPORT_ASSET is {report}, which is no dollar or euro coin; "
                f"accepted: an amount of {report}"
            )


def _steps(given: Mapping[str, str]) -> Iterator[str]:
    try:
        count, most = len(dca_steps(given.get("DCA_STEPS", OFF))), integer(1, 10_000)(given.get("MAX_ENTRIES", "1"))
    except ValueError:
        return  # reported already
    if count and count >= most:
        yield f"DCA_STEPS: found {count} steps; accepted: fewer than MAX_ENTRIES, which is {most}"


def _kafka(given: Mapping[str, str]) -> Iterator[str]:
    username, password = "KAFKA_USERNAME" in given, "KAFKA_PASSWORD" in given
    protocol = given.get("KAFKA_SECURITY_PROTOCOL", "").strip().upper()
    if username and not password:
        yield "KAFKA_PASSWORD: not set; needed beside KAFKA_USERNAME"
    if password and not username:
        yield "KAFKA_USERNAME: not set; needed beside KAFKA_PASSWORD (Azure Event Hubs: $ConnectionString)"
    if protocol.startswith("SASL_") and not username and not password:
        yield f"KAFKA_USERNAME: not set; needed while KAFKA_SECURITY_PROTOCOL is {protocol}"
    if protocol in {"PLAINTEXT", "SSL"} and username:
        yield f"KAFKA_SECURITY_PROTOCOL: {protocol} sends no user name, but one is set; accepted: SASL_SSL or SASL_PLAINTEXT"
    if given.get("KAFKA_TOPIC", DEFAULT_TOPIC).strip() == given.get("KAFKA_DLQ_TOPIC", DEFAULT_DLQ_TOPIC).strip():
        yield "KAFKA_DLQ_TOPIC: the same as KAFKA_TOPIC; accepted: another topic, or dead letters would be read as signals again"


def _telegram(given: Mapping[str, str]) -> Iterator[str]:
    token = given.get("TG_TOKEN", "").strip()
    token_secret = token.partition(":")[2]
    official = given.get("TG_API_URL", TELEGRAM_API).strip().rstrip("/") == TELEGRAM_API
    if official and BOT_TOKEN.fullmatch(token) and len(token_secret) < _SHORTEST_TOKEN_SECRET:
        yield (
            f"TG_TOKEN: found a value with {len(token_secret)} characters after the colon; "
            f"accepted: at least {_SHORTEST_TOKEN_SECRET}, as @BotFather gives them"
        )
    try:
        chat, roles = chat_id(given["TG_CHAT_ID"]), users(given["TG_USERS"])
    except (KeyError, ValueError):
        return  # unset, or reported already
    if chat in roles and roles[chat] is not Role.OWNER:
        role = roles[chat].name.lower()
        yield f"TG_USERS: {chat} is a {role} here, but TG_CHAT_ID makes this person an owner; accepted: {chat}:owner"


def _snowflake(given: Mapping[str, str]) -> Iterator[str]:
    have_defaults = {"SNOWFLAKE_SCHEMA", "SNOWFLAKE_SIGNALS_POLL"}
    some = sorted(name for name in given if name.startswith("SNOWFLAKE_") and name not in have_defaults)
    if not some:
        return
    for name in ("SNOWFLAKE_ACCOUNT", "SNOWFLAKE_USER", "SNOWFLAKE_WAREHOUSE", "SNOWFLAKE_DATABASE"):
        if name not in given:
            yield f"{name}: not set; needed beside {some[0]}"
    if ("SNOWFLAKE_PASSWORD" in given) == ("SNOWFLAKE_PRIVATE_KEY_PATH" in given):
        amount = "both" if "SNOWFLAKE_PASSWORD" in given else "neither"
        yield f"SNOWFLAKE_PASSWORD, SNOWFLAKE_PRIVATE_KEY_PATH: {amount} set; accepted: one of them, beside {some[0]}"


def _webhook(given: Mapping[str, str]) -> Iterator[str]:
    secret = given.get("WEBHOOK_SECRET")
    if secret is None:
        return
    if len(secret.strip()) < _SHORTEST_WEBHOOK_SECRET:
        yield (
            f"WEBHOOK_SECRET: found a value of {len(secret.strip())} characters; accepted: at least {_SHORTEST_WEBHOOK_SECRET}, "
            "as whoever knows it can order trades"
        )
    if given.get("HTTP_PORT", "").strip() == "0":
        yield "HTTP_PORT: 0 turns POST /signals off, but WEBHOOK_SECRET is set; accepted: a port, or no WEBHOOK_SECRET"


def _dashboard(given: Mapping[str, str]) -> Iterator[str]:
    length = len(given.get("DASHBOARD_PASSWORD", "").strip())
    if 0 < length < _SHORTEST_PASSWORD:
        yield (
            f"DASHBOARD_PASSWORD: found a value of {length} characters; accepted: at least {_SHORTEST_PASSWORD}, "
            "as whoever guesses it reads the ledger"
        )


def doubts(given: Mapping[str, str]) -> Iterator[str]:
    """Yields settings that work and are probably not intended. Called only once there is no problem."""
    yield from doubtful_addresses(given, trading_mode(given))
    if "TRADE_RISK_PCT" in given and given.get("STOP_LOSS_PCT", OFF).strip().lower() == OFF:
        yield "TRADE_RISK_PCT is set and STOP_LOSS_PCT is not: a signal that brings no stop_loss will be refused"
    if given.get("TG_CHAT_ID", "").strip().startswith("-") and "TG_USERS" not in given:
        yield "TG_CHAT_ID is a group and TG_USERS is not set: nobody may command the bot"
    if "BREAKEVEN_AFTER" in given and "STOP_LOSS_PCT" not in given:
        yield "BREAKEVEN_AFTER is set and STOP_LOSS_PCT is not: there is no stop to move"
    if "TRAILING_ACTIVATION_PCT" in given and "TRAILING_PCT" not in given:
        yield "TRAILING_ACTIVATION_PCT is set and TRAILING_PCT is not: no stop will follow the market"
    if "SYMBOL" in given and given.get("SYMBOLS", ALL_SYMBOLS).strip() != ALL_SYMBOLS:
        default = symbol(given["SYMBOL"])
        if default not in (symbols(given["SYMBOLS"]) or ()):
            yield f"SYMBOL {default} is not among SYMBOLS: a signal that names no symbol will be refused"
