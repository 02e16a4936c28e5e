"""`marketflow check`: reaches each configured part and reports in one line what it found. Trades nothing and changes nothing,
except that it creates a missing ledger and migrates an older one, as `run` would."""

import traceback
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from bot.cli.findings import Finding, Level
from bot.cli.partial_settings import PartialSettings
from bot.cli.webhook_check import webhook_line
from bot.clock import SystemClock
from bot.factories import binance_client, check_trading_mode, kafka_options, limits_of, snowflake_options, today_of
from bot.settings.fields import TradingMode
from bot.settings.settings import Settings
from bot.settings.strategies import strategy_settings
from bot.telegram.client import connect
from bot.texts import short, texts
from bot.views.api_key_warning import IN_ENGLISH
from bot.views.book_names import book_name
from core.adapters.binance.binance_client import BinanceClient
from core.adapters.kafka.options import KafkaOptions
from core.adapters.kafka.topic_check import find_lag, find_partitions
from core.adapters.ledger.opening import look_into_ledger, open_ledger
from core.adapters.ledger.sql_ledger import SqlLedger
from core.adapters.snowflake.connection import SnowflakeConnection, name
from core.adapters.snowflake.history import TABLE
from core.domain.api_key_permissions import DANGEROUS
from core.domain.errors import ExchangeUnavailable, LedgerNotReady, LedgerUnavailable, MarketFlowError
from core.domain.instrument import Instrument, Quote
from core.domain.money import plain
from core.domain.position import Position
from core.domain.signal import Side
from core.domain.trade_size import SizeKind
from core.domain.trading_state import TradingState
from core.policy.conversion_rates import Unknown
from core.policy.risk.limits import in_quote
from core.policy.risk.signal_age import CLOCK_TOLERANCE
from core.policy.sizing.order_size import size
from core.state.exchange_rates import ExchangeRates
from core.state.market_data import MarketDataCache
from core.state.portfolio import Portfolio

CLOCK_WARNING_SECONDS = 1.0
_HERE = Path(__file__).parents[2]


class Doubt(str):
    """A finding that is no fault, and probably not intended."""

    __slots__ = ()


async def check(found: PartialSettings, *, message: bool = False) -> AsyncIterator[Finding]:
    """Yields what is found in every part that can be checked with the settings that are right. `message`: the chat gets one, if
    it can be reached."""
    settings = found.settings
    parts = [part for part in _PARTS if _is_used(part, settings)]
    for problem in found.problems:
        yield Finding(Level.FAIL, "settings", problem)
    for part in sorted(found.untried):
        yield Finding(Level.FAIL, part, "not tried: its settings are wrong")
    for part in parts:
        if part in found.untried or (part == "settings" and found.problems):
            continue
        async for one in examine(part, settings):
            yield one
    if message and "telegram" not in found.untried:
        async for one in examine("message", settings):
            yield one


def _is_used(part: str, settings: Settings) -> bool:
    match part:
        case "snowflake":
            return snowflake_options(settings) is not None
        case "webhook":
            return settings.webhook_secret is not None and bool(settings.http_port)
        case "message":
            return False  # sent only where it is asked for
        case _:
            return True


async def examine(part: str, settings: Settings) -> AsyncIterator[Finding]:
    """Yields what is found in one part: `settings`, `ledger`, `telegram`, `kafka`, `binance`, `snowflake` or `webhook`; `message`
    sends one to the chat."""
    try:
        async for line in _PARTS[part](settings):
            yield Finding(Level.WARN if isinstance(line, Doubt) else Level.OK, part, line)
    except MarketFlowError as error:
        for line in str(error).splitlines():
            yield Finding(Level.FAIL, part, line)
    except Exception as error:  # noqa: BLE001 - a doctor that faints helps nobody; texts of libraries may hold secrets
        odd = f"something odd, unknown to this program: {type(error).__name__}, {_place(error)}"
        yield Finding(Level.FAIL, part, odd)


def _place(error: BaseException) -> str:
    """Returns the file and line of our code that raised the error."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _HERE in Path(frame.filename).parents]
    return f"{Path(frames[-1].filename).relative_to(_HERE)}:{frames[-1].lineno}" if frames else "outside of it"


# Each part yields what it found in order, and raises MarketFlowError with one line for each thing to fix.


async def _settings(settings: Settings) -> AsyncIterator[str]:
    people = ", ".join(f"{user} ({role.name.lower()})" for user, role in settings.users.items())
    commanding = f"may command: {people or 'nobody; set TG_USERS or a private TG_CHAT_ID'}"
    yield f"trading mode {settings.trading_mode}, approval {settings.approval}, {commanding}"
    if settings.strategies_file is not None:
        names = ", ".join(short(name) for name in sorted(strategy_settings(settings.strategies_file).names))
        yield f"{settings.strategies_file} has settings for: {names or 'no strategy'}"
    for warning in settings.warnings:
        yield Doubt(warning)
    if missing := settings.missing_for_run():
        if _has_no_file():
            yield Doubt("there is no .env here; `marketflow init` asks for what is needed and writes it")
        raise MarketFlowError("\n".join(missing))


def _has_no_file() -> bool:
    return not Path(".env").exists()


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[SqlLedger]:
    url, clock = settings.database_url.get_secret_value(), SystemClock()
    try:
        ledger = await look_into_ledger(url, clock)
    except LedgerNotReady:
        await (await open_ledger(url, clock)).close()
        ledger = await look_into_ledger(url, clock)
    try:
        yield ledger
    finally:
        await ledger.close()


async def _ledger(settings: Settings) -> AsyncIterator[str]:
    async with _opened(settings) as ledger:
        await check_trading_mode(settings, ledger)
        state = await ledger.load(today_of(SystemClock()))
    held = [f"{book_name(position.book)} {plain(position.qty)}" for position in state.positions if position.is_open]
    yield f"migrated; open positions: {', '.join(held) or 'none'}; unsettled orders: {len(state.orders)}"


async def _telegram(settings: Settings) -> AsyncIterator[str]:
    from telegram.error import TelegramError  # noqa: PLC0415 - heavy

    if settings.tg_token is None or settings.tg_chat_id is None:
        raise MarketFlowError("not asked: TG_TOKEN and TG_CHAT_ID are not both set")
    bot = connect(settings.tg_token.get_secret_value(), settings.tg_api_url)
    try:
        async with bot:
            chat = await bot.get_chat(settings.tg_chat_id)
            yield f"@{bot.username}; alerts go to {chat.effective_name or settings.tg_chat_id} ({chat.type})"
    except TelegramError as error:
        raise MarketFlowError(telegram_trouble(error, settings)) from None


async def _message(settings: Settings) -> AsyncIterator[str]:
    from telegram.error import TelegramError  # noqa: PLC0415 - heavy

    if settings.tg_token is None or settings.tg_chat_id is None:
        raise MarketFlowError("not sent: TG_TOKEN and TG_CHAT_ID are not both set")
    bot = connect(settings.tg_token.get_secret_value(), settings.tg_api_url)
    try:
        async with bot:
            said = texts(settings.tg_lang)("check.message")
            await bot.send_message(settings.tg_chat_id, said, parse_mode="HTML", message_thread_id=settings.tg_topic_id)
            yield "sent: the chat has a test message"
    except TelegramError as error:
        raise MarketFlowError(telegram_trouble(error, settings)) from None


def telegram_trouble(error: Exception, settings: Settings) -> str:
    """Returns what is wrong and what to do, without the token."""
    from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError  # noqa: PLC0415 - heavy

    from bot.telegram.api_responses import OddAnswer  # noqa: PLC0415 - heavy

    place = f"TG_API_URL: {settings.tg_api_url}" if "TG_API_URL" in settings.given else "api.telegram.org"
    match error:
        case InvalidToken():
            return "TG_TOKEN: Telegram does not know this bot token; accepted is one that @BotFather gave"
        case Forbidden() | BadRequest():
            why = short(str(error), 100)
            return f"TG_CHAT_ID: {settings.tg_chat_id} cannot be written to ({why}); write to the bot first, or let it in"
        case OddAnswer():
            return f"{place} answers, but not as the Bot API does ({error}); is it one?"
        case NetworkError():
            return f"{place} cannot be reached"
        case _:
            token = settings.tg_token.get_secret_value() if settings.tg_token else ""
            return f"a request to Telegram failed: {short(str(error).replace(token, '***'), 200)}"


async def _kafka(settings: Settings) -> AsyncIterator[str]:
    if settings.kafka_broker is None and not settings.missing_for_run():
        yield "not configured: signals come from elsewhere"
        return
    options, topic = kafka_options(settings), settings.kafka_topic
    partitions = await find_partitions(options, topic)
    yield f"{settings.kafka_broker}: topic {topic} has {len(partitions)} partition(s), {await _lag(settings, options)}"


async def _lag(settings: Settings, options: KafkaOptions) -> str:
    try:
        async with _opened(settings) as ledger:
            stored = await ledger.source_positions(f"kafka:{settings.kafka_topic}")
    except LedgerUnavailable:
        return "lag not known without the ledger"
    positions = {number: position.offset for number, position in stored.items()}
    if not positions:
        return "no position yet: the first start reads what arrives from then on"
    return f"lag {await find_lag(options, settings.kafka_topic, positions)}"


async def _webhook(settings: Settings) -> AsyncIterator[str]:
    yield await webhook_line(settings)


async def _snowflake(settings: Settings) -> AsyncIterator[str]:
    options = snowflake_options(settings)
    if options is None:
        return
    session = SnowflakeConnection(options)
    try:
        ((database, schema),) = (await session.ask("SELECT CURRENT_DATABASE(), CURRENT_SCHEMA()")).rows
        yield f"{options.account}: executions go to {name(database or options.database, schema or options.schema, TABLE)}"
        if (table := settings.snowflake_signals_table) is not None:
            question = f"SELECT COUNT(*) FROM {name(*table.split('.'))}"  # noqa: S608 - a name of the settings
            ((count,),) = (await session.ask(question)).rows
            yield f"signals come from {table}, which has {count} rows"
    finally:
        await session.close()


async def _binance(settings: Settings) -> AsyncIterator[str]:
    client = binance_client(settings)
    try:
        offset = await client.measure_clock()
        yield f"{settings.binance_api_url}: clock offset {offset:+.3f} s"
        problems = []
        if abs(offset) > CLOCK_TOLERANCE.total_seconds():
            problems.append("this machine's clock is off, so the age of signals would be judged wrongly: set it right (NTP)")
        elif abs(offset) > CLOCK_WARNING_SECONDS:
            yield Doubt("this machine's clock is off; requests are dated by the exchange's, but set it right (NTP)")
        if settings.trading_mode is not TradingMode.PAPER:
            if (own := settings.binance_private_key_path) is not None:
                yield f"requests are signed with an Ed25519 key, whose public half at Binance has to be {own.public}"
            yield await _way_of_orders(client, settings.binance_ws_url)
            try:
                for line in await _rights(client, settings.trading_mode):
                    yield line
            except MarketFlowError as error:
                problems.append(str(error))
        for symbol in sorted(settings.symbols or {settings.symbol}):
            problem, line = await _symbol(client, settings, symbol)
            if problem:
                problems.append(line)
            else:
                yield line
        if problems:
            raise MarketFlowError("\n".join(problems))
    finally:
        await client.close()


async def _way_of_orders(client: BinanceClient, url: str) -> str:
    """Returns which way orders would go now."""
    if not url:
        return "orders go by REST: BINANCE_WS_URL names no WebSocket API"
    try:
        took = await client.try_order_connection()
    except ExchangeUnavailable as error:
        return Doubt(f"orders go by REST as long as {url} cannot be used: {error}")
    return f"orders go over the WebSocket API, {url}, which answered in {took * 1000:.0f} ms; by REST while it is away"


async def _rights(client: BinanceClient, mode: TradingMode) -> list[str]:
    """Returns the key's permissions and a warning for each one it does not need. Raises MarketFlowError where it may not
    trade, or may withdraw."""
    rights = await client.permissions()
    if not rights.account_can_trade:
        raise MarketFlowError("the account may not trade: ask the exchange why")
    if rights.key_can_trade is False:
        raise MarketFlowError("the key may not trade: give it the Spot trading permission")
    if dangerous := [IN_ENGLISH[finding] for finding in rights.findings if finding in DANGEROUS]:
        raise MarketFlowError("\n".join(dangerous))
    if rights.key_can_withdraw is None and mode is TradingMode.LIVE:
        return [Doubt("the exchange does not tell what the key may do; look under API Management: no withdrawals")]
    told = "" if rights.key_can_withdraw is not None else " (the testnet tells no more about a key)"
    return [f"the key may trade{told}", *(Doubt(IN_ENGLISH[finding]) for finding in rights.findings)]


async def _symbol(client: BinanceClient, settings: Settings, symbol: str) -> tuple[bool, str]:
    rules = (await client.instruments([symbol])).get(symbol)
    quote = (await client.quotes([symbol])).get(symbol)
    if rules is None:
        return True, f"{symbol}: the exchange knows no such symbol"
    if not rules.trading:
        return True, f"{symbol}: halted (status {rules.status})"
    if quote is None:
        return True, f"{symbol}: no present price"
    return await _entry(client, settings, rules, quote)


async def _entry(client: BinanceClient, settings: Settings, rules: Instrument, quote: Quote) -> tuple[bool, str]:
    """Tells whether an entry of the usual size would be refused, with a line on it."""
    symbol, limits = rules.symbol, limits_of(settings)
    rates = ExchangeRates(Portfolio(TradingState(), limits), MarketDataCache(client, SystemClock(), list), SystemClock())
    rate = (await rates.fresh({rules.quote}))[rules.quote]
    if isinstance(rate, Unknown):
        return True, f"{symbol}: {rate.reason}. Leave it out of SYMBOLS, or set another REPORT_ASSET"
    step = plain(max(rules.step_size, rules.market_step_size))
    least = f"{symbol}: step {step} {rules.base}, at least {plain(rules.min_notional)} {rules.quote}"
    if limits.size.kind.is_computed:
        at_risk = " at risk" if limits.size.kind is SizeKind.RISK else ""
        return False, f"{least}; an order is {plain(limits.size.amount)} % of the equity{at_risk}"
    sized, unfit = size(Side.BUY, rules, quote.ask, Position(symbol), in_quote(limits, rate))
    order = f"{plain(sized.qty)} {rules.base} at {plain(quote.ask)}"
    if unfit is not None:
        return True, f"{symbol}: an order of {order} would be refused: {unfit}. Raise TRADE_QTY or set TRADE_QUOTE"
    if rate.at_most(sized.notional) > settings.max_order_notional:
        return True, f"{symbol}: an order of {order} is above MAX_ORDER_NOTIONAL"
    return False, f"{least}; an order is {order}"


_PARTS: Mapping[str, Callable[[Settings], AsyncIterator[str]]] = {
    "settings": _settings,
    "ledger": _ledger,
    "telegram": _telegram,
    "kafka": _kafka,
    "binance": _binance,
    "snowflake": _snowflake,
    "webhook": _webhook,
    "message": _message,
}
