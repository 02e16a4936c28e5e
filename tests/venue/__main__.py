"""`python -m tests.venue`: the venue in a process of its own; prints its address and keys as a JSON line."""

import argparse
import asyncio
import json
import signal
import sys

from tests.venue.server import running_venue
from tests.venue.venue import DEFAULT_BALANCES, DEFAULT_PRICES


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if not name or not value:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.venue", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 (default): any free one")
    parser.add_argument("--symbol", type=_pair, action="append", default=[], metavar="BASE=QUOTE",
                        help="add a made-up symbol with the rules of WIFUSDC; may be repeated")  # fmt: skip
    parser.add_argument("--price", type=_pair, action="append", default=[], metavar="SYMBOL=PRICE")
    parser.add_argument("--balance", type=_pair, action="append", default=[], metavar="ASSET=AMOUNT")
    parser.add_argument("--latency-ms", type=float, default=0, help="round trip added to every request")
    parser.add_argument("--no-limits", action="store_true", help="no rate limits")
    return parser.parse_args()


async def serve(options: argparse.Namespace) -> None:
    """Runs until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    balances = {**DEFAULT_BALANCES, **dict(options.balance)}
    async with running_venue(options.port, balances=balances, prices=DEFAULT_PRICES, latency_ms=options.latency_ms) as venue:
        for base, quote in options.symbol:
            venue.add_symbol(base, quote)
        for symbol, price in options.price:
            venue.set_price(symbol, price)
        if options.no_limits:
            venue.lift_limits()
        line = {"api_url": venue.api_url, "ws_url": venue.ws_url, "key": venue.key, "secret": venue.secret}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve(_arguments()))
