"""The ledger's answer to a message that came in."""

from core.domain.messages import StoredMessage
from core.domain.signal_conflict import Conflict

Arrival = StoredMessage | Conflict | None
"""The result of storing a message; None: it was known already."""
