"""Reasons about entries at a limit of their own: merged into `core.domain.reasons`."""

from collections.abc import Mapping

ENTRY_SENTENCES: Mapping[str, str] = {
    # refusals
    "entry_rests": "an entry in {symbol} already rests on the exchange",
    "entry_price_band": "the limit {price} is {moved}% above the signal's {close}, more than {limit}%",
    "not_whole": "{qty} {base} were not offered whole up to {price}, the edge of the price band",
    "entry_withdrawn": "the resting entry was cancelled before it bought anything",
    # why an entry that rested was taken off
    "entry_timeout": "not filled within {seconds:duration}",
    "entry_paused": "trading was paused while the order rested",
    "entry_observed": "the mode was changed to observe while the order rested",
    "entry_left": "an exit came while the order rested",
    "entry_sold": "the part already bought was sold by its stop or target while the rest was open",
    "entry_over": "the position that it was to add to is closed",
    "entry_cancelled": "cancelled by {who}",
    "entry_clock": "this machine's clock was set back while the order rested, so its time limit can't be checked",
    "entry_forgotten": "the exchange no longer knows the order (a testnet is reset now and then)",
    "entry_lost": "the ledger had lost the order, and with it how long it was to rest",
    "met_ours": "the exchange ended it, as it would have traded with another order of this account",
    # why what it did not buy is not bought otherwise
    "chases_used_up": "moved {count} times, which is the most",
    "rest_too_small": "what is left, {qty} {base}, is too little for an order",
}
