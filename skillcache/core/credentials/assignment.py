"""Credentials that are known by the name they are given, such as `DB_PASSWORD=...` or `--api-key ...`.

The name must end in a telling word (`token_type` and `password_file` do not), and the value must not be one that source
code, help texts and test reports hold in that place: a placeholder, a type, a variable, a call, a path, a count.
"""

from skillcache.core.credentials import PROGRAMS
from skillcache.core.credentials.judgement import (
    Text,
    compiled,
    is_digest,
    is_dull,
    is_mixed,
    is_place,
    is_random,
    is_word,
)
from skillcache.core.credentials.shapes import is_pair

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterator


PASSWORD, TOKEN, KEY, SHORT, AUTH = "password", "token", "key", "short", "auth"
# What to look for in the lowered text. A SHORT one counts only where nothing but a boundary stands before it, and
# `key` alone is told from `api_key` by what does.
_NAMES = {
    b"password": PASSWORD,
    b"passwd": PASSWORD,
    b"passphrase": PASSWORD,
    b"passcode": PASSWORD,
    b"pwd": PASSWORD,
    b"pass": SHORT,
    b"pw": SHORT,
    b"secret": TOKEN,
    b"token": TOKEN,
    b"credential": TOKEN,
    b"credentials": TOKEN,
    b"creds": TOKEN,
    b"cookie": TOKEN,
    b"auth": AUTH,
    b"key": KEY,
    b"pat": KEY,
}
# As a tail may begin: a look at it is quick.
_GOES_ON = frozenset(bytes([byte]) for byte in b"-_0123456789 \t\"'`])=:|,;\n")
_KEYS_OF_WORTH = tuple(
    b"api access auth private signing encryption account master service client deploy license storage app session"
    b" secret".split()
)
_RUN_TOGETHER = tuple(
    b"storepass keypass sshpass dbpass userpass rootpass adminpass smtppass mailpass ftppass requirepass".split()
)
_MANY = 2_000
_NAME_REACH = 64
# From the name to its value, in the lowered text; of a long one as much as is judged. Wide: columns, or cells.
_TAIL = (
    rb"(?:(?:\d{1,3}|[_-](?:\d{1,3}|prod|production|dev|staging|live|test|value|raw|b64|base64|data))\b)?"
    rb"(?:(?P<joint>[ ]{0,24}+[\"'`]?[\])]?[ \t]{0,24}+(?:={1,3}|:=|=>|:(?!:)|,(?=[ \t]{0,8}[\"'])"
    rb"|[,;]?\s{0,40}+[\"']?(?<![a-z_-])value[ ]{0,3}[\"']?[ \t]{0,4}[:=]|(?<= )is:?(?= ))[ \t]{0,24}+)"
    rb"|(?P<blank>[ \t]{1,3})|(?P<wide>[ \t]{4,60}+|[ \t]{0,60}+\|[ \t]{1,4}))"
    rb"(?=(?:[bfru]{0,2}[ ]{0,8}(?P<quote>[\"'`])(?P<quoted>[^\"'`\r\n]{LEAST,256})"
    rb"|(?P<bare>[^\s\"'`,;&<>)\]}|]{LEAST,256})))"
)
_LEAST = {PASSWORD: b"3", SHORT: b"3", TOKEN: b"8", KEY: b"8", AUTH: b"8"}  # characters of a value
_TAILS = {kind: _TAIL.replace(b"LEAST", least) for kind, least in _LEAST.items()}
_QUOTED_END = rb"[^\"'`\r\n]*"
_BARE_END = rb"[^\s\"'`,;&<>)\]}]*"
_EXPRESSION = rb"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+[;:]?\Z|[\w.]*\w\(|[\w.]+\["


def spans(text: Text) -> "Iterator[tuple[int, int, str]]":
    """Start, end and kind of every assignment to a telling name whose value looks like a credential."""
    lowered = text.seen.lower()
    for name, kind in _NAMES.items():
        done, size = 0, len(name)
        for start, tail in _tails_behind(name, kind, lowered):
            if start >= done and (found := _judge(text, (start, start + size), tail, kind)):
                done = found[1]
                yield found


def _tails_behind(name: bytes, kind: str, lowered: bytes) -> "Iterator[tuple[int, re.Match[bytes]]]":
    """Wherever the name has a value: where it begins, and what stands from its end to the value."""
    if lowered.count(name) > _MANY:  # one more expression is made sooner than so many are asked one by one
        for match in compiled(name + _TAILS[kind]).finditer(lowered):
            yield match.start(), match
        return
    start = lowered.find(name)
    while start >= 0:
        end = start + len(name)
        # One that no tail can follow is by far the most frequent, as in `passed` and `keys`.
        if lowered[end : end + 1] in _GOES_ON and (tail := _tail(kind).match(lowered, end)):
            yield start, tail
        start = lowered.find(name, end)


def patterns() -> "list[re.Pattern[bytes]]":
    return [compiled(pattern) for pattern in (_QUOTED_END, _BARE_END, _EXPRESSION)]


def tails() -> "list[re.Pattern[bytes]]":
    return [_tail(kind) for kind in (PASSWORD, TOKEN)]


def _tail(kind: str) -> "re.Pattern[bytes]":
    return compiled(_TAILS[kind])


def _judge(text: Text, word: tuple[int, int], match: "re.Match[bytes]", kind: str) -> tuple[int, int, str] | None:
    quoted = match["quoted"] is not None
    start, end = match.span("quoted" if quoted else "bare")
    value = text.data[start:end].strip().removesuffix(b"\\")
    if is_dull(value) or (kind in (TOKEN, KEY) and not _may_be_token(value)):
        return None
    name = _name(text.seen, *word)
    joint = (match["joint"] or b"").strip(b"\"'`]) \t")
    tight = match["joint"] == b"=" or match["blank"] is not None
    kind = _kind_of(name, kind, value, plain=quoted or tight)
    if not kind or not _is_joined(text, match, name, kind, value):
        return None
    if joint.startswith(b"is") and not is_mixed(value):
        return None  # prose
    if joint.endswith(b",") and (name == b"pass" or (is_word(value) and not name.isupper())):
        return None  # a list of words
    if not _is_secret(kind, name, value, quoted=quoted, tight=tight):
        return None
    stop = compiled(_QUOTED_END if quoted else _BARE_END).match(text.seen, end)
    return start, stop.end() if stop else end, f"{kind}-assignment"


def _name(seen: bytes, start: int, end: int) -> bytes:
    before = seen[max(0, start - _NAME_REACH) : start]
    size = len(before)
    while size and (before[size - 1 : size].isalnum() or before[size - 1] in b"_-."):
        size -= 1
    return before[size:] + seen[start:end]


def _kind_of(name: bytes, kind: str, value: bytes, *, plain: bool) -> str:
    """What the name makes of the kind, '' for nothing. `plain`: the value is quoted or right behind a `=`."""
    lowered = name.lower()
    if kind == KEY:
        if lowered.endswith(b"pat"):
            return KEY if lowered[:-3].endswith((b"_", b"-")) or lowered == b"pat" else ""
        return TOKEN if lowered[:-3].rstrip(b"-_").endswith(_KEYS_OF_WORTH) else KEY
    if kind == AUTH:
        return TOKEN if lowered != b"auth" else AUTH if is_pair(value) else ""
    if kind != SHORT:
        return kind
    size = 4 if lowered.endswith(b"pass") else 2
    before = name[-size - 1 : -size]
    if (
        before.isalpha()
        and not (before.islower() and name[-size : -size + 1].isupper())
        and not lowered.endswith(_RUN_TOGETHER)
    ):
        return ""  # compass=, bypass=
    if len(name) == size and (value.isdigit() or not (plain or (name.islower() and is_mixed(value)))):
        return ""  # "--- PASS: TestA", "pass: 12"
    return PASSWORD


def _is_joined(text: Text, match: "re.Match[bytes]", name: bytes, kind: str, value: bytes) -> bool:
    """Whether what stands between the name and the value makes it one: "password hunter2" is prose."""
    blank = match["blank"]
    if match["joint"] is not None or (blank is not None and (name.startswith(b"--") or name == b"requirepass")):
        return True
    if match["quote"] == b"'" and kind == PASSWORD and blank is not None and name != b"pass":
        return not is_word(value)  # as SQL has it
    if not is_mixed(value):
        return False
    return (len(blank or b"  ") > 1 and _ends_row(text.seen, match.end("bare"))) or (kind == TOKEN and len(value) >= 20)


def _ends_row(seen: bytes, end: int) -> bool:
    rest = seen[end : end + 64].lstrip(b" \t\r")
    return not rest or rest[:1] in (b"\n", b"|")


def _is_secret(kind: str, name: bytes, value: bytes, *, quoted: bool, tight: bool) -> bool:
    if value.lower() == name.lower() or is_place(value) or value.startswith(b"[redacted:"):
        return False
    if not quoted and compiled(_EXPRESSION).match(value):
        return False
    if kind == PASSWORD:
        if not quoted and is_word(value):  # a variable or a word, unless this is how an environment is set
            return tight and name == name.upper()
        return len(value) >= (3 if tight else 4)
    if b" " in value:
        return False
    if b"|" in value and is_word(value.partition(b"|")[0]):
        return False  # what a form asks for: required|max:255
    if kind == KEY:
        return is_random(value, 20) and not is_digest(value)
    return kind == AUTH or _may_be_token(value)


def _may_be_token(value: bytes) -> bool:
    return is_random(value, 8) or (len(value) >= 24 and not is_word(value))


_KIND = "command-password"


def spans_of_words(text: Text) -> "Iterator[tuple[int, int, str]]":
    """Start, end and kind of every password in the text."""
    for programs, options in PROGRAMS:
        for program in programs.split():
            if program.encode() in text.words:
                yield from _found(_search(program, options), text.seen)


def patterns_of_words() -> "list[re.Pattern[bytes]]":
    return [_search(programs.split()[0], options) for programs, options in PROGRAMS]


def _search(program: str, options: str) -> "re.Pattern[bytes]":
    reach = 60 if options.startswith("login") else 120
    return compiled(rf"{program}(?<![\w-]{program})\s[^\n;|]{{0,{reach}}}?(?<=\s){options}".encode())


def _found(pattern: "re.Pattern[bytes]", seen: bytes) -> "Iterator[tuple[int, int, str]]":
    for match in pattern.finditer(seen):
        group = match.lastgroup or 0
        value = match[group]
        if len(value) > 1 and not is_dull(value) and not (is_word(value) and value.isupper()):
            yield *match.span(group), _KIND
