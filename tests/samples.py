"""Values of any type, made from its annotations: for tests that go through every class of a kind."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")

_PLAIN: Mapping[object, Any] = {
    str: "7",
    int: 7,
    bool: True,
    float: 1.5,
    bytes: b"raw",
    Decimal: Decimal("1.5"),
    datetime: datetime(2026, 3, 1, 12, 30, tzinfo=UTC),
    time: time(7, 30),
}


def sample(kind: type[T]) -> T:
    """Returns a value of the dataclass `kind`: fields with a default keep it, each other one gets a value of its type."""
    return cast("T", _sample(kind))


def _sample(kind: Any) -> Any:  # noqa: PLR0911 - flat: one line for each kind of type
    if kind in _PLAIN:
        return _PLAIN[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return arguments[0]
    if origin in (Union, UnionType):
        return _sample(next(one for one in arguments if one is not NoneType))
    if origin is tuple:
        return () if arguments[-1:] == (...,) else tuple(_sample(one) for one in arguments)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {}
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return []
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind))
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        needed = [each for each in fields(kind) if each.default is MISSING and each.default_factory is MISSING]
        return cast("Any", kind)(**{each.name: _sample(hints[each.name]) for each in needed})
    raise TypeError(f"no sample of {kind}")
