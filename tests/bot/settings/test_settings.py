"""Settings: read literally, wrong ones reported all at once, secrets never shown."""

import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.settings.fields import TradingMode
from bot.settings.settings import Settings, load_settings
from core.domain.access import Role
from core.domain.errors import ConfigurationError
from core.domain.exit_plan import Level, Target
from core.domain.protection_policy import ProtectionPolicy
from core.domain.trading_state import Mode
from tests.paths import ROOT

TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"
EVENT_HUBS = "Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=aB+3/x${HOME}$PATH#y'z\"w\\n=="
KEYS = {"BINANCE_API_KEY": "k" * 64, "BINANCE_API_SECRET": "s" * 64}

WRONG = {
    "TRADING_MODE": ["lvie", "real"],
    "BINANCE_API_KEY": ["<your_key>", "two words"],
    "BINANCE_API_SECRET": ["<your_secret>"],
    "BINANCE_PRIVATE_KEY_PATH": ["no/such/key.pem", ".", "~nobody-of-this-name/key.pem", "x" * 300,
                                 "-----BEGIN PRIVATE KEY-----"],
    "BINANCE_API_URL": ["api.binance.com/api", "https://api.binance.com", "ftp://x/api", "https:///api", "http://u:p@x/api",
                        "https://x/api?y=1", "https://x:99999/api", "https://[x/api", "https://x y/api"],
    "BINANCE_WS_URL": ["https://x/ws-api/v3", "x"],
    "SYMBOL": ["WIF USDC", "WIF/USDC", "A" * 21],
    "SYMBOLS": [",", "WIFUSDC,*", "WIF USDC"],
    "REPORT_ASSET": ["US DC", "A" * 21, "$"],
    "TRADE_QTY": ["0", "-1", "NaN", "Infinity", "1_000", "1e400", "1,5", "ten", "١"],
    "STRATEGIES_FILE": ["no/such/strategies.toml", "."],
    "ENTRY_STYLE": ["limit", "LIMIT IOC", "fok"],
    "TRADE_QUOTE": ["0", "nan"],
    "TRADE_EQUITY_PCT": ["0", "-5", "101", "5%", "nan"],
    "TRADE_RISK_PCT": ["0", "-1", "100.1", "1%"],
    "PRICE_BAND_PCT": ["0", "101", "1%"],
    "PRICE_SANITY_PCT": ["0", "101", "50%"],
    "MAX_ORDER_NOTIONAL": ["0", "-inf"],
    "MAX_OPEN_POSITIONS": ["0", "1.5", "five"],
    "MAX_ENTRIES": ["0", "1.5", "10001"],
    "DAILY_LOSS_LIMIT": ["0", "-100"],
    "MAX_EXPOSURE_PCT": ["0", "101", "-1", "none"],
    "MAX_DRAWDOWN_PCT": ["0", "101", "20%"],
    "COOLDOWN_AFTER_STOP": ["0", "1h", "604801"],
    "MAX_LOSING_EXITS": ["0", "1.5", "10001"],
    "SIGNAL_MAX_AGE": ["0", "1h", "604801"],
    "EXIT_MAX_AGE": ["0", "10m", "604801"],
    "TRAILING_PCT": ["0", "100", "-2", "2%"],
    "TRAILING_ACTIVATION_PCT": ["0", "1001", "3%"],
    "TIME_LIMIT": ["0", "-5", "2h", "31536001", "never"],
    "BREAKEVEN_AFTER": ["0", "0.2", "1001", "5%", "targets", "5:50"],
    "STOP_LOSS_PCT": ["0", "100", "-5", "5%", "5:50", "none"],
    "TAKE_PROFIT_PCT": ["0", "1001", "5%", "5,10", "5:60,10:60", "5:0", ":50", "5:", "1:10,2:10,3:10,4:10,5:10", "5:50;10:50"],
    "DCA_STEPS": ["0", "100", "2.5%", "5,2.5", "2.5:0", "2.5:101", "2.5:", ":1", "1,2,3,4,5,6,7,8,9,10", "5;10"],
    "PROTECTION": ["best effort", "on"],
    "APPROVAL": ["yes"],
    "APPROVAL_TTL": ["-1", "2m"],
    "SHADOW": ["yes", "1"],
    "KAFKA_BROKER": ["kafka://h:9092", "h:port", ",", "h:9092;i:9092"],
    "KAFKA_SECURITY_PROTOCOL": ["TLS"],
    "KAFKA_SSL_CAFILE": ["no/such/file.pem", "."],
    "KAFKA_TOPIC": ["a b", "t" * 250],
    "KAFKA_GROUP": ["a b"],
    "KAFKA_DLQ_TOPIC": ["a/b"],
    "TG_TOKEN": ["token", "abc:def", "1:"],
    "TG_CHAT_ID": ["@me", "0", "1.5"],
    "TG_USERS": ["5", "5:admin", "5:owner,5:viewer", "-5:owner", "x:owner"],
    "TG_API_URL": ["api.telegram.org", "http://u:p@h"],
    "TG_LANG": ["de"],
    "TG_TOTP_SECRET": ["abc", "0189 0189 0189 0189", "ABCDEFGH-JKLMNOP"],
    "TG_TOPIC_ID": ["0", "-1", "x", "1.5"],
    "DATABASE_URL": ["postgresql://u:p@h/d", "sqlite:///x.db", "mysql://h", "x"],
    "SNOWFLAKE_PRIVATE_KEY_PATH": ["no/such/key.p8", "~nobody-of-this-name/key.p8", "x" * 300],
    "SNOWFLAKE_HOST": ["a b"],
    "SNOWFLAKE_PORT": ["0", "x"],
    "SNOWFLAKE_PROTOCOL": ["ftp"],
    "SNOWFLAKE_SIGNALS_TABLE": ["a;drop table x", "a.b.c.d"],
    "RETENTION_DAYS": ["0", "29", "36501", "30.5", "forever"],
    "SNOWFLAKE_SIGNALS_POLL": ["0"],
    "METRICS_PORT": ["65536", "-1", "x"],
    "HTTP_HOST": ["a b", "http://x"],
    "HTTP_PORT": ["65536"],
    "LOKI_URL": ["x", "ftp://x"],
    "HEARTBEAT_URL": ["x", "ftp://x"],
    "WEB_APP_URL": ["x", "http://x/app", "https://x", "https://x/app?y=1"],
    "HTTP_ALLOWED_HOSTS": ["a b", "http://x", "x:80", ",", "*"],
    "LOG_FORMAT": ["xml"],
    "LOG_LEVEL": ["loud"],
}  # fmt: skip


def load(**given: str) -> Settings:
    return load_settings(given, env_file=None)


def problems(given: Mapping[str, str], env_file: Path | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as refused:
        load_settings(given, env_file)
    return refused.value.problems


def from_file(path: Path, text: str) -> Settings:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return load_settings({}, path)


def values(settings: Settings) -> dict[str, object]:
    return {name: getattr(settings, name.lower()) for name in Settings.variables()}


def secret(value: SecretStr | None) -> str:
    assert value is not None
    return value.get_secret_value()


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in WRONG.items() for text in texts])
def test_wrong_value_is_named_with_what_is_accepted(name: str, text: str) -> None:
    told = [problem for problem in problems({name: text}) if problem.startswith(f"{name}: ") and "accepted: " in problem]
    assert len(told) == 1


def test_every_variable_that_can_be_wrong_is_tried() -> None:
    anything_goes = {name for name in Settings.variables() if name.endswith(("USERNAME", "PASSWORD", "SECRET"))} - set(WRONG)
    names = {f"SNOWFLAKE_{name}" for name in ("ACCOUNT", "USER", "ROLE", "WAREHOUSE", "DATABASE", "SCHEMA")}
    assert set(WRONG) | anything_goes | names == set(Settings.variables())


def test_all_problems_are_told_at_once_also_those_between_variables() -> None:
    told = problems({"TRADE_QTY": "NaN", "LOG_LEVEL": "loud", "KAFKA_USERNAME": "u", "TRADING_MODE": "live"})
    assert [problem.partition(":")[0] for problem in told] == [
        "TRADE_QTY", "LOG_LEVEL", "BINANCE_API_KEY", "BINANCE_API_SECRET, BINANCE_PRIVATE_KEY_PATH", "KAFKA_PASSWORD",
    ]  # fmt: skip
    assert "TRADE_QTY: found 'NaN'; accepted: a plain decimal number above 0, such as 10 or 0.5" in told


def test_problem_never_shows_a_secret() -> None:
    given = {
        "TG_TOKEN": "hunter2-token", "BINANCE_API_KEY": "hunter2 key", "BINANCE_API_SECRET": "hunter2 secret",
        "DATABASE_URL": "mysql://me:hunter2@h/d", "LOKI_URL": "ftp://me:hunter2@h",
    }  # fmt: skip
    told = problems(given)
    assert "hunter2" not in "\n".join(told)
    assert len(told) == len(given)
    assert any(line.startswith("TG_TOKEN: found a value of 13 characters; accepted:") for line in told)


def test_secret_in_the_wrong_variable_is_not_shown() -> None:
    assert TOKEN not in problems({"TG_CHAT_ID": TOKEN})[0]


def test_an_exit_plan_is_set_by_per_cent_and_share() -> None:
    settings = load(STOP_LOSS_PCT="5", TAKE_PROFIT_PCT="5:50, 10:25", PROTECTION="Required")
    targets = Target(Level(pct=Decimal(5)), Decimal(50)), Target(Level(pct=Decimal(10)), Decimal(25))
    assert (settings.stop_loss_pct, settings.take_profit_pct, settings.protection) == (
        Decimal(5),
        targets,
        ProtectionPolicy.REQUIRED,
    )
    assert load(TAKE_PROFIT_PCT="7.5").take_profit_pct == (Target(Level(pct=Decimal("7.5")), Decimal(100)),)
    assert (load(STOP_LOSS_PCT="off").stop_loss_pct, load(TAKE_PROFIT_PCT="OFF").take_profit_pct) == (None, ())


def test_defaults_are_those_of_the_contract() -> None:
    settings = load()
    assert settings.trading_mode is TradingMode.PAPER
    assert settings.binance_api_url == "https://api.binance.com/api"
    assert (settings.symbol, settings.symbols) == ("WIFUSDC", frozenset({"WIFUSDC"}))
    assert (settings.trade_qty, settings.trade_quote) == (Decimal(10), None)
    assert settings.kafka_security_protocol == "PLAINTEXT"
    assert (settings.kafka_topic, settings.kafka_group) == ("trading_signals", "marketflow")
    assert settings.kafka_dlq_topic == "trading_signals.dlq"
    assert (settings.signal_max_age, settings.exit_max_age) == (timedelta(seconds=60), timedelta(seconds=600))
    assert (settings.approval, settings.approval_ttl) == (Mode.AUTO, timedelta(seconds=120))
    assert settings.report_asset == "USDC"
    assert (settings.price_band_pct, settings.price_sanity_pct) == (Decimal(1), Decimal(50))
    assert (settings.max_order_notional, settings.daily_loss_limit) == (Decimal(1000), Decimal(100))
    assert settings.max_open_positions == 5
    assert (settings.stop_loss_pct, settings.take_profit_pct, settings.protection) == (None, (), ProtectionPolicy.BEST_EFFORT)
    assert secret(settings.database_url) == "sqlite+aiosqlite:///marketflow.db"
    assert (settings.metrics_port, settings.http_host, settings.http_port) == (8001, "127.0.0.1", 8080)
    assert (settings.snowflake_schema, settings.snowflake_signals_poll) == ("RAW", timedelta(seconds=30))
    assert (settings.tg_api_url, settings.tg_lang) == ("https://api.telegram.org", "en")
    assert (settings.log_format, settings.log_level) == ("console", "INFO")


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().trade_qty = Decimal(1)


def test_testnet_follows_from_its_address() -> None:
    settings = load(BINANCE_API_URL="https://testnet.binance.vision/api", **KEYS)
    assert settings.trading_mode is TradingMode.TESTNET
    assert settings.binance_ws_url == "wss://ws-api.testnet.binance.vision/ws-api/v3"


def test_address_follows_from_the_mode() -> None:
    assert load(TRADING_MODE="testnet", **KEYS).binance_api_url == "https://testnet.binance.vision/api"
    live = load(TRADING_MODE="LIVE", **KEYS)
    assert (live.trading_mode, live.binance_api_url) == (TradingMode.LIVE, "https://api.binance.com/api")
    assert live.binance_ws_url.startswith("wss://ws-api.binance.com")


def test_any_host_is_taken_as_given_and_the_keys_go_nowhere_else() -> None:
    settings = load(TRADING_MODE="live", BINANCE_API_URL="http://127.0.0.1:9000/api/", **KEYS)
    assert (settings.binance_api_url, settings.binance_ws_url) == ("http://127.0.0.1:9000/api", "")


@pytest.mark.parametrize(
    ("mode", "name", "address"),
    [
        ("live", "BINANCE_API_URL", "https://testnet.binance.vision/api"),
        ("live", "BINANCE_API_URL", "https://demo-api.binance.com/api"),
        ("live", "BINANCE_WS_URL", "wss://ws-api.testnet.binance.vision/ws-api/v3"),
        ("testnet", "BINANCE_API_URL", "https://API.Binance.com./api"),
        ("testnet", "BINANCE_API_URL", "https://api4.binance.com/api"),
        ("testnet", "BINANCE_WS_URL", "wss://ws-api.binance.com:443/ws-api/v3"),
    ],
)
def test_play_money_and_money_are_never_mixed_up(mode: str, name: str, address: str) -> None:
    told = problems({"TRADING_MODE": mode, name: address, **KEYS})
    assert len(told) == 1
    assert told[0].startswith(f"{name}: names Binance")


def test_testnet_and_live_need_keys_and_paper_does_not() -> None:
    for mode in ("testnet", "live"):
        told = problems({"TRADING_MODE": mode, "BINANCE_API_KEY": "k"})
        both = "BINANCE_API_SECRET, BINANCE_PRIVATE_KEY_PATH"
        assert told == [f"{both}: neither set; accepted: one of them while TRADING_MODE is {mode} (paper needs none)"]
    assert load(TRADING_MODE="paper").binance_api_key is None


def test_empty_is_unset_but_an_empty_stream_is_a_choice() -> None:
    settings = load(TRADING_MODE="live", TG_TOKEN="", SYMBOL="  ", BINANCE_WS_URL="", **KEYS)
    assert (settings.tg_token, settings.symbol, settings.binance_ws_url) == (None, "WIFUSDC", "")


def test_symbols() -> None:
    assert load(SYMBOL="btcusdc").symbols == frozenset({"BTCUSDC"})
    assert load(SYMBOLS=" wifusdc, BTCUSDC ,").symbols == frozenset({"WIFUSDC", "BTCUSDC"})
    assert load(SYMBOLS="*").symbols is None


def test_amounts_are_exact() -> None:
    settings = load(TRADE_QTY="0.10", TRADE_QUOTE="12.345678901234567890")
    assert (str(settings.trade_qty), str(settings.trade_quote)) == ("0.10", "12.345678901234567890")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"KAFKA_USERNAME": "u"}, "KAFKA_PASSWORD"),
        ({"KAFKA_PASSWORD": "p"}, "KAFKA_USERNAME"),
        ({"KAFKA_SECURITY_PROTOCOL": "sasl_ssl"}, "KAFKA_USERNAME"),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_USERNAME": "u", "KAFKA_PASSWORD": "p"}, "KAFKA_SECURITY_PROTOCOL"),
        ({"KAFKA_TOPIC": "t", "KAFKA_DLQ_TOPIC": "t"}, "KAFKA_DLQ_TOPIC"),
        ({"TG_TOKEN": "123:tooshort"}, "TG_TOKEN"),
        ({"TG_CHAT_ID": "5", "TG_USERS": "5:viewer"}, "TG_USERS"),
        ({"DCA_STEPS": "2.5"}, "DCA_STEPS"),
        ({"DCA_STEPS": "2.5:1,5:1.5", "MAX_ENTRIES": "2"}, "DCA_STEPS"),
        ({"WEBHOOK_SECRET": "fifteen letters"}, "WEBHOOK_SECRET"),
        ({"DASHBOARD_PASSWORD": "eleven char"}, "DASHBOARD_PASSWORD"),
        ({"WEBHOOK_SECRET": "sixteen letters!", "HTTP_PORT": "0"}, "HTTP_PORT"),
    ],
)
def test_variables_that_contradict_each_other(given: Mapping[str, str], named: str) -> None:
    told = problems(given)
    assert len(told) == 1
    assert told[0].startswith(f"{named}: ")


def test_user_name_asks_for_sasl_over_tls() -> None:
    assert load(KAFKA_USERNAME="$ConnectionString", KAFKA_PASSWORD="p").kafka_security_protocol == "SASL_SSL"


def test_snowflake_is_all_or_nothing() -> None:
    told = problems({"SNOWFLAKE_ACCOUNT": "a"})
    assert [line.partition(":")[0] for line in told] == [
        "SNOWFLAKE_USER", "SNOWFLAKE_WAREHOUSE", "SNOWFLAKE_DATABASE", "SNOWFLAKE_PASSWORD, SNOWFLAKE_PRIVATE_KEY_PATH",
    ]  # fmt: skip


def test_short_token_is_good_for_ones_own_telegram_server() -> None:
    assert secret(load(TG_TOKEN="1:a", TG_API_URL="http://127.0.0.1:8081/").tg_token) == "1:a"


def test_users_and_the_owner_of_the_chat() -> None:
    assert load(TG_CHAT_ID="7", TG_USERS="5:viewer, 6:Trader").users == {5: Role.VIEWER, 6: Role.TRADER, 7: Role.OWNER}
    assert load(TG_CHAT_ID="-100500", TG_USERS="5:owner").users == {5: Role.OWNER}


@pytest.mark.parametrize(
    "line",
    [
        "KAFKA_USERNAME=$ConnectionString",
        "export KAFKA_USERNAME=$ConnectionString",
        "export KAFKA_USERNAME='$ConnectionString'",
        'KAFKA_USERNAME="$ConnectionString"',
        "KAFKA_USERNAME = $ConnectionString  # Event Hubs",
    ],
)
def test_dollar_in_env_file_is_a_dollar(tmp_path: Path, line: str) -> None:
    assert (
        from_file(tmp_path / ".env", f"{line}\nKAFKA_PASSWORD=x\nConnectionString=wrong\n").kafka_username == "$ConnectionString"
    )


def test_password_in_env_file_survives_letter_for_letter(tmp_path: Path) -> None:
    settings = from_file(tmp_path / ".env", f"KAFKA_USERNAME=u\nKAFKA_PASSWORD={EVENT_HUBS}\r\n")
    assert secret(settings.kafka_password) == EVENT_HUBS
    quoted = from_file(tmp_path / ".env", "KAFKA_USERNAME=u\nexport KAFKA_PASSWORD='a #b=${C} \"d\" '\n")
    assert secret(quoted.kafka_password) == 'a #b=${C} "d" '


def test_password_from_the_environment_survives_letter_for_letter() -> None:
    assert secret(load(KAFKA_USERNAME="u", KAFKA_PASSWORD=f" {EVENT_HUBS} ").kafka_password) == f" {EVENT_HUBS} "


def test_exported_by_a_shell(tmp_path: Path) -> None:
    program = (
        "from bot.settings import settings; s = settings.load_settings(); "
        "print(s.kafka_username, s.kafka_password.get_secret_value())"
    )
    script = (
        f"export KAFKA_USERNAME='$ConnectionString'; export KAFKA_PASSWORD='a=${{B}}#c=='; exec {sys.executable} -c '{program}'"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["sh", "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["$ConnectionString", "a=${B}#c=="]


def test_environment_comes_before_the_file(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("SYMBOL=BTCUSDC\nTG_LANG=ru\n")
    settings = load_settings({"SYMBOL": "ETHUSDC", "TG_LANG": ""}, path)
    assert (settings.symbol, settings.tg_lang) == ("ETHUSDC", "ru")


def test_no_env_file_is_no_problem(tmp_path: Path) -> None:
    assert load_settings({}, tmp_path / ".env").given == frozenset()


def test_unreadable_env_file_is_told_without_its_text(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("SYMBOL=WIFUSDC\n\nKAFKA_PASSWORD='hunter2\n")
    assert problems({}, path)[0].startswith(f"{path} line 3: cannot be read")
    assert "hunter2" not in str(problems({}, path))
    path.write_bytes(b"SYMBOL=\xff\n")
    assert problems({}, path) == [f"{path}: byte 8 is not UTF-8; accepted: a UTF-8 text file"]
    assert "cannot be read" in problems({}, tmp_path)[0]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("TRADE_QUANTITY", "TRADE_QTY"),
        ("KAFKA_BROKERS", "KAFKA_BROKER"),
        ("tg_token", "TG_TOKEN"),
        ("TELEGRAM_TOKEN", "TG_TOKEN"),
    ],
)
def test_misspelled_name_in_env_file_is_doubted(tmp_path: Path, wrong: str, right: str) -> None:
    doubts = from_file(tmp_path / ".env", f"{wrong}=1\nSOMETHING_ELSE=2\n").warnings
    assert len(doubts) == 1
    assert f"{wrong} is not a setting" in doubts[0]
    assert f"is {right} meant?" in doubts[0]


def test_what_works_and_is_hardly_meant_is_doubted() -> None:
    assert "nobody may command" in load(TG_CHAT_ID="-100500").warnings[0]
    assert "not among SYMBOLS" in load(SYMBOL="BTCUSDC", SYMBOLS="WIFUSDC").warnings[0]
    assert load(SYMBOL="BTCUSDC", SYMBOLS="*", TG_CHAT_ID="5").warnings == ()


def test_limits_that_contradict_each_other_are_doubted_as_in_the_chat() -> None:
    (size,) = load(TRADE_QUOTE="5000", MAX_ORDER_NOTIONAL="1000").warnings
    assert size == "TRADE_QUOTE 5000 is above MAX_ORDER_NOTIONAL 1000: every entry will be refused"
    (band,) = load(PRICE_BAND_PCT="60").warnings
    assert "PRICE_BAND_PCT 60 is above PRICE_SANITY_PCT 50" in band
    assert load(TRADE_QUOTE="1000", MAX_ORDER_NOTIONAL="1000").warnings == ()


def test_of_the_sizes_of_an_entry_one_is_set() -> None:
    with pytest.raises(ConfigurationError, match="TRADE_QUOTE, TRADE_RISK_PCT: 2 sizes of an entry; accepted: one of them"):
        load(TRADE_QUOTE="50", TRADE_RISK_PCT="1")
    assert load(TRADE_QTY="20", TRADE_RISK_PCT="1", STOP_LOSS_PCT="5").warnings == ()


@pytest.mark.parametrize("stop", [{}, {"STOP_LOSS_PCT": "off"}])
def test_a_risk_without_a_stop_of_the_settings_is_doubted(stop: dict[str, str]) -> None:
    (doubt,) = load(TRADE_RISK_PCT="1", **stop).warnings
    assert doubt == "TRADE_RISK_PCT is set and STOP_LOSS_PCT is not: a signal that brings no stop_loss will be refused"


def test_what_run_still_needs() -> None:
    assert [line.partition(":")[0] for line in load().missing_for_run()] == ["KAFKA_BROKER", "TG_TOKEN", "TG_CHAT_ID"]
    assert all("marketflow demo" in line for line in load().missing_for_run())
    assert load(KAFKA_BROKER="127.0.0.1:9092", TG_TOKEN=TOKEN, TG_CHAT_ID="5").missing_for_run() == []


def test_no_secret_in_how_settings_are_printed() -> None:
    settings = load(
        TG_TOKEN=TOKEN, DATABASE_URL="postgresql+asyncpg://me:hunter2@h/d", KAFKA_USERNAME="u", KAFKA_PASSWORD="hunter2"
    )
    assert "hunter2" not in f"{settings!r} {settings}"
    assert TOKEN not in f"{settings!r} {settings}"
    assert {TOKEN, "hunter2"} <= settings.secret_values()


def test_example_file_names_every_variable_once_with_its_default(tmp_path: Path) -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    lines = [line.removeprefix("#") for line in example.splitlines() if "=" in line and not line.startswith("# ")]
    named = dict(line.split("=", 1) for line in lines)
    assert len(named) == len(lines)
    assert set(named) == set(Settings.variables())
    shown = from_file(tmp_path / ".env", "\n".join(lines))
    assert values(shown) == values(load())
    without = {name for name, value in values(load()).items() if value in (None, "", {}, frozenset(), ())}
    assert {name for name, text in named.items() if not text} == without


def test_example_file_has_a_word_on_every_variable() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    above = {line: before for before, line in pairwise(lines) if "=" in line and not line.startswith("# ")}
    assert [line for line, before in above.items() if not before.startswith("# ")] == []


def test_example_file_can_be_used_as_it_is() -> None:
    assert load_settings({}, ROOT / ".env.example").given == frozenset()


@pytest.mark.parametrize(
    ("symbol", "report"),
    [
        ("WIFUSDC", "USDC"), ("BTCUSDT", "USDT"), ("wiffdusd", "FDUSD"), ("EURUSDC", "USDC"), ("BTCEUR", "EUR"),
        ("BTCEURI", "EURI"), ("USDCUSDT", "USDT"), ("BTCUSD1", "USD1"),
    ],
)  # fmt: skip
def test_everything_is_counted_in_what_the_symbol_is_priced_in(symbol: str, report: str) -> None:
    settings = load(SYMBOL=symbol)
    assert (settings.report_asset, settings.max_order_notional) == (report, Decimal(1000))
    assert load(SYMBOL=symbol, REPORT_ASSET="usdc").report_asset == "USDC"


def test_in_what_is_no_dollar_or_euro_a_limit_has_no_default_and_all_is_told_at_once() -> None:
    told = problems({"SYMBOL": "ETHBTC", "TRADE_QTY": "x"})
    assert [problem.partition(":")[0] for problem in told] == ["TRADE_QTY", "MAX_ORDER_NOTIONAL", "DAILY_LOSS_LIMIT"]
    wanted = "needed while REPORT_ASSET is BTC, which is no dollar or euro coin; accepted: an amount of BTC"
    assert told[1:] == [f"{name}: not set; {wanted}" for name in ("MAX_ORDER_NOTIONAL", "DAILY_LOSS_LIMIT")]
    assert len(problems({"REPORT_ASSET": "BTC", "DAILY_LOSS_LIMIT": "0.01"})) == 1
    limits = {"MAX_ORDER_NOTIONAL": "0.02", "DAILY_LOSS_LIMIT": "0.002"}
    assert load(SYMBOL="ETHBTC", **limits).report_asset == "BTC"
    assert load(SYMBOL="ETHBTC", REPORT_ASSET="USDC").daily_loss_limit == 100


def test_a_symbol_whose_name_does_not_tell_its_quote_asset_wants_one_to_be_named() -> None:
    (told,) = problems({"SYMBOL": "WIFXYZ"})
    assert told == "REPORT_ASSET: not set, and SYMBOL WIFXYZ does not tell what it is priced in; accepted: an asset"
    assert load(SYMBOL="WIFXYZ", REPORT_ASSET="USDC").report_asset == "USDC"
