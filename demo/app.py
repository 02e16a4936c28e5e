"""The demo: the same program with its own broker, market, exchange and chat. No account, no server, no network.

The broker, the chat and the strategy live in this process, the program in another, which may be killed and restarted.
"""

from bot.clock import SystemClock
from demo.child import running_child


async def run_demo(*, port: int, open_browser: bool, ledger: str | None) -> None:
    """Runs until Ctrl-C. `port` 0 takes the usual one, or any that is free; `ledger` is a SQLite file to keep."""
    clock = SystemClock()
    async with running_child(clock) as child:
        from demo.stage import play  # loaded while the program loads too

        await play(child, clock, port=port, open_browser=open_browser, ledger=ledger)
