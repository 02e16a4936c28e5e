"""Prometheus's own tools and server on the files in deploy/: rules fire, and dashboards and targets match what exists."""

import asyncio
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import yaml

from bot.__main__ import WRONG_SETTINGS
from bot.app.ending import SETTLE_SECONDS
from core.adapters.execution_logger import ExecutionLogger
from core.records.ledger_state import LedgerState
from tests.paths import ROOT
from tests.ring import Ring
from tests.servers.ports import free_port
from tests.servers.process import ServerProcess

DEPLOY = ROOT / "deploy"
RULES = DEPLOY / "prometheus" / "rules.yml"
TESTS = ("rules_test.yml", "rules_test_slow.yml")
RUNBOOK = DEPLOY.parent / "docs" / "runbook.md"
_NAME = re.compile(r"\b(?:marketflow_[a-z_]+|open_positions|last_trade_profit|(?:buy|sell)_orders_total)\b")


def need(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"needs {program}, of Debian's package prometheus")
    return path


def rules() -> list[dict[str, str]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def metrics_of_ours() -> set[str]:
    registry = ExecutionLogger(LedgerState()).registry
    names = set()
    for family in registry.collect():
        names |= {family.name, f"{family.name}_total", f"{family.name}_bucket"}
    return names


@pytest.mark.parametrize("arguments", [("check", "rules", "rules.yml"), ("test", "rules", *TESTS)])
def test_promtool_finds_nothing(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [need("promtool"), *arguments], cwd=RULES.parent, capture_output=True, text=True, check=False, timeout=110
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


def test_every_alert_fires_in_a_test_and_has_an_entry_in_the_runbook() -> None:
    tested = {
        each["alertname"]
        for name in TESTS
        for test in yaml.safe_load((RULES.parent / name).read_text())["tests"]
        for each in test["alert_rule_test"]
        if each["exp_alerts"]
    }
    names = {rule["alert"] for rule in rules()}
    entries = set(re.findall(r"^## (\w+)$", RUNBOOK.read_text(), re.MULTILINE))
    assert names == tested == entries


def test_rules_and_board_ask_for_what_there_is() -> None:
    board = json.loads((DEPLOY / "grafana/dashboards/marketflow.json").read_text())
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]] + [rule["expr"] for rule in rules()]
    named = {name for expression in asked for name in _NAME.findall(expression)}
    assert named <= metrics_of_ours()
    assert len(named) > 15


async def test_prometheus_scrapes_the_program_and_no_alert_fires(ring: Ring, tmp_path: Path) -> None:
    program = await ring.run()
    await ring.publish("BUY_SM", 0.4801)
    await ring.told("BUY_SM executed")
    folder = tmp_path / "prometheus"
    folder.mkdir()
    shutil.copy(RULES, folder / "rules.yml")
    config = yaml.safe_load((RULES.parent / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["scrape_configs"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{program.settings['METRICS_PORT']}"]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    port = free_port()
    address = f"127.0.0.1:{port}"
    server = ServerProcess(
        "Prometheus",
        [
            *(need("prometheus"), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"),
            f"--web.listen-address={address}",
        ],
        log=folder / "log",
        ready=lambda: _answers(f"http://{address}/-/ready"),
    )
    await asyncio.to_thread(server.start)
    try:
        async with httpx.AsyncClient(base_url=f"http://{address}/api/v1") as client, asyncio.timeout(30):
            found: list[dict[str, object]] = []
            while not found:
                answer = await client.get("/query", params={"query": 'buy_orders_total{job="marketflow"} == 1'})
                found = answer.json()["data"]["result"]
                await asyncio.sleep(0.2)
            groups = (await client.get("/rules")).json()["data"]["groups"]
            states = {rule["name"]: (rule["health"], rule["state"]) for group in groups for rule in group["rules"]}
        assert len(states) == len(rules())
        assert {state for _, state in states.values()} == {"inactive"}, states
    finally:
        await asyncio.to_thread(server.stop)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


def test_compose_with_a_standby_runs_two_that_see_each_other() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.standby.yaml").read_text())
    first, second = (compose["services"][name] for name in ("marketflow", "standby"))
    assert first["command"] == second["command"] == ["marketflow", "run", "--standby"]
    assert first["pid"] == second["pid"] == "host"
    assert second["extends"] == {"file": "compose.yaml", "service": "marketflow"}
    (volume,) = compose["services"]["prometheus"]["volumes"]
    (found,) = (DEPLOY / volume.split(":")[0]).glob("*.yml")
    assert yaml.safe_load(found.read_text()) == [{"targets": ["standby:8001"]}]
    assert volume.split(":")[1] == "/etc/prometheus/targets"


def test_the_unit_of_systemd_starts_a_standby_again_after_a_handover() -> None:
    lines = (DEPLOY / "systemd" / "marketflow@.service").read_text().splitlines()
    unit = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    assert unit["ExecStart"].endswith("/marketflow run --standby")
    assert unit["Restart"] == "always"
    assert unit["RestartPreventExitStatus"] == str(WRONG_SETTINGS)
    assert float(unit["TimeoutStopSec"]) > SETTLE_SECONDS


def test_the_unit_of_systemd_is_one_that_systemd_takes(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze (Debian: systemd)")
    unit = (DEPLOY / "systemd" / "marketflow@.service").read_text()
    (tmp_path / "marketflow@.service").write_text(unit.replace("/opt/marketflow/bin/marketflow", sys.executable))
    verify = ["systemd-analyze", "verify", "--man=no", str(tmp_path / "marketflow@.service")]
    checked = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_compose_names_what_there_is() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    assert set(compose["services"]) == {"marketflow", "kafka", "topic", "postgres", "prometheus", "loki", "grafana"}
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (DEPLOY / source).exists() if source.startswith(".") else source in compose["volumes"]
    known = (DEPLOY.parent / ".env.example").read_text()
    for name in compose["services"]["marketflow"]["environment"]:
        assert re.search(rf"^#?{name}=", known, re.MULTILINE), name
