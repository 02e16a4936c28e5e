"""The end of a connection to the user data stream."""


class StreamCut(Exception):
    """Nothing more is heard over this connection. The text holds no secret; `wait` is for how many seconds the exchange is to be
    left alone."""

    def __init__(self, what: str, wait: float = 0.0) -> None:
        super().__init__(what)
        self.wait = wait
