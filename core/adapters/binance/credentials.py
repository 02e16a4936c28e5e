"""The API key of an account, and what requests are signed with."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from core.adapters.binance.private_key import sign

# of HMAC in hexadecimal digits, of Ed25519 in base64 as it is or percent-encoded
_SIGNATURE = re.compile(r"[0-9a-fA-F]{64}|(?:[A-Za-z0-9+/]|%2[BbFf]){86}(?:==|%3[Dd]%3[Dd])?")


@dataclass(frozen=True, slots=True)
class Credentials:
    """An API key of Binance: `secret` belongs to an HMAC key, `private_key` (PEM, as `private_key.PrivateKey` writes it) to an
    Ed25519 one. Without either nothing can be signed, and only market data is available."""

    key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)

    @property
    def can_sign(self) -> bool:
        return bool(self.secret or self.private_key)

    @property
    def can_log_on(self) -> bool:
        """Tells whether a session of the WebSocket API may be opened with the key: only Ed25519 keys may."""
        return bool(self.private_key)

    def redacted(self, text: str) -> str:
        """Returns what an answer says without what it may have echoed: key, secret, and anything that looks like a signature."""
        for secret in (self.key, self.secret):
            text = text.replace(secret, "***") if secret else text
        return _SIGNATURE.sub("***", text)

    def signed(self, parameters: Mapping[str, str], at: float) -> dict[str, str | int]:
        """Returns the parameters of a request of the WebSocket API, dated `at` (seconds since the epoch, by the exchange's clock)
        and signed: the signature is over the sorted others (web-socket-api.md, "SIGNED request security")."""
        params: dict[str, str | int] = {**parameters, "apiKey": self.key, "timestamp": int(at * 1000)}
        payload = "&".join(f"{name}={value}" for name, value in sorted(params.items()))
        return {**params, "signature": self.signature(payload)}

    def signature(self, payload: str) -> str:
        """Returns the signature of a request of the WebSocket API; python-binance signs those of REST itself."""
        if self.private_key:
            return sign(self.private_key, payload)
        return hmac.new(self.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
