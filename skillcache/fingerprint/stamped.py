"""The content of large folders that seldom change, such as installed packages, read once and then known by stamps.

What says whether a file is as it was are its inode and the time of its last change, which nobody sets: its size and the
time of its last writing are what installers and `touch` choose. All are looked at in each call, here or in a large
folder by `find` (see `unchanged`, which is asked first), for a patch or a generator writes a file where it lies, and no
folder shows that. What counts is the content, the same on two machines.

    memo    = records parted by two bytes of zero, each of fields parted by one
    record  = name stamp digest link*; the first is of the whole and called as `_FORM` says, any other of what the
              folder holds by that name, "." for the files that lie in it
"""

import marshal
import os
import stat
import time

from skillcache.core import Record, field, files, outcomes
from skillcache.core.files import blake2b, digest, open_regular
from skillcache.core.outcomes import Bypass
from skillcache.core.paths import stamps_folder
from skillcache.fingerprint.contents import CACHES, Budget, State, is_left_out, keep_state, state_of

_FORM = "whole 1"
_OWN = "."
_CAP = 64 << 20
_MOST, _MOST_BYTES = 1_000_000, 64 << 30  # of one folder
_PIECE = 1 << 20
_SHARE = 0.3  # of the time that is left, for reading what was not read before
_SPARE = 0.2  # seconds before the deadline in which what was read is written down
_FINE, _COARSE = 50_000_000, 2_000_000_000  # ns in which one stamp may stand for two contents
_SECOND = 1_000_000_000
_DAY = 86_400
_NEW = 600  # seconds
# Where an installer has written down how it came by a package.
_OF_INSTALLERS = frozenset("INSTALLER REQUESTED direct_url.json uv_cache.json uv_build.json".split())  # noqa: SIM905
_OF_MANY = (".pnpm", ".store", ".bun")  # folders of packages within such folders
_BYTES = "surrogateescape"
_LARGE = "large"  # the stamp of a folder that holds too much
_DIGITS = 32


class FolderContent(Record):
    """What a folder holds."""

    digest: str
    links: tuple[str, ...] = ()  # absolute paths outside it that its symbolic links lead to


class _Part(Record):
    stamp: str
    digest: str
    links: tuple[str, ...] = ()


class _Memo(Record):
    whole: _Part
    parts: dict[str, _Part] = field(default_factory=dict)


def content(top: str, root: str, budget: Budget, *, most: int = _MOST) -> FolderContent:
    """Of the folder at the real path `top`; `root`, wherever a text in it says so, is as in any other worktree.

    While it is not all read, for each look does a part, its stamps count themselves: they say as much on this machine.
    So they do for ten minutes after, while they are the same, or what was recorded by them would be of no use.
    TOO_LARGE for more than `most` files, which is remembered for a day; TOO_SLOW where not even they could be had.
    """
    known = budget.seen.get(top)
    if known is None:
        known = budget.seen[top] = _content(top, root, budget, most)
    assert isinstance(known, FolderContent)  # noqa: S101 - nothing else is kept by a path
    return known


def of_file(path: str, budget: Budget) -> str:
    """Digest of one large file, known by its stamp where it was read before; by that alone where the time is short."""
    try:
        handle = open_regular(path)
    except OSError:
        return "unreadable"
    try:
        status = os.fstat(handle)
        stamp = f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"
        kept = f"{stamps_folder(budget.cache)}/{digest(os.fsencode(path))}.one" if budget.cache else ""
        known, value = _of_file(kept)
        if known == stamp and len(value) == _DIGITS:
            return value
        state = blake2b(digest_size=16)
        while data := os.read(handle, _PIECE):
            state.update(data)
            if time.monotonic() > budget.deadline - _SPARE:
                return stamp
        value = str(state.hexdigest())
        if kept and status.st_ctime_ns < time.time_ns() - _COARSE:
            files.make_folder(stamps_folder(budget.cache))
            files.seal(kept, f"{stamp}\n{value}".encode())
        return value
    except OSError:
        return "unreadable"
    finally:
        os.close(handle)


def _of_file(kept: str) -> tuple[str, str]:
    try:
        stamp, _, value = (
            files.unsealed(kept, _PIECE).decode("ascii", "replace").partition("\n") if kept else ("", "", "")
        )
    except OSError:
        return "", ""
    return stamp, value


def _content(top: str, root: str, budget: Budget, most: int) -> FolderContent:
    kept = f"{_path(budget.cache, top, root)}.state" if budget.cache else ""
    if kept and top not in _BY_STAMPS:
        state = state_of(kept, top, budget)
        if state is not None and state.files <= most:
            return FolderContent(state.digest, state.links)
    began = time.time_ns()
    memo = _load(budget.cache, top, root)
    if memo is not None and memo.whole.stamp == _LARGE:
        raise Bypass(outcomes.TOO_LARGE, f"everything below {top}")
    try:
        walk = _Walk(top, budget, most)
    except Bypass as bypass:
        if bypass.outcome is outcomes.TOO_LARGE and memo is None:
            _save(budget.cache, top, root, _Memo(_Part(_LARGE, "0" * _DIGITS)))
        raise
    if memo is not None and memo.whole.stamp == walk.whole and top not in _BY_STAMPS:
        by_stamps = _by_stamps(walk, root, budget)
        if kept and not by_stamps and not walk.recent:
            whole = memo.whole
            state = State(whole.digest, whole.links, most - walk.files, walk.newest)
            keep_state(kept, top, state, began, budget)
        return FolderContent(by_stamps or memo.whole.digest, memo.whole.links)
    return _read(walk, root, budget, memo.parts if memo is not None else {})


def _read(walk: "_Walk", root: str, budget: Budget, known: dict[str, _Part]) -> FolderContent:
    parts: dict[str, _Part] = {}
    now = time.monotonic()
    until = now + _SHARE * (budget.deadline - now)
    # What may have changed since without another stamp is read in any case.
    for name in (*sorted(walk.recent), *walk.stamps.keys() - walk.recent):
        part = known.get(name)
        if part is None or part.stamp != walk.stamps[name]:
            end = budget.deadline - _SPARE if name in walk.recent else until
            try:
                part = _Reader(walk.top, root, walk.stamps[name], end).part(name)
            except TimeoutError:
                continue
        parts[name] = part
    kept = {name: part for name, part in parts.items() if name not in walk.recent}
    is_whole = len(parts) == len(walk.stamps) and walk.top not in _BY_STAMPS
    links = {link for part in parts.values() for link in part.links}
    state = blake2b(digest_size=16)
    for name, seen in sorted(walk.stamps.items()):
        value = parts[name].digest if name in parts and (is_whole or name in walk.recent) else seen
        state.update(b"%d:%s%s" % (len(os.fsencode(name)), os.fsencode(name), value.encode()))
    whole = _Part(walk.whole if len(kept) == len(walk.stamps) else "", state.hexdigest(), tuple(sorted(links)))
    if is_whole:
        if kept != known or whole.stamp:
            _save(budget.cache, walk.top, root, _Memo(whole, kept))
        return FolderContent(_by_stamps(walk, root, budget) or whole.digest, whole.links)
    whole.stamp = ""
    _save(budget.cache, walk.top, root, _Memo(whole, {**known, **kept}))
    _BY_STAMPS.add(walk.top)
    if not walk.recent <= parts.keys():
        raise Bypass(outcomes.TOO_SLOW, f"{walk.top} is new: the next call goes on reading it")
    for name in walk.stamps.keys() - parts.keys():
        links |= _Reader(walk.top, root, "", budget.deadline).linked(name)
    value = _by_stamps(walk, root, budget)
    if not value:
        value = f"stamps: {whole.digest}"
        _keep_by_stamps(walk, root, budget, value)
    return FolderContent(value, tuple(sorted(links)))


def _by_stamps(walk: "_Walk", root: str, budget: Budget) -> str:
    """By what a folder was known a moment ago, while it was not all read, if nothing has changed since."""
    path = f"{_path(budget.cache, walk.top, root)}.new"
    try:
        if not budget.cache or walk.recent or os.stat(path).st_mtime < time.time() - _NEW:
            return ""
        whole, _, value = (files.read(path, _PIECE) or b"").decode("ascii", "replace").partition("\n")
    except OSError:
        return ""
    return value if whole == walk.whole and value.startswith("stamps: ") else ""


def _keep_by_stamps(walk: "_Walk", root: str, budget: Budget, value: str) -> None:
    if not budget.cache:
        return
    try:
        files.make_folder(stamps_folder(budget.cache))
        files.write(f"{_path(budget.cache, walk.top, root)}.new", f"{walk.whole}\n{value}".encode())
    except OSError:
        return


# What this process knows by stamps alone stays so: a command's end is held against its beginning.
_BY_STAMPS: set[str] = set()


class _Walk:
    """stamps: of all that the folder holds, by name; recent: what may have changed since without another stamp."""

    __slots__ = ("bytes", "files", "newest", "recent", "stamps", "top", "whole")

    def __init__(self, top: str, budget: Budget, most: int) -> None:
        self.top = top
        self.stamps: dict[str, str] = {}
        self.recent: set[str] = set()
        self.newest = 0
        self.files, self.bytes = most, _MOST_BYTES
        now = time.time_ns()
        own: list[object] = []
        folders: list[str] = []
        for name in sorted(os.listdir(top)):
            if is_left_out(name, top):
                continue
            path = f"{top}/{name}"
            status = os.lstat(path)
            if not stat.S_ISDIR(status.st_mode):
                own += (name, status.st_ino, status.st_ctime_ns)
                self._note(_OWN, [status.st_ctime_ns], [status.st_size], now)
            elif name[0] == "@" or name in _OF_MANY:
                folders += [f"{name}/{below}" for below in sorted(os.listdir(path))]
            else:
                folders.append(name)
        self.stamps[_OWN] = digest(marshal.dumps(own, 2))
        for name in folders:
            self.stamps[name] = self._look(f"{top}/{name}", name, now)
            if time.monotonic() > budget.deadline:
                raise Bypass(outcomes.TOO_SLOW, f"looking at {top}")
        said = "".join([f"{name}\0{seen}\0" for name, seen in self.stamps.items()])
        self.whole = digest(said.encode("utf-8", _BYTES))

    def _note(self, name: str, times: list[int], sizes: list[int], now: int) -> None:
        newest = max(times, default=0)
        self.newest = max(self.newest, newest)
        if newest > now - (_FINE if newest % _SECOND else _COARSE):
            self.recent.add(name)
        self.files -= len(sizes)
        self.bytes -= sum(sizes)
        if self.files < 0 or self.bytes < 0:
            raise Bypass(outcomes.TOO_LARGE, f"everything below {self.top}")

    def _look(self, path: str, name: str, now: int) -> str:
        """One stamp of all files below."""
        status = os.lstat(path)
        if not stat.S_ISDIR(status.st_mode):
            self._note(name, [status.st_ctime_ns], [status.st_size], now)
            return digest(b"%d %d" % (status.st_ino, status.st_ctime_ns))
        seen: list[object] = []
        add = seen.append
        times: list[int] = []
        sizes: list[int] = []
        pending = [path]
        while pending:
            folder = pending.pop()
            add(folder[len(path) :])
            with os.scandir(folder) as entries:
                found = list(entries)
            below = [entry for entry in found if entry.is_dir(follow_symlinks=False)]
            if below:
                pending += [f"{folder}/{entry.name}" for entry in below if entry.name not in CACHES]
                found = [entry for entry in found if not entry.is_dir(follow_symlinks=False)]
            stats = [entry.stat(follow_symlinks=False) for entry in found]
            seen += [entry.name for entry in found]
            seen += [status.st_ino for status in stats]
            times += [status.st_ctime_ns for status in stats]
            sizes += [status.st_size for status in stats]
        self._note(name, times, sizes, now)
        seen.append(times)
        return digest(marshal.dumps(seen, 2))


class _Reader:
    """Reads one part of a folder."""

    __slots__ = ("_places", "_stamp", "_top", "_until", "links", "state")

    def __init__(self, top: str, root: str, seen: str, until: float) -> None:
        self._top = top
        self._places = [(os.fsencode(top), b"{here}"), (os.fsencode(root), b"{root}")]
        if top.endswith("/bin"):
            self._places.insert(1, (os.fsencode(os.path.dirname(top)), b"{prefix}"))
        self._stamp = seen
        self._until = until
        self.links: set[str] = set()
        self.state = blake2b(digest_size=16)

    def part(self, name: str) -> _Part:
        """Raises TimeoutError."""
        pending = [] if name == _OWN else [name]
        if name == _OWN:
            self._entries("", [])
        elif not stat.S_ISDIR(os.lstat(f"{self._top}/{name}").st_mode):
            above, _, own = name.rpartition("/")
            self._entries(above, [], only=own)
            pending = []
        while pending:
            folder = pending.pop()
            self._add(b"folder", os.fsencode(folder))
            self._entries(folder, pending)
        return _Part(self._stamp, self.state.hexdigest(), tuple(sorted(self.links)))

    def linked(self, name: str) -> set[str]:
        """Where the links of a part lead that is not read."""
        pending = [self._top if name == _OWN else f"{self._top}/{name}"]
        while pending:
            folder = pending.pop()
            if not stat.S_ISDIR(os.lstat(folder).st_mode):
                if os.path.islink(folder):
                    self._link("", folder)
                continue
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_symlink():
                        self._link("", entry.path)
                    elif name != _OWN and entry.name not in CACHES and entry.is_dir():
                        pending.append(entry.path)
        return self.links

    def _entries(self, folder: str, below: list[str], *, only: str = "") -> None:
        """All in one folder; the folders in it are put into `below`."""
        full = f"{self._top}/{folder}" if folder else self._top
        left_out = _OF_INSTALLERS if folder.endswith(".dist-info") else CACHES
        with os.scandir(full) as entries:
            found = sorted(entries, key=_name)
        for entry in found:
            name = entry.name
            if name in left_out or (not folder and is_left_out(name, self._top)) or only not in ("", name):
                continue
            path = f"{folder}/{name}" if folder else name
            if time.monotonic() > self._until:
                raise TimeoutError
            if entry.is_symlink():
                self._link(path, entry.path)
            elif entry.is_file():
                self._add(os.fsencode(path), self._file(path, entry.path))
            elif entry.is_dir():
                below.append(path)
            else:
                self._add(b"%o" % stat.S_IFMT(os.lstat(entry.path).st_mode), os.fsencode(path))

    def _link(self, name: str, path: str) -> None:
        target = os.readlink(path)
        full = os.path.normpath(os.path.join(os.path.dirname(path), target))
        if not full.startswith(f"{self._top}/"):
            self.links.add(full)
        self._add(b"link", os.fsencode(name), self._freed(os.fsencode(target)))

    def _file(self, name: str, path: str) -> bytes:
        """Whether it may be executed, and its bytes, or their digest where they are many."""
        handle = open_regular(path, links=False)
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):  # another has taken its place meanwhile
                raise TimeoutError
            mode = b"x" if status.st_mode & stat.S_IXUSR else b"-"
            data = os.read(handle, min(status.st_size, _PIECE) + 1)
            if len(data) == status.st_size:
                return mode + self._text(name, data)
            state = blake2b(data, digest_size=16)
            while data := os.read(handle, _PIECE):
                if time.monotonic() > self._until:
                    raise TimeoutError
                state.update(data)
            return mode + bytes(state.digest())
        finally:
            os.close(handle)

    def _text(self, name: str, data: bytes) -> bytes:
        if name.endswith("/RECORD"):
            # Scripts name the interpreter by its place, and are what the folder of scripts holds.
            data = b"\n".join(line for line in data.split(b"\n") if not line.startswith(b"../"))
        elif name.startswith("activate"):
            data = b"\n".join(line for line in data.split(b"\n") if b"PROMPT" not in line)
        return self._freed(data)

    def _freed(self, data: bytes) -> bytes:
        for place, sign in self._places:
            if place in data:
                first, *rest = data.split(place)
                data = first
                for piece in rest:  # only as a whole path: what begins as it does is another's
                    data += (place if piece[:1].isalnum() or piece[:1] in (b"_", b"-", b".") else sign) + piece
        return data

    def _add(self, *parts: bytes) -> None:
        self.state.update(b"".join([b"%d:%s" % (len(part), part) for part in parts]))


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def _path(cache: str, top: str, root: str) -> str:
    return f"{stamps_folder(cache)}/{digest(os.fsencode(f'{top}{chr(0)}{root}'))}"


def _load(cache: str, top: str, root: str) -> _Memo | None:
    if not cache:
        return None
    path = _path(cache, top, root)
    try:
        data = files.unsealed(path, _CAP)
    except OSError:
        return None
    records = data.decode("utf-8", _BYTES).split("\0\0")
    parts: dict[str, _Part] = {}
    for record in records:
        name, *rest = record.split("\0")
        if len(rest) < 2 or len(rest[1]) != _DIGITS:
            return None
        parts[name] = _Part(rest[0], rest[1], tuple(rest[2:]))
    whole = parts.pop(_FORM, None)
    if whole is None or (whole.stamp == _LARGE and _is_old(path)):
        return None
    _touch(path)
    return _Memo(whole, parts)


def _is_old(path: str) -> bool:
    try:
        return os.stat(path).st_mtime < time.time() - _DAY
    except OSError:
        return True


def _touch(path: str) -> None:
    try:
        files.use(path)
    except OSError:
        return


def _save(cache: str, top: str, root: str, memo: _Memo) -> None:
    if not cache:
        return
    records = [
        "\0".join([name, part.stamp or "-", part.digest, *part.links])
        for name, part in ((_FORM, memo.whole), *memo.parts.items())
    ]
    try:
        files.make_folder(stamps_folder(cache))
        files.seal(_path(cache, top, root), "\0\0".join(records).encode("utf-8", _BYTES))
    except OSError:
        return  # it will be read again
