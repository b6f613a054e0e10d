"""A text as it may be stored: no credential in it, cut, and encodable.

Looking for credentials needs `re`, 9 ms of a hook's start. Most texts show at a glance that they hold none:
`may_hold_secret` must be true for every text in which `secrets.find` finds one, and a test holds it to that.
"""

from skillcache.secret_words import NO_WORD, PROGRAMS
from skillcache.sessions.limits import WINDOW

# Every assignment has one of these names, every shape one of these beginnings or a long run below.
_WORDS = (
    *("pass", "pw", "secret", "token", "cred", "cookie", "auth", "key", "earer", "basic", "sig=", "signature"),
    *("webhook", "hooks.", "xox", "xapp", "xwfp", "sntry", "glc_", "_live_", "_test_", "_prod_"),
    *("$1$", "$2", "$5$", "$6$", "$7$", "$y$", "$argon2", "$scrypt$", "$pbkdf2"),
)
_SEPARATORS = str.maketrans(dict.fromkeys("\\'\"`()[]{}<>,;|&", " "))
_LONGEST = 19  # what is known by its beginning is longer than this, where no slash is in it
_LONGEST_WITH_SLASHES = 25
_COLONS = 4  # of a line of .pgpass
_PROGRAMS = frozenset([program.encode() for programs, _ in PROGRAMS for program in programs.split()])


def stored(text: object, limit: int) -> str:
    """`text` without credentials and with at most `limit` characters; '' for what is no text."""
    if not isinstance(text, str):
        return ""
    # A surrogate without its other half cannot be written as UTF-8.
    text = text[:WINDOW].encode("utf-8", "replace").decode("utf-8").replace("\0", "")
    if may_hold_secret(text):
        from skillcache.secrets import redact  # imports re

        text = redact(text)
    return cut(text, limit)


def cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def may_hold_secret(text: str) -> bool:
    lowered = text.lower()
    if any(word in lowered for word in _WORDS) or ("://" in text and "@" in text):
        return True
    if not _PROGRAMS.isdisjoint(text.encode("utf-8", "replace").translate(NO_WORD).split()):
        return True
    return any(_is_odd(run) for run in text.translate(_SEPARATORS).split() if len(run) > _LONGEST)


def _is_odd(run: str) -> bool:
    """Long in one piece or, as base64 may be in several, of letters of both cases and digits."""
    if any(len(part) > _LONGEST for part in run.split("/")) or run.count(":") >= _COLONS:
        return True
    mixed = run != run.lower() and run != run.upper() and any(char.isdigit() for char in run)
    return mixed and len(run) > _LONGEST_WITH_SLASHES
