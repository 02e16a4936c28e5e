"""The errors of MarketFlow, and the reaction to each.

MarketFlowError
├── ConfigurationError     a setting is wrong: report all of them, end with exit code 2
├── LedgerUnavailable      a commit did not happen: do nothing to the world, try again
│   ├── LedgerNotReady     none yet, or of an older version: the program creates or upgrades it at start
│   └── MessageKnown       its message, which was decided before it was stored, is there already: deliver it again
├── LedgerInUse            another process holds the ledger: report it, end
├── LeaseLost              another process took the ledger over: end at once, touch nothing
│   └── LedgerSetBack      the ledger is not as this process left it: end at once; the next start asks the exchange
├── ExchangeUnavailable    a question (never an order) had no answer: ask again, refuse meanwhile
│   └── SymbolUnknown      it had one: there is no such symbol; this symbol cannot be asked about, all others can
├── SourceUnavailable      no signals arrive: report it, connect again
├── HistoryUnavailable     the history accepts or returns nothing: keep what it should have, try again
└── IllegalTransition      a bug: the process ends before it does harm

Refusals are not errors: they are values, see `core.domain.reasons`.
"""


class MarketFlowError(Exception):
    """The base of all errors that MarketFlow raises on purpose. Its text is safe to show: it never contains a secret."""


class ConfigurationError(MarketFlowError):
    """One or more settings are wrong; `problems` names each: the variable, its value, the accepted values."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class LedgerUnavailable(MarketFlowError):
    """The ledger could not be read or written; nothing of the commit happened."""


class LedgerNotReady(LedgerUnavailable):
    """There is no ledger yet, or one of an older version: the program creates or upgrades it at start."""


class MessageKnown(LedgerUnavailable):
    """The ledger has the message already that the commit of its outcome was to bring."""


class LedgerInUse(MarketFlowError):
    """Another process works on the ledger."""


class LeaseLost(MarketFlowError):
    """This process no longer holds the ledger: it may neither write nor trade, ever again."""


class LedgerSetBack(LeaseLost):
    """The ledger is older than this process left it, or another one: it lacks what was committed since."""


class ExchangeUnavailable(MarketFlowError):
    """The exchange gave no answer, or an unreadable one. `retry_after` is in seconds, 0 if it named none."""

    def __init__(self, message: str, *, retry_after: float = 0.0) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class SymbolUnknown(ExchangeUnavailable):
    """The exchange reports that it knows no such symbol: there never was one, or it was delisted."""


class SourceUnavailable(MarketFlowError):
    """A source of signals cannot be reached."""


class HistoryUnavailable(MarketFlowError):
    """The history (Snowflake) accepted nothing, or returned nothing."""


class IllegalTransition(MarketFlowError):
    """An order was about to make a move that the table of moves does not allow."""
