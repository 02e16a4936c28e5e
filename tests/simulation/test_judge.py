"""The judge's demands on a ledger that was set back, on exits and on cancellations, and their limits."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import cast

import pytest

from core.adapters.ledger.codec import bodies, signals
from core.adapters.ledger.tables import signal_tables
from core.domain.messages import CancelRequested, SignalReceived
from core.domain.signal import Side, Signal
from tests.simulation import leaving
from tests.simulation.accidents import SET_BACK
from tests.simulation.by_hand import _cancels
from tests.simulation.evidence import Evidence
from tests.simulation.judge import _orders

SALE = Signal("kafka:signals", "s1", "SELL_SM", "WIFUSDC", Decimal("0.48"), datetime(2026, 3, 1, tzinfo=UTC))
SOLD, BOUGHT = "mf-1", "mf-2"


@pytest.mark.parametrize(
    ("accident", "status", "executed", "kept"),
    [
        (SET_BACK, "EXPIRED", 0, True),
        (SET_BACK, "EXPIRED", 5, False),
        (SET_BACK, "NEW", 0, False),
        ("", "EXPIRED", 0, False),
    ],
)
def test_only_an_order_that_ended_empty_may_be_lost_by_a_ledger_that_was_put_back(
    accident: str, status: str, executed: int, *, kept: bool
) -> None:
    order = SimpleNamespace(client_order_id="mf-1", order_id=1, status=status, executed_qty=Decimal(executed))
    seen = cast("Evidence", SimpleNamespace(rows=lambda _: [], orders=[order], accident=accident))
    assert (list(_orders(seen)) == []) is kept


@pytest.mark.parametrize(("sources", "broken"), [(["kafka:signals", "exit", "exit", "exit"], 1), (["kafka:signals"] * 4, 0)])
def test_only_the_attempts_at_one_exit_may_not_be_refused_for_the_same_size_again_and_again(
    sources: list[str], broken: int
) -> None:
    inbox = [{"seq": seq, "source": source} for seq, source in enumerate(sources)]
    refused = {"symbol": "WIFUSDC", "side": "SELL", "qty": Decimal(40), "reason_code": "insufficient_balance", "reason": ""}
    refused["signal"] = signals.encode(SALE)
    orders = [{**refused, "inbox_seq": seq} for seq in range(len(sources))]
    seen = cast("Evidence", SimpleNamespace(rows={signal_tables.inbox: inbox}.__getitem__, signal_orders=orders))
    assert len(list(leaving._sized_anew(seen))) == broken


@pytest.mark.parametrize(
    ("source", "closed_at", "by", "broken"),
    [
        ("kafka:signals", None, 0, 1),
        ("telegram", None, 0, 0),
        ("exit", None, 0, 0),
        ("kafka:signals", 1, 0, 0),
        ("kafka:signals", -60, 1, 0),  # the clock was set back, and the order came from a message between the two
        ("kafka:signals", -60, 0, 1),
        ("kafka:signals", -60, 9, 1),
    ],
)
def test_an_exit_that_is_wanted_may_not_be_forgotten_when_another_comes(
    monkeypatch: pytest.MonkeyPatch, source: str, closed_at: int | None, by: int, broken: int
) -> None:
    noon, second = datetime(2026, 3, 1, 12, tzinfo=UTC), timedelta(seconds=1)
    row = {"kind": "signal", "mailbox": "WIFUSDC", "signal_type": "SELL_SM", "outcome": "ordered"}
    row["body"] = bodies.encode(SignalReceived(SALE))
    first = {**row, "seq": 0, "source": "kafka:signals", "source_id": "s1", "decided_at": noon, "outcome": "put_off"}
    then = {**row, "seq": 2, "source": source, "source_id": "s2", "decided_at": noon + 2 * second}
    row_of_it = {"inbox_seq": 2, "client_order_id": "mf-2", "executed_qty": Decimal(40), "approved_by": None}
    names = {"mf-2": 3, **({"mf-1": closed_at} if closed_at is not None else {})}
    orders = [
        SimpleNamespace(
            client_order_id=name, book=SALE.book, updated_at=noon + at * second, inbox_seq=2 if name == "mf-2" else by
        )
        for name, at in names.items()
    ]
    sold = [SimpleNamespace(order=order, position=SimpleNamespace(is_open=False)) for order in orders]
    monkeypatch.setattr(leaving, "_executed", lambda _: sold)
    rows = {signal_tables.inbox: [first, then]}.__getitem__
    venue = SimpleNamespace(orders=(), trades=())
    seen = cast("Evidence", SimpleNamespace(rows=rows, signal_orders=[row_of_it], strange=(), venue=venue))
    assert len(list(leaving._wanted(seen))) == broken


@pytest.mark.parametrize(
    ("order_ids", "traded", "broken"),
    [
        ((50, 56), (SOLD, BOUGHT), 0),  # whatever the clocks said, and in whichever order the ledger heard of them
        ((56, 50), (BOUGHT, SOLD), 1),
        ((56, 50), (SOLD, BOUGHT), 1),  # the entry rested meanwhile
        ((50, 56), (SOLD, BOUGHT, SOLD), 1),
    ],
)
def test_a_wanted_exit_is_sold_before_an_entry_in_the_order_of_the_exchange(
    monkeypatch: pytest.MonkeyPatch, order_ids: tuple[int, int], traded: tuple[str, ...], broken: int
) -> None:
    noon, minute = datetime(2026, 3, 1, 12, tzinfo=UTC), timedelta(minutes=1)
    entry = replace(SALE, signal_id="s2", signal_type="BUY_SM")
    row = {"kind": "signal", "source": "kafka:signals"}
    wanted = {**row, "seq": 0, "source_id": "s1", "signal_type": "SELL_SM", "outcome": "put_off", "decided_at": noon}
    entered = {**row, "seq": 1, "source_id": "s2", "signal_type": "BUY_SM", "outcome": "ordered", "decided_at": noon - minute}
    wanted["body"], entered["body"] = bodies.encode(SignalReceived(SALE)), bodies.encode(SignalReceived(entry))
    sale_id, entry_id = order_ids
    bought = {"inbox_seq": 1, "client_order_id": BOUGHT, "executed_qty": Decimal(40), "order_id": str(entry_id)}
    sale = SimpleNamespace(client_order_id=SOLD, order_id=str(sale_id), book=SALE.book, updated_at=noon + minute, inbox_seq=2)
    done = SimpleNamespace(order=sale, position=SimpleNamespace(is_open=False))
    monkeypatch.setattr(leaving, "_executed", lambda _: [done])
    numbers = {SOLD: sale_id, BOUGHT: entry_id}
    placed = [SimpleNamespace(symbol="WIFUSDC", order_id=number, client_order_id=name) for name, number in numbers.items()]
    trades = [SimpleNamespace(symbol="WIFUSDC", order_id=numbers[name]) for name in traded]
    rows = {signal_tables.inbox: [wanted, entered]}.__getitem__
    venue = SimpleNamespace(orders=placed, trades=trades)
    seen = cast("Evidence", SimpleNamespace(rows=rows, signal_orders=[bought], strange=(), venue=venue))
    assert len(list(leaving._wanted(seen))) == broken


@pytest.mark.parametrize(("side", "seconds", "broken"), [(Side.SELL, 599, 1), (Side.SELL, 600, 0), (Side.BUY, 61, 0)])
def test_an_exit_may_not_expire_by_the_age_of_an_entry(side: Side, seconds: int, broken: int) -> None:
    sent = datetime(2026, 3, 1, tzinfo=UTC)
    signal = Signal("kafka:signals", "s1", f"{side}_SM", "WIFUSDC", Decimal("0.48"), sent)
    row = {"kind": "signal", "source_id": "s1", "outcome": "expired", "body": bodies.encode(SignalReceived(signal))}
    seen = cast("Evidence", SimpleNamespace(rows=lambda _: [{**row, "decided_at": sent + timedelta(seconds=seconds)}]))
    assert len(list(leaving._not_too_soon(seen))) == broken


@pytest.mark.parametrize(("status", "broken"), [("CANCELED", 0), ("FILLED", 1)])
def test_an_order_that_is_reported_as_cancelled_ended_so(status: str, broken: int) -> None:
    order = SimpleNamespace(client_order_id="mf-1", status=status, is_open=False)
    command = CancelRequested("WIFUSDC", "mf-1", 7, "Ann")
    seen = cast(
        "Evidence",
        SimpleNamespace(
            venue=SimpleNamespace(orders=[order]), messages=lambda _: [({"outcome": "done"}, command)], rows=lambda _: []
        ),
    )
    assert len(list(_cancels(seen))) == broken
