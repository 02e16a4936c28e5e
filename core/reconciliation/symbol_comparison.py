"""Compares ledger and exchange, and explains their differences in words. Changes neither."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

from core.domain.account import UNMARKED
from core.domain.errors import SymbolUnknown
from core.domain.instrument import Balance, Instrument
from core.domain.money import ZERO, plain
from core.domain.order import ExecutionReport, Order, RecentOrders
from core.domain.position import Position
from core.domain.reasons import Reason, reason
from core.domain.signal import Side
from core.policy.entries.follow_up import money_bound
from core.policy.exits.protection import bound
from core.policy.order_ownership import Ours, Whose, whose
from core.ports.venue import Venue
from core.reconciliation.spare_capacity import SpareCapacity

RECENT = 100
"""The number of a symbol's newest orders that are compared."""
KnownOrders = Callable[[Sequence[str]], Awaitable[Mapping[str, Order]]]


@dataclass(slots=True)
class Comparison:
    """`differences` are faults; `notes` are facts that the owner may want to know."""

    differences: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


async def compare(
    venue: Venue,
    *,
    positions: Sequence[Position],
    in_flight: Sequence[Order],
    symbols: Collection[str],
    instruments: Mapping[str, Instrument],
    known: KnownOrders,
    ours: Ours,
    spare_capacity: SpareCapacity,
) -> Comparison:
    """Compares holdings, the newest orders of each of `symbols`, and open orders. `in_flight` are the ledger's orders that have
    not ended: those that rest have to be open on the exchange, the others are not settled. `instruments` are the rules of those
    symbols that the exchange knows, `known` gives the ledger's orders by client order id, `ours` tells whose an order is. Raises
    ExchangeUnavailable."""
    found = Comparison()
    ledger = _LedgerSide(positions, in_flight, instruments, known, ours)
    balances = await spare_capacity.ask(venue.balances)
    for instrument in (instruments[symbol] for symbol in sorted(instruments)):
        try:
            recent = await spare_capacity.ask(partial(venue.recent_orders, instrument.symbol, RECENT))
        except SymbolUnknown:
            found.notes.append(f"{instrument.symbol}: orders not compared, the exchange knows no such symbol (any more)")
        else:
            await _compare_symbol(instrument, recent, balances, ledger, found)
    _compare_gone(symbols, ledger, found)
    for order in in_flight:
        if not order.rests:
            found.differences.append(f"{order.symbol}: order {order.client_order_id} is not settled ({order.state})")
    open_ones = await spare_capacity.ask(venue.open_orders)
    resting = {order.client_order_id for order in in_flight if order.rests}
    # Read afterwards: one that has ended since is in the ledger by now.
    orders = await known(sorted(resting | {report.client_order_id for report in open_ones}))
    _compare_open_orders(open_ones, orders, ours, found)
    _compare_resting(open_ones, [orders[name] for name in sorted(resting & orders.keys())], found)
    return found


@dataclass(frozen=True, slots=True)
class _LedgerSide:
    """The ledger's part of the comparison, see `compare`."""

    positions: Sequence[Position]
    in_flight: Sequence[Order]
    instruments: Mapping[str, Instrument]
    known: KnownOrders
    ours: Ours


async def _compare_symbol(
    instrument: Instrument, recent: RecentOrders, balances: Mapping[str, Balance], ledger: _LedgerSide, found: Comparison
) -> None:
    symbol, base = instrument.symbol, instrument.base
    held = sum((one.qty for one in ledger.positions if _base(one, ledger.instruments) == base), ZERO)
    orders = await ledger.known([report.client_order_id for report in recent.reports])
    sorted_ = sort_orders(recent, orders, ledger.ours)
    differences = [*missing_coins(instrument, held, balances), *sorted_.differences]
    found.differences += [f"{symbol}: {difference}" for difference in differences]
    found.differences += [str(strange) for strange in sorted_.strange]
    found.differences += [f"{symbol}: order {lost.order_id} belongs to this ledger, which has lost it" for lost in sorted_.lost]
    found.differences += _bound(instrument, held, balances, ledger)
    more = total(balances, base) - held
    if held and more > 0:
        found.notes.append(f"the exchange holds {plain(more)} {base} more than the ledger: yours, left alone")


def _compare_gone(symbols: Collection[str], ledger: _LedgerSide, found: Comparison) -> None:
    """Adds the symbols that the exchange does not know: a difference where one has a position, else a note."""
    with_position = {position.symbol for position in ledger.positions if position.qty}
    for symbol in sorted(set(symbols) - ledger.instruments.keys() - with_position):
        found.notes.append(f"{symbol}: not compared, the exchange knows no such symbol (any more)")
    for position in ledger.positions:
        if position.qty and position.symbol not in ledger.instruments:
            found.differences.append(
                f"{position.symbol}: {plain(position.qty)} in the ledger, but the exchange knows no such symbol (any more)"
            )


def _bound(instrument: Instrument, held: Decimal, balances: Mapping[str, Balance], ledger: _LedgerSide) -> list[str]:
    """Returns the part of the ledger's holding that an order of somebody else locks on the exchange: it cannot be sold."""
    balance = balances.get(instrument.base)
    selling = any(order.side is Side.SELL and order.symbol == instrument.symbol and not order.rests for order in ledger.in_flight)
    if balance is None or selling or balance.total < held:
        return []
    ours = _ours(instrument.base, ledger)
    if balance.locked <= ours or balance.free + ours >= held:
        return []
    free, locked, base = plain(balance.free + ours), plain(balance.locked - ours), instrument.base
    return [f"{instrument.symbol}: {plain(held)} {base} in the ledger, only {free} free: {locked} are bound in orders"]


def _ours(asset: str, ledger: _LedgerSide) -> Decimal:
    """Returns how much of `asset` the ledger's own resting orders lock: those to sell it, and entries that would pay with it."""
    to_sell = bound(order for order in ledger.in_flight if _base(order, ledger.instruments) == asset)
    entries = [order for order in ledger.in_flight if order.waits_to_buy and order.rests]
    return to_sell + sum((money_bound(order) for order in entries if _quote(order, ledger.instruments) == asset), ZERO)


def differences_of_gone(symbol: str, held: Decimal) -> list[Reason]:
    """Returns the differences of a symbol that the exchange no longer knows: nobody can sell what is `held` (base asset)."""
    return [reason("symbol_gone", symbol=symbol, qty=plain(held))] if held else []


def _base(one: Position | Order, instruments: Mapping[str, Instrument]) -> str | None:
    instrument = instruments.get(one.symbol)
    return instrument.base if instrument else None


def _quote(order: Order, instruments: Mapping[str, Instrument]) -> str | None:
    instrument = instruments.get(order.symbol)
    return instrument.quote if instrument else None


def total(balances: Mapping[str, Balance], asset: str) -> Decimal:
    """Returns the exchange's total of `asset`, locked in orders or not."""
    balance = balances.get(asset)
    return balance.total if balance else ZERO


@dataclass(frozen=True, slots=True)
class Sorted:
    """The exchange's newest orders of one symbol, by consequence: `lost` are to be adopted, `strange` halt entries of the whole
    account, `differences` those of the symbol. While one that rests has fills that are `unheard`, holdings prove nothing."""

    lost: tuple[ExecutionReport, ...] = ()
    strange: tuple[Reason, ...] = ()
    differences: tuple[Reason, ...] = ()
    unheard: bool = False


def sort_orders(recent: RecentOrders, orders: Mapping[str, Order], ours: Ours) -> Sorted:
    """Sorts the orders of `recent` by whose they are; `orders` are those of them that the ledger knows by their client order id.
    Leaves alone the owner's own orders, which lack our prefix. An unreadable order is a difference."""
    lost: list[ExecutionReport] = []
    strange: list[ExecutionReport] = []
    differences: list[Reason] = []
    others: ExecutionReport | None = None
    for report in recent.reports:
        order = orders.get(report.client_order_id)
        match whose(report, order, ours):
            case Whose.LOST:
                lost.append(report)
            case Whose.STRANGE:
                strange.append(report)
            case Whose.OTHERS:
                others = report
            case Whose.KNOWN if order is not None and order.order_id == report.order_id and _differs(order, report):
                sums = {"ours": plain(order.executed_qty), "theirs": plain(report.executed_qty)}
                differences.append(reason("order_differs", order_id=report.order_id, **sums))
    if others is not None:
        differences.append(reason("symbol_shared", order_id=others.order_id, mark=others.mark))
    differences += _unreadable(recent)
    unheard = any(_is_unheard(orders.get(report.client_order_id), report) for report in recent.reports)
    return Sorted(tuple(lost), strangers(strange, orders), tuple(differences), unheard)


def _unreadable(recent: RecentOrders) -> list[Reason]:
    """Returns one reason for all unreadable orders, which names the newest."""
    if not recent.unreadable:
        return []
    last = recent.unreadable[-1]
    return [reason("orders_unreadable", count=len(recent.unreadable), order_id=last.order_id or last.client_order_id)]


def _differs(order: Order, report: ExecutionReport) -> bool:
    return not order.state.in_flight and order.executed_qty != report.executed_qty


def _is_unheard(order: Order | None, report: ExecutionReport) -> bool:
    return order is not None and order.rests and order.order_id == report.order_id and report.executed_qty > order.executed_qty


def strangers(reports: Sequence[ExecutionReport], orders: Mapping[str, Order]) -> tuple[Reason, ...]:
    """Returns one reason for each kind, mark and symbol, which names the newest order, so that they stay few."""
    newest: dict[tuple[str, str], tuple[ExecutionReport, int]] = {}
    for report in reports:
        key = ("order_id_taken" if report.client_order_id in orders else "order_of_other", _mark(report))
        known, count = newest.get(key, (report, 0))
        newest[key] = (max(known, report, key=lambda one: one.at), count + 1)
    return tuple(_strange(code, report, count) for (code, _), (report, count) in sorted(newest.items()))


def _mark(report: ExecutionReport) -> str:
    return str(report.mark if report.mark is not None else UNMARKED)


def _strange(code: str, report: ExecutionReport, count: int) -> Reason:
    at = report.at.isoformat(sep=" ", timespec="milliseconds")
    code = "order_unmarked" if code == "order_of_other" and report.mark is None else code
    return reason(code, symbol=report.symbol, mark=_mark(report), count=count, order_id=report.order_id, at=at)


def missing_coins(instrument: Instrument, held: Decimal, balances: Mapping[str, Balance]) -> tuple[Reason, ...]:
    """Returns what the exchange holds less than the ledger; `held` (base asset) is the sum of the ledger's positions in this base
    asset. Coins beyond the ledger's are the owner's own."""
    missing = held - total(balances, instrument.base)
    if missing > 0 and missing >= instrument.step_size:
        return (reason("less_than_ledger", qty=plain(missing), asset=instrument.base),)
    return ()


def _compare_open_orders(resting: Sequence[ExecutionReport], orders: Mapping[str, Order], ours: Ours, found: Comparison) -> None:
    for report in resting:
        text = f"{report.symbol}: open order {report.order_id} ({report.side}) on the exchange"
        order = orders.get(report.client_order_id)
        match whose(report, order, ours):
            case Whose.KNOWN if order is not None and order.state.final and order.order_id == report.order_id:
                found.differences.append(f"{text} has ended in the ledger ({order.state})")
            case Whose.OWNERS:
                found.notes.append(f"{text} is not ours: left alone")
            case Whose.OTHERS:
                found.notes.append(f"{text} is of the MarketFlow with mark {report.mark}, which you know")
            case Whose.LOST:
                found.differences.append(f"{text} has our mark, and this ledger has lost it")
            case Whose.STRANGE:
                found.differences.append(f"{text} is not of this ledger: another MarketFlow?")


def _compare_resting(open_ones: Sequence[ExecutionReport], resting: Sequence[Order], found: Comparison) -> None:
    names = {report.client_order_id for report in open_ones}
    for order in resting:
        if order.rests and order.client_order_id not in names:
            text = f"{order.symbol}: order {order.client_order_id} ({order.order_id or 'without a number'}, {order.terms.type})"
            found.differences.append(f"{text} rests in the ledger, and is not open on the exchange")
