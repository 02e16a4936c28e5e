"""Everything a command may read, and its one way to change anything. It never writes itself."""

from dataclasses import dataclass, replace

from bot.access.confirmations import Confirmations
from bot.access.roles import Roles
from bot.access.totp import OneTimeCodes
from bot.access.typed_values import TypedValues
from bot.commands.actions import Actions
from bot.commands.caller import Caller
from bot.commands.exchange_view import ExchangeView
from bot.commands.ledger_reads import LedgerReads
from bot.commands.program_status import ProgramStatus
from bot.reports.charts import Draw
from bot.subscriptions.recipients import Recipients
from bot.texts import Texts, texts
from bot.views.reply_keyboard import Keys, keys
from core.ports.clock import Clock
from core.state.portfolio import Portfolio


@dataclass(frozen=True, slots=True)
class People:
    """The people who use the bot: their roles, where they are notified, the questions that they have open, and the values that
    they are about to type. `codes` checks one-time codes where they are required."""

    roles: Roles
    recipients: Recipients
    confirmations: Confirmations
    codes: OneTimeCodes | None
    typed: TypedValues


@dataclass(frozen=True)
class CommandContext:
    """The parts that commands work with, in the language, time zone and theme of the reader."""

    portfolio: Portfolio
    exchange: ExchangeView
    ledger: LedgerReads
    people: People
    actions: Actions
    program: ProgramStatus
    clock: Clock
    language: str
    zone: str
    theme: str
    draw: Draw

    @property
    def texts(self) -> Texts:
        return texts(self.language, self.zone)

    def spoken_to(self, person: int) -> "CommandContext":
        """Returns the same context in a person's language, time zone and theme."""
        language, zone = self.people.recipients.speech(person)
        theme = self.people.recipients.theme(person)
        if (language, zone, theme) == (self.language, self.zone, self.theme):
            return self
        return replace(self, language=language, zone=zone, theme=theme)

    def shows_figures(self, caller: Caller) -> bool:
        """Tells whether everyone who reads the answer may see the account's figures: in private, and in the owner's chat."""
        return caller.in_private or caller.chat_id == self.people.recipients.chat_id

    def keys(self, caller: Caller) -> Keys:
        """Returns the caller's keyboard as it should be now; a group has none."""
        return keys(self.texts, caller.role, self.portfolio.trading_state) if caller.in_private else ()
