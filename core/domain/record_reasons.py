"""Reasons why a record is not a signal: a code and an English sentence for each, merged into `core.domain.reasons`."""

from collections.abc import Mapping

_PRICE = "give a price above 0, as a number or a decimal string"
_TYPE = "use BUY_ or SELL_ and up to 32 of A-Z, 0-9 and _, for example BUY_SM"
_LEVEL = 'use a price, a distance as text such as "5%", or an object with price or pct'
_SYMBOL = "use a spot symbol, for example WIFUSDC, WIF/USDC or BINANCE:WIFUSDC"
_MEND = "name it in symbol, or leave it out to mean {default}"

RECORD_SENTENCES: Mapping[str, str] = {
    # the record as a whole
    "record_empty": "the record is empty",
    "record_too_long": "the record is {length} bytes long; the limit is {limit}",
    "record_not_text": "the record is not UTF-8 text (byte {position})",
    "record_not_json": "the record is not JSON ({problem}, line {line} column {column})",
    "record_not_object": "the record is JSON but not an object: {found}",
    "record_too_deep": "the record is nested deeper than {limit} levels",
    "record_too_many": "the record has more than {limit} values",
    "record_long_name": "the record has a field whose name is longer than {limit} characters: {name}",
    "record_number_range": "the record has a number out of range: {found}",
    "record_number_digits": "the record has a number of {digits} digits; the limit is {limit}",
    "record_no_number": "the record has {found}, which is neither JSON nor a number",
    "record_named_twice": "the record names {name} twice",
    "record_without_time": "ts is NULL or far in the future; give the time of the signal",
    # the signal type
    "type_missing": f"signal_type is missing; {_TYPE}",
    "type_unknown": f"signal_type is {{found}}; {_TYPE}",
    "action_unknown": "action is {found}; without a signal_type, use buy or sell",
    "action_contradicts": "signal_type is {signal_type}, but {name} is {found}: they contradict each other; remove one",
    # the price
    "close_missing": f"close is missing; {_PRICE}",
    "price_of_an_order": f"close is missing, and price beside order_type is the order's own; {_PRICE}",
    "close_no_number": f"{{name}} is {{found}}: not a plain decimal number; {_PRICE}",
    "close_comma": "{name} is {found}: use a decimal point, no comma and no thousands separator",
    "close_unfilled": "{name} is {found}: the sender did not fill in its placeholder, so there is no price",
    "close_out_of_range": "{name} is {found}: too large or too small to be an amount",
    "close_not_above_zero": "{name} is {found}; a price must be above 0",
    # the instrument
    "symbol_empty": f"{{name}} is {{found}}: it is there but names nothing; {_MEND}",
    "symbol_unreadable": f"{{name}} is {{found}}; {_SYMBOL}",
    "symbol_unfilled": "{name} is {found}: the sender did not fill in its placeholder, so the symbol is unknown",
    "symbol_perpetual": "{name} is {found}: a perpetual, and only spot is traded; use the spot symbol, for example WIFUSDC",
    "symbol_foreign": "{name} is {found}: a market of another exchange; use Binance's, for example BINANCE:WIFUSDC",
    "symbols_differ": "{one} is {found}, but {other} is {second}: two instruments; keep one",
    "symbol_misspelled": "{name} is not read as an instrument; write it in lower case: symbol, ticker, pair or instrument",
    "symbol_perhaps": f"{{name}} ({{found}}) may name an instrument, and none is named in symbol; {_MEND}",
    "symbol_in_passing": f"{{name}} speaks of {{found}}, and no instrument is named in symbol; {_MEND}",
    # the exit plan
    "plan_misspelled": "{name} is not read; write it {meant}, or the position would have no such exit",
    "plan_of_exit": "{name} belongs to an entry, and this is {signal_type}; remove it",
    "plan_no_level": f"{{name}} is {{found}}; {_LEVEL}",
    "plan_no_number": "{name} is {found}; use a plain decimal number, such as 5 or 0.45",
    "plan_no_target": "{name} is an empty list; leave it out to use the settings",
    "plan_unknown_key": "{name} has the unknown key {key}; use {accepted}",
    "plan_one_level": "{name} needs either price or pct",
    "plan_stop_price": "the stop at {found} is not below the price {reference}; give one above 0 and below it",
    "plan_stop_pct": "the stop is {found}% below the entry; give a distance above 0 and below 100",
    "plan_stop_offset": "limit_offset_pct of the stop is {found}; give a percentage from 0 to below 100",
    "plan_target_price": "the target at {found} is not above the price {reference}; give one above it",
    "plan_target_pct": "a target is {found}% above the entry; give a distance above 0, at most {limit}",
    "plan_share": "a target sells {found}% of the position; give a share above 0, at most 100",
    "plan_shares": "together the targets sell {found}% of the position; the most is 100",
    "plan_targets": "the plan has {found} targets; the limit is {limit}",
    "plan_parts": "{found} targets plus a stop for the remaining {rest}% are too many parts; the limit is {limit}",
    # the order of an entry
    "entry_misspelled": "{name} is not read; write it {meant}, or the entry would be another one",
    "entry_type_unknown": "order_type is {found}; use MARKET, LIMIT or LIMIT_MAKER",
    "entry_of_limit": "{name} belongs to an order_type of LIMIT or LIMIT_MAKER; remove it, or name the type",
    "entry_no_limit": "limit_price is {found}; a {type} entry needs a price above 0, as a number or a decimal string",
    "entry_stays_unknown": "time_in_force is {found}; use GTC, IOC or FOK",
    "entry_maker_stays": "time_in_force is {found}, and a LIMIT_MAKER entry always rests; use GTC or leave it out",
    "entry_no_expiry": "expires_in is {found}; an entry that rests needs the seconds until it is taken off, at most {limit}",
    "entry_at_once": "{name} is for an entry that rests, and time_in_force is {found}; remove one",
    "entry_timeout_unknown": "on_timeout is {found}; use cancel, market or reprice",
    # the steps
    "steps_misspelled": "{name} is not read; write it dca_steps, or nothing would be bought below the entry",
    "steps_no_list": "dca_steps is {found}; give a list of 1 to {limit} objects, each with pct and, if you like, one of "
    "quantity, quote_quantity and size_factor",
    "steps_count": "the number of steps is {found}; give 1 to {limit}, or none",
    "step_pct": "step {number} is {found}% below the entry; give a distance above 0 and below 100",
    "step_order": "step {number} is {found}% below the entry, and the step before it {before}%; give distances that rise",
    "step_factor": "step {number} buys {found} times what the first entry buys; give a multiple above 0, at most {limit}",
    # the size
    "size_misspelled": "{name} is not read; write it {meant}, or another size would be traded",
    "size_no_number": "{name} is {found}; use a plain decimal number, such as 5 or 0.5",
    "size_digits": "{name} is {found}; use at most {limit} decimals",
    "size_out_of_range": "{name} is {found}; give an amount above 0 and below 10^15",
    "size_pct_out_of_range": "{name} is {found}; give a percentage above 0, at most 100",
    "size_of_entry": "{name} belongs to an entry, and this is {signal_type}; use one of {accepted}",
    "size_of_exit": "{name} belongs to an exit, and this is {signal_type}; use one of {accepted}",
    "two_sizes": "{one} is {found} and {other} is {second}: two sizes; keep one",
    "size_without_stop": "risk_pct is {found}, and the exit plan beside it has no stop_loss to count the risk to; add one",
    "plan_breakeven_after": 'breakeven.after is {found}; use "target", or a percentage above the entry, such as 5',
    "plan_breakeven_object": "breakeven is {found}; use an object with after and, if you like, offset_pct",
    "plan_breakeven_offset": "breakeven.offset_pct is {found}; give a percentage from 0 to below 100",
    "plan_breakeven_stop": "breakeven moves the stop, and the plan has none; give a stop too",
    "plan_breakeven_target": "breakeven waits for the first target, and the plan has none; give a percentage above the entry",
    "plan_breakeven_all": "breakeven waits for the first target, which sells {found}% of the position; give it a smaller share",
    "plan_breakeven_low": "breakeven is set {found}% above the entry, where fees and its offset alone take {least}%; give more",
    "plan_breakeven_near": "breakeven waits for a target at {found}%, where fees and its offset alone take {least}%; use a "
    "higher target",
    "plan_breakeven_late": "breakeven is set {found}% above the entry, and everything is sold at {last}%; give less",
    "plan_trailing_object": "trailing is {found}; use an object with pct and, if you like, activation_pct",
    "plan_trailing_pct": "trailing.pct is {found}; give a distance above 0 and below 100",
    "plan_trailing_activation": "trailing.activation_pct is {found}; give a percentage above the entry, above 0 and at most "
    "{limit}",
    "plan_time_limit": "time_limit is {found}; give seconds, above 0 and at most {limit}",
    # the rest
    "id_unreadable": "signal_id is {found}; use a text of 1 to {limit} printable characters, or a whole number",
    "ts_missing": "ts is missing, and the record itself carries no usable time",
    "ts_unreadable": "ts is {found}; use ISO 8601 with a zone, or epoch seconds or milliseconds, from 2000 to 2099",
    "ts_too_fine": "ts is {found}: micro- or nanoseconds; use epoch seconds or milliseconds, or ISO 8601 with a zone",
    "ts_without_zone": "ts is {found}; it needs a zone, for example {example}",
    "strategy_unreadable": "strategy is {found}; use a text of 1 to {limit} printable characters",
    "valid_for_unreadable": "valid_for is {found}; give seconds, above 0",
}
