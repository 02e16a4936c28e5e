"""A loopback stand-in for Binance Spot's REST API, as strict as its documentation. It needs no network."""

from tests.venue.server import running_venue
from tests.venue.venue import Venue

__all__ = ["Venue", "running_venue"]
