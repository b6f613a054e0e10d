"""What of git's own state a text asks for, and what that is: the commit, tags, branches, the index, settings.

Read generously, as all that a text names: a command of git's beside the word, wherever it stands, a library that asks,
a path below `.git`. What only says where a repository lies, or makes one, asks for nothing.
"""

import os

from skillcache.core.files import digest, digest_parts, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Set as AbstractSet

COMMIT, TAGS, BRANCHES, INDEX, SETTINGS = b"?commit", b"?tags", b"?branches", b"?index", b"?settings"
REFERENCES = b"?references"
ALL = frozenset([COMMIT, TAGS, BRANCHES, INDEX, SETTINGS])
_FILE = b"?.git/"  # and the path of a file there
_COMMANDS = {
    (COMMIT,): b"log show rev-list rev-parse shortlog blame cat-file ls-tree archive whatchanged cherry"
    b" merge-base format-patch diff-tree",
    (COMMIT, b"?.git/logs/HEAD"): b"reflog",
    (COMMIT, TAGS): b"describe name-rev",
    (COMMIT, INDEX): b"diff diff-index diff-files",
    (COMMIT, INDEX, BRANCHES): b"status",
    (COMMIT, BRANCHES): b"branch symbolic-ref show-branch",
    (COMMIT, BRANCHES, TAGS): b"worktree notes",
    (COMMIT, BRANCHES, TAGS, REFERENCES): b"for-each-ref show-ref",
    (COMMIT, BRANCHES, INDEX): b"stash",
    (TAGS,): b"tag",
    (INDEX,): b"ls-files write-tree submodule",
    (COMMIT, INDEX, REFERENCES): b"grep verify-commit verify-tag range-diff bundle",
    (BRANCHES, TAGS, REFERENCES): b"ls-remote",
    (SETTINGS,): b"remote config var",
    (b"?.git/BISECT_LOG",): b"bisect",
    (b"?.git/info/sparse-checkout", INDEX): b"sparse-checkout",
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
# What is done with git, and asks for nothing.
_DOING = frozenset(
    b"""add am apply checkout cherry-pick clean clone commit fetch gc help init lfs merge mv pull push
    rebase reset restore revert rm switch update-index update-ref version""".split()
)
# A text hands git a command that stands elsewhere: in itself, or in another, which speaks of no git.
OPEN, _MEANT = b"?open", b"?~"
_UNLIKE = frozenset(  # a string of another meaning hardly begins so
    b"""rev-list rev-parse shortlog cat-file ls-tree merge-base diff-tree describe name-rev diff-index diff-files
    symbolic-ref for-each-ref show-ref ls-files""".split()
)
_OF_UNLIKE = (b"rev-", b"ls-", b"describe", b"-ref", b"merge-base", b"diff-", b"cat-file", b"name-rev", b"shortlog")
_QUOTES = (b'"', b"'", b"`")
_GOES_ON = (b" {", b" $", b' "', b" %")  # as in `f"git {command}"`, `git "$@"`
_NEAR = 160  # bytes behind the word in which the command stands
_AHEAD = 5  # words
_OF_NAME = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_OF_PATH = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./")
_CAP = 4 << 20


def asked(data: bytes, *, is_shell: bool = False) -> set[bytes]:
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
    is_meant = OPEN in found or any(each in data for each in _OF_UNLIKE)
    for command in _begun(data, is_shell=is_shell) if is_meant else ():
        signs_of = _ASKING.get(command, ())
        if OPEN in found:
            found.update(signs_of)
        elif command in _UNLIKE:
            found.update(_MEANT + sign for sign in signs_of)
    return found


def _begun(data: bytes, *, is_shell: bool) -> "Iterator[bytes]":
    """The words with which strings begin, and of a shell's text those behind what stands for git."""
    for quote in _QUOTES:
        if quote in data:
            for piece in data.split(quote)[1:]:
                yield piece[:_LONGEST].lstrip(b" ").split(b" ", 1)[0].partition(b"\n")[0]
    for line in data.split(b"\n") if is_shell else ():
        yield from line.lstrip(b"\t @-").split(None, 2)[1:2]


_LONGEST = 32


def meant(said: "AbstractSet[bytes]") -> set[bytes]:
    """What texts ask for that name a command of git's, where another one hands git what it is told."""
    return {sign[len(_MEANT) :] for sign in said if sign.startswith(_MEANT)} if OPEN in said else set()


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
            if rest and rest[0].startswith(_NOTHING.get(command, ())) and not _is_only_asked(data, at, rest[0]):
                return _kept_elsewhere(data) if command == b"rev-parse" else set()
            return {*_ASKING[command], *_asked_by_words(command, words[number + 1 :])}
        if number == 0 and word[:1] != b"-" and command not in _TELLING:
            return {OPEN} if command not in _DOING and _is_handed(data, at) else set()
    return {OPEN} if _is_handed(data, at) else set()


# Behind a name that is asked for, and is given no value, a command ends.
_ENDS = (b")", b"]", b"\n", b";", b"|", b"", b"`", b"'", b'"')


def _is_only_asked(data: bytes, at: int, name: bytes) -> bool:
    """Whether the setting of this name is read there, and not set."""
    if b"." not in name:
        return False
    end = data.find(name, at) + len(name)
    return data[end : end + 4].lstrip(b"\"'`, ")[:1] in _ENDS and b"," not in data[end : end + 2]


# The files that somebody asks for who has asked where the repository's folder is.
_IN_FOLDER = tuple(
    b"""HEAD MERGE_HEAD REBASE_HEAD CHERRY_PICK_HEAD REVERT_HEAD ORIG_HEAD FETCH_HEAD BISECT_LOG config hooks
    packed-refs shallow rebase-merge rebase-apply info/exclude info/attributes info/sparse-checkout MERGE_MSG
    COMMIT_EDITMSG modules worktrees logs/HEAD""".split()
)


def _kept_elsewhere(data: bytes) -> set[bytes]:
    """The files below the folder of the repository that a text names which asks git for that folder."""
    if not any(each in data for each in (b"--git-dir", b"--git-path", b"--git-common-dir", b"--absolute-git-dir")):
        return set()
    return {_FILE + name for name in _IN_FOLDER if name in data}


# What a command is told that makes it speak of branches, of tags, of any reference; and commands that are told of one.
_OF_ALL_REFERENCES = (
    *(b"--all", b"--branches", b"--tags", b"--remotes", b"--glob", b"--decorate", b"--contains", b"--merged"),
    *(b"--no-merged", b"--points-at", b"--source", b"--simplify-by", b"--with-tree", b"%d", b"%D", b"%S", b"refs/"),
)
_OF_BRANCH = (b"--abbrev-ref", b"--symbolic", b"-sb", b"--branch", b"@{", b"-b")
_TOLD_OF_ONE = frozenset(b"rev-parse rev-list merge-base cat-file ls-tree archive show".split())


def _asked_by_words(command: bytes, told: list[bytes]) -> set[bytes]:
    """What the words behind a command ask for besides."""
    found: set[bytes] = set()
    if any(each.startswith(_OF_BRANCH) or b"@{" in each for each in told):
        found |= {BRANCHES, REFERENCES, SETTINGS}
    if any(sign in each for each in told for sign in _OF_ALL_REFERENCES):
        found |= {COMMIT, BRANCHES, REFERENCES}
    if command == b"branch" and not {b"-r", b"-a", b"-vv"}.isdisjoint(told):
        found.add(REFERENCES)
    if COMMIT in _ASKING[command]:
        first = next((each for each in told if each[:1] != b"-"), b"HEAD")
        is_one = command in _TOLD_OF_ONE and not first.startswith(b"HEAD")
        if is_one or any(sign in each for each in told for sign in _OTHERS):
            found.add(REFERENCES)
    return found


def _is_handed(data: bytes, at: int) -> bool:
    """Whether the word there is a program's name, and what it is told stands elsewhere."""
    ahead, behind = data[at - 1 : at], data[at + 3 : at + 5]
    if behind[:1] == ahead and ahead in _QUOTES:
        return True
    if behind.startswith(_GOES_ON):
        return ahead in (*_QUOTES, b"", b" ", b"\n", b"\t", b"(", b";", b"|", b"&")
    return behind[:1] in (b"", b"\n") and data[max(0, at - 3) : at].rstrip().endswith(b"=")


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
        beside = _references(shared, ("refs/notes", "refs/replace"))  # which speak of it, or stand for it
        yield "commit", digest_parts([head.encode(), beside.encode()])
    if INDEX in said:
        yield "index", digest(listing)
    if SETTINGS in said:
        yield "settings", digest_parts(_settings(folder, shared))
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


def _settings(folder: str, shared: str) -> "Iterator[bytes]":
    """The repository's, the worktree's own and what they include."""
    pending = list(dict.fromkeys([f"{shared}/config", f"{folder}/config.worktree"]))
    for path in pending:
        text = read(path, _CAP) or b""
        yield text
        for line in text.splitlines() if b"[include" in text else ():
            name, equals, value = line.partition(b"=")
            if equals and name.strip() == b"path" and len(pending) < _MOST:
                pending.append(os.path.join(os.path.dirname(path), os.fsdecode(value.strip().strip(b'"'))))


_MOST = 20  # files of settings


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
