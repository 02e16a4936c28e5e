"""An edit that changes nothing is no trouble with Telegram."""

import pytest
from structlog.testing import capture_logs
from telegram.error import BadRequest
from telegram.ext import ExtBot

from bot.telegram.client import RetryingBot
from tests.bot.parts import FastClock


@pytest.mark.parametrize(("words", "warned"), [("Message is not modified: the same", False), ("Chat not found", True)])
async def test_a_message_that_reads_so_already_is_no_warning(words: str, warned: bool) -> None:
    sender = RetryingBot(ExtBot("123:abc"), FastClock())

    async def refused() -> None:
        raise BadRequest(words)

    with capture_logs() as lines, pytest.raises(BadRequest):
        await sender.do(refused)
    assert [line["log_level"] for line in lines] == ["warning" if warned else "debug"]
    assert bool(sender.problem) is warned
