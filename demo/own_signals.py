"""The ways to send the demo your own signal: over Kafka, and over HTTP on this machine with a secret of this run."""

import os
import secrets
import shlex
import socket
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

_SYMBOL = "WIFUSDC"
_SECRET_BYTES = 18


def webhook_settings() -> Mapping[str, str]:
    """Returns where the demo's webhook listens and its secret; HTTP_PORT of the environment counts, and 0 turns it off."""
    port = os.environ.get("HTTP_PORT") or str(_free_port())
    secret = {} if port == "0" else {"WEBHOOK_SECRET": secrets.token_hex(_SECRET_BYTES)}
    return {"HTTP_HOST": "127.0.0.1", "HTTP_PORT": port, **secret}


def how_to_send(given: Mapping[str, str], price: Decimal) -> str:
    """Returns the commands that send a signal, with the symbol's present price."""
    publish = f"KAFKA_BROKER={given['KAFKA_BROKER']} {_command()} publish BUY_MINE --symbol {_SYMBOL} --close {price:f}"
    lines = ["  A signal of your own, from another terminal (the price must be close to the market's):", f"    {publish}"]
    if "WEBHOOK_SECRET" in given:
        body = (
            f'{{"token": "{given["WEBHOOK_SECRET"]}", "signal_type": "SELL_MINE", "symbol": "{_SYMBOL}", '
            f'"close": {price:f}, "ts": "\'$(date -u +%FT%TZ)\'"}}'
        )
        lines.append(f"    curl -d '{body}' http://127.0.0.1:{given['HTTP_PORT']}/signals")
    return "\n".join(lines)


def _command() -> str:
    """Returns the command of this installation, as it is called from here: a checkout's is short."""
    command, here = Path(sys.executable).with_name("marketflow"), Path.cwd()
    return shlex.quote(str(command.relative_to(here) if command.is_relative_to(here) else command))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
