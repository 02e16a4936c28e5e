"""Data that Telegram signs for the Mini App: the right ones name a person, all others nobody."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

import pytest

from bot.web.web_app_login import MAX_AGE, LoginRefusal, WebAppUser, read_login

TOKEN = "7000000001:AAExampleTokenForAVector"
OPENED = datetime.fromtimestamp(1796000000, UTC)
USER = '{"id":1001,"first_name":"Анна","last_name":"O\'Neil","language_code":"ru"}'
FIELDS = {"auth_date": "1796000000", "query_id": "AAF9tpYRAAAAAH22lhEbSiPx", "signature": "abc-_", "user": USER}
HASH = "18856363ac6b050462eb83cfc8f752451aeb7b3272cfe3b456c57dbe7227111b"
"""Computed by openssl from the documented chain, not by the code under test."""


def init_data(**changes: str) -> str:
    return urlencode(FIELDS | {"hash": HASH} | changes)


def test_data_signed_with_the_token_name_the_person() -> None:
    assert read_login(init_data(), TOKEN, OPENED) == WebAppUser(1001, "Анна O'Neil")
    assert read_login("&".join(reversed(init_data().split("&"))), TOKEN, OPENED) == WebAppUser(1001, "Анна O'Neil")


@pytest.mark.parametrize(
    "changes",
    [
        {"user": USER.replace("1001", "1002")},
        {"auth_date": "1796000001"},
        {"hash": ""},
        {"hash": "0" * 64},
        {"hash": "ы" * 64},
        {"more": "x"},
    ],
)
def test_data_that_were_changed_name_nobody(changes: dict[str, str]) -> None:
    assert read_login(init_data(**changes), TOKEN, OPENED) is LoginRefusal.FORGED


@pytest.mark.parametrize("data", ["", "&", "hash", "x" * 5000, f"{init_data()}&user={quote(USER)}"])
def test_data_that_are_none_name_nobody(data: str) -> None:
    assert read_login(data, TOKEN, OPENED) is LoginRefusal.FORGED


def test_another_bots_data_name_nobody() -> None:
    assert read_login(init_data(), TOKEN.replace("A", "B"), OPENED) is LoginRefusal.FORGED


def test_data_are_taken_for_an_hour() -> None:
    assert isinstance(read_login(init_data(), TOKEN, OPENED + MAX_AGE), WebAppUser)
    assert read_login(init_data(), TOKEN, OPENED + MAX_AGE + timedelta(seconds=1)) is LoginRefusal.OLD
    assert read_login(init_data(), TOKEN, OPENED - timedelta(minutes=2)) is LoginRefusal.OLD
