"""The program's texts, by language and time zone. Pure; every value put into a sentence is escaped, so nothing foreign becomes
HTML."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache
from html import escape
from importlib import import_module
from types import MappingProxyType
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime

from bot.texts.figures import Figure, grouped, in_language
from core.domain.duration import ENGLISH, in_units
from core.domain.reasons import SENTENCES, Reason
from core.domain.record_reasons import RECORD_SENTENCES

LANGUAGES = ("en", "ru")
_DAY = {"en": "dd MMM", "ru": "dd.MM"}
_FULL = {"en": "dd MMM yyyy HH:mm", "ru": "dd.MM.yyyy HH:mm"}
_DURATION = {"en": ENGLISH, "ru": ("д", "ч", "мин", "с")}
_FORMS = {"en": ("one", "other"), "ru": ("one", "few", "many", "other")}
_AMOUNTS = frozenset(
    {"value", "limit", "minimum", "maximum", "result", "close", "price", "qty", "free", "moved", "band"}
)  # parameters of reasons that are numbers, kept in plain digits
_LEVELS = frozenset({"found", "market", "pct"})  # numbers too, but where a record is quoted as its sender wrote it
_FOREIGN_SHOWN = 64  # characters of a name or a text from outside


class Html(str):
    """Text that is HTML already and goes into a sentence as it is."""

    __slots__ = ()


class _Shown(str):
    """Formats a parameter in a sentence. `{age:duration}` is a number of seconds, shown as a length of time. With forms it
    is a count and its noun, `{count:trade|trades}`: the forms that the language's plural rule names, in the order of _FORMS.
    `plain` is the same number without the marks of a language."""

    __slots__ = ("_language", "_plain")
    _language: str
    _plain: str

    def __new__(cls, text: str, language: str, plain: str = "") -> "_Shown":
        shown = super().__new__(cls, text)
        shown._language, shown._plain = language, plain or text
        return shown

    def __format__(self, forms: str) -> str:
        if not forms:
            return str(self)
        if forms == "duration":
            return in_language(in_units(self._plain, _DURATION[self._language]), self._language)
        nouns = forms.split("|")
        if not self._plain.isdecimal():
            return f"{self} {nouns[-1]}"
        form = Locale(self._language).plural_form(int(self._plain))
        return f"{self} {nouns[min(_FORMS[self._language].index(form), len(nouns) - 1)]}"


class _Escaped(dict[str, _Shown]):
    """Fills a sentence; a parameter that an older ledger row does not have becomes a question mark, not an error."""

    def __missing__(self, key: str) -> _Shown:
        return _Shown("?", LANGUAGES[0])


@dataclass(frozen=True, slots=True)
class Texts:
    """Holds one language: `catalogue` is HTML by key, `sentences` plain text by the codes of `core.domain.reasons`. Shows times
    in `zone`."""

    language: str
    catalogue: Mapping[str, str]
    sentences: Mapping[str, str]
    zone: tzinfo = UTC

    def __call__(self, key: str, **params: object) -> Html:
        """Returns the sentence `key`, its parameters escaped. Raises KeyError for a key that no catalogue has: a bug."""
        return Html(self.catalogue[key].format_map(self._escaped(params)))

    def has(self, key: str) -> bool:
        return key in self.catalogue

    def reason(self, reason: Reason) -> Html:
        """Returns the sentence of a refusal in this language; its code if there is none."""
        sentence = self.sentences.get(reason.code)
        if sentence is None:
            return Html(escape(reason.code))
        amounts = _AMOUNTS if reason.code in RECORD_SENTENCES else _AMOUNTS | _LEVELS
        shown = {name: grouped(value) if name in amounts else value for name, value in reason.params.items()}
        shown |= {name: self._stored_moment(value) for name, value in shown.items() if name == "at"}
        return Html(escape(sentence, quote=False).format_map(self._escaped(shown)))

    def _stored_moment(self, text: str) -> str:
        """Returns a time stored in a reason as the reader sees times; any other text as it is."""
        try:
            at = datetime.fromisoformat(text.replace(" UTC", "+00:00"))
        except ValueError:
            return text
        return self.full_moment(at) if at.tzinfo is not None else text

    def _escaped(self, params: Mapping[str, object]) -> _Escaped:
        return _Escaped({name: _Shown(self._text(value), self.language, _plain(value)) for name, value in params.items()})

    def _text(self, value: object) -> str:
        if isinstance(value, Html):
            return value
        return self.figure(value) if isinstance(value, Figure) else escape(str(value), quote=False)

    def figure(self, figure: str) -> str:
        """Returns a number with the marks of this language, as wide as it was."""
        return in_language(figure, self.language)

    def duration(self, length: timedelta) -> str:
        """Returns a length of time in whole seconds, in its two largest units: 4 d 2 h, 1 min 30 s."""
        return self.length(max(int(length.total_seconds()), 0))

    def length(self, seconds: object) -> str:
        """Returns a number of seconds in the same way; below a minute with its decimals."""
        return in_language(in_units(str(seconds), _DURATION[self.language]), self.language)

    def time(self, at: datetime) -> str:
        """Returns the time of day, for events of the same day: 14:02."""
        return at.astimezone(self.zone).strftime("%H:%M")

    def exact_time(self, at: datetime) -> str:
        """Returns the time of day with its seconds and zone: 14:02:11 UTC."""
        local = at.astimezone(self.zone)
        return f"{local:%H:%M:%S} {_zone_name(local)}"

    def with_zone(self, title: Html, at: datetime) -> Html:
        """Returns the title of a list whose lines show times without their zone."""
        return self("list.zone", title=title, zone=_zone_name(at.astimezone(self.zone)))

    def milliseconds(self, at: datetime) -> str:
        """Returns the time of day to the millisecond: 14:02:11.042."""
        local = at.astimezone(self.zone)
        return f"{local:%H:%M:%S}.{local.microsecond // 1000:03}"

    def moment(self, at: datetime) -> str:
        """Returns day and time, for lists: 01 Mar 14:02; in Russian 01.03 14:02."""
        local = at.astimezone(self.zone)
        return f"{self.day(local)} {local:%H:%M}"

    def day(self, day: date) -> str:
        """Returns a day of this year: 01 Mar; in Russian 01.03."""
        return format_date(day, _DAY[self.language], locale=self.language)

    def full_day(self, day: date) -> str:
        """Returns a day of any year: 01 Mar 2026; in Russian 01.03.2026."""
        return format_date(day, _FULL[self.language].removesuffix(" HH:mm"), locale=self.language)

    def zoned_day(self, at: datetime) -> str:
        """Returns the day, the year and the zone of the times that follow: 01 Mar 2026, UTC; in Russian 01.03.2026, UTC."""
        local = at.astimezone(self.zone)
        return f"{self.full_day(local)}, {_zone_name(local)}"

    def full_moment(self, at: datetime) -> str:
        """Returns day and time with year and zone: 01 Mar 2026 14:02 UTC; in Russian 01.03.2026 14:02 UTC."""
        local = at.astimezone(self.zone)
        return f"{format_datetime(local, _FULL[self.language], locale=self.language)} {_zone_name(local)}"


def _plain(value: object) -> str:
    return value.replace(",", "") if isinstance(value, Figure) else ""


def _zone_name(local: datetime) -> str:
    """Returns the zone's usual letters; where it has none, its offset from UTC: UTC, CET, UTC+05."""
    name = local.tzname() or ""
    return name if name.isalpha() else f"UTC{name}"


@cache
def texts(language: str, zone: str = "UTC") -> Texts:
    """Returns the catalogue of `language`, one of LANGUAGES, with times in `zone` (IANA's name). Raises ValueError for another
    language, ZoneInfoNotFoundError for another zone."""
    if language not in LANGUAGES:
        raise ValueError(f"no texts in {language!r}")
    module = import_module(f"bot.texts.{language}")
    sentences: Mapping[str, str] = SENTENCES if language == "en" else module.SENTENCES
    return Texts(language, MappingProxyType(module.CATALOGUE), sentences, UTC if zone == "UTC" else ZoneInfo(zone))


def short(text: str, limit: int = _FOREIGN_SHOWN) -> str:
    """Returns `text` on one line and not longer than `limit` characters: for names and texts from outside."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"
