"""A process of its own for Snowflake's driver: reads questions from standard input, writes answers to standard output.

The driver is native code that blocks, takes two seconds to import and, if it crashes, takes its process with it.
"""

import logging
import os
import signal
import sys
from contextlib import suppress
from typing import Any, BinaryIO

from core.adapters.snowflake.driver_protocol import (
    HEAD_BYTES,
    NO_SUCH_OBJECT,
    Answer,
    Failed,
    Question,
    body_length,
    framed,
    unframed,
)

_SHOWN = 200  # characters of the server's message
_UNUSED = ("numpy", "pandas", "pyarrow", "sqlalchemy")
"""Packages that the driver loads where they are installed, to answer in their types: that is most of its start and memory."""


class Session:
    """A session created at the first question, and recreated after any error but a missing table."""

    def __init__(self) -> None:
        self._session: Any = None

    def ask(self, question: Question) -> Answer | Failed:
        """Runs one statement; a driver error is an answer too."""
        try:
            from snowflake.connector import connect  # noqa: PLC0415 - a driver that cannot be had is an answer too

            if self._session is None:
                self._session = connect(**question.options.arguments())
            with self._session.cursor() as cursor:
                cursor.execute(question.statement, question.values or None)
                columns = tuple((column[0].lower(), column[1]) for column in cursor.description or ())
                return Answer(columns, [tuple(row) for row in cursor.fetchall()])
        except Exception as error:  # noqa: BLE001 - the parent process gets any error of the driver
            number = getattr(error, "errno", None)
            # Many different errors mean that the session has ended, some of them reported as the statement's fault.
            if number != NO_SUCH_OBJECT:
                self.end()
            return Failed(_words(error, question), number if isinstance(number, int) else -1)

    def end(self) -> None:
        """Closes the session, if the server responds."""
        session, self._session = self._session, None
        if session is not None:
            with suppress(Exception):  # the server forgets it by itself
                session.close()


def _words(error: Exception, question: Question) -> str:
    text = " ".join(str(error).split())
    for secret in (question.options.password, question.options.account, question.options.user):
        text = text.replace(secret, "***") if secret else text
    return f"Snowflake: {text[:_SHOWN] or type(error).__name__}"


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answers one question after another until there are no more."""
    session = Session()
    while head := questions.read(HEAD_BYTES):
        answers.write(framed(session.ask(unframed(questions.read(body_length(head))))))
        answers.flush()
    session.end()


def main() -> None:
    """Runs as long as the parent process; a Ctrl-C is meant for the parent."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    logging.disable(logging.CRITICAL)  # errors are in the answer, without secrets
    sys.modules.update(dict.fromkeys(_UNUSED))  # type: ignore[arg-type]  # None: as if it were not installed
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # anything else that is printed must not get among the answers
    with suppress(BrokenPipeError):
        serve(sys.stdin.buffer, answers)
    os._exit(0)  # no driver thread can delay this


if __name__ == "__main__":
    main()
