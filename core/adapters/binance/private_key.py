"""Ed25519 keys in PEM: read, found fault with, and used to sign. No text here holds anything of a key.

Importing `cryptography` takes a while, so nobody imports it at the top.
"""

import stat
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_MOST_BYTES = 64 * 1024  # an Ed25519 key has some 120
_SHORTEST_LINE = 16  # characters of a key's text that say something about it
# Headers that are no private key as Binance's documentation makes them, and what to call what stands below.
_OTHERS = (
    ("OPENSSH PRIVATE KEY", "holds a key in the form of OpenSSH"),
    ("PUBLIC KEY", "holds only the public key, which belongs to Binance"),
    ("CERTIFICATE", "holds a certificate"),
    ("PRIVATE KEY", "holds a key that cannot be read: it is damaged or of an unknown kind"),
)


class UnusableKey(Exception):
    """The text completes the sentence "the file ..."; it never holds anything of the file."""


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """An Ed25519 key. `pem` is written anew, in the shortest form: python-binance takes a text of more than 120 characters for an
    RSA key, and line ends of Windows or a comment make it that long. `public` is what Binance is given, without its frame;
    `written` are the lines of the file that must not be shown."""

    pem: str = field(repr=False)
    public: str
    written: frozenset[str] = field(repr=False)


def read_private_key(path: Path) -> PrivateKey:
    """Reads an Ed25519 key from a file. Raises UnusableKey."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    text = _text_of(path)
    try:
        key = serialization.load_pem_private_key(text, None)
    except TypeError:
        raise UnusableKey("holds a key with a password") from None
    except Exception:  # noqa: BLE001 - whatever is the matter with the text, it is not repeated
        raise UnusableKey(_named_by_header(text)) from None
    if not isinstance(key, Ed25519PrivateKey):
        kind = type(key).__name__.removeprefix("_").removesuffix("PrivateKey")
        raise UnusableKey(f"holds a key of another kind: {kind}")
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return PrivateKey(pem, b64encode(public).decode(), frozenset(lines_of_key(f"{text.decode('ascii', 'ignore')}\n{pem}")))


def lines_of_key(text: str) -> Iterator[str]:
    """Yields the lines of private keys in PEM that must not be shown; none where `text` holds no such key."""
    inside = False
    for line in map(str.strip, text.splitlines()):
        if line.startswith("-----"):
            inside = "PRIVATE KEY" in line and "BEGIN" in line
        elif inside and len(line) >= _SHORTEST_LINE:
            yield line


def sign(pem: str, payload: str) -> str:
    """Returns the signature in base64 (web-socket-api.md, "SIGNED Request Example (Ed25519)")."""
    return b64encode(_loaded(pem).sign(payload.encode())).decode()


@lru_cache(maxsize=1)  # reading the key takes as long as signing with it
def _loaded(pem: str) -> "Ed25519PrivateKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    key = load_pem_private_key(pem.encode(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError("not an Ed25519 key")
    return key


def _text_of(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise UnusableKey("is a directory" if stat.S_ISDIR(mode) else "is no file that stays")
        with path.open("rb") as file:
            return file.read(_MOST_BYTES)
    except FileNotFoundError:
        raise UnusableKey("does not exist") from None
    except PermissionError:
        raise UnusableKey("cannot be read by the user that runs this") from None
    except (OSError, ValueError):  # a name too long or with a zero in it, a disk that fails
        raise UnusableKey("cannot be read") from None


def _named_by_header(text: bytes) -> str:
    headers = [line for line in text.decode("ascii", "ignore").splitlines() if line.startswith("-----BEGIN")]
    return next((named for header, named in _OTHERS if any(header in line for line in headers)), "holds no key in PEM")
