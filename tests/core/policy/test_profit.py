"""Profit, exact to the last decimal: fees in any asset, several fills, partial fills, dust."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, localcontext

from hypothesis import example, given
from hypothesis import strategies as st

from core.domain.instrument import Instrument
from core.domain.money import EXACT, GRID, ZERO
from core.domain.order import ExecutionReport, Fill, Order
from core.domain.order_state_machine import OrderState
from core.domain.position import Execution, Position, Trade
from core.domain.signal import Side, Signal, client_order_id
from core.policy.profit import Outcome, settle
from tests.core.world import instrument

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WIF = instrument()
FINE = Instrument("SHIBUSDC", "SHIB", "USDC", "TRADING", Decimal("1e-8"), Decimal("1e-8"), Decimal("1e-8"), None)
RATES = {"BNB": Decimal(600)}


@dataclass(frozen=True)
class Print:
    """One fill, with its fee in `asset`."""

    qty: str
    price: str
    fee: str
    asset: str


def executed(
    side: Side, position: Position, prints: Sequence[Print], *, rules: Instrument = WIF, number: int = 1, asked: str = ""
) -> Outcome:
    """Settles an order with these fills."""
    with localcontext(EXACT):
        fills = [
            Fill(rules.symbol, f"{number}.{index}", Decimal(p.price), Decimal(p.qty), Decimal(p.fee), p.asset, NOON)
            for index, p in enumerate(prints)
        ]
        qty = sum((fill.qty for fill in fills), ZERO)
        quote = sum((fill.qty * fill.price for fill in fills), ZERO)
    signal = Signal("kafka:t", f"t/0/{number}", f"{side}_SM", rules.symbol, fills[0].price, NOON)
    name = client_order_id(signal)
    order = Order(
        name, signal, number, side, Decimal(asked) if asked else qty, fills[0].price, OrderState.FILLED, "paper", NOON, NOON
    )
    report = ExecutionReport(name, str(number), rules.symbol, side, OrderState.FILLED, qty, quote, NOON, tuple(fills))
    return settle(order, report, position, rules, RATES)


def bought(*prints: Print, position: Position | None = None) -> Outcome:
    return executed(Side.BUY, position or Position("WIFUSDC"), prints)


def sold(position: Position, *prints: Print) -> Outcome:
    return executed(Side.SELL, position, prints, number=2)


def closed(outcome: Outcome) -> Trade:
    assert outcome.trade is not None
    return outcome.trade


def test_a_sale_of_what_the_ledger_never_bought_is_a_trade_without_cost_that_opened_as_it_closed() -> None:
    exit_ = sold(Position("WIFUSDC"), Print("20", "0.50", "0.01", "USDC"))
    trade = closed(exit_)
    assert (trade.opened_at, trade.closed_at, trade.entry_cost) == (NOON, NOON, ZERO)
    assert (trade.profit, exit_.position) == (Decimal("9.99"), Position("WIFUSDC"))


def test_the_example_of_the_contract() -> None:
    entry = bought(Print("20", "0.4801", "0.02", "WIF"))
    assert (entry.position.qty, entry.position.cost) == (Decimal("19.98"), Decimal("9.602"))
    assert entry.execution.profit_pct is None
    exit_ = sold(entry.position, Print("19.98", "0.5220", "0.01042956", "USDC"))
    trade = closed(exit_)
    assert trade.profit == Decimal("0.81713044")
    assert f"{trade.profit_pct:+.1f}" == "+8.5"
    assert exit_.execution.profit_pct == trade.profit_pct
    assert exit_.position == Position("WIFUSDC")


def test_gross_is_what_the_prices_alone_earned() -> None:
    entry = bought(Print("20", "0.50", "0.02", "WIF"))
    exit_ = sold(entry.position, Print("19.98", "0.60", "0.011988", "USDC"))
    assert closed(exit_).gross == Decimal("19.98") * Decimal("0.10")
    assert exit_.execution.gross_quote == closed(exit_).gross


def test_a_fee_in_quote_raises_the_cost_and_leaves_the_quantity() -> None:
    entry = bought(Print("20", "0.5", "0.01", "USDC"))
    assert (entry.position.qty, entry.position.cost, entry.fee_value) == (Decimal(20), Decimal("10.01"), Decimal("0.01"))


def test_a_fee_in_a_third_asset_is_valued_in_quote() -> None:
    entry = bought(Print("20", "0.5", "0.00001", "BNB"))
    assert (entry.position.qty, entry.position.cost, entry.fee_value) == (Decimal(20), Decimal("10.006"), Decimal("0.006"))
    assert (entry.execution.fee, entry.execution.fee_asset) == (Decimal("0.00001"), "BNB")


def test_a_fee_that_cannot_be_valued_is_said_to_be_unknown() -> None:
    entry = bought(Print("20", "0.5", "3", "DOGE"))
    assert (entry.position.qty, entry.position.cost, entry.fee_value) == (Decimal(20), Decimal(10), None)
    assert (entry.execution.fee, entry.execution.fee_asset) == (Decimal(3), "DOGE")


def test_a_fee_in_the_sold_asset_that_the_position_does_not_cover_is_a_cost() -> None:
    rules = instrument("BNB")
    entry = executed(Side.BUY, Position("BNBUSDC"), [Print("1", "600", "0", "BNB")], rules=rules)
    exit_ = executed(Side.SELL, entry.position, [Print("1", "610", "0.00075", "BNB")], rules=rules, number=2)
    assert exit_.execution.profit_quote == Decimal(10) - Decimal("0.00075") * 610
    assert exit_.position == Position("BNBUSDC")
    partly = executed(Side.SELL, entry.position, [Print("0.9995", "610", "0.00075", "BNB")], rules=rules, number=3)
    cash = Decimal("0.9995") * 610 - Decimal("0.00025") * 610
    assert partly.execution.profit_quote == cash - 600


def test_no_fee_at_all() -> None:
    entry = bought(Print("20", "0.5", "0", "DOGE"))
    assert (entry.position.qty, entry.position.cost, entry.fee_value) == (Decimal(20), Decimal(10), ZERO)


def test_mixed_fees_are_told_in_quote() -> None:
    entry = bought(Print("10", "0.5", "0.01", "WIF"), Print("10", "0.6", "0.00001", "BNB"), Print("10", "0.7", "0.007", "USDC"))
    assert entry.position.qty == Decimal("29.99")
    assert entry.position.cost == Decimal("18.013")
    assert entry.fee_value == Decimal("0.018")
    assert (entry.execution.fee, entry.execution.fee_asset) == (Decimal("0.018"), "USDC")


def test_several_fills_have_an_average_price() -> None:
    entry = bought(Print("5", "0.50", "0.005", "WIF"), Print("15", "0.52", "0.015", "WIF"))
    assert (entry.execution.price, entry.execution.qty) == (Decimal("0.515"), Decimal(20))
    assert (entry.execution.fee, entry.execution.fee_asset) == (Decimal("0.020"), "WIF")


def test_an_exit_in_parts_is_one_trade() -> None:
    held = bought(Print("20", "0.5", "0.01", "USDC")).position
    first = sold(held, Print("8", "0.6", "0.0048", "USDC"))
    assert first.trade is None
    assert (first.position.is_open, first.position.qty, first.position.cost) == (True, Decimal(12), Decimal("6.006"))
    assert first.execution.profit_quote == Decimal("0.7912")
    last = sold(first.position, Print("12", "0.7", "0.0084", "USDC"))
    trade = closed(last)
    assert (trade.qty, trade.entry_cost) == (Decimal(20), Decimal("10.01"))
    assert trade.profit == Decimal("0.7912") + (last.execution.profit_quote or ZERO)


def test_dust_stays_with_its_cost_and_joins_the_next_entry() -> None:
    held = bought(Print("20", "0.5", "0.015", "WIF")).position
    assert held.qty == Decimal("19.985")
    left = sold(held, Print("19.98", "0.5", "0.00999", "USDC"))
    dust = left.position
    assert closed(left).qty == Decimal("19.98")
    assert (dust.qty, dust.is_open, dust.opened_at) == (Decimal("0.005"), False, None)
    assert dust.cost + closed(left).entry_cost == Decimal(10)
    again = bought(Print("20", "0.6", "0.02", "WIF"), position=dust).position
    assert (again.qty, again.cost, again.is_open) == (Decimal("19.985"), Decimal(12) + dust.cost, True)


def test_what_is_bought_is_held_whatever_it_is_worth() -> None:
    entry = bought(Print("2", "0.5", "0.002", "WIF"))
    assert (entry.position.is_open, entry.position.qty) == (True, Decimal("1.998"))


def test_a_part_of_an_entry_that_nobody_could_sell_again_is_dust() -> None:
    report_of = executed(Side.BUY, Position("WIFUSDC"), [Print("2", "0.5", "0.002", "WIF")], asked="20")
    assert (report_of.position.is_open, report_of.position.qty) == (False, Decimal("1.998"))
    more = executed(Side.BUY, Position("WIFUSDC"), [Print("12", "0.5", "0.012", "WIF")], asked="20")
    assert (more.position.is_open, more.position.qty) == (True, Decimal("11.988"))


def test_what_is_bought_below_a_step_is_dust() -> None:
    entry = bought(Print("0.01", "0.5", "0.001", "WIF"))
    assert (entry.position.is_open, entry.position.qty) == (False, Decimal("0.009"))


def test_what_a_sale_leaves_and_no_other_order_could_take_closes_the_position() -> None:
    held = bought(Print("20", "0.5", "0.01", "USDC")).position
    left = sold(held, Print("15", "0.4", "0.006", "USDC"))
    assert (left.position.is_open, left.position.qty) == (False, Decimal(5))
    assert closed(left).qty == Decimal(15)


# --- the accounts always balance

eighths = st.integers(1, 10**17).map(lambda units: Decimal(units).scaleb(-8))  # quantities up to SHIB's 1e9
prices = st.integers(1, 10**13).map(lambda units: Decimal(units).scaleb(-8))
steps = st.lists(
    st.tuples(
        st.sampled_from(Side),
        st.lists(st.tuples(eighths, prices, st.sampled_from(["SHIB", "USDC", "BNB"])), min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=8,
)


@dataclass
class AccountGuard:
    """The exchange's side of the account: what went out, what came in, what is left."""

    spent: Decimal = ZERO
    received: Decimal = ZERO
    held: Decimal = ZERO

    def take(self, side: Side, one: Print) -> None:
        qty, price, fee = Decimal(one.qty), Decimal(one.price), Decimal(one.fee)
        self.held += qty if side is Side.BUY else -qty
        fee_quote = {"USDC": fee, "BNB": fee * RATES["BNB"]}.get(one.asset, ZERO)
        self.held -= fee if one.asset == "SHIB" else ZERO
        if side is Side.BUY:
            self.spent += qty * price + fee_quote
        else:
            self.received += qty * price - fee_quote


def _prints(side: Side, wanted: Sequence[tuple[Decimal, Decimal, str]], held: Decimal) -> list[Print]:
    """Draws fills with a fee of 0.1%, on the exchange's grid of 8 decimals; an exit sells no more than is held."""
    found = []
    for qty, price, asset in wanted:
        if side is Side.SELL:
            asset = "USDC" if asset == "SHIB" else asset  # noqa: PLW2901 - Binance takes it from what is received
            qty = min(qty, held)  # noqa: PLW2901
            held -= qty
        worth = {"SHIB": qty, "USDC": qty * price, "BNB": qty * price / RATES["BNB"]}[asset]
        fee = (worth / 1000).quantize(Decimal("1e-8"))
        if qty:
            found.append(Print(str(qty), str(price), str(fee), asset))
    return found


AMOUNTS = ("qty", "price", "quote_qty", "fee", "profit_quote", "gross_quote", "profit_pct")
LARGE = [(Decimal("999999999.99999999"), Decimal("99999.99999999"), "SHIB")]


@example([(Side.BUY, LARGE), (Side.BUY, LARGE), (Side.SELL, [(Decimal("0.00000001"), Decimal("0.00000001"), "USDC")])])
@given(steps)
def test_money_in_is_money_out_and_what_is_left_on_the_books(
    wanted: list[tuple[Side, list[tuple[Decimal, Decimal, str]]]],
) -> None:
    position, account = Position("SHIBUSDC"), AccountGuard()
    rows: list[Execution] = []
    trades: list[Trade] = []
    for number, (side, fills) in enumerate(wanted, 1):
        with localcontext(EXACT):
            prints = _prints(side, fills, account.held)
            for one in prints:
                account.take(side, one)
        if not prints:
            continue
        outcome = executed(side, position, prints, rules=FINE, number=number)
        position = outcome.position
        rows.append(outcome.execution)
        trades.extend([outcome.trade] if outcome.trade else [])
    with localcontext(EXACT):
        profit = sum((row.profit_quote for row in rows if row.profit_quote is not None), ZERO)
        under_way = position.trip_proceeds - position.trip_cost
        assert position.qty == account.held
        assert account.spent + profit == account.received + position.cost
        assert sum((trade.profit for trade in trades), ZERO) + under_way == profit
        assert sum((row.quote_qty for row in rows if row.side is Side.SELL), ZERO) >= account.received
    assert position.qty > 0 or (position.cost, position.value) == (ZERO, ZERO)
    amounts = [value for row in rows for value in (getattr(row, name) for name in AMOUNTS) if value is not None]
    assert all(value == value.quantize(GRID, context=EXACT) for value in amounts)  # fits every column of amounts
