"""The settings in force. Reads the environment and `.env`, reports all problems at once, and acts on nothing."""

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, get_args

from pydantic import Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot.settings import parsers as read
from bot.settings.env_file import read_env_file
from bot.settings.fields import (
    Approvals,
    Connections,
    EntryLimits,
    Exchange,
    ExitPlans,
    Kafka,
    Ledger,
    Needed,
    Section,
    Telegram,
    Trading,
    Web,
)
from bot.settings.redaction import Redactor, parts_of_secret, passwords_in
from bot.settings.strategies import strategy_faults
from bot.settings.validation import contradictions, defaults_that_follow, doubts
from core.adapters.binance.private_key import lines_of_key
from core.adapters.private_files import readable_by_others
from core.domain.access import Role
from core.domain.errors import ConfigurationError
from core.policy.risk import limits as risk

_NEAR = 0.7  # difflib's ratio: TRADE_QUANTITY is 0.78 from TRADE_QTY


class Settings(
    Needed, Exchange, Trading, EntryLimits, ExitPlans, Approvals, Kafka, Telegram, Ledger, Web, Connections, BaseSettings
):  # in the order of `.env.example`
    """The variables by their names in lower case. Immutable; made only by `load_settings`.

    Amounts are in `report_asset` unless named `qty` (base asset); percentages in per cent; None means unset.
    """

    model_config = SettingsConfigDict(
        alias_generator=str.upper, frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=False
    )

    given: Annotated[frozenset[str], Field(exclude=True)]
    """Names of the variables that are set."""
    warnings: Annotated[tuple[str, ...], Field(exclude=True)]
    """Settings that are probably not intended, in plain sentences without secrets."""
    besides: Annotated[frozenset[str], Field(exclude=True, repr=False)]
    """Secrets outside of the settings: of the proxy in the environment, or where none should be."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Uses only what `load_settings` read: the library's own reader of `.env` would expand Event Hubs'
        `$ConnectionString`."""
        return (init_settings,)

    @classmethod
    def variables(cls) -> Mapping[str, FieldInfo]:
        """Returns every variable by its name in the environment."""
        return {name: field for section in cls.sections() for name, field in section.variables().items()}

    @classmethod
    def sections(cls) -> tuple[type[Section], ...]:
        """Returns the sections of `.env.example`, in its order."""
        return tuple(base for base in cls.__bases__ if issubclass(base, Section))

    def __repr__(self) -> str:
        return Redactor(self.secret_values(), everywhere=True).text(super().__repr__())

    __str__ = __repr__

    @property
    def users(self) -> Mapping[int, Role]:
        """Returns roles by Telegram id: TG_USERS, and the owner of TG_CHAT_ID where that is a private chat."""
        owner = {self.tg_chat_id: Role.OWNER} if self.tg_chat_id is not None and self.tg_chat_id > 0 else {}
        return MappingProxyType({**self.tg_users, **owner})

    def secret_values(self) -> frozenset[str]:
        """Returns every text that must never be shown: the secrets, and the secrets inside them."""
        values = (getattr(self, name.lower()) for name, field in self.variables().items() if _is_secret(field.annotation))
        own = (part for value in values if value is not None for part in parts_of_secret(value.get_secret_value()))
        key = self.binance_private_key_path
        return self.besides | frozenset(own) | (key.written if key is not None else frozenset())

    def missing_for_run(self) -> list[str]:
        """Returns what `marketflow run` still needs, one sentence each."""
        sources = {"KAFKA_BROKER", "SNOWFLAKE_SIGNALS_TABLE", "WEBHOOK_SECRET"}
        broker = "the address of the Kafka broker that brings the signals (or SNOWFLAKE_SIGNALS_TABLE or WEBHOOK_SECRET)"
        needed = {
            **({} if sources & self.given else {"KAFKA_BROKER": broker}),
            "TG_TOKEN": "the token of your bot, from @BotFather",
            "TG_CHAT_ID": "the number of the chat where alerts go",
        }
        return [
            f"{name}: not set; set it to {what}, or use `marketflow demo`"
            for name, what in needed.items()
            if name not in self.given
        ]


def load_settings(env: Mapping[str, str] | None = None, env_file: Path | None = Path(".env")) -> Settings:
    """Returns the settings from `env` (None: this process's environment) and, for what is not there, from `env_file` (None: no
    file).

    An empty value counts as unset. Raises ConfigurationError with every problem, none of which shows a secret.
    """
    in_file = read_env_file(env_file) if env_file is not None else {}
    known, everything = Settings.variables(), {**in_file, **_set(os.environ if env is None else env)}
    given = _set({name: text for name, text in everything.items() if name in known})
    besides = frozenset(_besides(everything))
    hidden = besides | frozenset(_raw_secrets(given))
    problems = []
    try:
        settings = Settings.model_validate(
            {
                **defaults_that_follow(given),
                **given,
                "GIVEN": frozenset(given),
                "WARNINGS": (*_misspelled(in_file, env_file), *_readable(env_file, given)),
                "BESIDES": besides,
            }
        )
    except ValidationError as error:
        faults = {str(fault["loc"][0]): fault for fault in error.errors()}
        problems = [_told(name, faults[name], given, hidden) for name in known if name in faults and name in given]
    redactor = Redactor(hidden, everywhere=True)  # these repeat parts of what was given
    problems += [redactor.text(problem) for problem in (*contradictions(given), *strategy_faults(given))]
    if problems:
        raise ConfigurationError([Redactor(hidden).text(problem) for problem in problems])
    return settings.model_copy(update={"warnings": (*settings.warnings, *doubts(given), *_idle(settings))})


_KEY_FILES = ("BINANCE_PRIVATE_KEY_PATH", "SNOWFLAKE_PRIVATE_KEY_PATH")
_REFUSED = {
    "MAX_ORDER_NOTIONAL": "every entry will be refused",
    "PRICE_SANITY_PCT": "which refuses an entry first",
}


def _idle(settings: Settings) -> Iterator[str]:
    """Yields the settings that contradict each other, each of which is accepted by itself."""
    for higher, bound in risk.contradictions(settings):
        value, most = getattr(settings, higher.lower()), getattr(settings, bound.lower())
        yield f"{higher} {value:f} is above {bound} {most:f}: {_REFUSED[bound]}"


def _set(texts: Mapping[str, str]) -> dict[str, str]:
    # An empty BINANCE_WS_URL has its own meaning: no stream, REST polling only.
    return {name: text for name, text in texts.items() if text.strip() or name == "BINANCE_WS_URL"}


def _told(name: str, fault: Mapping[str, Any], given: Mapping[str, str], hidden: frozenset[str]) -> str:
    """Returns what is wrong with a value, in our own text; a value that contains a secret is shown by its length alone."""
    is_secret = _is_secret(Settings.variables()[name].annotation) or any(one in given[name] for one in hidden if one)
    shown = read.found(given[name], secret=is_secret)
    return f"{name}: found {shown}; accepted: {fault['ctx']['error']}"


def _besides(everything: Mapping[str, str]) -> Iterator[str]:
    """Yields values that must not be shown although no setting is known to contain a secret there."""
    known = Settings.variables()
    for name, text in everything.items():
        if (name in known and not _is_secret(known[name].annotation)) or name.upper().endswith("_PROXY"):
            yield from passwords_in(text)
            yield from lines_of_key(text)
        elif name == "PGPASSWORD":  # asyncpg uses it where the URL has none
            yield text


def _raw_secrets(given: Mapping[str, str]) -> Iterator[str]:
    for name, text in given.items():
        if _is_secret(Settings.variables()[name].annotation):
            yield from parts_of_secret(text.strip())
            yield from passwords_in(text)


def _is_secret(annotation: object) -> bool:
    return annotation is SecretStr or any(map(_is_secret, get_args(annotation)))


def _readable(path: Path | None, given: Mapping[str, str]) -> Iterator[str]:
    """Warns of secret files that others on the machine may read."""
    keys = (read.path_of(given[name]) for name in _KEY_FILES if name in given)
    for each in (path, *keys):
        if each is not None and readable_by_others(each):
            yield f"{each} can be read by others on this machine; take that from them: chmod 600 {each}"


def _misspelled(in_file: Mapping[str, str], path: Path | None) -> Iterator[str]:
    known = Settings.variables()
    for name in in_file:
        near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=_NEAR)
        if name not in known and near:
            yield f"{path}: {name} is not a setting and does nothing; is {near[0]} meant?"
