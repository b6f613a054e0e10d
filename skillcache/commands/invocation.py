"""In which Bash call of which conversation a command runs, as the preamble and the system tell.

    SKILLCACHE_CALL           process number of the call's shell; missing in a terminal, where a command may be repeated
    CLAUDE_CODE_SESSION_ID    the client's session
    counts/{session}          a byte for each Bash call that the session has begun

A call is its shell's process, by number and start. Its line is what the shell was started with (`bash -c TEXT`), where
the system shows that.
"""

import os

from skillcache import files
from skillcache.digest import digest
from skillcache.paths import called_folder, calls_folder
from skillcache.sessions.client import describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_CAP = 1 << 20
# The client's own words around the line, which is one word of the shell: where it needs them, in quotes, which in it
# are spelled '"'"'. What reads its input from somewhere is not given the null device.
_BEFORE, _NO_INPUT, _AFTER, _QUOTE = " && eval ", " < /dev/null", " && pwd -P >| ", "'\"'\"'"
_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@%+,")
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


class Invocation:
    """session: '' outside the client; call: a name for the Bash call, '' where there is none or it cannot be told.

    number: how many Bash calls the session has begun, 0 where that is not known.
    """

    __slots__ = ("_cache", "_shell", "call", "number", "session")

    def __init__(self, cache: str, environ: "Mapping[str, str]") -> None:
        self._cache = cache
        session = environ.get("CLAUDE_CODE_SESSION_ID", "")
        self.session = session if _NAME.issuperset(session) else ""
        shell = environ.get("SKILLCACHE_CALL", "")
        self._shell = shell if shell.isdecimal() and shell.isascii() and len(shell) < 11 else ""
        start = describe(int(self._shell)).get("pid_start") if self._shell else ""
        self.call = f"{self._shell}.{start}" if start else ""
        self.number = 0
        if self.call and self.session:
            try:
                self.number = os.stat(f"{calls_folder(cache)}/{self.session}").st_size
            except OSError:
                self.number = 0

    def is_repeated(self, words: tuple[str, ...], cwd: str) -> bool:
        """Whether the same command has begun in this call before, as in a loop that hunts a flake. Raises OSError."""
        if not self.call:
            return False
        name = digest("\0".join((cwd, *words)).encode("utf-8", "surrogateescape"))
        path = f"{called_folder(self._cache)}/{self.call}.{name}"
        try:
            files.create(path)
        except FileExistsError:
            return True
        return False

    def line(self) -> str:
        """The line of the call, as the model wrote it; '' where that cannot be told."""
        if not self.call:
            return ""
        try:
            words = (files.read(f"/proc/{self._shell}/cmdline", _CAP) or b"").split(b"\0")
        except OSError:
            return ""
        return line_of(words[2].decode("utf-8", "surrogateescape")) if len(words) > 2 and words[1] == b"-c" else ""


def line_of(text: str) -> str:
    """The line in what the client gives a shell; '' where it is spelled in another way."""
    _, found, rest = text.partition(_BEFORE)
    word, ends, _ = rest.rpartition(_AFTER)
    word = (word if ends else rest).removesuffix(_NO_INPUT)
    if len(word) > 1 and word[0] == word[-1] == "'":
        return word[1:-1].replace(_QUOTE, "'") if found else ""
    return word if found and _BARE.issuperset(word) else ""


def split_filters(line: str) -> tuple[str, str]:
    """A line up to its first pipe, without what joins the streams there, and the rest, '' where there is no pipe."""
    at = -1
    while (at := line.find("|", at + 1)) >= 0:
        if line[at + 1 : at + 2] != "|":
            break
        at += 1
    head, rest = (line, "") if at < 0 else (line[:at], line[at:])
    return head.strip().removesuffix("2>&1").strip(), rest.strip()


def are_only_filters(rest: str) -> bool:
    """Whether what stands behind a line's first pipe is that one pipe's rest: another command may change the world."""
    for harmless in ("|&", ">&", "&>"):
        rest = rest.replace(harmless, "")
    return "||" not in rest and not any(mark in rest for mark in (";", "&", "\n", "`", "$(", "<(", ">("))
