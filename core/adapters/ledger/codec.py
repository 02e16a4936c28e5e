"""Stores values without columns of their own as JSON text: exact (Decimals are strings) and storable whatever a record held."""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from decimal import Decimal
from typing import Any, Generic, Protocol, TypeVar, get_args

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, from_json

from core.domain.access import Reader
from core.domain.events.table import Event
from core.domain.exit_plan import ExitPlan
from core.domain.messages import Body
from core.domain.order import ExecutionReport
from core.domain.pending_exit import PendingExit
from core.domain.reasons import Reason
from core.domain.signal import Signal
from core.domain.trade_plan import PartSold, PlanChange
from core.domain.trade_size import Sizing
from core.domain.trading_state import Panic
from core.policy.rule_measurements import DecisionRecord

T = TypeVar("T")


class _OfKind(Protocol):
    @property
    def kind(self) -> str: ...


K = TypeVar("K", bound=_OfKind)


class Codec(Generic[T]):
    """Converts one kind of value to text and back."""

    def __init__(self, adapter: TypeAdapter[T]) -> None:
        self._adapter = adapter
        self._to_json: Callable[[T], bytes] = adapter.serializer.to_json  # what the adapter calls, without its own arguments
        self._of_json: Callable[[str], T] = adapter.validator.validate_json

    def encode(self, value: T) -> str:
        """Encodes the value as JSON. Raises ValueError if it is nested more than 250 deep."""
        try:
            return self._to_json(value).decode()
        except PydanticSerializationError:
            # A record may hold half a surrogate pair, which no UTF-8 text can: it becomes a question mark.
            return storable(json.dumps(self._adapter.dump_python(value, mode="json"), ensure_ascii=False))

    def decode(self, text: str) -> T:
        """Decodes what `encode` returned. Raises ValueError."""
        try:
            return self._of_json(text)
        except ValidationError:
            # pydantic writes deeper nestings than it reads; the standard library reads them all.
            return self._adapter.validate_python(json.loads(text))


class KindCodec(Generic[K]):
    """Converts the values of a union of dataclasses, each of a `kind`. The codec of a kind is built when its first value comes:
    all of them together would take a tenth of the start, and few are needed for it."""

    def __init__(self, union: Any, config: ConfigDict | None = None) -> None:
        self._members: Mapping[str, type[K]] = {_kind_of(member): member for member in get_args(union)}
        self._config = config
        self._codecs: dict[str, Codec[K]] = {}

    def encode(self, value: K) -> str:
        """Encodes the value as JSON. Raises ValueError if it is nested more than 250 deep."""
        return self._of(value.kind).encode(value)

    def decode(self, text: str) -> K:
        """Decodes what `encode` returned. Raises ValueError."""
        try:
            values = from_json(text)
        except ValueError:
            values = json.loads(text)  # reads deeper nestings
        return self._of(str(values.get("kind")) if isinstance(values, dict) else "").decode(text)

    def _of(self, kind: str) -> Codec[K]:
        known = self._codecs.get(kind)
        if known is None:
            if kind not in self._members:
                raise ValueError("a value of no known kind")
            # pydantic takes a configuration for a union, but for no dataclass; None is never written, nor read: it has no kind.
            member: Any = self._members[kind] | None
            known = self._codecs[kind] = Codec(TypeAdapter(member, config=self._config))
        return known


def _kind_of(member: Any) -> str:
    (kind,) = (str(field.default) for field in fields(member) if field.name == "kind")
    return kind


def storable(text: str) -> str:
    """Returns `text` without what a database refuses: half surrogate pairs (no UTF-8) and NUL (PostgreSQL takes none in TEXT)."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


bodies: KindCodec[Body] = KindCodec(Body)
events: KindCodec[Event] = KindCodec(Event, ConfigDict(ser_json_bytes="base64", val_json_bytes="base64"))
signals: Codec[Signal] = Codec(TypeAdapter(Signal))
reports: Codec[ExecutionReport] = Codec(TypeAdapter(ExecutionReport))
reasons: Codec[tuple[Reason, ...]] = Codec(TypeAdapter(tuple[Reason, ...]))
facts: Codec[DecisionRecord] = Codec(TypeAdapter(DecisionRecord))
panics: Codec[Panic] = Codec(TypeAdapter(Panic))
exits: Codec[PendingExit] = Codec(TypeAdapter(PendingExit))
readers: Codec[Reader] = Codec(TypeAdapter(Reader))
params: Codec[Mapping[str, str]] = Codec(TypeAdapter(Mapping[str, str]))
plans: Codec[ExitPlan] = Codec(TypeAdapter(ExitPlan))
sizings: Codec[Sizing] = Codec(TypeAdapter(Sizing))
amounts: Codec[Mapping[str, Decimal]] = Codec(TypeAdapter(Mapping[str, Decimal]))
changes: Codec[PlanChange] = Codec(TypeAdapter(PlanChange))
prices: Codec[tuple[Decimal, ...]] = Codec(TypeAdapter(tuple[Decimal, ...]))
parts_sold: Codec[tuple[PartSold, ...]] = Codec(TypeAdapter(tuple[PartSold, ...]))
