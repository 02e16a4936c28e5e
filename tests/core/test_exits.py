"""What is held can be left: an exit is sent, whatever the position is worth now."""

from decimal import Decimal

from core.domain.order import Rejected
from core.domain.reasons import reason
from tests.core.conftest import OpenWorld
from tests.core.scripted_venue import refused
from tests.core.test_executor import became


async def test_what_has_lost_its_worth_is_still_held(open_world: OpenWorld) -> None:
    """Bought for 5.28 USDC, and the bid dips below what an order must be worth: the exchange goes by its average price."""
    world = await open_world(trade_qty=Decimal(11))
    await world.say("BUY_SM")
    world.venue.prices["WIFUSDC"] = Decimal("0.445")
    await world.clock.forward(10)
    assert became(await world.say("BUY_SM", close="0.445")) == ("ignored", "in_position")
    assert became(await world.say("SELL_SM", close="0.445")) == ("ordered", "")
    assert [order.qty for order in world.venue.placed] == [Decimal(11), Decimal("10.98")]
    assert not world.book.position("WIFUSDC").is_open


async def test_it_is_the_exchange_that_says_no(open_world: OpenWorld) -> None:
    world = await open_world(trade_qty=Decimal(11))
    await world.say("BUY_SM")
    world.venue.prices["WIFUSDC"] = Decimal("0.1")
    await world.clock.forward(10)
    world.venue.next(refused(Rejected(reason("filter_failure", filter="NOTIONAL"))))
    assert became(await world.say("SELL_SM", close="0.1")) == ("ordered", "")
    assert [order.symbol for order in world.book.open_positions()] == ["WIFUSDC"]
