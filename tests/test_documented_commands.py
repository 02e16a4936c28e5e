"""Commands that documents show are commands that there are: targets, options, modules, files. Others are named, with why."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from bot.__main__ import _parser
from tests.documents import DOCUMENTS, fences, name_of, prose
from tests.paths import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
VARIABLES = set(re.findall(r"^([A-Z_]+) *[?:]?=", MAKEFILE, re.MULTILINE)) | set(
    re.findall(r"\$\((?:if )?\$?\(?([A-Z_]+)", MAKEFILE)
)
PROGRAMS = re.compile(r"(?:\.venv/bin/|uvx --from \S+ |docker compose .* exec marketflow )?(?=marketflow\b)")
NOT_OURS = {
    **dict.fromkeys(("openssl", "curl", "printf", "echo", "date", "cut", "umask"), "a tool of the machine"),
    "docker": "needs Docker's engine",
    "../.venv/bin/dotenv": "gives the settings to dbt, which needs an account at Snowflake here",
    ".venv-warehouse/bin/python": "asks what `make warehouse` built; tests/warehouse builds it",
    "az": "needs an account at Azure",
    **dict.fromkeys(
        ("kafka-topics.sh", "kafka-console-producer.sh", "kafka-console-consumer.sh", "kafka-consumer-groups.sh"),
        "comes with Kafka",
    ),
}
"""Programs that are not MarketFlow's own, with why a test does not run them."""


def blocks() -> Iterator[tuple[str, str]]:
    for path in DOCUMENTS:
        for block in fences(path.read_text(encoding="utf-8"), "bash"):
            yield name_of(path), block


def commands(block: str) -> Iterator[list[str]]:
    """Yields the simple commands of a shell's block as their words, without the variables before them."""
    lines = re.sub(r"\\\n", " ", block)
    lines = re.sub(r"^\w+=.*?\$\((.*)\)\W*$", r"\1", lines, flags=re.MULTILINE)
    for line in lines.splitlines():
        words = shlex.shlex(line, posix=True, punctuation_chars=True)
        words.whitespace_split = True
        command: list[str] = []
        for word in [*words, ";"]:
            if word and set(word) <= set("();|&<>"):
                if command:
                    yield command
                command = []
            elif command or not re.match(r"\w+=", word):
                command.append(word)


def wrong(words: list[str]) -> str:
    """Returns what is not there of a command; empty if all is."""
    line = shlex.join(words)
    if words[0] == "make":
        left = {word for word in words[1:] if not ("=" in word and word.split("=")[0] in VARIABLES)} - TARGETS
        return f"{line}: make knows no {sorted(left)}" if left else ""
    if found := PROGRAMS.match(line):
        return unparsed(shlex.split(line[found.end() :])[1:])
    if words[0] == ".venv/bin/python":
        return "" if words[1] == "-m" and find_spec(words[2]) else f"{line}: no such module"
    if words[0] in {".venv/bin/pytest", "cd"}:
        return " ".join(f"{word} is missing" for word in words[1:] if not word.startswith("-") and not (ROOT / word).exists())
    return "" if words[0] in NOT_OURS else f"{line}: what is this?"


def unparsed(arguments: list[str]) -> str:
    """Returns why `marketflow` would not take these arguments."""
    try:
        _parser().parse_args(arguments)
    except SystemExit as end:
        return f"marketflow {shlex.join(arguments)} is wrong usage" if end.code else ""
    return ""


@pytest.mark.parametrize(("page", "block"), list(blocks()))
def test_a_block_of_commands_is_what_there_is(page: str, block: str) -> None:
    checked = subprocess.run(["bash", "-n"], input=block, text=True, capture_output=True, check=False)
    assert checked.stderr == "", page
    assert list(filter(None, map(wrong, commands(block)))) == [], page


def test_files_that_blocks_name_are_there() -> None:
    named = re.compile(r"(?<![\w./-])(?:bench|bot|core|demo|deploy|docs|requirements|tests|warehouse)/[\w./-]+")
    missing = {path for _, block in blocks() for path in named.findall(block) if not (ROOT / path).exists()}
    assert missing == set()


def test_commands_within_sentences_are_those_that_there_are() -> None:
    known = set(_parser()._subparsers._group_actions[0].choices)  # type: ignore[union-attr,arg-type]
    for path in DOCUMENTS:
        sentences = prose(path.read_text(encoding="utf-8"))
        assert set(re.findall(r"`make ([a-z]+)", sentences)) <= TARGETS, path
        assert set(re.findall(r"`(?:\S+/)?marketflow\s+([a-z]+)", sentences)) <= known, path


def test_nothing_is_excused_that_no_document_shows() -> None:
    shown = {words[0] for _, block in blocks() for words in commands(block)}
    assert set(NOT_OURS) <= shown


def test_what_there_is_not_is_found() -> None:
    assert wrong(["make", "demo", "DEMO=1"]) == ""
    assert wrong(["make", "deploy"])
    assert wrong([".venv/bin/marketflow", "publish", "BUY_SM"])
    assert wrong(["marketflow", "run", "--standby"]) == ""
    assert wrong([".venv/bin/python", "-m", "tests.nothing"])
    assert wrong(["rm", "-rf", "build"])
