"""A recording has everything of its span, what was open when that began, and no more; on both databases."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from core.adapters.ledger.recording_reader import RecordingReader
from core.adapters.ledger.sql_ledger import SqlLedger
from core.domain.messages import ControlsRequested, Message, StoredMessage
from core.domain.order_state_machine import OrderState
from core.domain.position import Position, Trade
from core.domain.trading_state import Pause
from core.records.commit_batch import CommitBatch
from core.records.message_outcome import MessageOutcome
from tests.core.adapters.ledger.values import NOW, execution, fill, message, order, position

HOUR = timedelta(hours=1)
PAUSED = Message("telegram", "update:1", "", ControlsRequested(7, "Ann", Pause.ENTRIES), NOW - 30 * 24 * HOUR)


async def recorded(ledger: SqlLedger) -> None:
    """Records a pause, an entry that was bought ten days ago and is held, and ten signals, an hour apart."""
    messages = [
        PAUSED,
        replace(message(1), received_at=NOW - 240 * HOUR),
        *(replace(message(number), received_at=NOW + number * HOUR) for number in range(2, 12)),
    ]
    stored = [one for one in await ledger.store(messages) if isinstance(one, StoredMessage)]
    outcomes = [MessageOutcome(one.seq, "done", NOW) for one in stored]
    held = replace(position("19.98"), opened_at=NOW - 240 * HOUR)
    entry = replace(order(stored[1].seq, 1, OrderState.FILLED), order_id="28", executed_qty=Decimal(20))
    done = replace(execution(1), executed_at=NOW - 240 * HOUR)
    bought = replace(fill(), at=NOW - 240 * HOUR)
    batch = CommitBatch(
        outcomes=outcomes, orders=[entry], fills=[(entry.client_order_id, bought)], executions=[done], positions=[held]
    )
    await ledger.commit(batch)


async def test_a_recording_of_all_has_all(ledger: SqlLedger) -> None:
    await recorded(ledger)
    found = await RecordingReader(ledger.reader).read(NOW + 100 * HOUR)
    assert [one.message.source_id for one in found.messages] == ["update:1", *(f"t/0/{number}" for number in range(1, 12))]
    assert found.earlier == ()
    assert [one.outcome for one in found.messages] == ["done"] * 12
    (one,) = found.orders.values()
    assert [each.trade_id for each in one.fills] == ["28"]
    assert found.positions[0].qty == Decimal("19.98")


async def test_a_span_begins_with_what_was_open_and_how_it_was_set(ledger: SqlLedger) -> None:
    await recorded(ledger)
    found = await RecordingReader(ledger.reader).read(NOW + 100 * HOUR, NOW + 5 * HOUR)
    assert [one.message.source_id for one in found.messages] == [f"t/0/{number}" for number in range(5, 12)]
    assert [one.message for one in found.earlier] == [PAUSED]
    assert [one.executed_at for one in found.executions] == [NOW - 240 * HOUR]
    assert len(found.orders) == 1


async def test_what_was_closed_long_before_is_left_out(ledger: SqlLedger) -> None:
    await recorded(ledger)
    one, ten, twenty = Decimal(1), Decimal(10), Decimal(20)
    opened, ended = NOW - 240 * HOUR, NOW - 230 * HOUR
    closed = Trade("t", "WIFUSDC", opened, ended, twenty, ten, ten + 1, one, ten, one, "USDC", "paper")
    await ledger.commit(CommitBatch(positions=[Position("WIFUSDC")], trades=[closed]))
    found = await RecordingReader(ledger.reader).read(NOW + 100 * HOUR, NOW + 5 * HOUR)
    assert found.executions == ()
    assert found.orders == {}
    assert found.trades == (closed,)


async def test_of_too_many_signals_the_newest_are_read_and_the_span_says_so(ledger: SqlLedger) -> None:
    await recorded(ledger)
    found = await RecordingReader(ledger.reader).read(NOW + 100 * HOUR, None, 3)
    assert [one.message.source_id for one in found.messages] == ["t/0/9", "t/0/10", "t/0/11"]
    assert found.since == NOW + 9 * HOUR
    enough = await RecordingReader(ledger.reader).read(NOW + 100 * HOUR, None, 11)
    assert enough.since is None
