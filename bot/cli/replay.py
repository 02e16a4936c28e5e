"""`marketflow replay`: recorded signals through today's settings, or changed ones, beside what really came of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.cli.replay_report import report_lines, shadow_lines
from bot.clock import SystemClock
from bot.factories import binance_client, limits_of
from bot.settings.settings import Settings
from bot.settings.strategies import strategy_settings
from core.adapters.ledger.demo_location import ledger_to_read
from core.adapters.ledger.opening import look_into_ledger
from core.adapters.ledger.recording_reader import RecordingReader
from core.domain.candle import Candle, Interval
from core.domain.errors import ConfigurationError, SymbolUnknown
from core.domain.instrument import Instrument
from core.domain.risk_limit import LimitSet
from core.policy.decision_context import RiskLimits
from core.policy.risk.limits import SETTABLE_LIMITS, asset_of, is_good, with_set
from core.ports.market_data import MarketData
from core.records.ledger_state import LedgerState
from core.records.recording import Recording
from core.replay.candles import candle_points, interval_for
from core.replay.prices import PricePoint, recorded_points
from core.replay.replay import ReplayTerms, replay, shadow_of

_BATCH = 1_000  # candles in one answer


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """A replay as it was asked for: `changes` are rules by name, as their settings write them; `candles` from the exchange;
    `lists_all`: every signal is listed, not only those that were decided otherwise; `shadow`: what was traded
    is compared with its shadow instead."""

    since: datetime | None = None
    strategy: str | None = None
    changes: Mapping[str, str] = field(default_factory=dict)
    candles: bool = False
    demo: bool = False
    lists_all: bool = False
    shadow: bool = False


def read_changes(words: Sequence[str]) -> Mapping[str, str]:
    """Parses `RULE=VALUE` words. Raises ConfigurationError with everything that is wrong."""
    changes, problems = {}, []
    for word in words:
        name, _, value = word.partition("=")
        name = name.strip().upper()
        if name not in SETTABLE_LIMITS:
            problems.append(f"--set {word}: there is no rule {name}; accepted: {', '.join(SETTABLE_LIMITS)}")
        elif not is_good(name, value):
            example = SETTABLE_LIMITS[name].example
            problems.append(f"--set {word}: {value!r} is not valid for {name}; for example {name}={example}")
        changes[name] = value
    if problems:
        raise ConfigurationError(problems)
    return changes


def read_moment(text: str) -> datetime:
    """Parses a day or a moment, UTC unless it names a zone. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


async def prepare(settings: Settings, request: ReplayRequest) -> tuple[Recording, ReplayTerms]:
    """Reads the ledger, and the exchange's candles if they are asked for. Raises MarketFlowError where that is impossible."""
    clock = SystemClock()
    named = settings.database_url.get_secret_value() if "DATABASE_URL" in settings.given else None
    url, _ = ledger_to_read(named, demo=request.demo)
    ledger = await look_into_ledger(url, clock)
    try:
        state = await ledger.load(clock.now().date().isoformat())
        recording = await RecordingReader(ledger.reader).read(clock.now(), request.since)
    finally:
        await ledger.close()
    instruments, points = await _from_exchange(settings, recording) if request.candles else ({}, ())
    terms = ReplayTerms(
        limits=_limits(settings, state, request.changes, clock.now()),
        strategy_settings=strategy_settings(settings.strategies_file),
        strategy_limits=tuple(state.strategy_limits),
        mode=settings.approval,
        instruments=instruments,
        points=points,
        strategy=request.strategy,
    )
    return recording, terms


def _limits(settings: Settings, state: LedgerState, changes: Mapping[str, str], now: datetime) -> RiskLimits:
    """Returns the limits in force, by the settings and the chat, with the changes."""
    base = limits_of(settings)
    changed = [LimitSet(name, value, "replay", now, asset_of(base, name)) for name, value in changes.items()]
    return with_set(base, [*(one for one in state.limits if one.name not in changes), *changed])


async def _from_exchange(settings: Settings, recording: Recording) -> tuple[Mapping[str, Instrument], tuple[PricePoint, ...]]:
    """Returns the rules of the recorded symbols as they are today, and their candles over the span."""
    known = recorded_points(recording)
    if not known:
        return {}, ()
    client = binance_client(settings)
    try:
        symbols = sorted({one.symbol for one in known})
        instruments = await client.instruments(symbols)
        points: list[PricePoint] = []
        for symbol in sorted(instruments):
            own = [one.at for one in known if one.symbol == symbol]
            points += await _candles(client, symbol, min(own), recording.until)
    finally:
        await client.close()
    return instruments, tuple(points)


async def _candles(market: MarketData, symbol: str, since: datetime, until: datetime) -> list[PricePoint]:
    interval: Interval = interval_for(since, until)
    found: list[Candle] = []
    try:
        while batch := await market.candles(symbol, interval, since, _BATCH):
            found += [one for one in batch if one.opened_at < until]
            since = batch[-1].opened_at + interval.length
            if len(batch) < _BATCH or since >= until:
                break
    except SymbolUnknown:
        return []
    return [one for one in candle_points(symbol, found, interval.length) if one.at <= until]


def say_replay(recording: Recording, terms: ReplayTerms, request: ReplayRequest, say: Callable[[str], None]) -> None:
    """Replays, and says what would have come of it. The calling thread must have no running event loop."""
    if request.shadow:
        for line in shadow_lines(shadow_of(recording, terms)):
            say(line)
        return
    for line in report_lines(replay(recording, terms), request.changes, lists_all=request.lists_all):
        say(line)
