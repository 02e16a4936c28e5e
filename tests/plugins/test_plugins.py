"""The guards of the test suite, tried on suites that break their rules: each must fail, and say why."""

import pytest

from tests.paths import ROOT

PLUGINS = ["network_guard", "loop_guard", "skipped"]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> "Run":
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    return Run(pytester)


class Run:
    """Runs a suite of one file under the guards, in its own process."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester

    def __call__(self, source: str, *options: str) -> pytest.RunResult:
        self._pytester.makepyfile(source)
        plugins = [option for name in PLUGINS for option in ("-p", f"tests.plugins.{name}")]
        return self._pytester.runpytest_subprocess("-p", "pytest_asyncio.plugin", *plugins, *options)


TOUCHES = {
    "connect": 'socket.create_connection(("192.0.2.1", 80), timeout=1)',
    "connect_v6": 'socket.socket(socket.AF_INET6).connect(("2001:db8::1", 80))',
    "connect_ex": 'socket.socket().connect_ex(("192.0.2.2", 80))',
    "datagram": 'socket.socket(type=socket.SOCK_DGRAM).sendto(b"", ("192.0.2.3", 53))',
    "sendmsg": 'socket.socket(type=socket.SOCK_DGRAM).sendmsg([b""], [], 0, ("192.0.2.4", 53))',
    "name": 'socket.getaddrinfo("one.example", 80)',
    "name_old_way": 'socket.gethostbyname("two.example")',
    "asyncio": 'asyncio.run(asyncio.open_connection("192.0.2.5", 80))',
    "thread": "in_thread(socket.create_connection, (('192.0.2.6', 80), 1))",
}


def test_touching_the_network_fails_though_the_error_is_swallowed(run: Run) -> None:
    tests = "".join(
        f"def test_{name}():\n    with contextlib.suppress(OSError):\n        {touch}\n\n" for name, touch in TOUCHES.items()
    )
    result = run(f"""\
import asyncio, concurrent.futures, contextlib, socket

def in_thread(function, arguments):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        pool.submit(function, *arguments)

{tests}
def test_after_them_is_not_blamed():
    pass
""")
    result.assert_outcomes(failed=len(TOUCHES), passed=1)
    said = result.stdout.str()
    assert said.count("this test touched the network; only loopback is allowed") >= len(TOUCHES)
    touched = [f"192.0.2.{last}" for last in range(1, 7)] + ["2001:db8::1", "one.example", "two.example"]
    assert [address for address in touched if address not in said] == []


def test_touching_the_network_is_told_beside_another_failure(run: Run) -> None:
    result = run("""
        import socket

        def test_touches():
            socket.create_connection(("192.0.2.1", 80), timeout=1)
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*NetworkForbiddenError: the tests may use loopback only*"])


def test_touching_the_network_in_a_fixture_is_an_error(run: Run) -> None:
    result = run("""
        import contextlib, pytest, socket

        def touch():
            with contextlib.suppress(OSError):
                socket.create_connection(("192.0.2.1", 80), timeout=1)

        @pytest.fixture
        def at_setup():
            touch()

        @pytest.fixture
        def at_teardown():
            yield
            touch()

        @pytest.fixture
        def before_skipping():
            touch()
            pytest.skip("no network")

        def test_setup(at_setup):
            pass

        def test_teardown(at_teardown):
            pass

        def test_skip(before_skipping):
            pass
    """)
    result.assert_outcomes(errors=3, passed=1)


def test_loopback_and_unix_sockets_are_free(run: Run) -> None:
    result = run("""
        import asyncio, socket

        async def test_loopback(tmp_path):
            for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "localhost")):
                server = await asyncio.start_server(lambda r, w: w.close(), host, 0, family=family)
                async with server:
                    reader, writer = await asyncio.open_connection(host, server.sockets[0].getsockname()[1])
                    assert await reader.read() == b""
                    writer.close()
                    await writer.wait_closed()

        def test_unix(tmp_path, monkeypatch):
            monkeypatch.chdir(tmp_path)  # a longer path would be no address
            with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
                server.bind("s")
                server.listen()
                client.connect("s")
    """)
    result.assert_outcomes(passed=2)


def test_a_task_left_running_fails_the_test(run: Run) -> None:
    result = run("""
        import asyncio, pytest

        @pytest.fixture
        async def closes_its_own():
            task = asyncio.create_task(asyncio.sleep(60))
            yield
            task.cancel()

        async def test_clean(closes_its_own):
            asyncio.create_task(asyncio.sleep(0.05))

        async def forgotten():
            await asyncio.sleep(60)

        async def test_leaks():
            test_leaks.task = asyncio.create_task(forgotten())
    """)
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*the test left 1 task(s) running*", "*forgotten()*"])


def test_blocking_the_loop_fails_the_test_and_names_the_line(run: Run) -> None:
    result = run("""
        import asyncio, time

        async def test_turns(no_blocking):
            await asyncio.sleep(0.3)
            assert no_blocking.longest < 0.25

        async def test_blocks(no_blocking):
            await asyncio.sleep(0)
            time.sleep(0.4)
            await asyncio.sleep(0)

        async def test_blocks_at_its_end(no_blocking):
            time.sleep(0.4)

        async def test_may_block_longer(no_blocking):
            no_blocking.limit = 5
            time.sleep(0.3)
    """)
    result.assert_outcomes(passed=4, errors=2)
    result.stdout.fnmatch_lines(["*the event loop stood still for 0.4* s*", "*time.sleep(0.4)*"])


SKIPS = """
    import pytest

    def test_runs():
        pass

    @pytest.mark.skip(reason="needs Apache Kafka: no `java`")
    def test_kafka():
        pass

    @pytest.mark.skip(reason="not on this machine: it has one core")
    def test_cores():
        pass

    @pytest.mark.xfail(strict=True, reason="known")
    def test_known():
        assert False
"""


def test_what_could_not_be_run_is_said_loudly_and_is_no_failure(run: Run) -> None:
    result = run(SKIPS)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "*COULD NOT BE RUN HERE: 2*",
            "needs Apache Kafka: no `java`  [[]1[]]",
            "*test_*::test_kafka",
            "not on this machine: it has one core  [[]1[]]",
        ]
    )


def test_no_skips_fails_what_the_machine_could_have_run(run: Run) -> None:
    result = run(SKIPS, "--no-skips")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["--no-skips: 1 of these fail the run"])


def test_no_skips_excuses_what_no_installation_could_mend(run: Run) -> None:
    result = run(SKIPS, "--no-skips", "--deselect", "test_no_skips_excuses_what_no_installation_could_mend.py::test_kafka")
    assert result.ret == pytest.ExitCode.OK


def test_no_skips_sees_a_module_that_skips_itself(run: Run) -> None:
    result = run('import pytest\npytest.skip("needs a browser", allow_module_level=True)\n', "--no-skips")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["needs a browser  [[]1[]]"])


def test_this_suite_is_guarded(request: pytest.FixtureRequest) -> None:
    """Checks that the plugins are loaded here: otherwise they guard nothing."""
    loaded = request.config.pluginmanager
    assert all(loaded.has_plugin(f"tests.plugins.{name}") for name in PLUGINS)
