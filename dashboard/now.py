"""The first page: how it stands. Figures, open positions with what protects them, what rests, the last trades."""

from collections.abc import Sequence
from datetime import UTC, datetime

from bot.texts import Html, Texts, short
from bot.views.number_format import alike, money, per_cent, price, quantity
from core.adapters.ledger.guards import OpenPosition
from core.domain.money import per_cent as exact_per_cent
from core.domain.position import Execution
from core.read_models import Selection
from dashboard import guards, health
from dashboard.looks import Column, Tile, card, cards, definitions, put, safe, table, tiles, title, toned
from dashboard.reading import answer
from dashboard.selecting import address
from dashboard.source import database_url
from dashboard.tiles import account_tiles, quote_of, result_tiles, today_tiles, unrealised_of
from dashboard.view import Now, now


def show(selection: Selection, words: Texts) -> None:
    """Shows figures first. Raises LedgerUnavailable."""
    today = datetime.now(UTC).date()
    view = answer(now(database_url(), selection, today))
    held = [one for one in view.held if selection.has(one.position.book)]
    resting = [one for one in view.resting if selection.has(one.order.book)]
    pending = [one for one in view.exits if selection.has(one.book)]
    account = [*today_tiles(view.figures.today, view.last_exit, words), *account_tiles(view.figures.mark, held, words)]
    found = _figures(view, selection, words)
    put(tiles(account), title(words("dash.open_positions")))
    put(_positions(held, words, is_watched=health.is_alive(view.pulse)), hidden(len(view.held) - len(held), words))
    if pending:
        put(title(words("dash.pending")), table(_pending_columns(words), [guards.exit_cells(one, words) for one in pending]))
    rows = [guards.order_cells(one, words) for one in resting]
    orders = table(_order_columns(words), rows) if rows else safe(words("dash.no_resting"))
    put(title(words("dash.resting")), orders, hidden(len(view.resting) - len(resting), words))
    put(title(words("dash.in_this_time")), tiles(found), definitions(words("dash.definitions"), [*account, *found]))
    put(title(words("dash.last_trades")), trades_table(view.executions, words))


def _figures(view: Now, selection: Selection, words: Texts) -> list[Tile]:
    found: list[Tile] = []
    until = selection.until or datetime.now(UTC).date()
    for one in view.figures.results:
        found += result_tiles(view.figures, one, selection.since, until, words)
    return found


def _positions(held: Sequence[OpenPosition], words: Texts, *, is_watched: bool) -> str:
    return cards(position_card(one, words, is_watched=is_watched) for one in held) if held else words("dash.no_positions")


def position_card(one: OpenPosition, words: Texts, *, is_watched: bool) -> str:
    """Returns an open position with its result, its protection, and how far stop and targets are from the price."""
    position, gain = one.position, unrealised_of(one)
    figure = words("dash.unknown")
    if gain is not None:
        share = per_cent(exact_per_cent(gain, position.cost))
        figure = toned(f"{words.figure(money(gain, signed=True))} {quote_of(one)} ({words.figure(share)})", gain)
    link = Html(f'<a href="chart?{safe(address(symbol=position.symbol))}" target="_self">{safe(position.symbol)}</a>')
    state = guards.guard_pill(one, words, is_watched=is_watched) + guards.guard_note(one, words, is_watched=is_watched)
    pairs = {
        words("dash.strategy"): short(position.strategy),
        words("dash.quantity"): words.figure(quantity(position.qty)),
        words("dash.cost"): words.figure(price(position.average_cost)),
        words("dash.price"): "" if one.bid is None else words.figure(price(one.bid)),
        **guards.plan_cells(one, words),
        words("dash.since"): "" if position.opened_at is None else words.moment(position.opened_at),
        words("dash.price_at"): "" if one.marked_at is None else words.exact_time(one.marked_at),
    }
    return card(link, figure, Html(state), pairs)


def hidden(count: int, words: Texts) -> str:
    """Says how many the selection leaves out, so that nobody takes a part for the whole."""
    return f'<div class="dim">{words("dash.hidden", count=count)}</div>' if count else ""


def trades_table(executions: Sequence[Execution], words: Texts) -> str:
    """Returns executed orders, each with its result and the way to its story."""
    if not executions:
        return words("dash.no_trades")
    written = alike([one.profit_quote for one in executions if one.profit_quote is not None])
    columns = [
        Column(words("dash.symbol"), is_word=True, is_first=True),
        *(Column(words(f"dash.{name}"), is_word=True) for name in ("side", "role", "at")),
        *(Column(words(f"dash.{name}")) for name in ("quantity", "price", "value", "fee")),
        Column(words("dash.profit"), is_whole=True),
        Column(words("dash.signal"), is_word=True, is_whole=True),
        Column(words("dash.strategy"), is_word=True),
    ]
    rows = []
    for one in executions:
        profit: str = ""
        if one.profit_quote is not None and one.profit_pct is not None:
            amount = f"{words.figure(written(one.profit_quote))} {one.quote_asset}"
            profit = toned(f"{amount} ({words.figure(per_cent(one.profit_pct))})", one.profit_quote)
        rows.append(
            [
                story_link(one.client_order_id, one.symbol),
                guards.side_words(one.side.value, words),
                words(f"dash.role_{one.role.value}"),
                words.moment(one.executed_at),
                words.figure(quantity(one.qty)),
                words.figure(price(one.price)),
                words.figure(money(one.quote_qty)),
                f"{words.figure(money(one.fee))} {one.fee_asset}",
                profit,
                short(one.signal_type),
                short(one.strategy),
            ]
        )
    return table(columns, rows)


def story_link(name: str, shown: str) -> Html:
    """Returns a link to the story of the signal that `name` matches."""
    return Html(f'<a href="signals?{safe(address(signal=name))}" target="_self">{safe(shown)}</a>')


def _order_columns(words: Texts) -> list[Column]:
    names = ("symbol", "purpose", "side", "quantity", "price", "away", "strategy", "type", "since", "until", "order")
    numbers = {"quantity", "price", "away"}
    return [Column(words(f"dash.{name}"), is_word=name not in numbers, is_first=name == "symbol") for name in names]


def _pending_columns(words: Texts) -> list[Column]:
    names = ("symbol", "strategy", "quantity", "since", "until", "attempt", "not_yet")
    return [
        Column(words(f"dash.{name}"), is_word=name != "quantity", is_first=name == "symbol", is_whole=name == "not_yet")
        for name in names
    ]
