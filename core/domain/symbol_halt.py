"""A symbol whose ledger and exchange disagree, or an account that others trade on: nothing is bought there until the owner
accepts it or it goes away. Exits go on."""

from dataclasses import dataclass
from datetime import datetime

from core.domain.reasons import Reason


@dataclass(frozen=True, slots=True)
class SymbolHalt:
    """`symbol` is `core.domain.account.ACCOUNT` for all of them. `differences` are what is the matter. A lifted hold is kept,
    so that what was accepted does not hold again; `lifted_by` is empty where the difference went away by itself."""

    symbol: str
    differences: tuple[Reason, ...]
    since: datetime
    lifted_at: datetime | None = None
    lifted_by: str = ""

    @property
    def active(self) -> bool:
        """Whether nothing is bought because of it."""
        return self.lifted_at is None

    @property
    def words(self) -> str:
        """The differences in English, for logs and refusals."""
        return "; ".join(str(difference) for difference in self.differences)
