"""Figures as the pages show them: each with its note and its definition."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

from bot.texts import Html, Texts
from bot.texts.figures import grouped
from bot.views.number_format import alike, money, per_cent, share
from core.adapters.ledger.guards import OpenPosition
from core.domain.equity_mark import EquityMark
from core.domain.money import ZERO, multiply
from core.domain.money import per_cent as exact_per_cent
from core.domain.position import Execution
from dashboard.figures import Results
from dashboard.looks import Tile
from dashboard.view import CURVE_EXITS, Figures

_FEWEST_DAYS = 2  # that a ratio can be computed of
_QUOTES = ("USDC", "USDT", "FDUSD", "EUR", "BTC", "ETH", "BNB")


def result_tiles(figures: Figures, one: Results, since: date | None, until: date, words: Texts) -> Iterator[Tile]:
    """Yields the figures of the results in one quote asset; the days of its ratios are from `since` (None: the first that has a
    result) to `until`."""
    yield _tile("net", _amount(one.net, one.quote, words), words, _exits(one, words), one.net)
    if one.gain is not None:
        yield _tile("return", words.figure(per_cent(one.gain)), words, tone=one.gain)
    if not one.exits:
        return
    rate, mean = one.win_rate or ZERO, one.expectancy or ZERO
    yield _tile(
        "win_rate", words.figure(share(rate)), words, words("dash.win_rate_note", wins=_count(one.wins), exits=_count(one.exits))
    )
    yield _factor(figures, one, words)
    yield _tile("expectancy", words.figure(alike([mean])(mean)), words, words("dash.expectancy_note", quote=one.quote), mean)
    yield _drawdown(one, words)
    days = len(one.each_day(since, until))
    for name, ratio in (("sharpe", one.sharpe(since, until)), ("sortino", one.sortino(since, until))):
        shown = "–" if ratio is None and (days < _FEWEST_DAYS or name == "sharpe" or one.net <= 0) else _ratio(ratio, words)
        yield _tile(name, shown, words, words("dash.sharpe_note", days=days), ratio)


def cost_tiles(figures: Figures, one: Results, words: Texts) -> Iterator[Tile]:
    """Yields what trading cost and moved, and the best and the worst day."""
    paid = words("dash.adding_up")
    if one.turnover is not None:
        fees = one.turnover.fees
        paid = Html(", ".join(f"{words.figure(money(fees[asset]))} {asset}" for asset in sorted(fees)))
    yield _tile("fees", words.figure(money(one.fees)), words, words("dash.fees_note", quote=one.quote), paid=paid)
    if one.turnover is not None:
        note = words("dash.volume_note", count=_count(one.turnover.executions))
        yield _tile("volume", _amount(one.turnover.volume, one.quote, words, signed=False), words, note)
    elif not figures.is_complete:
        yield _tile("volume", "…", words, words("dash.adding_up"))
    for name, choose in (("best_day", max), ("worst_day", min)):
        if one.days:
            day = choose(one.days, key=lambda day: day.profit)
            yield Tile(words(f"dash.{name}"), _amount(day.profit, one.quote, words), words.full_day(day.at.date()), day.profit)


def account_tiles(mark: EquityMark | None, held: Sequence[OpenPosition], words: Texts) -> Iterator[Tile]:
    """Yields the equity, what the open positions would bring, and how much of the equity is in them."""
    if mark is not None:
        away = words.figure(per_cent(exact_per_cent(mark.equity - mark.peak, mark.peak)))
        note = words("dash.equity_note", share=away, time=words.moment(mark.at))
        yield _tile("equity", _amount(mark.equity, mark.report, words, signed=False), words, note)
    unrealised = unrealised_words(held, words)
    known = [gain for one in held if (gain := unrealised_of(one)) is not None]
    tone = sum(known, ZERO) if len({quote_of(one) for one in held}) == 1 else None
    yield _tile("unrealised", unrealised, words, words("dash.unrealised_note") if held else "", tone)
    if mark is None or mark.equity <= 0:
        return
    values = [multiply(one.position.qty, one.bid) for one in held if one.bid is not None and quote_of(one) == mark.report]
    if len(values) == len(held):
        value = sum(values, ZERO)
        note = words("dash.exposure_note", value=words.figure(money(value)), quote=mark.report)
        yield _tile("exposure", words.figure(share(exact_per_cent(value, mark.equity))), words, note)


def today_tiles(today: Sequence[Results], last: Execution | None, words: Texts) -> Iterator[Tile]:
    """Yields the result of the UTC day by quote asset, and the last exit's."""
    for one in today:
        yield Tile(words("dash.today"), _amount(one.net, one.quote, words), _exits(one, words), one.net)
    if last is None or last.profit_pct is None:
        yield Tile(words("dash.last_profit"), words("dash.none_yet"))
    else:
        note = f"{last.symbol}, {words.moment(last.executed_at)}"
        yield Tile(words("dash.last_profit"), words.figure(per_cent(last.profit_pct)), note, last.profit_pct)


def unrealised_words(held: Sequence[OpenPosition], words: Texts) -> str:
    """Returns what is known of the unrealised result, by quote asset, and says so if some is not: no price was ever recorded."""
    found: list[str] = []
    for quote in sorted({quote_of(one) for one in held}):
        values = [unrealised_of(one) for one in held if quote_of(one) == quote]
        known = [value for value in values if value is not None]
        if not known:
            found.append(words("dash.unknown"))
            continue
        amount = _amount(sum(known, ZERO), quote, words)
        found.append(words("dash.and_unknown", known=amount) if len(known) < len(values) else amount)
    return Html(", ".join(found)) if found else words("dash.nothing_held")


def unrealised_of(one: OpenPosition) -> Decimal | None:
    """Returns what selling it all at the last bid would bring over its cost, in quote asset, before the fee."""
    return None if one.bid is None else multiply(one.position.qty, one.bid) - one.position.cost


def quote_of(one: OpenPosition) -> str:
    """Returns the symbol's quote asset, by its ending."""
    return next((quote for quote in _QUOTES if one.position.symbol.endswith(quote)), "")


def _factor(figures: Figures, one: Results, words: Texts) -> Tile:
    turnover, ratio = one.turnover, one.factor
    if turnover is None:
        return _tile(
            "factor", "…" if not figures.is_complete else "–", words, "" if figures.is_complete else words("dash.adding_up")
        )
    note = words("dash.factor_note", won=money(turnover.won), lost=money(turnover.lost))
    return _tile("factor", _ratio(ratio, words), words, note, None if ratio is None else ratio - 1)


def _drawdown(one: Results, words: Texts) -> Tile:
    step = words("dash.by_exit") if len(one.steps) > len(one.days) or one.exits <= CURVE_EXITS else None
    shown = step or words("dash.by_day", count=_count(CURVE_EXITS))
    amount = f"{words.figure(money(one.fall))} {one.quote}"
    if one.drawdown is None:
        return _tile("drawdown", amount, words, tone=one.fall, step=shown)
    return _tile("drawdown", words.figure(per_cent(one.drawdown)), words, amount, one.fall, step=shown)


def _tile(name: str, value: str, words: Texts, note: str = "", tone: Decimal | None = None, **more: str) -> Tile:
    return Tile(words(f"dash.{name}"), value, note, tone, words(f"dash.{name}_help", **more))


def _exits(one: Results, words: Texts) -> Html:
    return words("dash.net_note", exits=_count(one.exits))


def _count(number: int) -> str:
    return grouped(str(number))


def _ratio(ratio: Decimal | None, words: Texts) -> str:
    return "∞" if ratio is None else words.figure(f"{ratio:.2f}")


def _amount(amount: Decimal, quote: str, words: Texts, *, signed: bool = True) -> str:
    return f"{words.figure(money(amount, signed=signed))} {quote}"
