"""A paper exchange to play with."""

import pytest

from tests.core.adapters.paper.world import World


@pytest.fixture
def world() -> World:
    return World()
