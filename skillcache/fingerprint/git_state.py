"""What of git's own state a text asks for, and what that is: the commit, tags, branches, the index, settings.

Read generously, as all that a text names: a command of git's beside the word, wherever it stands, a library that asks,
a path below `.git`. What only says where a repository lies, or makes one, asks for nothing.
"""

import os

from skillcache.core.digest import digest, digest_parts
from skillcache.core.files import read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Set as AbstractSet

COMMIT, TAGS, BRANCHES, INDEX, SETTINGS = b"?commit", b"?tags", b"?branches", b"?index", b"?settings"
REFERENCES = b"?references"
ALL = frozenset([COMMIT, TAGS, BRANCHES, INDEX, SETTINGS])
_FILE = b"?.git/"  # and the path of a file there
_COMMANDS = {
    (COMMIT,): b"log show rev-list rev-parse shortlog blame cat-file ls-tree archive whatchanged cherry reflog"
    b" merge-base format-patch diff-tree",
    (COMMIT, TAGS): b"describe name-rev",
    (COMMIT, INDEX): b"diff status diff-index diff-files",
    (COMMIT, BRANCHES): b"branch symbolic-ref show-branch",
    (COMMIT, BRANCHES, TAGS): b"for-each-ref show-ref worktree notes",
    (COMMIT, BRANCHES, INDEX): b"stash",
    (TAGS,): b"tag",
    (INDEX,): b"ls-files",
    (SETTINGS,): b"remote config",
}
_ASKING = {command: signs for signs, commands in _COMMANDS.items() for command in commands.split()}
# Behind one of these words, what asks for nothing that is the repository's own.
_NOTHING = {
    b"rev-parse": (b"--show-", b"--git-", b"--is-", b"--absolute-git-dir", b"--parseopt", b"--sq-quote", b"--local-"),
    b"config": (b"--global", b"--system", b"--file", b"--add", b"--unset", b"user.", b"init.", b"commit.", b"core."),
}
# They ask git, or read what it keeps. GitPython, pygit2, dulwich, setuptools-scm 10, simple-git, isomorphic-git and
# others as they are imported.
_LIBRARIES = (
    *(b"git.Repo(", b"from git import", b"pygit2", b"dulwich", b"setuptools_scm", b"vcs_versioning", b"hatch_vcs"),
    *(b"versioningit", b"dunamai", b"versioneer.get_version", b"simple-git", b"simpleGit", b"isomorphic-git"),
    *(b"nodegit", b"git-describe", b"git-rev-sync", b"git-repo-info", b"current-git-branch", b"vergen", b"git2::"),
    *(b"git_version!", b"go-git", b"rugged", b"Rugged"),
)
_BLANKS = bytes.maketrans(b" \t\r\n\"'`,;:=()[]{}<>|&@+", b" " * 23)
_SIGNS_OF_ONE = (b"git", b"_scm", b"vcs", b"dulwich", b"dunamai", b"versioneer", b"Git", b"vergen", b"ugged")
# In a revision that is not the one checked out.
_OTHERS = (b"origin", b"upstream", b"main", b"master", b"..", b"develop", b"trunk", b"FETCH_HEAD")
_COMMENTS = (b"#", b"//", b"*", b"/*", b"--", b";")
_TELLING = frozenset([b"arg", b"args"])  # `Command::new("git").args(["describe"])`
_NEAR = 160  # bytes behind the word in which the command stands
_AHEAD = 5  # words
_OF_NAME = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_OF_PATH = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./")
_CAP = 4 << 20


def asked(data: bytes) -> set[bytes]:
    """Signs of what the text asks for; none for nearly all."""
    found: set[bytes] = set()
    if any(each in data for each in _SIGNS_OF_ONE) and any(each in data for each in _LIBRARIES):
        found |= ALL
    for spelling in (b"git", b"GIT", b"Git"):
        at = data.find(spelling)
        while at >= 0:
            if data[at + 3 : at + 4] not in (b"h", b"l", b"s", b"n"):  # most are of github, gitlab, digits
                found |= _asked_at(data, at, spelling)
            at = data.find(spelling, at + 3)
    return found


# Tools, and options of tools, that go by what git says has changed or is known to it: in what a task runs.
_BY_CHANGES = (
    *(b"--changed", b"--staged", b"--since", b"affected", b"--baseline-commit", b"--compare-branch", b"...[", b"=["),
    *(b"lint-staged", b"pretty-quick", b"pre-commit", b"prek ", b"lefthook", b"diff-cover", b"diff-quality", b"darker"),
    *(b"commitlint", b"changeset status", b"beachball check", b"towncrier", b"gitleaks", b"nx format:check"),
    *(b"check-manifest", b"reuse lint", b"detect-secrets", b"treefmt", b"semgrep ci", b"gitlint", b"cz check"),
    *(b"--picked", b"--diff-filter", b"trufflehog", b"eclint", b"git-cliff", b"cog check", b"danger ", b"trunk check"),
)


def asked_by_tools(text: bytes) -> set[bytes]:
    """Signs of what the tools ask for that a task's text runs."""
    return {COMMIT, INDEX, REFERENCES} if any(each in text for each in _BY_CHANGES) else set()


def _asked_at(data: bytes, at: int, spelling: bytes) -> set[bytes]:
    ahead, behind = data[at - 1 : at] if at else b"", data[at + 3 : at + 4]
    if ahead == b"." and behind != b".":
        return _kept(data, at) if spelling == b"git" else set()
    if data[data.rfind(b"\n", 0, at) + 1 : at].lstrip().startswith(_COMMENTS):
        return set()
    is_word = not ahead or ahead[0] not in _OF_NAME or ahead == b"_" or (spelling == b"Git" and ahead.islower())
    if not is_word or (behind and behind[0] in _OF_NAME):
        return set()
    words = data[at + 3 : at + 3 + _NEAR].translate(_BLANKS).split()[: _AHEAD + 2]
    for number, word in enumerate(words[:_AHEAD]):
        command = word.lstrip(b".")
        if command in _ASKING:
            rest = words[number + 1 : number + 2]
            if rest and rest[0].startswith(_NOTHING.get(command, ())):
                return set()
            others = {REFERENCES} if any(sign in each for each in words[number + 1 :] for sign in _OTHERS) else set()
            return {*_ASKING[command], *(others if COMMIT in _ASKING[command] else ())}
        if number == 0 and word[:1] != b"-" and command not in _TELLING:
            return set()
    return set()


# A line with one of these asks whether there is a folder or a file: a linked worktree's `.git` is no folder.
_OF_A_KIND = (
    *(b"isdir", b"is_dir", b"isDirectory", b"isfile", b"is_file", b"isFile", b"IsDir", b" -d ", b" -f ", b"directory?"),
    *(b"file?", b"Is_Dir", b"isRegularFile", b"DirectoryExists", b"Directory.Exists", b"File.Exists"),
)


def _kept(data: bytes, at: int) -> set[bytes]:
    """The files below `.git` that a path names, in one piece or in two."""
    path = data[at + 3 : at + 3 + _NEAR].partition(b"\n")[0]
    line = data[data.rfind(b"\n", 0, at) + 1 : at] + path
    if path[:1] not in (b"", b"/") and path[0] not in _OF_PATH and any(sign in line for sign in _OF_A_KIND):
        return {_FILE}
    if path[:1] == b"/":
        end = next((number for number, byte in enumerate(path) if byte not in _OF_PATH), len(path))
        name = path[1:end].strip(b"/")
    else:
        name = (path.translate(_BLANKS).replace(b"/", b" ").split() or [b""])[0]
        name = name if name.isupper() or name in (b"hooks", b"config", b"refs") else b""
    return {_FILE + name} if name and b".." not in name else set()


def rows(
    said: "AbstractSet[bytes]", folder: str, shared: str, head: str, listing: bytes
) -> "Iterator[tuple[str, str]]":
    """(name, digest) of what is asked for of a worktree; folder, shared: as `core.git.git_folders` has them."""
    files = {sign for sign in said if sign.startswith(_FILE)}
    if ALL.isdisjoint(said) and not files and REFERENCES not in said:
        return
    if files:
        yield ".git", "a folder" if folder.endswith("/.git") else "a file"
    if COMMIT in said:
        yield "commit", digest(head.encode())
    if INDEX in said:
        yield "index", digest(listing)
    if SETTINGS in said:
        yield "settings", digest(read(f"{shared}/config", _CAP) or b"")
    if TAGS in said:
        yield "tags", _references(shared, ("refs/tags",))
    if REFERENCES in said:
        yield "references", _references(shared, ("refs",))
    if BRANCHES in said:
        own = read(f"{folder}/HEAD", _CAP) or b""
        yield "branches", digest_parts([own, _references(shared, ("refs/heads", "refs/stash", "refs/notes")).encode()])
    for sign in sorted(files - {_FILE}):
        name = os.fsdecode(sign[len(_FILE) :])
        yield f".git/{name}", digest_parts(_at(f"{place}/{name}") for place in dict.fromkeys((folder, shared)))


def _references(shared: str, names: "Iterable[str]") -> str:
    wanted = tuple(names)
    parts = [
        line
        for line in (read(f"{shared}/packed-refs", _CAP) or b"").splitlines()
        if line.partition(b" ")[2].startswith(tuple(map(os.fsencode, wanted))) or line[:1] == b"^"
    ]
    for name in wanted:
        for path in _below(f"{shared}/{name}"):
            parts += [os.fsencode(path[len(shared) :]), read(path, _CAP) or b""]
    return digest_parts(parts)


def _below(top: str) -> "Iterator[str]":
    if os.path.isfile(top):
        yield top
    for folder, folders, names in os.walk(top):
        folders.sort()
        yield from (f"{folder}/{name}" for name in sorted(names))


def _at(path: str) -> bytes:
    """What is there: the content of a file, the names in a folder."""
    if os.path.isdir(path):
        return b"\0".join(map(os.fsencode, sorted(os.listdir(path))))
    return (b"is " + (read(path, _CAP) or b"")) if os.path.isfile(path) else b""
