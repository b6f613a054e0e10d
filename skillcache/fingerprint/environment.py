"""What the environment of a command says: each variable that counts, and the files and programs that they name.

Values are written so that worktrees, clones, machines and people agree where only places and names differ, and kept as
digests, each with its variable's name, so that neither an entry nor a key shows one.

A variable may as well name what a command writes, which no run would leave as it was. So a file counts where it looks
like an input: by its own name, by the variable's, or as an option's value. A folder is not read, but where the variable
speaks of configuration: then the files in it count, not those below.
"""

import os
import time
from stat import S_ISDIR, S_ISFIFO, S_ISREG

from skillcache.core import outcomes
from skillcache.core.digest import digest, digest_parts, signs
from skillcache.core.files import open_regular, read
from skillcache.core.git import git_folders
from skillcache.core.outcomes import Bypass
from skillcache.fingerprint import files
from skillcache.fingerprint.leads import is_of_system, middle
from skillcache.fingerprint.noise import BUT, IS_FOLDER, IS_SET, counts_where_read, is_noise
from skillcache.fingerprint.packages import relative
from skillcache.fingerprint.texts import (
    ACCOUNT,
    BY_SCRIPT,
    HOST,
    KERNEL,
    OF_MACHINE,
    PROCESSORS,
    READ,
    READ_ALL,
    READ_BY_SCRIPT,
    ZONE,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet


_LOCAL, _HOSTS = "/etc/localtime", "/etc/hosts"
_CAP = 1 << 16


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


def of_machine(
    said: "AbstractSet[bytes]", environ: "Mapping[str, str]", *, scripts: bool = False
) -> "list[tuple[str, str]]":
    """(name, value) of what a text asks the machine for, such as its time zone, and the addresses it was told of hosts.

    said: what the project's text says, see `mentions.Mentions`. Of hosts only those count that the text names, so that
    machines agree of which each has its own. scripts: what a script asks counts, too.
    """
    rows = [
        (sign[1:].decode(), _fact(sign))
        for sign in OF_MACHINE
        if sign in said or (scripts and sign + BY_SCRIPT in said)
    ]
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
        asked += signs([READ_ALL + os.fsencode(name[:size]) for size in range(2, len(name) + 1)])
        if not said.isdisjoint(asked) or (ACCOUNT in said and name in IS_SET and name in _OF_ACCOUNT):
            text = person.without_places(value, root)
            rows.append((name, digest(f"{name} is {text}".encode("utf-8", "surrogateescape"))))
    if ACCOUNT in said:
        rows.append(("account", str(os.geteuid())))
    return rows


def _fact(sign: bytes) -> str:
    system = os.uname()
    if sign == HOST:
        return digest(os.fsencode(system.nodename))
    if sign == KERNEL:
        return f"{system.release} {system.version}"
    if sign == PROCESSORS:
        return str(os.cpu_count())
    return " ".join(map(str, (os.getuid(), os.geteuid(), os.getgid(), os.getegid(), *sorted(os.getgroups()))))


_OF_ACCOUNT = frozenset(["USER", "LOGNAME", "USERNAME"])
_OF_ITSELF = (b"localhost", b"ip6-", b"broadcasthost")


_MOST = 4_096  # pieces of values: of all variables together
_MOST_IN_FOLDER = 200
_LONGEST = 4_096  # of a path
_LARGE = 1 << 20  # bytes from which a file is known by its size and both ends, as programs are
_EDGE = 1 << 16
_BETWEEN = str.maketrans(dict.fromkeys("=:,;@\"'\t\n", " "))
# These have rows of their own, or name what changes with no result of theirs.
_ELSEWHERE = frozenset(
    "HOME SHELL NODE npm_execpath npm_node_execpath PYTHONPATH MYPYPATH NODE_PATH RUBYLIB CLASSPATH".split()  # noqa: SIM905
)
_NOT_CONFIGURATION = frozenset(["XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "CLAUDE_CONFIG_DIR"])
_KINDS = frozenset(
    """js cjs mjs jsx ts cts mts tsx json json5 jsonc yaml yml toml ini cfg conf config rc env properties xml py pyi pth
    rb pl pm php lua sh bash zsh so dylib jar pem crt cer key txt csv tsv sql html css md rules ignore tpl""".split()  # noqa: SIM905
)
_OF_INPUTS = (
    *("CONF", "RC", "OPT", "ARGS", "FLAGS", "RULE", "SETTING", "PRELOAD", "CERT", "BUNDLE", "CREDENTIAL", "INI"),
    *("INCLUDE", "REQUIRE", "IMPORT", "INPUT", "DATA", "FIXTURE", "SCHEMA", "ENV", "SECRET", "SOURCE", "TEMPLATE"),
)
_OF_OPTIONS = ("OPT", "ARGS", "FLAGS")
_OF_MAKE = frozenset(["MAKEFLAGS", "MFLAGS"])  # by which its children take turns
_VIRTUAL = ("/dev/", "/proc/", "/sys/")


def capture_named(
    environ: "Mapping[str, str]", folders: "Iterable[str]", root: str, budget: files.Budget
) -> list[tuple[str, str]]:
    """(path, digest of the content) of each. `folders`: real, from which paths are seen. Raises Bypass."""
    _require_no_pipe(environ, folders := tuple(folders))
    found: dict[str, str] = {}
    known: set[str] = set()
    for name, path in _named(environ, folders):
        if path in known:
            continue
        known.add(path)
        value = _content(name, path, environ, root, budget)
        if value is not None:
            found[_spelled(os.path.normpath(path), environ, root)] = value
    return list(found.items())


def files_named(environ: "Mapping[str, str]", folders: "Iterable[str]") -> "Iterator[str]":
    """Paths of all regular files that values name, whatever they are called: what a run may read, or write."""
    folders = tuple(folders)
    known: set[str] = set()
    for name, value in environ.items():
        if not ("/" in value or "." in value) or len(value) > _LONGEST or name in _ELSEWHERE:
            continue
        if is_noise(name) or name in IS_SET or name in IS_FOLDER or any(word in name for word in _OF_OUTPUTS):
            continue
        if name in BUT:  # a program, which is captured as such
            continue
        for piece in {value, *_pieces(value)}:
            path = piece[2:] if piece[:1] == "-" and piece[1:2] != "-" else piece
            for place in _places(path, folders, environ):
                full = os.path.normpath(place)
                # What git keeps changes with each commit, and what is asked of it has rows of its own.
                is_of_git = "/.git/" in full
                if full not in known and not is_of_git and not is_of_system(full) and os.path.isfile(full):
                    known.add(full)
                    yield full


# A variable called so names what a run writes to.
_OF_OUTPUTS = (
    *("TMP", "TEMP", "CACHE", "LOG", "OUT", "COUNT", "TRACE", "REPORT", "HIST", "STAT", "DUMP", "PID", "LOCK"),
    *("SOCK", "WRITE", "RECORD"),
)


def _require_no_pipe(environ: "Mapping[str, str]", folders: tuple[str, ...]) -> None:
    """Raises Bypass: what comes through a named pipe is in no key, and can be read once."""
    for name, value in environ.items():
        if not value or len(value) > _LONGEST or is_noise(name) or name in IS_SET:
            continue
        for path in _places(value, folders, environ):
            try:
                is_pipe = S_ISFIFO(os.stat(path).st_mode)
            except (OSError, ValueError):
                continue
            if is_pipe:
                raise Bypass(outcomes.UNCAPTURABLE, f"{name} names a pipe")


def _spelled(path: str, environ: "Mapping[str, str]", root: str) -> str:
    """As it is called in every worktree, and by every person."""
    if path.startswith(root + "/"):
        return path[len(root) + 1 :]
    return Person(environ).without_places(path, root).replace("\0home", "~").replace("\0user", "{user}")


def _named(environ: "Mapping[str, str]", folders: tuple[str, ...]) -> "Iterator[tuple[str, str]]":
    """(variable, path) for all pieces of values that may be a path."""
    left = _MOST
    for name, value in environ.items():
        if is_noise(name) or name in _ELSEWHERE or name in IS_SET or name in IS_FOLDER:
            continue
        pieces = list(_pieces(value))
        left -= len(pieces)
        if left < 0:
            raise Bypass(outcomes.TOO_LARGE, "values of variables")
        is_input = "-" in value[:1] or " -" in value or any(word in name.upper() for word in _OF_INPUTS)
        if is_input and len(pieces) > 1:
            pieces.append(value)  # of a path with blanks
        for piece in pieces:
            path = piece[2:] if piece[0] == "-" and piece[1:2] != "-" else piece
            if is_input or _looks_like_one(path.rpartition("/")[2]):
                for joined in _places(path, folders, environ):
                    yield name, joined


def _pieces(value: str) -> "Iterator[str]":
    """What in a value may be a path: also with what else stands between two, for a path may hold that."""
    yield from value.translate(_BETWEEN).split()
    for word in value.split():
        yield word
        if given := word.partition("=")[2]:
            yield given
        if "://" in word:  # as of a database in a file: `sqlite:///x.db`, and with one more an absolute path
            yield word.partition("://")[2].partition("?")[0].removeprefix("/")
    for quote in "\"'":
        for part in value.split(quote)[1::2]:
            if part:
                yield part


def _looks_like_one(base: str) -> bool:
    return base[:1] == "." or base.rpartition(".")[2].lower() in _KINDS


def _places(path: str, folders: tuple[str, ...], environ: "Mapping[str, str]") -> list[str]:
    """Where a file by that name may be; none for what is no path."""
    if path.startswith("/"):
        return [] if path.startswith(_VIRTUAL) else [path]
    if path.startswith("~/"):
        return [environ.get("HOME", "") + path[1:]]
    return [f"{folder}/{path}" for folder in folders] if path[:1] != "-" else []


def _content(name: str, path: str, environ: "Mapping[str, str]", root: str, budget: files.Budget) -> str | None:
    """None where there is nothing that counts."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    if S_ISFIFO(status.st_mode) and name not in _OF_MAKE:
        raise Bypass(outcomes.UNCAPTURABLE, f"{name} names a pipe")
    if S_ISREG(status.st_mode):
        return edges(path, budget) if status.st_size > _LARGE else files.content(path, budget)
    if S_ISDIR(status.st_mode) and "CONF" in name.upper() and name not in _NOT_CONFIGURATION:
        return _folder(path, budget)
    if S_ISDIR(status.st_mode) and any(word in name.upper() for word in _OF_OPTIONS):
        return _whole(os.path.realpath(path), environ, root, budget)
    return None


def _whole(real: str, environ: "Mapping[str, str]", root: str, budget: files.Budget) -> str | None:
    """A folder that an option's value names, such as one of tests: none that holds the project, or everything."""
    aside = (root, os.path.realpath(environ.get("HOME") or "/"), os.path.realpath(environ.get("TMPDIR") or "/tmp"))  # noqa: S108
    if any(f"{one}/".startswith(f"{real}/") for one in aside) or f"{real}/".startswith(f"{root}/"):
        return None
    from skillcache.fingerprint import stamped  # few options name a folder

    return None if is_of_system(f"{real}/") else stamped.content(real, root, budget, most=files.MAX_FILES).digest


def edges(path: str, budget: files.Budget) -> str:
    budget.spend(0)
    try:
        handle = open_regular(path)
    except OSError as error:
        raise Bypass(outcomes.UNCAPTURABLE, f"{path}: {error.strerror}") from None
    try:
        status = os.fstat(handle)
        ends = os.pread(handle, _EDGE, 0), os.pread(handle, _EDGE, max(status.st_size - _EDGE, 0))
        return digest_parts([b"%d" % status.st_size, b"%d" % status.st_mtime_ns, *ends])
    finally:
        os.close(handle)


def _folder(path: str, budget: files.Budget) -> str:
    try:
        with os.scandir(path) as entries:
            names = sorted(entry.name for entry in entries)
    except OSError as error:
        raise Bypass(outcomes.UNCAPTURABLE, f"{path}: {error.strerror}") from None
    if len(names) > _MOST_IN_FOLDER:
        raise Bypass(outcomes.TOO_LARGE, f"{path}, which a variable names")
    parts = []
    for name in names:
        whole = os.path.join(path, name)
        parts += [os.fsencode(name), files.content(whole, budget).encode() if os.path.isfile(whole) else b""]
    return digest_parts(parts)


# Of modules, headers and what else tools take from a folder: by name...
_FOLDERS = frozenset(
    """CLASSPATH CPATH ERL_LIBS GEM_HOME GEM_PATH PERL5LIB PERLLIB PHP_INI_SCAN_DIR PYTHONHOME RUBYLIB R_LIBS
    R_LIBS_SITE R_LIBS_USER TCLLIBPATH LUA_PATH LUA_CPATH TEXINPUTS BUNDLE_PATH PYTHONUSERBASE HELM_PLUGINS
    ANSIBLE_LIBRARY CMAKE_PREFIX_PATH CMAKE_MODULE_PATH BATS_LIB_PATH""".split()  # noqa: SIM905
)
# ... and by what names of such variables end in.
_ENDS = (
    *("PYTHONPATH", "PYPATH", "NODE_PATH", "INCLUDE_PATH", "LOAD_PATH", "CONFIG_PATH", "_MODULE_PATH", "_LIB_PATH"),
    "OCAMLPATH",
)
_LIBRARIES = ("LD_LIBRARY_PATH", "LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH")
_MOST_LIBRARIES = 4_000
_FEW = 4 << 10
# A word in one of these is a program, wherever PATH has it.
_PROGRAMS = frozenset(
    """CC CXX CPP LD AR AS NM FC F77 F90 OBJC RUSTC RUSTDOC RUSTFMT CARGO PYTHON PYTHON3 RUBY PERL JAVA JAVAC JAVACMD
    PHP_BINARY CCACHE_PREFIX HOSTCC HOSTCXX GCC CLANG NINJA MAKE CTEST LEX YACC BISON FLEX SWIG GIT_SSH GIT_SSH_COMMAND
    GOROOT_BIN CHROME_BIN FIREFOX_BIN CHROME_PATH PUPPETEER_EXECUTABLE_PATH NODE_BINARY npm_config_script_shell
    npm_config_node""".split()  # noqa: SIM905
)
_PROGRAM_ENDS = ("_WRAPPER", "_COMPILER", "_LINKER", "_RUNNER", "_LAUNCHER", "_CC", "_CXX", "_EXECUTABLE", "_BINARY")
_NOT = frozenset("HOME SHELL NODE npm_execpath npm_node_execpath PATH".split())  # noqa: SIM905
_WORK = "go.work"
_LARGEST_PATHS = 1 << 20


def folders(cwd: str, root: str, environ: "Mapping[str, str]") -> "Iterator[str]":
    """Real paths outside the project that a variable has tools search. Those of the system come with it."""
    for name, value in environ.items():
        if name in _FOLDERS or name.endswith(_ENDS):
            for path in value.replace(";", ":").split(":"):
                yield from _beyond(os.path.join(cwd, path.partition("?")[0]), root) if path else ()
    yield from _of_go(cwd, root, environ)


def _beyond(path: str, root: str) -> "Iterator[str]":
    real = os.path.realpath(path)
    if real != root and not real.startswith(f"{root}/") and not is_of_system(f"{real}/"):
        yield real


def _of_go(cwd: str, root: str, environ: "Mapping[str, str]") -> "Iterator[str]":
    """The workspace that a variable names or that lies above the project, and its modules beyond the project."""
    named = environ.get("GOWORK", "")
    if named == "off":
        return
    path = os.path.join(cwd, named) if named else ""
    folder = root
    while not path and folder != "/":
        folder = os.path.dirname(folder)
        if os.path.isfile(f"{folder}/{_WORK}"):
            path = f"{folder}/{_WORK}"
    text = read(path, _LARGEST_PATHS) if path else None
    if text is None:
        return
    yield from _beyond(path, root)
    for used in _used(text.decode("utf-8", "replace")):
        module = os.path.realpath(os.path.join(os.path.dirname(path), used))
        if not f"{root}/".startswith(f"{module}/"):  # the project itself lies in it
            yield from _beyond(module, root)


def _used(text: str) -> "Iterator[str]":
    """The folders that a go.work uses, in lines of their own or in a list between brackets."""
    is_list = False
    for line in text.split("\n"):
        words = line.partition("//")[0].replace("(", " ( ").replace(")", " ) ").split()
        if words[:1] == ["use"]:
            is_list = words[1:2] == ["("]
            words = words[2 if is_list else 1 :]
        elif not is_list:
            continue
        for word in words:
            if word == ")":
                is_list = False
            else:
                yield word.strip('"`')


def libraries(environ: "Mapping[str, str]", budget: files.Budget) -> "Iterator[tuple[str, str]]":
    """(folder, digest) of those that programs load libraries from: by their sizes and both ends, as programs count."""
    for name in _LIBRARIES:
        for folder in environ.get(name, "").split(":"):
            if not folder.startswith("/") or is_of_system(f"{folder}/"):
                continue
            parts: list[bytes] = []
            for library in _list(folder)[:_MOST_LIBRARIES]:
                parts += (os.fsencode(library), _edges(f"{folder}/{library}", budget))
            yield folder, digest_parts(parts)


def _edges(path: str, budget: files.Budget) -> bytes:
    try:
        handle = open_regular(path)
    except OSError:
        return b""
    try:
        size = os.fstat(handle).st_size
        ends = os.pread(handle, _FEW, 0) + os.pread(handle, _FEW, max(size - _FEW, 0))
        return b"%d:%s%s" % (size, ends, middle(path, size, ends, budget))
    except OSError:
        return b""
    finally:
        os.close(handle)


def programs(environ: "Mapping[str, str]") -> "Iterator[tuple[str, str]]":
    """(variable, word or path) of the programs that variables say are to be started."""
    for name, value in environ.items():
        if not value or name in _NOT or is_noise(name):
            continue
        if name in _PROGRAMS or name.endswith(_PROGRAM_ENDS):
            for word in value.split():
                if word[:1] != "-":
                    yield name, word
        else:
            word = value.split(None, 1)[0] if value.strip() else ""
            if word.startswith("/") and not word.startswith(("/dev/", "/proc/")) and os.access(word, os.X_OK):
                yield name, word


def words(environ: "Mapping[str, str]") -> "Iterator[str]":
    """What in values may be the name of a program on PATH: where a command may stand."""
    for name, value in environ.items():
        if not value or len(value) > _LONGEST or name in _NOT or is_noise(name) or name in IS_SET:
            continue
        for word in value.split()[:_AHEAD]:
            if "/" not in word and word[:1] != "-" and "=" not in word:
                yield word


_AHEAD = 4  # words


def _list(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
