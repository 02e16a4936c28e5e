"""`python -m demo.program`: the program itself, as the demo runs it in its own process, so that it can be killed.

Standard input brings a line of JSON, {"settings": {...}, "away": seconds}, and later "away SECONDS" for an exchange that does not
answer; end of input ends the demo. It prints READY on standard output once it trades.
"""

import contextlib
import json
import os
import signal
import sys
import threading

from bot.app.foundation import Embedded
from bot.app.running import run
from bot.clock import SystemClock
from bot.event_loop import run_in_loop
from bot.settings.redaction import hide, shown
from bot.settings.settings import load_settings
from core.domain.errors import MarketFlowError
from demo.market import SimulatedMarket

READY = "ready"
AWAY = "away"
FAILED = 1
_FETCH_MS = 20  # the in-memory broker sleeps this long when there is nothing to fetch


def main() -> int:
    """Runs until asked to end; returns the exit code."""
    begin = sys.stdin.readline()
    if not begin:
        return 0  # the demo ended before it began
    asked = json.loads(begin)
    market = SimulatedMarket(SystemClock())
    market.away_for(float(asked[AWAY]))
    threading.Thread(target=_listen, args=(market,), name="orders of the demo", daemon=True).start()
    try:
        settings = load_settings(asked["settings"], env_file=None)
        hide(settings.secret_values())
        run_in_loop(run(settings, Embedded(market, _FETCH_MS), on_ready=_say_ready))
    except MarketFlowError as error:
        print(f"marketflow: {shown(str(error))}", file=sys.stderr)
        return FAILED
    return 0


def _say_ready() -> None:
    with contextlib.suppress(BrokenPipeError):
        print(READY, flush=True)


def _listen(market: SimulatedMarket) -> None:
    """Follows the demo's commands until it is gone."""
    for line in sys.stdin:
        word, _, seconds = line.partition(" ")
        if word == AWAY:
            market.away_for(float(seconds))
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
