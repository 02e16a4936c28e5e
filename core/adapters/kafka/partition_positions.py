"""The position in each partition: loaded from the ledger once, then moved on with each delivery."""

from collections.abc import Awaitable, Callable, Mapping

from core.domain.messages import SourcePosition
from core.ports.signal_source import Deliver

StoredPositions = Callable[[], Awaitable[Mapping[int, SourcePosition]]]
"""Returns the position of each partition, as the ledger has it. Raises LedgerUnavailable."""


class PartitionPositions:
    """The next offset of each partition of the source `name`: everything before it is delivered."""

    def __init__(self, name: str, stored: StoredPositions, deliver: Deliver) -> None:
        self._name = name
        self._stored = stored
        self._deliver = deliver
        self._offsets: dict[int, int] | None = None
        self._generations: dict[int, int] = {}
        self._witnesses: dict[int, str] = {}

    @property
    def offsets(self) -> dict[int, int]:
        """Returns the next offsets; changes to the answer are kept."""
        if self._offsets is None:
            self._offsets = {}
        return self._offsets

    async def load(self) -> Mapping[int, int]:
        """Returns the next offsets, from the ledger if they are not known yet. Raises LedgerUnavailable."""
        if self._offsets is None:
            stored = await self._stored()
            self._offsets = {number: position.offset for number, position in stored.items()}
            self._generations = {number: position.generation for number, position in stored.items()}
            self._witnesses = {number: position.witness for number, position in stored.items()}
        return self._offsets

    def generation(self, partition: int) -> int:
        """Returns how often the partition was recreated or cut."""
        return self._generations.get(partition, 0)

    def begin_generation(self, partition: int) -> None:
        """Counts that the partition was recreated or cut: its records get new identities."""
        self._generations[partition] = self.generation(partition) + 1

    def witness(self, partition: int) -> str:
        """Returns the fingerprint of the last record taken; empty if there was none."""
        return self._witnesses.get(partition, "")

    def lag(self, ends: Mapping[int, int]) -> int | None:
        """Returns how many records lie before `ends` and are not delivered; None before the positions are known."""
        if self._offsets is None:
            return None
        return sum(max(0, end - self._offsets.get(number, end)) for number, end in ends.items())

    async def store(self, partition: int, offset: int) -> None:
        """Stores a position without records. Raises LedgerUnavailable."""
        await self._deliver([], [], SourcePosition(self._name, partition, offset, self.generation(partition)))
        self.delivered(partition, offset, "")

    def after(self, partition: int, offset: int, witness: str) -> SourcePosition:
        """Returns the position after records that are to be delivered with it."""
        return SourcePosition(self._name, partition, offset, self.generation(partition), witness)

    def delivered(self, partition: int, offset: int, witness: str) -> None:
        """Moves on to a position that is stored."""
        self.offsets[partition], self._witnesses[partition] = offset, witness
