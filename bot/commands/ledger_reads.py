"""Ledger queries of the commands, as ports: what `core.adapters.ledger` answers in the program, and a fake in tests."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.reports.tax_export import Executions
from core.domain.day_result import DayResult
from core.domain.order import Order
from core.domain.position import Execution, Trade
from core.read_models import (
    NEWEST,
    Act,
    Gain,
    LetterStory,
    Page,
    Performance,
    PrunedSignal,
    QualityReport,
    Selection,
    SignalStory,
    Story,
)
from core.records.recording import Recording
from core.records.replay_result import Replayed
from core.records.shadow import ShadowReport
from core.replay.replay import ReplayTerms


class Queries(Executions, Protocol):
    """Reads the ledger for the commands. Every method raises LedgerUnavailable."""

    async def recent_signals(self, limit: int, *, symbol: str | None = None, page: Page = NEWEST) -> Sequence[SignalStory]:
        """Returns the last signals, the newest first."""
        ...

    async def recent_trades(self, limit: int, *, symbol: str | None = None, page: Page = NEWEST) -> Sequence[tuple[int, Trade]]:
        """Returns the last closed trades with their numbers, the newest first."""
        ...

    async def recent_orders(self, limit: int) -> Sequence[Order]:
        """Returns the last orders, the newest first."""
        ...

    async def recent_executions(self, limit: int) -> Sequence[Execution]:
        """Returns the last executed orders, the newest first."""
        ...

    async def acts(self, limit: int, *, page: Page = NEWEST) -> Sequence[Act]:
        """Returns the requests of people and timers, the newest first."""
        ...

    async def began_at(self) -> datetime | None:
        """Returns the time of the oldest event; None before the first start."""
        ...

    async def day_results(self, since: str) -> Sequence[DayResult]:
        """Returns the day results from the UTC day `since` (`YYYY-MM-DD`, empty: all) on."""
        ...


class Stories(Protocol):
    """Reads everything about one signal. Every method raises LedgerUnavailable."""

    async def last(self) -> Sequence[int]:
        """Returns the inbox seq of the last signal."""
        ...

    async def named(self, name: str) -> Sequence[int]:
        """Returns the inbox seqs of the signals that a name means, the newest first."""
        ...

    async def told_by(self, chat_id: int, message_id: int) -> Sequence[int]:
        """Returns the inbox seqs of the signals that a message is about, the newest first."""
        ...

    async def letter(self, position: str) -> LetterStory | None:
        """Returns the unreadable record from that place."""
        ...

    async def letter_told_by(self, chat_id: int, message_id: int) -> LetterStory | None:
        """Returns the first unreadable record that a message is about."""
        ...

    async def pruned(self, seq: int) -> PrunedSignal | None:
        """Returns the remains of a pruned signal, by its inbox seq."""
        ...

    async def pruned_before(self) -> datetime | None:
        """Returns the time from which on nothing was pruned yet; None where the ledger was never pruned."""
        ...

    async def story(self, seq: int) -> Story | None:
        """Returns everything about one signal."""
        ...


class Analytics(Protocol):
    """Adds up the ledger. Every method raises LedgerUnavailable."""

    async def performance(self, by: str, selection: Selection) -> Sequence[Performance]:
        """Returns exits by `symbol` or `signal_type`: by quote asset, the most profitable of each first."""
        ...

    async def gains(self, selection: Selection, limit: int) -> Sequence[Gain]:
        """Returns the newest `limit` exits, the oldest of them first."""
        ...

    async def days(self, selection: Selection) -> Sequence[Gain]:
        """Returns the net profit of each UTC day, the oldest first."""
        ...

    async def executions(self, selection: Selection, limit: int) -> Sequence[Execution]:
        """Returns the newest executed orders of the selection, the newest first."""
        ...

    async def symbols(self) -> Sequence[str]:
        """Returns every symbol that ever had a position."""
        ...


class QualityReads(Protocol):
    """Measures execution. Every method raises LedgerUnavailable."""

    async def report(self, selection: Selection, groups: Sequence[str]) -> QualityReport:
        """Returns how well the signals of the selection were executed, in all and by each of `groups`."""
        ...


class Recordings(Protocol):
    """Reads what a replay needs. Raises LedgerUnavailable."""

    async def read(self, until: datetime, since: datetime | None = None, most_signals: int | None = None) -> Recording:
        """Returns the record from `since` to now, which is `until`; of more than `most_signals` signals the newest."""
        ...


class Replays(Protocol):
    """Replays recordings elsewhere. Each method returns None where that takes too long, or fails."""

    async def replay(self, recording: Recording, terms: ReplayTerms) -> Replayed | None:
        """Returns what would have come of the recording."""
        ...

    async def shadow(self, recording: Recording, terms: ReplayTerms) -> ShadowReport | None:
        """Returns what was traded beside its shadow."""
        ...


@dataclass(frozen=True, slots=True)
class LedgerReads:
    """The ledger, for reading only; and what replays a recording of it."""

    queries: Queries
    analytics: Analytics
    stories: Stories
    quality: QualityReads
    recordings: Recordings
    replays: Replays
