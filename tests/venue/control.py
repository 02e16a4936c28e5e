"""Commands of POST /_venue/<command> for a venue in a process of its own: JSON arguments in, JSON out."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from decimal import Decimal
from typing import Any

from tests.venue import replies
from tests.venue.model import Order, Trade
from tests.venue.venue import Venue

FAULT_KINDS = (
    "cut",
    "hang",
    "answer",
    "error",
    "too_many",
    "unreadable",
    "bad_gateway",
    "waf",
    "slow_engine",
    "slow_answer",
)
STREAM_ACTS = ("cut", "lose", "double", "terminate", "announce_shutdown", "close")
STREAM_SETTINGS = ("is_away", "is_silent", "delay_ms", "ping_seconds", "pong_seconds")


def _plain(item: Order | Trade) -> dict[str, Any]:
    """Returns fields by their own names; decimals as strings. An order's fills are in its trades, its money in the balances."""
    found = {f.name: getattr(item, f.name) for f in fields(item) if f.name not in ("trades", "lock")}
    return {k: format(v, "f") if isinstance(v, Decimal) else v for k, v in found.items()}


def _done(act: Callable[..., object]) -> Callable[..., dict[str, Any]]:
    def command(venue: Venue, **arguments: Any) -> dict[str, Any]:
        result = act(venue, **arguments)
        return {"ok": True} if result is None else {"ok": True, "result": result}

    return command


def _state(venue: Venue) -> dict[str, Any]:
    return {
        "orders": [_plain(order) for order in venue.orders],
        "lists": [replies.order_list(found) for found in venue.lists],
        "trades": [_plain(trade) for trade in venue.trades],
        "balances": {
            asset: {"free": format(held.free, "f"), "locked": format(held.locked, "f")} for asset, held in venue.balances.items()
        },
        "connections": len(venue.streams.connections),
        "subscriptions": venue.streams.subscriptions,
        "requests": len(venue.requests),
    }


def _requests(venue: Venue, since: int = 0) -> list[dict[str, Any]]:
    return [
        {"method": seen.method, "path": seen.path, "params": dict(seen.params), "time_us": seen.time_us}
        for seen in venue.requests[since:]
    ]


def _fault(venue: Venue, kind: str, endpoint: str, **options: Any) -> None:
    if kind not in FAULT_KINDS:
        raise ValueError(f"no fault {kind!r}; there are {', '.join(FAULT_KINDS)}")
    getattr(venue.faults, kind)(endpoint, **options)


def _clear_faults(venue: Venue) -> None:
    venue.faults.clear()


def _walk(venue: Venue, symbol: str, prices: list[str]) -> None:
    venue.walk(symbol, *prices)


def _clock(venue: Venue, offset_ms: int) -> None:
    venue.clock.offset_ms = offset_ms


def _latency(venue: Venue, ms: float) -> None:
    venue.latency_ms = ms


def _list_lag(venue: Venue, ms: int = 0, queries: int = 0) -> None:
    venue.list_lag.ms, venue.list_lag.queries = ms, queries


def _stream(venue: Venue, act: str, **options: Any) -> None:
    if act not in STREAM_ACTS:
        raise ValueError(f"no act {act!r}; there are {', '.join(STREAM_ACTS)}")
    getattr(venue.streams, act)(**options)


def _set_stream(venue: Venue, **changes: Any) -> None:
    for name, value in changes.items():
        if name not in STREAM_SETTINGS:
            raise ValueError(f"no setting {name!r}; there are {', '.join(STREAM_SETTINGS)}")
        setattr(venue.streams, name, value)


def _visible_after(venue: Venue, ms: int) -> None:
    venue.exchange.visible_after_ms = ms


COMMANDS: Mapping[str, Callable[..., object]] = {
    "set_price": _done(Venue.set_price),
    "set_book": _done(Venue.set_book),
    "trade": _done(Venue.trade),
    "walk": _done(_walk),
    "fill_order": _done(Venue.fill_order),
    "expire_order": _done(Venue.expire_order),
    "add_symbol_of_2026": _done(Venue.add_symbol_of_2026),
    "set_price_range": _done(Venue.set_price_range),
    "set_cancels_rename": _done(Venue.set_cancels_rename),
    "modernize": _done(Venue.modernize),
    "set_average": _done(Venue.set_average),
    "set_balance": _done(Venue.set_balance),
    "set_rates": _done(Venue.set_rates),
    "set_bnb_price": _done(Venue.set_bnb_price),
    "edit_symbol": _done(Venue.edit_symbol),
    "add_symbol": _done(Venue.add_symbol),
    "set_limits": _done(Venue.set_limits),
    "lift_limits": _done(Venue.lift_limits),
    "set_clock": _done(_clock),
    "set_latency": _done(_latency),
    "set_visible_after": _done(_visible_after),
    "set_list_lag": _done(_list_lag),
    "fault": _done(_fault),
    "stream": _done(_stream),
    "set_stream": _done(_set_stream),
    "add_ed25519_key": _done(Venue.add_ed25519_key),
    "clear_faults": _done(_clear_faults),
    "state": _state,
    "requests": _requests,
}
