"""What the environment of a command says: the value of every variable that `noise` does not list.

Values are written so that worktrees, clones, machines and people agree where only places and names differ, and kept as
digests, each with its variable's name, so that neither an entry nor a key shows one.
"""

import os
import time

from skillcache.core.digest import digest, digest_parts, signs
from skillcache.core.files import read
from skillcache.core.git import git_folders
from skillcache.core.outcomes import Bypass
from skillcache.fingerprint.mention_text import ACCOUNT, READ, READ_BY_SCRIPT, ZONE
from skillcache.fingerprint.noise import IS_FOLDER, IS_SET, counts_where_read, is_noise
from skillcache.fingerprint.packages import relative

_LOCAL, _HOSTS = "/etc/localtime", "/etc/hosts"
_CAP = 1 << 16

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

# No value holds a byte of zero, so none is taken for one of these.
_HOME, _USER = "\0home", "\0user"
# Where people's homes lie: a home that is called otherwise than its user, and lies elsewhere, was chosen for the run.
_HOMES = ("/home", "/Users", "/var/home", "/export/home")
# Set by git itself for the hooks of a commit. That it is of this moment is no more of an input than the moment is.
_DATE = "GIT_AUTHOR_DATE"
_MOMENT = 600  # seconds
_TERMINAL = frozenset(["TERM_PROGRAM", "TERM_PROGRAM_VERSION", "VTE_VERSION"])
_WANTED = frozenset(["FORCE_COLOR", "CLICOLOR_FORCE", "PY_COLORS", "MYPY_FORCE_COLOR", "TTY_COMPATIBLE"])
_OF_AGENTS = {"EDITOR": "devin", "TERM_PROGRAM": "kiro"}
_OF_GIT = frozenset(["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_COMMON_DIR"])
# Who asks: tools write less, or otherwise, for an agent. Its version is not what they look at.
_AGENT = "AI_AGENT"


def capture(environ: "Mapping[str, str]", more: "Iterable[str]", root: str) -> list[tuple[str, str]]:
    """(name, digest of the value or "unset") of all variables that count and of all named in `more`."""
    person = Person(environ)
    more = frozenset(more)
    own = _folders_of_git(root) if not _OF_GIT.isdisjoint(environ) else {}
    rows = [(name, "unset") for name in more if name not in environ]
    for name, value in environ.items():
        if name in more:
            text = person.without_places(value, root)
        elif is_of_now(name, environ) or (
            is_noise(name) and not _has_colours(name, environ) and not _is_of_agent(name, value)
        ):
            continue
        elif name in _OF_GIT and value in own:
            text = own[value]
        else:
            text = _counted(name, value, person, root)
        rows.append((name, digest(f"{name}={text}".encode("utf-8", "surrogateescape"))))
    return rows


class Person:
    """Whose environment it is. home: an absolute path, '' for none that tells one person from another; user: a name."""

    __slots__ = ("home", "is_own", "user")

    def __init__(self, environ: "Mapping[str, str]") -> None:
        home = environ.get("HOME", "").rstrip("/")
        self.home = home if home.startswith("/") else ""
        self.user = environ.get("USER") or environ.get("LOGNAME") or ""
        folder, _, name = self.home.rpartition("/")
        self.is_own = bool(name) and (name in (self.user, "root") or folder in _HOMES)

    def without_places(self, value: str, root: str) -> str:
        """`value` with the project, the home folder and a home of the user's elsewhere, as whole paths, replaced."""
        if "/" not in value:
            return value
        if root in value:
            value = relative(value, root)
        if self.home and self.home in value:
            value = relative(value, self.home, _HOME)
        if self.user and f"/{self.user}" in value:
            for folder in _HOMES:
                value = relative(value, f"{folder}/{self.user}", f"{folder}/{_USER}")
        return value


def _counted(name: str, value: str, person: Person, root: str) -> str:
    if name in IS_SET:
        return "set" if value else ""
    if name in IS_FOLDER:
        return "a folder" if os.path.isdir(value) and os.access(value, os.W_OK) else value
    if name == "HOME":
        return _HOME if person.is_own else relative(value, root)
    if name == _AGENT:
        return value.replace("@", "_").replace("/", "_").partition("_")[0]
    return person.without_places(value, root)


def _folders_of_git(root: str) -> dict[str, str]:
    """What git says to a hook of a linked worktree, and what that is in any of them."""
    try:
        folder, shared = git_folders(root)
    except (OSError, Bypass):
        return {}
    if os.path.realpath(folder) == os.path.realpath(shared):  # there it says `.git`
        return {}
    return {root: "\0worktree", folder: "\0own", f"{folder}/index": "\0own index", shared: "\0shared"}


def _is_of_agent(name: str, value: str) -> bool:
    """Whether std-env (4.0, of vitest 4) takes it for the sign of an agent, for which vitest writes otherwise."""
    return name in _OF_AGENTS and _OF_AGENTS[name] in value


def _has_colours(name: str, environ: "Mapping[str, str]") -> bool:
    """Whether a terminal's name says how many colours are written: only where colours are wanted in a pipe, too."""
    return name in _TERMINAL and not _WANTED.isdisjoint(environ)


def is_of_now(name: str, environ: "Mapping[str, str]") -> bool:
    """Whether the variable holds this moment, in git's own form of a date: `@SECONDS ZONE`."""
    if name != _DATE:
        return False
    date = environ.get(name, "")
    seconds = date[1:].partition(" ")[0]
    return (
        date.startswith("@") and seconds.isdecimal() and len(seconds) < 12 and abs(int(seconds) - time.time()) < _MOMENT
    )


def of_machine(said: "AbstractSet[bytes]", environ: "Mapping[str, str]") -> "list[tuple[str, str]]":
    """(name, value) of what a text asks the machine for: its time zone, and the addresses that it was told of hosts.

    said: what the project's text says, see `mentions.Mentions`. Of hosts only those count that the text names, so that
    machines agree of which each has its own.
    """
    rows: list[tuple[str, str]] = []
    zone = environ.get("TZ", "")
    if ZONE in said and (not zone or zone.startswith(":")):
        rows.append(("time zone", digest(read(_LOCAL, _CAP) or b"")))
    own = os.uname().nodename.encode("utf-8", "surrogateescape")
    told: list[bytes] = []
    for line in (read(_HOSTS, _CAP) or b"").splitlines():
        address, *names = line.partition(b"#")[0].split() or [b""]
        for name in names:
            if name not in (own, own.partition(b".")[0]) and not name.startswith(_OF_ITSELF):
                told += [address + b" " + name] if not said.isdisjoint(signs([name])) else []
    if told:
        rows.append(("hosts", digest_parts(sorted(told))))
    return rows


def read_by_name(
    said: "AbstractSet[bytes]", environ: "Mapping[str, str]", root: str, *, scripts: bool
) -> "list[tuple[str, str]]":
    """(name, digest) of the variables that do not count but for a text that reads them; `scripts`: also those of one.

    said: what the project's text says, see `mentions.Mentions`.
    """
    person = Person(environ)
    rows = []
    for name, value in environ.items():
        if not counts_where_read(os.fsencode(name)):
            continue
        asked = signs([sign + os.fsencode(name) for sign in ((READ, READ_BY_SCRIPT) if scripts else (READ,))])
        if not said.isdisjoint(asked) or (ACCOUNT in said and name in IS_SET and name in _OF_ACCOUNT):
            text = person.without_places(value, root)
            rows.append((name, digest(f"{name} is {text}".encode("utf-8", "surrogateescape"))))
    if ACCOUNT in said:
        rows.append(("account", str(os.geteuid())))
    return rows


_OF_ACCOUNT = frozenset(["USER", "LOGNAME", "USERNAME"])
_OF_ITSELF = (b"localhost", b"ip6-", b"broadcasthost")
