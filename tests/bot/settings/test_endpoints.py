"""Addresses for keys and tokens: plain http never leaves this machine, and a look-alike host is reported."""

from pathlib import Path

import pytest

from bot.settings.endpoints import BINANCE, TELEGRAM, is_here, looks_like
from bot.settings.settings import load_settings
from core.domain.errors import ConfigurationError
from tests.running import run_command

KEYS = {"TRADING_MODE": "live", "BINANCE_API_KEY": "k" * 64, "BINANCE_API_SECRET": "s" * 64}
SNOWFLAKE = {
    **{f"SNOWFLAKE_{name}": "x" for name in ("ACCOUNT", "USER", "WAREHOUSE", "DATABASE", "PASSWORD")},
    "SNOWFLAKE_PROTOCOL": "http",
}


def warnings(**env: str) -> list[str]:
    return [word for word in load_settings(env, env_file=None).warnings if "TG_USERS" not in word]


def problems(**env: str) -> list[str]:
    with pytest.raises(ConfigurationError) as refused:
        load_settings(env, env_file=None)
    return refused.value.problems


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.9.9.9", "localhost", "LOCALHOST", "a.localhost", "[::1]", "127.0.0.1:8080", "localhost:1"]
)
def test_plain_http_to_this_machine_is_taken(host: str) -> None:
    assert warnings(**KEYS, BINANCE_API_URL=f"http://{host}/api", TG_API_URL=f"http://{host}") == []


@pytest.mark.parametrize(
    "host",
    [
        "api.binance.com",
        "10.0.0.5",
        "192.168.1.7:8080",
        "venue",
        "[fe80::1]",
        "127.0.0.1.evil.io",
        "localhost.evil.io",
        "0.0.0.0",
    ],
)
def test_plain_http_to_anywhere_else_refuses_the_start(host: str) -> None:
    (problem,) = problems(**KEYS, BINANCE_API_URL=f"http://{host}/api")
    assert problem.startswith("BINANCE_API_URL: http://")
    assert "not encrypted" in problem
    assert problems(**KEYS, TG_API_URL=f"http://{host}")[0].startswith("TG_API_URL: http://")
    assert problems(**KEYS, BINANCE_WS_URL=f"ws://{host}/ws-api/v3")[0].startswith("BINANCE_WS_URL: ws://")


@pytest.mark.parametrize("env", [{}, {"TRADING_MODE": "paper"}])
def test_on_paper_prices_alone_may_come_by_plain_http_and_the_token_may_not(env: dict[str, str]) -> None:
    load_settings({**env, "BINANCE_API_URL": "http://venue:8080/api"}, env_file=None)
    assert problems(**env, TG_API_URL="http://venue")[0].startswith("TG_API_URL: http://")
    with_key = {**KEYS, "TRADING_MODE": "paper", "BINANCE_API_URL": "http://venue:8080/api"}
    assert problems(**with_key)[0].startswith("BINANCE_API_URL: http://")


def test_a_password_for_snowflake_travels_encrypted() -> None:
    assert problems(**SNOWFLAKE)[0].startswith("SNOWFLAKE_PROTOCOL: http is not encrypted")
    assert warnings(**SNOWFLAKE, SNOWFLAKE_HOST="127.0.0.1") == []


@pytest.mark.parametrize(
    "host",
    [
        *("api.blnance.com", "api.binance.com.evil.io", "api-binance.com", "testnet.binance.vison", "api.binnance.com"),
        *("api.bіnance.com", "api.xn--bnance-p9a.com", "bınance.com", "api.binance.co", "binance.evil.io", "api.b1nance.com"),
        *("api.binancе.us", "apibinance.com", "api.bimance.com", "api.biance.com", "binance.com.", "BINANCE.EXAMPLE"),
    ],
)
def test_a_host_that_looks_like_binances_is_told(host: str) -> None:
    is_it = host.rstrip(".") == "binance.com"
    assert looks_like(host.rstrip(".").lower(), BINANCE) is not is_it
    if not is_it and host.isascii():
        (word,) = warnings(**KEYS, BINANCE_API_URL=f"https://{host}/api")
        assert word.startswith(f"BINANCE_API_URL: {host.lower()} looks like Binance's")


@pytest.mark.parametrize("host", ["api.binance.com", "api-gcp.binance.com", "api3.binance.com", "api.binance.us"])
def test_binances_own_hosts_are_not(host: str) -> None:
    assert warnings(**KEYS, BINANCE_API_URL=f"https://{host}/api") == []


def test_another_host_is_told_where_a_key_goes_there() -> None:
    (word,) = warnings(**KEYS, BINANCE_API_URL="https://gateway.example.org/api")
    assert "no host of Binance's; whoever runs it gets the key" in word
    assert warnings(BINANCE_API_URL="https://gateway.example.org/api") == []


def test_a_bot_api_server_of_ones_own_is_no_look_alike() -> None:
    assert looks_like("api.telegrarn.org", TELEGRAM)
    assert looks_like("api.te1egram.org", TELEGRAM)
    assert not looks_like("bots.example.org", TELEGRAM)
    assert not is_here("bots.example.org")
    assert warnings(TG_API_URL="https://bots.example.org") == []


@pytest.mark.parametrize(
    ("broker", "protocol", "is_notified"),
    [
        ("kafka.example.org:9092", "SASL_PLAINTEXT", True),
        ("127.0.0.1:9092,10.0.0.5:9092", "SASL_PLAINTEXT", True),
        ("127.0.0.1:9092", "SASL_PLAINTEXT", False),
        ("localhost:9092", "SASL_PLAINTEXT", False),
        ("kafka:9092", "SASL_PLAINTEXT", False),
        ("host.docker.internal:9092", "SASL_PLAINTEXT", False),
        ("kafka.example.org:9092", "SASL_SSL", False),
    ],
)
def test_a_password_for_a_far_broker_travels_encrypted_or_it_is_told(broker: str, protocol: str, is_notified: bool) -> None:
    told = warnings(KAFKA_BROKER=broker, KAFKA_SECURITY_PROTOCOL=protocol, KAFKA_USERNAME="u", KAFKA_PASSWORD="p" * 8)
    assert [word.startswith("KAFKA_SECURITY_PROTOCOL: SASL_PLAINTEXT sends") for word in told] == [True] * is_notified
    assert all("p" * 8 not in word for word in told)


@pytest.mark.parametrize(
    ("broker", "is_notified"),
    [
        *(("kafka.example.org:9092", True), ("Kafka.Example.org", True), ("kafka:9092,10.0.0.5:9092", True)),
        *(("[2001:db8::1]:9092", True), ("127.0.0.1:9092", False), ("[::1]:9092", False), ("localhost", False)),
        *(("kafka:9092", False), ("kafka-0,kafka-1:9092", False), ("kafka.default.svc.cluster.local:9092", False)),
    ],
)
@pytest.mark.parametrize("protocol", ["PLAINTEXT", "plaintext", None])
def test_signals_from_a_far_broker_travel_encrypted_or_it_is_told(broker: str, is_notified: bool, protocol: str | None) -> None:
    told = warnings(KAFKA_BROKER=broker, **({"KAFKA_SECURITY_PROTOCOL": protocol} if protocol else {}))
    assert [word.startswith("KAFKA_SECURITY_PROTOCOL: PLAINTEXT reads") for word in told] == [True] * is_notified
    assert warnings(KAFKA_BROKER=broker, KAFKA_SECURITY_PROTOCOL="SSL") == []


@pytest.mark.parametrize("name", ["LOKI_URL", "HEARTBEAT_URL"])
def test_a_password_in_an_address_travels_encrypted_or_it_is_told(name: str) -> None:
    assert warnings(**{name: "http://user:pass@logs.example/push"}) == [f"{name}: its password travels unencrypted; use https"]
    assert warnings(**{name: "https://user:pass@logs.example/push"}) == []
    assert warnings(**{name: "http://loki:3100/loki/api/v1/push"}) == []


@pytest.mark.parametrize("command", ["check", "run"])
async def test_what_travels_readable_is_told_by_the_doctor_and_at_the_start(tmp_path: Path, command: str) -> None:
    nobody = "127.0.0.1:1"
    given = {
        "BINANCE_API_URL": f"http://{nobody}/api",
        "TG_API_URL": f"http://{nobody}",
        "TG_TOKEN": f"1:{'a' * 35}",
        "TG_CHAT_ID": "5",
        "KAFKA_BROKER": "kafka.invalid:9092",
        "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "KAFKA_USERNAME": "me",
        "KAFKA_PASSWORD": "hunter2&Secret",
        "TRADING_MODE": "paper",
        "DATABASE_URL": f"postgresql+asyncpg://me@{nobody}/d",  # ends a run
    }
    ended = await run_command(command, settings=given, cwd=tmp_path)
    said = ended.stdout + ended.stderr
    assert "SASL_PLAINTEXT sends user name and password unencrypted to kafka.invalid" in said
    assert "hunter2" not in said
