"""The ledger's answer to a message that came in."""

from core.domain.messages import StoredMessage
from core.domain.signal_conflict import Conflict

Arrival = StoredMessage | Conflict | None
"""What became of a message that was to be stored; None: it was known already."""
