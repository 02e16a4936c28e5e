"""Run as a process of its own: Snowflake's driver, asked over standard input, answering on standard output.

The driver is native code that blocks, takes two seconds to be imported and, where it crashes, takes its process with it.
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

_SHOWN = 200  # characters of the server's words


class Session:
    """Made at the first question, and made anew after any error but a missing table."""

    def __init__(self) -> None:
        self._session: Any = None

    def ask(self, question: Question) -> Answer | Failed:
        """Runs one statement; what the driver raises is an answer too."""
        try:
            from snowflake.connector import connect  # noqa: PLC0415 - a driver that cannot be had is an answer too

            if self._session is None:
                self._session = connect(**question.options.arguments())
            with self._session.cursor() as cursor:
                cursor.execute(question.statement, question.values or None)
                columns = tuple((column[0].lower(), column[1]) for column in cursor.description or ())
                return Answer(columns, [tuple(row) for row in cursor.fetchall()])
        except Exception as error:  # noqa: BLE001 - whatever the driver does is told to who asked
            number = getattr(error, "errno", None)
            # What says that the session is at its end comes as many errors, some of them dressed as the statement's fault.
            if number != NO_SUCH_OBJECT:
                self.end()
            return Failed(_words(error, question), number if isinstance(number, int) else -1)

    def end(self) -> None:
        """Takes leave of the server, as far as it listens."""
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
    """Answers one question after the other until there are no more."""
    session = Session()
    while head := questions.read(HEAD_BYTES):
        answers.write(framed(session.ask(unframed(questions.read(body_length(head))))))
        answers.flush()
    session.end()


def main() -> None:
    """Lives as long as who asks; a Ctrl-C is meant for that one."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    logging.disable(logging.CRITICAL)  # what went wrong is in the answer, without secrets
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else is printed must not get among the answers
    with suppress(BrokenPipeError):
        serve(sys.stdin.buffer, answers)
    os._exit(0)  # no thread of the driver's holds this up


if __name__ == "__main__":
    main()
