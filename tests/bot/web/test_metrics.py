"""Metrics and log lines of commits: exact names, correct numbers also after a restart."""

import asyncio
import re
import shutil
import subprocess
from dataclasses import replace
from decimal import Decimal
from math import isnan
from typing import Any

import httpx
import pytest
import structlog

from bot.web.metrics import create_metrics_app
from bot.web.server import serve_web
from core.adapters.execution_logger import ExecutionLogger
from core.domain.approval import ApprovalState
from core.domain.errors import ConfigurationError
from core.domain.events.access import StrangerSeen
from core.domain.events.approvals import ApprovalClosed, ApprovalRequested
from core.domain.events.control import ControlsChanged
from core.domain.events.intake import DeadLettersFound, RequestsRefused
from core.domain.events.orders import OrderFailed, OrderUnanswered
from core.domain.events.outages import PartTroubled
from core.domain.events.process import AnotherProgram, Started
from core.domain.events.protection import ProtectionFailed
from core.domain.events.signals import ExitPending
from core.domain.events.table import Event
from core.domain.messages import ControlsRequested, DeadLetter, Message, SignalReceived, StoredMessage
from core.domain.order import Order
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import OrderTerms, OrderType, TimeInForce
from core.domain.plan_leg import LegKind, PlanLeg
from core.domain.position import Position
from core.domain.reasons import reason
from core.domain.signal import Side
from core.domain.trading_state import Mode, Pause, TradingState
from core.ports.timings import Stage
from core.records.commit_batch import CommitBatch
from core.records.ledger_state import LedgerState
from core.records.message_outcome import MessageOutcome
from tests.bot.parts import NOON, approval, executed, refused, signal
from tests.paths import ROOT

EMPTY = LedgerState()
NAMES = {
    "marketflow_duplicates_total", "marketflow_http_refused_total", "marketflow_kafka_stored_timestamp_seconds",
    "marketflow_last_signal_timestamp_seconds", "marketflow_lease_held", "marketflow_log_lines_dropped",
    "marketflow_standby", "marketflow_standbys_waiting",
    "marketflow_orders_in_flight", "marketflow_orders_unknown", "marketflow_part_ready", "marketflow_proof_differences",
    "marketflow_proof_timestamp_seconds", "marketflow_symbols_held",
    "buy_orders_total", "sell_orders_total", "last_trade_profit", "open_positions", "marketflow_signals_total",
    "marketflow_orders_total", "marketflow_signal_to_order_seconds", "marketflow_order_ack_seconds", "marketflow_stage_seconds",
    "marketflow_order_connection_open", "marketflow_resting_orders", "marketflow_unprotected_seconds",
    "marketflow_user_stream_connected", "marketflow_protection_failures_total",
    "marketflow_order_limit_used", "marketflow_slippage_bps",
    "marketflow_signal_slippage_bps", "marketflow_delay_bps", "marketflow_spread_bps", "marketflow_fee_bps",
    "marketflow_fill_ratio",
    "marketflow_exchange_errors_total", "marketflow_kafka_lag", "marketflow_alerts_pending", "marketflow_approvals_pending",
    "marketflow_clock_offset_seconds", "marketflow_paused", "marketflow_history_export_pending",
}  # fmt: skip


def stored(seq: int, source: str = "kafka:trading_signals") -> StoredMessage:
    return StoredMessage(seq, Message(source, f"id-{seq}", "WIFUSDC", SignalReceived(signal()), NOON))


def settled(side: Side, order_id: str) -> CommitBatch:
    """Returns the commit of one filled order."""
    told = executed(side)
    order = replace(told.order, client_order_id=order_id)
    execution = replace(told.execution, execution_id=order_id, client_order_id=order_id)
    return CommitBatch(orders=[order], executions=[execution], positions=[told.position], events=[told])


def value(watched: ExecutionLogger, name: str, **labels: str) -> float | None:
    return watched.registry.get_sample_value(name, labels)


def lines(*events: Event) -> list[Any]:
    with structlog.testing.capture_logs() as written:
        ExecutionLogger(EMPTY).committed(CommitBatch(events=list(events)), [], [])
    return written


def own_names() -> set[str]:
    """Returns the metrics by their outward names, without those of the process that the client library adds."""
    families = ExecutionLogger(EMPTY).registry.collect()
    names = {family.name + ("_total" if family.type == "counter" else "") for family in families}
    return {name for name in names if not name.startswith("process_")}


def test_names_are_those_of_the_contract() -> None:
    assert own_names() == NAMES


def test_the_page_on_running_lists_every_metric_and_no_other() -> None:
    page = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([a-z_]+)(?:\{[a-z_,]+\})?` \|", page, re.MULTILINE)) == NAMES


def test_the_alerts_use_no_other_metric() -> None:
    rules = (ROOT / "deploy" / "prometheus" / "rules.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"\bmarketflow_[a-z_]+", rules)) <= {name + end for name in NAMES for end in ("", "_bucket")}


def test_two_orders_are_counted() -> None:
    watched = ExecutionLogger(EMPTY)
    watched.committed(settled(Side.BUY, "mf-1"), [], [])
    assert (value(watched, "buy_orders_total"), value(watched, "open_positions")) == (1, 1)
    assert value(watched, "last_trade_profit") == 0
    watched.committed(settled(Side.SELL, "mf-2"), [], [])
    assert (value(watched, "buy_orders_total"), value(watched, "sell_orders_total")) == (1, 1)
    assert value(watched, "last_trade_profit") == pytest.approx(7.84)
    assert value(watched, "open_positions") == 0
    assert value(watched, "marketflow_orders_total", side="BUY", status="FILLED") == 1
    assert value(watched, "marketflow_orders_total", side="SELL", status="FILLED") == 1


def test_hearing_of_an_order_twice_counts_it_once() -> None:
    watched = ExecutionLogger(EMPTY)
    for _ in range(2):
        watched.committed(settled(Side.BUY, "mf-1"), [], [])
    assert value(watched, "buy_orders_total") == 1
    assert value(watched, "marketflow_orders_total", side="BUY", status="FILLED") == 1


def test_numbers_go_on_after_a_restart() -> None:
    order = replace(executed().order, state=OrderState.UNKNOWN)
    positions = [Position("WIFUSDC", Decimal(20), is_open=True), Position("BTCUSDC", Decimal("0.00001"))]
    watched = ExecutionLogger(
        LedgerState(
            trading_state=TradingState(Pause.ENTRIES),
            positions=positions,
            orders=[order],
            approvals=[approval()],
            waiting=[stored(7)],
            totals={"buy_orders": 12, "sell_orders": 11},
            last_profit_pct=Decimal("-1.5"),
        )
    )
    assert (value(watched, "buy_orders_total"), value(watched, "sell_orders_total")) == (12, 11)
    assert (value(watched, "last_trade_profit"), value(watched, "open_positions")) == (-1.5, 1)
    assert (value(watched, "marketflow_paused"), value(watched, "marketflow_approvals_pending")) == (1, 1)
    assert value(watched, "marketflow_orders_in_flight") == 1
    batch = settled(Side.BUY, order.client_order_id)
    batch.outcomes.append(MessageOutcome(7, "ordered", NOON))
    watched.committed(batch, [], [])
    assert (value(watched, "buy_orders_total"), value(watched, "marketflow_orders_in_flight")) == (13, 0)
    assert value(watched, "marketflow_signals_total", source="kafka", outcome="ordered") == 1


def test_signals_are_counted_by_source_and_outcome() -> None:
    watched = ExecutionLogger(EMPTY)
    trading_state = StoredMessage(3, Message("telegram", "u1", "", ControlsRequested(1, "me", Pause.ALL), NOON))
    letter = DeadLetter("kafka:trading_signals", "t/0/9", "not JSON", b"x", NOON)
    watched.committed(CommitBatch(), [stored(1), stored(2, "whoever:17"), trading_state, None], [letter])
    watched.committed(
        CommitBatch(
            outcomes=[MessageOutcome(1, "denied", NOON), MessageOutcome(2, "odd", NOON), MessageOutcome(3, "done", NOON)]
        ),
        [],
        [],
    )
    watched.committed(CommitBatch(outcomes=[MessageOutcome(1, "denied", NOON)]), [], [])
    counted = {
        tuple(sample.labels.values()): sample.value
        for family in watched.registry.collect()
        for sample in family.samples
        if sample.name == "marketflow_signals_total" and sample.value
    }
    assert counted == {("kafka", "denied"): 1, ("other", "other"): 1, ("kafka", "dead_letter"): 1}
    assert value(watched, "marketflow_duplicates_total") == 1


@pytest.mark.parametrize(("side", "filled", "bucket"), [(Side.BUY, "0.5005", "10.0"), (Side.SELL, "0.4975", "50.0")])
def test_a_fill_that_is_worse_than_the_price_of_the_decision_is_slippage(side: Side, filled: str, bucket: str) -> None:
    watched, order = ExecutionLogger(EMPTY), executed(side, price=filled).order
    for _ in range(2):
        watched.committed(CommitBatch(orders=[replace(order, price=Decimal("0.5"))]), [], [])
    assert value(watched, "marketflow_slippage_bps_count") == 1
    below = {"10.0": "5.0", "50.0": "20.0"}[bucket]
    assert [value(watched, "marketflow_slippage_bps_bucket", le=le) for le in (below, bucket)] == [0, 1]
    watched.committed(CommitBatch(orders=[replace(order, client_order_id="mf-2", executed_qty=Decimal(0))]), [], [])
    assert value(watched, "marketflow_slippage_bps_count") == 1  # nothing was filled, so nothing slipped


def test_the_quality_of_an_execution_is_counted_as_far_as_it_is_known() -> None:
    """Wanted 20 at 0.48, met at 0.4802, bought for 9.61: 10.4 bps worse, 4.2 of them delay; a spread of 12.5, a fee of 10."""
    watched, execution = ExecutionLogger(EMPTY), executed().execution
    known = {"signal_price": Decimal("0.48"), "arrival_price": Decimal("0.4802"), "asked_qty": Decimal(40)}
    measured = replace(execution, **known, quote_qty=Decimal("9.61"), fee_quote=Decimal("0.0096"))  # type: ignore[arg-type]
    for _ in range(2):
        watched.committed(CommitBatch(executions=[measured]), [], [])
    watched.committed(CommitBatch(executions=[replace(execution, execution_id="mf-2")]), [], [])
    for name, below, bucket in (
        *(("signal_slippage_bps", "10.0", "20.0"), ("delay_bps", "1.0", "5.0"), ("spread_bps", "10.0", "20.0")),
        *(("fee_bps", "5.0", "10.0"), ("fill_ratio", "0.25", "0.5")),
    ):
        assert value(watched, f"marketflow_{name}_count") == 1
        assert [value(watched, f"marketflow_{name}_bucket", le=le) for le in (below, bucket)] == [0, 1]


def test_protection_that_is_lost_or_refused_is_counted() -> None:
    watched = ExecutionLogger(EMPTY)
    assert value(watched, "marketflow_protection_failures_total") == 0
    lost = ProtectionFailed("WIFUSDC", Decimal(20), NOON, reason("protection_gone"), 1)
    watched.committed(CommitBatch(events=[lost, executed()]), [], [])
    assert value(watched, "marketflow_protection_failures_total") == 1


def test_without_a_stream_nothing_says_that_it_is_away() -> None:
    watched = ExecutionLogger(EMPTY)
    assert isnan(value(watched, "marketflow_user_stream_connected") or 0.0)
    watched.user_stream(connected=False)
    assert value(watched, "marketflow_user_stream_connected") == 0


def test_which_way_orders_go_is_shown_where_there_are_two() -> None:
    watched = ExecutionLogger(EMPTY)
    assert isnan(value(watched, "marketflow_order_connection_open") or 0.0)
    for is_open in (True, False):
        watched.order_connection(is_open=is_open)
        assert value(watched, "marketflow_order_connection_open") == is_open


def test_order_limits_are_shown_by_window() -> None:
    watched = ExecutionLogger(EMPTY)
    watched.order_limits({"10s": 0.25, "1d": 0.0})
    assert value(watched, "marketflow_order_limit_used", window="10s") == 0.25
    assert value(watched, "marketflow_order_limit_used", window="1d") == 0


def test_orders_are_counted_when_they_end() -> None:
    watched = ExecutionLogger(EMPTY)
    order = executed().order
    for state in (OrderState.SUBMITTED, OrderState.UNKNOWN):
        watched.committed(CommitBatch(orders=[replace(order, state=state)]), [], [])
        assert value(watched, "marketflow_orders_in_flight") == 1
        assert value(watched, "marketflow_orders_total", side="BUY", status=state) is None
    watched.committed(CommitBatch(orders=[replace(order, state=OrderState.REJECTED)]), [], [])
    assert value(watched, "marketflow_orders_in_flight") == 0
    assert value(watched, "marketflow_orders_total", side="BUY", status="REJECTED") == 1


def test_pause_and_approvals_follow_the_ledger() -> None:
    watched = ExecutionLogger(EMPTY)
    watched.committed(CommitBatch(trading_state=TradingState(Pause.ALL), approvals=[approval()]), [], [])
    assert (value(watched, "marketflow_paused"), value(watched, "marketflow_approvals_pending")) == (1, 1)
    watched.committed(CommitBatch(trading_state=TradingState(), approvals=[approval(state=ApprovalState.DECLINED)]), [], [])
    assert (value(watched, "marketflow_paused"), value(watched, "marketflow_approvals_pending")) == (0, 0)


def test_what_others_measure() -> None:
    watched = ExecutionLogger(EMPTY)
    watched.stage(Stage.ANSWERED, 0.004)
    watched.stage(Stage.FILLED, 3)
    watched.signal_to_order(0.02)
    watched.kafka(17, None)
    watched.alerts_pending(3)
    watched.clock_offset(-0.25)
    watched.exchange_error(-1021)
    assert value(watched, "marketflow_order_ack_seconds_bucket", le="0.005") == 1
    assert value(watched, "marketflow_signal_to_order_seconds_sum") == pytest.approx(0.02)
    assert value(watched, "marketflow_stage_seconds_sum", stage="answered") == pytest.approx(0.004)
    assert value(watched, "marketflow_stage_seconds_bucket", stage="filled", le="2.5") == 0
    assert value(watched, "marketflow_stage_seconds_count", stage="decided") == 0
    assert (value(watched, "marketflow_kafka_lag"), value(watched, "marketflow_alerts_pending")) == (17, 3)
    assert value(watched, "marketflow_clock_offset_seconds") == -0.25
    assert value(watched, "marketflow_exchange_errors_total", code="-1021") == 1


def test_error_codes_cannot_fill_the_memory() -> None:
    watched = ExecutionLogger(EMPTY)
    for code in range(1_000):
        watched.exchange_error(code)
    watched.exchange_error("<html>" * 100)
    samples = [
        sample
        for family in watched.registry.collect()
        for sample in family.samples
        if sample.name == "marketflow_exchange_errors_total"
    ]
    assert len(samples) <= 51
    assert sum(sample.value for sample in samples) == 1_001


def test_execution_is_written_with_its_ids() -> None:
    bought, sold = lines(executed(Side.BUY), executed(Side.SELL))
    assert bought["event"] == "BUY executed"
    assert (bought["order_id"], bought["price"], bought["symbol"]) == ("77", "0.4805", "WIFUSDC")
    assert (bought["signal_id"], bought["client_order_id"]) == ("s1", "mf-1")
    assert "profit_pct" not in bought
    assert (sold["event"], sold["profit_pct"]) == ("SELL executed", "+7.84")


def test_refusal_is_written_with_its_sentence() -> None:
    (line,) = lines(refused())
    assert line["event"] == "signal refused"
    assert line["reason"] == "order value 4.80 USDC is below the exchange's minimum of 5"
    assert (line["signal_id"], line["outcome"]) == ("s1", "denied")


def test_every_other_event_is_one_line() -> None:
    failed = replace(executed().order, state=OrderState.REJECTED, reason=reason("market_closed", symbol="WIFUSDC"), order_id=None)
    letter = DeadLetter("kafka:trading_signals", "t/0/9", "not JSON", b"x", NOON)
    events: list[tuple[Event, str, str]] = [
        (OrderFailed(failed), "warning", "the market for WIFUSDC is closed"),
        (OrderUnanswered(failed), "warning", "unanswered"),
        (ExitPending(failed.signal, reason("exchange_busy")), "warning", "trying on"),
        (ApprovalRequested(approval(), "WIF", "USDC"), "info", "0.4805"),
        (ApprovalClosed(approval(state=ApprovalState.DECLINED, by="Ann"), "WIF", "USDC"), "info", "Ann"),
        (ControlsChanged(TradingState(), TradingState(Pause.ALL, Mode.CONFIRM, "Ann", NOON)), "info", "confirm"),
        (Started("0.1.0", "paper", TradingState(), 0), "info", "0.1.0"),
        (DeadLettersFound(3, letter), "warning", "not JSON"),
        (StrangerSeen(6666, "Mallory"), "warning", "Mallory"),
        (RequestsRefused(NOON, (("wrong_secret", 7),)), "warning", "wrong_secret"),
        (PartTroubled("kafka", recovered=False, detail="no broker"), "warning", "no broker"),
        (PartTroubled("kafka", recovered=True, detail="reading"), "info", "reading"),
        (AnotherProgram("came", "process 7", "no_entries"), "warning", "no_entries"),
        (AnotherProgram("gone", "process 7", "entries"), "info", "gone"),
    ]
    written = lines(*(event for event, _, _ in events))
    assert [line["log_level"] for line in written] == [level for _, level, _ in events]
    assert [word for line, (_, _, word) in zip(written, events, strict=True) if word not in str(line)] == []


async def scrape(watched: ExecutionLogger, accept: str = "") -> str:
    async with serve_web(create_metrics_app(watched.registry), "127.0.0.1", 0) as port, httpx.AsyncClient() as client:
        return (await client.get(f"http://127.0.0.1:{port}/metrics", headers={"Accept": accept})).text


def busy() -> ExecutionLogger:
    watched = ExecutionLogger(EMPTY)
    watched.committed(settled(Side.BUY, "mf-1"), [stored(1)], [])
    watched.committed(CommitBatch(outcomes=[MessageOutcome(1, "ordered", NOON)]), [], [])
    watched.exchange_error(-1021)
    watched.stage(Stage.ANSWERED, 0.1)
    return watched


async def test_metrics_are_served_and_the_port_is_free_again() -> None:
    app = create_metrics_app(busy().registry)
    async with serve_web(app, "127.0.0.1", 0, "METRICS_PORT") as port:
        with pytest.raises(ConfigurationError, match="METRICS_PORT: cannot listen on port"):
            async with serve_web(app, "127.0.0.1", port, "METRICS_PORT"):
                pass
    async with serve_web(app, "127.0.0.1", port, "METRICS_PORT"):
        pass
    assert "buy_orders_total 1.0\n" in await scrape(busy())
    assert "# EOF" in await scrape(busy(), "application/openmetrics-text; version=1.0.0")


async def test_what_has_not_happened_yet_is_there_as_nought() -> None:
    text = await scrape(ExecutionLogger(EMPTY))
    assert 'marketflow_orders_total{side="SELL",status="REJECTED"} 0.0\n' in text
    assert 'marketflow_signals_total{outcome="dead_letter",source="kafka"} 0.0\n' in text


def test_a_question_that_nobody_answered_is_no_order_that_failed() -> None:
    watched = ExecutionLogger(EMPTY)
    ended = replace(executed().order, state=OrderState.EXPIRED, executed_qty=Decimal(0))
    for number, order in enumerate((replace(ended, order_id=None), ended)):
        watched.committed(CommitBatch(orders=[replace(order, client_order_id=f"mf-{number}")]), [], [])
    assert value(watched, "marketflow_orders_total", side="BUY", status="APPROVAL_EXPIRED") == 1
    assert value(watched, "marketflow_orders_total", side="BUY", status="EXPIRED") == 1


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool")
async def test_promtool_finds_nothing_to_complain_of() -> None:
    text = await scrape(busy())
    check = await asyncio.to_thread(
        subprocess.run, ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (check.returncode, check.stderr) == (0, "")


def test_an_order_that_rests_is_neither_in_flight_nor_failed_when_it_was_not_needed() -> None:
    watched = ExecutionLogger(LedgerState(orders=[stop("mf-1", OrderState.ACCEPTED)]))
    assert value(watched, "marketflow_resting_orders") == 1
    watched.committed(CommitBatch(orders=[stop("mf-2", OrderState.SUBMITTED)]), [], [])
    assert (value(watched, "marketflow_resting_orders"), value(watched, "marketflow_orders_in_flight")) == (1, 1)
    watched.committed(CommitBatch(orders=[stop("mf-2", OrderState.ACCEPTED)]), [], [])
    assert (value(watched, "marketflow_resting_orders"), value(watched, "marketflow_orders_in_flight")) == (2, 0)
    watched.committed(CommitBatch(orders=[stop("mf-1", OrderState.EXPIRED), stop("mf-2", OrderState.REJECTED)]), [], [])
    assert (value(watched, "marketflow_resting_orders"), value(watched, "marketflow_orders_in_flight")) == (0, 0)
    assert value(watched, "marketflow_orders_total", side="SELL", status="LEG_OVER") == 1
    assert value(watched, "marketflow_orders_total", side="SELL", status="EXPIRED") == 0
    assert value(watched, "marketflow_orders_total", side="SELL", status="REJECTED") == 1


def test_an_entry_that_was_missed_is_no_failed_order() -> None:
    watched = ExecutionLogger(EMPTY)
    limit = OrderTerms(OrderType.LIMIT, TimeInForce.GTC, Decimal("0.47"))
    entry = replace(stop("mf-1", OrderState.CANCELED), side=Side.BUY, leg=None, terms=limit, order_id="28")
    would_take = replace(entry, client_order_id="mf-2", state=OrderState.REJECTED, reason=reason("would_take", code=-2010))
    watched.committed(CommitBatch(orders=[entry, would_take]), [], [])
    assert value(watched, "marketflow_orders_total", side="BUY", status="MISSED") == 2
    assert value(watched, "marketflow_orders_total", side="BUY", status="REJECTED") == 0


def stop(name: str, state: OrderState) -> Order:
    terms = OrderTerms(OrderType.STOP_LOSS, stop_price=Decimal("0.456"))
    leg = PlanLeg("mf-entry", LegKind.STOP)
    return replace(executed(Side.SELL).order, client_order_id=name, state=state, terms=terms, leg=leg, executed_qty=Decimal(0))


def test_a_position_without_protection_has_its_seconds_until_it_is_closed() -> None:
    watched = ExecutionLogger(EMPTY)
    watched.unprotected({"WIFUSDC": 12.5, "SOLUSDC": 0.0})
    assert value(watched, "marketflow_unprotected_seconds", symbol="WIFUSDC") == 12.5
    assert value(watched, "marketflow_unprotected_seconds", symbol="SOLUSDC") == 0
    watched.unprotected({"SOLUSDC": 3.0})
    assert value(watched, "marketflow_unprotected_seconds", symbol="WIFUSDC") is None
    assert value(watched, "marketflow_unprotected_seconds", symbol="SOLUSDC") == 3
