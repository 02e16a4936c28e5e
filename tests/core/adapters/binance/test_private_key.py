"""Ed25519 keys in files: read however they were written, and what is no such key is named without a letter of it."""

import base64
import os
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from binance import AsyncClient
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from core.adapters.binance.private_key import UnusableKey, lines_of_key, read_private_key, sign
from tests.private_keys import UNUSABLE, ed25519_pem, write_key

# RFC 8032, section 7.1, test 2
SEED = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
PUBLIC = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
SIGNED = (
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


def pem_of(seed: str) -> str:
    body = base64.b64encode(bytes.fromhex("302e020100300506032b657004220420" + seed)).decode()
    return f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"


def test_a_signature_is_that_of_the_standard(tmp_path: Path) -> None:
    key = read_private_key(write_key(tmp_path / "key.pem", pem_of(SEED)))
    assert key.pem == pem_of(SEED)
    assert base64.b64decode(sign(key.pem, "\x72")).hex() == SIGNED
    assert base64.b64decode(key.public).hex().endswith(PUBLIC)
    public = load_der_public_key(base64.b64decode(key.public))
    assert isinstance(public, Ed25519PublicKey)
    public.verify(bytes.fromhex(SIGNED), b"\x72")


@pytest.mark.parametrize(
    "written",
    [
        "{}",
        "\ufeff{}",
        "# the key of the bot, made in November\n{}\n\n\n",
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAgmDRTtj2FA+wzJUIlAL9ly1eovjLBu7uXUFR+jFULmg=\n-----END PUBLIC KEY-----\n{}",
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
async def test_a_key_is_given_on_in_the_form_that_the_library_takes_for_ed25519(
    tmp_path: Path, written: str, line_end: str
) -> None:
    pem = ed25519_pem()
    text = written.format(pem).replace("\n", line_end)
    key = read_private_key(write_key(tmp_path / "key.pem", text))
    assert key.pem == pem
    client = AsyncClient("k", private_key=key.pem)
    try:
        assert not client._is_rsa
        assert client._ed25519_signature("payload") == sign(key.pem, "payload")
    finally:
        await client.close_connection()


@pytest.mark.parametrize("kind", UNUSABLE)
def test_what_is_no_such_key_is_named_and_not_shown(tmp_path: Path, kind: str) -> None:
    make, named = UNUSABLE[kind]
    content = make()
    with pytest.raises(UnusableKey) as refused:
        read_private_key(write_key(tmp_path / "key.pem", content))
    assert str(refused.value) == named
    said = "".join(traceback.format_exception(refused.value))
    lines = [line for line in content.decode("ascii", "ignore").splitlines() if len(line) >= 16 and not line.startswith("---")]
    assert [line for line in lines if line in said] == []


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name, named in (
        ("nothing", "does not exist"),
        (".", "is a directory"),
        ("pipe", "is no file that stays"),
        ("loop", "cannot be read"),
        ("x" * 300, "cannot be read"),
        ("zero\0", "cannot be read"),
    ):
        with pytest.raises(UnusableKey, match=f"^{named}$"):
            read_private_key(tmp_path / name)


@pytest.fixture
def nobody() -> Iterator[None]:
    """Runs a test as a user who may not read everything."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65_534)
    yield
    os.seteuid(before)


def test_a_file_of_somebody_else(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    path = write_key(tmp_path / "key.pem", ed25519_pem())
    path.chmod(0)
    request.getfixturevalue("nobody")
    with pytest.raises(UnusableKey, match=r"^cannot be read by the user that runs this$"):
        read_private_key(path)


def test_the_key_is_in_no_text_about_it_and_known_line_by_line(tmp_path: Path) -> None:
    pem = ed25519_pem()
    key = read_private_key(write_key(tmp_path / "key.pem", pem))
    body = pem.splitlines()[1]
    assert body not in f"{key!r} {key}"
    assert key.written == frozenset({body})
    rsa = UNUSABLE["rsa"][0]().decode()
    assert list(lines_of_key(rsa)) == rsa.splitlines()[1:-1]
    assert list(lines_of_key(UNUSABLE["public"][0]().decode())) == []


def test_no_other_key_signs() -> None:
    with pytest.raises(TypeError, match="not an Ed25519 key"):
        sign(UNUSABLE["rsa"][0]().decode(), "payload")
