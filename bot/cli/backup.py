"""`marketflow backup FILE`: a complete, consistent copy of the ledger, taken while the program works on it."""

from collections.abc import Callable
from pathlib import Path

from bot.settings.settings import Settings
from core.adapters.ledger.copies import copy_ledger
from core.adapters.ledger.engines import is_missing, parse_url
from core.domain.errors import LedgerNotReady

_MEGABYTE = 1_000_000


async def backup(settings: Settings, target: Path, say: Callable[[str], None]) -> None:
    """Writes the copy into the new file `target`. Raises MarketFlowError; then there is no such file."""
    url = parse_url(settings.database_url.get_secret_value())
    if is_missing(url):
        raise LedgerNotReady(f"there is no ledger at {url.database} yet; the first start of MarketFlow makes it")
    size = copy_ledger(url, target)
    made = f"{target}: a complete copy of the ledger, {size / _MEGABYTE:.1f} MB"
    say(f"{made}. Keep it apart from .env; `marketflow restore` puts it back")
