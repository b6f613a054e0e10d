"""What has changed since a session: commits, and the files that it had edited. Git is asked, for a moment only."""

import os
import time

from skillcache.errors import SkillcacheError
from skillcache.process import Child, end, gather, start
from skillcache.sessions.brief.facts import Facts
from skillcache.sessions.brief.wording import ANGLE, ELLIPSIS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_SECONDS = 0.5
_COMMITS = 50
_FILES = 40
_OPTIONS = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "protocol.allow=never")


class Changes:
    """commits: their one-line texts, newest first, None where the session's commit is not in this clone.

    uncommitted, committed, touched: paths that it had edited: not committed yet, in commits since, and written or
    removed on disk since (known only where the session worked in this very folder).
    """

    __slots__ = ("commits", "committed", "touched", "uncommitted")

    def __init__(self) -> None:
        self.commits: list[str] | None = []
        self.uncommitted: set[str] = set()
        self.committed: set[str] = set()
        self.touched: set[str] = set()


def look(facts: Facts, root: str, host: str, environ: "Mapping[str, str]") -> Changes:
    """Whatever cannot be found out in time is left out."""
    changes = Changes()
    paths = [path for path, _ in facts.files if _is_inside(path)][:_FILES]
    if os.path.isdir(root) and facts.state.get("root") == root and facts.state.get("host") == host:
        changes.touched = {path for path in paths if _is_touched(f"{root}/{path}", facts.active)}
    git = _find_git(environ)
    if git is not None and os.path.lexists(f"{root}/.git"):
        _ask(changes, facts.commit, paths, _Git(git, root, environ))
    return changes


class _Git:
    __slots__ = ("environ", "path", "root")

    def __init__(self, path: str, root: str, environ: "Mapping[str, str]") -> None:
        self.path = path
        self.root = root
        kept = ("HOME", "XDG_CONFIG_HOME", "PATH", "TMPDIR")
        self.environ = {name: environ[name] for name in kept if name in environ}
        self.environ |= {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1"}

    def start(self, *words: str) -> Child:
        return start(self.path, ["git", "-C", self.root, "--literal-pathspecs", *_OPTIONS, *words], self.environ)


def _ask(changes: Changes, commit: str, paths: list[str], git: _Git) -> None:
    children: dict[str, Child] = {}
    try:
        if commit:
            count = str(_COMMITS)
            children["log"] = git.start(
                "log", "--no-show-signature", "--no-color", "-n", count, "--format=%h %s", f"{commit}..HEAD", "--"
            )
        if paths:
            untracked = ("--untracked-files=all", "--no-renames", "--ignore-submodules=all")
            children["status"] = git.start("status", "--porcelain", "-z", *untracked, "--", *paths)
        if paths and commit:
            plumbing = ("diff-tree", "-r", "-z", "--name-only", "--no-commit-id")
            children["diff"] = git.start(*plumbing, commit, "HEAD", "--", *paths)
        gather(list(children.values()), time.monotonic() + _SECONDS)
    except (OSError, SkillcacheError):  # TimeoutError among them
        end(list(children.values()))
        return
    answered = {name: _text(child) for name, child in children.items()}
    said = answered.get("log")
    if said is not None:
        changes.commits = said.splitlines()
    elif commit and _has_head(git):
        changes.commits = None
    changes.uncommitted = {record[3:] for record in (answered.get("status") or "").split("\0") if len(record) > 3}
    changes.committed = {path for path in (answered.get("diff") or "").split("\0") if path}


def _has_head(git: _Git) -> bool:
    """Whether git answers here at all: it refuses, say, in a folder that somebody else owns."""
    children: list[Child] = []
    try:
        children.append(git.start("rev-parse", "--verify", "--quiet", "HEAD"))
        gather(children, time.monotonic() + _SECONDS)
    except OSError:
        end(children)
        return False
    return children[0].status == 0


def _text(child: Child) -> str | None:
    return child.output.decode("utf-8", "replace") if child.status == 0 else None


def _is_inside(path: str) -> bool:
    """A path that was shortened or mended for display is not that of a file."""
    return not path.startswith(("/", "~")) and ".." not in path.split("/") and not {ELLIPSIS, ANGLE} & set(path)


def _is_touched(path: str, since: int) -> bool:
    """A file that is gone was removed since where its folder has changed since."""
    for place in (path, path.rpartition("/")[0]):
        try:
            return os.stat(place).st_mtime_ns // 1_000_000 > since
        except FileNotFoundError:
            continue
        except OSError:
            break
    return False


def _find_git(environ: "Mapping[str, str]") -> str | None:
    for folder in environ.get("PATH", os.defpath).split(":"):
        path = f"{folder}/git"
        if folder.startswith("/") and os.access(path, os.X_OK):
            return path
    return None
