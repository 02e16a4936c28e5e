"""`GET /metrics`. In our event loop: while that stands still nothing answers, and Prometheus takes the program for down."""

from fastapi import FastAPI, Request, Response
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder


def create_metrics_app(registry: CollectorRegistry) -> FastAPI:
    """The application that shows `registry`, in the form that the scraper asks for."""
    app = FastAPI(openapi_url=None)

    @app.get("/metrics")
    async def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(registry), media_type=content_type)

    return app
