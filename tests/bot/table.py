"""The table of everything that can be written and tapped: who may, what it changes, and what it needs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal

from bot.access.confirmations import Risk
from bot.access.totp import OneTimeCodes
from core.domain.access import Authenticator, Role
from core.domain.account import ACCOUNT
from core.domain.reasons import reason
from core.domain.symbol_halt import SymbolHalt
from core.records.commit_batch import CommitBatch
from tests.bot.conftest import until
from tests.bot.firm import Firm
from tests.bot.parts import TRADER as TRADER_ID

Prepare = Callable[[Firm], Awaitable[None]]


async def nothing(_: Firm) -> None:
    """Needs nothing."""


async def a_position(firm: Firm) -> None:
    await firm.held()


async def a_pause(firm: Firm) -> None:
    await firm.trader.ask("/pause")


async def watching(firm: Firm) -> None:
    await firm.owner.ask("/mode observe")


async def a_paused_strategy(firm: Firm) -> None:
    await firm.owner.ask("/strategies pause default")


async def asking(firm: Firm) -> None:
    await firm.owner.ask("/mode confirm")


async def a_question(firm: Firm) -> None:
    await asking(firm)
    firm.prices.bid["WIFUSDC"] = Decimal(2)
    await until(lambda: firm.trading.market.price("WIFUSDC") == 2)
    await firm.signal("BUY_SM")
    await firm.owner.wait_for("trade this?")
    await firm.settled()


async def an_authenticator(firm: Firm, person: int) -> str:
    """Sets up somebody's authenticator, whose codes can be made; returns its secret."""
    codes = firm.context.people.codes or OneTimeCodes(
        "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", firm.portfolio.authenticators, firm.clock
    )
    begun = codes.enrol(person)
    codes.enrolled(person)
    one = Authenticator(person, begun.salt, codes.key, firm.clock.now(), 0)
    await firm.ledger.commit(CommitBatch(authenticators=[one]))
    firm.portfolio.authenticators[person] = one
    return begun.secret


async def of_the_trader(firm: Firm) -> None:
    await an_authenticator(firm, TRADER_ID)


async def a_hold(firm: Firm) -> None:
    await firm.held()
    firm.prices.down = False
    hold = SymbolHalt("WIFUSDC", (reason("less_than_ledger", qty="5", asset="WIF"),), firm.clock.now())
    await firm.ledger.commit(CommitBatch(holds=[hold]))
    firm.portfolio.holds["WIFUSDC"] = hold


async def an_account_hold(firm: Firm) -> None:
    strange = reason("order_of_other", symbol="WIFUSDC", mark=7, count=1, order_id=28, at="2026-03-01 12:00:00.000+00:00")
    hold = SymbolHalt(ACCOUNT, (strange,), firm.clock.now())
    await firm.ledger.commit(CommitBatch(holds=[hold]))
    firm.portfolio.holds[ACCOUNT] = hold


@dataclass(frozen=True)
class Row:
    """Something that can be written. `role` may use it; `changes`: it changes something that trades or grants rights, at once,
    or at the `second` tap; then it raises `risk` or grants a right, or lowers it. `own`: it changes a person's own
    notification settings, which everybody with a right may do."""

    said: str
    role: Role = Role.VIEWER
    changes: bool = False
    second: bool = False
    own: bool = False
    risk: Risk | None = None
    prepare: Prepare = nothing


TRADER, OWNER = Role.TRADER, Role.OWNER
ROWS = (
    *(
        Row(said)
        for said in (
            *(
                "/status",
                "/positions",
                "/pnl",
                "/pnl month",
                "/daily",
                "/weekly",
                "/monthly",
                "/performance 7d",
                "/stats",
                "/quality",
            ),
            *(
                "/strategies",
                "/trades",
                "/trades 5 WIFUSDC",
                "/signals",
                "/orders",
                "/balance",
                "/risk",
                "/health",
                "/why",
                "/help",
                "/mode",
            ),
            *("/accept", "/export csv", "/chart", "/chart WIFUSDC 24h", "/report day", "/whatif stop 3%"),
        )
    ),
    Row("/lang ru", own=True),
    Row("/zone Europe/Berlin", own=True),
    Row("/theme light", own=True),
    Row("/mute 2h", own=True),
    Row("/quiet 23:00-07:00", own=True),
    Row("/notify trades off", own=True),
    Row("/heartbeat 6h", own=True),
    Row("/start", own=True),
    Row("/start why_1", own=True),
    Row("/pause", TRADER, changes=True, risk=Risk.LOWERS),
    Row("/pause entries for 2h", TRADER, changes=True, risk=Risk.LOWERS),
    Row("⏸ Pause", TRADER, changes=True, risk=Risk.LOWERS),
    Row("/buy WIFUSDC", TRADER, second=True, risk=Risk.RAISES),
    Row("/buy WIFUSDC 50 USDC", TRADER, second=True, risk=Risk.RAISES),
    Row("/sell WIFUSDC", TRADER, second=True, risk=Risk.LOWERS, prepare=a_position),
    Row("/buy WIFUSDC 50 USDC stop 5% target 10%", TRADER, second=True, risk=Risk.RAISES),
    Row("/protect WIFUSDC stop 5% target 10%", TRADER, second=True, risk=Risk.LOWERS, prepare=a_position),
    Row("/close WIFUSDC", TRADER, second=True, risk=Risk.LOWERS, prepare=a_position),
    Row("/close all", TRADER, second=True, risk=Risk.LOWERS, prepare=a_position),
    Row("/panic", TRADER, second=True, risk=Risk.LOWERS, prepare=a_position),
    Row("/cancel 2", TRADER, second=True, risk=Risk.LOWERS, prepare=a_question),
    Row("/resume", OWNER, second=True, risk=Risk.RAISES, prepare=a_pause),
    Row("▶️ Resume", OWNER, second=True, risk=Risk.RAISES, prepare=a_pause),
    Row("/mode observe", OWNER, changes=True, risk=Risk.LOWERS),
    Row("/mode confirm", OWNER, changes=True, risk=Risk.LOWERS),
    Row("/mode auto", OWNER, second=True, risk=Risk.RAISES, prepare=watching),
    Row("/mode confirm above 100", OWNER, second=True, risk=Risk.RAISES, prepare=asking),
    Row("/strategies pause default", TRADER, changes=True, risk=Risk.LOWERS),
    Row("/strategies resume default", OWNER, second=True, risk=Risk.RAISES, prepare=a_paused_strategy),
    Row("/strategies default", TRADER),
    Row("/strategies default STOP_LOSS_PCT", TRADER),
    Row("/strategies default MAX_ORDER_NOTIONAL 5", OWNER, second=True, risk=Risk.LOWERS),
    Row("/strategies default MAX_ORDER_NOTIONAL 6000", OWNER, second=True, risk=Risk.RAISES),
    Row("/settings", OWNER),
    Row("/settings limits", OWNER),
    Row("/settings MAX_ORDER_NOTIONAL type", OWNER),
    Row("/settings MAX_ORDER_NOTIONAL 5", OWNER, second=True, risk=Risk.LOWERS),
    Row("/settings MAX_ORDER_NOTIONAL 6000", OWNER, second=True, risk=Risk.RAISES),
    Row("/set MAX_ORDER_NOTIONAL 5", OWNER, second=True, risk=Risk.LOWERS),
    Row("/set MAX_ORDER_NOTIONAL 6000", OWNER, second=True, risk=Risk.RAISES),
    Row("/reset drawdown", OWNER, second=True, risk=Risk.RAISES),
    Row("/reset losses", OWNER, second=True, risk=Risk.RAISES),
    Row("/accept account", OWNER, second=True, risk=Risk.RAISES, prepare=an_account_hold),
    Row("/accept WIFUSDC", OWNER, changes=True, risk=Risk.RAISES, prepare=a_hold),
    Row("/users", OWNER),
    Row("/users invite viewer", OWNER, changes=True, risk=Risk.RAISES),
    Row("/users codes 1002", OWNER, second=True, risk=Risk.RAISES, prepare=of_the_trader),
    Row("/code", TRADER),
    Row("/users withdraw", OWNER, changes=True, risk=Risk.LOWERS),
    Row("/users revoke 6666 yes", OWNER),
    Row("/audit", OWNER),
)

ANSWERS = {"y": True, "h": True, "n": False}
"""The answers that a question's buttons send, and whether they trade."""

BUTTON_KINDS: dict[str, Risk | None] = {
    "command": None,  # as the row of the command
    "ap:y": Risk.RAISES,  # of an entry; an exit lowers it
    "ap:h": Risk.RAISES,
    "ap:n": Risk.LOWERS,
    "ok": None,  # as the row of the confirmed act
    "no": Risk.LOWERS,
}
"""Every kind of data that the program's buttons send, and its effect on risk."""
