"""The API description as a page for people: no script, nothing loaded from elsewhere."""

from html import escape
from typing import Any

_STYLE = "body{font:16px/1.5 system-ui;max-width:52rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"


def page_of(description: dict[str, Any]) -> str:
    """Returns the page of `description`, the content of `/openapi.json`."""
    info = description["info"]
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(info['title'])}</title><style>{_STYLE}</style>",
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>",
        "<p>For programs: <a href=openapi.json>openapi.json</a>.</p>",
    ]
    for path, methods in sorted(description["paths"].items()):
        for method, told in methods.items():
            parts.append(f"<h2><code>{method.upper()} {escape(path)}</code></h2><p>{escape(told.get('description', ''))}</p>")
            parts += _parameters(told) + _fields(told) + _answers(told)
    return "".join(parts)


def _parameters(told: dict[str, Any]) -> list[str]:
    return [
        f"<p>Header <code>{escape(one['name'])}</code>: {escape(one.get('description', ''))}</p>"
        for one in told.get("parameters", [])
    ]


def _fields(told: dict[str, Any]) -> list[str]:
    content = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    needed = content.get("required", [])
    rows = [
        f"<li><code>{escape(name)}</code>{' (required)' if name in needed else ''} {escape(field.get('description', ''))}"
        for name, field in content.get("properties", {}).items()
    ]
    return ["<p>Body, JSON:</p><ul>", *rows, "</ul>"] if rows else []


def _answers(told: dict[str, Any]) -> list[str]:
    rows = [
        f"<li><b>{escape(status)}</b> {escape(answer['description'])}" for status, answer in sorted(told["responses"].items())
    ]
    return ["<p>Answers:</p><ul>", *rows, "</ul>"]
