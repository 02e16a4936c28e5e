"""The process that replays for the chat: beside the program, so that neither its processor time nor a crash affects trading."""

import asyncio
import os
import pickle
import sys
from asyncio.subprocess import DEVNULL, PIPE
from dataclasses import replace
from typing import Any, cast

import structlog

from core.records.recording import Recording
from core.records.replay_result import Replayed
from core.records.shadow import ShadowReport
from core.replay.replay import ReplayTerms

log = structlog.get_logger(__name__)

SECONDS = 30.0
"""The longest that a replay for the chat may take."""


class ReplayProcess:
    """Makes one replay after the other: they share two processors with trading."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._one_at_a_time = asyncio.Lock()

    async def replay(self, recording: Recording, terms: ReplayTerms) -> Replayed | None:
        """Returns what would have come of the recording; None where that took too long or failed."""
        return cast("Replayed | None", await self._answer(recording, terms))

    async def shadow(self, recording: Recording, terms: ReplayTerms) -> ShadowReport | None:
        """Returns what was traded beside its shadow; None where that took too long or failed."""
        return cast("ShadowReport | None", await self._answer(recording, replace(terms, is_shadow=True)))

    async def _answer(self, recording: Recording, terms: ReplayTerms) -> Any:
        async with self._one_at_a_time:
            request = await asyncio.to_thread(pickle.dumps, (recording, terms))
            answer = await self._ask(request)
            try:
                # Written by the process that this one has started, from what it was given.
                return await asyncio.to_thread(pickle.loads, answer) if answer else None
            except (pickle.UnpicklingError, EOFError) as error:
                log.warning("the answer of a replay is cut", error=type(error).__name__)
                return None

    async def _ask(self, request: bytes) -> bytes:
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        command = (sys.executable, "-P", "-m", "bot.reports.replay_worker")
        try:
            process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=environment)
        except OSError as error:
            log.warning("nothing can be replayed here", error=type(error).__name__)
            return b""
        try:
            async with asyncio.timeout(self._seconds):
                answer, _ = await process.communicate(request)
        except TimeoutError:
            log.warning("a replay took too long")
            return b""
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            log.warning("a recording could not be replayed", code=process.returncode)
            return b""
        return answer
