"""The wheel that setuptools builds of the source: it carries the demo, and says what that lacks where it is not installed."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

from tests.paths import ROOT

_PACKAGES = ("bot", "core", "dashboard", "demo", "local_telegram")
_BUILD = "import sys; from setuptools.build_meta import build_wheel; print(build_wheel(sys.argv[1]))"
_WITHOUT = (
    "import sys; sys.modules['confluent_kafka'] = None; from bot.__main__ import main; sys.exit(main(['demo', '--no-browser']))"
)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the folder into which the wheel was unpacked. It is built of a copy: a build leaves files in its source."""
    source, built, unpacked = (tmp_path_factory.mktemp(name) for name in ("source", "built", "unpacked"))
    for package in _PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    subprocess.run([sys.executable, "-c", _BUILD, built], cwd=source, check=True, capture_output=True)
    with zipfile.ZipFile(next(built.glob("marketflow-*.whl"))) as wheel:
        wheel.extractall(unpacked)
    return unpacked


def surroundings(unpacked: Path) -> dict[str, str]:
    """Returns an environment in which the wheel's modules go before those of the checkout."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(unpacked), "PYTHONUNBUFFERED": "1"}


def test_every_file_of_the_packages_is_in_it(unpacked: Path) -> None:
    files = {path.relative_to(ROOT) for package in _PACKAGES for path in (ROOT / package).rglob("*") if path.is_file()}
    wanted = {path for path in files if "__pycache__" not in path.parts}
    assert {str(path) for path in wanted if not (unpacked / path).exists()} == set()


async def test_the_demo_of_the_wheel_shows_its_chat(unpacked: Path, tmp_path: Path) -> None:
    index = unpacked / "local_telegram/page/index.html"
    index.write_text(index.read_text(encoding="utf-8") + "<!-- of the wheel -->", encoding="utf-8")  # the checkout's has none
    command = (sys.executable, "-P", "-m", "bot", "demo", "--no-browser", "--port", "0")
    pipe = asyncio.subprocess.PIPE
    demo = await asyncio.create_subprocess_exec(*command, env=surroundings(unpacked), cwd=tmp_path, stdout=pipe)
    assert demo.stdout is not None
    try:
        async with asyncio.timeout(30):
            while not (address := re.search(rb"http://127\.0\.0\.1:\d+/$", (await demo.stdout.readline()).strip())):
                pass
            page = await asyncio.to_thread(_content, address[0].decode())
    finally:
        demo.terminate()
        await demo.wait()
    assert page == index.read_bytes()


def _content(address: str) -> bytes:
    with urllib.request.urlopen(address) as answer:
        return bytes(answer.read())


def test_the_demo_says_what_it_lacks(unpacked: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-c", _WITHOUT]
    ended = subprocess.run(command, env=surroundings(unpacked), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "(confluent_kafka missing): use `make demo`" in ended.stderr
    assert "Traceback" not in ended.stderr
