"""STRATEGIES_FILE: what it may say, and how everything else is refused."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot.factories import limits_of
from bot.settings.settings import load_settings
from bot.settings.strategies import _KEYS, _OF_ACCOUNT, strategy_settings
from core.domain.errors import ConfigurationError
from core.domain.strategy_book import StrategyBook
from core.domain.trading_state import Mode
from tests.core.world import LIMITS
from tests.paths import ROOT

EXAMPLE = ROOT / "docs" / "strategies.toml"


def written(path: Path, text: str) -> Path:
    file = path / "strategies.toml"
    file.write_text(text, encoding="utf-8")
    return file


def faults(path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as refused:
        strategy_settings(written(path, text))
    return list(refused.value.problems)


def test_the_example_of_the_page_is_a_good_file() -> None:
    found = strategy_settings(EXAMPLE)
    waves, other = found.limits(LIMITS, StrategyBook("WIFUSDC", "waves")), found.limits(LIMITS, StrategyBook("WIFUSDC", "other"))
    assert found.names == {"waves", "tides"}
    assert (waves.trade_quote, waves.stop_loss_pct, waves.trade_equity_pct) == (Decimal(25), Decimal(3), None)
    assert found.limits(LIMITS, StrategyBook("SOLUSDC", "waves")).trade_quote == Decimal(50)
    assert found.limits(LIMITS, StrategyBook("BTCUSDC", "tides")).trade_equity_pct == Decimal(2)
    assert found.own_positions("waves") == 3
    assert found.mode(Mode.AUTO, StrategyBook("BTCUSDC", "tides")) is Mode.CONFIRM
    assert found.mode(Mode.OBSERVE, StrategyBook("BTCUSDC", "tides")) is Mode.OBSERVE, "the account's mode, if it is stricter"
    assert other.price_band_pct == Decimal("0.5")
    assert found.limits(LIMITS, StrategyBook("SOLUSDC", "other")) == LIMITS
    page = (ROOT / "docs" / "strategies.md").read_text(encoding="utf-8")
    assert EXAMPLE.read_text(encoding="utf-8").strip() in page


def test_the_page_names_every_setting_of_the_file() -> None:
    page = (ROOT / "docs" / "strategies.md").read_text(encoding="utf-8")
    assert [name for name in (*_KEYS, *_OF_ACCOUNT) if f"`{name}`" not in page] == []


def test_without_a_file_all_is_as_the_settings_say() -> None:
    settings = load_settings({}, env_file=None)
    assert settings.strategies_file is None
    limits = limits_of(settings)
    assert strategy_settings(None).limits(limits, StrategyBook("WIFUSDC", "waves")) == limits


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[strategy.waves]\nTRADE_QUOTE = 0", "strategy.waves.TRADE_QUOTE: found '0'; accepted: a plain decimal number above 0"),
        ("[strategy.waves]\nTRADE_QUOTES = 5", "strategy.waves.TRADE_QUOTES: found '5'; accepted: the settings TRADE_QTY"),
        ("[strategy.waves]\nTRADE_QTY = true", "strategy.waves.TRADE_QTY: found 'True'; accepted: a text or a number"),
        ("[strategy.waves]\nTRADE_QTY = [5]", "strategy.waves.TRADE_QTY: found '[5]'; accepted: a text or a number"),
        ("[strategy.waves]\nTRADE_QTY = nan", "strategy.waves.TRADE_QTY: found 'NaN'; accepted: a plain decimal number above 0"),
        ("[strategy.waves]\nPAPER = true", "strategy.waves.PAPER: found 'True'; no strategy trades on paper beside"),
        ("[strategy.waves]\nDAILY_LOSS_LIMIT = 5", "strategy.waves.DAILY_LOSS_LIMIT: found '5'; it counts for the whole account"),
        ("[symbol.WIFUSDC]\nMAX_OPEN_POSITIONS = 5", "symbol.WIFUSDC.MAX_OPEN_POSITIONS: found '5'; accepted: in a section"),
        ("[symbol.'WIF USDC']\nTRADE_QTY = 5", "symbol.WIF USDC: found 'WIF USDC'; accepted: a symbol of the exchange"),
        ("[symbol.WIFUSDC]\n[symbol.wifusdc]", "symbol.wifusdc: found 'wifusdc' twice; accepted: one section for WIFUSDC"),
        ("[strategies.waves]", "strategies: found a section; accepted: the sections [strategy.NAME] and [symbol.SYMBOL]"),
        ("[strategy]\nwaves = 5", "strategy.waves: found '5'; accepted: a section of settings"),
        (f"[strategy.{'w' * 33}]", f"strategy.{'w' * 33}: found '{'w' * 33}'; accepted: a name of 1 to 32 printable characters"),
        (
            "[strategy.waves]\nTRADE_QUOTE = 5\nTRADE_RISK_PCT = 1",
            "strategy.waves: TRADE_QUOTE, TRADE_RISK_PCT: 2 sizes of an entry; accepted: one of them",
        ),
        (
            "[strategy.waves]\nTRADE_QUOTE = 50\nMAX_ORDER_NOTIONAL = 20",
            "strategy.waves: TRADE_QUOTE: found 50; accepted: at most MAX_ORDER_NOTIONAL, which is 20",
        ),
        ("[strategy.waves", "strategies.toml cannot be read as TOML: "),
        ("[strategy.waves]\nAPPROVAL = 'never'", "strategy.waves.APPROVAL: found 'never'; accepted: auto, confirm or observe"),
    ],
)
def test_whatever_is_wrong_is_one_sentence_that_names_it_and_what_is_accepted(tmp_path: Path, text: str, said: str) -> None:
    (problem,) = faults(tmp_path, text)
    assert problem.startswith("STRATEGIES_FILE: ")
    assert said in problem


def test_all_problems_are_told_at_once_and_refuse_the_start(tmp_path: Path) -> None:
    file = written(tmp_path, "[strategy.waves]\nTRADE_QTY = 0\n[symbol.SOLUSDC]\nSTOP_LOSS_PCT = 100")
    with pytest.raises(ConfigurationError) as refused:
        load_settings({"STRATEGIES_FILE": str(file), "TRADE_QTY": "0"}, env_file=None)
    assert [problem.partition(" found")[0] for problem in refused.value.problems] == [
        *("TRADE_QTY:", "STRATEGIES_FILE: strategy.waves.TRADE_QTY:", "STRATEGIES_FILE: symbol.SOLUSDC.STOP_LOSS_PCT:")
    ]


@pytest.mark.parametrize("raw", [b"\xff\xfe[", b"a" * 100_000, b"[" * 5_000, b"x = 1979-05-27"])
def test_no_file_is_too_odd(tmp_path: Path, raw: bytes) -> None:
    file = tmp_path / "strategies.toml"
    file.write_bytes(raw)
    with pytest.raises(ConfigurationError):
        strategy_settings(file)


def test_numbers_are_exact_and_lengths_are_seconds(tmp_path: Path) -> None:
    text = "[strategy.waves]\nTRADE_QUOTE = 10.10\nSIGNAL_MAX_AGE = 30\nTAKE_PROFIT_PCT = '5:50,10:50'\nTRAILING_PCT = 'off'"
    limits = strategy_settings(written(tmp_path, text)).limits(LIMITS, StrategyBook("WIFUSDC", "waves"))
    assert (limits.trade_quote, limits.signal_max_age, limits.trailing_pct) == (Decimal("10.10"), timedelta(seconds=30), None)
    assert len(limits.take_profit_pct) == 2
