"""Libraries' failures show no secret, however short or ordinary it is: in their exceptions and their logs."""

import asyncio
import logging
import traceback
from collections.abc import Iterator
from urllib.parse import quote

import aiohttp
import asyncpg
import httpx
import pytest
import sqlalchemy
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.admin import SaslAuthenticateRequest_v0
from binance.exceptions import BinanceAPIException, BinanceRequestException
from multidict import CIMultiDict, CIMultiDictProxy
from sqlalchemy.ext.asyncio import create_async_engine
from yarl import URL

from bot.settings.redaction import Redactor, hide, shown
from core.adapters.kafka.options import KafkaOptions
from core.adapters.snowflake.driver_protocol import SnowflakeOptions

SECRETS = ["qxz", "zebra", "73911937", "Zebrafinch", "hunter2&Secret", "p@ss/w:rd;1"]
"""Too short, a word, a number, a longer word; and two that never occur by chance."""
NOBODY = "127.0.0.1:1"


@pytest.fixture(params=SECRETS)
def secret(request: pytest.FixtureRequest) -> Iterator[str]:
    value = str(request.param)
    hide([value])
    yield value
    hide(())


def said_of(error: BaseException) -> str:
    """Returns everything that can be written about it: as the log does, and as answers do."""
    return "\n".join([*traceback.format_exception(error), str(error), repr(error), repr(error.args)])


def assert_hidden(text: str, secret: str) -> None:
    assert text
    for told in (shown(text), Redactor([secret]).text(text)):
        for form in {secret, quote(secret), quote(secret, safe=""), repr(secret)[1:-1]}:
            assert form not in told


async def test_sqlalchemy_and_its_driver(secret: str) -> None:
    encoded = quote(secret, safe="")
    engine = create_async_engine(f"postgresql+asyncpg://me:{encoded}@{NOBODY}/d")
    with pytest.raises(ConnectionRefusedError) as refused:
        await engine.connect()
    url = engine.url
    texts = [said_of(refused.value), repr(engine), url.render_as_string(hide_password=False), str(url), repr(url)]
    with pytest.raises((ValueError, sqlalchemy.exc.ArgumentError)) as unreadable:
        sqlalchemy.make_url(f"postgresql+asyncpg://me:{encoded}@h:x/d")
    with pytest.raises((ValueError, asyncpg.PostgresError, asyncpg.InterfaceError)) as odd:
        await asyncpg.connect(f"postgres://me:{encoded}@h:x/d?password={encoded}")
    for text in [*texts, said_of(unreadable.value), said_of(odd.value), f"connect_args={{'password': {secret!r}}}"]:
        assert_hidden(text, secret)


async def test_aiokafka(secret: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "aiokafka.conn")
    options = KafkaOptions(NOBODY, "SASL_PLAINTEXT", "me", secret, request_timeout=1.0)
    arguments = await options.client_arguments()
    consumer = AIOKafkaConsumer("t", **arguments)
    try:
        with pytest.raises(KafkaConnectionError) as refused:
            await consumer.start()
    finally:
        await consumer.stop()
    asked = repr(SaslAuthenticateRequest_v0(f"\0me\0{secret}".encode()))
    for text in (said_of(refused.value), caplog.text, repr(options), repr(arguments), asked):
        assert_hidden(text, secret)


async def test_httpx(secret: str) -> None:
    encoded = quote(secret, safe="")
    url = f"https://me:{encoded}@logs.example/push?token={encoded}"
    transport = httpx.MockTransport(lambda asked: httpx.Response(401, request=asked))
    async with httpx.AsyncClient(transport=transport) as client:
        answer = await client.post(url, headers={"Authorization": f"Bearer {encoded}", "X-Signature": encoded})
        with pytest.raises(httpx.HTTPStatusError) as unauthenticated:
            answer.raise_for_status()
    with pytest.raises(httpx.InvalidURL) as unreadable:
        httpx.URL(f"https://me:{encoded}@h:99999x/")
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError) as refused:
            await client.get(f"http://me:{encoded}@{NOBODY}/bot123456:{encoded}/getMe")
    request = refused.value.request
    held = [f"{request.url}", repr(request), repr(dict(answer.request.headers)), repr(answer.request.headers)]
    for text in [*map(said_of, (unauthenticated.value, unreadable.value, refused.value)), *held]:
        assert_hidden(text, secret)


async def test_python_binance(secret: str) -> None:
    encoded = quote(secret, safe="")
    url = URL(f"https://api.example/api/v3/order?symbol=WIFUSDC&timestamp=1&signature={encoded}", encoded=True)
    headers = CIMultiDictProxy(CIMultiDict({"X-MBX-APIKEY": encoded}))
    info = aiohttp.RequestInfo(url, "POST", headers, url)
    body = f'{{"code": -1022, "msg": "signature={encoded} of X-MBX-APIKEY: {encoded} is not valid"}}'
    answered = aiohttp.ClientResponseError(info, (), status=400, message="Bad Request", headers=headers)
    refused = BinanceAPIException(None, 400, body)
    unreadable = BinanceRequestException(f"Invalid Response: {body}")
    for text in map(said_of, (answered, refused, unreadable, aiohttp.InvalidURL(url))):
        assert_hidden(text, secret)


async def test_snowflake(secret: str, caplog: pytest.LogCaptureFixture) -> None:
    import snowflake.connector
    from snowflake.connector import errors

    caplog.set_level(logging.DEBUG)

    options = SnowflakeOptions("a", "me", "d", "s", "w", password=secret, host="127.0.0.1", port=1, protocol="http")
    arguments = options.arguments() | {"login_timeout": 1, "request_timeout": 1, "retry_timeout": 1}

    def connect() -> None:
        snowflake.connector.connect(**arguments)

    with pytest.raises(errors.Error) as refused:
        await asyncio.to_thread(connect)
    login = f'{{"data": {{"LOGIN_NAME": "me", "PASSWORD": {quoted(secret)}}}}}'
    told = errors.ProgrammingError(msg=f"390100: {login}; Authorization: Snowflake Token={quoted(secret)}", errno=390100)
    for text in (said_of(refused.value), said_of(told), caplog.text, repr(options), repr(arguments)):
        assert_hidden(text, secret)


def quoted(text: str) -> str:
    return f'"{text}"'
