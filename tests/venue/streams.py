"""The user data stream as a test holds it: its subscribers, and how it fails on demand. Nothing is ever sent again."""

from collections.abc import Callable
from typing import Protocol

from tests.venue import reports
from tests.venue.reports import Event
from tests.venue.state import Listener


class Subscriber(Protocol):
    """A connection of the WebSocket API."""

    @property
    def accounts(self) -> dict[int, str]:
        """Returns the account's name of each subscription id."""

    def send(self, message: object, delay_ms: float = 0) -> None: ...

    def end_subscriptions(self) -> None: ...

    def abort(self) -> None: ...

    def close(self) -> None: ...


class Streams:
    """Carries events from the exchange to the connections that subscribed to their account."""

    def __init__(self, now_ms: Callable[[], int], listeners: list[Listener]) -> None:
        self.connections: list[Subscriber] = []
        self.ping_seconds = 20.0
        self.pong_seconds = 60.0
        self.is_away = False
        """New connections are refused with 503."""
        self.is_silent = False
        """Connections stay open and answer, but every event is lost."""
        self.delay_ms = 0.0
        self._now = now_ms
        self._listeners = listeners
        self._lost: dict[str, int] = {}
        self._doubled = 0

    @property
    def subscriptions(self) -> int:
        return sum(len(connection.accounts) for connection in self.connections)

    def connect(self, connection: Subscriber) -> None:
        """Adds a connection. Without any, the exchange builds no events."""
        if not self.connections:
            self._listeners.append(self.deliver)
        self.connections.append(connection)

    def disconnect(self, connection: Subscriber) -> None:
        self.connections.remove(connection)
        if not self.connections:
            self._listeners.remove(self.deliver)

    def deliver(self, account: str, event: Event) -> None:
        """Sends an event to every subscription of an account, unless it is to be lost."""
        if self.is_silent or self._is_lost(str(event["e"])):
            return
        times = 1
        if self._doubled:
            self._doubled, times = self._doubled - 1, 2
        for connection in self.connections:
            for number, name in connection.accounts.items():
                for _ in range(times if name == account else 0):
                    connection.send({"subscriptionId": number, "event": event}, self.delay_ms)

    def lose(self, times: int = 1, kind: str = "*") -> None:
        """Loses the next events, of one kind (`executionReport`) or of any."""
        self._lost[kind] = self._lost.get(kind, 0) + times

    def double(self, times: int = 1) -> None:
        """Sends each of the next events twice."""
        self._doubled = times

    def cut(self, *, away: bool = False) -> None:
        """Breaks every connection without a word; with `away` none can be made again until `is_away` is false."""
        self.is_away = away
        for connection in list(self.connections):
            connection.abort()

    def terminate(self) -> None:
        """Ends every subscription with eventStreamTerminated; connections stay."""
        for connection in list(self.connections):
            connection.end_subscriptions()

    def announce_shutdown(self) -> None:
        """Sends serverShutdown; the connections are still open afterwards."""
        for connection in list(self.connections):
            connection.send({"event": reports.bare("serverShutdown", self._now())})

    def close(self) -> None:
        """Closes every connection in order, as after 24 hours."""
        for connection in list(self.connections):
            connection.close()

    def _is_lost(self, kind: str) -> bool:
        for name in (kind, "*"):
            if self._lost.get(name):
                self._lost[name] -= 1
                return True
        return False
