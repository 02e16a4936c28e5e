"""Settings of a strategy, of a symbol, and of both: which of them counts."""

from decimal import Decimal

import pytest

from core.domain.strategy_book import StrategyBook
from core.domain.trading_state import Mode
from core.policy.strategy_settings import EVERY, Override, StrategySettings
from tests.core.world import LIMITS

WIF, BOOK = "WIFUSDC", StrategyBook("WIFUSDC", "waves")
OF_SYMBOL, OF_STRATEGY = StrategyBook(WIF, EVERY), StrategyBook(EVERY, "waves")


@pytest.mark.parametrize(
    ("sections", "account", "mode"),
    [
        ({}, Mode.AUTO, Mode.AUTO),
        ({OF_STRATEGY: Override(mode=Mode.CONFIRM)}, Mode.AUTO, Mode.CONFIRM),
        ({OF_STRATEGY: Override(mode=Mode.CONFIRM)}, Mode.OBSERVE, Mode.OBSERVE),
        ({OF_STRATEGY: Override(mode=Mode.OBSERVE), BOOK: Override(mode=Mode.CONFIRM)}, Mode.AUTO, Mode.CONFIRM),
        ({OF_STRATEGY: Override(mode=Mode.CONFIRM), BOOK: Override()}, Mode.AUTO, Mode.CONFIRM),
        ({OF_SYMBOL: Override(mode=Mode.OBSERVE), OF_STRATEGY: Override(mode=Mode.AUTO)}, Mode.CONFIRM, Mode.CONFIRM),
        ({StrategyBook(EVERY, "tides"): Override(mode=Mode.OBSERVE)}, Mode.AUTO, Mode.AUTO),
    ],
)
def test_the_most_specific_mode_counts_unless_the_accounts_is_stricter(
    sections: dict[StrategyBook, Override], account: Mode, mode: Mode
) -> None:
    assert StrategySettings(sections).mode(account, BOOK) is mode


def test_a_more_specific_size_replaces_every_other_and_leaves_the_rest() -> None:
    settings = StrategySettings(
        {
            OF_SYMBOL: Override({"trade_quote": Decimal(9), "price_band_pct": Decimal(3)}),
            OF_STRATEGY: Override({"trade_risk_pct": Decimal(1)}),
        }
    )
    limits = settings.limits(LIMITS, BOOK)
    assert (limits.trade_quote, limits.trade_risk_pct, limits.price_band_pct) == (None, Decimal(1), Decimal(3))
    assert settings.limits(LIMITS, StrategyBook("SOLUSDC")) == LIMITS
