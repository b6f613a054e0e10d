"""Credentials that are known by their form, wherever they stand, and tokens that begin as their service's do.

Of forms a row is (kind, hints, pattern): without one of the hints in the text the pattern is not even compiled. A hint
is a text or, as words are quicker to look up: `=` a word, `^` what a long word begins with, `~` what stands in one, `#`
how many characters some word has at the least. A group named `secret` marks what is redacted; without it the whole
match is. Patterns begin with plain characters where they can, as a search for these is quick; what must stand before is
then looked at behind them, or found by going back over the word (kinds of _WORDS). None takes more steps at one place
than a few hundred.

Beginnings, alphabets and lengths are facts taken from the rules of gitleaks (github.com/gitleaks/gitleaks, MIT licence,
Copyright (c) 2019 Zachary Rice) and from what the services say of their own tokens; the table and its words are ours.

Of tokens a row is a kind and the shapes of its tokens, each a beginning, an alphabet and how many of its characters
follow at the least; with `=` at the end exactly so many:

    h 0-9a-f   H and A-F   d 0-9   U A-Z0-9   a A-Za-z0-9   w and _ and -   p and . too   b A-Za-z0-9+/=_-

Where the text has no word that begins so, nothing more is done: a clean text costs one look at its words.
"""

from skillcache.core.credentials.judgement import Text, compiled, is_camel, is_dull, is_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterator


# ruff: noqa: E501 - a row of the table is read as one line


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


# ruff: noqa: E501 - a row of the table is read as one line


_TABLE = {
    "aws-access-key": "AKIA U16= ASIA U16= ABIA U16= ACCA U16= A3T U17=",
    "aws-session-token": "FwoGZXIvYXdzE b40 IQoJb3JpZ2lu b40 ABSK b100 bedrock-api-key- b20",
    "github-token": "ghp_ a30 gho_ a30 ghu_ a30 ghs_ a30 ghr_ a30 github_pat_ w22",
    "gitlab-token": (
        "glpat- w20 gldt- w20 glrt- w20 glcbt- w20 glptt- w20 glft- w20 glsoat- w20 glimt- w20 glagent- w20 gloas- w20"
        " glffct- w20 GR1348941 w20="
    ),
    "slack-token": (
        "xoxa- w10 xoxb- w10 xoxc- w10 xoxd- w10 xoxe- w10 xoxe.xox p10 xoxo- w10 xoxp- w10 xoxr- w10 xoxs- w10"
        " xapp- w12 xwfp- w10"
    ),
    "stripe-key": (
        "sk_live_ a10 sk_test_ a10 sk_prod_ a10 rk_live_ a10 rk_test_ a10 rk_prod_ a10 sk_org_ a16 ek_live_ a16 ek_test_ a16"
    ),
    "webhook-secret": "whsec_ b24",
    "google-api-key": "AIza w35",
    "google-oauth": "ya29. p20 GOCSPX- w20",
    "google-refresh-token": "1//0 w30",
    "anthropic-key": "sk-ant- w20",
    "openai-key": "sk-proj- w20 sk-svcacct- w20 sk-admin- w20 sk-or-v1- w20 sk-lf- w20 sk- a24 sess- a40=",
    "npm-token": "npm_ a36=",
    "pypi-token": "pypi-Ag w40",
    "sendgrid-key": "SG. p60",
    "twilio-key": "SK H32=",
    "mailgun-key": "key- h32= pubkey- h32=",
    "digitalocean-token": "dop_v1_ h64 doo_v1_ h64 dor_v1_ h64",
    "shopify-token": "shpat_ H32 shpca_ H32 shppa_ H32 shpss_ H32 shptka_ H32",
    "huggingface-token": "hf_ a30 api_org_ a30",
    "databricks-token": "dapi h32 dose h32= dkea h32= dsapi h32=",
    "vault-token": "hvs. w24 hvb. w24 hvr. w24 s. a24=",
    "atlassian-token": "ATATT3 b50 ATCTT3 b50 ATBB a32= ATOA w40 ATTA a60",
    "facebook-token": "EAAC a60 EAAM a60 EAAB a60 EAAG a60",
    "square-token": "EAAA w22 sq0atp- w22 sq0csp- w40",
    "session-cookie": "_gitlab_session= w20 sessionid= w20 PHPSESSID= w20 JSESSIONID= w16 connect.sid= p20",
    "jwt": "ZXlK b60",  # once more in base64
    "kubernetes-secret": "eyJhdXRocyI6 b20 sha256~ w43=",
    "service-token": (
        # work and planning
        "lin_api_ a32 lin_oauth_ a32 ntn_ a40 secret_ a43= PMAK- w59 figd_ w20 figu_ w20 figo_ w20 pat-na1- w36 pat-eu1- w36"
        " sl. p120 cfpat- w40 CFPAT- w43 dapat. p60 rdme_ a60 sgp_ w40 slk_ h64 sgd_ h64 xau_ a20 tfp_ w40 patAAA p60"
        # builds, packages, infrastructure
        " dckr_pat_ w20 dckr_oat_ w20 rubygems_ h48 pul- h40 oy2 a43= CLOJARS_ a60 AKCp a60 cmVmd a59= pnu_ a36= pnb_ a36="
        " tskey- w20 fo1_ w40 fm1r_ b60 fm1a_ b60 fm2_ b60 rnd_ a28 HRKU- w36 nfp_ a36 nfc_ a36 nfo_ a36 nfu_ a36 nfb_ a36 vcp_ a24"
        " vci_ a24 vca_ a24 vcr_ a24 vck_ a24 bkua_ a40 bkaj_ a40 bkpt_ a40 CCIPAT_ w40 CCIPRJ_ w40 ico- a32= tk-us- w48 dp.pt. a40"
        " dp.st. p40 dp.ct. a40 dp.sa. a40 dp.scim. a40 dp.audit. a40 ops_ey b60 A3- w30 squ_ a40 sqp_ a40 sqa_ a40 snyk_uat. p40"
        " ddp_ a36 ddo_ a36 API- U26= p8e- a32 nt_ a40= cfut_ w40 cfat_ w40 v1.0- w100 4b1d a38= LTAI a16 AKID a32="
        # data, telemetry
        " pscale_tkn_ w32 pscale_pw_ w32 pscale_oauth_ w32 sbp_ h40 sb_secret_ w22 napi_ a40 sntrys_ b40 sntryu_ h40 glsa_ w32 glc_ b32"
        " eyJrIjoi a60 NRAK- U27 NRII- w32 NRJS- h19 NRRA- h40 hcaik_ a40 hcxik_ a40 dt0c01. p80 phx_ a40 phs_ a40 dnkey- w70"
        " lsv2_pt_ w36 lsv2_sk_ w36 pcsk_ w40 e2b_ h40 tvly- w28 fc- h32="
        # models
        " gsk_ a40 xai- a60 pplx- a40 r8_ a37 nvapi- w50 jina_ a50 fw_ a24= tgp_v1_ w40 rpa_ a40 csk- a40 AQ.Ab8 w40"
        # money, shops, mail
        " rzp_live_ a14 rzp_test_ a14 xnd_production_ a40 xnd_development_ a40 pdl_live_ w40 FLWSECK_TEST- w12 FLWSECK- w32 EZAK a54="
        " EZTK a54= duffel_live_ w43 duffel_test_ w43 shippo_live_ H40 shippo_test_ H40 ck_ h40= cs_ h40= live_ h35 test_ h35"
        " access_token$production$ w40 xkeysib- w64 xsmtpsib- w64 fio-u- w60 APA91b w100 AQE b100 sm_aat_ a16="
        " sm_pat_ a16= sm_sat_ a16= s-s4t2ud- h64 s-s4t2af- h64 AQVN w35 YCAJ w36 t1.9eu p86 access-sandbox- w36"
        " access-production- w36 access-development- w36 zpka_ a30"
    ),
}  # fmt: skip
# Kind, beginning, alphabet, and how many characters of it.
_TOKENS = tuple(
    (kind, beginning.encode(), times[0], times[1:])
    for kind, shapes in _TABLE.items()
    for beginning, times in zip(shapes.split()[::2], shapes.split()[1::2], strict=True)
)
_TOKEN_WORD = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_ALPHABETS = {
    "h": "0-9a-f", "H": "0-9a-fA-F", "d": "0-9", "U": "A-Z0-9", "a": "A-Za-z0-9", "w": r"\w-", "p": r"\w.-", "b": r"\w+/=-",
}  # fmt: skip


def spans_of_tokens(text: Text) -> "Iterator[tuple[int, int, str]]":
    """Start, end and kind of every token in the text."""
    for kind, beginning, alphabet, times in _TOKENS:
        rest = beginning.lstrip(_TOKEN_WORD)
        if rest:
            if beginning.removesuffix(rest) not in text.words or beginning not in text.seen:
                continue
        elif not text.has_beginning(beginning):
            continue
        for match in _search(beginning, alphabet, times).finditer(text.seen):
            if _is_token(match[0][len(beginning) :], alphabet):
                yield *match.span(), kind


def patterns_of_tokens() -> "list[re.Pattern[bytes]]":
    return [_search(beginning, alphabet, times) for _kind, beginning, alphabet, times in _TOKENS]


def _search(beginning: bytes, alphabet: str, times: str) -> "re.Pattern[bytes]":
    """What stands before is looked at behind the beginning: a search that begins with plain characters is quick."""
    import re  # the text has a word that begins so

    begins, letters = re.escape(beginning), _ALPHABETS[alphabet].encode()
    size = times.removesuffix("=").encode()
    end = b"{%b}(?![\\w+/-])" % size if times.endswith("=") else b"{%b,}" % size
    return compiled(b"%b(?<![A-Za-z0-9]%b)[%b]%b" % (begins, begins, letters, end))


def _is_token(rest: bytes, alphabet: str) -> bool:
    """Whether what follows the beginning looks drawn at random, and not like words, a mask or an example."""
    if is_dull(rest) or rest.endswith(b"EXAMPLE") or len(set(rest)) < 5 or rest[:8].lower() == b"xxxxxxxx":
        return False
    if alphabet in "hHdU" or any(byte in b"0123456789" for byte in rest):
        return True
    return (alphabet == "a" or not rest.islower()) and not is_camel(rest)
