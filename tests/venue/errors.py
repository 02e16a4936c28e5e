"""Refusals of the venue: codes, texts and HTTP statuses as Binance's errors.md and rest-api.md give them."""

from collections.abc import Mapping

# errors.md; the texts that carry names are formatted by the constructors below
TEXTS: Mapping[int, str] = {
    -1000: "An unknown error occurred while processing the request.",
    -1001: "Internal error; unable to process your request. Please try again.",
    -1002: "You are not authorized to execute this request.",
    -1006: "An unexpected response was received from the message bus. Execution status unknown.",
    -1007: "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
    -1008: "Server is currently overloaded with other requests. Please try again in a few minutes.",
    -1014: "Unsupported order combination.",
    -1020: "This operation is not supported.",
    -1021: "Timestamp for this request is outside of the recvWindow.",
    -1022: "Signature for this request is not valid.",
    -1114: "TimeInForce parameter sent when not required.",
    -1115: "Invalid timeInForce.",
    -1116: "Invalid orderType.",
    -1117: "Invalid side.",
    -1120: "Invalid interval.",
    -1121: "Invalid symbol.",
    -1122: "Invalid symbolStatus.",
    -1127: "More than 24 hours between startTime and endTime.",
    -1128: "Combination of optional parameters invalid.",
    -1131: "'recvWindow' must be less than 60000.",
    -1134: "strategyType was less than 1000000.",
    -1135: "Invalid JSON Request",
    -1145: "Invalid cancelRestrictions",
    -1151: "Symbol is present multiple times in the list.",
    -1158: "Order type not supported in OCO.",
    -1165: "A limit order in a buy OCO must be below.",
    -1166: "A limit order in a sell OCO must be above.",
    -1168: "At least one OCO order must be contingent.",
    -1196: "A stop loss order in a buy OCO must be above.",
    -1197: "A stop loss order in a sell OCO must be below.",
    -1198: "A take profit order in a buy OCO must be below.",
    -1199: "A take profit order in a sell OCO must be above.",
    -1222: "Working order in an OPO list must be a bid.",
    -1223: "Pending orders in an OPO list must be asks.",
    -2011: "Unknown order sent.",
    -2013: "Order does not exist.",
    -2014: "API-key format invalid.",
    -2015: "Invalid API-key, IP, or permissions for action.",
    # not in errors.md; reported in binance-spot-api-docs#43
    -2018: "Order list does not exist.",
    -2021: "Order cancel-replace partially failed.",
    -2022: "Order cancel-replace failed.",
    -2043: "This symbol doesn't have a reference price.",
    -2035: "User Data Stream subscription already active.",
}

# everything else is 400: "HTTP 4XX return codes are used for malformed requests"
STATUSES: Mapping[int, int] = {
    -1000: 500,
    -1001: 500,
    -1002: 401,
    -1003: 429,
    -1006: 500,
    -1007: 504,
    -1008: 503,
    -1015: 429,
    -2014: 401,
    -2015: 401,
}


class VenueError(Exception):
    """A refusal; the server answers with its status, headers and `{"code", "msg"}`, with `data` if there is some."""

    def __init__(
        self,
        code: int,
        msg: str | None = None,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        data: object = None,
    ) -> None:
        self.code = code
        self.msg = TEXTS[code] if msg is None else msg
        self.status = STATUSES.get(code, 400) if status is None else status
        self.headers = dict(headers or {})
        self.data = data
        super().__init__(f"{code} {self.msg}")

    @property
    def body(self) -> dict[str, object]:
        body: dict[str, object] = {"code": self.code, "msg": self.msg}
        return body if self.data is None else {**body, "data": self.data}


def filter_failure(name: str) -> VenueError:
    return VenueError(-1013, f"Filter failure: {name}")


def rejected(msg: str) -> VenueError:
    """Makes the refusal of the matching engine."""
    return VenueError(-2010, msg)


def missing(name: str) -> VenueError:
    return VenueError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def missing_both(one: str, other: str) -> VenueError:
    return VenueError(-1102, f"Param '{one}' or '{other}' must be sent, but both were empty/null!")


def illegal(name: str, legal: str) -> VenueError:
    return VenueError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


def not_required(name: str) -> VenueError:
    return VenueError(-1106, f"Parameter '{name}' sent when not required.")


def empty(name: str) -> VenueError:
    return VenueError(-1105, f"Parameter '{name}' was empty.")


def too_precise(name: str) -> VenueError:
    return VenueError(-1111, f"Parameter '{name}' has too much precision.")
