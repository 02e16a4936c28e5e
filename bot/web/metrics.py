"""`GET /metrics`, in our event loop: while that is blocked nothing answers, and Prometheus sees the program as down."""

from collections.abc import Collection

from fastapi import FastAPI, Request, Response
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from bot.web.allowed_hosts import HostCheck


def create_metrics_app(registry: CollectorRegistry, names: Collection[str] = frozenset()) -> FastAPI:
    """Returns the application that serves `registry`, in the format that the scraper asks for. `names` are allowed hosts
    besides addresses and `localhost`."""
    app = FastAPI(openapi_url=None)
    app.add_middleware(HostCheck, names=names)

    @app.get("/metrics")
    async def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(registry), media_type=content_type)

    return app
