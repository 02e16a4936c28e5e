"""Loads exported executions into DuckDB's raw.executions, each once: `python load.py FILE.csv WAREHOUSE.duckdb`.

Runs in the warehouse's own environment. The file is a whole ledger: a warehouse built from another one is rebuilt. A row that is
there already and equal is left alone, so that a second run changes nothing; one that differs is replaced and dated anew, as in
the export to Snowflake.
"""

import os
import sys

import duckdb

_AMOUNT, _TEXT = "DECIMAL(38, 16)", "VARCHAR"
COLUMNS = {
    "execution_id": _TEXT,
    "symbol": _TEXT,
    "executed_at": "TIMESTAMPTZ",
    "side": _TEXT,
    "qty": _AMOUNT,
    "price": _AMOUNT,
    "profit_pct": _AMOUNT,
    "signal_type": _TEXT,
    "signal_id": _TEXT,
    "client_order_id": _TEXT,
    "order_id": _TEXT,
    "quote_qty": _AMOUNT,
    "fee": _AMOUNT,
    "fee_asset": _TEXT,
    "profit_quote": _AMOUNT,
    "trading_mode": _TEXT,
    "gross_quote": _AMOUNT,
    "base_asset": _TEXT,
    "quote_asset": _TEXT,
    "strategy": _TEXT,
    "role": _TEXT,
    "plan_id": _TEXT,
    "signal_price": _AMOUNT,
    "arrival_price": _AMOUNT,
    "asked_qty": _AMOUNT,
    "fee_quote": _AMOUNT,
}


def load(csv: str, warehouse: str) -> tuple[int, int, bool]:
    """Returns how many rows were new or changed, how many there are now, and whether those of another ledger were removed."""
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    kinds = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
    as_written = """delim = ',', quote = '"', escape = '"', nullstr = ''"""  # nothing is guessed
    differs = " OR ".join(f"t.{name} IS DISTINCT FROM s.{name}" for name in COLUMNS if name != "execution_id")
    new = ", ".join(f"{name} = s.{name}" for name in COLUMNS if name != "execution_id")
    with duckdb.connect(warehouse) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("CREATE SCHEMA IF NOT EXISTS raw")
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS raw.executions ({columns}, exported_at TIMESTAMPTZ, PRIMARY KEY (execution_id))"
        )
        for name, kind in COLUMNS.items():  # a warehouse of an earlier version lacks the last ones
            connection.execute(f"ALTER TABLE raw.executions ADD COLUMN IF NOT EXISTS {name} {kind}")
        new_rows = f"SELECT {', '.join(COLUMNS)} FROM read_csv(?, header = true, {as_written}, types = {{{kinds}}})"
        others = f"SELECT 1 FROM raw.executions WHERE execution_id NOT IN (SELECT execution_id FROM ({new_rows})) LIMIT 1"
        was_another = connection.execute(others, [csv]).fetchone() is not None
        if was_another:
            connection.execute("DELETE FROM raw.executions")
            connection.execute("DROP SCHEMA IF EXISTS history CASCADE")
        changed = connection.execute(
            "MERGE INTO raw.executions t"
            f" USING ({new_rows}) s"
            " ON t.execution_id = s.execution_id"
            f" WHEN MATCHED AND ({differs}) THEN UPDATE SET {new}, exported_at = now()"
            f" WHEN NOT MATCHED THEN INSERT ({', '.join(COLUMNS)}, exported_at)"
            f" VALUES ({', '.join(f's.{name}' for name in COLUMNS)}, now())",
            [csv],
        ).fetchone()
        count = connection.execute("SELECT count(*) FROM raw.executions").fetchone()
        return (changed[0] if changed else 0, count[0] if count else 0, was_another)


if __name__ == "__main__":
    os.umask(0o077)  # new files are readable by their owner only
    fresh, total, anew = load(sys.argv[1], sys.argv[2])
    print(f"raw.executions: {fresh} new or changed, {total} in all{'; built anew, it was of another ledger' if anew else ''}")  # noqa: T201
