"""No configured secret is shown: in no error of the settings, no line of the terminal, no message and no state."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.settings.redaction import REDACTED, Redactor, hide, passwords_in, shown, shown_on_purpose
from bot.settings.settings import Settings, load_settings
from bot.texts import LANGUAGES, texts
from core.domain.errors import ConfigurationError
from local_telegram.server import RunningChat
from tests.bot.conftest import bot_on
from tests.bot.parts import FastClock, Office
from tests.running import run_command

SECRET_SETTINGS = sorted(name for name, field in Settings.variables().items() if "SecretStr" in str(field.annotation))
OTHER_SETTINGS = sorted(Settings.variables().keys() - set(SECRET_SETTINGS))
SECRETS = st.text(st.characters(codec="ascii", exclude_characters="\0\n\r /@:?#[]%", categories=("L", "N", "P", "S")), min_size=8)
ADDRESSES = (
    "http://me:{}@host",
    "https://me:{}@host:99999/api",
    "me:{}@host:9092",
    "postgresql+asyncpg://me:{}@h:x/d",
    "ftp://u:{}@h",
)


@pytest.fixture(autouse=True)
def nothing_hidden() -> Iterator[None]:
    yield
    hide(())


def said(given: dict[str, str]) -> str:
    """Returns everything that is reported about settings, right or wrong."""
    try:
        settings = load_settings(given, env_file=None)
    except ConfigurationError as error:
        return "\n".join([*error.problems, str(error), repr(error)])
    return "\n".join([repr(settings), str(settings), *settings.warnings, *settings.missing_for_run()])


@given(SECRETS, st.sampled_from(SECRET_SETTINGS), st.sampled_from(OTHER_SETTINGS))
def test_a_secret_is_in_no_error_wherever_it_was_put(secret: str, right: str, wrong: str) -> None:
    assert secret not in said({right: secret})
    assert secret not in said({right: secret, wrong: f"x {secret}"})


@given(SECRETS, st.sampled_from(sorted(Settings.variables())), st.sampled_from(ADDRESSES))
def test_the_password_of_an_address_is_in_no_error_whichever_setting_it_is(secret: str, name: str, address: str) -> None:
    told = said({name: address.format(secret)})
    assert secret not in told
    assert name in told or name.lower() in told


@given(SECRETS, st.sampled_from(["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "PGPASSWORD"]))
def test_what_stands_beside_the_settings_is_a_secret_too(secret: str, name: str) -> None:
    value = secret if name == "PGPASSWORD" else f"http://me:{secret}@proxy:3128"
    hide(load_settings({name: value}, env_file=None).secret_values())
    assert secret not in shown(f"cannot connect to {value}" if "PROXY" in name.upper() else f"cannot connect with {name}={value}")


def test_every_password_in_a_text_is_found() -> None:
    text = "cannot reach http://me:one%2F1@a:1/x, postgres://u:two2@b or three:four4@c:9092,five:six66@d"
    assert set(passwords_in(text)) == {"one%2F1", "one/1", "two2", "four4", "six66"}
    assert set(passwords_in("a mail to ann@example.com, http://host:9092/x and a:b")) == set()


@pytest.mark.parametrize(
    "word", ["trader", "paper", "marketflow", "confirm", "Entries", "правда", "1000", "20261129", "0.4801", "10:30"]
)
def test_a_password_that_is_a_word_or_a_number_stays_in_sentences(word: str) -> None:
    hide([word])
    sentence = f"{word}: at {word} the {word}, in {word}. role={word} {word}@5 (#{word})"
    assert shown(sentence) == sentence


@pytest.mark.parametrize("secret", ["s3cretary", "hunter2!", "p&ss1", "word-4-word", "abcdefghijklmnop", "1234567890123456"])
def test_a_secret_that_nobody_says_by_chance_is_hidden_wherever_it_stands(secret: str) -> None:
    hide([secret])
    assert shown(f"at {secret}, x{secret}x") == f"at {REDACTED}, x{REDACTED}x"


@pytest.mark.parametrize("secret", ["x", "qxz", "trader", "marketflow", "7391", "a;b", "p&s", "hunter2!", "s3cretary", "правда"])
@pytest.mark.parametrize(
    "place",
    [
        *("postgres://me:{}@db?password={}", "redis://:{}@db", "me:{}@broker:9092", "KAFKA_PASSWORD: {}", "PGPASSWORD={}"),
        *("('password': '{}', \"token\": \"{}\")", "password='{}'", "X-MBX-APIKEY: {}", "('X-MBX-APIKEY': '{}')"),
        *("Authorization: Bearer {}", "'authorization': 'Basic {}'", "&signature={}&", "SharedAccessKey={};", "/bot{}/getMe"),
        *("b'\\x00me\\x00{}'", '(\\"secret\\": \\"{}\\")', 'Snowflake Token="{}"', "http://h/?a=b&token={}"),
    ],
)
def test_no_secret_is_shown_where_a_login_a_header_or_a_setting_holds_it(secret: str, place: str) -> None:
    hide([secret])
    said = place.replace("{}", f"123456:{secret}" if place.startswith("/bot") else secret)
    assert shown(said) == place.replace("{}", REDACTED)
    assert Redactor([secret]).named("kafka_password", secret) == REDACTED


async def test_no_message_of_the_chat_shows_a_secret_whatever_brought_it_there(server: RunningChat) -> None:
    secret = "p&ss<w>ord'\"1"
    hide([secret])
    office = await Office(FastClock()).with_position()
    office.health = lambda: {"kafka": (False, f"cannot log in with {secret}")}
    async with bot_on(server, office) as bot:
        reply = await bot.owner.ask("/health")
        assert REDACTED in reply.text
        assert secret not in reply.text
        bot.owner.press(reply, reply.buttons[0].data)
        await bot.owner.ask("/positions")
        assert not [message for message in bot.owner.messages if secret in message.text]


@pytest.mark.parametrize("command", [["check"], ["run"], ["reconcile"], ["publish", "BUY_SM", "--close", "1"]])
async def test_no_command_shows_a_secret_when_nothing_can_be_reached(tmp_path: Path, command: list[str]) -> None:
    secret = "hunter2&Secret"
    nobody = "127.0.0.1:1"
    given = {
        "TRADING_MODE": "testnet",
        "BINANCE_API_KEY": "hunter2SecretKey",
        "BINANCE_API_SECRET": "hunter2SecretSecret",
        "BINANCE_API_URL": f"http://{nobody}/api",
        "KAFKA_BROKER": nobody,
        "KAFKA_USERNAME": "me",
        "KAFKA_PASSWORD": secret,
        "TG_TOKEN": "1:hunter2SecretToken",
        "TG_API_URL": f"http://{nobody}",
        "TG_CHAT_ID": "5",
        "DATABASE_URL": f"postgresql+asyncpg://me:hunter2%26Secret@{nobody}/d",
        "LOKI_URL": f"http://me:hunter2%26Secret@{nobody}",
        "HTTPS_PROXY": f"http://me:{secret}@{nobody}",
        "WEBHOOK_SECRET": "hunter2SecretWebhook",
    }
    ended = await run_command(*command, settings=given, cwd=tmp_path)
    assert ended.code != 0
    assert "hunter2" not in ended.stdout + ended.stderr


def test_no_tag_is_taken_along_and_what_is_shown_on_purpose_stays() -> None:
    hide(["hunter2&Secret"])
    address = "otpauth://totp/MarketFlow:x?secret=JBSWY3DPEHPK3PXP"
    for place in (
        "secret={}",
        "'token': '{}",
        "Authorization: {}",
        "X-Signature: {}",
        r"\x00me\x00{}",
        "/bot1:{}",
        "http://a:{}@b",
    ):
        assert shown(f"<code>{place.replace('{}', 'abc')}</code> <b>x</b>").endswith("</code> <b>x</b>")
    assert shown(f"<code>{address}</code>") == f"<code>otpauth://totp/MarketFlow:x?secret={REDACTED}</code>"
    assert shown_on_purpose(f"<code>{address}</code> hunter2&Secret") == f"<code>{address}</code> {REDACTED}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_of_ours_is_taken_for_a_secret(language: str) -> None:
    spoken = texts(language)
    for sentence in [*spoken.catalogue.values(), *spoken.sentences.values()]:
        assert shown(sentence) == sentence
