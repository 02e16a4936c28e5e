"""The end of a connection to the WebSocket API."""

from core.adapters.binance.errors import Refusal


class StreamCut(Exception):
    """Nothing more is heard over this connection. The text holds no secret; `wait` is for how many seconds the exchange is to be
    left alone, `refused` its own word where it refused the connection."""

    def __init__(self, what: str, wait: float = 0.0, refused: Refusal | None = None) -> None:
        super().__init__(what)
        self.wait = wait
        self.refused = refused
