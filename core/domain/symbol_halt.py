"""Halts: a symbol whose ledger and exchange disagree, or an account that others trade on, takes no entries until the owner
accepts it or the cause goes away. Exits go on."""

from dataclasses import dataclass
from datetime import datetime

from core.domain.reasons import Reason


@dataclass(frozen=True, slots=True)
class SymbolHalt:
    """A halt of `symbol`, or of all if it is `core.domain.account.ACCOUNT`. `differences` are the causes. A lifted halt is kept,
    so that what was accepted does not halt again; `lifted_by` is empty if the difference went away by itself."""

    symbol: str
    differences: tuple[Reason, ...]
    since: datetime
    lifted_at: datetime | None = None
    lifted_by: str = ""

    @property
    def active(self) -> bool:
        """Tells whether it halts entries."""
        return self.lifted_at is None

    @property
    def words(self) -> str:
        """Returns the differences in English, for logs and refusals."""
        return "; ".join(str(difference) for difference in self.differences)
