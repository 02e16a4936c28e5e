"""Events and numbers as messages: the contract's text, both languages, no foreign HTML, Telegram's limits."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bot
from bot.commands import COMMANDS, nearest
from bot.texts import en, ru, texts
from bot.texts.figures import Figure
from bot.views.chat_message import plain_text, split, units
from bot.views.component_status import state_text
from bot.views.event_batch import render_digest
from bot.views.events import render
from bot.views.number_format import aligned, alike, money, per_cent, price, quantity
from core.domain.account import ACCOUNT
from core.domain.approval import ApprovalState
from core.domain.daily_proof import Proof
from core.domain.events.access import AuthenticatorChanged, StrangerSeen
from core.domain.events.approvals import ApprovalClosed, ApprovalRequested
from core.domain.events.control import ControlsChanged, PanicOver, StrategyLimitsChanged
from core.domain.events.daily_proof import proved
from core.domain.events.intake import DeadLettersFound, RequestsRefused
from core.domain.events.orders import OrderAdopted, OrderFailed, OrderUnanswered
from core.domain.events.outages import PartTroubled
from core.domain.events.priority import Priority
from core.domain.events.process import AnotherProgram, KeyTooWide, Started
from core.domain.events.signals import ExitPending, SignalRefused
from core.domain.events.symbol_halts import HaltAccepted, SymbolHalted
from core.domain.events.table import Event
from core.domain.messages import DeadLetter
from core.domain.money import ZERO
from core.domain.order import Order
from core.domain.order_state_machine import OrderState
from core.domain.outbox_item import OutboxItem
from core.domain.reasons import SENTENCES, Reason, reason
from core.domain.record_problems import ProblemKind, merged
from core.domain.signal import Side
from core.domain.strategy_limit import SettingChange
from core.domain.symbol_halt import SymbolHalt
from core.domain.trading_state import Mode, Panic, Pause, TradingState
from core.state.market_data import MarketDataCache
from tests.bot.parts import NOON, Exchange, FastClock, approval, executed, refused, signal

EN, RU = texts("en"), texts("ru")
EVIL = "<b>&\"'</b><a href='x'>{0}{who}"
LETTER = DeadLetter("kafka:trading_signals", "trading_signals/0/17", "not JSON", b"\x00<b>\xff", NOON)


def text_of(event: Event, language: str = "en") -> str:
    return plain_text(render(event, texts(language)).text)


def failed(problem: str = "insufficient_balance", side: Side = Side.BUY, /, **params: str) -> OrderFailed:
    state = OrderState.REJECTED
    why = reason(problem, **params)
    return OrderFailed(
        Order("mf-1", signal(f"{side}_SM"), 1, side, Decimal(20), Decimal("0.48"), state, "live", NOON, NOON, reason=why)
    )


STRANGE = tuple(
    reason(code, symbol="WIFUSDC", mark=7, count=2, order_id=28, at=NOON)
    for code in ("order_of_other", "order_unmarked", "order_id_taken")
)
ALL_EVENTS: list[Event] = [
    executed(),
    executed(Side.SELL, price="0.5220"),
    executed(filled="12.5", mode="paper"),
    StrategyLimitsChanged(
        "waves", (SettingChange("TRADE_QUOTE", "", "50"), SettingChange("TIME_LIMIT", "60", "")), "USDC", "Ann", NOON, 7
    ),
    failed(asset="USDC"),
    failed("bad_key", Side.SELL, message="Invalid API-key", code="-2015"),
    OrderUnanswered(failed().order),
    OrderAdopted(failed().order),
    *(SymbolHalted(SymbolHalt(ACCOUNT, (one,), NOON)) for one in STRANGE),
    HaltAccepted(SymbolHalt(ACCOUNT, STRANGE, NOON, NOON, "Ann"), ZERO, ZERO, "", ""),
    ExitPending(failed(side=Side.SELL).order.signal, reason("unreachable", detail="connection refused"), NOON, 7),
    ExitPending(failed(side=Side.SELL).order.signal, reason("filter_failure", filter="LOT_SIZE"), None, 7),
    refused(),
    *(replace(refused(), outcome=outcome) for outcome in ("ignored", "expired", "observed", "new-one")),
    ApprovalRequested(approval(), "WIF", "USDC"),
    *(ApprovalClosed(approval(state=state, by="Ann"), "WIF", "USDC") for state in ApprovalState),
    ControlsChanged(TradingState(), TradingState(Pause.ALL, Mode.CONFIRM, "Ann", NOON)),
    Started("0.1.0", "paper", TradingState(Pause.ENTRIES), 2, ("from_latest", "later_note")),
    Started("0.1.0", "paper", TradingState(), 2, predecessor="process 7 on desk", idle_seconds=1.2, priority=Priority.URGENT),
    DeadLettersFound(3, LETTER),
    DeadLettersFound(3, LETTER, tuple(ProblemKind("webhook", "webhook/1", f"{word} is missing", 1) for word in "abc")),
    DeadLettersFound(20, LETTER, merged(ProblemKind("webhook", "webhook/1", f"{chr(97 + n)} is wrong", 1) for n in range(20))),
    RequestsRefused(NOON, (("wrong_secret", 3), ("something new", 1))),
    StrangerSeen(6666, "Mallory"),
    AuthenticatorChanged(1002, "Ann"),
    AuthenticatorChanged(1002, "Ann", ended=True),
    KeyTooWide(("withdraws", "transfers", "any_address", "later_finding")),
    KeyTooWide(("any_address",)),
    KeyTooWide((), "the exchange says <no>"),
    PartTroubled("kafka", recovered=False, detail="no broker"),
    PartTroubled("exchange", recovered=True, detail=""),
    *(AnotherProgram("came", "process 7 on desk", effect) for effect in ("entries", "no_entries", "paper")),
    AnotherProgram("stays", "process 7 on desk", "no_entries"),
    AnotherProgram("gone", "process 7 on desk", "entries"),
    PanicOver("Ann", (), paused=True, dust=(("DOGEUSDC", Decimal("0.158")),)),
    ControlsChanged(TradingState(), TradingState(Pause.ALL, Mode.AUTO, "Ann", NOON, panic=Panic("tap", 7, "Ann"))),
    PanicOver("Ann", ("WIFUSDC", "SOLUSDC"), paused=False),
    proved(Proof("2026-03-01", 7, 4, 5, 4, 4, {"USDC": Decimal("1.25")}, {"WIF": Decimal("0.02")})),
    proved(Proof("2026-03-01", differences=tuple(f"fill {number} of order mf-1: missing" for number in range(12)))),
]


def test_a_buy_begins_as_the_contract_says() -> None:
    lines = text_of(executed(price="0.4805")).splitlines()
    assert lines[:3] == ["🟩 BUY_SM executed", "Symbol: WIFUSDC", "Price: 0.4805"]
    assert lines[3:] == ["Quantity: 20 WIF", "Value: 9.61 USDC", "Fee: 0.02 WIF (0.00961 USDC)", "Position: 19.98 WIF"]


def test_a_sell_begins_as_the_contract_says_and_tells_the_net_amount() -> None:
    lines = text_of(executed(Side.SELL, price="0.5220")).splitlines()
    assert lines[:4] == ["🔴 SELL_SM executed", "Symbol: WIFUSDC", "Price: 0.5220", "Profit: +7.8%"]
    assert lines[4:] == ["Quantity: 20 WIF", "Value: 10.44 USDC", "Fee: 0.0104 USDC", "Net: +0.75 USDC"]


def test_a_partial_fill_is_said_plainly() -> None:
    assert "Quantity: 12.5 of 20 WIF (partial fill)" in text_of(executed(filled="12.5"))


@pytest.mark.parametrize(("mode", "said"), [("paper", True), ("testnet", True), ("live", False)])
def test_no_real_money_is_said(mode: str, said: bool) -> None:
    assert ("no real money" in text_of(executed(mode=mode))) is said


def test_a_refusal_gives_its_reason() -> None:
    lines = text_of(refused()).splitlines()
    assert lines[0] == "🚫 BUY_SM denied"
    assert "Reason: order value 4.80 USDC is below the exchange's minimum of 5" in lines


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_halted_account_is_told_with_what_to_do(language: str) -> None:
    message = render(SymbolHalted(SymbolHalt(ACCOUNT, STRANGE, NOON)), texts(language))
    lines = plain_text(message.text).splitlines()
    assert len(lines) == 5
    assert all("28" in line and "WIFUSDC" in line for line in lines[1:4])
    assert "/accept account" in lines[4]
    assert [button.data for row in message.keyboard for button in row] == ["/accept account"]


def test_a_failed_exit_says_that_the_position_is_still_held() -> None:
    text = text_of(failed("bad_key", Side.SELL, message="Invalid API-key", code="-2015"))
    assert text.startswith("❗ SELL_SM failed\n")
    assert "still open" in text
    assert "What to do" in text


@pytest.mark.parametrize(
    ("seconds", "english", "russian"),
    [(0.84, "for 0.8 s.", "не было 0,8 с."), (75.4, "for 1 min 15 s.", "не было 1 мин 15 с.")],
)
def test_a_takeover_says_from_whom_and_how_long_nothing_was_traded(seconds: float, english: str, russian: str) -> None:
    event = Started("0.1.0", "live", TradingState(), 2, (), NOON, predecessor="process 7 on desk", idle_seconds=seconds)
    assert f"Took over from process 7 on desk. Nothing was traded {english}" in text_of(event)
    assert "Last seen running" not in text_of(event)
    told = plain_text(render(event, RU).text)
    assert f"Принял торговлю от process 7 on desk. Сделок {russian}" in told


def test_a_start_in_pause_says_so_loudly() -> None:
    text = text_of(Started("0.1.0", "live", TradingState(Pause.ALL, Mode.CONFIRM), 2, ("from_latest",)))
    assert text.startswith("🚀 MarketFlow started\n")
    for said in ("LIVE", "PAUSED", "confirm", "Open positions: 2", "First start: signals sent before now are skipped"):
        assert said in text


@pytest.mark.parametrize(
    ("note", "english", "russian"),
    [
        ("newcomer_untraded", "has placed no order in the last hour", "за последний час по этому учёту не было ордеров"),
        ("newcomer_away", "no program ran on this ledger for 45 s or longer", "45 с или дольше с этим учётом никто не работал"),
        ("newcomer_disturbed", "another program uses this bot's token", "токеном этого бота пользуется ещё одна программа"),
    ],
)
def test_a_start_whose_entries_wait_says_why_for_how_long_and_what_to_do(note: str, english: str, russian: str) -> None:
    event = Started("0.1.0", "live", TradingState(), 2, (note,))
    for said in (english, "Entries wait", "45 s", "/health", "Exits don't wait"):
        assert said in text_of(event)
    told = plain_text(render(event, RU).text)
    for said in (russian, "Входы ждут", "45 с", "/health", "Выходы не ждут"):
        assert said in told


@pytest.mark.parametrize("state", [state for state in ApprovalState if state is not ApprovalState.OPEN])
def test_a_closed_approval_names_who_and_has_no_buttons(state: ApprovalState) -> None:
    message = render(ApprovalClosed(approval(state=state, by="Ann <x>"), "WIF", "USDC", reason("paused")), EN)
    assert message.keyboard == ()
    assert "Ann &lt;x&gt;, 12:00:10 UTC" in message.text
    assert "Not traded: trading is paused" in message.text


def test_the_buttons_of_an_approval_fit_telegrams_limit() -> None:
    ((yes, no),) = render(ApprovalRequested(approval(token="x" * 16), "WIF", "USDC"), EN).keyboard
    assert (yes.data, no.data) == (f"ap:{'x' * 16}:y", f"ap:{'x' * 16}:n")
    assert len(yes.data.encode()) <= 64


class Tags(HTMLParser):
    """Every tag of a text, and whether they are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert attrs == []
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("event", ALL_EVENTS, ids=lambda event: event.kind)
def test_every_event_is_well_formed_in_every_language(event: Event, language: str) -> None:
    message = render(event, texts(language))
    assert Tags(message.text).open == []
    assert "{" not in message.text
    assert "?" not in message.text.replace("this?", "").replace("исполнить?", "")
    assert units(message.text) < 1_500


def hostile_events() -> list[Event]:
    said = replace(signal(), signal_type=f"BUY_{EVIL}", symbol=EVIL)
    order = replace(failed("rejected", message=EVIL, code=EVIL).order, signal=said)
    asked = replace(approval(state=ApprovalState.DECLINED), signal=said, decided_by=EVIL)
    return [
        SignalRefused(said, EVIL, Reason("symbol_not_allowed", {"symbol": EVIL, "allowed": EVIL})),
        SignalRefused(said, "denied", Reason(EVIL)),
        replace(executed(), execution=replace(executed().execution, signal_type=EVIL, symbol=EVIL, base_asset=EVIL)),
        OrderFailed(order),
        OrderUnanswered(order),
        OrderAdopted(order),
        ExitPending(order.signal, reason("rejected", message=EVIL, code=EVIL)),
        ApprovalRequested(asked, EVIL, EVIL),
        ApprovalClosed(asked, EVIL, EVIL, reason("declined", who=EVIL)),
        ControlsChanged(TradingState(), TradingState(changed_by=EVIL, changed_at=NOON)),
        Started(EVIL, "live", TradingState(), 0, (EVIL,), predecessor=EVIL),
        DeadLettersFound(1, replace(LETTER, position=EVIL, problem=EVIL, raw=EVIL.encode())),
        StrangerSeen(1, EVIL),
        AuthenticatorChanged(1, EVIL),
        PartTroubled(EVIL, recovered=False, detail=EVIL),
        AnotherProgram("came", EVIL, "entries"),
        PanicOver(EVIL, (EVIL,), paused=True, dust=((EVIL, Decimal(1)),)),
        ControlsChanged(TradingState(), TradingState(changed_by=EVIL, changed_at=NOON, panic=Panic(EVIL, 7, EVIL))),
    ]


@pytest.mark.parametrize("event", hostile_events(), ids=lambda event: event.kind)
def test_nothing_foreign_becomes_html(event: Event) -> None:
    for message in (render(event, EN), render_digest([OutboxItem(1, NOON, event)] * 2, RU)):
        tags = Tags(message.text)
        assert tags.open == []
        assert "a" not in tags.seen
        assert EVIL not in message.text


def test_five_hundred_events_are_one_screen_with_counts() -> None:
    events = [executed() if index % 10 else refused() for index in range(500)]
    items = [OutboxItem(index, NOON + timedelta(seconds=index), event) for index, event in enumerate(events)]
    message = render_digest(items, EN)
    lines = message.text.splitlines()
    assert len(lines) <= 22
    shown = len(lines) - 2
    assert "12:00 🟩 BUY_SM WIFUSDC 20 at 0.4805" in lines
    match = re.fullmatch(r"…and (\d+) more: (\d+) executed, (\d+) refused\. /trades /signals", lines[-1])
    assert match is not None
    rest, done, denied = map(int, match.groups())
    assert shown + rest == 500
    assert done + denied == rest


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def test_the_catalogues_hold_the_same_keys_with_the_same_placeholders() -> None:
    assert en.CATALOGUE.keys() == ru.CATALOGUE.keys()
    for key, sentence in en.CATALOGUE.items():
        assert placeholders(sentence) == placeholders(ru.CATALOGUE[key]), key


def test_no_text_counts_long_times_in_seconds() -> None:
    texts_ = (*en.CATALOGUE.items(), *ru.CATALOGUE.items(), *SENTENCES.items(), *ru.SENTENCES.items())
    assert [key for key, sentence in texts_ if re.search(r"\{\w+\} (s|с|seconds|секунд\w?)\b", sentence)] == []


def test_every_reason_is_translated_with_its_numbers() -> None:
    assert SENTENCES.keys() == ru.SENTENCES.keys()
    for code, sentence in SENTENCES.items():
        assert placeholders(sentence) == placeholders(ru.SENTENCES[code]), code


def test_no_text_is_dead_and_none_is_missing() -> None:
    source = "".join(path.read_text() for path in Path(bot.__file__).parent.rglob("*.py") if path.parent.name != "texts")
    named = set(re.findall(r"""["']([a-z_]+(?:\.[a-z_0-9]+)*)["']""", source))
    stems = {stem.rstrip(".") for stem in re.findall(r"""f["']([a-z_.]+)\{""", source)}  # keys that are built from parts
    unused = {key for key in en.CATALOGUE if key not in named and not any(key.startswith(stem) for stem in stems if stem)}
    assert not unused
    said = set(re.findall(r"""(?:texts|words)\(\s*["']([a-z_.0-9]+)["']""", source)) - {"en", "ru"}
    assert said <= en.CATALOGUE.keys()


def test_every_command_is_described() -> None:
    assert {f"command.{command.name}" for command in COMMANDS} == {key for key in en.CATALOGUE if key.startswith("command.")}


@pytest.mark.parametrize(
    ("typed", "meant"), [("statuss", "status"), ("possitions", "positions"), ("PAUSE!", "pause"), ("qqqq", None)]
)
def test_the_nearest_command(typed: str, meant: str | None) -> None:
    assert nearest(typed)[:1] == ([meant] if meant else [])


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("0.4805", "0.4805"), ("0.522", "0.5220"), ("0.48053333", "0.480533"), ("0.00001234", "0.00001234"), ("1.5", "1.5000"),
        ("152.34", "152.34"), ("97123.45", "97,123.45"), ("0", "0.0000"), ("1E+5", "100,000.00"),
    ],
)  # fmt: skip
def test_prices(number: str, shown: str) -> None:
    assert price(Decimal(number)) == shown


@pytest.mark.parametrize(("number", "shown"), [("7.844", "+7.84%"), ("-0.004", "0.00%"), ("0", "0.00%"), ("-12.355", "-12.36%")])
def test_percentages_have_two_decimals_and_a_sign_unless_they_are_nothing(number: str, shown: str) -> None:
    assert per_cent(Decimal(number)) == shown


@pytest.mark.parametrize(
    ("number", "shown"), [("9.609", "+9.61"), ("-0.01234", "-0.01234"), ("1234567.8", "+1,234,567.80"), ("0", "0.00")]
)
def test_amounts_with_a_sign(number: str, shown: str) -> None:
    assert money(Decimal(number), signed=True) == shown


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=Decimal("-1e15"), max_value=Decimal("1e15"), places=8))
def test_a_quantity_is_shown_in_full(number: Decimal) -> None:
    assert Decimal(quantity(number).replace(",", "")) == number


@given(st.decimals(-(10**12), 10**12, places=6), st.sampled_from([money, price, quantity, per_cent]))
def test_a_number_is_the_same_in_both_languages_but_for_its_marks(number: Decimal, write: Callable[[Decimal], Figure]) -> None:
    figure = write(number)
    assert texts("en")("net_profit", profit=figure, quote="USDC") == f"Net: {figure} USDC"
    russian = texts("ru")("net_profit", profit=figure, quote="USDC")
    assert figure.translate({ord(","): "\xa0", ord("."): ","}) in russian
    assert not re.match(r"-[0.,]*$", figure.removesuffix("%"))


def test_numbers_of_a_reason_are_grouped_and_ids_are_not() -> None:
    large = reason("order_notional", value="36000.00", quote="USDC", limit="1000")
    assert texts("en").reason(large) == "order value 36,000.00 USDC is above the limit of 1,000"
    assert "36\xa0000,00" in texts("ru").reason(large)
    assert "order 123456 " in texts("en").reason(reason("order_differs", order_id="123456", ours="FILLED", theirs="NEW"))


@pytest.mark.parametrize(
    ("count", "english", "russian"),
    [(1, "1 event", "1 событие"), (2, "2 events", "2 события"), (5, "5 events", "5 событий"), (21, "21 events", "21 событие")],
)
def test_a_count_has_its_noun_in_the_right_form(count: int, english: str, russian: str) -> None:
    assert plain_text(texts("en")("digest", count=count)) == f"📚 {english}"
    assert plain_text(texts("ru")("digest", count=count)) == f"📚 {russian}"


WORDS = st.sampled_from(["a", "Ж", "🟩", "&amp;", "&lt;", "\n", " ", "<b>bold</b>", "<i>x\n<b>yy</b></i>", "<code>z&gt;</code>"])


@given(st.lists(WORDS, min_size=1, max_size=80), st.integers(40, 60))
def test_a_long_text_is_split_within_limits_and_nothing_is_lost(words: list[str], limit: int) -> None:
    text = "".join(words)
    pieces = split(text, limit)
    for piece in pieces:
        assert units(piece) <= limit
        assert Tags(piece).open == []
        assert not re.search(r"&(?!amp;|lt;|gt;)", piece)
    squeezed = [re.sub(r"\s", "", plain_text(part)) for part in ("".join(pieces), text)]
    if any(re.sub(r"\s", "", squeezed[1])):
        assert squeezed[0] == squeezed[1]


def test_a_long_alert_is_cut_at_the_end_of_a_line() -> None:
    pieces = split("<b>" + "line of text\n" * 1_000 + "</b>")
    assert len(pieces) > 2
    assert all(units(piece) <= 4096 and piece.startswith("<b>line of text\n") for piece in pieces)


@given(st.lists(st.decimals(-(10**7), 10**7, places=6), min_size=1, max_size=9))
def test_numbers_of_a_table_stand_point_under_point(numbers: list[Decimal]) -> None:
    written = [write(number) for number in numbers for write in (money, quantity)]
    rows = aligned(written)
    assert len({len(row) for row in rows}) == 1
    assert [row.strip() for row in rows] == written
    assert len({row.index(".") for row in rows if "." in row}) <= 1


@pytest.mark.parametrize(
    ("amounts", "written"),
    [
        (["2.75", "-0.5978", "0"], ["+2.75", "-0.60", "0.00"]),
        (["-0.005276", "3.17"], ["-0.0053", "+3.1700"]),
        (["-9.61", "1200.5"], ["-9.61", "+1,200.50"]),
        (["0.00001234", "-0.000001"], ["+0.00001234", "-0.00000100"]),
    ],
)
def test_results_of_one_list_have_the_same_decimals_and_a_sign(amounts: list[str], written: list[str]) -> None:
    numbers = [Decimal(amount) for amount in amounts]
    assert [alike(numbers)(number) for number in numbers] == written


def test_days_of_lists_are_written_as_one_does() -> None:
    assert texts("en").moment(NOON) == "24 Nov 12:00"
    assert texts("ru").moment(NOON) == "24.11 12:00"


def test_parts_speak_the_readers_language() -> None:
    market = MarketDataCache(Exchange(FastClock()), FastClock(), list)
    words = [market.ready[1], market.instruments_ready[1]]
    market.problem = ""
    words += [market.ready[1], "migrated", "has not answered for 7 s", "reading a-topic, 3 partition(s)"]
    words += ["over the WebSocket API", "over REST while the WebSocket API is away", "over REST"]
    for word in words:
        assert re.search("[а-я]", state_text(word, texts("ru"), 100)), word
    assert state_text("<b>no</b>", texts("ru"), 100) == "&lt;b&gt;no&lt;/b&gt;"
