"""A text as it may be stored: no credential in it, cut, and encodable.

Looking for credentials needs `re`, 9 ms of a hook's start. Most texts show at a glance that they hold none:
`may_hold_secret` must be true for every text in which `secrets.find` finds one, and a test holds it to that.
"""

from skillcache.sessions.limits import WINDOW

# Every assignment has one of these names, every pattern of the table one of these beginnings or a long run below.
_WORDS = (
    *("pass", "pwd", "secret", "token", "credential", "cookie", "auth", "key", "earer", "sig=", "signature"),
    *("webhook", "hooks.", "xox", "xapp", "sntry", "glc_"),
)
_SEPARATORS = str.maketrans(dict.fromkeys("/\\'\"`()[]{}<>,;|&", " "))
_LONGEST = 19  # the patterns of the table without one of the words above are longer


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
    return any(len(run) > _LONGEST for run in text.translate(_SEPARATORS).split())
