"""The outcome of a stored message."""

from dataclasses import dataclass
from datetime import datetime

from core.domain.messages import StoredMessage
from core.domain.reasons import Reason
from core.policy.rule_measurements import DecisionRecord


@dataclass(frozen=True, slots=True)
class MessageOutcome:
    """The result of a stored message: `outcome` is the metric's label (`ordered`, `ignored`, `denied`, `expired`, `observed`,
    `awaiting_approval`, `put_off`, `done`, `failed`), `reason` why (English sentence and code are both stored), `facts` the
    numbers behind the decision. `brings` is the message itself, if it comes into the ledger with this."""

    seq: int
    outcome: str
    at: datetime
    reason: Reason | None = None
    facts: DecisionRecord | None = None
    brings: StoredMessage | None = None
