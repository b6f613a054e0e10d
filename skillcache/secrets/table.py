# ruff: noqa: E501, ISC004 - a row of the table is read as one line
r"""Credentials that are known by their look: one row per kind, with a literal text that must be there first.

A row is (name, hints, pattern). Where none of the hints occurs the pattern is not even compiled, so a clean text costs
a few substring searches, and those of WORD_ROWS are made on the distinct long words of the text only: 5 MB in 0.25 s.
Patterns hold no nested or unbounded overlapping repeats: their time is linear in the text. A group named `secret` marks
the part to redact; without it the whole match is. What a pattern forbids before it may be the letter of an escape, such
as the `\n` at which JSON begins a line.
"""

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_START = r"(?<![A-Za-z0-9_-])"
_FORBIDDEN = re.compile(r"\(\?<!\[[^\]]*\]\)")
_ESCAPED = r"(?:\g<0>|(?<=\\\\[bfnrtv])|(?<=\\\\u[0-9A-Fa-f]{4}))"
_WORD = r"[A-Za-z0-9_-]"
_MASKS = (b"*", b"$", b"{", b"<", b"[", b"%", b"...", b"\\u2022", b"xxx", b"XXX")

_Row = tuple[str, tuple[bytes, ...], str]
SHORTEST = 12
WORD_ROWS: tuple[_Row, ...] = (
    ("aws-access-key", (b"AKIA", b"ASIA", b"ABIA", b"ACCA"), r"(?<![A-Za-z0-9])A(?:KI|SI|BI|CC)A[A-Z0-9]{16}(?![A-Za-z0-9])"),
    ("github-token", (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_"), r"(?<![A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{30,255}"),
    ("github-token", (b"github_pat_",), r"github_pat_[A-Za-z0-9_]{22,255}"),
    (
        "gitlab-token",
        (b"glpat-", b"gldt-", b"glrt-", b"glcbt-", b"glptt-", b"glft-", b"glsoat-", b"glimt-", b"glagent-"),
        rf"(?<![A-Za-z0-9])gl(?:pat|dt|rt|cbt|ptt|ft|soat|imt|agent)-{_WORD}{{20,255}}",
    ),
    ("slack-token", (b"xox", b"xapp-"), r"(?<![A-Za-z0-9])(?:xox[abceoprs](?:\.[a-z]+)?-|xapp-\d-)[A-Za-z0-9-]{10,255}"),
    ("slack-webhook", (b"hooks.slack.com/",), r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{20,255}"),
    ("discord-webhook", (b"/api/webhooks/",), r"discord(?:app)?\.com/api/webhooks/\d{10,25}/[A-Za-z0-9_-]{40,255}"),
    ("stripe-key", (b"_live_", b"_test_"), r"(?<![A-Za-z0-9])(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,255}"),
    ("webhook-secret", (b"whsec_",), r"(?<![A-Za-z0-9])whsec_[A-Za-z0-9+/=]{24,255}"),
    ("google-api-key", (b"AIza",), rf"(?<![A-Za-z0-9])AIza{_WORD}{{35}}"),
    ("google-oauth", (b"ya29.", b"GOCSPX-"), rf"{_START}(?:ya29\.[A-Za-z0-9._-]{{20,2048}}|GOCSPX-{_WORD}{{20,64}})"),
    ("google-refresh-token", (b"1//0",), rf"(?<![A-Za-z0-9/])1//0{_WORD}{{30,255}}"),
    ("anthropic-key", (b"sk-ant-",), rf"sk-ant-{_WORD}{{20,255}}"),
    (
        "openai-key",
        (b"sk-",),
        rf"{_START}sk-(?:proj|svcacct|admin|or-v1|lf)-{_WORD}{{20,255}}|{_START}sk-(?=[A-Za-z0-9]{{0,60}}\d)[A-Za-z0-9]{{24,255}}",
    ),
    ("npm-token", (b"npm_",), r"(?<![A-Za-z0-9_])npm_[A-Za-z0-9]{36}(?![A-Za-z0-9_])"),
    ("pypi-token", (b"pypi-Ag",), rf"pypi-Ag{_WORD}{{40,1024}}"),
    ("jwt", (b"eyJ",), rf"(?<![A-Za-z0-9_])eyJ{_WORD}{{8,4096}}\.eyJ{_WORD}{{8,65536}}\.{_WORD}{{0,4096}}"),
    ("sendgrid-key", (b"SG.",), rf"(?<![A-Za-z0-9])SG\.{_WORD}{{20,24}}\.{_WORD}{{39,50}}"),
    ("twilio-key", (b"SK",), r"(?<![A-Za-z0-9])SK[0-9a-f]{32}(?![A-Za-z0-9])"),
    ("mailgun-key", (b"key-",), r"(?<![A-Za-z0-9-])key-[0-9a-f]{32}(?![A-Za-z0-9])"),
    ("mailchimp-key", (b"-us",), r"(?<![A-Za-z0-9])[0-9a-f]{32}-us\d{1,2}(?![A-Za-z0-9])"),
    ("telegram-token", (b":AA",), rf"(?<![A-Za-z0-9])\d{{8,10}}:AA{_WORD}{{32,34}}"),
    ("discord-token", (b".",), rf"(?<![A-Za-z0-9_.-])[MNO]{_WORD}{{23,27}}\.{_WORD}{{6,7}}\.{_WORD}{{27,40}}(?![A-Za-z0-9_-])"),
    ("digitalocean-token", (b"_v1_",), r"(?<![A-Za-z0-9])do[opr]_v1_[a-f0-9]{64}"),
    ("shopify-token", (b"shpat_", b"shpca_", b"shppa_", b"shpss_"), r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
    ("huggingface-token", (b"hf_", b"api_org_"), r"(?<![A-Za-z0-9])(?:hf|api_org)_[A-Za-z0-9]{30,64}(?![A-Za-z0-9_])"),
    ("databricks-token", (b"dapi",), r"(?<![A-Za-z0-9])dapi[0-9a-f]{32}"),
    ("vault-token", (b"hvs.", b"hvb.", b"hvr."), rf"(?<![A-Za-z0-9])hv[sbr]\.{_WORD}{{24,255}}"),
    ("terraform-token", (b".atlasv1.",), rf"[A-Za-z0-9]{{10,20}}\.atlasv1\.{_WORD}{{40,255}}"),
    ("atlassian-token", (b"ATATT3", b"ATCTT3"), r"AT[AC]TT3[A-Za-z0-9_=-]{50,1024}"),
    ("azure-key", (b"AccountKey=", b"SharedAccessKey="), r"(?:AccountKey|SharedAccessKey)=(?P<secret>[A-Za-z0-9+/=]{20,255})"),
    ("azure-signature", (b"sig=",), r"[?&;]sig=(?P<secret>[A-Za-z0-9%+/=_-]{30,255})"),
    ("signed-url", (b"X-Amz-Signature=", b"X-Goog-Signature="), r"X-(?:Amz|Goog)-Signature=(?P<secret>[0-9a-fA-F]{40,1024})"),
    (
        "service-token",
        (
            *(b"lin_api_", b"ntn_", b"PMAK-", b"sntrys_", b"sntryu_", b"NRAK-", b"glsa_", b"glc_", b"dckr_pat_"),
            *(b"dckr_oat_", b"rubygems_", b"figd_", b"pul-", b"pscale_", b"sbp_", b"gsk_", b"xai-", b"pplx-", b"r8_"),
            *(b"dp.pt.", b"sq0atp-", b"sq0csp-", b"nfp_", b"HRKU-", b"AKCp", b"LTAI", b"tskey-", b"phx_", b"fo1_"),
            *(b"rnd_", b"EAAA", b"ops_", b"cfut_", b"jina_", b"nvapi-", b"fw_", b"tfp_", b"sk_prod_", b"ATBB"),
        ),
        rf"{_START}(?:lin_api_[A-Za-z0-9]{{32,}}|ntn_[A-Za-z0-9]{{40,}}|PMAK-[0-9a-f]{{24}}-[0-9a-f]{{34}}|sntry[su]_[\w+/=]{{40,}}"
        rf"|NRAK-[A-Z0-9]{{27}}|glsa_\w{{32,}}|glc_[A-Za-z0-9+/=]{{32,}}|dckr_[po]at_{_WORD}{{20,}}|rubygems_[a-f0-9]{{48}}"
        rf"|figd_{_WORD}{{20,}}|pul-[a-f0-9]{{40}}|pscale_(?:tkn|pw|oauth)_{_WORD}{{32,}}|sbp_[a-f0-9]{{40}}|gsk_[A-Za-z0-9]{{40,}}"
        rf"|xai-[A-Za-z0-9]{{60,}}|pplx-[A-Za-z0-9]{{40,}}|r8_[A-Za-z0-9]{{37}}|dp\.pt\.[A-Za-z0-9]{{40,}}|sq0(?:atp|csp)-{_WORD}{{22,}}"
        rf"|nfp_[A-Za-z0-9]{{36,}}|HRKU-{_WORD}{{36,}}|AKCp[A-Za-z0-9]{{60,}}|LTAI[A-Za-z0-9]{{16,24}}(?![A-Za-z0-9])|tskey-[a-z]+-{_WORD}{{16,}}"
        rf"|phx_[A-Za-z0-9]{{40,}}|fo1_{_WORD}{{40,}}|rnd_[A-Za-z0-9]{{28,}}|EAAA[A-Za-z0-9_-]{{56,}}|ops_eyJ{_WORD}{{100,}}|cfut_{_WORD}{{40,}}"
        rf"|jina_[A-Za-z0-9]{{50,}}|nvapi-{_WORD}{{60,}}|fw_[A-Za-z0-9]{{24}}(?![A-Za-z0-9])|tfp_{_WORD}{{40,}}|sk_prod_[A-Za-z0-9]{{20,}}|ATBB[A-Za-z0-9]{{32}})",
    ),
)  # fmt: skip
TEXT_ROWS: tuple[_Row, ...] = (
    (
        "private-key",
        (b"PRIVATE KEY", b"PuTTY-User-Key-File", b"AGE-SECRET-KEY-"),
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?s:.*?)(?:-----END [A-Z0-9 ]{0,40}KEY(?: BLOCK)?-----|\Z)"
        r"|PuTTY-User-Key-File-\d(?s:.*?)(?:Private-MAC: ?[0-9a-f]*|\Z)|AGE-SECRET-KEY-1[A-Z0-9]{20,80}",
    ),
    ("url-password", (b"://",), r"://[^\s/@:'\"<>\\\[]{0,128}:(?P<secret>[^\s/'\"<>\\]{1,256})@[A-Za-z0-9\[]"),
    ("url-token", (b"://",), r"://(?P<secret>(?=[A-Za-z0-9_-]{0,255}\d)[A-Za-z0-9_-]{20,255})@[A-Za-z0-9]"),
    (
        "authorization",
        (b"uthorization", b"UTHORIZATION", b"earer ", b"EARER "),
        r"(?i:authorization)\\?[\"']?\s{0,3}[:=]\s{0,3}\\?[\"']?(?:(?i:bearer|basic|token|digest|negotiate|apikey|key)\s{1,3}|(?=[A-Za-z._~+/=:-]{0,64}\d))"
        r"(?P<secret>(?!(?i:bearer|basic|token|digest|negotiate|apikey|none|null|true|false|required|header)\b)[A-Za-z0-9._~+/=:-]{8,8192})",
    ),
    ("bearer-token", (b"earer ", b"EARER "), r"(?<![A-Za-z0-9_])(?i:bearer )(?P<secret>(?=[A-Za-z._~+/=-]{0,64}\d)[A-Za-z0-9._~+/=-]{16,8192})"),
)  # fmt: skip


def spans(data: bytes) -> "Iterator[tuple[int, int, str]]":
    """Start, end and name of everything in the table that the bytes show, row by row."""
    words = b"\n".join({word for word in data.split() if len(word) >= SHORTEST})
    for name, hints, pattern in WORD_ROWS:
        if any(hint in words for hint in hints) and _compiled(pattern).search(words):
            yield from _matches(name, pattern, data)
    for name, hints, pattern in TEXT_ROWS:
        if any(hint in data for hint in hints):
            yield from _matches(name, pattern, data)


def _matches(name: str, pattern: str, data: bytes) -> "Iterator[tuple[int, int, str]]":
    for match in _compiled(pattern).finditer(data):
        start, end = match.span("secret") if "secret" in match.re.groupindex else match.span()
        if not data[start:end].startswith(_MASKS):
            yield start, end, name


def _compiled(pattern: str) -> "re.Pattern[bytes]":
    return re.compile(_FORBIDDEN.sub(_ESCAPED, pattern).encode())


def patterns() -> "list[re.Pattern[bytes]]":
    return [_compiled(pattern) for _name, _hints, pattern in (*WORD_ROWS, *TEXT_ROWS)]
