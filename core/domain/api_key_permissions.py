"""The permissions of the exchange key beyond the necessary ones: read, and trade on spot. Pure."""

from dataclasses import dataclass

WITHDRAWS = "withdraws"
TRANSFERS = "transfers"
ANY_ADDRESS = "any_address"

DANGEROUS = frozenset({WITHDRAWS})
"""Findings that must stop the program: whoever steals such a key can take everything."""


@dataclass(frozen=True, slots=True)
class Permissions:
    """The permissions of account and key. None: this host does not report them (the testnet has no `sapi`)."""

    account_can_trade: bool
    account_permissions: tuple[str, ...]
    key_can_trade: bool | None = None
    key_can_withdraw: bool | None = None
    key_can_transfer: bool | None = None
    ip_restricted: bool | None = None

    @property
    def findings(self) -> tuple[str, ...]:
        """Returns the unnecessary permissions, worst first; nothing if the host does not report them."""
        found = {
            WITHDRAWS: self.key_can_withdraw is True,
            TRANSFERS: self.key_can_transfer is True,
            ANY_ADDRESS: self.ip_restricted is False,
        }
        return tuple(name for name, is_so in found.items() if is_so)
