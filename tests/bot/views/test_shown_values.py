"""Numbers, lengths and times inside a sentence are in the reader's notation, whatever form they came in."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.texts import texts
from bot.texts.figures import Figure
from bot.views.daily_reconciliation import day_lines
from bot.views.program_alerts import part_lines
from core.domain.daily_proof import Proof
from core.domain.events.daily_proof import DayProved
from core.domain.events.outages import PartTroubled
from core.domain.reasons import Reason, reason

EN, RU = texts("en"), texts("ru")


def test_a_length_below_a_minute_keeps_its_decimal_mark() -> None:
    shown = {"source": "kafka:t", "id": "x", "age": Figure("0.5")}
    assert EN("why.received", **shown) == "received from kafka:t (x), 0.5 s old"
    assert RU("why.received", **shown) == "получен из kafka:t (x), возраст 0,5 с"


def test_a_long_limit_is_a_length_and_not_seconds_with_thousands() -> None:
    why = reason("expired", age=5000, limit=3600)
    assert EN.reason(why) == "the signal was 1 h 23 min old, the limit is 1 h"
    assert RU.reason(why) == "возраст сигнала 1 ч 23 мин, допустимо 1 ч"


def test_a_count_of_thousands_takes_the_right_noun() -> None:
    assert EN("health.lag", count=Figure("1,001")) == "Kafka lag: 1,001 records"
    assert RU("health.lag", count=Figure("1,001")) == "Лаг Kafka: 1\xa0001 запись"


def test_the_time_in_a_reason_is_in_the_readers_zone() -> None:
    stored = "2026-03-01 12:00:00.000+00:00"
    why = reason("order_of_other", symbol="WIFUSDC", mark=7, count=2, order_id=28, at=stored)
    assert EN.reason(why).endswith("the last 28 of 01 Mar 2026 12:00 UTC)")
    assert texts("ru", "Europe/Moscow").reason(why).endswith("последний 28 от 01.03.2026 15:00 MSK)")
    assert datetime.fromisoformat(stored).astimezone(ZoneInfo("Europe/Moscow")).tzinfo != UTC


def test_a_time_that_a_reason_cannot_be_read_by_stays() -> None:
    assert "of yesterday" in EN.reason(Reason("conflict", {"at": "yesterday"}))
    assert "of 2026-03-01" in EN.reason(Reason("conflict", {"at": "2026-03-01"}))


def test_prices_of_a_plan_are_in_the_readers_notation_and_a_senders_words_are_not() -> None:
    assert RU.reason(reason("stop_reached", market="0.48", found="0.49")) == "рынок, сейчас 0,48, уже на стопе 0,49 или ниже"
    assert "0.49" in RU.reason(reason("plan_stop_offset", found="0.49"))


@pytest.mark.parametrize("part", ["exchange", "kafka", "signals_table", "history"])
def test_an_outage_says_what_it_means_for_trading(part: str) -> None:
    assert len(part_lines(PartTroubled(part, recovered=False, detail="gone"), EN)) == 3
    assert len(part_lines(PartTroubled(part, recovered=True, detail=""), EN)) == 1


def test_a_day_that_differs_says_what_to_do() -> None:
    day = DayProved(Proof("2026-03-01", differences=("fill 0 of order mf-1: missing",)), 1)
    assert any(line.startswith("What to do: check these orders on the exchange") for line in day_lines(day, EN))
    assert not any("What to do" in line for line in day_lines(DayProved(Proof("2026-03-01"), 0), EN))
