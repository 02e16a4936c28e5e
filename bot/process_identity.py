"""Names this process to people: where it runs, and on which ledger."""

from core.adapters.ledger.engines import parse_url
from core.adapters.ledger.opening import this_process_name


def this_program(database_url: str) -> str:
    """Returns `process 12 on vps-2, ledger /var/lib/marketflow.db`; of a server's URL only host and database. Raises
    LedgerUnavailable for an invalid URL."""
    url = parse_url(database_url)
    at = f"{url.host}/" if url.host else ""
    return f"{this_process_name()}, ledger {at}{url.database or 'in memory'}"
