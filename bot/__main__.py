"""The `marketflow` command line. Imports what a command needs only when it runs, so that `--help` is quick."""

import argparse
import gc
import os
import sys
from collections.abc import Coroutine, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from datetime import datetime

    from bot.settings.settings import Settings

T = TypeVar("T")

OK, FAILED, WRONG_SETTINGS = 0, 1, 2
# What libraries load where it happens to be installed, and a running program has no use for: Telegram's passports, tracebacks
# in color, httpx's command line, uploads to the web interface.
_UNUSED = ("cryptography", "pygments", "python_multipart", "rich")

# The image has no demo; a wheel has it, and what it needs is in an extra.
_DEMO_NEEDS = ("demo", "local_telegram", "confluent_kafka", "python_multipart")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit code: 0 success, 1 failure, 2 wrong settings or usage."""
    gc.disable()  # what loads is no garbage: to look for some in it would take a third of the start
    from bot.settings.redaction import shown
    from core.adapters.private_files import UMASK
    from core.domain.errors import ConfigurationError, MarketFlowError

    os.umask(UMASK)
    chosen = _parser().parse_args(arguments)
    try:
        return _COMMANDS[chosen.command](chosen)
    except ConfigurationError as error:
        count = len(error.problems)
        print(f"marketflow: {count} setting{'s are' if count > 1 else ' is'} wrong:", file=sys.stderr)
        for problem in error.problems:
            print(f"  {shown(problem)}", file=sys.stderr)
        return WRONG_SETTINGS
    except MarketFlowError as error:
        print(f"marketflow: {shown(str(error))}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="marketflow", description="Executes trading signals on Binance Spot and is run from a Telegram chat."
    )
    parser.add_argument("--version", action="version", version=f"marketflow {version('marketflow')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("init", help="asks for what is needed, tries each answer at once, and writes .env")
    run = commands.add_parser("run", help="bot, Kafka consumer and executor, with the settings of the environment and .env")
    run.add_argument("--standby", action="store_true", help="wait while another process holds the ledger, then take over")
    commands.add_parser("handover", help="has the active process on this machine let its standby take over")
    demo = commands.add_parser("demo", help="the same program with embedded parts: no account, no server needed")
    demo.add_argument("--port", type=int, default=0, help="port of the chat's page (default: 8090, or any free one)")
    demo.add_argument("--no-browser", action="store_true", help="only print the page's address")
    demo.add_argument("--ledger", metavar="FILE", help="SQLite file to keep (default: a new one, gone at the end)")
    check = commands.add_parser("check", help="a doctor: reads the settings, reaches each part, says what it found")
    check.add_argument("--message", action="store_true", help="also send a test message to the chat")
    check.add_argument("--json", action="store_true", help="print one JSON document: well, and the findings")
    publish = commands.add_parser("publish", help="puts a signal on the topic")
    publish.add_argument("signal_type", metavar="TYPE", help="BUY_... enters, SELL_... exits, e.g. BUY_SM")
    publish.add_argument("--close", required=True, metavar="PRICE", help="reference price, e.g. 0.4801")
    publish.add_argument("--symbol", help="default: SYMBOL")
    publish.add_argument("--signal-id", metavar="ID", help="default: none, the record's place is its identity")
    export = commands.add_parser("export", help="writes every execution of the ledger into a CSV file")
    export.add_argument("--demo", action="store_true", help="the ledger of the demo that is running")
    export.add_argument("file", metavar="FILE", type=Path, help="e.g. executions.csv; what is there is replaced")
    prove = commands.add_parser("prove", help="compares a day's signals, orders, fills and history, exit 1 if anything differs")
    prove.add_argument("--day", metavar="YYYY-MM-DD", type=_day, help="a UTC day (default: yesterday)")
    resend = commands.add_parser("resend", help="brings a day's executions to the history once more")
    resend.add_argument("--day", metavar="YYYY-MM-DD", type=_day, help="a UTC day (default: yesterday)")
    backup = commands.add_parser("backup", help="a complete copy of the ledger, taken while the program runs")
    backup.add_argument("file", metavar="FILE", type=Path, help="a new file, e.g. marketflow-backup.db")
    restore = commands.add_parser("restore", help="puts such a copy back, once it was compared with the exchange")
    restore.add_argument("file", metavar="FILE", type=Path, help="what `marketflow backup` wrote")
    _add_replay(commands)
    commands.add_parser("reconcile", help="compares ledger and exchange, prints the differences, exit 1 if there are any")
    return parser


def _add_replay(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    again = commands.add_parser("replay", help="recorded signals through today's settings on paper, beside what came of them")
    again.add_argument("--since", metavar="T", type=_moment, help="day or moment, UTC, e.g. 2026-03-01 (default: the beginning)")
    again.add_argument("--strategy", metavar="S", help="report on this strategy alone; all of them trade")
    again.add_argument("--set", metavar="RULE=VALUE", action="append", default=[], help="change a rule, e.g. STOP_LOSS_PCT=3")
    again.add_argument("--candles", action="store_true", help="also ask the exchange for candles and the symbols' rules")
    again.add_argument("--all", action="store_true", help="list every signal, not only those decided otherwise")
    again.add_argument("--shadow", action="store_true", help="compare what was traded with paper, and explain the difference")
    again.add_argument("--demo", action="store_true", help="the ledger of the demo that is running")


def _finish(work: Coroutine[Any, Any, T]) -> T:
    """Runs a command whose modules are loaded; from here on garbage is collected, but never looked for in them."""
    from bot.event_loop import run_in_loop

    gc.freeze()
    gc.enable()
    return run_in_loop(work)


def _settings() -> "Settings":
    """Returns the settings of the environment and .env; from here on their secrets are never shown."""
    from bot.settings.redaction import hide
    from bot.settings.settings import load_settings

    settings = load_settings()
    hide(settings.secret_values())
    return settings


def _say(line: str) -> None:
    from bot.settings.redaction import shown

    print(shown(line))


def _run(chosen: argparse.Namespace) -> int:
    from core.adapters.lean_imports import built_when_used, left_out

    with left_out(*_UNUSED), built_when_used():
        from bot.app.running import run

    settings = _settings()
    _finish(run(settings, standby=chosen.standby))
    return OK


def _handover(_: argparse.Namespace) -> int:
    from bot.cli.handover import hand_over
    from bot.observability.logging_setup import keep_quiet

    keep_quiet()
    _finish(hand_over(_settings(), _say))
    return OK


def _demo(chosen: argparse.Namespace) -> int:
    from importlib.util import find_spec

    from core.domain.errors import MarketFlowError

    missing = [name for name in _DEMO_NEEDS if find_spec(name) is None]
    if missing:
        raise MarketFlowError(
            f"the demo is not installed here ({', '.join(missing)} missing): use `make demo` in a checkout, "
            "or install the extra, as `uvx --from '.[demo]' marketflow demo` does"
        )
    from demo.app import run_demo

    _finish(run_demo(port=chosen.port, open_browser=not chosen.no_browser, ledger=chosen.ledger))
    return OK


def _init(_: argparse.Namespace) -> int:
    from bot.cli.init import init
    from bot.observability.logging_setup import keep_quiet

    keep_quiet()
    return OK if _finish(init(Path(".env"), _ask, _say)) else FAILED


def _ask(question: str, secret: bool) -> str:
    from getpass import getpass

    from core.domain.errors import MarketFlowError

    try:
        return getpass(question) if secret and sys.stdin.isatty() else input(question)
    except EOFError:
        raise MarketFlowError("the answers ended early: nothing was written") from None


def _check(chosen: argparse.Namespace) -> int:
    from bot.cli.doctor import check
    from bot.cli.findings import as_json, as_lines
    from bot.cli.partial_settings import load_partly
    from bot.observability.logging_setup import keep_quiet
    from bot.settings.redaction import hide

    keep_quiet()
    found = load_partly()
    hide(found.settings.secret_values())
    shown = as_json if chosen.json else as_lines
    return OK if _finish(shown(check(found, message=chosen.message), _say)) else FAILED


def _publish(chosen: argparse.Namespace) -> int:
    from bot.cli.publish import publish
    from bot.observability.logging_setup import keep_quiet

    keep_quiet()
    _say(_finish(publish(_settings(), chosen.signal_type, chosen.close, chosen.symbol, chosen.signal_id)))
    return OK


def _export(chosen: argparse.Namespace) -> int:
    from bot.cli.export_csv import export
    from bot.observability.logging_setup import keep_quiet

    keep_quiet()
    _finish(export(_settings(), chosen.file, _say, demo=chosen.demo))
    return OK


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day, such as 2026-03-01") from None


def _prove(chosen: argparse.Namespace) -> int:
    from bot.cli.daily_reconciliation import prove_day
    from bot.observability.logging_setup import keep_quiet

    keep_quiet()
    return OK if _finish(prove_day(_settings(), chosen.day, _say)) else FAILED


def _resend(chosen: argparse.Namespace) -> int:
    from bot.cli.resend import resend
    from bot.observability.logging_setup import keep_quiet

    keep_quiet()
    _finish(resend(_settings(), chosen.day, _say))
    return OK


def _backup(chosen: argparse.Namespace) -> int:
    from bot.cli.backup import backup
    from bot.observability.logging_setup import keep_quiet

    keep_quiet()
    _finish(backup(_settings(), chosen.file, _say))
    return OK


def _restore(chosen: argparse.Namespace) -> int:
    from bot.cli.restore import restore
    from bot.observability.logging_setup import keep_quiet

    keep_quiet()
    _finish(restore(_settings(), chosen.file, _say, _progress))
    return OK


def _reconcile(_: argparse.Namespace) -> int:
    from bot.cli.reconcile import reconcile
    from bot.observability.logging_setup import keep_quiet

    keep_quiet()
    return OK if _finish(reconcile(_settings(), _say, _progress)) else FAILED


def _moment(text: str) -> "datetime":
    from bot.cli.replay import read_moment

    try:
        return read_moment(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day or moment, such as 2026-03-01 or 2026-03-01T12:00") from None


def _replay(chosen: argparse.Namespace) -> int:
    from bot.cli.replay import ReplayRequest, prepare, read_changes, say_replay
    from bot.observability.logging_setup import keep_quiet

    keep_quiet()
    changes, settings = read_changes(chosen.set), _settings()
    asked = ReplayRequest(chosen.since, chosen.strategy, changes, chosen.candles, chosen.demo, chosen.all, chosen.shadow)
    recording, terms = _finish(prepare(settings, asked))
    say_replay(recording, terms, asked, _say)
    return OK


def _progress(line: str) -> None:
    """Prints progress on standard error, so that a program reading the result does not see it."""
    if sys.stderr.isatty():
        print(f"... {line}", file=sys.stderr, flush=True)


_COMMANDS = {
    "init": _init,
    "run": _run,
    "handover": _handover,
    "demo": _demo,
    "check": _check,
    "publish": _publish,
    "export": _export,
    "prove": _prove,
    "resend": _resend,
    "backup": _backup,
    "restore": _restore,
    "reconcile": _reconcile,
    "replay": _replay,
}

if __name__ == "__main__":
    sys.exit(main())
