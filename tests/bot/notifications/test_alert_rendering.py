"""Alerts as one reader sees them."""

from bot.access.roles import Roles
from bot.notifications.alert_rendering import batched
from bot.subscriptions.recipients import Recipients
from core.domain.events.control import ControlsChanged
from core.domain.outbox_item import OutboxItem
from core.domain.trading_state import Pause, TradingState
from core.state.portfolio import Portfolio
from tests.bot.parts import NOON, OWNER, refused
from tests.core.world import LIMITS


def test_several_events_in_one_message_renew_the_keyboard_by_the_last_of_them() -> None:
    portfolio = Portfolio(TradingState(), LIMITS, people={})
    reader = Recipients(OWNER, None, "en", "UTC", Roles(portfolio), portfolio).main()
    running, paused = TradingState(), TradingState(pause=Pause.ALL)
    pause = OutboxItem(1, NOON, ControlsChanged(running, paused, by=7))
    resume = OutboxItem(2, NOON, ControlsChanged(paused, running, by=7))
    other = OutboxItem(3, NOON, refused())
    assert batched(reader, [other, pause]).keys[-1][-1] == "▶️ Resume"
    assert batched(reader, [pause, resume, other]).keys[-1][-1] == "⏸ Pause"
    assert batched(reader, [other, other]).keys == ()
