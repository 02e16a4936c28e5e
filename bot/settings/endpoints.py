"""Checks the addresses that keys, tokens and passwords are sent to: those that expose them on the way, and names that only
look right. Pure."""

import unicodedata
from collections.abc import Iterator, Mapping
from ipaddress import ip_address

from bot.settings.parsers import split_url

BINANCE = ("binance.com", "binance.vision", "binance.us")
TELEGRAM = ("telegram.org",)

_PLAIN = {"http", "ws"}
_OF_CONTAINERS = (".docker.internal", ".svc.cluster.local")
_NEAR = 2  # letters that a typo changes, adds or drops, at most
_SHORTEST = 5  # letters; a shorter name is near to half of all words
# Characters that are read as another letter at a glance.
_READ_AS = str.maketrans("1l053ıіасео", "iiosei" + "iaceo")  # the last of them Cyrillic


def host_of(address: str) -> str:
    """Returns the host of an address in lower case; empty where it is not an address."""
    parts = split_url(address)
    return (parts.hostname or "").rstrip(".").lower() if parts else ""


def is_here(host: str) -> bool:
    """Tells whether it is this machine: then traffic never leaves it."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_container(host: str) -> bool:
    """Tells whether a name is resolved only on this machine or inside a cluster: `kafka`, `host.docker.internal`. A numeric
    address never is, whatever its network."""
    return host.endswith(_OF_CONTAINERS) or ("." not in host and ":" not in host and not host.isdigit())


def is_of(host: str, domains: tuple[str, ...]) -> bool:
    """Tells whether a host belongs to one of `domains`."""
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)


def looks_like(host: str, domains: tuple[str, ...]) -> bool:
    """Tells whether a host outside `domains` could be mistaken for one of them: `api.blnance.com`, `binance.com.evil.io`."""
    if is_of(host, domains) or is_here(host):
        return False
    names = {_glance(domain.partition(".")[0]) for domain in domains}
    labels = [_glance(label) for label in _readable(host).replace("-", ".").split(".")]
    joined = "".join(labels)
    return any(name in joined or any(_is_near(label, name) for label in labels) for name in names)


def plain_addresses(given: Mapping[str, str], mode: str) -> Iterator[str]:
    """Yields the addresses to which a key, a token or a password would travel unencrypted. On paper without a key only prices
    are requested, so any address will do."""
    carried = {
        "BINANCE_API_URL": ("orders and the API key travel", "https"),
        "BINANCE_WS_URL": ("orders and the API key travel", "wss"),
        "TG_API_URL": ("the bot's token travels", "https"),
    }
    for name, (what, scheme) in carried.items():
        if name.startswith("BINANCE_") and mode == "paper" and "BINANCE_API_KEY" not in given:
            continue
        parts, host = split_url(given.get(name, "")), host_of(given.get(name, ""))
        if parts is not None and parts.scheme in _PLAIN and parts.username is None and not is_here(host):
            yield (
                f"{name}: {parts.scheme}://{host} is not encrypted, and {what} there; "
                f"accepted: {scheme}://, or {parts.scheme}:// to this machine (127.0.0.1, localhost)"
            )
    host = given.get("SNOWFLAKE_HOST", "").strip().lower()
    if given.get("SNOWFLAKE_PROTOCOL", "").strip().lower() == "http" and not is_here(host):
        yield "SNOWFLAKE_PROTOCOL: http is not encrypted, and the password travels; accepted: https, or http to this machine"


def doubtful_addresses(given: Mapping[str, str], mode: str) -> Iterator[str]:
    """Yields warnings about addresses that work but may not be intended."""
    for name, domains, owner in (
        ("BINANCE_API_URL", BINANCE, "Binance"),
        ("BINANCE_WS_URL", BINANCE, "Binance"),
        ("TG_API_URL", TELEGRAM, "Telegram"),
    ):
        host = host_of(given.get(name, ""))
        if looks_like(host, domains):
            yield f"{name}: {host} looks like {owner}'s and is not: a typing mistake? Key or token are sent there"
        elif owner == "Binance" and mode in {"testnet", "live"} and host and not is_of(host, domains) and not is_here(host):
            yield f"{name}: {host} is no host of Binance's; whoever runs it gets the key and every order"
    for name in ("LOKI_URL", "HEARTBEAT_URL"):
        parts = split_url(given.get(name, ""))
        if parts is not None and parts.scheme == "http" and parts.password and not is_here(host_of(given[name])):
            yield f"{name}: its password travels unencrypted; use https"
    yield from _readable_broker(given)


def _readable_broker(given: Mapping[str, str]) -> Iterator[str]:
    """Warns of a remote broker that is reached unencrypted."""
    far = ", ".join(sorted(one for one in _brokers(given) if not is_here(one) and not is_container(one)))
    protocol = given.get("KAFKA_SECURITY_PROTOCOL", "").strip().upper()
    if far and protocol == "SASL_PLAINTEXT":
        yield (
            f"KAFKA_SECURITY_PROTOCOL: SASL_PLAINTEXT sends user name and password unencrypted to {far}, which is not "
            "this machine; whoever reads them can order trades. Use SASL_SSL"
        )
    if far and (protocol or ("" if "KAFKA_USERNAME" in given else "PLAINTEXT")) == "PLAINTEXT":
        yield (
            f"KAFKA_SECURITY_PROTOCOL: PLAINTEXT reads signals unencrypted from {far}, which is not this machine, and proves "
            "nothing to it; whoever is on the way can read and change them. Use SSL or SASL_SSL"
        )


def _brokers(given: Mapping[str, str]) -> Iterator[str]:
    for one in given.get("KAFKA_BROKER", "").split(","):
        if one.strip():
            yield one.strip().rpartition(":")[0].strip("[]").lower() or one.strip().lower()


def _readable(host: str) -> str:
    """Returns an ASCII-encoded host in its own script, as people see it."""
    labels = []
    for label in host.split("."):
        try:
            labels.append(label.encode("ascii").decode("idna") if label.startswith("xn--") else label)
        except UnicodeError:
            labels.append(label)
    return ".".join(labels)


def _glance(text: str) -> str:
    """Returns the text as read at a glance: without accents, look-alike letters unified."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return plain.translate(_READ_AS).replace("rn", "m").replace("vv", "w")


def _is_near(label: str, name: str) -> bool:
    if abs(len(label) - len(name)) > _NEAR or len(label) < _SHORTEST:
        return False
    row = list(range(len(name) + 1))
    for number, letter in enumerate(label, start=1):
        before, row = row, [number]
        for at, other in enumerate(name):
            row.append(min(before[at + 1] + 1, row[at] + 1, before[at] + (letter != other)))
    return row[-1] <= _NEAR
