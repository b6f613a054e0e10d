r"""The texts of a project: of which kind each is, the line that is kept of it, and the memory of these lines.

A text is read generously: a name too many costs a run or a miss. What its kind is, its name says: in prose only whole
paths count, for nothing runs it; in a program's source what stands where a program's name can stand; in scripts, build
files and configuration every word.

    line := steps ',' longest ',' flags NUL near NUL relative NUL far NUL names NUL words      items parted by \x01

steps: how often it goes to the folder above, in all and in the line that does it most; flags: `f` begins at its own
place, `w` at the working directory, `h` speaks of the home folder, `u` searches upward, `l` lists folders, `v` reads
variables; near: relative paths of imports, which begin at the file; relative: others, which begin wherever somebody
stands; far: absolute ones and those below the home (`~/`), with a `/` at the end where what lies there is listed;
names: what may be meant behind a climb, a home, a folder at the top or a variable, and variables with `$` before;
words: what may be programs, what else it asks for, with `?` before, and tools that it names, with `=`.
Nothing at all is an empty line. What a path leaves open, as in `../case_%d.txt`, is a `*` in it.

A line is kept in a memo, and a text may hold a secret. So names and words are there by their signs (`files.signs`)
alone, a path that shows a credential is not there, and of a file that people keep secrets in no word and no name is.

A text is read once, by `mention_text`: its line is remembered by the text's object id, for all worktrees of a
repository, and what the index names altogether by the index's stamp. A look that takes too long goes on at the next
call.

    folder of the repository := lines of  key NUL line                    key: kind, object id
    file of the worktree     := stamp LF, lines of  path NUL line NUL, an empty line, words x02 words of recipes LF,
                                lines of  key NUL line
"""

import os
import time
from stat import S_ISREG

from skillcache.core import Record, files, outcomes
from skillcache.core.files import blob_oid, digest, signs
from skillcache.core.outcomes import Bypass
from skillcache.core.paths import cache_folder, home_folder, mentions_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from skillcache.fingerprint.index import Blob

MOST = 1 << 18  # bytes of a text that are read
PROSE, LOCK, SOURCE, SCRIPT, SECRETS = b"t", b"l", b"c", b"s", b"k"
_BINARY = frozenset(
    """png jpg jpeg gif ico webp bmp tif tiff psd pdf zip gz tgz bz2 xz zst tar 7z rar whl jar war class so dylib
    dll exe o a lib pyc pyo wasm woff woff2 ttf otf eot mp3 mp4 ogg wav flac avi mov webm bin parquet npy npz pkl
    pickle pt onnx h5 sqlite sqlite3 db mo gpg asc p12 jks der keystore""".split()  # noqa: SIM905 - read as a list
)
_PROSE = frozenset(
    "md markdown rst txt adoc csv tsv svg snap html htm po pot tex log out diff patch dat".split()  # noqa: SIM905
)
_LOCKS = frozenset(
    """package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml poetry.lock pdm.lock uv.lock Pipfile.lock
    Cargo.lock composer.lock Gemfile.lock go.sum bun.lock deno.lock flake.lock""".split()  # noqa: SIM905
)
_SCRIPTS = frozenset(
    """sh bash zsh fish ksh mk mak cmake yml yaml toml cfg ini conf env envrc just bats awk gradle nix rake
    service""".split()  # noqa: SIM905
)
_TASKS = frozenset(["package.json", "composer.json", "deno.json", "deno.jsonc", "project.json", "tasks.json"])
_SECRET_STARTS = (".env", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519")
_SECRET_NAMES = frozenset(
    """.netrc _netrc .pgpass .npmrc .yarnrc .pypirc .git-credentials .htpasswd .my.cnf .vault .s3cfg .boto .dockercfg
    auth.json auth.toml credentials secrets""".split()  # noqa: SIM905
)
_SECRET_ENDS = (".env", ".pem", ".key", ".tfvars", ".keys", ".kdbx", ".ovpn", ".ppk")
_SECRET_WORDS = ("secret", "credential", "passw", "token")
_SETTINGS = frozenset(["yml", "yaml", "toml", "cfg", "ini", "conf", "json", "secret", "secrets", "credentials"])
_SECRET_FOLDERS = frozenset(".ssh .aws .gnupg .kube .docker .azure gcloud .password-store".split())  # noqa: SIM905
_TOLD = ("README", "LICENSE", "LICENCE", "CHANGELOG", "CHANGES", "NOTICE", "AUTHORS", "COPYING", "CONTRIBUTING")
# What a service runs elsewhere.
_REMOTE = (".github/", ".gitlab/", ".circleci/", ".buildkite/")
_OURS = ".claude/skillcache.toml"  # what its rules name has rows of its own


def kind_of(path: str) -> bytes:
    """Of the file with this name; b"" where nothing is read."""
    name = path[path.rfind("/") + 1 :]
    stem, dot, suffix = name.rpartition(".")
    suffix = suffix.lower()
    if (dot and suffix in _BINARY) or path == _OURS:
        return b""
    if name in _LOCKS:
        return LOCK
    if path.startswith(_REMOTE) or name.upper().startswith(_TOLD):
        return PROSE
    if dot and stem and suffix in _PROSE:
        told = suffix == "txt" and name.lower().startswith(("cmakelists", "requirements", "constraints"))
        return SCRIPT if told else PROSE
    if (
        name.startswith(_SECRET_STARTS)
        or name in _SECRET_NAMES
        or name.endswith(_SECRET_ENDS)
        or not _SECRET_FOLDERS.isdisjoint(path.split("/"))
    ):
        return SECRETS
    if suffix in _SETTINGS and any(word in name.lower() for word in _SECRET_WORDS):
        return SECRETS
    return SCRIPT if not (dot and stem) or suffix in _SCRIPTS or name in _TASKS else SOURCE


# Among the words: the text asks for permissions, for local times, for who works here, for what pytest's cache keeps,
# for the account that it runs under, starts a shell that reads what a person has set for shells, or is a test that
# begins with what has failed before; it goes by what the folder of the project is called, or by who owns a file.
MODES, ZONE, PERSON, KEPT, LOGIN = b"?modes", b"?zone", b"?person", b"?kept", b"?login"
ACCOUNT, EXAMPLES, NAME, OWNERS = b"?account", b"?examples", b"?name", b"?owners"
# It names something in a cache of a tool's or an editor's, whose name stands behind.
CACHED = b"?cached "
# Before the name of a tool with settings of its own, wherever in the text it stands.
TOOL = b"="
CONFIGURED = tuple(b"flake8 ruff mypy pylint pycodestyle pydocstyle pyright yapf black isort bandit pytest".split())
# What a text asks the machine for, and it may be another on the next: its name, its kernel, its processors, the numbers
# of who runs it. Of a script with the last behind: that counts for tasks alone.
HOST, KERNEL, PROCESSORS, NUMBERS, BY_SCRIPT = b"?host", b"?kernel", b"?processors", b"?numbers", b"?$"
OF_MACHINE = (HOST, KERNEL, PROCESSORS, NUMBERS)
# Before what a script asks for, and before the names of the files that a text may start.
IF_STARTED, STARTS = b"!", b">"
# Before the name of a variable that a text reads.
READ, READ_BY_SCRIPT = b"?$", b"?$$"
READ_ALL = b"?$^"  # before what the names begin with of those that it goes over
# Among the names: what may be a file's name and nothing says that it is a path; and a variable's name that is put
# together as the text runs, or made of a field's by a library.
WEAK, ANY = b"\2", b"$*"
# It includes, or links with, what may be installed by hand; before the names of that.
INSTALLED, BY_HAND = b"?installed", b"\4"
# Before a name that is put behind another, where the place may come from another text.
JOINED = b"\3"
# What nobody lists as a whole: its names say which of what lies there is meant.
TOPS = frozenset(
    b"""/opt /etc /srv /data /tmp /var /home /mnt /media /root /workspace /app /Users /private/tmp /usr/share /usr/local
    /usr/local/share /usr/local/etc /var/lib /var/tmp /var/opt /etc/opt /run""".split()
)
LEVELS = 4  # folders above the project
_FORM = b"7"
_BEGIN = repr((_FORM,))[:-1].encode()  # of what is remembered of a root
_MOST_HELD = 64 << 20  # bytes of what is remembered
_MOST_KEPT = 1 << 18  # texts
_APART = b"\2"
_RECIPES = frozenset("Makefile makefile GNUmakefile justfile Justfile .justfile".split())  # noqa: SIM905
_RECIPE_ENDS = (".mk", ".mak", ".just", "askfile.yml", "askfile.yaml")
COOKS = (b"make", b"gmake", b"bmake", b"remake", b"just", b"task", b"go-task", b"checkmake")


class Texts(Record):
    """Which texts there are. Paths are relative to the root, as bytes.

    listing: lines of the index as git prints them; stamp: of the index; edits: what differs from it or is untracked;
    shared: the folder of the repository, by which all its worktrees remember.
    """

    listing: bytes
    stamp: "tuple[int, ...] | None"
    edits: "Mapping[bytes, Blob | None]"
    shared: str


class Memory:
    """What the texts name, remembered. read: gives the line of a text, of its bytes and its kind."""

    def __init__(
        self,
        root: str,
        texts: Texts,
        environ: "Mapping[str, str]",
        end: float,
        read: "Callable[[bytes, bytes], bytes]",
    ) -> None:
        self.root = root
        self.read = read
        self.texts = texts
        self.end = end
        cache = cache_folder(environ) if home_folder(environ) or environ.get("SKILLCACHE_HOME") else ""
        folder = mentions_folder(cache) if cache else ""
        self._own = f"{folder}/{digest(os.fsencode(root))}" if cache else ""
        self._common = f"{folder}/{digest(os.fsencode(texts.shared or root))}.texts" if cache else ""
        self._known: dict[bytes, bytes] | None = None
        self._new: dict[bytes, bytes] = {}
        self._words: set[bytes] = set()
        self._recipes: set[bytes] = set()
        self._kept: tuple[bytes, bytes, bytes] = (b"", b"", b"")
        self._recent: dict[bytes, bytes] = {}
        self._now: dict[bytes, bytes] = {}  # what this look has read, or would have: of edits, and of files elsewhere

    def lines(self) -> list[tuple[bytes, bytes]]:
        """(path, line) of all texts that name something besides programs. Raises Bypass (TOO_SLOW)."""
        stamp = repr((_FORM, self.texts.stamp)).encode()
        begin, _, rest = _load(self._own).partition(b"\n")
        is_known = self.texts.stamp is not None and begin == stamp
        body, _, more = rest.partition(b"\n\n")
        words, _, last = more.partition(b"\n")
        before = (begin, body, words)
        if not is_known:
            body, _, words = self._index().partition(b"\n\n")
            last = last if begin.startswith(_BEGIN) else b""  # by content or by stamps, whatever is in the index
        own, _, recipes = words.partition(_APART)
        self._words, self._recipes = set(own.split(b"\1")), set(recipes.split(b"\1"))
        edits = self.texts.edits
        recent = self._recent = dict(_pair(item) for item in last.split(b"\n") if item)
        now = self._now
        found = [pair for pair in map(_pair, body.split(b"\n")) if pair[0] and pair[0] not in edits]
        for path, entry in edits.items():
            kind = kind_of(os.fsdecode(path)) if entry and entry[0][:2] == b"10" else b""
            if entry and kind:
                key = kind + entry[1]
                held = recent.get(key)
                line = now[key] = self._line(path, key) if held is None else held
                if line:
                    found.append((path, line))
                    (self._recipes if _is_recipe(path) else self._words).update(_said(path, line))
        self._kept = (stamp, body, words)
        if self._kept != before:
            self._save({**recent, **now})
        self._keep()
        return found

    def finish(self) -> None:
        """After all that is read in one look."""
        if self._now.keys() != self._recent.keys():
            self._save(self._now)

    def words(self) -> set[bytes]:
        """What may be a program, after `lines`."""
        return self._words

    def recipes(self) -> set[bytes]:
        """The same of what recipes say."""
        return self._recipes

    def _index(self) -> bytes:
        """What the index's texts name: lines of those that name paths, an empty line, all words."""
        named: list[bytes] = []
        words: set[bytes] = set()
        recipes: set[bytes] = set()
        known = self._texts()
        for entry in self.texts.listing.split(b"\0"):
            head, _, path = entry.partition(b"\t")
            if head[2:5] != b"100" or b"\n" in path:
                continue
            kind = kind_of(os.fsdecode(path))
            if not kind:
                continue
            key = kind + head[9:-2]
            line = known.get(key)
            if line is None:
                line = self._line(path, key)
            if line:
                front = line.rpartition(b"\0")[0]
                (recipes if _is_recipe(path) else words).update(_said(path, line))
                if not front.endswith(b"\0\0\0\0") and _may_leave(path, front):
                    named.append(path + b"\0" + front + b"\0")
        self._keep()
        words.discard(b"")
        said = _APART.join(b"\1".join(sorted(each)) for each in (words, recipes))
        return b"\n".join(named) + b"\n\n" + said

    def _line(self, path: bytes, key: bytes) -> bytes:
        """Of one text, read now if need be. Raises Bypass (TOO_SLOW)."""
        known = self._texts()
        line = known.get(key)
        if line is None:
            line = self._new.get(key)
        if line is not None:
            return line
        if time.monotonic() > self.end:
            self._keep()
            raise Bypass(outcomes.TOO_SLOW, "reading what the project's files name")
        try:
            data = text_at(os.path.join(os.fsencode(self.root), path))
        except OSError:
            return b""
        line = self.read(data, key[:1])
        oid = key[1:]
        # What was written meanwhile is not what the index names; with a size behind it the object may be another text.
        if b" " in oid or len(data) >= MOST or blob_oid(data, long=len(oid) > 40) == oid:
            self._new[key] = line
        return line

    def text(self, path: str) -> bytes:
        """The line of a file elsewhere. Raises OSError, Bypass (TOO_SLOW)."""
        kind = kind_of(path)
        status = os.stat(path)
        if kind not in (b"c", b"s") or not S_ISREG(status.st_mode) or status.st_size > MOST:
            return b""
        stamp = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        key = b"@" + digest(os.fsencode(f"{path}\0{stamp}")).encode()
        line = self._recent.get(key, self._now.get(key))
        if line is None:
            if time.monotonic() > self.end:
                self._save({**self._recent, **self._now})
                raise Bypass(outcomes.TOO_SLOW, "reading what the project's files name")
            line = self.read(files.load(path, MOST), kind.upper())
        self._now[key] = line
        self._words.update(_said(os.fsencode(path), line))
        return line

    def cooks(self, path: str) -> bool:
        """Whether a file elsewhere may run recipes. Raises Bypass (TOO_SLOW)."""
        try:
            line = self.text(path)
        except OSError:
            return False
        return not set(words_of(line)).isdisjoint(signs(COOKS))

    def _texts(self) -> dict[bytes, bytes]:
        if self._known is None:
            self._known = {}
            self._known.update(map(_pair, _load(self._common).split(b"\n")))
            if self._known.pop(_FORM, None) is None:
                self._known = {}
        return self._known

    def _keep(self) -> None:
        if not self._new or not self._common:
            return
        known = self._texts()
        if len(known) > _MOST_KEPT:
            known = {}
        known = self._known = {**known, **self._new}
        self._new = {}
        _save(self._common, b"\n".join([_FORM + b"\0", *(key + b"\0" + line for key, line in known.items())]))

    def _save(self, now: dict[bytes, bytes]) -> None:
        if self._own:
            stamp, body, words = self._kept
            last = b"\n".join(key + b"\0" + line for key, line in now.items())
            _save(self._own, b"".join((stamp, b"\n", body, b"\n\n", words, b"\n", last)))


def _is_recipe(path: bytes) -> bool:
    name = os.fsdecode(path.rpartition(b"/")[2])
    return name in _RECIPES or name.endswith(_RECIPE_ENDS)


def words_of(line: bytes) -> list[bytes]:
    return line.rpartition(b"\0")[2].split(b"\1")


def _said(path: bytes, line: bytes) -> list[bytes]:
    """The words of a text. What a script asks for is said with its name, for it counts where another starts it."""
    words = words_of(line)
    if kind_of(os.fsdecode(path)) != b"s":
        return words
    own = [word for word in words if word[:1] in (IF_STARTED, STARTS)]
    if not own:
        return words
    (name,) = signs([path.rpartition(b"/")[2]])
    return [*(word for word in words if word not in own), IF_STARTED + b" ".join([name, *own])]


def _pair(item: bytes) -> tuple[bytes, bytes]:
    key, _, line = item.partition(b"\0")
    return key, line


def _load(path: str) -> bytes:
    try:
        return files.unsealed(path, _MOST_HELD) if path else b""
    except OSError:
        return b""


def _save(path: str, content: bytes) -> None:
    if len(content) <= _MOST_HELD:
        try:
            files.seal(path, content)
        except OSError:  # what is not remembered is read again
            return


def _may_leave(path: bytes, line: bytes) -> bool:
    """Whether something that a text names can lie outside of the project, wherever a command stands in it."""
    head, near, relative, far, names = line.split(b"\0")[:5]
    steps, _, flags = head.split(b",")
    folder = os.path.dirname(path)
    if far or any(os.path.normpath(each).startswith(b"..") for each in relative.split(b"\1") if each):
        return True
    if near and any(os.path.normpath(os.path.join(folder, each)).startswith(b"..") for each in near.split(b"\1")):
        return True
    return bool(names) and (not {*b"huv"}.isdisjoint(flags) or levels(path, int(steps), 0, flags) > 0)


def levels(path: bytes, steps: int, longest: int, flags: bytes) -> int:
    """How many folders above the project a text may mean."""
    depth = path.count(b"/")
    if b"f" in flags and b"w" not in flags:
        # From its own place: the first step is its folder. What one line does not do, two may.
        return max(0, min(steps - depth - 1, max(longest - depth, 1), LEVELS))
    return min(steps, max(longest, 1), LEVELS)


def text_at(path: bytes) -> bytes:
    """The beginning of the regular file at `path`. Raises OSError."""
    handle = files.open_regular(path, links=False)
    try:
        data = b""
        while len(data) < MOST and (piece := os.read(handle, MOST - len(data))):
            data += piece
    finally:
        os.close(handle)
    return data


def items(field: bytes) -> list[str]:
    """Those of a field of a line."""
    return [os.fsdecode(item) for item in field.split(b"\1")] if field else []
