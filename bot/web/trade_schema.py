"""The fields of a signal about how its trade is to be made, for /openapi.json: order, size and exit plan.

Types and limits are the parser's own. What no schema says are contradictions between fields, such as a stop above `close` or two
sizes: those are refused with a sentence that names both.
"""

from typing import Any

from core.adapters.signals.entry_order import LONGEST_SECONDS as LONGEST_REST
from core.adapters.signals.entry_order import TYPE
from core.domain.dca_step import MOST_STEPS
from core.domain.limit_entry import OnTimeout
from core.domain.order_terms import OrderType, TimeInForce
from core.domain.trade_size import SizeKind
from core.policy.entries.step_check import MOST_TIMES
from core.policy.exits.plan_check import LONGEST_SECONDS, MOST_PARTS, MOST_TARGET_PCT

Schema = dict[str, Any]

PRICE = r"^(0{0,9}[1-9][0-9]{0,9}(\.[0-9]{1,20})?|0\.0{0,18}[1-9][0-9]?)$"
NUMBER: Schema = {"type": "number", "minimum": 1e-30, "exclusiveMaximum": 1e31}
_NULL: Schema = {"type": "null"}
_PCT = r"([1-9][0-9]?|[0-9]{1,2}\.[0-9]{0,5}[1-9])"  # above 0 and below 100
_LEAST = 1e-9
_LONGEST_STRATEGY = 32


def _or_none(*kinds: Schema) -> list[Schema]:
    return [*kinds, _NULL]


def _price() -> list[Schema]:
    return [NUMBER, {"type": "string", "pattern": PRICE}]


def _per_cent(most: float, *, includes: bool = True, least: float = _LEAST) -> list[Schema]:
    top = {"maximum" if includes else "exclusiveMaximum": most}
    return [{"type": "number", "minimum": least, **top}, {"type": "string", "pattern": f"^{_PCT}$"}]


def _seconds(most: int) -> list[Schema]:
    return [{"type": "number", "minimum": 0.001, "maximum": most}, {"type": "string", "pattern": "^[1-9][0-9]{0,5}$"}]


def _level(most: float, *, includes: bool, further: dict[str, Schema]) -> list[Schema]:
    """Returns a level of a plan in an object: a price or a distance."""
    pct = _per_cent(most, includes=includes)
    return [
        {
            "type": "object",
            "required": [name],
            "properties": {name: {"anyOf": kinds}, other: _NULL, **further},
            "additionalProperties": False,
        }
        for name, other, kinds in (("price", "pct", _price()), ("pct", "price", pct))
    ]


_DISTANCE = {"type": "string", "pattern": f"^{_PCT}%$"}
_OFFSET = {"limit_offset_pct": {"anyOf": _or_none(*_per_cent(100, includes=False, least=0))}}
_SHARE = {"position_pct": {"anyOf": _or_none(*_per_cent(100))}}
_TARGET = _level(float(MOST_TARGET_PCT), includes=True, further=_SHARE)
_AFTER = {"anyOf": [{"enum": ["target"]}, *_per_cent(100, includes=False)]}
_PLAN: dict[str, Schema] = {
    "stop_loss": {
        "description": 'where the loss ends, below close: a price, a distance ("5%"), or an object; limit_offset_pct is how'
        " far below its trigger it may sell where the exchange only has stops with a limit",
        "anyOf": _or_none(*_price(), _DISTANCE, *_level(100, includes=False, further=_OFFSET)),
    },
    "take_profit": {
        "description": f"where the profit is taken, above close: a price, a distance, an object, or a list of at most"
        f" {MOST_PARTS}; position_pct is the share of the position in per cent",
        "anyOf": _or_none(
            *_price(), _DISTANCE, *_TARGET, {"type": "array", "minItems": 1, "maxItems": MOST_PARTS, "items": {"anyOf": _TARGET}}
        ),
    },
    "breakeven": {
        "description": 'moves the stop to what the position has cost with fees: after "target" (the first one has sold), or'
        " once the market is so many per cent above the entry",
        "anyOf": _or_none(
            {
                "type": "object",
                "required": ["after"],
                "properties": {"after": _AFTER, "offset_pct": {"anyOf": _or_none(*_per_cent(100, includes=False, least=0))}},
                "additionalProperties": False,
            }
        ),
    },
    "trailing": {
        "description": "has the stop follow the market up: pct per cent below it, from activation_pct per cent above the entry on"
        " (left out: at once)",
        "anyOf": _or_none(
            {
                "type": "object",
                "required": ["pct"],
                "properties": {
                    "pct": {"anyOf": _per_cent(100, includes=False)},
                    "activation_pct": {"anyOf": _or_none(*_per_cent(float(MOST_TARGET_PCT)))},
                },
                "additionalProperties": False,
            }
        ),
    },
    "time_limit": {
        "description": "seconds after the entry when the position is sold at any price",
        "anyOf": _or_none(*_seconds(LONGEST_SECONDS)),
    },
}


_ORDER: dict[str, Schema] = {
    TYPE: {
        "description": "how an entry is placed; MARKET: at once, as the settings say",
        "enum": [OrderType.MARKET.value, OrderType.LIMIT.value, OrderType.LIMIT_MAKER.value, None],
    },
    "limit_price": {"description": "the most that a LIMIT or LIMIT_MAKER entry pays", "anyOf": _or_none(*_price())},
    "time_in_force": {
        "description": "of a LIMIT entry: GTC waits, IOC and FOK do not",
        "enum": [*(each.value for each in TimeInForce), None],
    },
    "expires_in": {
        "description": "seconds that an entry waits; needed where it waits",
        "anyOf": _or_none(*_seconds(LONGEST_REST)),
    },
    "on_timeout": {
        "description": "what becomes of the rest when the time of an entry is over",
        "enum": [*(each.value for each in OnTimeout), None],
    },
}


_AMOUNT: list[Schema] = [{"type": "number", "minimum": _LEAST, "exclusiveMaximum": 1e15}, {"type": "string", "pattern": PRICE}]
_SIZE_WORDS = {
    SizeKind.QUANTITY: "how much to buy or sell, in base asset",
    SizeKind.QUOTE: "how much to spend on an entry, in quote asset",
    SizeKind.EQUITY: "how much to spend on an entry, in per cent of the account's equity",
    SizeKind.RISK: "how much an entry may lose at its stop, in per cent of the account's equity",
    SizeKind.POSITION: "how much an exit sells, in per cent of what is held",
}
_AMOUNTS = {SizeKind.QUANTITY, SizeKind.QUOTE}
_SIZES: dict[str, Schema] = {
    kind.value: {
        "description": f"{text}; one size a signal",
        "anyOf": _or_none(*(_AMOUNT if kind in _AMOUNTS else _per_cent(100))),
    }
    for kind, text in _SIZE_WORDS.items()
}


_STEP_PCT = _per_cent(100, includes=False)
_STEP_SIZES: dict[str, list[Schema]] = {
    SizeKind.QUANTITY.value: _AMOUNT,
    SizeKind.QUOTE.value: _AMOUNT,
    "size_factor": [{"type": "number", "minimum": _LEAST, "maximum": MOST_TIMES}, {"type": "string", "pattern": "^[1-9][0-9]?$"}],
}
_STEPS: dict[str, Schema] = {
    "dca_steps": {
        "description": "what is bought again below an entry while its position is open: pct per cent below its average price,"
        " rising from step to step; a size each, size_factor 1 (times what the first entry has bought) where it names none",
        "anyOf": _or_none(
            {
                "type": "array",
                "minItems": 1,
                "maxItems": MOST_STEPS,
                "items": {
                    "anyOf": [
                        {
                            "type": "object",
                            "required": ["pct"],
                            "properties": {"pct": {"anyOf": _STEP_PCT}, name: {"anyOf": _or_none(*kinds)}},
                            "additionalProperties": False,
                        }
                        for name, kinds in _STEP_SIZES.items()
                    ]
                },
            }
        ),
    }
}


TRADE_FIELDS: dict[str, Schema] = {
    **_ORDER,
    **_SIZES,
    **_PLAN,
    **_STEPS,
    "valid_for": {
        "description": "seconds that it is good for; narrows SIGNAL_MAX_AGE, never widens it",
        "anyOf": _or_none({"type": "number", "minimum": 0.001, "maximum": 1e9}),
    },
    "strategy": {
        "description": "whose book it belongs to; default where it names none",
        "anyOf": _or_none({"type": "string", "pattern": f"^[ -~]{{1,{_LONGEST_STRATEGY}}}$"}),
    },
}
