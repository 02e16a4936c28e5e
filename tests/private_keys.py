"""Keys in files, of the kinds that people have."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

_PKCS8, _SSH, _BARE = PrivateFormat.PKCS8, PrivateFormat.OpenSSH, NoEncryption()


def ed25519_pem() -> str:
    """Returns a new key, as `openssl genpkey -algorithm ed25519` writes it."""
    return ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, _PKCS8, _BARE).decode()


def write_key(path: Path, text: str | bytes) -> Path:
    """Writes a file that its owner alone may read."""
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(0o600)
    return path


def _ed(encryption: KeySerializationEncryption = _BARE, form: PrivateFormat = _PKCS8, encoding: Encoding = Encoding.PEM) -> bytes:
    return ed25519.Ed25519PrivateKey.generate().private_bytes(encoding, form, encryption)


def _public() -> bytes:
    public = ed25519.Ed25519PrivateKey.generate().public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@cache
def _rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, 2048)  # may take a second


def _rsa(form: PrivateFormat, encryption: KeySerializationEncryption = _BARE) -> bytes:
    return _rsa_key().private_bytes(Encoding.PEM, form, encryption)


_LOCKED = BestAvailableEncryption(b"hunter2")

UNUSABLE: Mapping[str, tuple[Callable[[], bytes], str]] = {
    "rsa": (lambda: _rsa(_PKCS8), "holds a key of another kind: RSA"),
    "older rsa": (lambda: _rsa(PrivateFormat.TraditionalOpenSSL), "holds a key of another kind: RSA"),
    "ec": (
        lambda: ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, _PKCS8, _BARE),
        "holds a key of another kind: EC",
    ),
    "ed448": (
        lambda: ed448.Ed448PrivateKey.generate().private_bytes(Encoding.PEM, _PKCS8, _BARE),
        "holds a key of another kind: Ed448",
    ),
    "x25519": (
        lambda: x25519.X25519PrivateKey.generate().private_bytes(Encoding.PEM, _PKCS8, _BARE),
        "holds a key of another kind: X25519",
    ),
    "encrypted": (lambda: _ed(_LOCKED), "holds a key with a password"),
    "encrypted rsa": (lambda: _rsa(PrivateFormat.TraditionalOpenSSL, _LOCKED), "holds a key with a password"),
    "openssh": (lambda: _ed(form=_SSH), "holds a key in the form of OpenSSH"),
    "public": (_public, "holds only the public key, which belongs to Binance"),
    "no pem": (lambda: _ed(encoding=Encoding.DER), "holds no key in PEM"),
    "empty": (lambda: b"", "holds no key in PEM"),
    "certificate": (
        lambda: b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "holds a certificate",
    ),
    "damaged": (
        lambda: _ed().replace(b"MC4CAQAw", b"MC4CAQAx"),
        "holds a key that cannot be read: it is damaged or of an unknown kind",
    ),
    "cut off": (lambda: _ed()[:80], "holds a key that cannot be read: it is damaged or of an unknown kind"),
}
"""Files that hold no key to sign with: how they are made, and what is said of them."""
