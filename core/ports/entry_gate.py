"""The final check on entries, owned by the program around the core."""

from collections.abc import Callable

from core.domain.reasons import Reason

EntryGate = Callable[[], Reason | None]
"""Returns why no entry is made now, for any signal; None while entries are made. Exits never call it. Answers at once, from
memory."""
