"""The web servers: health and the webhook on one port, metrics on another."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from fastapi import APIRouter, FastAPI

from bot.app.building import Parts
from bot.commands.context import CommandContext
from bot.telegram.web_app_answers import OpenQuestions, WebAppAnswers
from bot.web.health import create_web_app
from bot.web.metrics import create_metrics_app
from bot.web.server import serve_web
from bot.web.web_app import web_app_routes
from bot.web.web_app_login import WebAppUser, read_login
from bot.web.webhook import signal_routes
from core.adapters.lean_imports import left_out
from core.adapters.ledger.sql_ledger import SqlLedger

log = structlog.get_logger(__name__)


@asynccontextmanager
async def serving(parts: Parts) -> AsyncIterator[None]:
    """Serves from entry to exit. Raises ConfigurationError, which names the setting of a port that is taken."""
    settings = parts.base.settings
    async with AsyncExitStack() as stack:
        if settings.http_port:
            web = _web_app(parts)
            port = await stack.enter_async_context(serve_web(web, settings.http_host, settings.http_port))
            log.info("listening for HTTP", host=settings.http_host, port=port, signals=settings.webhook_secret is not None)
        if settings.metrics_port:
            metrics = create_metrics_app(parts.base.metrics.registry, settings.http_allowed_hosts)
            await stack.enter_async_context(serve_web(metrics, settings.http_host, settings.metrics_port, "METRICS_PORT"))
        yield


def _web_app(parts: Parts) -> FastAPI:
    version, names = parts.chat.context.program.version, parts.base.settings.http_allowed_hosts
    with left_out("pydantic.v1"):  # where FastAPI looks whether a model is of the first pydantic; none is
        return create_web_app(parts.health.required, version, *_signal_routes(parts), *_web_app_routes(parts), names=names)


def _web_app_routes(parts: Parts) -> list[APIRouter]:
    settings = parts.base.settings
    if settings.web_app_url is None or settings.tg_token is None:
        return []
    return [mini_app(parts.chat.context, parts.base.ledger, settings.tg_token.get_secret_value())]


def mini_app(context: CommandContext, ledger: SqlLedger, token: str) -> APIRouter:
    """Returns the Mini App's routes. It answers those who may use the chat; of anybody else the owner is notified once."""
    questions = OpenQuestions()
    ledger.observers.append(questions)
    answers = WebAppAnswers(context, questions, ledger)

    async def answer(user: WebAppUser, text: str) -> list[dict[str, object]] | None:
        return await answers.answer(user.user_id, user.name, text)

    return web_app_routes(lambda data: read_login(data, token, context.clock.now()), answer)


def _signal_routes(parts: Parts) -> list[APIRouter]:
    settings, inbox, intake = parts.base.settings, parts.trading.inbox, parts.intake
    if settings.webhook_secret is None:
        return []

    def note(why: str, unproved: bool) -> None:
        parts.base.metrics.http_refused(why)
        if unproved:
            intake.unauthenticated.note(why)

    return [
        signal_routes(
            settings.webhook_secret.get_secret_value(),
            inbox.submit,
            parts.base.ledger.find_signals,
            lambda letter: inbox.deliver([], [letter]),
            parts.base.clock,
            note=note,
            undelivered=intake.undelivered.note,
            default_symbol=settings.symbol,
            window=settings.signal_max_age,
        )
    ]
