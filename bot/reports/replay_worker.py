"""Replays in its own process: a recording and its terms from standard input, the result to standard output.

Started by `bot.reports.replay_process`, for one replay. Both ends are this program, and nobody else writes to the pipes.
"""

import logging
import os
import pickle
import sys

import structlog

from core.replay.replay import replay, shadow_of


def work() -> None:
    """Answers the one request; with nothing if it cannot be replayed."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL)
    )  # what the replayed core says is no news
    recording, terms = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by the parent process
    made = shadow_of if terms.is_shadow else replay
    sys.stdout.buffer.write(pickle.dumps(made(recording, terms)))


if __name__ == "__main__":
    os.nice(10)  # trading comes first
    work()
