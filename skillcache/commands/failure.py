"""A failure that was just seen, given once more to whoever looks at it through another filter.

Whoever runs a failing command again wants it run: what failed may pass once a server is started, which no capture sees.
Only the very next Bash call of the conversation, with the same text up to its first pipe and other filters behind that,
wants to see more of the same run, within two minutes.

    failed/{session} = one line a failure: `unix-seconds SP number of the call SP key's digest SP digest of the line's
    head SP digest of its filters`, of the newest call that had one
"""

import time

from skillcache import files
from skillcache.commands.invocation import are_only_filters, split_filters
from skillcache.digest import digest
from skillcache.paths import failed_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.commands.invocation import Invocation
    from skillcache.plan import Plan

SECONDS = 120
_CAP = 1 << 16


class Failure:
    """What a command's own Bash call says of the failures of the one before it."""

    __slots__ = ("_cache", "_call")

    def __init__(self, cache: str, call: "Invocation") -> None:
        self._cache = cache
        self._call = call

    def is_wanted(self, plan: "Plan", key: str) -> bool:
        """Whether a stored failure may be given for `key`, the digest of what the command depends on."""
        if plan.findings:
            return True
        if plan.failures:
            from skillcache import seen  # few rules have failures replayed

            if not seen.has_seen(self._cache, self._call.session, "", key):
                return True
        if not self._call.number:
            return False
        head, filters = self._line()
        if not filters or not are_only_filters(filters):
            return False
        for at, number, failed, line, before in self._kept():
            if (
                failed == key
                and line == _digest(head)
                and before != _digest(filters)
                and number.isdecimal()
                and int(number) + 1 == self._call.number
                and at.isdecimal()
                and 0 <= time.time() - int(at) <= SECONDS
            ):
                return True
        return False

    def keep(self, key: str) -> None:
        """Raises OSError."""
        from skillcache import seen

        seen.see(self._cache, self._call.session, "", key)
        if not self._call.number:
            return
        head, filters = self._line()
        if not head:
            return
        line = f"{int(time.time())} {self._call.number} {key} {_digest(head)} {_digest(filters)}\n"
        kept = [" ".join(words) for words in self._kept() if words[1] == str(self._call.number)]
        files.write(self._path(), ("".join(f"{one}\n" for one in kept) + line).encode("ascii"))

    def _line(self) -> tuple[str, str]:
        return split_filters(self._call.line())

    def _kept(self) -> list[list[str]]:
        try:
            text = files.read(self._path(), _CAP) or b""
        except OSError:
            return []
        lines = [line.split(" ") for line in text.decode("ascii", "replace").split("\n")]
        return [words for words in lines if len(words) == 5]

    def _path(self) -> str:
        return f"{failed_folder(self._cache)}/{self._call.session}"


def _digest(text: str) -> str:
    whole: str = digest(text.encode("utf-8", "surrogateescape"))
    return whole
