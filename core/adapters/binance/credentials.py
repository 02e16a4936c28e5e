"""The API key of an account, and what requests are signed with."""

import hashlib
import hmac
from dataclasses import dataclass, field

from core.adapters.binance.private_key import sign


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

    def signature(self, payload: str) -> str:
        """Returns the signature of a request of the WebSocket API; python-binance signs those of REST itself."""
        if self.private_key:
            return sign(self.private_key, payload)
        return hmac.new(self.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
