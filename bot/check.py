"""`marketflow check`: a doctor. Reaches each configured part and says in one line what it found; changes nothing there."""

from collections.abc import Awaitable, Callable
from decimal import Decimal

from bot.clock import SystemClock
from bot.config import Settings, TradingMode
from bot.telegram_link import connect
from bot.wiring import binance_client, kafka_options, limits_of
from core.adapters.binance_client import BinanceClient
from core.adapters.kafka_probe import find_partitions
from core.adapters.ledger.sql_ledger import open_ledger
from core.domain.errors import MarketFlowError
from core.domain.money import plain
from core.domain.position import Position
from core.domain.signal import Side
from core.policy.sizing import size

Say = Callable[[str], None]
CLOCK_WARNING_SECONDS = 1.0


async def check(settings: Settings, say: Say) -> bool:
    """True when every part is well."""
    parts: dict[str, Callable[[Settings], Awaitable[list[str]]]] = {
        "settings": _settings,
        "ledger": _ledger,
        "telegram": _telegram,
        "kafka": _kafka,
        "binance": _binance,
    }
    well = True
    for name, look in parts.items():
        try:
            for line in await look(settings):
                say(f"ok    {name:9} {line}")
        except MarketFlowError as error:
            well = False
            for line in str(error).splitlines():
                say(f"FAIL  {name:9} {line}")
    return well


async def _settings(settings: Settings) -> list[str]:
    if missing := settings.missing_for_run():
        raise MarketFlowError("\n".join(missing))
    lines = [f"trading mode {settings.trading_mode}, approval {settings.approval}, {_who(settings)}"]
    lines += [f"warning: {warning}" for warning in settings.warnings]
    lines += [f"warning: {name} is set, but not acted upon by this version" for name in settings.unused()]
    return lines


def _who(settings: Settings) -> str:
    people = ", ".join(f"{user} ({role.name.lower()})" for user, role in settings.users.items())
    return f"may command: {people or 'nobody; set TG_USERS or a private TG_CHAT_ID'}"


async def _ledger(settings: Settings) -> list[str]:
    clock = SystemClock()
    ledger = await open_ledger(settings.database_url.get_secret_value(), clock)
    try:
        state = await ledger.load(clock.now().date().isoformat())
    finally:
        await ledger.close()
    held = [f"{position.symbol} {plain(position.qty)}" for position in state.positions if position.is_open]
    return [f"migrated; open positions: {', '.join(held) or 'none'}; unsettled orders: {len(state.in_flight)}"]


async def _telegram(settings: Settings) -> list[str]:
    from telegram.error import TelegramError  # noqa: PLC0415 - heavy

    if settings.tg_token is None or settings.tg_chat_id is None:
        raise MarketFlowError("TG_TOKEN and TG_CHAT_ID are not both set")
    bot = connect(settings.tg_token.get_secret_value(), settings.tg_api_url)
    try:
        async with bot:
            chat = await bot.get_chat(settings.tg_chat_id)
            return [f"@{bot.username}; alerts go to {chat.effective_name or settings.tg_chat_id} ({chat.type})"]
    except TelegramError as error:
        words = str(error).replace(settings.tg_token.get_secret_value(), "***")
        raise MarketFlowError(f"{type(error).__name__}: {words}") from None


async def _kafka(settings: Settings) -> list[str]:
    partitions = await find_partitions(kafka_options(settings), settings.kafka_topic)
    return [f"{settings.kafka_broker}: topic {settings.kafka_topic} has {len(partitions)} partition(s)"]


async def _binance(settings: Settings) -> list[str]:
    client = binance_client(settings)
    try:
        offset = await client.measure_clock()
        lines = [f"{settings.binance_api_url}: clock offset {offset:+.3f} s"]
        if abs(offset) > CLOCK_WARNING_SECONDS:
            lines.append("warning: this machine's clock is off; requests are dated by the exchange's, but set it right")
        if settings.trading_mode is not TradingMode.PAPER:
            rights = await client.permissions()
            if not rights.account_can_trade or rights.key_can_trade is False:
                raise MarketFlowError("the key may not trade: give it the Spot trading permission")
            lines.append("the key may trade" + (" and WITHDRAW: take that right away" if rights.key_can_withdraw else ""))
        problems: list[str] = []
        for symbol in sorted(settings.symbols or {settings.symbol}):
            problem, line = await _symbol(client, settings, symbol)
            (problems if problem else lines).append(line)
        if problems:
            raise MarketFlowError("\n".join([*problems]))
        return lines
    finally:
        await client.close()


async def _symbol(client: BinanceClient, settings: Settings, symbol: str) -> tuple[bool, str]:
    rules = (await client.instruments([symbol])).get(symbol)
    quote = (await client.quotes([symbol])).get(symbol)
    if rules is None:
        return True, f"{symbol}: the exchange knows no such symbol"
    if not rules.trading:
        return True, f"{symbol}: halted (status {rules.status})"
    if quote is None:
        return True, f"{symbol}: no present price"
    draft, unfit = size(Side.BUY, rules, quote.ask, Position(symbol), limits_of(settings))
    order = f"{plain(draft.qty)} {rules.base} at {plain(quote.ask)}"
    if unfit is not None:
        return True, f"{symbol}: an order of {order} would be refused: {unfit}. Raise TRADE_QTY or set TRADE_QUOTE"
    if draft.notional > Decimal(settings.max_order_notional):
        return True, f"{symbol}: an order of {order} is above MAX_ORDER_NOTIONAL"
    return False, f"{symbol}: an order is {order}"
