"""Protections of the account from the mailbox to the ledger: what they count survives a restart, and a person starts it anew."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.domain.equity_mark import Protection
from core.domain.errors import ExchangeUnavailable
from core.domain.events.control import ProtectionReset
from core.domain.instrument import Balance
from core.domain.messages import ResetRequested
from core.domain.order_state_machine import OrderState
from core.domain.plan_leg import LegKind
from core.domain.strategy_book import StrategyBook
from core.domain.trade_size import SizeKind, TradeSize
from core.policy.drawdown import drawdown_pct
from core.records.message_outcome import MessageOutcome
from tests.core.conftest import OpenWorld, Restart
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import lost
from tests.core.world import World


def code(outcome: MessageOutcome | None) -> str:
    assert outcome is not None
    return outcome.reason.code if outcome.reason is not None else outcome.outcome


async def stopped_out(world: World, symbol: str = "WIFUSDC") -> None:
    """Buys, and lets the stop sell."""
    await world.say("BUY_SM", symbol=symbol, close=str(world.venue.prices[symbol]))
    stop = next(
        order
        for order in world.portfolio.resting.values()
        if order.leg is not None and order.leg.kind is LegKind.STOP and order.symbol == symbol
    )
    world.venue.fill(stop.client_order_id, stop.price)
    await world.clock.forward(3)
    assert not world.portfolio.position(StrategyBook(symbol)).is_open


async def lose(world: World, symbol: str = "WIFUSDC", to: str = "0.47") -> None:
    """Buys and sells lower."""
    before = world.venue.prices[symbol]
    assert code(await world.say("BUY_SM", symbol=symbol, close=str(before))) == "ordered"
    world.venue.prices[symbol] = Decimal(to)
    await world.clock.forward(5)
    assert code(await world.say("SELL_SM", symbol=symbol, close=to)) == "ordered"
    world.venue.prices[symbol] = before
    await world.clock.forward(5)


async def reset(world: World, what: Protection) -> MessageOutcome:
    outcome = await world.clock.run(world.inbox.ask(world.message(ResetRequested(what, 7, "Ann"), "")))
    assert outcome is not None
    return outcome


async def measured(world: World) -> Decimal:
    await world.clock.run(world.trading.equity.run())
    assert world.portfolio.equity_mark is not None
    return drawdown_pct(world.portfolio.equity_mark)


async def test_after_a_stop_its_symbol_waits_across_a_restart_and_others_do_not(
    open_world: OpenWorld, restart: Restart, ledger: MemoryLedger
) -> None:
    world = await open_world(stop_loss_pct=Decimal(5), cooldown_after_stop=timedelta(minutes=10))
    await stopped_out(world)
    assert code(await world.say("BUY_SM")) == "cooldown"
    again = await restart(world, ledger)
    assert code(await again.say("BUY_SM")) == "cooldown"
    assert code(await again.say("BUY_SM", symbol="SOLUSDC", close="1.5")) == "ordered"
    await again.clock.forward(600)
    assert code(await again.say("BUY_SM")) == "ordered"


async def test_a_sale_that_is_no_stop_begins_no_cooldown(open_world: OpenWorld) -> None:
    world = await open_world(cooldown_after_stop=timedelta(minutes=10))
    await lose(world)
    assert code(await world.say("BUY_SM")) == "ordered"


async def test_losses_in_a_row_stop_entries_until_somebody_starts_anew(
    open_world: OpenWorld, restart: Restart, ledger: MemoryLedger
) -> None:
    world = await open_world(max_losing_exits=2)
    await lose(world)
    await lose(world, "SOLUSDC", "1.49")
    assert code(await world.say("BUY_SM")) == "losing_exits"
    again = await restart(world, ledger)
    assert code(await again.say("BUY_SM")) == "losing_exits"
    assert (await reset(again, Protection.LOSSES)).outcome == "done"
    (told,) = [event for event in ledger.events if isinstance(event, ProtectionReset)]
    assert (told.what, told.before, told.who) == (Protection.LOSSES, Decimal(2), "Ann")
    await lose(again)
    once_more = await restart(again, ledger)
    assert once_more.portfolio.record.losing_exits == {"default": 1}
    assert code(await once_more.say("BUY_SM")) == "ordered"


async def test_a_gain_ends_the_row(open_world: OpenWorld) -> None:
    world = await open_world(max_losing_exits=2)
    await lose(world)
    await lose(world, to="0.49")
    await lose(world)
    assert world.portfolio.record.losing_exits == {"default": 1}


async def test_a_position_that_is_sold_in_parts_is_one_exit(open_world: OpenWorld, ledger: MemoryLedger) -> None:
    world = await open_world(max_losing_exits=2, trade_qty=Decimal(100))
    await world.say("BUY_SM")
    world.venue.prices["WIFUSDC"] = Decimal("0.47")
    await world.clock.forward(5)
    half = replace(world.signal("SELL_SM", close="0.47"), size=TradeSize(SizeKind.POSITION, Decimal(50)))
    await world.clock.run(world.inbox.ask(world.said(half)))
    assert world.portfolio.record.losing_exits == {}
    await world.say("SELL_SM", close="0.47")
    assert (len(ledger.executions), world.portfolio.record.losing_exits) == (3, {"default": 1})


async def test_the_peak_survives_a_restart_and_a_withdrawal_is_no_fall(
    open_world: OpenWorld, restart: Restart, ledger: MemoryLedger
) -> None:
    world = await open_world(max_drawdown_pct=Decimal(5), trade_qty=Decimal(200))
    world.venue.more["USDC"] = Decimal(100)
    assert await measured(world) == 0
    await lose(world, to="0.46")  # 4 of 100, and the fees
    fallen = await measured(world)
    assert 4 < fallen < 5
    world.venue.more["USDC"] -= 50
    assert abs(await measured(world) - fallen) < Decimal("1e-9")
    again = await restart(world, ledger)
    assert again.portfolio.equity_mark == world.portfolio.equity_mark
    again.venue.more["USDC"] += 1000
    assert abs(await measured(again) - fallen) < Decimal("1e-9")


async def test_a_fall_stops_entries_by_what_is_held_and_a_person_starts_anew(open_world: OpenWorld, ledger: MemoryLedger) -> None:
    world = await open_world(max_drawdown_pct=Decimal(5), trade_qty=Decimal(100))
    world.venue.more["USDC"] = Decimal(100)
    await measured(world)
    assert code(await world.say("BUY_SM")) == "ordered"
    world.venue.prices["WIFUSDC"] = Decimal("0.40")
    await world.clock.forward(5)
    assert code(await world.say("BUY_SM", symbol="SOLUSDC", close="1.5")) == "drawdown"  # nothing is sold: it is not realised
    assert world.portfolio.results_of(world.clock.now().date().isoformat()) == {}
    await measured(world)
    assert (await reset(world, Protection.DRAWDOWN)).outcome == "done"
    (told,) = [event for event in ledger.events if isinstance(event, ProtectionReset)]
    assert told.before > 5
    assert await measured(world) == 0
    assert code(await world.say("BUY_SM", symbol="SOLUSDC", close="1.5", name="later")) != "drawdown"


async def test_the_drawdown_cannot_start_anew_from_an_unknown_equity(world: World) -> None:
    async def away() -> dict[str, Balance]:
        raise ExchangeUnavailable("no answer")

    world.trading.equity._funds.balances = away
    outcome = await reset(world, Protection.DRAWDOWN)
    assert (outcome.outcome, code(outcome)) == ("denied", "balances_unknown")
    assert world.portfolio.equity_mark is None


async def test_while_an_order_is_under_way_the_equity_is_not_measured(open_world: OpenWorld) -> None:
    world = await open_world()
    world.venue.more["USDC"] = Decimal(100)
    world.venue.next(lost(executed=True, visible_after=20))
    signal = world.signal("BUY_SM")
    asked = world.inbox.ask(world.said(signal))
    waiting = asyncio.ensure_future(asked)
    await world.clock.forward(2)
    assert [order.state for order in world.portfolio.in_flight.values()] == [OrderState.UNKNOWN]
    await world.clock.run(world.trading.equity.run())
    assert world.portfolio.equity_mark is None
    await world.clock.run(waiting)
    assert await measured(world) == 0


async def test_positions_and_entries_under_way_share_what_the_equity_allows(open_world: OpenWorld) -> None:
    world = await open_world(max_exposure_pct=Decimal(50), trade_quote=Decimal(30))
    world.venue.more["USDC"] = Decimal(100)
    assert code(await world.say("BUY_SM")) == "ordered"
    assert code(await world.say("BUY_SM", symbol="SOLUSDC", close="1.5")) == "exposure"
    await world.say("SELL_SM")
    assert code(await world.say("BUY_SM", symbol="SOLUSDC", close="1.5")) == "ordered"


@pytest.mark.parametrize("what", list(Protection))
async def test_a_reset_that_the_ledger_does_not_take_is_tried_again(world: World, ledger: MemoryLedger, what: Protection) -> None:
    world.venue.more["USDC"] = Decimal(100)
    ledger.fail(1, lambda batch: batch.loss_reset is not None or batch.equity_mark is not None)
    assert (await reset(world, what)).outcome == "done"
    assert (ledger.loss_reset is not None) is (what is Protection.LOSSES)
    assert (ledger.equity_mark is not None) is (what is Protection.DRAWDOWN)
    assert len(ledger.refused) == 1


async def test_a_stop_that_has_filled_unheard_is_not_taken_for_a_payment(open_world: OpenWorld) -> None:
    world = await open_world(stop_loss_pct=Decimal(5), max_drawdown_pct=Decimal(20))
    world.venue.more["USDC"] = Decimal(1000)
    await world.say("BUY_SM")
    await measured(world)
    before = world.portfolio.equity_mark
    assert before is not None
    world._timer.cancel()
    (stop,) = world.portfolio.resting.values()
    world.venue.fill(stop.client_order_id, stop.price)
    await measured(world)
    assert world.portfolio.equity_mark == before
    await world.clock.run(world.trading.hearing.connected())
    await world.clock.forward(3)
    await measured(world)
    assert world.portfolio.equity_mark != before
    assert world.portfolio.equity_mark.external == before.external


@pytest.mark.parametrize("part", [None, Decimal(5)])
async def test_an_entry_that_has_filled_unheard_is_not_taken_for_a_payment(open_world: OpenWorld, part: Decimal | None) -> None:
    world = await open_world(max_drawdown_pct=Decimal(20))
    world.venue.more["USDC"] = Decimal(1000)
    await world.enter("0.47", expires_in=3600)
    await measured(world)
    before = world.portfolio.equity_mark
    assert before is not None
    assert before.external["USDC"] == 1000
    world._timer.cancel()
    (entry,) = world.portfolio.resting.values()
    world.venue.fill(entry.client_order_id, Decimal("0.47"), part)
    await world.clock.run(world.trading.equity.run())
    assert world.portfolio.equity_mark == before
    await world.clock.run(world.trading.hearing.connected())
    await world.clock.forward(3)
    await measured(world)
    assert world.portfolio.equity_mark != before
    assert world.portfolio.equity_mark.external == before.external


async def test_an_order_that_is_sent_while_the_balances_are_read_leaves_them_unmeasured(open_world: OpenWorld) -> None:
    world = await open_world(max_drawdown_pct=Decimal(20))
    world.venue.more["USDC"] = Decimal(1000)
    balances = world.trading.equity._funds.balances

    async def sent_meanwhile() -> Mapping[str, Balance]:
        if not waiting:
            world.venue.next(lost(executed=True, visible_after=2))
            waiting.append(asyncio.ensure_future(world.inbox.ask(world.said(world.signal("BUY_SM")))))
            while not world.portfolio.in_flight:
                await world.clock.sleep(0.1)
        return await balances()

    waiting: list[asyncio.Future[Any]] = []
    world.trading.equity._funds.balances = sent_meanwhile
    await world.clock.run(world.trading.equity.run())
    assert world.portfolio.equity_mark is None
    world.trading.equity._funds.balances = balances
    await world.clock.run(waiting[0])
    await measured(world)
    assert world.portfolio.equity_mark is not None
    assert world.portfolio.equity_mark.external["USDC"] == 1000
