"""The messages: every incoming event becomes one of these, stored in the inbox before anything is done to the world about it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

from core.domain.access import Reader, Role
from core.domain.digest import Digest
from core.domain.equity_mark import Protection
from core.domain.order import ExecutionReport
from core.domain.order_messages import AboutOrders, AboutPlans
from core.domain.reasons import Reason
from core.domain.signal import Signal
from core.domain.strategy_book import DEFAULT_STRATEGY, StrategyBook
from core.domain.strategy_limit import SettingChange
from core.domain.trading_state import EVERYTHING, ApprovalPolicy, Mode, Panic, Pause


@dataclass(frozen=True, slots=True)
class ManualInstruction:
    """The person behind a manual order, and the size of an entry: `qty` (base asset) or `quote` (quote asset); the usual size if
    both are None. An exit sells what is held."""

    user_id: int
    who: str
    qty: Decimal | None = None
    quote: Decimal | None = None


@dataclass(frozen=True, slots=True)
class SignalReceived:
    """A signal from a source; with a `hand`, from a person who has confirmed it."""

    signal: Signal
    hand: ManualInstruction | None = None
    kind: Literal["signal"] = "signal"


@dataclass(frozen=True, slots=True)
class ApprovalAnswered:
    """A person tapped approve, approve half, or decline. `who` is shown and stored; `user_id` is Telegram's."""

    token: str
    approve: bool
    user_id: int
    who: str
    half: bool = False
    kind: Literal["approval_answer"] = "approval_answer"


@dataclass(frozen=True, slots=True)
class ApprovalTimedOut:
    """An approval expired unanswered."""

    token: str
    kind: Literal["approval_timeout"] = "approval_timeout"


@dataclass(frozen=True, slots=True)
class ControlsRequested:
    """A person asks to pause (up to `until`), to resume or to change the mode; None leaves a part as it is. With a `panic` all
    positions are to be sold."""

    user_id: int
    who: str
    pause: Pause | None = None
    mode: Mode | None = None
    until: datetime | None = None
    asking: ApprovalPolicy = EVERYTHING
    panic: Panic | None = None
    kind: Literal["controls"] = "controls"


@dataclass(frozen=True, slots=True)
class PanicEnded:
    """Everything that the panic of that identity could sell is sold."""

    source_id: str
    kind: Literal["panic_ended"] = "panic_ended"


@dataclass(frozen=True, slots=True)
class PauseTimedOut:
    """The pause that was to end at `until` is over."""

    until: datetime
    kind: Literal["pause_timeout"] = "pause_timeout"


@dataclass(frozen=True, slots=True)
class LimitRequested:
    """A person sets a limit by the name of its setting; `value` None restores the setting's own value. `before` is the value in
    force that the person was shown, empty for none (None: by an older version)."""

    name: str
    value: str | None
    user_id: int
    who: str
    kind: Literal["limit"] = "limit"
    before: str | None = None


@dataclass(frozen=True, slots=True)
class StrategyRequested:
    """A person pauses or resumes a strategy."""

    strategy: str
    paused: bool
    user_id: int
    who: str
    kind: Literal["strategy"] = "strategy"


@dataclass(frozen=True, slots=True)
class StrategyLimitRequested:
    """A person sets `name` for one strategy, or everything back that the chat has set for it, if `name` is empty; `value` None
    restores what holds without the chat. `changes` are the values that the person was shown, before and after."""

    strategy: str
    name: str
    value: str | None
    changes: tuple[SettingChange, ...]
    user_id: int
    who: str
    kind: Literal["strategy_limit"] = "strategy_limit"


@dataclass(frozen=True, slots=True)
class ResetRequested:
    """A person starts a protection anew, by its name."""

    what: Protection
    user_id: int
    who: str
    kind: Literal["reset"] = "reset"


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """A person wants an order cancelled on the exchange."""

    symbol: str
    client_order_id: str
    user_id: int
    who: str
    kind: Literal["cancel"] = "cancel"


@dataclass(frozen=True, slots=True)
class FeePaid:
    """An order in another symbol paid `fee` in `asset`, the coin held by a book of `symbol`: the exchange deducted it from
    there."""

    symbol: str
    asset: str
    fee: Decimal
    strategy: str = DEFAULT_STRATEGY
    kind: Literal["fee_paid"] = "fee_paid"

    @property
    def book(self) -> StrategyBook:
        """Returns the book whose coins paid."""
        return StrategyBook(self.symbol, self.strategy)


@dataclass(frozen=True, slots=True)
class AcceptRequested:
    """A person accepts the exchange's figures where it and the ledger disagree about `symbol`; if that is
    `core.domain.account.ACCOUNT`, the orders of `shown` are known from now on."""

    symbol: str
    user_id: int
    who: str
    shown: tuple[Reason, ...] = ()
    kind: Literal["accept"] = "accept"


@dataclass(frozen=True, slots=True)
class OrderFound:
    """The exchange has an order with this ledger's own mark that the ledger does not know."""

    report: ExecutionReport
    kind: Literal["order_found"] = "order_found"


@dataclass(frozen=True, slots=True)
class InviteRequested:
    """A person makes a link for somebody else; `digest` is the SHA-256 of its secret."""

    digest: str
    role: Role
    user_id: int
    who: str
    kind: Literal["invite"] = "invite"


@dataclass(frozen=True, slots=True)
class InviteUsed:
    """Somebody used the secret of a link."""

    digest: str
    user_id: int
    who: str
    kind: Literal["invite_used"] = "invite_used"


@dataclass(frozen=True, slots=True)
class InvitesWithdrawn:
    """A person withdraws every open link."""

    user_id: int
    who: str
    kind: Literal["invites_withdrawn"] = "invites_withdrawn"


@dataclass(frozen=True, slots=True)
class RevokeRequested:
    """A person revokes the access of the one with the id `person`."""

    person: int
    user_id: int
    who: str
    kind: Literal["revoke"] = "revoke"


@dataclass(frozen=True, slots=True)
class AuthenticatorRequested:
    """A person has shown a code of a new authenticator (see `core.domain.access.Authenticator`), replacing the one with the salt
    `replaces`; empty if there was none."""

    salt: str
    key: str
    step: int
    replaces: str
    user_id: int
    who: str
    kind: Literal["authenticator"] = "authenticator"


@dataclass(frozen=True, slots=True)
class CodeUsed:
    """A person has confirmed something with the one-time code of `step`, of the authenticator with `salt`."""

    salt: str
    step: int
    user_id: int
    who: str
    kind: Literal["code_used"] = "code_used"


@dataclass(frozen=True, slots=True)
class CodeRefused:
    """A person gave a code that the authenticator with `salt` does not produce at this time: counted, so that a restart allows no
    new attempts."""

    salt: str
    user_id: int
    who: str
    kind: Literal["code_refused"] = "code_refused"


@dataclass(frozen=True, slots=True)
class AuthenticatorEnded:
    """A person lets the one with the id `person` set up a new authenticator."""

    person: int
    user_id: int
    who: str
    kind: Literal["authenticator_ended"] = "authenticator_ended"


@dataclass(frozen=True, slots=True)
class ReaderRequested:
    """A person changes the notification settings of a chat: the fields of `reader` that `changed` names, of its levels those
    given; all of it if it names none."""

    reader: Reader
    user_id: int
    who: str
    changed: tuple[str, ...] = ()
    kind: Literal["reader"] = "reader"


@dataclass(frozen=True, slots=True)
class DigestDue:
    """A digest is due; this is it."""

    digest: Digest
    kind: Literal["digest"] = "digest"


AboutPeople = (
    InviteRequested
    | InviteUsed
    | InvitesWithdrawn
    | RevokeRequested
    | AuthenticatorRequested
    | CodeUsed
    | CodeRefused
    | AuthenticatorEnded
    | ReaderRequested
)
"""Commands about access and notification settings: see `core.engine.access_commands`."""

Body = (
    SignalReceived
    | ApprovalAnswered
    | ApprovalTimedOut
    | ControlsRequested
    | PauseTimedOut
    | PanicEnded
    | LimitRequested
    | StrategyRequested
    | StrategyLimitRequested
    | ResetRequested
    | CancelRequested
    | FeePaid
    | AcceptRequested
    | OrderFound
    | AboutOrders
    | AboutPlans
    | AboutPeople
    | DigestDue
)


@dataclass(frozen=True, slots=True)
class Message:
    """One incoming event. (`source`, `source_id`) is its identity: stored once, handled once. `mailbox` is the symbol whose
    turn it waits for, or that of `core.engine.inbox.beside`; the empty string is the mailbox of events that concern no single
    symbol."""

    source: str
    source_id: str
    mailbox: str
    body: Body
    received_at: datetime


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that cannot be read as a signal. `position` is its origin (topic/partition/offset), `problem` the fault in plain
    English, `reason` the same as a value (older ones have none); `raw` is at most its first 2,048 bytes."""

    source: str
    position: str
    problem: str
    raw: bytes
    at: datetime
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class SourcePosition:
    """The reading position in a source: the next `offset` of `partition` in `source` (e.g. `kafka:trading_signals`). `generation`
    counts how often the partition was found to have restarted, so that its offsets mean other records than before. `witness` is a
    fingerprint of the last record taken; empty before the first."""

    source: str
    partition: int
    offset: int
    generation: int = 0
    witness: str = ""


@dataclass(slots=True)
class Unstored:
    """The mark of a message that is stored by the commit of its outcome, with the `position` of its source, which has the record
    until then. `on_stored` is called at that commit."""

    position: SourcePosition
    on_stored: Callable[[], None]
    is_stored: bool = False

    def stored(self) -> None:
        """Notes that both are in the ledger."""
        self.is_stored = True
        self.on_stored()


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message of the ledger; `seq` orders all of them. `arrived` is when it reached this process and `stored` when it was in
    the ledger, or had its turn if it is decided first (monotonic seconds); None if a former process received it. `unstored` is
    set if it comes into the ledger with its outcome."""

    seq: int
    message: Message
    arrived: float | None = field(default=None, compare=False)
    stored: float | None = field(default=None, compare=False)
    unstored: Unstored | None = field(default=None, compare=False)

    @property
    def is_stored(self) -> bool:
        """Tells whether the ledger has it."""
        return self.unstored is None or self.unstored.is_stored
