"""The health of the parts, collected for /readyz, /status and the metrics."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Check = Callable[[], tuple[bool, str]]


@dataclass(frozen=True, slots=True)
class HealthChecks:
    """A check for each part by name: whether it is well, and a detail. All `required` ones must be well for the process to be
    ready; trading does not need the `optional` ones, which may be away for a day."""

    required: dict[str, Check] = field(default_factory=dict)
    optional: dict[str, Check] = field(default_factory=dict)

    def of_required(self) -> Mapping[str, tuple[bool, str]]:
        """Returns the state of the required parts."""
        return {name: check() for name, check in self.required.items()}

    def of_all(self) -> Mapping[str, tuple[bool, str]]:
        """Returns the state of every part."""
        return {name: check() for name, check in {**self.required, **self.optional}.items()}
