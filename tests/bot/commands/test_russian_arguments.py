"""Russian arguments are read where English ones are."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.arguments.durations import read_length
from bot.commands.arguments.periods import PERIODS
from bot.commands.arguments.russian import in_english
from bot.commands.parser import parse_command
from core.domain.trading_state import Mode

UNITS = {
    "минут": "minutes",
    "минуты": "minutes",
    "мин": "minutes",
    "часа": "hours",
    "часов": "hours",
    "ч": "hours",
    "дней": "days",
}


def args_of(line: str) -> tuple[str, ...]:
    said = parse_command(line, "bot")
    assert said is not None
    return said.args


@given(st.integers(1, 9999), st.sampled_from(sorted(UNITS)), st.booleans(), st.booleans())
def test_a_length_in_russian_is_the_same_length(number: int, unit: str, glued: bool, capital: bool) -> None:
    words = f"{number}{unit}" if glued else f"{number} {unit}"
    args = args_of(f"/pause на {words.upper() if capital else words}")
    assert args[0] == "for"
    assert len(args) == 2
    assert read_length(args[1]) == timedelta(**{UNITS[unit]: number})


@given(
    st.sampled_from(["pause", "pnl", "mode", "set", "why", "buy"]),
    st.lists(st.text(st.characters(max_codepoint=126), min_size=1)),
)
def test_what_is_not_russian_stays(command: str, args: list[str]) -> None:
    assert in_english(command, args) == tuple(args)


@given(st.sampled_from(["pause", "pnl", "report", "mute"]), st.lists(st.text(max_size=12), max_size=5))
def test_what_was_read_is_read_once(command: str, args: list[str]) -> None:
    once = in_english(command, args)
    assert in_english(command, once) == once


@pytest.mark.parametrize(
    ("line", "args"),
    [
        ("/pause входы на 2 часа", ("entries", "for", "2h")),
        ("/pause на час", ("for", "1h")),
        ("/mute 30 мин", ("30m",)),
        ("/mute выкл", ("off",)),
        ("/report неделя", ("week",)),
        ("/mode подтверждение выше 100 кроме SELL_SM", ("confirm", "above", "100", "except", "SELL_SM")),
        ("/accept счёт", ("account",)),
        ("/close всё", ("all",)),
        ("/heartbeat 6 часов", ("6h",)),
        ("/why неделя", ("неделя",)),
    ],
)
def test_words_of_a_command(line: str, args: tuple[str, ...]) -> None:
    assert args_of(line) == args


@pytest.mark.parametrize("word", ["сегодня", "день", "неделя", "7 дней", "30 дней", "месяц", "всё"])
def test_each_period(word: str) -> None:
    assert args_of(f"/pnl {word}")[0] in PERIODS


@pytest.mark.parametrize(("word", "mode"), [("авто", Mode.AUTO), ("подтверждение", Mode.CONFIRM), ("наблюдение", Mode.OBSERVE)])
def test_each_mode(word: str, mode: Mode) -> None:
    assert args_of(f"/mode {word}") == (mode,)
