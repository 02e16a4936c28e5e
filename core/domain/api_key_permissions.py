"""What the exchange's key may do beyond what it needs: read, and trade on spot. Pure."""

from dataclasses import dataclass

WITHDRAWS = "withdraws"
TRANSFERS = "transfers"
ANY_ADDRESS = "any_address"

DANGEROUS = frozenset({WITHDRAWS})
"""Findings with which nothing should run: whoever gets hold of such a key takes everything."""


@dataclass(frozen=True, slots=True)
class Permissions:
    """What account and key may do. None: this host does not tell (the testnet has no `sapi`)."""

    account_can_trade: bool
    account_permissions: tuple[str, ...]
    key_can_trade: bool | None = None
    key_can_withdraw: bool | None = None
    key_can_transfer: bool | None = None
    ip_restricted: bool | None = None

    @property
    def findings(self) -> tuple[str, ...]:
        """What is wider than it need be, the worst first; nothing where the host does not tell."""
        found = {
            WITHDRAWS: self.key_can_withdraw is True,
            TRANSFERS: self.key_can_transfer is True,
            ANY_ADDRESS: self.ip_restricted is False,
        }
        return tuple(name for name, is_so in found.items() if is_so)
