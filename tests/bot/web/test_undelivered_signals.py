"""A signal that could not be stored: reported if its sender never retries, loudly for an exit; forgotten if it does."""

from dataclasses import replace
from decimal import Decimal

from bot.web.undelivered_signals import PATIENCE_SECONDS, UndeliveredSignals
from core.domain.events.priority import Priority
from core.domain.events.signals import SignalRefused
from core.domain.events.table import Event
from core.domain.messages import Message, SignalReceived, StoredMessage
from core.domain.position import Position
from core.records.commit_batch import CommitBatch
from tests.bot.parts import NOON, signal
from tests.core.virtual_time import VirtualClock


async def test_one_that_never_comes_again_is_told_and_one_that_does_is_not() -> None:
    clock, told = VirtualClock(), list[Event]()
    held = Position("WIFUSDC", qty=Decimal(3), is_open=True)
    back = UndeliveredSignals(told.append, clock, lambda book: held if book == held.book else Position.empty(book))
    buy, sell, again = signal("BUY_TV"), signal("SELL_TV"), signal("SELL_TV", signal_id="again")
    again = replace(again, symbol="SOLUSDC")
    for one in (buy, sell, again, again):
        back.note(one)
    await clock.forward(PATIENCE_SECONDS / 2)
    stored = replace(again, signal_id="another id of the same words")
    message = Message("webhook", stored.signal_id, stored.symbol, SignalReceived(stored), NOON)
    back.committed(CommitBatch(), [StoredMessage(1, message), None], ())
    await back.run()
    assert told == []
    await clock.forward(PATIENCE_SECONDS / 2)
    await back.run()
    await back.run()
    assert [(one.signal, one.outcome, one.priority) for one in told if isinstance(one, SignalRefused)] == [
        (buy, "turned_back", Priority.NORMAL),
        (sell, "turned_back", Priority.URGENT),
    ]
    assert all(isinstance(one, SignalRefused) and one.lost_exit is (one.signal is sell) for one in told)
    back.note(again)
    await clock.forward(PATIENCE_SECONDS)
    await back.run()
    assert isinstance(told[-1], SignalRefused)
    assert (told[-1].lost_exit, told[-1].position) == (False, Position("SOLUSDC")), "there is nothing that could be sold"


async def test_ten_thousand_are_told_and_not_kept() -> None:
    clock, told = VirtualClock(), list[Event]()
    back = UndeliveredSignals(told.append, clock, Position.empty)
    for number in range(10_000):
        back.note(replace(signal("SELL_TV"), symbol=f"S{number}USDC"))
    assert len(told) == 9_000
