"""Paths of the project and the tests' data, so that a test file may move."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
DATA = ROOT / "tests" / "data"
