"""An execution keeps the price that it was wanted at, the market that it met, what it asked for and its fee; nothing where that
is not known."""

from datetime import timedelta
from decimal import Decimal

import pytest

from core.domain.exit_plan import Level, Target
from core.domain.limit_entry import OnTimeout
from core.domain.order import NotTaken
from core.domain.position import Execution, Role
from core.domain.reasons import reason
from core.domain.strategy_book import StrategyBook
from core.domain.trading_state import Mode, TradingState
from tests.core.conftest import OpenWorld, Restart
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import lost, part_filled, refused
from tests.core.world import World

WIF = "WIFUSDC"


@pytest.fixture
async def wide(world: World) -> World:
    """Returns a process in a market of 0.4796 to 0.4800."""
    world.venue.spread = Decimal("0.0004")
    return world


def measures(one: Execution) -> tuple[Decimal | None, ...]:
    return one.signal_price, one.arrival_price, one.asked_qty, one.fee_quote


async def test_an_entry_and_its_exit(wide: World, ledger: MemoryLedger) -> None:
    """The entry's fee of 0.015 WIF is worth 0.0072 at its fills; the exit asks for what is left after it."""
    wide.venue.next(part_filled("0.75"))
    await wide.say("BUY_SM", close="0.479")
    await wide.say("SELL_SM", close="0.481")
    bought, sold = ledger.executions.values()
    assert measures(bought) == (Decimal("0.479"), Decimal("0.4798"), Decimal(20), Decimal("0.0072"))
    assert measures(sold) == (Decimal("0.481"), Decimal("0.4798"), Decimal("14.98"), sold.fee)


async def test_a_fee_without_a_price_is_not_known(wide: World, ledger: MemoryLedger) -> None:
    wide.venue.fee_asset = "XYZ"
    await wide.say("BUY_SM")
    (bought,) = ledger.executions.values()
    assert (bought.fee_quote, bought.fee_asset) == (None, "XYZ")


async def test_when_a_request_left_and_was_answered(wide: World, ledger: MemoryLedger) -> None:
    wide.venue.next(lost(executed=True, visible_after=2))
    await wide.say("BUY_SM")
    (order,) = ledger.orders.values()
    assert order.sent_at is not None
    assert order.created_at <= order.sent_at == order.answered_at  # nobody waited for an answer
    assert (order.updated_at - order.sent_at).total_seconds() >= 2  # it was asked for


async def test_who_approves_later_meets_a_later_market(open_world: OpenWorld, ledger: MemoryLedger) -> None:
    world = await open_world(trading_state=TradingState(mode=Mode.CONFIRM))
    world.venue.spread = Decimal("0.0004")
    await world.say("BUY_SM")
    world.venue.prices[WIF] = Decimal("0.4820")
    await world.clock.forward(5)
    await world.tap(world.question().token)
    (bought,) = ledger.executions.values()
    assert measures(bought)[:2] == (Decimal("0.48"), Decimal("0.4818"))


async def test_who_is_sent_again_meets_a_later_market(wide: World, ledger: MemoryLedger) -> None:
    wide.venue.next(refused(NotTaken(reason("banned", seconds=5), retry_after=5)))
    asked = wide.clock.run(wide.inbox.ask(wide.said(wide.signal("BUY_SM"))))
    wide.venue.prices[WIF] = Decimal("0.4820")
    await asked
    (bought,) = ledger.executions.values()
    (order,) = ledger.orders.values()
    assert measures(bought)[:2] == (Decimal("0.48"), Decimal("0.4818"))
    assert order.sent_at is not None
    assert order.sent_at - order.created_at >= timedelta(seconds=5)


async def test_what_follows_an_entry_meets_the_market_of_its_own_time(wide: World, ledger: MemoryLedger) -> None:
    await wide.enter("0.47", expires_in=30, on_timeout=OnTimeout.MARKET)
    wide.venue.prices[WIF] = Decimal("0.4820")
    await wide.clock.forward(45)
    (bought,) = ledger.executions.values()
    first, following = ledger.orders.values()
    assert measures(bought)[:2] == (Decimal("0.48"), Decimal("0.4818"))
    assert (first.arrival_price, following.arrival_price) == (Decimal("0.4798"), Decimal("0.4818"))
    assert following.sent_at is not None
    assert following.sent_at >= following.created_at > first.created_at


async def test_a_stop_is_measured_against_its_own_price(open_world: OpenWorld, ledger: MemoryLedger) -> None:
    world = await open_world(stop_loss_pct=Decimal(5), take_profit_pct=(Target(Level(pct=Decimal(10))),))
    await world.say("BUY_SM")
    await world.clock.forward(5)
    world.venue.trade(WIF, "0.45")
    await world.clock.forward(5)
    stopped = next(one for one in ledger.executions.values() if one.role is Role.STOP)
    assert measures(stopped)[:2] == (Decimal("0.456"), None)


async def test_a_process_that_ends_forgets_nothing(wide: World, ledger: MemoryLedger, restart: Restart) -> None:
    await wide.enter("0.47")
    await wide.crash()
    again = await restart(wide, ledger)
    again.venue.trade(WIF, "0.469")
    await again.clock.forward(10)
    (bought,) = ledger.executions.values()
    assert measures(bought)[:2] == (Decimal("0.48"), Decimal("0.4798"))
    assert again.portfolio.position(StrategyBook(WIF)).is_open
