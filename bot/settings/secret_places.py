"""Places where secrets stand, whatever they are: logins in URLs, settings and parameters by name, headers, private keys,
bot tokens. A secret ends where an HTML tag begins. Pure."""

import re

_REDACTED = "[redacted]"

_NAME = (
    r"(?:pass(?:word|wd|phrase)|pwd|secret|signature|\bsig|token|api[-_]?key|access[-_]?key|private[-_]?key"
    r"|sharedaccesskey|sharedaccesssignature|sasl_plain_password)"
)
"""The ending of a name that a secret follows."""

_QUOTE = r"(?:\\*[\"']|&(?:quot|\#34|\#x27|\#39);)"
_ENTITY = r"&(?:amp|lt|gt|quot|\#\d+|\#x[0-9a-f]+);"
_NOT_YET = r"(?!\\*[\"']?\[redacted\]|None\b|SecretStr\()"

_SCHEME = r"(?:(?:basic|bearer|snowflake)\s+)?+(?:token=)?+"

_HEADER = r"x-(?:mbx-apikey|signature|api-key|auth-token)"
_NAMES = ("pass", "pwd", "secret", "sig", "token", "key")

_PLACES = tuple(
    (hints, re.compile(pattern, re.IGNORECASE))
    for hints, pattern in (
        # scheme://user:password@host, of which the password may contain an unencoded slash
        (("://",), rf"(://[^\s/@:'\"]{{0,256}}:){_NOT_YET}[^\s/@<]{{1,512}}(?:/[^\s@<]{{0,512}})?(?=@)"),
        # 'password': 'x', "token": "x", password='x', token=b"x"
        (_NAMES, rf"({_NAME}{_QUOTE}?\s{{0,8}}[:=]\s{{0,8}}b?)({_QUOTE}){_NOT_YET}(?:(?!\2)(?:\\.|[^\n<]))*+"),
        # password=x, ?token=x, SharedAccessKey=x
        (_NAMES, rf"({_NAME}=){_NOT_YET}(?!{_QUOTE})(?:{_ENTITY}|[^\s&;,)\]}}<>\"'\\])+"),
        # Authorization: Bearer x
        (
            ("authorization",),
            rf"(authorization{_QUOTE}?+\s{{0,8}}+[:=]\s{{0,8}}+{_QUOTE}?+{_SCHEME}){_NOT_YET}(?:\\*[\"'])?[^\s<\"'\\]+",
        ),
        # X-MBX-APIKEY: x
        (("x-",), rf"({_HEADER}{_QUOTE}?\s{{0,8}}[:=]\s{{0,8}}{_QUOTE}?){_NOT_YET}[^\s<\"'\\]+"),
        # SASL PLAIN, as Python writes bytes: \x00user\x00password
        (("\\x00",), rf"(\\x00[^\\\"'\s]{{1,256}}\\x00){_NOT_YET}(?:\\[^\"']|[^\\\"'<\n])+"),
        # -----BEGIN PRIVATE KEY----- and what follows, on lines of its own or escaped into one
        (
            ("private key-----",),
            rf"(-----begin [a-z0-9 ]{{0,32}}private key-----){_NOT_YET}(?:(?!-----)[a-z0-9+/=%:,\s\\-]){{1,16384}}+",
        ),
        # a bot's token, in a path and alone
        (("/bot",), rf"(/bot){_NOT_YET}\d+(?::|%3a)[^/\s\"'<]+"),
        ((":", "%3a"), r"()\b\d{6,20}(?::|%3a)[a-z0-9_-]{30,}"),
    )
)

_HINT = re.compile("|".join(sorted({re.escape(hint) for hints, _ in _PLACES for hint in hints})))

_IS_NAME = re.compile(rf"(?:{_NAME}|authorization|{_HEADER})\Z", re.IGNORECASE)


def names_a_secret(name: str) -> bool:
    """Tells whether a name is that of a secret: `password`, `api_key`, `X-MBX-APIKEY`."""
    return _IS_NAME.search(name) is not None


def without_places(text: str) -> str:
    """Returns `text` without the values in places of secrets."""
    small = text.lower()
    if _HINT.search(small) is None:  # of most values in a log line: a number, a symbol, an id
        return text
    for hints, place in _PLACES:
        if any(hint in small for hint in hints):
            text = place.sub(_replaced, text)
    return text


def _replaced(found: re.Match[str]) -> str:
    quote = found[2] if (found.re.groups > 1 and found[2]) else ""
    return f"{found[1]}{quote}{_REDACTED}"


def in_a_place(written: str) -> str:
    """Returns the pattern of a secret that is an ordinary word, matching it only as a login or a setting of that kind. Its one
    group is the text before it."""
    return rf"({_NAME}{_QUOTE}?\s*[:=]\s*b?{_QUOTE}?|(?<=[^\s/@]):(?={written}@)){written}(?!\w)"
