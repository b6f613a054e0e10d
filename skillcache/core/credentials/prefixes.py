# ruff: noqa: E501 - a row of the table is read as one line
r"""Tokens that begin as their service has them begin.

Beginnings, alphabets and lengths are facts taken from the rules of gitleaks (github.com/gitleaks/gitleaks, MIT licence,
Copyright (c) 2019 Zachary Rice) and from what the services say of their own tokens; the table and its words are ours.

A row is a kind and the shapes of its tokens, each a beginning, an alphabet and how many of its characters follow at
the least; with `=` at the end exactly so many:

    h 0-9a-f   H and A-F   d 0-9   U A-Z0-9   a A-Za-z0-9   w and _ and -   p and . too   b A-Za-z0-9+/=_-

Where the text has no word that begins so, nothing more is done: a clean text costs one look at its words.
"""

from skillcache.core.credentials.judgement import is_camel, is_dull
from skillcache.core.credentials.legible import Text
from skillcache.core.credentials.patterns import compiled

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

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
_ROWS = tuple(
    (kind, beginning.encode(), times[0], times[1:])
    for kind, shapes in _TABLE.items()
    for beginning, times in zip(shapes.split()[::2], shapes.split()[1::2], strict=True)
)
_WORD = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_ALPHABETS = {
    "h": "0-9a-f", "H": "0-9a-fA-F", "d": "0-9", "U": "A-Z0-9", "a": "A-Za-z0-9", "w": r"\w-", "p": r"\w.-", "b": r"\w+/=-",
}  # fmt: skip


def spans(text: Text) -> "Iterator[tuple[int, int, str]]":
    """Start, end and kind of every token in the text."""
    for kind, beginning, alphabet, times in _ROWS:
        rest = beginning.lstrip(_WORD)
        if rest:
            if beginning.removesuffix(rest) not in text.words or beginning not in text.seen:
                continue
        elif not text.has_beginning(beginning):
            continue
        for match in _search(beginning, alphabet, times).finditer(text.seen):
            if _is_token(match[0][len(beginning) :], alphabet):
                yield *match.span(), kind


def patterns() -> "list[re.Pattern[bytes]]":
    return [_search(beginning, alphabet, times) for _kind, beginning, alphabet, times in _ROWS]


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
