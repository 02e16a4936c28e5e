"""The program's health, as far as the ledger knows: signs of life, what waits, how long orders take."""

from collections.abc import Sequence
from datetime import UTC, datetime

from bot.texts import Html, Texts
from core.adapters.ledger.analytics import Delay, Pulse
from core.read_models import Selection
from dashboard.looks import Column, pill, put, safe, table, title
from dashboard.reading import answer
from dashboard.source import chosen_source, database_url
from dashboard.view import delays

SILENT_SECONDS = 30  # without a sign of life


def is_alive(pulse: Pulse) -> bool:
    """Tells whether the program gave a sign of life just now."""
    return pulse.seen_at is not None and not _silent(pulse)


def in_a_word(pulse: Pulse, words: Texts) -> Html:
    """Returns the most serious finding in a word."""
    if pulse.seen_at is None:
        return pill(words("dash.never"), "dim")
    if _silent(pulse):
        return pill(words("dash.silent_since", time=words.time(pulse.seen_at)), "down")
    if pulse.held:
        return pill(words("dash.held_in", symbols=", ".join(pulse.held)), "down")
    if pulse.pause != "off":
        return pill(words("dash.paused_entries" if pulse.pause == "entries" else "dash.paused"), "dim")
    return pill(words("dash.alive"), "up")


def show(selection: Selection, words: Texts) -> None:
    """Shows the last sign of life, pause and mode, the backlog, and latency of the newest orders of the selected symbol. Raises
    LedgerUnavailable."""
    found, pulse = answer(delays(database_url(), selection))
    put(title(words("dash.program")), *(f"<p>{line}</p>" for line in pulse_lines(pulse, words)))
    put(title(words("dash.latency")), latency_table(found, words))
    source = chosen_source()
    guarded = "dash.open_to_all" if source.settings.dashboard_password is None else "dash.closed"
    put(title(words("dash.ledger")), f"<p>{safe(source.words())}</p><p>{words(guarded)}</p>")


def pulse_lines(pulse: Pulse, words: Texts) -> list[Html]:
    """Returns a line for each finding, the sign of life first."""
    if pulse.seen_at is None:
        return [pill(words("dash.never"), "dim")]
    if _silent(pulse):
        alive = pill(words("dash.no_sign", time=words.full_moment(pulse.seen_at), holder=pulse.holder), "down")
    else:
        alive = pill(words("dash.alive_in", holder=pulse.holder), "up")
    paused = words(
        "dash.not_paused" if pulse.pause == "off" else "dash.paused_entries" if pulse.pause == "entries" else "dash.paused"
    )
    mode = words("dash.trading_mode", mode=pulse.mode or words("dash.as_set"))
    lines = [alive, pill(f"{paused}, {mode}", "up" if pulse.pause == "off" else "dim")]
    for count, name in ((pulse.unsettled, "unsettled"), (pulse.undecided, "undecided"), (pulse.unsent, "unsent")):
        lines.append(pill(words(f"dash.{name}", count=count), "dim" if count else "up"))
    if pulse.held:
        lines.append(pill(words("dash.held_why", symbols=", ".join(pulse.held)), "down"))
    return lines


def latency_table(found: Sequence[Delay], words: Texts) -> str:
    """Returns how long orders took: the half, and 99 of 100, took no longer."""
    if not found:
        return words("dash.no_orders")
    columns = [Column("", is_word=True, is_first=True), Column("p50"), Column("p99"), Column("")]
    rows = []
    for name, values in (
        ("to_order", [one.to_order for one in found]),
        ("to_settled", [one.to_settled for one in found]),
    ):
        ordered = sorted(values)
        half, most = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
        count = words("dash.of_orders", count=len(ordered))
        rows.append([words(f"dash.{name}"), words.length(f"{half:.3f}"), words.length(f"{most:.3f}"), count])
    return table(columns, rows)


def _silent(pulse: Pulse) -> bool:
    return pulse.seen_at is not None and (datetime.now(UTC) - pulse.seen_at).total_seconds() > SILENT_SECONDS
