"""`/healthz` and `/readyz`: whether the process lives, and whether each of its parts works. Changes nothing."""

from collections.abc import Callable, Collection, Mapping
from typing import Literal

import structlog
from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel

from bot.settings.redaction import shown
from bot.web.allowed_hosts import HostCheck
from bot.web.api_docs import page_of
from bot.web.web_app import PATHS as WEB_APP_PATHS

Readiness = Callable[[], tuple[bool, str]]
"""Returns whether a part is ready and a detail of its state, safe to show; answers at once, from memory."""

_FRESH = {"Cache-Control": "no-store"}

log = structlog.get_logger(__name__)


class Alive(BaseModel):
    """The process runs."""

    status: Literal["ok"]
    version: str


class Part(BaseModel):
    """One part's state, and a detail."""

    ready: bool
    detail: str


class Ready(BaseModel):
    """The readiness of every part."""

    status: Literal["ready", "not ready"]
    parts: dict[str, Part]


def create_web_app(
    parts: Mapping[str, Readiness], version: str, *routes: APIRouter, names: Collection[str] = frozenset()
) -> FastAPI:
    """Returns the application. `parts` are those that must be ready, by the name under which `/readyz` shows them; `routes`
    are added to those of health. `/openapi.json` describes all of them, `/docs` for people. `names` are allowed hosts besides
    addresses and `localhost`; `/healthz`, which reveals nothing, and endpoints with a secret of their own accept any."""
    # FastAPI's own pages load scripts from elsewhere.
    app = FastAPI(title="MarketFlow", version=version, docs_url=None, redoc_url=None)
    app.add_middleware(HostCheck, names=names, open_paths=("/healthz", "/signals", *WEB_APP_PATHS))
    for each in routes:
        app.include_router(each)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        """Describes the endpoints for people."""
        return HTMLResponse(page_of(app.openapi()), headers=_FRESH)

    @app.get("/healthz", response_model=Alive)
    async def healthz() -> JSONResponse:
        """Answers 200 as long as the event loop runs."""
        return JSONResponse({"status": "ok", "version": version}, headers=_FRESH)

    @app.get("/readyz", response_model=Ready, responses={503: {"model": Ready, "description": "a part is not at work"}})
    async def readyz() -> JSONResponse:
        """Answers 200 when every part is ready, else 503; either way with each part's state."""
        states = {name: _state(name, ask) for name, ask in parts.items()}
        ready = all(state["ready"] for state in states.values())
        body = {"status": "ready" if ready else "not ready", "parts": states}
        return JSONResponse(body, status_code=200 if ready else 503, headers=_FRESH)

    return app


def _state(name: str, ask: Readiness) -> dict[str, bool | str]:
    try:
        ready, detail = ask()
    except Exception as error:  # a part that cannot even answer is not ready, and the others are still asked
        log.warning("a part could not report its readiness", part=name, exc_info=error)
        return {"ready": False, "detail": f"could not answer: {type(error).__name__}"}
    return {"ready": ready, "detail": shown(detail)}
