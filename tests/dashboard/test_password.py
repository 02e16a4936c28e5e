"""Nothing passes without the password: neither pages nor the socket; and a wrong one, or a forged cookie, is none."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from dashboard import password
from dashboard.password import PasswordCheck

SECRET = "correct horse battery"


async def page(_request: object) -> PlainTextResponse:
    return PlainTextResponse("the ledger")


async def socket(opened: WebSocket) -> None:
    await opened.accept()
    await opened.send_text("the ledger")
    await opened.close()


APP = Starlette(routes=[Route("/", page), Route("/_stcore/health", page), WebSocketRoute("/_stcore/stream", socket)])


@pytest.fixture
async def client(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setattr(password, "_PAUSE_SECONDS", 0.0)
    checked = httpx.ASGITransport(PasswordCheck(APP, SECRET))
    async with httpx.AsyncClient(transport=checked, base_url="http://here") as opened:
        yield opened


async def test_who_knows_the_password_is_let_in(client: httpx.AsyncClient) -> None:
    first = await client.get("/")
    assert (first.status_code, "the ledger" in first.text) == (401, False)
    assert (await client.get("/_stcore/health")).status_code == 200
    entered = await client.post("/login", data={"password": SECRET})
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    flags = entered.headers["set-cookie"].lower()
    assert ("httponly" in flags, "samesite=strict" in flags, "; secure" in flags) == (True, True, False)
    assert (await client.get("/")).text == "the ledger"


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        ("/chart?span=7d&symbol=WIFUSDC", "/chart?span=7d&symbol=WIFUSDC"),
        ("//evil.example/", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("chart", "/"),
        ("", "/"),
    ],
)
async def test_who_entered_sees_the_page_that_was_asked_for(client: httpx.AsyncClient, wanted: str, shown: str) -> None:
    entered = await client.post("/login", params={"next": wanted}, data={"password": SECRET})
    assert entered.headers["location"] == shown


async def test_the_form_remembers_the_page_through_a_wrong_guess(client: httpx.AsyncClient) -> None:
    asked = await client.get("/chart", params={"span": '7d"><b>'})
    again = await client.post("/login", params={"next": "/chart?span=7d"}, data={"password": "guess"})
    assert 'action="/login?next=%2Fchart%3Fspan%3D7d' in asked.text
    assert asked.text.count("<b>") == 1  # the program's name
    assert 'action="/login?next=%2Fchart%3Fspan%3D7d"' in again.text


async def test_the_cookie_of_an_encrypted_visit_stays_encrypted(client: httpx.AsyncClient) -> None:
    entered = await client.post("/login", data={"password": SECRET}, headers={"X-Forwarded-Proto": "https"})
    assert "; secure" in entered.headers["set-cookie"].lower()


@pytest.mark.parametrize("said", ["", "correct horse", SECRET + " ", "пароль"])
async def test_a_wrong_password_opens_nothing(client: httpx.AsyncClient, said: str) -> None:
    answer = await client.post("/login", data={"password": said}, headers={"Accept-Language": "ru,en;q=0.8"})
    assert (answer.status_code, "Пароль неверный." in answer.text) == (401, True)
    assert "set-cookie" not in answer.headers
    assert (await client.get("/")).status_code == 401


@pytest.mark.parametrize("cookie", ["", ".", "9999999999.", "9999999999.00", "x.y", "9999999999"])
async def test_a_forged_cookie_opens_nothing(client: httpx.AsyncClient, cookie: str) -> None:
    assert (await client.get("/", headers={"Cookie": f"marketflow_dashboard={cookie}"})).status_code == 401


async def test_a_cookie_has_its_time(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(password, "_KEPT_SECONDS", -1)
    entered = await client.post("/login", data={"password": SECRET})
    cookie = entered.headers["set-cookie"].partition(";")[0]
    assert (await client.get("/", headers={"Cookie": cookie})).status_code == 401


async def test_a_form_has_its_size(client: httpx.AsyncClient) -> None:
    assert (await client.post("/login", content=b"password=" + b"x" * 5_000)).status_code == 413


async def test_guesses_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting, most = 0, 0

    async def pause(_seconds: float) -> None:
        nonlocal waiting, most
        waiting += 1
        most = max(most, waiting)
        await real(0)
        waiting -= 1

    real = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", pause)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(PasswordCheck(APP, SECRET)), base_url="http://here") as client:
        await asyncio.gather(*(client.post("/login", data={"password": "guess"}) for _ in range(5)))
    assert most == 1


async def test_the_socket_is_closed_to_who_did_not_give_it() -> None:
    checked = PasswordCheck(APP, SECRET)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(checked), base_url="http://here") as client:
        entered = await client.post("/login", data={"password": SECRET})
    proved = entered.headers["set-cookie"].partition(";")[0]
    assert await said_over_the_socket(checked, "") == ["websocket.close"]
    assert await said_over_the_socket(checked, proved) == ["websocket.accept", "websocket.send", "websocket.close"]


async def said_over_the_socket(app: PasswordCheck, cookie: str) -> list[str]:
    """Connects to the socket, as a server would, and returns the kinds of messages that came."""
    came: list[str] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        came.append(message["type"])

    head = [(b"host", b"here"), (b"cookie", cookie.encode())]
    scope = {"type": "websocket", "path": "/_stcore/stream", "headers": head, "query_string": b"", "subprotocols": []}
    await app(scope, receive, send)
    return came
