"""Credentials that are known by the name they are given: `DB_PASSWORD=...`, `"token": "..."`, `--api-key ...`.

The name must end in a telling word (`token_type` and `password_file` do not), and the value must not be one that source
code, help texts and test reports hold in that place: a placeholder, a type, a variable, a call, a path, a count.
"""

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD, TOKEN, KEY = "password", "token", "key"
# What to look for in the lowered text; `key` alone is told from `api_key` by what stands before it.
_WORDS = (
    *((word, PASSWORD) for word in (b"password", b"passwd", b"passphrase", b"passcode", b"pwd", b"pass=")),
    *((word, TOKEN) for word in (b"secret", b"token", b"credential", b"credentials", b"cookie", b"_auth=")),
    (b"key", KEY),
)
_KEYS_OF_WORTH = tuple(
    b"api access auth private signing encryption account master service client deploy license storage app session"
    b" secret".split()
)
_NAME_REACH = 64
_VALUE_REACH = 512  # what is judged of a value; a longer one is redacted to its end
_TAIL = re.compile(
    rb"(?:[_-]?(?:\d{1,3}|prod|production|dev|staging|live|test|value|raw|b64|base64"
    rb"|PROD|PRODUCTION|DEV|STAGING|LIVE|TEST|VALUE|RAW|B64|BASE64)\b)?"
    rb"(?P<joint>\\?[\"'`]?\]?[ \t]{0,8}(?:={1,3}|:=|=>|:(?!:)|,(?=[ \t]?[\"']))[ \t]{0,8}|[ \t]{1,3})"
    rb"(?:[bfru]{0,2}\\?[\"'`](?P<quoted>[^\"'`\r\n]{1,512})|(?P<bare>[^\s\"'`,;&<>)\]}]{1,512}))"
)
_QUOTED_END = re.compile(rb"[^\"'`\r\n]*")
_BARE_END = re.compile(rb"[^\s\"'`,;&<>)\]}]*")
_WORD = re.compile(rb"[A-Za-z_]+\Z")
_ESCAPES = (b"b", b"f", b"n", b"r", b"t", b"v")  # behind a backslash, such as the \n at which JSON begins a line
_EXPRESSION = re.compile(rb"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+[;:]?\Z|[\w.]*\w\(|[\w.]+\[")
_MASK = re.compile(
    rb"(?:[*.xX#?_-]|\xe2\x80\xa2)+\Z|[$<{\[%(]|\\[nt]?.{0,2}\Z|!!|(?i:your|my|some)[-_ ]?(?i:[a-z]+[-_ ]?)+\Z"
)
_DULL = frozenset(
    b"none null nil true false undefined string str int bool boolean bytes object any text required optional invalid"
    b" missing password passwd secret token key apikey api_key changed unchanged default empty unset expired incorrect"
    b" wrong passed failed string; str, -> = == + | & ...".split()
)


def spans(data: bytes) -> "Iterator[tuple[int, int, str]]":
    """Start, end and name of every assignment to a telling name whose value looks like a credential."""
    lowered = data.lower()
    for word, kind in _WORDS:
        at = lowered.find(word)
        while at >= 0:
            end = at + len(word.rstrip(b"="))
            found = _judge(data, at, end, kind)
            if found is not None:
                yield found
                end = found[1]
            at = lowered.find(word, end)


def _judge(data: bytes, start: int, end: int, kind: str) -> tuple[int, int, str] | None:
    tail = _TAIL.match(data, end)
    if tail is None:
        return None
    name = _name(data, start, end)
    if end - start == 4 and name[-5:-4].isalpha():
        return None  # compass=, bypass=
    if kind == KEY and name[:-3].rstrip(b"-_").lower().endswith(_KEYS_OF_WORTH):
        kind = TOKEN
    blank = not tail["joint"].strip(b" \t")
    if blank and not name.startswith(b"--"):
        return None  # "password hunter2" is prose, "--password hunter2" is not
    quoted = tail["quoted"] is not None
    value = tail["quoted"] if quoted else tail["bare"]
    if not _is_secret(kind, name, value, quoted=quoted, tight=blank or tail["joint"] == b"="):
        return None
    stop = (_QUOTED_END if quoted else _BARE_END).match(data, tail.end())
    return tail.start("quoted" if quoted else "bare"), stop.end() if stop else tail.end(), f"{kind}-assignment"


def _name(data: bytes, start: int, end: int) -> bytes:
    before = data[max(0, start - _NAME_REACH) : start]
    size = len(before)
    while size and (before[size - 1 : size].isalnum() or before[size - 1] in b"_-."):
        size -= 1
    if before[:size].endswith(b"\\") and before[size : size + 1] in _ESCAPES:
        size += 1
    return before[size:] + data[start:end]


def _is_secret(kind: str, name: bytes, value: bytes, *, quoted: bool, tight: bool) -> bool:
    value = value.strip().removesuffix(b"\\")
    if value.lower() in _DULL or value.lower() == name.lower() or _MASK.match(value) or _is_place(value):
        return False
    if not quoted and _EXPRESSION.match(value):
        return False
    if kind == PASSWORD:
        if not quoted and _WORD.match(value):  # a variable or a word, unless this is how an environment is set
            return tight and name == name.upper()
        return len(value) >= (3 if tight else 4)
    if b" " in value:
        return False
    if kind == KEY:
        return _is_random(value, 20) and not _is_hex(value)
    return _is_random(value, 8) or (len(value) >= 24 and not _WORD.match(value))


def _is_place(value: bytes) -> bool:
    if value.startswith((b"http://", b"https://", b"file:", b"./", b"../", b"~/")) or value[1:3] in {b":\\", b":/"}:
        return True
    return value.startswith(b"/") and all(len(part) < 25 for part in value.split(b"/"))


def _is_random(value: bytes, length: int) -> bool:
    """Long enough, and letters mixed with digits or, where there are none, letters of both cases and twice as long."""
    if len(value) < length or value.isdigit():
        return len(value) >= 2 * length
    digits = sum(byte in b"0123456789" for byte in value)
    if digits >= 2:
        return True
    return len(value) >= 2 * length and value != value.upper() and value != value.lower() and not _is_camel(value)


def _is_camel(value: bytes) -> bool:
    """Whether the letters are words joined by capitals, dots, dashes or underscores, as an identifier's are."""
    runs = re.findall(rb"[A-Z]?[a-z]+", value)
    return bool(runs) and sum(map(len, runs)) / len(runs) >= 4


def _is_hex(value: bytes) -> bool:
    return all(byte in b"0123456789abcdefABCDEF-" for byte in value)
