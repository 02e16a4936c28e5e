"""The one list of commands: handlers, the menu and /help are made of it."""

from difflib import get_close_matches

from bot.command import Command
from bot.commands import (
    accept,
    balance,
    buy,
    cancel,
    close,
    lang,
    mode,
    mute,
    notify,
    panic,
    pause,
    pnl,
    positions,
    quiet,
    resume,
    sell,
    set_limit,
    signals,
    start,
    status,
    trades,
    users,
    zone,
)
from bot.commands.help import help_on

COMMANDS: tuple[Command, ...] = (
    status.COMMAND,
    positions.COMMAND,
    pnl.COMMAND,
    trades.COMMAND,
    signals.COMMAND,
    balance.COMMAND,
    buy.COMMAND,
    sell.COMMAND,
    close.COMMAND,
    cancel.COMMAND,
    panic.COMMAND,
    pause.COMMAND,
    resume.COMMAND,
    mode.COMMAND,
    set_limit.COMMAND,
    accept.COMMAND,
    notify.COMMAND,
    mute.COMMAND,
    quiet.COMMAND,
    lang.COMMAND,
    zone.COMMAND,
    users.COMMAND,
    start.COMMAND,
    help_on(lambda: COMMANDS),
)

BY_NAME = {command.name: command for command in COMMANDS}


def nearest(name: str) -> str | None:
    """The command that somebody who typed `name` most likely meant."""
    return next(iter(get_close_matches(name.lower(), BY_NAME, n=1, cutoff=0.5)), None)
