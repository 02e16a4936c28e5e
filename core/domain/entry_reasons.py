"""Reasons about entries at a limit of their own: merged into `core.domain.reasons`."""

from collections.abc import Mapping

ENTRY_SENTENCES: Mapping[str, str] = {
    # refusals
    "entry_rests": "an entry in {symbol} rests on the exchange already",
    "entry_price_band": "its limit {price} is {moved}% above the signal's {close}, more than {limit}%",
    "not_whole": "{qty} {base} were not offered whole up to {price}, the edge of the price band",
    "entry_withdrawn": "the entry that rested was cancelled before it bought anything",
    # why an entry that rested was taken off
    "entry_timeout": "it was not filled within {seconds:duration}",
    "entry_paused": "trading was paused while it rested",
    "entry_observed": "the mode was changed to observe while it rested",
    "entry_left": "an exit came while it rested",
    "entry_sold": "the stop or target of what it had bought sold while it rested",
    "entry_cancelled": "{who} cancelled it",
    "entry_clock": "this machine's clock was set back while it rested, so its time can't be told",
    "entry_forgotten": "the exchange no longer knows it (a testnet is reset now and then)",
    "entry_lost": "the ledger had lost it, and with it how long it was to rest",
    # why what it did not buy is not bought otherwise
    "chases_used_up": "it was moved {count} times",
    "rest_too_small": "what is left, {qty} {base}, is too little for an order",
}
