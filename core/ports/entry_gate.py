"""The last word on entries, held by who runs the program."""

from collections.abc import Callable

from core.domain.reasons import Reason

EntryGate = Callable[[], Reason | None]
"""Why no entry is made now, whoever wants it; None while they are. Exits never ask. Answers at once, from what is known."""
