"""STRATEGIES_FILE: settings by strategy and by symbol, in TOML. Treats the file as hostile, and reports all of its problems."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

from pydantic import PlainValidator

from bot.settings import parsers as read
from bot.settings.fields import Approvals, EntryLimits, ExitPlans, Trading
from core.adapters.signals.codec import LONGEST_STRATEGY
from core.domain.dca_step import MOST_STEPS
from core.domain.errors import ConfigurationError
from core.domain.strategy_book import StrategyBook
from core.policy.strategy_settings import AS_THE_ACCOUNT, EVERY, Override, StrategySettings

STRATEGY, SYMBOL = "strategy", "symbol"
_SIZES = ("TRADE_QUOTE", "TRADE_EQUITY_PCT", "TRADE_RISK_PCT")
_OF_STRATEGY = frozenset({"MAX_OPEN_POSITIONS", "MAX_LOSING_EXITS"})
"""Settings that count what a strategy does in all symbols."""
_KEYS = (
    *("TRADE_QTY", *_SIZES, "ENTRY_STYLE", "PRICE_BAND_PCT", "PRICE_SANITY_PCT", "MAX_ORDER_NOTIONAL"),
    *("MAX_OPEN_POSITIONS", "MAX_ENTRIES", "MAX_LOSING_EXITS", "COOLDOWN_AFTER_STOP", "SIGNAL_MAX_AGE", "EXIT_MAX_AGE"),
    *("STOP_LOSS_PCT", "TAKE_PROFIT_PCT", "BREAKEVEN_AFTER", "TIME_LIMIT", "TRAILING_PCT", "TRAILING_ACTIVATION_PCT"),
    *("DCA_STEPS", "PROTECTION", "APPROVAL", "APPROVAL_TTL"),
)
_OF_ACCOUNT = {
    "DAILY_LOSS_LIMIT": "it counts for the whole account: set it in .env or with /set",
    "MAX_DRAWDOWN_PCT": "it counts for the whole account: set it in .env or with /set",
    "MAX_EXPOSURE_PCT": "it counts for the whole account: set it in .env or with /set",
    "SYMBOLS": "it counts for the whole account: set it in .env",
    "TRADING_MODE": "all strategies trade where the account does; accepted: APPROVAL = 'observe', which never trades",
    "PAPER": "no strategy trades on paper beside others that do not; accepted: APPROVAL = 'observe', which never trades",
}


def _readers() -> Mapping[str, Any]:
    """Returns how the value of each setting is read: as in the environment."""
    fields = {name: one for section in (Trading, EntryLimits, ExitPlans, Approvals) for name, one in section.variables().items()}
    return {name: next(_parsers(fields[name].metadata, fields[name].annotation)) for name in _KEYS}


def _parsers(metadata: Iterable[object], annotation: object) -> Iterator[Any]:
    """Yields the parsers of a setting; that of one that may be unset stands in the type."""
    yield from (one.func for one in metadata if isinstance(one, PlainValidator))
    for each in get_args(annotation):
        yield from _parsers(getattr(each, "__metadata__", ()), None)


@dataclass(slots=True)
class _Reading:
    """A file being read: the sections that are right, and what is wrong."""

    sections: dict[StrategyBook, Override] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def all(self, found: Mapping[str, Any]) -> None:
        """Reads the whole file."""
        for key, value in found.items():
            if key not in (STRATEGY, SYMBOL) or not isinstance(value, dict):
                self._fault(key, f"found {_shown(value)}; accepted: the sections [{STRATEGY}.NAME] and [{SYMBOL}.SYMBOL]")
        for name, section in _tables(found.get(STRATEGY)):
            self._strategy(name, section)
        for name, section in _tables(found.get(SYMBOL)):
            self._symbol(SYMBOL, name, section, EVERY)

    def _strategy(self, name: str, section: Any) -> None:
        where = f"{STRATEGY}.{_short(name)}"
        if not 1 <= len(name) <= LONGEST_STRATEGY or not name.isprintable():
            self._fault(where, f"found {_shown(name)}; accepted: a name of 1 to {LONGEST_STRATEGY} printable characters")
            return
        self.names.add(name)
        own = dict(section) if isinstance(section, dict) else section
        symbols = own.pop(SYMBOL, {}) if isinstance(own, dict) else {}
        if not isinstance(symbols, dict):
            self._fault(f"{where}.{SYMBOL}", f"found {_shown(symbols)}; accepted: sections [{where}.{SYMBOL}.SYMBOL]")
        self._section(where, own, StrategyBook(EVERY, name))
        for symbol, values in _tables(symbols):
            self._symbol(f"{where}.{SYMBOL}", symbol, values, name)

    def _symbol(self, above: str, name: str, section: Any, strategy: str) -> None:
        where = f"{above}.{_short(name)}"
        try:
            book = StrategyBook(read.symbol(name), strategy)
        except ValueError as error:
            self._fault(where, f"found {_shown(name)}; accepted: {error}")
            return
        if book in self.sections:
            self._fault(where, f"found {_shown(name)} twice; accepted: one section for {book.symbol}")
            return
        self._section(where, section, book)

    def _section(self, where: str, section: Any, book: StrategyBook) -> None:
        if not isinstance(section, dict):
            self._fault(where, f"found {_shown(section)}; accepted: a section of settings")
            return
        values = {name: value for key, given in section.items() for name, value in self._value(where, key, given, book)}
        self.faults += [f"{where}: {problem}" for problem in _contradictions(values)]
        own = values.pop("MAX_OPEN_POSITIONS", None)
        mode = values.pop("APPROVAL", None)
        self.sections[book] = Override({name.lower(): value for name, value in values.items()}, mode, own)

    def _value(self, where: str, key: str, given: Any, book: StrategyBook) -> Iterator[tuple[str, Any]]:
        """Yields the setting and its value; nothing for a fault."""
        place, readers = f"{where}.{_short(key)}", _readers()
        if key in _OF_ACCOUNT:
            self._fault(place, f"found {_shown(given)}; {_OF_ACCOUNT[key]}")
        elif key not in readers:
            self._fault(place, f"found {_shown(given)}; accepted: the settings {', '.join(_KEYS)}")
        elif key in _OF_STRATEGY and book.symbol != EVERY:
            self._fault(place, f"found {_shown(given)}; accepted: in a section [{STRATEGY}.NAME], as it counts all symbols")
        elif isinstance(given, bool) or not isinstance(given, str | int | Decimal):
            self._fault(place, f"found {_shown(given)}; accepted: a text or a number")
        else:
            try:
                yield key, readers[key](f"{given:f}" if isinstance(given, Decimal) else str(given))
            except ValueError as error:
                self._fault(place, f"found {_shown(given)}; accepted: {error}")

    def _fault(self, where: str, what: str) -> None:
        self.faults.append(f"{where}: {what}")


def strategy_settings(path: Path | None) -> StrategySettings:
    """Returns what the file says; the account's settings for all without one. Raises ConfigurationError with all problems."""
    if path is None:
        return AS_THE_ACCOUNT
    settings, faults = _read(path)
    if faults:
        raise ConfigurationError([f"STRATEGIES_FILE: {fault}" for fault in faults])
    return settings


def strategy_faults(given: Mapping[str, str]) -> Iterator[str]:
    """Yields every problem of the file that the settings name; one that is not there is reported with the other settings."""
    try:
        path = read.existing_file(given["STRATEGIES_FILE"])
    except (KeyError, ValueError):
        return
    yield from (f"STRATEGIES_FILE: {fault}" for fault in _read(path)[1])


def _read(path: Path) -> tuple[StrategySettings, list[str]]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except (OSError, ValueError, RecursionError) as error:  # an unreadable byte is a ValueError, too
        return AS_THE_ACCOUNT, [f"{path} cannot be read as TOML: {_short(str(error))}; accepted: a TOML file in UTF-8"]
    reading = _Reading()
    reading.all(found)
    return StrategySettings(reading.sections, frozenset(reading.names)), reading.faults


def _tables(found: Any) -> Iterator[tuple[str, Any]]:
    return iter(found.items()) if isinstance(found, dict) else iter(())


def _contradictions(values: Mapping[str, Any]) -> Iterator[str]:
    """Yields the settings of one section that contradict each other."""
    sizes = [name for name in _SIZES if name in values]
    if len(sizes) > 1:
        yield f"{', '.join(sizes)}: {len(sizes)} sizes of an entry; accepted: one of them"
    if len(values.get("DCA_STEPS", ())) >= values.get("MAX_ENTRIES", MOST_STEPS + 1):
        found, most = len(values["DCA_STEPS"]), values["MAX_ENTRIES"]
        yield f"DCA_STEPS: found {found} steps; accepted: fewer than MAX_ENTRIES, which is {most}"
    for least, most in (("TRADE_QUOTE", "MAX_ORDER_NOTIONAL"), ("PRICE_BAND_PCT", "PRICE_SANITY_PCT")):
        if least in values and most in values and values[least] > values[most]:
            yield f"{least}: found {values[least]:f}; accepted: at most {most}, which is {values[most]:f}"


def _shown(value: object) -> str:
    return "a section" if isinstance(value, dict) else read.found(_short(str(value)), secret=False)


def _short(text: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in text[:60])
