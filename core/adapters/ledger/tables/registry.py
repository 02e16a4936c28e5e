"""Every table of the ledger, in the order that foreign keys require. A new table is one entry in its subject's `TABLES`.

Besides its entry it needs a migration and, if trading uses it, a field in `core.records` and a place in `Portfolio`.
"""

from collections.abc import Sequence

from core.adapters.ledger.tables import (
    account_tables,
    control_tables,
    notification_tables,
    order_tables,
    paper_tables,
    people_tables,
    plan_tables,
    protection_tables,
    result_tables,
    signal_tables,
    upkeep_tables,
)
from core.adapters.ledger.tables.entry import LedgerTable

TABLES: Sequence[LedgerTable] = (
    *signal_tables.TABLES,
    *order_tables.TABLES,
    *plan_tables.TABLES,
    *result_tables.TABLES,
    *control_tables.TABLES,
    *account_tables.TABLES,
    *protection_tables.TABLES,
    *people_tables.TABLES,
    *notification_tables.TABLES,
    *upkeep_tables.TABLES,
    *paper_tables.TABLES,
)
