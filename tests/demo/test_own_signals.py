"""The commands that the demo prints send signals that it accepts."""

import json
import shlex
from decimal import Decimal
from pathlib import Path

import pytest

from bot.settings.settings import load_settings
from demo.own_signals import how_to_send, webhook_settings
from tests.paths import ROOT
from tests.running import MARKETFLOW


def test_the_printed_commands_name_broker_port_and_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HTTP_PORT", raising=False)
    monkeypatch.chdir(ROOT)
    given = {"KAFKA_BROKER": "127.0.0.1:9", **webhook_settings()}
    assert load_settings(given, env_file=None).webhook_secret is not None
    _, publish, curl = how_to_send(given, Decimal("0.4801")).splitlines()
    assert shlex.split(publish)[:3] == ["KAFKA_BROKER=127.0.0.1:9", ".venv/bin/marketflow", "publish"]
    _, _, body, address = shlex.split(curl.replace("$(date -u +%FT%TZ)", "2026-01-01T00:00:00Z"))
    assert address == f"http://127.0.0.1:{given['HTTP_PORT']}/signals"
    said = json.loads(body)
    assert (said["token"], said["close"]) == (given["WEBHOOK_SECRET"], 0.4801)


def test_elsewhere_the_command_has_its_whole_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    line = how_to_send({"KAFKA_BROKER": "127.0.0.1:9", "HTTP_PORT": "0"}, Decimal(1)).splitlines()[1]
    assert shlex.split(line)[1] == MARKETFLOW


def test_without_a_port_there_is_no_webhook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PORT", "0")
    given = {"KAFKA_BROKER": "127.0.0.1:9", **webhook_settings()}
    assert "curl" not in how_to_send(given, Decimal(1))
    load_settings(given, env_file=None)
