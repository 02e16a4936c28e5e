"""A loopback stand-in for Binance Spot, as strict as its documentation: REST, WebSocket API, user data stream. No network.

In a test: `async with running_venue() as venue`; point the client at `venue.api_url` and `venue.ws_url`. In a process of its
own: `python -m tests.venue`, arranged by `POST /_venue/<command>` with JSON arguments; control.py has the commands. They are the
methods of `Venue` (market, orders, rules, money), of `venue.faults` (a request that fails) and of `venue.streams` (events that
are lost). A method that moves the market does everything that follows before it returns.
"""

from tests.venue.server import running_venue
from tests.venue.venue import Venue

__all__ = ["Venue", "running_venue"]
