"""Reasons why a signal did not become an order, or an order no trade: values with a code, numbers and a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.domain.duration import in_units
from core.domain.entry_reasons import ENTRY_SENTENCES
from core.domain.plan_reasons import PLAN_SENTENCES
from core.domain.record_reasons import RECORD_SENTENCES

# code -> English sentence. Every code that the program can give stands here; other languages translate by code.
SENTENCES: Mapping[str, str] = {
    # admission
    "expired": "the signal was {age:duration} old, the limit is {limit:duration}",
    "from_future": "the signal is dated {ahead:duration} in the future: is the sender's clock right?",
    "turned_back": "it could not be stored when it arrived, and the sender did not send it again",
    "clock_wrong": "this machine's clock is {offset:duration} off the exchange's; sync it (NTP). The signal itself is fine",
    "conflict": "duplicate signal_id {signal_id}: another signal has it, {signal_type} {symbol} at {price} of {at}",
    "symbol_not_allowed": "{symbol} is not one of the traded symbols ({allowed})",
    "paused": "trading is paused",
    "entries_paused": "entries are paused",
    "observe": "observe mode: reported, not traded",
    "in_position": "position already open: {qty} {base}",
    "max_entries": "{count} entries have bought the position of {qty} {base} already, MAX_ENTRIES allows {limit}",
    "no_position": "no {base} position to sell",
    "held_by_others": "strategy {strategy} holds no {base}; held by {others}, whose coins it does not sell",
    "strategy_paused": "strategy {strategy} is paused; /strategies resumes it",
    "another_program": "another program uses this bot's Telegram token, and two would buy everything twice",
    "not_alone_yet": "another program may be using this bot's token: entries wait until nobody else has used it for "
    "{seconds:duration} (a few minutes in a busy chat)",
    "approval_pending": "the same signal is already waiting for approval",
    "exit_wanted": "an exit from {symbol} is still pending",
    "earlier_on_its_way": "an order sent for this signal before the restart may still reach the exchange",
    "exit_over": "this exit has ended",
    "panic_over": "the panic was cancelled",
    "nothing_free": "only {free} {base} is free on the exchange: sold elsewhere, or locked in an order?",
    "unknown_symbol": "the exchange does not list {symbol}",
    "not_trading": "{symbol} is halted on the exchange (status {status})",
    "market_orders_off": "the exchange does not accept market orders for {symbol}",
    "held": "entries in {symbol} are halted: ledger and exchange disagree; see /accept",
    "account_held": "entries are halted on the whole account: it has orders that are not in this ledger; see /accept",
    "not_held": "entries in {symbol} are not halted",
    "hold_changed": "other orders were found since you were asked; see /accept account",
    # ledger and exchange side by side
    "less_than_ledger": "the exchange holds {qty} {asset} less than the ledger: sold elsewhere?",
    "not_adopted": "order {order_id} belongs to this ledger, which has lost it; an error in MarketFlow kept it from being "
    "booked (see the log). Retrying",
    "symbol_gone": "the exchange no longer lists {symbol} (delisted?), and the ledger still holds {qty} of it",
    "orders_unreadable": "MarketFlow orders on the exchange can't be read ({count}, the last {order_id}): is there a newer "
    "version?",
    "symbol_shared": "order {order_id} is from the MarketFlow with mark {mark}: two may share an account, not a symbol",
    # the account, and other traders on it
    "order_of_other": "{symbol}: orders of another MarketFlow, mark {mark} ({count}, the last {order_id} of {at})",
    "order_unmarked": "{symbol}: orders of a MarketFlow without a mark ({count}, the last {order_id} of {at}), maybe an older "
    "version",
    "order_id_taken": "{symbol}: somebody else placed an order with one of our ids ({count}, the last {order_id} of {at})",
    "placed_by_other": "another program already placed this signal's order, {order_id}: nothing was sent",
    "already_ordered": "order {order_id} was already placed for this signal",
    "not_compared": "earlier orders in {symbol} could not be checked on the exchange ({detail})",
    "order_differs": "order {order_id} is {ours} in the ledger, {theirs} on the exchange",
    # sizing
    "below_min_notional": "order value {value} {quote} is below the exchange's minimum of {minimum}",
    "above_max_notional": "order value {value} {quote} is above the exchange's maximum of {maximum}",
    "unsellable": "too small to sell later: after the fee and a {band}% drop it would be worth {value} {quote}, below the "
    "minimum of {minimum}",
    "too_little_to_sell": "{qty} {base} is worth {value} {quote} now, below the exchange's minimum of {minimum}: no order can "
    "sell it",
    "below_min_qty": "{qty} {base} is below the exchange's minimum order of {minimum}",
    "above_max_qty": "{qty} {base} is above the exchange's maximum market order of {maximum}",
    "risk_without_stop": "{found}% at risk needs a stop below the entry; give stop_loss, or set STOP_LOSS_PCT",
    "nothing_to_spend": "only {free} {quote} is free, too little for an order",
    "balances_unknown": "the account's balances can't be read now, so its equity is unknown",
    "value_unknown": "the price of {symbol}, an open position, is unknown, and so is the account's equity",
    # risk
    "price_unknown": "the current price of {symbol} is unknown",
    "price_band": "the price moved {moved}% from the signal's {close} to {price}, more than {limit}%",
    "price_sanity": "the signal's price {close} is too far from the market, now at {price}",
    "order_notional": "order value {value} {quote} is above the limit of {limit}",
    "open_positions": "open positions: {count}, the limit is {limit}",
    "own_positions": "open positions of strategy {strategy}: {count}, its limit is {limit}",
    "daily_loss": "daily loss limit reached: {result} {quote} today, the limit is {limit}",
    "drawdown": "the account's equity is {pct}% below its peak, the limit is {limit}%; /reset drawdown allows entries again",
    "losing_exits": "losing exits in a row: {count}, the limit is {limit}; /reset losses allows entries again",
    "cooldown": "a stop sold {symbol} recently: no entries for another {left:duration} of {limit:duration}",
    "exposure": "positions would be worth {pct}% of the account's equity, the limit is {limit}%",
    "no_equity": "the account has no equity",
    "rate_unknown": "no current rate of {asset} to {into} ({pairs}), so limits can't be checked",
    "no_rate": "the exchange has no pair to convert {asset} to {into}, so limits can't be checked",
    "daily_loss_unknown": "today's P&L in {quote} is unknown",
    # approval
    "declined": "declined by {who}",
    "approval_expired": "no answer within {ttl:duration}",
    "approval_withdrawn": "withdrawn: {signal_type} came before an answer",
    "approval_closed": "this was already decided",
    # control commands
    "pause_changed": "the pause was changed meanwhile",
    "bad_limit": "{value} is not valid for {name}",
    "limit_changed": "{name} has changed since you were asked, it is {value} now",
    "settings_changed": "the settings of strategy {strategy} have changed since you were asked",
    "not_resting": "the exchange has no open order {order_id}: it was filled, cancelled or never placed",
    # access
    "invite_gone": "this link is no longer valid: used, revoked or expired. Ask for a new one",
    "not_a_person": "nobody with the id {person} was invited through the chat",
    "authenticator_changed": "the authenticator was changed meanwhile. Send /code again",
    "codes_locked": "too many wrong codes; wait ten minutes after the last one",
    "code_used": "this code was already used; wait for the next one",
    "no_authenticator": "{person} has no authenticator",
    "no_right": "you no longer have access to this",
    "too_many_invites": "{count} invite links are already open; revoke them first",
    # the exchange's answer; `code` and `message` are the exchange's own
    "insufficient_balance": "insufficient {asset} balance (-2010). See /balance",
    "filter_failure": "the order breaks the exchange's rule {filter} (-1013)",
    "too_many_open": "too many open orders: the exchange's rule {filter} allows no more (-1013). See /orders",
    "would_trigger": "the price has already passed the stop, so the exchange won't accept it ({code})",
    "would_take": "the price has already reached the limit, so the order would fill at once instead of resting ({code})",
    "list_prices": "the price is no longer between the stop and the target, so the exchange accepts neither ({code})",
    "order_type_off": "the exchange does not accept this type of order for {symbol}: {message} ({code})",
    "market_closed": "the market for {symbol} is closed",
    "duplicate_order": "the exchange already has an open order with this id (-2010)",
    "bad_key": "Binance rejected the API key: {message} ({code}). Check the key, the secret, the IP list and the spot trading "
    "permission",
    "bad_signature": "Binance rejected the signature ({code}). Check BINANCE_API_SECRET or BINANCE_PRIVATE_KEY_PATH",
    "clock_off": "the exchange rejected the request's time ({code}): this machine's clock is {offset:duration} off",
    "rate_limited": "rate limit: the exchange asks to wait {seconds:duration}",
    "held_back": "MarketFlow waits {seconds:duration} to stay within the exchange's rate limits",
    "banned": "the exchange banned this address for {seconds:duration} for too many requests (418)",
    "exchange_busy": "the exchange is overloaded and did not accept the order",
    "unreachable": "Binance isn't responding, nothing was sent ({detail})",
    "invalid_symbol": "the exchange does not list {symbol} (-1121)",
    "symbol_not_permitted": "this account can't trade {symbol}: {message} ({code}). Ask the exchange, or remove the symbol",
    "account_disabled": "the exchange has disabled trading on this account: {message} ({code}). Contact its support",
    "service_gone": "the exchange no longer offers this service ({code}). MarketFlow needs an update",
    "no_depth": "no orders on the other side of {symbol}'s order book ({code})",
    "bad_request": "the exchange did not understand the order: {message} ({code}). MarketFlow may need an update",
    "rejected": "the exchange rejected it: {message} ({code})",
    "not_filled": "nothing was filled: the order ended as {status}",
    "beyond_limit": "no offers up to {price}, the edge of the price band",
    # the protocol
    "unanswered": "no answer from the exchange; checking what became of the order",
    "protection_not_placed": "the exchange did not get the orders that protect the position",
    "order_forgotten": "the exchange no longer knows the order that protected the position (a testnet is reset now and then)",
    "protection_gone": "the orders that protected the position have ended",
    "protection_ended": "an order that protected the position ended without a fill: {status}",
    "closed_by_plan": "the position was closed by its stop or target just now",
    "never_placed": "the order never reached the exchange, and the signal is no longer valid: {why}",
    "fate_unknown": "the exchange no longer lists {symbol} (delisted?), so what became of the order is unknown: it may have "
    "been filled",
    "internal_error": "internal error in MarketFlow ({error}); see the log",
    # entries at a limit
    **ENTRY_SENTENCES,
    # exit plans
    **PLAN_SENTENCES,
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
        return sentence.format_map({name: _Param(value) for name, value in self.params.items()}) if sentence else self.code


class _Param(str):
    """A parameter in a sentence; `{age:duration}` is a number of seconds."""

    __slots__ = ()

    def __format__(self, form: str) -> str:
        return in_units(self) if form == "duration" else super().__format__(form)


def reason(code: str, /, **params: object) -> Reason:
    """Makes a Reason whose parameters are stored as text (Decimals must come already rounded for the reader)."""
    return Reason(code, {name: str(value) for name, value in params.items()})
