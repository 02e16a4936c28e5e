"""Imports libraries without what they load or build and is not used here: left out where they can do without, otherwise
postponed."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType

from pydantic import BaseModel


class _Postponing(MetaPathFinder):
    """Finds some modules as Python does, and has each executed when something of it is first asked for."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Returns one of the modules, and None for all others: the next finder looks for them."""
        spec = PathFinder.find_spec(fullname, path, target) if fullname in self._names else None
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec


class _LeavingOut(MetaPathFinder):
    """Finds some packages nowhere."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Returns None, so that the next finder looks; raises ModuleNotFoundError for one of the packages."""
        if fullname in self._names:
            raise ModuleNotFoundError(f"{fullname} is left out", name=fullname)
        return None


@contextmanager
def postponed(*names: str) -> Iterator[None]:
    """Postpones these modules where the block is the first to import them. A second import executes them."""
    with _finding(_Postponing(names)):
        yield


@contextmanager
def left_out(*names: str) -> Iterator[None]:
    """Has what the block imports do without these packages, as if they were not installed. A later import loads them."""
    with _finding(_LeavingOut(names)):
        yield


@contextmanager
def built_when_used() -> Iterator[None]:
    """Has each of pydantic's models that the block defines built at its first use. Most of FastAPI's describe the interface for
    `/openapi.json`, for which hardly anybody asks."""
    BaseModel.model_config["defer_build"] = True
    try:
        yield
    finally:
        del BaseModel.model_config["defer_build"]


@contextmanager
def _finding(finder: MetaPathFinder) -> Iterator[None]:
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
