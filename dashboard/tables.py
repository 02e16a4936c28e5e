"""Values as the page shows them, as text: a table of numbers would round them by its own rules. Files have full precision."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.domain.money import plain

EXECUTION_SHOWN = (
    "executed_at",
    "symbol",
    "side",
    "qty",
    "price",
    "profit_pct",
    "profit_quote",
    "signal_type",
    "role",
    "strategy",
    "trading_mode",
)
EXECUTION_COLUMNS = (
    *EXECUTION_SHOWN,
    "quote_qty",
    "fee",
    "fee_asset",
    "gross_quote",
    "signal_id",
    "client_order_id",
    "order_id",
    "plan_id",
    "signal_price",
    "arrival_price",
    "asked_qty",
    "fee_quote",
)


def shown(value: object) -> str:
    """Formats a cell."""
    match value:
        case None:
            return ""
        case Decimal():
            return plain(value)
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M:%S")
        case _:
            return str(value)


def table(values: Iterable[Any], columns: Sequence[str]) -> list[dict[str, str]]:
    """Returns rows of cells, column by column, in full precision."""
    return [{column: shown(getattr(value, column)) for column in columns} for value in values]


def as_csv(values: Iterable[Any], columns: Sequence[str]) -> bytes:
    """Returns such rows as a CSV file."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(table(values, columns))
    return text.getvalue().encode()
