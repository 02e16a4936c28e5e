"""Run in the warehouse's environment: fakesnow's server on a port, with its databases in a folder, so that they outlive it.

Its answer to a login lacks what drivers from 5.0 on insist upon: the master token and the validity of both tokens, as in
https://github.com/snowflakedb/snowflake-connector-python. That is added here; everything else is fakesnow's own.
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


async def application(scope: Any, receive: Any, send: Any) -> None:
    """fakesnow's application, with complete answers to logins."""
    if scope["type"] != "http" or scope["path"] != "/session/v1/login-request":
        await fakesnow.app(scope, receive, send)
        return
    answer = json.loads((await fakesnow.login_request(Request(scope, receive))).body)
    answer["data"].update(_SESSION)
    await JSONResponse({"code": None, "message": None, **answer})(scope, receive, send)


if __name__ == "__main__":
    port, folder = int(sys.argv[1]), sys.argv[2]
    vars(fakesnow)["shared_fs"] = instance.FakeSnow(db_path=folder)
    uvicorn.run(application, host="127.0.0.1", port=port, log_level="warning")
