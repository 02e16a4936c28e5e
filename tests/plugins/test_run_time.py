"""A run announces its length, shows the rest of it, and names for a failure the command that runs it alone."""

import pytest

from tests.paths import ROOT

SUITE = {
    "test_quick": "def test_one():\n    pass\n\ndef test_two():\n    pass\n",
    "test_slow": "import time\n\ndef test_sleeps():\n    time.sleep(0.5)\n",
}


class Run:
    """Runs a suite under the two plugins, in its own process."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester

    def __call__(self, *options: str) -> str:
        plugins = ("pytest_asyncio.plugin", "xdist.plugin", "tests.plugins.run_time", "tests.plugins.alone")
        loaded = [option for name in plugins for option in ("-p", name)]
        return self._pytester.runpytest_subprocess(*loaded, *options).stdout.str()


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.setenv("CHAOS_SEED", "23")
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    return Run(pytester)


def test_a_run_begins_with_its_length_and_the_next_one_knows_better(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(**SUITE)
    assert "3 tests, about 0:00 with 1 at a time (an estimate: no run is recorded here)" in run()
    assert "3 tests, about 0:01 with 1 at a time (as the last run here took)" in run()


def test_the_longest_file_of_the_last_run_is_the_first_of_the_next(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(**SUITE)
    first, second = run("-v"), run("-v")
    assert first.index("test_two PASSED") < first.index("test_sleeps PASSED")
    assert second.index("test_sleeps PASSED") < second.index("test_two PASSED")


def test_a_part_of_a_file_leaves_its_record_alone(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_long="import time\n\ndef test_a():\n    time.sleep(1.2)\n\ndef test_b():\n    time.sleep(1.2)\n")
    run()
    run("-k", "test_a")
    assert "2 tests, about 0:02 " in run()


def test_workers_agree_and_what_is_left_takes_the_place_of_the_dots(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(**SUITE, test_fails="def test_fails():\n    assert False\n")
    run()
    options = ("--numprocesses", "2", "--dist", "loadfile", "--no-loadscope-reorder", "--progress")
    pytester.makeconftest("import tests.plugins.run_time as one\none._EVERY = 0.0\n")
    said = run(*options)
    assert "4 tests, about 0:00 with 2 at a time (as the last run here took)" in said
    assert "FAILED test_fails.py::test_fails" in said
    assert "4 of 4 tests, 1 failed, about 0:00 left" in said
    assert "1 failed, 3 passed" in said
    assert "[100%]" not in said


def test_a_failure_says_how_to_run_it_alone_and_with_which_seeds(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_chance="""
        import pytest
        from hypothesis import given, strategies as st

        SEED = 41

        @pytest.mark.parametrize("seed", [7])
        def test_seeded(seed):
            assert False

        @given(st.integers())
        def test_examples(number):
            assert number < 5
        """
    )
    said = run("-p", "no:cacheprovider", "--numprocesses", "1")
    assert "To run it alone" in said
    assert "CHAOS_SEED=23 .venv/bin/pytest 'test_chance.py::test_seeded[7]'\nSEED 41\nseed 7\n" in said
    assert "CHAOS_SEED=23 .venv/bin/pytest test_chance.py::test_examples\nSEED 41\nHypothesis: " in said
