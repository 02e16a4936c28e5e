"""Rows, and the columns that several tables share."""

from collections.abc import Mapping
from typing import Any

from core.adapters.ledger import codec
from core.adapters.ledger.codec import storable
from core.domain.reasons import Reason
from core.domain.signal import Signal

Row = dict[str, Any]
"""Column name to value."""


def reason_columns(reason: Reason | None) -> Row:
    return {
        "reason_code": reason.code if reason else None,
        "reason_params": codec.params.encode(reason.params) if reason else None,
        "reason": storable(str(reason)) if reason else None,
    }


def reason_of(row: Mapping[str, Any]) -> Reason | None:
    """Returns the refusal that a row holds; its sentence is rebuilt from code and parameters."""
    code = row["reason_code"]
    return None if code is None else Reason(code, codec.params.decode(row["reason_params"]))


def signal_columns(signal: Signal) -> Row:
    return {
        "signal_type": storable(signal.signal_type),
        "signal_id": storable(signal.signal_id),
        "symbol": storable(signal.symbol),
        "signal": codec.signals.encode(signal),
    }
