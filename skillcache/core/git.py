"""Git: where the parts of a repository lie, what it is called, and the one way from our code to the program.

The one way from our code to git. Nothing that a repository names runs on it, and git writes nothing there.

Options and environment switch off what has one name: the file-system monitor, hooks, pagers, every transport and with
it lazy fetches, credential helpers and ssh commands. Filters are named by whoever defines them, in files that only git
reads right, so git is asked for the names first; each filter is then switched off by name, the person's own too, for
one of those may run what it finds in the folder. Where git does not tell, it is asked nothing else.

The identity of a project: one name for all its clones and worktrees on every machine.

The origin's URL without what differs between clones (scheme, login, port, `.git`); without an origin, the path of the
repository that the worktrees share; outside git, the folder. The first commit would serve clones that have no origin,
but finding it walks the whole history, and this is asked on every lookup.
"""

import os
import time

from skillcache.core import Record, files, outcomes
from skillcache.core.outcomes import Bypass
from skillcache.core.processes import Child, TooMuch, end, gather, start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_LINK_CAP = 1 << 20  # git's own, of a link


def find_root(path: str) -> str | None:
    """The nearest folder at or above `path` that holds a `.git`."""
    while True:
        if os.path.lexists(os.path.join(path, ".git")):
            return path
        parent = os.path.dirname(path)
        if parent == path:
            return None
        path = parent


def own_folder(root: str) -> str | None:
    """The folder with the index and the HEAD of the worktree at `root`; None where `.git` leads to none.

    Raises OSError for one that cannot be read.
    """
    place = os.path.join(root, ".git")
    if os.path.isdir(place):
        return place
    link = files.read(place, _LINK_CAP)
    if link is None or not link.startswith(b"gitdir: "):
        return None
    return os.path.join(root, _path(link[8:]))


def shared_folder(own: str) -> str:
    """The folder with the configuration and the references that all worktrees of a repository share, from its own.

    Raises OSError for a link to it that cannot be read.
    """
    link = files.read(os.path.join(own, "commondir"), _LINK_CAP)
    return own if link is None else os.path.normpath(os.path.join(own, _path(link)))


def worktrees(shared: str) -> list[str]:
    """The tops of all checkouts of the repository whose shared folder this is, as they are and as they were made."""
    if not shared:
        return []
    found = [os.path.dirname(shared)] if shared.endswith("/.git") else []
    try:
        names = os.listdir(f"{shared}/worktrees")
    except OSError:
        names = []
    for name in names:
        try:
            own = os.fsdecode(files.read(f"{shared}/worktrees/{name}/gitdir", _LINK_CAP) or b"").strip()
        except OSError:
            continue
        if own.endswith("/.git"):
            found.append(os.path.dirname(os.path.join(f"{shared}/worktrees/{name}", own)))
    return [*found, *map(os.path.realpath, found)]


def _path(text: bytes) -> str:
    return os.fsdecode(text.partition(b"\0")[0].rstrip(b"\r\n"))


_OPTIONS = (
    # An empty monitor is none to every version of git; "false" is a program's name to old ones.
    "core.fsmonitor=",
    "core.hooksPath=/dev/null",
    "diff.orderFile=/dev/null",
    "fetch.bundleURI=",
    "log.showSignature=false",
    "protocol.allow=never",
    "safe.bareRepository=explicit",
    "status.submoduleSummary=false",
    "submodule.recurse=false",
    # Git's word on what is unchanged is taken only with every check it has; modes and links count on every file system.
    "core.untrackedCache=false",
    "core.trustctime=true",
    "core.checkStat=default",
    "core.fileMode=true",
    "core.ignorecase=false",
    "core.symlinks=true",
)
_KEPT = ("HOME", "XDG_CONFIG_HOME", "TMPDIR", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM")
# What the person gives git in this way stays: the options above win over it, and the filters in it are asked for too.
_COUNT, _KEY, _VALUE = "GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_"
_FIXED = {
    "LC_ALL": "C",
    "GIT_ALLOW_PROTOCOL": "",  # no transport, whatever protocol.<name>.allow says
    "GIT_EDITOR": ":",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}
_ASKED_FOR = r"^(filter\..*|core\.(autocrlf|attributesfile|excludesfile))$"
_QUESTION = ("config", "--includes", "--null", "--get-regexp", _ASKED_FOR)
_NONE_FOUND = 1  # what the question ends with where nothing of the kind is set
_MOST_FILTERS = 500  # four variables each


def git_folders(root: str) -> tuple[str, str]:
    """The folder with this worktree's own index and HEAD, and the one that all worktrees of the repository share.

    NO_GIT when there is none, or git would wait for a pipe in the place of a file.
    """
    try:
        own = own_folder(root)
        shared = "" if own is None else shared_folder(own)
    except OSError as error:
        raise Bypass(outcomes.NO_GIT, f".git: {error.strerror}") from None
    if own is None:
        raise Bypass(outcomes.NO_GIT, ".git is neither a folder nor a link to one")
    if not os.path.lexists(os.path.join(own, "HEAD")):
        raise Bypass(outcomes.NO_GIT, f"{own} holds no repository")
    for place in (os.path.join(own, "HEAD"), os.path.join(own, "index"), os.path.join(shared, "config")):
        if os.path.exists(place) and not os.path.isfile(place):
            raise Bypass(outcomes.NO_GIT, f"{place} is no file")
    return own, shared


class Git:
    """Git in the worktree at `root`, until `deadline` (time.monotonic).

    Raises Bypass: NO_GIT where there is none or it fails, TOO_SLOW past the deadline, TOO_LARGE for more output than
    anybody could use, UNCAPTURABLE where a filter cannot be switched off.
    """

    __slots__ = ("_asked", "_environ", "_path", "_settings", "deadline", "root")

    def __init__(self, root: str, environ: "Mapping[str, str]", deadline: float) -> None:
        self.root = root
        searched = folders(environ, root)
        self._path = _find_in(searched, _grounds(environ, root))
        self._environ = _environment(root, environ, searched)
        self.deadline = deadline
        self._asked: Child | None = None
        self._settings: dict[bytes, bytes] | None = None

    def ask(self) -> None:
        """Have git look for its filters; to be called ahead, where there is something to do meanwhile."""
        if self._asked is None:
            self._asked = self._spawn(_QUESTION)

    def settings(self) -> "Mapping[bytes, bytes]":
        """What filters and `core.autocrlf`, `attributesfile`, `excludesfile` are set to, by names as git has them."""
        if self._settings is None:
            self.ask()
            assert self._asked is not None  # noqa: S101 - `ask` has just seen to it
            found = _read(self.gather(self._asked, fine=(0, _NONE_FOUND))[0])
            self._environ |= _without_filters(found, self._environ)
            self._settings = found
        return self._settings

    def start(self, *arguments: str) -> Child:
        """Git's command and its arguments, under way."""
        self.settings()
        return self._spawn(arguments)

    def _spawn(self, arguments: "Sequence[str]") -> Child:
        argv = ["git", "-C", self.root, "--no-pager", "--work-tree=."]
        for option in _OPTIONS:
            argv += ("-c", option)
        try:
            return start(self._path, [*argv, *arguments], self._environ)
        except (OSError, ValueError) as error:
            raise Bypass(outcomes.NO_GIT, str(error)) from None

    def gather(self, *children: Child, fine: "Sequence[int] | None" = (0,)) -> tuple[bytes, ...]:
        """What each child printed; all of them have ended with one of the statuses that are `fine` (None: any)."""
        try:
            gather(children, self.deadline)
        except TimeoutError:
            raise Bypass(outcomes.TOO_SLOW, "git") from None
        except TooMuch:
            raise Bypass(outcomes.TOO_LARGE, "what git says of it") from None
        for child in children:
            if fine is not None and child.status not in fine:
                raise Bypass(outcomes.NO_GIT, f"git ended with status {child.status}")
        return tuple(child.output for child in children)

    def run(self, *arguments: str) -> bytes:
        """What git prints."""
        return self.gather(self.start(*arguments))[0]

    def abandon(self) -> None:
        """Let go of a question whose answer nobody came for."""
        if self._asked is not None:
            end([self._asked])


def ask_ahead(cwd: str, environ: "Mapping[str, str]", deadline: float) -> Git | None:
    """Git in the worktree around `cwd`, already at its first question; None outside of one. Raises Bypass."""
    root = find_root(os.path.realpath(cwd))
    if root is None:
        return None
    git_folders(root)
    git = Git(root, environ, deadline)
    git.ask()
    return git


def find(environ: "Mapping[str, str]", root: str) -> str:
    """The git on the person's path, which none of the repository at `root` may stand in for. Raises Bypass (NO_GIT)."""
    return _find_in(folders(environ, root), _grounds(environ, root))


def _find_in(searched: "Sequence[str]", grounds: "Sequence[str]") -> str:
    for folder in searched:
        path = os.path.join(folder, "git")
        if os.access(path, os.X_OK) and not _is_below_any(path, grounds):
            return path
    raise Bypass(outcomes.NO_GIT, "git is not on the path")


def make_repository(folder: str, environ: "Mapping[str, str]", seconds: float = 10.0) -> bool:
    """Make `folder`, which is ours, a repository without a commit; False where git is missing or fails."""
    try:
        argv = ["git", "init", "--quiet", "--template=", folder]
        child = start(find(environ, folder), argv, _environment(folder, environ, folders(environ, folder)))
        gather([child], time.monotonic() + seconds)
    except (Bypass, OSError):
        return False
    return child.status == 0


def _environment(root: str, environ: "Mapping[str, str]", searched: "Sequence[str]") -> dict[str, str]:
    given = {name: value for name, value in environ.items() if name.startswith((_COUNT, _KEY, _VALUE))}
    return {
        **{name: environ[name] for name in _KEPT if name in environ},
        **given,
        **_FIXED,
        "PATH": ":".join(searched),
        # A broken .git must not send git to a repository further up.
        "GIT_CEILING_DIRECTORIES": os.path.dirname(root),
    }


def folders(environ: "Mapping[str, str]", root: str) -> list[str]:
    """The person's path without what lies in the repository or wherever somebody works."""
    grounds = _grounds(environ, root)
    listed = environ.get("PATH", os.defpath).split(":")
    return [folder for folder in listed if os.path.isabs(folder) and not _is_below_any(folder, grounds)]


def guarded(environ: "Mapping[str, str]", root: str) -> dict[str, str]:
    """For whatever else is looked at because of the repository at `root`, which names none of the programs there."""
    return {**environ, "PATH": ":".join(folders(environ, root))}


def _grounds(environ: "Mapping[str, str]", root: str) -> list[str]:
    """Real paths of where strangers' files are: `root`, the project, and each repository that holds one of them.

    One that holds the home is the person's.
    """
    home = os.path.realpath(environ.get("HOME") or "/")
    found = []
    for begin in {root, environ.get("CLAUDE_PROJECT_DIR") or root}:
        place = os.path.realpath(begin)
        found.append(place)
        while place != "/":
            place = os.path.dirname(place)
            if os.path.lexists(f"{place}/.git"):
                found.append(place)
    return [place for place in found if not _is_below(home, place)]


def _is_below_any(path: str, grounds: "Sequence[str]") -> bool:
    """However it is spelled."""
    real = os.path.realpath(path)
    return any(_is_below(real, place) for place in grounds)


def _is_below(path: str, root: str) -> bool:
    return f"{path}/".startswith(f"{root.rstrip('/')}/")


def _read(printed: bytes) -> dict[bytes, bytes]:
    """`name LF value NUL` for each, the last of a name counts; a name may stand alone, which means true."""
    found = {}
    for item in printed.split(b"\0")[:-1]:
        name, separator, value = item.partition(b"\n")
        found[name] = value if separator else b"true"
    return found


def _without_filters(settings: "Mapping[bytes, bytes]", environ: "Mapping[str, str]") -> dict[str, str]:
    """Variables that add to the settings given by `environ` and leave git no filter to run."""
    drivers = {name[7:].rpartition(b".")[0] for name in settings if name.startswith(b"filter.")}
    if len(drivers) > _MOST_FILTERS:
        raise Bypass(outcomes.UNCAPTURABLE, f"git knows {len(drivers)} filters")
    count = environ.get(_COUNT, "0")
    if not (count.isascii() and count.isdecimal()):
        raise Bypass(outcomes.NO_GIT, f"{_COUNT} is {count!r}")
    given: dict[str, str] = {}
    at = int(count)
    for driver in sorted(drivers):
        for key, value in (("clean", ""), ("smudge", ""), ("process", ""), ("required", "false")):
            given[f"{_KEY}{at}"] = f"filter.{os.fsdecode(driver)}.{key}"
            given[f"{_VALUE}{at}"] = value
            at += 1
    return {**given, _COUNT: str(at)} if given else given


_CAP = 1 << 20


def identity(root: str) -> str:
    """`root`: top of the worktree, absolute. Raises OSError for a repository that cannot be read."""
    shared = _shared_folder(root)
    if shared is None:
        return _place(root)
    url = _origin((files.read(f"{shared}/config", _CAP) or b"").decode("utf-8", "replace"))
    return (url and normalise(url)) or _place(shared)


def normalise(url: str) -> str:
    """`host/path` of a remote's URL, `""` when it names a folder of this machine."""
    scheme, separator, rest = url.strip().partition("://")
    if not separator:
        host, colon, path = url.strip().partition(":")
        if not colon or "/" in host:  # a path
            return ""
    elif scheme == "file":
        return ""
    else:
        host, _, path = rest.partition("/")
        host = host.rpartition("@")[2].partition(":")[0]
    host = host.rpartition("@")[2].lower()
    path = path.strip("/").removesuffix(".git").strip("/")
    return f"{host}/{path}" if host and path else ""


def _place(path: str) -> str:
    """As text that every store takes, whatever bytes the path is of."""
    return os.fsencode(os.path.realpath(path)).decode("utf-8", "backslashreplace")


def _shared_folder(root: str) -> str | None:
    """The folder with the repository's config, whichever worktree this is; None outside git."""
    own = own_folder(root)
    return None if own is None else shared_folder(own)


def _origin(config: str) -> str:
    section = ""
    for line in config.splitlines():
        text = line.strip()
        if text.startswith("["):
            section = text
        elif section == '[remote "origin"]':
            name, _, value = text.partition("=")
            if name.strip().lower() == "url":
                return value.strip().strip('"')
    return ""


_HEAD_CAP = 1 << 20
_PACKED_CAP = 16 << 20  # of packed-refs; a larger one leaves the commit unknown


class Place(Record):
    root: str  # top of the worktree, or the folder outside git
    branch: str = ""  # "" when detached
    commit: str = ""  # "" when unknown


def locate(folder: str) -> Place:
    """Nothing here raises: a repository that cannot be read is a folder."""
    root = find_root(folder)
    if root is None:
        return Place(folder)
    try:
        return _read_line(root)
    except (OSError, ValueError):
        return Place(root)


def project_of(place: Place) -> str:
    """The project's identity as text that any store takes. Raises OSError for a repository that cannot be read."""
    return identity(place.root).encode("utf-8", "replace").decode("utf-8")


def _read_line(root: str) -> Place:
    own = own_folder(root)
    if own is None:
        return Place(root)
    head = (files.read(f"{own}/HEAD", _HEAD_CAP) or b"").decode("utf-8", "replace").strip()
    if not head.startswith("ref: "):
        return Place(root, "", _commit(head))
    name = head[5:].strip()
    branch = name.removeprefix("refs/heads/")
    if branch == ".invalid":  # what the reftable format leaves in this file
        return Place(root)
    shared = shared_folder(own)
    loose = files.read(f"{shared}/{name}", _HEAD_CAP)
    if loose is not None:
        return Place(root, branch, _commit(loose.decode("ascii", "replace").strip()))
    packed = files.read(f"{shared}/packed-refs", _PACKED_CAP) or b""
    at = packed.find(b" " + name.encode("utf-8", "surrogateescape") + b"\n")
    begin = packed.rfind(b"\n", 0, at) + 1
    return Place(root, branch, _commit(packed[begin:at].decode("ascii", "replace")) if at > 0 else "")


def _commit(text: str) -> str:
    whole = len(text) in (40, 64) and all(c in "0123456789abcdef" for c in text)
    return text if whole else ""
