"""A source's state, and the reports of its changes: one as it goes away, one as it is back."""

from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)


class SourceState:
    """The source's state: whether it is reading, and why not in plain words without secrets."""

    def __init__(self, on_change: Callable[[bool, str], None]) -> None:
        self._on_change = on_change
        self._reported_away = False
        self.ready, self.detail = False, "connecting"

    def set(self, *, ready: bool, detail: str, notify: bool = True) -> None:
        """Adopts a state, logs a new one, and reports it with `notify`: once when it goes away, once when it is back."""
        changed = (ready, detail) != (self.ready, self.detail)
        self.ready, self.detail = ready, detail
        if changed:
            log.log(20 if ready else 30, "kafka_state", ready=ready, detail=detail)
        if notify and ready == self._reported_away:
            self._reported_away = not ready
            self._on_change(ready, detail)
