"""`/healthz` and `/readyz`. They read the state of the parts and change nothing."""

from collections.abc import Callable, Mapping

from fastapi import FastAPI
from fastapi.responses import JSONResponse

Parts = Callable[[], Mapping[str, tuple[bool, str]]]


def create_web_app(parts: Parts, version: str) -> FastAPI:
    """`parts` tells of each part whether it is ready, and a word on its state that carries no secret."""
    app = FastAPI(title="MarketFlow", version=version)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process is alive."""
        return {"status": "ok", "version": version}

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        """200 when every part is ready, else 503; each part's state either way."""
        states = parts()
        ready = all(well for well, _ in states.values())
        body = {
            "status": "ready" if ready else "not ready",
            "parts": {name: {"ready": well, "detail": detail} for name, (well, detail) in states.items()},
        }
        return JSONResponse(body, status_code=200 if ready else 503)

    return app
