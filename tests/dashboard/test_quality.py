"""The quality page, run by Streamlit itself on a ledger: sums, groups, and nothing to show."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from bot.clock import SystemClock
from core.adapters.ledger.opening import open_ledger
from core.domain.execution_quality import Quality
from dashboard.quality import by_day, group_row
from tests.core.adapters.ledger.test_execution_quality import WHOLE, lived
from tests.ledgers import make_ledger


def page() -> None:
    """Runs as the page of a visitor."""
    from core.read_models import Selection
    from dashboard.quality import show

    show(Selection())


async def test_the_sums_of_a_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = make_ledger(tmp_path / "ledger.db")
    monkeypatch.setenv("DATABASE_URL", url)
    shown = AppTest.from_function(page, default_timeout=30)
    assert not shown.run().exception
    assert [one.value for one in shown.markdown] == ["No orders and no missed signals in this selection."]
    ledger = await open_ledger(url, SystemClock())
    await lived(ledger)
    await ledger.close()
    assert not shown.run().exception
    tiles = {one.label: one.value for one in shown.metric}
    assert tiles["Shortfall, USDC"] == "+50.22"
    assert (tiles["Filled"], tiles["Missed signals"]) == ("99.9%", "3")
    by_symbol, stages = (one.value for one in shown.dataframe)
    assert list(by_symbol[""]) == ["SOLUSDC", "WIFUSDC"]
    assert list(by_symbol["orders"]) == ["1", "3"]
    assert list(stages["until"]) == ["received", "decided", "sent", "answered", "settled"]
    shown.segmented_control(key="quality_by").set_value("Strategy").run()
    assert list(shown.dataframe[0].value[""]) == ["default", "waves"]


def test_the_cells_of_a_group_add_up_to_its_shortfall() -> None:
    cells = group_row(WHOLE)
    assert cells["shortfall, USDC"] == "+50.2100"
    assert [cells[name] for name in ("delay", "execution", "fees", "missed")] == ["+0.0040", "+10.0260", "+0.0200", "+40.1600"]
    assert cells["shortfall, bps"] == "+83.2"
    assert group_row(Quality("x", "EUR"))["worst order, bps"] == ""


def test_a_day_has_a_bar_of_each_part() -> None:
    drawn = by_day([WHOLE]).to_dict()
    (values,) = drawn["datasets"].values()
    assert {value["part"]: round(value["value"], 4) for value in values} == {
        "delay": 0.004,
        "execution": 10.026,
        "slippage, not split": 0.0,
        "fees": 0.02,
        "missed": 40.16,
    }
