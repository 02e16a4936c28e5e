"""Reasons why a record is not a signal: a code and an English sentence for each, merged into `core.domain.reasons`."""

from collections.abc import Mapping

_PRICE = "give a price above 0, as a number or a decimal string"
_TYPE = "use BUY_ or SELL_ and up to 32 of A-Z, 0-9 and _, for example BUY_SM"
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
    # the rest
    "id_unreadable": "signal_id is {found}; use a text of 1 to {limit} printable characters, or a whole number",
    "ts_missing": "there is no ts, and the record itself carries no usable time",
    "ts_unreadable": "ts is {found}; use ISO 8601 with a zone, or epoch seconds or milliseconds, from 2000 to 2099",
    "ts_too_fine": "ts is {found}: micro- or nanoseconds; use epoch seconds or milliseconds, or ISO 8601 with a zone",
    "ts_without_zone": "ts is {found}; it needs a zone, for example {example}",
    "strategy_unreadable": "strategy is {found}; use a text of 1 to {limit} printable characters",
    "valid_for_unreadable": "valid_for is {found}; give seconds, above 0",
}
