"""A lost exit: its alert states the position, and has a button to sell only if there is something to sell."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.texts import texts
from bot.views.chat_message import plain_text
from bot.views.event_batch import render_digest
from bot.views.events import render
from core.domain.events.priority import Priority
from core.domain.events.signals import SignalRefused
from core.domain.outbox_item import OutboxItem
from core.domain.position import Position
from core.domain.reasons import reason
from core.domain.signal import Side
from tests.bot.parts import NOON, signal

EN = texts("en")
HELD = Position("SOLUSDC", qty=Decimal("12.5"), is_open=True, opened_at=NOON)
DUST = Position("SOLUSDC", qty=Decimal("0.001"))


def exit_refused(code: str, position: Position | None, symbol: str = "SOLUSDC", side: Side = Side.SELL) -> SignalRefused:
    held = position is not None and position.is_open
    said = replace(signal(f"{side}_SM"), symbol=symbol)
    return SignalRefused(said, "ignored", reason(code), 7, held=held, priority=Priority.PAUSED, position=position)


@pytest.mark.parametrize("code", ["conflict", "turned_back", "paused", "expired", "price_sanity"])
def test_it_says_what_is_held_and_since_when_and_offers_to_sell_it(code: str) -> None:
    message = render(exit_refused(code, HELD), EN)
    assert "Position: 12.5 SOL (SOLUSDC), opened 24 Nov 2026 12:00 UTC" in plain_text(message.text)
    assert message.keyboard[0][0].data == "/close SOLUSDC"


@pytest.mark.parametrize("code", ["conflict", "turned_back", "paused", "expired", "price_sanity"])
@pytest.mark.parametrize("position", [DUST, Position("SOLUSDC"), None])
def test_where_nothing_is_held_it_offers_nothing(code: str, position: Position | None) -> None:
    message = render(exit_refused(code, position), EN)
    assert not any(button.data.startswith("/close") for row in message.keyboard for button in row)
    assert "Held" not in message.text
    unseen = code in {"conflict", "turned_back"} and position is not None
    assert ("No SOL position" in message.text) is unseen


def test_an_entry_offers_nothing_either() -> None:
    message = render(exit_refused("conflict", HELD, side=Side.BUY), EN)
    assert "SOL" not in "".join(button.data for row in message.keyboard for button in row)


def test_exits_that_a_pause_held_up_are_one_message_with_a_button_for_each_position() -> None:
    wif = replace(HELD, symbol="WIFUSDC", qty=Decimal(3))
    refused = [exit_refused("paused", HELD), exit_refused("paused", wif, "WIFUSDC"), exit_refused("paused", HELD)]
    entry = exit_refused("paused", HELD, side=Side.BUY)
    message = render_digest([OutboxItem(seq, NOON, event) for seq, event in enumerate([*refused, entry])], EN)
    assert [button.data for row in message.keyboard for button in row] == ["/close SOLUSDC", "/close WIFUSDC"]
    assert "Position: 12.5 SOL (SOLUSDC)" in message.text
    assert "Position: 3 WIF (WIFUSDC)" in message.text
