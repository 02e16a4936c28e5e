"""A setting of one strategy that a person set in the chat, before what STRATEGIES_FILE and the account's settings say."""

from dataclasses import dataclass

from core.domain.risk_limit import LimitSet


@dataclass(frozen=True, slots=True)
class StrategyLimit:
    """A setting as `limit` says, for `strategy` alone, in all symbols; a value of None restores what holds without it."""

    strategy: str
    limit: LimitSet


@dataclass(frozen=True, slots=True)
class SettingChange:
    """A value in force and the one that takes its place, both as the setting is written; empty where there is none."""

    name: str
    before: str
    after: str
