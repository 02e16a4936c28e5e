"""docs/running.md names the limits and the command lines that the program has, and no others."""

import re

from bot.__main__ import _COMMANDS
from bot.settings.settings import Settings
from core.policy.risk.limits import SETTABLE_LIMITS
from tests.bot.settings.test_reference import default_of
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
LIMITS = re.findall(r"^\| `([A-Z_]+)` \| (.+?) \|", PAGE.partition("## Limits")[2].partition("###")[0], re.MULTILINE)
REFUSE_NO_ENTRY = {
    *("TRADE_QTY", "TRADE_QUOTE", "TRADE_EQUITY_PCT", "TRADE_RISK_PCT"),
    *("EXIT_MAX_AGE", "APPROVAL_TTL"),
    *("STOP_LOSS_PCT", "TAKE_PROFIT_PCT", "BREAKEVEN_AFTER", "TIME_LIMIT", "TRAILING_PCT", "TRAILING_ACTIVATION_PCT"),
    "DCA_STEPS",
}
"""Sizes, how long something waits, exit plans, and steps."""


def test_the_table_of_limits_has_each_limit_that_refuses_entries_and_no_other() -> None:
    assert {name for name, _ in LIMITS} == (SETTABLE_LIMITS.keys() | {"SYMBOLS"}) - REFUSE_NO_ENTRY


def test_the_table_of_limits_has_the_defaults_of_the_settings() -> None:
    for name, shown in LIMITS:
        default = default_of(name, Settings.model_fields[name.lower()]) if name != "SYMBOLS" else "`SYMBOL`"
        if name == "SYMBOLS" or not default:
            assert shown == (default or "off"), name
        else:
            assert float(shown.split()[0]) == float(default), name


def test_the_table_of_the_command_line_has_every_command_and_no_other() -> None:
    assert set(re.findall(r"^\| `marketflow ([a-z]+)(?: FILE)?`", PAGE, re.MULTILINE)) == _COMMANDS.keys()
