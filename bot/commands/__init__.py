"""The one list of commands: the handlers, the menu and /help are built from it."""

from difflib import get_close_matches

from bot.commands import (
    accept,
    audit,
    balance,
    buy,
    calendar,
    cancel,
    chart,
    close,
    code,
    export,
    health,
    heartbeat,
    lang,
    mode,
    mute,
    notify,
    orders,
    panic,
    pause,
    performance,
    pnl,
    positions,
    protect,
    quality,
    quiet,
    report,
    reset,
    resume,
    risk,
    sell,
    set_limit,
    settings,
    signals,
    start,
    stats,
    status,
    strategies,
    theme,
    trades,
    users,
    whatif,
    why,
    zone,
)
from bot.commands.arguments.russian import COMMAND_NAMES
from bot.commands.base import Command
from bot.commands.help import help_on


def nearest(name: str, closeness: float = 0.6) -> list[str]:
    """Returns the commands that `name` most likely means, in English or Russian, the likeliest first, three at most. `closeness`
    goes from 0, anything, to 1, the exact name."""
    names = {**{each: each for each in BY_NAME}, **COMMAND_NAMES}
    if name.lower() in names:
        return [names[name.lower()]]
    near = get_close_matches(name.lower(), names, n=3, cutoff=closeness)
    return list(dict.fromkeys(names[each] for each in near))


GROUPS: dict[str, tuple[Command, ...]] = {
    "reading": (
        status.COMMAND,
        positions.COMMAND,
        pnl.COMMAND,
        *calendar.COMMANDS,
        performance.COMMAND,
        stats.COMMAND,
        quality.COMMAND,
        report.COMMAND,
        chart.COMMAND,
        trades.COMMAND,
        signals.COMMAND,
        why.COMMAND,
        whatif.COMMAND,
        orders.COMMAND,
        balance.COMMAND,
        risk.COMMAND,
        health.COMMAND,
        export.COMMAND,
    ),
    "acting": (
        buy.COMMAND,
        sell.COMMAND,
        close.COMMAND,
        protect.COMMAND,
        cancel.COMMAND,
        panic.COMMAND,
        pause.COMMAND,
        resume.COMMAND,
        mode.COMMAND,
        strategies.COMMAND,
        settings.COMMAND,
        set_limit.COMMAND,
        reset.COMMAND,
        accept.COMMAND,
    ),
    "telling": (
        notify.COMMAND,
        mute.COMMAND,
        quiet.COMMAND,
        heartbeat.COMMAND,
        lang.COMMAND,
        zone.COMMAND,
        theme.COMMAND,
    ),
    "people": (users.COMMAND, code.COMMAND, audit.COMMAND, start.COMMAND, help_on(lambda: GROUPS, nearest)),
}
"""Commands by purpose, in the order of /help."""

COMMANDS: tuple[Command, ...] = tuple(command for commands in GROUPS.values() for command in commands)

BY_NAME = {command.name: command for command in COMMANDS}
