"""BINANCE_PRIVATE_KEY_PATH: read once at the start, told plainly where it is no key, and never shown."""

import json
from pathlib import Path
from urllib.parse import quote

import pytest

from bot.factories import credentials_of
from bot.settings.redaction import REDACTED, hide, shown
from bot.settings.settings import Settings, load_settings
from core.domain.errors import ConfigurationError
from tests.private_keys import UNUSABLE, ed25519_pem, write_key

NAME = "BINANCE_PRIVATE_KEY_PATH"
ACCEPTED = "accepted: a file with an Ed25519 key in PEM, without a password, as `openssl genpkey -algorithm ed25519` makes it"
LIVE = {"TRADING_MODE": "live", "BINANCE_API_KEY": "k" * 64}


def load(path: Path, **given: str) -> Settings:
    return load_settings({**LIVE, NAME: str(path), **given}, env_file=None)


def problem(given: dict[str, str]) -> str:
    with pytest.raises(ConfigurationError) as refused:
        load_settings({**LIVE, **given}, env_file=None)
    (told,) = refused.value.problems
    return told


def test_it_takes_the_place_of_the_secret(tmp_path: Path) -> None:
    pem = ed25519_pem()
    settings = load(write_key(tmp_path / "key.pem", pem))
    credentials = credentials_of(settings)
    assert (credentials.key, credentials.secret, credentials.private_key) == ("k" * 64, "", pem)
    assert settings.warnings == ()


@pytest.mark.parametrize("mode", ["paper", "testnet", "live"])
def test_of_secret_and_key_one_is_set(tmp_path: Path, mode: str) -> None:
    path = write_key(tmp_path / "key.pem", ed25519_pem())
    told = problem({"TRADING_MODE": mode, "BINANCE_API_SECRET": "s" * 64, NAME: str(path)})
    assert told.startswith(f"BINANCE_API_SECRET, {NAME}: both set; accepted: one of them")


@pytest.mark.parametrize("kind", UNUSABLE)
def test_a_file_that_holds_no_such_key_is_named(tmp_path: Path, kind: str) -> None:
    make, named = UNUSABLE[kind]
    path = write_key(tmp_path / "key.pem", make())
    told = problem({NAME: str(path)})
    assert told.startswith(f"{NAME}: found ")
    assert told.endswith(f"; {ACCEPTED}; this file {named}")


def test_a_short_path_is_shown() -> None:
    assert problem({NAME: "no/such.pem"}) == f"{NAME}: found 'no/such.pem'; {ACCEPTED}; this file does not exist"


@pytest.mark.parametrize("joint", ["\n", "\\n", " "])
@pytest.mark.parametrize("name", [NAME, "SNOWFLAKE_HOST", "SYMBOL", "BINANCE_API_SECRET", "BINANCE_API_URL", "KAFKA_BROKER"])
def test_a_key_in_a_setting_is_not_shown(name: str, joint: str) -> None:
    lines = ed25519_pem().splitlines()
    with pytest.raises(ConfigurationError) as refused:
        load_settings({**LIVE, name: joint.join(lines)}, env_file=None)
    told = "\n".join([*refused.value.problems, str(refused.value), repr(refused.value)])
    assert lines[1] not in told
    assert name in told


def test_a_key_in_the_place_of_its_path_is_told_as_that() -> None:
    assert problem({NAME: ed25519_pem()}).endswith(f"; {ACCEPTED}; this is the key itself, and not the path of a file")


def test_a_key_that_others_may_read_is_doubted(tmp_path: Path) -> None:
    path = write_key(tmp_path / "key.pem", ed25519_pem())
    path.chmod(0o640)
    assert load(path).warnings == (f"{path} can be read by others on this machine; take that from them: chmod 600 {path}",)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_the_key_is_known_to_what_hides_secrets(tmp_path: Path, line_end: str) -> None:
    pem = ed25519_pem()
    body = pem.splitlines()[1]
    settings = load(write_key(tmp_path / "key.pem", pem.replace("\n", line_end)))
    assert body not in f"{settings!r} {settings}"
    assert body not in settings.model_dump_json(include={"symbol"})
    hide(settings.secret_values())
    try:
        for text in (pem, body, repr(pem), json.dumps({"key": pem}), quote(pem), quote(body, safe=""), f"x{body}y"):
            for form in {body, quote(body), quote(body, safe="")}:
                assert form not in shown(f"cannot sign with {text}")
    finally:
        hide(())


@pytest.mark.parametrize("kind", ["rsa", "ec", "encrypted", "openssh"])
@pytest.mark.parametrize("joint", ["\n", "\\n", "\r\n"])
def test_a_private_key_of_anybody_is_hidden_by_its_place(kind: str, joint: str) -> None:
    lines = UNUSABLE[kind][0]().decode().splitlines()
    said = shown(f"cannot read {joint.join(lines)}{joint}; <b>and on</b>")
    assert [line for line in lines[1:-1] if line in said] == []
    assert said.startswith(f"cannot read {lines[0]}{REDACTED}")
    assert said.endswith("; <b>and on</b>")
    public = UNUSABLE["public"][0]().decode()
    assert shown(public) == public
