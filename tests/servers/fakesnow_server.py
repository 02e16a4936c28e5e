"""fakesnow's server on a port, run in the warehouse's environment, with its databases in a folder, so that they outlive it.

Its answer to a login lacks what drivers from 5.0 on require: the master token and the validity of both tokens, as in
https://github.com/snowflakedb/snowflake-connector-python. This adds them, and a way to end a session: a POST to
/tests/answer-once makes the next statement's answer the error of the number in its body. Everything else is fakesnow's own.
"""

import importlib
import json
import sys
from typing import Any

import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse

fakesnow = importlib.import_module("fakesnow.server")  # the package's attribute of this name is a function
instance = importlib.import_module("fakesnow.instance")

_SESSION = {"masterToken": "master", "sessionId": 1, "validityInSeconds": 3600, "masterValidityInSeconds": 14400}
_state: dict[str, Any] = {"logins": 0, "errors": []}


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Serves fakesnow's application, with complete answers to logins, and sessions that end."""
    path = scope["path"] if scope["type"] == "http" else ""
    if path == "/session/v1/login-request":
        answer = json.loads((await fakesnow.login_request(Request(scope, receive))).body)
        answer["data"].update(_SESSION)
        _state["logins"] += 1
        await JSONResponse({"code": None, "message": None, **answer})(scope, receive, send)
    elif path == "/queries/v1/query-request" and _state["errors"]:
        await _refusal(_state["errors"].pop())(scope, receive, send)
    elif path == "/session/token-request":
        await _refusal("390114")(scope, receive, send)
    elif path == "/tests/answer-once":
        _state["errors"].append((await Request(scope, receive).body()).decode())
        await JSONResponse({})(scope, receive, send)
    elif path == "/tests/logins":
        await JSONResponse(_state["logins"])(scope, receive, send)
    else:
        await fakesnow.app(scope, receive, send)


def _refusal(number: str) -> JSONResponse:
    return JSONResponse({"success": False, "code": number, "message": "The session is at its end.", "data": None})


if __name__ == "__main__":
    port, folder = int(sys.argv[1]), sys.argv[2]
    vars(fakesnow)["shared_fs"] = instance.FakeSnow(db_path=folder)
    uvicorn.run(application, host="127.0.0.1", port=port, log_level="warning")
