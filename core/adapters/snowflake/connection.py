"""Queries Snowflake through the process that runs its driver: nothing that the driver does blocks or ends this one."""

import asyncio
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress

from core.adapters.snowflake.driver_protocol import (
    ANSWER_SECONDS,
    CLOSE_SECONDS,
    HEAD_BYTES,
    LOGIN_SECONDS,
    Answer,
    Failed,
    Question,
    SnowflakeOptions,
    body_length,
    framed,
    unframed,
)
from core.domain.errors import HistoryUnavailable

_PATIENCE_SECONDS = 2.0 * (LOGIN_SECONDS + ANSWER_SECONDS)  # a driver that exceeds all its own time limits is stuck
_COMMAND = (sys.executable, "-P", "-m", "core.adapters.snowflake.driver_process")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*", re.ASCII)


class SnowflakeError(HistoryUnavailable):
    """An error of the driver; `number` is Snowflake's own, -1 if there is none."""

    def __init__(self, words: str, number: int = -1) -> None:
        self.number = number
        super().__init__(words)


class SnowflakeConnection:
    """One session in one process, both started on demand. One question at a time."""

    def __init__(self, options: SnowflakeOptions) -> None:
        self.options = options
        self._process: Process | None = None
        self._turn = asyncio.Lock()

    async def ask(self, statement: str, *values: object) -> Answer:
        """Returns a statement's answer; `values` replace its `%s`. Raises SnowflakeError."""
        async with self._turn:
            try:
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    answer = await self._answer(Question(self.options, statement, values))
            except TimeoutError:
                await self._kill()
                raise SnowflakeError(f"Snowflake: its driver has not answered for {_PATIENCE_SECONDS:g} s") from None
            except (OSError, asyncio.IncompleteReadError):
                await self._kill()
                raise SnowflakeError("Snowflake: the process of its driver ended; it is started anew") from None
            except BaseException:
                await self._kill()  # its answer would be taken for that of the next question
                raise
        if isinstance(answer, Failed):
            raise SnowflakeError(answer.words, answer.number)
        return answer

    async def close(self) -> None:
        """Ends the session and the process; does not wait for a server that does not answer."""
        process = self._process
        if process is not None and process.stdin is not None and not self._turn.locked():
            process.stdin.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await process.wait()
        await self._kill()

    async def _answer(self, question: Question) -> Answer | Failed:
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(*_COMMAND, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
        questions, answers = self._process.stdin, self._process.stdout
        if questions is None or answers is None:
            raise AssertionError("both were asked for")
        questions.write(framed(question))
        await questions.drain()
        answer: Answer | Failed = unframed(await answers.readexactly(body_length(await answers.readexactly(HEAD_BYTES))))
        return answer

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def name(*parts: str) -> str:
    """Returns a name of one or more parts for a statement: unquoted if plain, which Snowflake reads in capitals, else quoted."""
    return ".".join(part if _PLAIN.fullmatch(part) else '"' + part.replace('"', '""') + '"' for part in parts)
