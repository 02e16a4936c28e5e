"""The timer of entries that rest: one message for each, stored before anything is done, and tried again where it could not be."""

from core.domain.errors import LedgerUnavailable
from core.domain.messages import Message
from core.domain.order_messages import EntryDue
from core.domain.strategy_book import StrategyBook
from core.engine.entry_timer import EntryTimer
from tests.core.world import World

WIF = "WIFUSDC"


class Taken:
    """An inbox that keeps what it is given; `is_away` refuses it."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.is_away = False

    async def put(self, messages: object) -> None:
        if self.is_away:
            raise LedgerUnavailable("full")
        self.messages += messages  # type: ignore[arg-type]


def timer_of(world: World, taken: Taken) -> EntryTimer:
    return EntryTimer(world.portfolio, world.trading.execution.entries, taken.put, world.clock)


async def test_what_is_due_names_its_order_and_waits_for_its_symbol(world: World) -> None:
    await world.enter("0.47", expires_in=600)
    world._timer.cancel()
    taken = Taken()
    timer, order = timer_of(world, taken), next(iter(world.portfolio.entries_for(StrategyBook(WIF))), None)
    assert order is not None
    await timer.run()
    assert taken.messages == []
    await world.clock.forward(601)
    await timer.run()
    await timer.run()
    assert [message.mailbox for message in taken.messages] == [WIF]
    assert taken.messages[0].body == EntryDue(order.client_order_id)
    await world.clock.forward(5)  # it rests on: nothing came of it
    await timer.run()
    assert len({message.source_id for message in taken.messages}) == 2


async def test_what_could_not_be_stored_is_stored_at_the_next_look(world: World) -> None:
    await world.enter("0.47", expires_in=10)
    world._timer.cancel()
    taken = Taken()
    timer = timer_of(world, taken)
    await world.clock.forward(11)
    taken.is_away = True
    await timer.run()
    taken.is_away = False
    await timer.run()
    assert len(taken.messages) == 1
