"""The content of a git worktree, the same whatever is committed, and what git does not know of it: folders, modes.

Two processes run side by side: `ls-files` prints the index, `status` names what differs from it and what it does
not know. Neither writes to the repository or runs anything of its owner's, see `core.git`. What the index cannot be
trusted for is read from the files themselves.

A folder is looked into once: what is in it is remembered by its stamp, which every name that comes or goes changes.
One that holds nothing else than caches is left over from a branch, and does not count.

    file := form LF lines of  path NUL stamp NUL `f` if it holds files NUL names of folders in it, parted by `/` NUL
    names of sockets and pipes
"""

import os
import time

from skillcache.core import files, outcomes
from skillcache.core.files import digest, open_regular
from skillcache.core.git import Git, git_folders, guarded
from skillcache.core.outcomes import Bypass
from skillcache.core.paths import cache_folder, home_folder, mentions_folder
from skillcache.core.processes import Child, end
from skillcache.fingerprint import configuration, ignored, index
from skillcache.fingerprint.contents import GITLINK, SYMLINK, Budget, blob, mask, read, unusual_mode
from skillcache.fingerprint.ignored import is_cache
from skillcache.fingerprint.index import Content

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from skillcache.fingerprint.index import Content


_LIST = ("ls-files", "-s", "-v", "-z")
_SMALL_INDEX = 64 << 10  # some 600 entries; from here on a process beside `status` is quicker
_SWAPS, _VIM = (b".swp", b".swo", b".swn"), b"b0VIM "
_DEPTH = 8  # of repositories within repositories


class Reading:
    """One capture under way: `begin` asks git what to switch off, `proceed` starts it, `finish` gives the content.

    `without`: globs of what does not count; `git`: one that has been asked ahead.
    """

    __slots__ = (
        "budget", "careful", "children", "content", "depends", "depth", "environ", "folder", "git", "inner", "lfs",
        "listing", "rewritten", "root", "shared", "stamp", "without",
    )  # fmt: skip

    def __init__(
        self,
        root: str,
        depends: tuple[str, ...] | None,
        environ: "Mapping[str, str]",
        budget: Budget,
        depth: int = 0,
        without: tuple[str, ...] = (),
        git: Git | None = None,
    ) -> None:
        self.root = root
        self.depends = depends
        self.environ = environ
        self.budget = budget
        self.depth = depth
        self.without = without
        self.folder = self.shared = ""
        self.git = git if git is not None and git.root == root else None
        self.careful = self.lfs = False
        self.rewritten: frozenset[bytes] = frozenset()  # paths unknown to git that do not count
        self.children: list[Child] = []
        self.listing: bytes | None = None
        self.stamp: tuple[int, ...] | None = None
        self.content: Content | None = None  # once it is finished
        self.inner: dict[str, Reading] = {}  # the repositories in it, once it is: path -> what was read there

    def begin(self) -> None:
        if self.depth > _DEPTH:
            raise Bypass(outcomes.TOO_LARGE, "repositories nested too deeply")
        self.folder, self.shared = git_folders(self.root)
        if self.git is None:
            self.git = Git(self.root, self.environ, self.budget.deadline)
        self.git.ask()

    def proceed(self) -> None:
        """Once git has told of its filters, and not before: what chooses one only git reads as git does."""
        self.stamp = _stamp(self.folder)
        self.careful = index.likely(self.root, self.shared, self._git.settings(), self.environ)
        self.children = [self._start(*index.ARGUMENTS)]
        self.listing = self._decode()
        if self.listing is None:
            self.children.append(self._list())

    @property
    def _git(self) -> Git:
        assert self.git is not None  # noqa: S101 - `begin` comes first
        return self.git

    def _decode(self) -> bytes | None:
        """The listing from a small index, without a process; None when git must print it."""
        if self.stamp is None or self.stamp[1] > _SMALL_INDEX or self.depends is not None or self.without:
            return None
        data = read(os.path.join(self.folder, "index"), self.budget)
        try:
            return index.decode(data, sizes=self.careful) if data else None
        except (IndexError, ValueError):  # one that somebody made up, which git will refuse
            return None

    def _list(self) -> Child:
        return self._start(*_LIST, *(("--debug",) if self.careful else ()))

    def _start(self, *arguments: str, patterns: tuple[str, ...] = ()) -> Child:
        patterns += tuple(f":(top,glob){pattern}" for pattern in self.depends or ())
        patterns += tuple(f":(top,glob,exclude){pattern}" for pattern in self.without)
        if patterns:
            arguments += ("--", *patterns)
        return self._git.start(*arguments)

    def run(self) -> Content:
        try:
            self.begin()
            self.proceed()
            return self.finish()
        finally:
            self.abandon()

    def abandon(self) -> None:
        end(self.children)
        if self.git is not None:
            self.git.abandon()

    def finish(self, *, again: bool = True) -> Content:
        """The content; when somebody wrote the index meanwhile, that of one more attempt, or TOO_SLOW."""
        # The listing is there long before `status` ends: what can be done with it is done meanwhile.
        listing, special = self._list_index()
        links, submodules = index.paths(listing, SYMLINK), index.paths(listing, GITLINK)
        (said,) = self._git.gather(self.children[0])
        found = Content()
        dirty = index.read(said, found)
        if not self.careful and index.named(found):
            self.careful = True
            self.listing = self._decode()
            listing, special = self._list_index()
        if _stamp(self.folder) != self.stamp:
            if not again:
                raise Bypass(outcomes.TOO_SLOW, "the index keeps changing")
            self.proceed()
            return self.finish(again=False)
        dirty.update(self._unknown(found))
        dirty.update(_present(os.fsencode(self.root), [path for _, path in special]))
        if self.careful:
            dirty.update(self._converted(found))
        for path in dirty:
            self._edit(path, found, listing)
        for path in submodules:
            full = os.path.join(os.fsencode(self.root), path)
            if os.path.islink(full) or not os.path.isdir(full):
                self._edit(path, found, listing)
            elif path not in found.edits:
                found.edits[path] = self._nested(path, found)
        found.links = [path for path in links if path not in found.edits]
        found.links += [path for path, entry in found.edits.items() if entry and entry[0] == SYMLINK]
        found.digest = index.digest_edited(listing, found.edits)
        self.content = found
        return found

    def list_only(self) -> bytes:
        """The index as git prints it, after `begin` and instead of all else: no file of the worktree is looked at."""
        self.stamp = _stamp(self.folder)
        self.listing = self._decode()
        if self.listing is None:
            self.children = [self._list()]
            (self.listing,) = self._git.gather(self.children[0])
        return self.listing

    def state(self) -> str:
        """After `finish` or `list_only`: digest of what commands that ask git itself are told."""
        return configuration.state_of_git(self.folder, self.shared, self.listing or b"", self.budget)

    def excludes(self) -> bytes | None:
        """The file of patterns that `core.excludesFile` names, as it is spelled; None where it names none."""
        return self._git.settings().get(b"core.excludesfile")

    def _list_index(self) -> tuple[bytes, list[tuple[bytes, bytes]]]:
        """The ordinary lines of the index and the others, with sizes where git's objects do not say all."""
        if self.listing is None:
            self.listing = self._printed()
        if not self.careful and b".gitattributes\0" in self.listing:
            # Attributes below the top, found only now.
            self.careful = True
            self.listing = self._decode() or self._printed()
        if self.careful:
            self.listing = index.fill_sizes(self.listing, self.root)
        return index.separate(self.listing)

    def _printed(self) -> bytes:
        if len(self.children) == 1:
            self.children.append(self._list())
        (printed,) = self._git.gather(self.children.pop())
        return index.add_sizes(printed) if self.careful else printed

    def _unknown(self, found: Content) -> list[bytes]:
        """The untracked files to read. Installed packages that nobody told git to ignore are treated as ignored."""
        packages: dict[bytes, bool] = {}
        kept = []
        for path in found.untracked:
            if path in self.rewritten or is_swap(os.path.join(os.fsencode(self.root), path)):
                continue
            folder = ignored.package_folder(path, os.fsencode(self.root), packages)
            if folder is None and not ignored.is_cache(path):
                kept.append(path)
        found.ignored += [folder + b"/" for folder, holds in packages.items() if holds]
        return kept

    def _converted(self, found: Content) -> list[bytes]:
        """Files whose object says less than their bytes: an attribute turns the one into the other."""
        names, self.lfs = index.attributes(
            self.root, self.shared, self.listing or b"", found, self._git.settings(), self.environ
        )
        if not names:
            return []
        # "Not unspecified", for a pathspec cannot ask for any value.
        children = [self._start("ls-files", "-z", patterns=(f":(top,exclude,attr:!{name})",)) for name in names]
        return [path for output in self._git.gather(*children) for path in output.split(b"\0")[:-1]]

    def _edit(self, path: bytes, found: Content, listing: bytes) -> None:
        full = os.path.join(os.fsencode(self.root), path)
        if not os.path.islink(full) and os.path.lexists(os.path.join(full, b".git")):
            path = path.rstrip(b"/")
            found.edits[path] = self._nested(path, found)
            return
        now = blob(full, self.budget, long=found.long)
        if now is None or not self.careful:
            found.edits[path] = now and now[:2]
            return
        mode, oid, size = now
        if self.lfs and mode != SYMLINK:
            stored = index.lfs_oid(read(full, self.budget) or b"", long=found.long)
            if stored == index.oid_of(listing, path):  # git, which runs no filter for us, takes it for changed
                oid = stored
        found.edits[path] = mode, b"%s %d" % (oid, size)

    def _nested(self, path: bytes, found: Content) -> index.Blob | None:
        """A repository inside is its own content, whatever commit the outer one names; an empty folder is nothing."""
        top = os.path.join(self.root, os.fsdecode(path))
        if not os.path.lexists(os.path.join(top, ".git")):
            if os.listdir(top):
                raise Bypass(outcomes.UNCAPTURABLE, f"{top} is a submodule that holds files but no repository")
            return None
        environ = guarded(self.environ, self.root)
        reading = Reading(os.path.realpath(top), None, environ, self.budget, self.depth + 1)
        inner = reading.run()
        for below, above in ((inner.ignored, found.ignored), (inner.links, found.links)):
            above += [path + b"/" + name for name in below]
        self.inner |= reading.with_inner(os.fsdecode(path))
        return GITLINK, inner.digest.encode()

    def with_inner(self, path: str) -> "dict[str, Reading]":
        """It, which lies at `path` in another, and all that lie in it."""
        return {path: self, **{f"{path}/{below}": each for below, each in self.inner.items()}}


class Again(Reading):
    """What another capture of this very moment has read, for one more: nothing is asked again."""

    __slots__ = ()

    def __init__(self, first: Reading) -> None:
        for name in Reading.__slots__:
            setattr(self, name, getattr(first, name))

    def begin(self) -> None:
        return

    def proceed(self) -> None:
        return

    def abandon(self) -> None:
        return

    def finish(self, *, again: bool = True) -> Content:  # noqa: ARG002 - as of any other
        known = self.content
        assert known is not None  # noqa: S101 - only what is finished is kept
        return Content(
            known.digest,
            known.head,
            known.long,
            dict(known.edits),
            dict(known.staged),
            list(known.ignored),
            list(known.untracked),
            list(known.links),
        )


def is_swap(path: bytes) -> bool:
    """Whether it is what vim keeps beside a file that somebody has open."""
    if not path.endswith(_SWAPS) or not path.rpartition(b"/")[2].startswith(b"."):
        return False
    try:
        handle = open_regular(path, links=False)
    except OSError:
        return False
    try:
        return os.read(handle, len(_VIM)) == _VIM
    finally:
        os.close(handle)


def _present(root: bytes, paths: list[bytes]) -> list[bytes]:
    """Those of `paths` that exist; entries a sparse checkout leaves out are many, their folders few."""
    folders: dict[bytes, bool] = {b"": True}

    def folder_exists(folder: bytes) -> bool:
        if folder not in folders:
            above = folder_exists(os.path.dirname(folder))
            full = os.path.join(root, folder)
            folders[folder] = above and os.path.isdir(full) and not os.path.islink(full)
        return folders[folder]

    return [p for p in paths if folder_exists(os.path.dirname(p)) and os.path.lexists(os.path.join(root, p))]


def _stamp(folder: str) -> tuple[int, ...] | None:
    try:
        status = os.stat(os.path.join(folder, "index"))
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


_FORM = "2"
_CAP = 16 << 20
_MOST = 20_000  # folders; where there are more, none counts
_FEW = 1_000  # files: of so many every mode is looked at, of more where a text of the project speaks of such things
_LINE = 400  # bytes, generously
_RACY = 2_000_000_000  # nanoseconds: a folder that was changed so shortly before may change again with the same stamp
_APART = frozenset(["node_modules", "site-packages", ".claude"])

# Stamp, whether it holds files, folders in it, and what git lists nowhere: sockets and pipes.
KnownFolders = tuple[str, bool, tuple[str, ...], tuple[str, ...]]


def capture_folders(root: str, environ: "Mapping[str, str]", deadline: float) -> list[tuple[str, str]]:
    """(path, what of it) of each folder that is empty or has unusual permissions, and of each socket and pipe.

    Raises Bypass (TOO_SLOW).
    """
    has_cache = home_folder(environ) or environ.get("SKILLCACHE_HOME")
    file = f"{mentions_folder(cache_folder(environ))}/{digest(os.fsencode(root))}.folders" if has_cache else ""
    known = _load(file)
    now: dict[str, KnownFolders] = {}
    modes: dict[str, str] = {}
    special: list[str] = []
    pending = [""]
    is_new = False
    begun = time.time_ns()
    while pending:
        path = pending.pop()
        full = f"{root}/{path}" if path else root
        try:
            status = os.lstat(full)
        except OSError:
            continue
        stamp = f"{status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"
        held = known.get(path)
        if held is None or held[0] != stamp:
            held = _look(full, stamp if begun - status.st_mtime_ns > _RACY else "")
            is_new = True
        now[path] = held
        if path and status.st_mode & 0o777 != 0o777 & ~mask():
            modes[path] = f"{status.st_mode & 0o7777:04o}"
        pending += [f"{path}/{name}" if path else name for name in held[2]]
        special += [f"{path}/{name}" if path else name for name in held[3]]
        if len(now) > _MOST:
            return []
        if len(now) % 256 == 0 and time.monotonic() > deadline:
            raise Bypass(outcomes.TOO_SLOW, "reading folders")
    if is_new and file:
        _save(file, now)
    return [*((path, "empty") for path in _empty(now)), *modes.items(), *((path, "special") for path in special)]


def folders_within(rows: "Iterable[tuple[str, str]]", ignored: "Iterable[bytes]") -> list[tuple[str, str]]:
    """Those of `rows` that lie in nothing that git ignores, which is captured for itself."""
    tops = tuple(os.fsdecode(path) for path in ignored if path.endswith(b"/"))
    return [row for row in rows if not f"{row[0]}/".startswith(tops)] if tops else list(rows)


def modes(root: str, listing: bytes, found: "Content", *, wanted: bool) -> list[tuple[str, str]]:
    """(path, permissions) of files that git tracks or would, where they are unusual."""
    paths = [path for path, entry in found.edits.items() if entry]
    if wanted or (len(listing) < _FEW * _LINE and listing.count(b"\0") <= _FEW):
        paths += [line[line.find(b"\t") + 1 :] for line in listing.split(b"\0") if line]
    top = os.fsencode(root) + b"/"
    rows = {}
    for path in paths:
        try:
            mode = unusual_mode(os.lstat(top + path))
        except OSError:
            continue
        if mode:
            rows[os.fsdecode(path)] = mode.strip()
    return list(rows.items())


def owners(root: str, listing: bytes, found: "Content") -> list[tuple[str, str]]:
    """(path, numbers) of such files that another owns than who runs this."""
    paths = {line[line.find(b"\t") + 1 :] for line in listing.split(b"\0") if line}
    paths.update(path for path, entry in found.edits.items() if entry)
    mine = os.geteuid(), os.getegid()
    rows = []
    for path in sorted(paths):
        try:
            status = os.lstat(os.path.join(os.fsencode(root), path))
        except OSError:
            continue
        if (status.st_uid, status.st_gid) != mine:
            rows.append((os.fsdecode(path), f"{status.st_uid} {status.st_gid}"))
    return rows


def _look(path: str, stamp: str) -> KnownFolders:
    holds = False
    inside, special = [], []
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False) and not _is_apart(entry):
                    inside.append(entry.name)
                    continue
                holds = True
                if not (entry.is_file(follow_symlinks=False) or entry.is_dir() or entry.is_symlink()):
                    special.append(entry.name)
    except OSError:
        holds = True
    return stamp, holds, tuple(inside), tuple(name for name in special if "\n" not in name)


def _is_apart(entry: "os.DirEntry[str]") -> bool:
    """Whether a folder is a cache, installed packages or another repository, whose folders are not the project's."""
    if entry.name in _APART or "\n" in entry.name or is_cache(os.fsencode(entry.name)):
        return True
    return os.path.lexists(f"{entry.path}/pyvenv.cfg") or os.path.lexists(f"{entry.path}/.git")


def _empty(known: "Mapping[str, KnownFolders]") -> list[str]:
    full: set[str] = {""}
    for path, (_, holds, _, _) in known.items():
        folder = path if holds else ""
        while folder not in full:
            full.add(folder)
            folder = folder.rpartition("/")[0]
    return sorted(known.keys() - full)


def _load(file: str) -> dict[str, KnownFolders]:
    try:
        text = files.unsealed(file, _CAP).decode("utf-8", "surrogateescape") if file else ""
    except OSError:
        return {}
    form, *lines = text.split("\n")
    found: dict[str, KnownFolders] = {}
    for line in lines if form == _FORM else ():
        path, stamp, holds, *names = line.split("\0")
        inside, special = (tuple(each.split("/")) if each else () for each in names)
        found[path] = stamp, holds == "f", inside, special
    return found


def _save(file: str, known: "Mapping[str, KnownFolders]") -> None:
    lines = [
        "\0".join((path, stamp, "f" * holds, "/".join(inside), "/".join(special)))
        for path, (stamp, holds, inside, special) in known.items()
    ]
    try:
        files.seal(file, "\n".join([_FORM, *lines]).encode("utf-8", "surrogateescape"))
    except OSError:  # what is not remembered is looked at again
        return
