"""Reasons why a signal did not become an order, or an order no trade: values with a code, numbers and a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.domain.record_reasons import RECORD_SENTENCES

# code -> English sentence. Every code that the program can give stands here; other languages translate by code.
SENTENCES: Mapping[str, str] = {
    # admission
    "expired": "the signal was {age} s old, older than {limit} s",
    "from_future": "the signal is dated {ahead} s in the future: is the sender's clock right?",
    "turned_back": "it could not be stored when it came, and its sender did not send it again",
    "clock_wrong": "this machine's clock is off by {offset} s, by the exchange's; set it (NTP). The signal itself is good",
    "conflict": "its signal_id {signal_id} is that of another signal, {signal_type} {symbol} at {price} of {at}",
    "symbol_not_allowed": "{symbol} is not among the allowed symbols ({allowed})",
    "paused": "trading is paused",
    "entries_paused": "entries are paused",
    "observe": "observe mode: told, not traded",
    "in_position": "already in a position: {qty} {base}",
    "no_position": "there is no {base} position to sell",
    "another_program": "another program uses this bot's Telegram token, and two would buy everything twice",
    "not_alone_yet": "it is not known yet whether another program uses this bot's token: no entries before Telegram was polled "
    "undisturbed for {seconds} s on end, or some minutes in a busy chat",
    "approval_pending": "the same is already waiting for an approval",
    "exit_wanted": "{symbol} is to be sold first: that is wanted, and tried until it is done",
    "exit_over": "this exit is over",
    "panic_over": "the panic was taken back",
    "nothing_free": "the exchange has only {free} {base} free: sold elsewhere, or bound in an order?",
    "unknown_symbol": "the exchange knows no symbol {symbol}",
    "not_trading": "{symbol} is halted on the exchange (status {status})",
    "market_orders_off": "the exchange takes no market orders for {symbol}",
    "held": "entries in {symbol} are halted, as ledger and exchange disagree; /accept shows about what",
    "account_held": "entries are halted on the whole account, as orders on it are not of this ledger; /accept shows which",
    "not_held": "entries in {symbol} are not halted",
    "hold_changed": "other orders have been found since you were asked; /accept account shows them",
    # ledger and exchange side by side
    "less_than_ledger": "the exchange holds {qty} {asset} less than the ledger: sold elsewhere?",
    "not_adopted": "order {order_id} is of this ledger, which has lost it, and an error in MarketFlow itself kept it from being "
    "booked (see the log). It is tried again",
    "symbol_gone": "the exchange knows {symbol} no more (delisted?), and the ledger holds {qty} of it",
    "orders_unreadable": "orders of MarketFlow on the exchange cannot be read ({count}, the last {order_id}): is there a newer "
    "version?",
    "symbol_shared": "order {order_id} is of the MarketFlow with mark {mark}: two may share the account, not a symbol",
    # the account, and other traders on it
    "order_of_other": "{symbol}: orders of another MarketFlow, mark {mark} ({count}, the last {order_id} of {at})",
    "order_unmarked": "{symbol}: orders of a MarketFlow without a mark ({count}, the last {order_id} of {at}), maybe older",
    "order_id_taken": "{symbol}: an order that we know was placed again by somebody else ({count}, the last {order_id} of {at})",
    "placed_by_other": "another program has placed the order of this signal already, as {order_id}: nothing was sent",
    "already_ordered": "its order {order_id} was placed before",
    "not_compared": "what was ordered before in {symbol} could not be asked of the exchange ({detail})",
    "order_differs": "order {order_id} is {ours} in the ledger, {theirs} on the exchange",
    # sizing
    "below_min_notional": "worth {value} {quote}, the exchange wants at least {minimum}",
    "above_max_notional": "worth {value} {quote}, the exchange takes at most {maximum}",
    "unsellable": "too small to be sold again: after its fee and a fall of {band}% it is {value} {quote}, below {minimum}",
    "below_min_qty": "{qty} {base} is less than the exchange's smallest order, {minimum}",
    "above_max_qty": "{qty} {base} is more than the exchange's largest market order, {maximum}",
    # risk
    "price_unknown": "the present price of {symbol} is not known",
    "price_band": "the price moved {moved}% from the signal's {close} to {price}, more than {limit}%",
    "price_sanity": "the signal's price {close} is not of this market, which is at {price}",
    "order_notional": "worth {value} {quote}, more than the limit of {limit} per order",
    "open_positions": "{count} positions are open, the limit is {limit}",
    "daily_loss": "today's result is {result} {quote}, the limit is a loss of {limit}",
    "rate_unknown": "what {asset} is worth in {into} is not known, so no limit can be counted: no fresh price of {pairs}",
    "no_rate": "what {asset} is worth in {into} is not known, so no limit can be counted: the exchange trades no pair for it",
    "daily_loss_unknown": "today's result in {quote} is not known",
    # approval
    "declined": "declined by {who}",
    "approval_expired": "nobody answered within {ttl} s",
    "approval_withdrawn": "withdrawn: {signal_type} came before an answer",
    "approval_closed": "this was already decided",
    # control commands
    "pause_changed": "the pause was changed in the meantime",
    "bad_limit": "{value} is not accepted for {name}",
    "not_resting": "the exchange has no open order {order_id}: it was filled, cancelled or never placed",
    # access
    "invite_gone": "this link is no longer good: used, withdrawn or too old. Ask for a new one",
    "not_a_person": "nobody with the id {person} was let in through the chat",
    "authenticator_changed": "the authenticator was changed meanwhile. Say /code again",
    "codes_locked": "too many wrong codes; the next one is looked at ten minutes after the last",
    "code_used": "this code was used already; wait for the next one",
    "no_authenticator": "{person} has set up no authenticator",
    "no_right": "you have no right to this any more",
    "too_many_invites": "{count} links are open already; withdraw them first",
    # the exchange's answer; `code` and `message` are the exchange's own
    "insufficient_balance": "the exchange says there is not enough {asset} (-2010). /balance shows what it holds",
    "filter_failure": "the exchange refused it by its rule {filter} (-1013)",
    "market_closed": "the market for {symbol} is closed",
    "duplicate_order": "the exchange already has an open order with this id (-2010)",
    "bad_key": "the exchange refused the API key: {message} ({code}). Check key, secret, IP list and the Spot trading permission",
    "bad_signature": "the exchange refused the signature ({code}). Check BINANCE_API_SECRET",
    "clock_off": "the exchange refused the request's time ({code}): this machine's clock is off by {offset} s",
    "rate_limited": "too many requests; the exchange asks to wait {seconds} s",
    "held_back": "MarketFlow itself waits {seconds} s, so as not to ask more of the exchange than it allows",
    "banned": "the exchange banned this address for {seconds} s for too many requests (418)",
    "exchange_busy": "the exchange is overloaded and did not take the order",
    "unreachable": "the exchange cannot be reached, so nothing was sent ({detail})",
    "invalid_symbol": "the exchange knows no symbol {symbol} (-1121)",
    "symbol_not_permitted": "this account may not trade {symbol}: {message} ({code}). Ask the exchange, or leave it out",
    "account_disabled": "the exchange has switched trading off for this account: {message} ({code}). Ask its support",
    "service_gone": "the exchange no longer offers this service ({code}). MarketFlow needs an update",
    "no_depth": "nobody is on the other side of {symbol}'s book ({code})",
    "bad_request": "the exchange does not understand the order: {message} ({code}). MarketFlow may need an update",
    "rejected": "the exchange refused it: {message} ({code})",
    "not_filled": "nothing was filled: the order ended as {status}",
    # the protocol
    "unanswered": "the exchange did not answer; asking what became of the order",
    "never_placed": "the order never reached the exchange, and the signal is no longer good: {why}",
    "fate_unknown": "the exchange knows {symbol} no more (delisted?), so what became of the order cannot be found out: it may "
    "have been filled",
    "internal_error": "an error in MarketFlow itself ({error}); the log has the details",
    # unreadable records
    **RECORD_SENTENCES,
}


@dataclass(frozen=True, slots=True)
class Reason:
    """A refusal as a value: `code` is one of SENTENCES, `params` fill its sentence. `str()` gives it in English, or the bare code
    if an earlier version stored one that has no sentence any more."""

    code: str
    params: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        sentence = SENTENCES.get(self.code)
        return sentence.format_map(self.params) if sentence is not None else self.code


def reason(code: str, /, **params: object) -> Reason:
    """Makes a Reason whose parameters are stored as text (Decimals must come already rounded for the reader)."""
    return Reason(code, {name: str(value) for name, value in params.items()})
