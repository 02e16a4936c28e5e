"""Reads a `.env` file literally: `$NAME` is never expanded, and an unreadable line is reported, not skipped."""

import io
from collections.abc import Mapping
from pathlib import Path

from dotenv.parser import parse_stream

from core.domain.errors import ConfigurationError


def read_env_file(path: Path) -> Mapping[str, str]:
    r"""Returns the variables of `path`; none when there is no such file.

    Quotes around a value are removed; within double quotes `\n`, `\"` and the like are escapes. Without quotes, a value ends
    before ` #`. The last line of a name counts, as in a shell. Raises ConfigurationError for what cannot be read, without showing
    it: half a line may be half a secret.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError as error:
        raise ConfigurationError([f"{path}: byte {error.start + 1} is not UTF-8; accepted: a UTF-8 text file"]) from None
    except OSError as error:
        raise ConfigurationError([f"{path}: cannot be read ({error.strerror}); accepted: a UTF-8 text file"]) from None
    lines = list(parse_stream(io.StringIO(text)))
    broken = [line.original for line in lines if line.error or (line.key is not None and line.value is None)]
    if broken:
        # An unparsed line may begin with the empty lines before it.
        numbers = [part.line + part.string[: len(part.string) - len(part.string.lstrip())].count("\n") for part in broken]
        accepted = "accepted: NAME=value, a quoted value closed on both sides, or a comment that begins with #"
        raise ConfigurationError([f"{path} line {number}: cannot be read; {accepted}" for number in numbers])
    return {line.key: line.value for line in lines if line.key is not None and line.value is not None}
