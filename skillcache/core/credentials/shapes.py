# ruff: noqa: E501 - a row of the table is read as one line
r"""Credentials that are known by their form, wherever they stand.

A row is (kind, hints, pattern): without one of the hints in the text the pattern is not even compiled. A hint is a text
or, as words are quicker to look up: `=` a word, `^` what a long word begins with, `~` what stands in one, `#` how many
characters some word has at the least. A group named `secret` marks what is redacted; without it the whole match is. Patterns begin with plain characters where they can, as
a search for these is quick; what must stand before is then looked at behind them, or found by going back over the word
(kinds of _WORDS). None takes more steps at one place than a few hundred.
"""

from skillcache.core.credentials.judgement import is_camel, is_dull, is_word
from skillcache.core.credentials.legible import Text
from skillcache.core.credentials.patterns import compiled

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    Span = tuple[int, int, str]

_W = r"[A-Za-z0-9_-]"
_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_MASKS = (b"*", b"$", b"{", b"<", b"[", b"%", b"...", b"xxx", b"XXX", "•".encode())
_SCHEME = (
    r"[\"' ]{0,6}\s{0,3}[:=]\s{0,3}[\"' ]{0,6}"
    r"(?:(?i:bearer|basic|token|digest|negotiate|apikey|key)[\s:]{1,3}|(?=[A-Za-z._~+/=:-]{0,64}\d))"
    r"(?!(?i:bearer|basic|token|digest|negotiate|apikey|none|null|true|false|required|header)\b)"
)
_VALUE = r"(?P<secret>[A-Za-z0-9._~+/=:-]{8,8192})"
_BEARER = r"(?<![A-Za-z0-9_].{7})(?P<secret>(?=[A-Za-z._~+/=-]{0,64}\d)[A-Za-z0-9._~+/=-]{16,8192})"
_BASIC = r"(?P<secret>[A-Za-z0-9+/]{10,1024}={0,2})(?![A-Za-z0-9+/=])"

_ROWS: tuple[tuple[str, tuple[bytes, ...], str], ...] = (
    (
        "private-key",
        (b"PRIVATE KEY",),
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?s:.*?)(?:-----END [A-Z0-9 ]{0,40}KEY(?: BLOCK)?-----|\Z)",
    ),
    ("private-key", (b"^PuTTY-User-Key-File",), r"PuTTY-User-Key-File-\d(?s:.*?)(?:Private-MAC: ?[0-9a-f]*|\Z)"),
    ("private-key", (b"^AGE-SECRET-KEY-",), r"AGE-SECRET-KEY-1[A-Z0-9]{20,80}"),
    # A private key's first bytes: a number, which a certificate or a public key does not begin with.
    ("private-key", (b"^MII",), r"MII(?<![A-Za-z0-9+/]MII)[A-Za-z0-9+/]{2}[AQgw]IBA[ADIz][A-Za-z0-9+/=]{16,}"),
    (
        "private-key",
        (b"^MHcCAQEE", b"^MHQCAQEE", b"^MIGkAgEBBD", b"^MIHcAgEB", b"^MIGHAgEAM", b"^MIG2AgEAM", b"^MIHuAgEAM", b"^MC4CAQAwBQYDK2V", b"^MFECAQEwBQYDK2V", b"^b3BlbnNzaC1rZXktdjE"),
        r"(?:MH[cQ]CAQEE|MIGkAgEBBD|MIHcAgEB|MI(?:GH|G2|Hu)AgEAM|MC4CAQAwBQYDK2V|MFECAQEwBQYDK2V|b3BlbnNzaC1rZXktdjE)[A-Za-z0-9+/=]{16,}",
    ),
    # The same once more in base64, as Kubernetes has it: not of a certificate, a public key or a request.
    ("private-key", (b"^LS0tLS1CRUdJTi",), r"LS0tLS1CRUdJTi(?!BDRVJ|BQVUJM|BORVcg|BUUlVT|BYNTA5)[A-Za-z0-9+/=]{20,}"),
    ("jwt", (b"^eyJ",), rf"eyJ(?<![A-Za-z0-9_]eyJ){_W}{{8,4096}}\.eyJ{_W}{{8,65536}}\.{_W}{{0,4096}}"),
    ("slack-webhook", (b"=hooks",), r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{20,255}"),
    ("discord-webhook", (b"=webhooks",), r"/api/webhooks/\d{10,25}/[A-Za-z0-9_-]{40,255}"),
    ("office-webhook", (b"=webhookb2",), r"\.webhook\.office\.com/webhookb2/[\w@/-]{60,512}"),
    ("automation-webhook", (b"=hooks",), r"hooks\.zapier\.com/hooks/catch/\d{3,12}/\w{5,64}"),
    ("azure-key", (b"=AccountKey", b"=SharedAccessKey"), r"(?:AccountKey|SharedAccessKey)=(?P<secret>[A-Za-z0-9+/=]{20,255})"),
    ("azure-key", (b"+ASt", b"~AzCa", b"~AzSe", b"~ACDb", b"~AzFu", b"~AIoT", b"+AMC", b"+ABa"), r"(?:\+ASt|AzCa|AzSe|ACDb|AzFu|AIoT|\+AMC|\+ABa)(?<=[A-Za-z0-9+/]{40})[A-Za-z0-9+/]{5,8}={0,2}(?![A-Za-z0-9+/=])"),
    ("azure-token", (b"Q~",), r"Q~(?<=[\w~.]{3}\dQ~)[\w~.-]{31,34}(?![\w~.-])"),
    ("azure-token", (b"~AZDO",), r"AZDO(?<=JQQJ99[A-Za-z0-9]{22}AZDO)[A-Za-z0-9]{4}"),
    ("azure-signature", (b"=sig",), r"sig=(?<=[?&;]sig=)(?P<secret>[A-Za-z0-9%+/=_-]{30,255})"),
    ("signed-url", (b"=X-Amz-Signature", b"=X-Goog-Signature"), r"X-(?:Amz|Goog)-Signature=(?P<secret>[0-9a-fA-F]{40,1024})"),
    ("mailchimp-key", (b"~-us",), r"-us(?<=(?<![A-Za-z0-9])[0-9a-f]{32}-us)\d{1,2}(?![A-Za-z0-9])"),
    ("telegram-token", (b":AA",), rf":AA(?<=\d{{8}}:AA){_W}{{32,34}}(?!{_W})"),
    ("discord-token", (b"#27",), rf"\.(?<={_W}{{23}}\.){_W}{{6,7}}\.{_W}{{27,40}}(?!{_W})"),
    ("terraform-token", (b"=atlasv1",), rf"\.atlasv1\.(?<=[A-Za-z0-9]{{10}}\.atlasv1\.){_W}{{40,255}}"),
    ("maxmind-key", (b"~_mmk",), r"_mmk(?<=[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk)(?![A-Za-z0-9])"),
    ("newrelic-key", (b"~NRAL",), r"NRAL(?<=(?<![A-Za-z0-9])[0-9a-f]{36}NRAL)(?![A-Za-z0-9])"),
    ("deepl-key", (b":fx",), r":fx(?<=-[0-9a-f]{12}:fx)(?![A-Za-z0-9])"),
    ("mapbox-token", (b"=sk", b"=tk"), rf"[st]k\.eyJ(?<![A-Za-z0-9]..\.eyJ){_W}{{40,2048}}\.{_W}{{20,64}}"),
    ("resend-key", (b"^re_",), r"re_(?<![A-Za-z0-9_]re_)[A-Za-z0-9]{8}_[A-Za-z0-9]{20,64}"),
    ("harness-token", (b"=pat", b"=sat"), rf"[ps]at\.(?<![A-Za-z0-9_]...\.){_W}{{22}}\.[A-Za-z0-9]{{20,24}}\.[A-Za-z0-9]{{20}}"),
    ("airtable-token", (b"^pat",), r"pat(?<![A-Za-z0-9]pat)[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    ("twitter-token", (b"^AAAAAAAAAAAAAAAAAAAAA",), r"A{21}(?<![A-Za-z0-9+/=]A{21})[A-Za-z0-9%]{80,120}(?![A-Za-z0-9+/=])"),
    ("facebook-token", (b"#27",), rf"\|(?<=(?<!\d)\d{{15}}\|){_W}{{27,40}}(?!{_W})"),
    ("asana-token", (b"#32",), r":(?<=/\d{16}:)[0-9a-f]{32}(?![0-9a-f])"),
    ("password-hash", (b"$",), r"\$(?:2[abxy]|[1567y]|argon2(?:id?|d)|scrypt|pbkdf2-sha\d{3})\$[./A-Za-z0-9,=$+-]{22,512}"),
    ("url-password", (b"://",), r"://[^\s/@:'\"<>\\\[]{0,64}:(?!\d{1,5}(?:[/?#]|$)|/)(?P<secret>[^\s'\"<>\\]{1,256})@[A-Za-z0-9\[]"),
    ("url-password", (b"=oracle",), r"jdbc:oracle:[a-z]{3,5}:[^\s/@]{1,64}/(?P<secret>[^\s@]{1,128})@"),
    ("url-token", (b"://",), r"://(?P<secret>(?=[A-Za-z0-9_-]{0,255}\d)[A-Za-z0-9_-]{20,255})@[A-Za-z0-9]"),
    ("authorization", (b"~uthorization",), f"uthorization{_SCHEME}{_VALUE}"),
    ("authorization", (b"~UTHORIZATION",), f"UTHORIZATION{_SCHEME}{_VALUE}"),
    ("bearer-token", (b"=Bearer", b"=bearer"), f"earer {_BEARER}"),
    ("bearer-token", (b"=BEARER",), f"EARER {_BEARER}"),
    ("basic-auth", (b"=Basic", b"=basic"), f"asic {_BASIC}"),
    ("basic-auth", (b"=BASIC",), f"ASIC {_BASIC}"),
    (
        "netrc-password",
        (b"=machine",),
        r"machine\s{1,4}\S{1,255}\s{1,40}(?:(?:login|account)\s{1,4}\S{1,255}\s{1,40}){0,2}password\s{1,4}(?P<secret>[^\s\"]{1,255})",
    ),
    ("login-password", (b"=login",), r"login[ \t]{1,4}\S{1,128}\s{1,8}password[ \t]{1,4}(?P<secret>[^\s.,;:\"'<]{3,255})(?=[\s\"'<]|\Z)"),
    (
        "pgpass-password",
        (b":1", b":2", b":3", b":4", b":5", b":6", b":*"),
        r":(?:54\d\d|6432|6543|26257|[1-6]\d{4}|\*):[^\s:/]{1,64}:[^\s:/]{1,64}:(?P<secret>[^\s:]{1,128})(?=[ \t\r]{0,4}(?:\n|\Z))",
    ),
    ("xml-password", (b"</",), r">(?P<secret>[^<>\s]{3,256})</[\w.:-]{0,40}(?i:password|passphrase|secret|token)>"),
)  # fmt: skip
# What begins somewhere before the match, in the same word.
_WORDS = frozenset(["mailchimp-key", "discord-token", "terraform-token", "maxmind-key", "newrelic-key", "deepl-key"])
_REACH = 64
_LINE = rb"[ \t]{0,40}(?P<line>[A-Za-z0-9+/]{40}(?:[A-Za-z0-9+/]{24}(?:[A-Za-z0-9+/]{6})?)?)[ \t\r]{0,4}(?=\n|\Z)"
_LENGTHS = (40, 64, 70)  # of what stands in such a line
_ALONE = rb"(?<![A-Za-z0-9/+=_.-])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=_.-])"
_AWS = (b"=aws", b"=AWS", b"^aws_", b"^AWS_", b"^AKIA", b"^ASIA", b"~ecretAccessKey")


def spans(text: Text) -> "Iterator[Span]":
    """Start, end and kind of everything in the table that the text shows, row by row."""
    seen = text.seen
    for kind, hints, pattern in _ROWS:
        if any(_has(text, hint) for hint in hints):
            for match in compiled(pattern.encode()).finditer(seen):
                start, end = match.span("secret" if "secret" in match.re.groupindex else 0)
                if kind in _WORDS:
                    start = _begin(seen, start)
                if (kind == "password-hash" or not seen.startswith(_MASKS, start)) and _CHECKS.get(kind, _any)(
                    seen, start, end
                ):
                    yield start, end, kind
    yield from _lines(seen)
    if any(_has(text, hint) for hint in _AWS):
        for match in compiled(_ALONE).finditer(seen):
            if _is_drawn(match[0]) and not _goes_on(seen, match.start()):
                yield *match.span(), "aws-secret-key"


def _has(text: Text, hint: bytes) -> bool:
    kind, rest = hint[:1], hint[1:]
    if kind == b"=":
        return rest in text.words
    if kind == b"^":
        return text.has_beginning(rest)
    if kind == b"#":
        return text.longest >= int(rest)
    return rest in text.long if kind == b"~" else hint in text.seen


def patterns() -> "list[re.Pattern[bytes]]":
    return [compiled(pattern.encode()) for _kind, _hints, pattern in _ROWS] + [compiled(_LINE), compiled(_ALONE)]


def _begin(seen: bytes, at: int) -> int:
    low = max(0, at - _REACH)
    while at > low and seen[at - 1] in _WORD:
        at -= 1
    return at


def _any(_seen: bytes, _start: int, _end: int) -> bool:
    return True


def _is_password(seen: bytes, start: int, end: int) -> bool:
    return not is_dull(seen[start:end])


def _is_url_password(seen: bytes, start: int, end: int) -> bool:
    first, found, _rest = seen[start:end].partition(b"/")
    return not (found and is_word(first) and first.isupper())  # host:PORT/path@x


def _is_loose_password(seen: bytes, start: int, end: int) -> bool:
    return not is_word(seen[start:end]) and not is_dull(seen[start:end])


def _is_pgpass(seen: bytes, start: int, end: int) -> bool:
    """Whether the line begins with a host: no path, and nothing else."""
    at = seen.rfind(b"\n", max(0, start - 400), start) + 1
    host = seen[at:start].lstrip(b" \t").partition(b":")[0]
    return (
        bool(host)
        and not host.translate(None, bytes(_WORD) + b".*")
        and seen[at:start].count(b":") == 4
        and _is_password(seen, start, end)
    )


def _is_discord(seen: bytes, start: int, end: int) -> bool:
    return seen[start : start + 1] in (b"M", b"N", b"O") and seen.find(b".", start, end) - start in range(24, 29)


def _is_pair(seen: bytes, start: int, end: int) -> bool:
    return is_pair(seen[start:end])


def is_pair(value: bytes) -> bool:
    """Whether it is the base64 of `user:password`, or of another text with a colon."""
    from binascii import Error, a2b_base64

    try:
        decoded = a2b_base64(value + b"=" * (-len(value) % 4))
    except Error:
        return False
    return b":" in decoded and decoded.isascii() and decoded.decode("ascii").isprintable()


_CHECKS = {
    "url-password": _is_url_password,
    "basic-auth": _is_pair,
    "netrc-password": _is_password,
    "login-password": _is_loose_password,
    "pgpass-password": _is_pgpass,
    "xml-password": _is_loose_password,
    "discord-token": _is_discord,
}


def _lines(seen: bytes) -> "Iterator[Span]":
    """Keys by nothing but their look: a line as long as an AWS secret, or lines as long as those of a PEM file."""
    body: list[tuple[int, int]] = []
    for match in _full_lines(seen):
        start, end = match.span("line")
        if end - start == 40 and _is_drawn(match["line"]) and not _goes_on(seen, start):
            yield start, end, "aws-secret-key"
        if end - start > 40:
            if body and seen[body[-1][1] : start].strip(b" \t\r") != b"\n":
                yield from _body(seen, body)
                body = []
            body.append((start, end))
    yield from _body(seen, body)


def _full_lines(seen: bytes) -> "Iterator[re.Match[bytes]]":
    lines = [line for line in map(bytes.split, seen.split(b"\n")) if len(line) == 1 and len(line[0]) in _LENGTHS]
    if all(line[0].translate(None, bytes(_WORD) + b"+/") for line in lines):
        return
    first = compiled(_LINE).match(seen)
    if first:
        yield first
    yield from compiled(rb"\n" + _LINE).finditer(seen)


def _is_drawn(value: bytes) -> bool:
    """Letters of both cases and digits, in no order that words or a path have."""
    if value.isalpha() or value.upper() == value or value.lower() == value:
        return False
    return len(set(value)) > 15 and not is_camel(value)


def _goes_on(seen: bytes, start: int) -> bool:
    """Whether it is the last of several lines in base64, of which the last alone is shorter."""
    lines = seen[max(0, start - 160) : start].rstrip(b" \t\r\n").split(b"\n")[-2:]
    *further, above = [line.strip(b" \t\r") for line in lines]
    if len(above) <= 40 or not _is_base64(above):
        return False
    return not (further and len(further[0]) > len(above) and _is_base64(further[0]))


def _is_base64(line: bytes) -> bool:
    return not line.translate(None, bytes(_WORD) + b"+/=")


def _body(seen: bytes, lines: list[tuple[int, int]]) -> "Iterator[Span]":
    """Two lines of a PEM file or more, or the end of a private one; not of what calls itself public."""
    if not lines or not all(_is_drawn(seen[start:end]) for start, end in lines[:2]):
        return
    start, end = lines[0][0], lines[-1][1]
    before, after = seen[max(0, start - 200) : start], seen[end : end + 160]
    begin, stop = before.rpartition(b"-----BEGIN ")[2], after.partition(b"-----END ")[2]
    for mark, kind in ((b"-----BEGIN " in before, begin[:40]), (b"-----END " in after, stop[:40])):
        if mark and b"PRIVATE" not in kind:
            return
    if len(lines) > 1 or stop:
        rest = after.lstrip().partition(b"\n")[0].strip()
        if rest and _is_base64(rest):  # the last line, which is shorter
            end += after.find(rest) + len(rest)
        yield start, end, "private-key"
