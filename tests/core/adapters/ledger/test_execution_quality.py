"""The ledger's answers about the quality of execution equal what is computed from the values that were stored, on both
databases, and cost the same however long the history is."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from core.adapters.ledger.execution_quality import LedgerQuality
from core.adapters.ledger.sql_ledger import SqlLedger
from core.domain.execution_quality import Quality
from core.domain.instrument import Quote
from core.domain.messages import Message, SignalReceived, StoredMessage
from core.domain.order import Order
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import OrderTerms, OrderType, TimeInForce
from core.domain.plan_leg import LegKind, PlanLeg
from core.domain.position import Execution, Role
from core.domain.reasons import Reason, reason
from core.domain.signal import PLANNED, Side, Signal, naming
from core.policy.quality.summary import GROUPS
from core.policy.rule_measurements import DecisionRecord
from core.read_models import Selection
from core.records.commit_batch import CommitBatch
from core.records.message_outcome import MessageOutcome
from tests.core.adapters.ledger import values
from tests.core.adapters.ledger.values import NOW

TODAY = Selection(since=NOW.date())
PAUSED = reason("paused")


async def store(
    ledger: SqlLedger, number: int, kind: str, close: str, *, symbol: str = "WIFUSDC", strategy: str = "default", days: int = 0
) -> tuple[int, Signal]:
    at = NOW + timedelta(days=days, seconds=number)
    said = Signal("kafka:t", f"t/0/{number}", kind, symbol, Decimal(close), at, naming(strategy))
    (stored,) = await ledger.store(
        [Message(said.source, said.signal_id, symbol, SignalReceived(said), at + timedelta(seconds=1))]
    )
    assert isinstance(stored, StoredMessage)
    return stored.seq, said


def order_of(seq: int, said: Signal, *, got: str, quote: str) -> Order:
    """Returns an order that was decided 2 s after its signal, sent after 3 s, answered after 5 s and settled after 8 s."""

    def after(seconds: int) -> datetime:
        return said.ts + timedelta(seconds=seconds)

    number, state = int(said.signal_id[4:]), OrderState.FILLED if got == "20" else OrderState.EXPIRED
    base, name = values.order(seq, number, state), f"mf-{number:029}"
    base = replace(base, client_order_id=name, signal=said, side=said.side, executed_qty=Decimal(got), quote_qty=Decimal(quote))
    base = replace(base, order_id=str(number))
    base = replace(base, created_at=after(2), sent_at=after(3), answered_at=after(5), updated_at=after(8))
    return replace(base, arrival_price=said.close + Decimal("0.0002"))


def execution_of(order: Order, fee: str | None) -> Execution:
    return replace(
        values.execution(1),
        execution_id=order.client_order_id,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        executed_at=order.updated_at,
        side=order.side,
        qty=order.executed_qty,
        quote_qty=order.quote_qty,
        strategy=order.signal.strategy,
        role=Role.ENTRY if order.side is Side.BUY else Role.EXIT,
        signal_price=order.signal.close,
        arrival_price=order.arrival_price,
        asked_qty=order.qty,
        fee_quote=None if fee is None else Decimal(fee),
    )


async def trade(
    ledger: SqlLedger, number: int, kind: str, close: str, *, got: str, quote: str, fee: str | None = "0.01", **named: object
) -> Order:
    """Has a signal executed; what it did not get was cancelled."""
    seq, said = await store(ledger, number, kind, close, **named)  # type: ignore[arg-type]
    done = order_of(seq, said, got=got, quote=quote)
    outcome = MessageOutcome(seq, "ordered", said.ts)
    await ledger.commit(CommitBatch(outcomes=[outcome], orders=[done], executions=[execution_of(done, fee)]))
    return done


async def refuse(ledger: SqlLedger, number: int, kind: str, close: str, *, why: Reason, held: str = "0", **named: object) -> None:
    seq, said = await store(ledger, number, kind, close, **named)  # type: ignore[arg-type]
    facts = DecisionRecord(said.ts, "off", "auto", said.close, Decimal(held), None, ())
    await ledger.commit(CommitBatch(outcomes=[MessageOutcome(seq, "ignored", said.ts, why, facts)]))


async def lived(ledger: SqlLedger) -> None:
    await trade(ledger, 1, "BUY_SM", "0.40", got="20", quote="8.00", days=-3)
    await trade(ledger, 2, "BUY_SM", "0.48", got="12", quote="5.77")
    await trade(ledger, 3, "SELL_SM", "0.50", got="12", quote="5.98", fee=None)
    await trade(ledger, 4, "BUY_SM", "150", got="20", quote="3010", symbol="SOLUSDC", strategy="waves")
    await refuse(ledger, 5, "SELL_SM", "151", why=PAUSED, held="20", symbol="SOLUSDC", strategy="waves")
    await refuse(ledger, 6, "BUY_SM", "0.49", why=PAUSED)
    await refuse(ledger, 7, "BUY_SM", "0.49", why=reason("in_position", qty="1", base="WIF"), strategy="tides")
    await ledger.mark([Quote("SOLUSDC", Decimal(149), Decimal(150), NOW + timedelta(minutes=1))])


WHOLE = Quality(
    name="",
    quote_asset="USDC",
    orders=3,
    worth=Decimal("3011.76"),  # 12 at 0.48, 12 at 0.50, 20 at 150
    slippage=Decimal("10.03"),  # 5.77 - 5.76, 6 - 5.98, 3010 - 3000
    delay=Decimal(
        "0.004"
    ),  # the market is always met 0.0002 above the signal's price: 5.7624 - 5.76, 6 - 6.0024, 3000.004 - 3000
    execution=Decimal("10.026"),  # 5.77 - 5.7624, 6.0024 - 5.98, 3010 - 3000.004
    met=Decimal("3011.7688"),
    spread=Decimal("20.052"),
    fees=Decimal("0.02"),
    fees_unknown=1,
    missed=3,  # 8 WIF that were not filled, the exit of 20 SOL, and an entry of unknown size
    unpriced=1,
    missed_worth=Decimal("3023.84"),
    unfilled_worth=Decimal("3.84"),
    opportunity=Decimal("40.16"),  # 8 from 0.48 to 0.50; 20 from 151 to 149
)


async def test_a_day_is_added_up_to_the_last_digit(ledger: SqlLedger) -> None:
    await lived(ledger)
    report = await LedgerQuality(ledger.reader).report(TODAY, tuple(GROUPS))
    assert [replace(one, single=None) for one in report.whole] == [WHOLE]
    assert (report.newest, sorted(report.groups)) == (None, sorted(GROUPS))
    names = {by: [(one.name, one.orders, one.missed) for one in sums] for by, sums in report.groups.items()}
    assert names["symbol"] == [("SOLUSDC", 1, 1), ("WIFUSDC", 2, 2)]
    assert names["strategy"] == [("default", 2, 2), ("waves", 1, 1)]
    assert names["source"] == [("kafka", 3, 3)]
    assert [(one.stage, one.orders, one.longest.total_seconds()) for one in report.latencies] == [
        *(("received", 3, 1), ("decided", 3, 1), ("sent", 3, 1), ("answered", 3, 2), ("settled", 3, 3)),
    ]


async def test_a_selection_is_what_it_says(ledger: SqlLedger) -> None:
    await lived(ledger)
    quality = LedgerQuality(ledger.reader)

    async def counted(selection: Selection) -> list[tuple[int, int]]:
        return [(one.orders, one.missed) for one in (await quality.report(selection, ())).whole]

    assert await counted(Selection()) == [(4, 3)]
    assert await counted(replace(TODAY, symbol="SOLUSDC")) == [(1, 1)]
    assert await counted(replace(TODAY, strategy="waves")) == [(1, 1)]
    assert await counted(replace(TODAY, symbol="BTCUSDC")) == []


async def test_no_more_is_read_than_is_said(ledger: SqlLedger) -> None:
    """Leaves out the oldest, and says so; a signal of which some orders may be missing is not judged."""
    await lived(ledger)
    quality = LedgerQuality(ledger.reader)
    report = await quality.report(Selection(), (), most=2)
    assert (report.newest, [(one.orders, one.missed) for one in report.whole]) == (2, [(2, 1)])
    assert (await quality.report(TODAY, (), most=6)).newest is None  # the seventh is of another day
    assert (await quality.report(TODAY, (), most=5)).newest == 5


async def test_what_follows_an_entry_counts_with_it_and_what_its_plan_orders_has_no_latency(ledger: SqlLedger) -> None:
    first = await trade(ledger, 1, "BUY_SM", "0.48", got="12", quote="5.77")
    rest = replace(first, client_order_id="mf-rest", leg=PlanLeg(first.client_order_id, LegKind.ENTRY, 1, 1), qty=Decimal(8))
    rest = replace(rest, executed_qty=Decimal(8), quote_qty=Decimal("3.85"), state=OrderState.FILLED, order_id="90")
    stop = replace(
        rest, client_order_id="mf-stop", leg=PlanLeg(first.client_order_id, LegKind.STOP), side=Side.SELL, order_id="91"
    )
    orders, executions = [rest, stop], [execution_of(one, "0.01") for one in (rest, stop)]
    await ledger.commit(CommitBatch(orders=orders, executions=executions))
    report = await LedgerQuality(ledger.reader).report(TODAY, ("source",))
    assert [(one.name, one.orders, one.missed) for one in report.groups["source"]] == [("kafka", 2, 0), (PLANNED, 1, 0)]
    assert {one.orders for one in report.latencies} == {1}


async def test_an_entry_that_rested_waited_for_the_market_and_a_person_takes_time(ledger: SqlLedger) -> None:
    first = await trade(ledger, 1, "BUY_SM", "0.48", got="20", quote="9.6")
    terms = OrderTerms(OrderType.LIMIT, TimeInForce.GTC, Decimal("0.48"))
    await ledger.commit(CommitBatch(orders=[replace(first, terms=terms)]))
    assert (await LedgerQuality(ledger.reader).report(TODAY, ())).latencies == []
    await ledger.commit(CommitBatch(orders=[replace(first, approved_by="Ann", approved_at=NOW)]))
    stages = (await LedgerQuality(ledger.reader).report(TODAY, ())).latencies
    assert [one.stage for one in stages] == ["received", "answered", "settled"]
