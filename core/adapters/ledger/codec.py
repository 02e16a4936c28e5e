"""Stores values without columns of their own as JSON text: exact (Decimals are strings) and storable whatever a record held."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Generic, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

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


def storable(text: str) -> str:
    """Returns `text` without what a database refuses: half surrogate pairs (no UTF-8) and NUL (PostgreSQL takes none in TEXT)."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


bodies: Codec[Body] = Codec(TypeAdapter(Annotated[Body, Field(discriminator="kind")]))
events: Codec[Event] = Codec(
    TypeAdapter(
        Annotated[Event, Field(discriminator="kind")], config=ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")
    )
)
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
