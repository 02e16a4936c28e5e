"""`python -m bot.web.healthcheck`: asks /healthz of the process beside it. Standard library only, as a container runs it
often."""

import http.client
import os
import sys

_SECONDS = 3
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what to ask where it listens on all addresses


def alive(host: str, port: int) -> bool:
    """Tells whether `/healthz` answers 200 within 3 s."""
    connection = http.client.HTTPConnection(_EVERYWHERE.get(host, host), port, timeout=_SECONDS)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def main() -> int:
    """Returns the exit code: 0 for alive, or where HTTP_PORT is 0 and there is nothing to ask; else 1."""
    port = int(os.environ.get("HTTP_PORT") or 8080)
    return 0 if port == 0 or alive(os.environ.get("HTTP_HOST") or "127.0.0.1", port) else 1


if __name__ == "__main__":
    sys.exit(main())
