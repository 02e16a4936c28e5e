"""The errors of MarketFlow, and what whoever catches one does.

    MarketFlowError
    ├── ConfigurationError     a setting is wrong: say all of it, end with exit code 2
    ├── LedgerUnavailable      a commit did not happen: do nothing to the world, try again
    │   └── LedgerNotReady     none yet, or of an older version: the start of the program makes it ready
    ├── LedgerInUse            another process holds the ledger: say who, end
    ├── LeaseLost              another process took the ledger over: end at once, touch nothing
    │   └── LedgerSetBack      the ledger is not as this process left it: end at once; the next start asks the exchange
    ├── ExchangeUnavailable    a question (never an order) had no answer: ask again, refuse meanwhile
    │   └── SymbolUnknown      it had one: there is no such symbol; this symbol cannot be asked about, all others can
    ├── SourceUnavailable      no signals come: say so, connect again
    ├── HistoryUnavailable     the history takes or tells nothing: keep what it should have, try again
    └── IllegalTransition      a bug: the process ends before it does harm

Refusals are not errors: they are values, see `core.domain.reasons`.
"""


class MarketFlowError(Exception):
    """Anything that MarketFlow raises on purpose. Its text is safe to show: no secret is ever put into it."""


class ConfigurationError(MarketFlowError):
    """One or more settings are wrong; `problems` names each: the variable, what was found, what is accepted."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class LedgerUnavailable(MarketFlowError):
    """The ledger could not be read or written; nothing of the commit happened."""


class LedgerNotReady(LedgerUnavailable):
    """There is no ledger yet, or one of an older version: the start of the program makes it ready."""


class LedgerInUse(MarketFlowError):
    """Another process works on the ledger."""


class LeaseLost(MarketFlowError):
    """This process no longer holds the ledger: it may neither write nor trade, ever again."""


class LedgerSetBack(LeaseLost):
    """The ledger is older than this process left it, or another one: what was committed since is not in it."""


class ExchangeUnavailable(MarketFlowError):
    """The exchange did not answer a question, or not readably. `retry_after` is in seconds, 0 where it named none."""

    def __init__(self, message: str, *, retry_after: float = 0.0) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class SymbolUnknown(ExchangeUnavailable):
    """The exchange says that it knows no such symbol: there never was one, or it was delisted."""


class SourceUnavailable(MarketFlowError):
    """A source of signals cannot be reached."""


class HistoryUnavailable(MarketFlowError):
    """The history (Snowflake) took nothing, or told nothing."""


class IllegalTransition(MarketFlowError):
    """An order was about to make a move that the table of moves does not allow."""
