"""A symbol whose ledger and exchange disagree: nothing is traded there until the owner accepts it or it goes away."""

from dataclasses import dataclass
from datetime import datetime

from core.domain.reasons import Reason


@dataclass(frozen=True, slots=True)
class Hold:
    """`differences` are what the two disagree about. A lifted hold is kept, so that what was accepted does not hold again;
    `lifted_by` is empty where the difference went away by itself."""

    symbol: str
    differences: tuple[Reason, ...]
    since: datetime
    lifted_at: datetime | None = None
    lifted_by: str = ""

    @property
    def active(self) -> bool:
        """Whether nothing is traded in the symbol because of it."""
        return self.lifted_at is None

    @property
    def words(self) -> str:
        """The differences in English, for logs and refusals."""
        return "; ".join(str(difference) for difference in self.differences)
