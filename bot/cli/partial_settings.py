"""Settings for `marketflow check` while some of them are wrong: the parts that the wrong ones do not concern can be tried."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.settings.env_file import read_env_file
from bot.settings.settings import Settings, load_settings
from core.domain.errors import ConfigurationError

_PARTS: Mapping[str, str] = {
    "TG": "telegram",
    "KAFKA": "kafka",
    "DATABASE": "ledger",
    "SNOWFLAKE": "snowflake",
    "HTTP": "webhook",
    "WEBHOOK": "webhook",
    "METRICS": "",
    "LOKI": "",
    "LOG": "",
    "HEARTBEAT": "",
    "RETENTION": "",
}
_OF_TRADING = "binance"  # the exchange's own, and every limit and size that is tried there


@dataclass(frozen=True, slots=True)
class PartialSettings:
    """The settings that are right, the problems of the others, and the parts that cannot be tried without those."""

    settings: Settings
    problems: tuple[str, ...]
    untried: frozenset[str]


def load_partly(env_file: Path = Path(".env")) -> PartialSettings:
    """Loads what is right. Raises ConfigurationError if the file cannot be read, or nothing of use is left."""
    try:
        return PartialSettings(load_settings(env_file=env_file), (), frozenset())
    except ConfigurationError as error:
        problems, given = tuple(error.problems), {**read_env_file(env_file), **os.environ}
    wrong = {name.strip() for problem in problems for name in problem.partition(":")[0].split(",")}
    untried = {part for name in wrong if (part := _part_of(name))}
    # What stands beside a wrong value means nothing without it.
    left = {name: text for name, text in given.items() if name not in wrong and _part_of(name) not in untried}
    return PartialSettings(load_settings(left, env_file=None), problems, frozenset(untried))


def _part_of(name: str) -> str:
    return _PARTS.get(name.partition("_")[0], _OF_TRADING) if name in Settings.variables() else ""
