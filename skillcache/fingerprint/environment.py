"""What variables name: files, folders, libraries and programs.

A variable may as well name what a command writes, which no run would leave as it was. So a file counts where it looks
like an input: by its own name, by the variable's, or as an option's value. A folder is not read, but where the variable
speaks of configuration: then the files in it count, not those below.
"""

import os
from stat import S_ISDIR, S_ISFIFO, S_ISREG

from skillcache.core import outcomes
from skillcache.core.files import digest_parts, open_regular, read
from skillcache.core.outcomes import Bypass
from skillcache.fingerprint import contents
from skillcache.fingerprint.leads import is_of_system, middle
from skillcache.fingerprint.variables import BUT, IS_FOLDER, IS_SET, Person, is_noise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

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
    environ: "Mapping[str, str]", folders: "Iterable[str]", root: str, budget: contents.Budget
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


def _content(name: str, path: str, environ: "Mapping[str, str]", root: str, budget: contents.Budget) -> str | None:
    """None where there is nothing that counts."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    if S_ISFIFO(status.st_mode) and name not in _OF_MAKE:
        raise Bypass(outcomes.UNCAPTURABLE, f"{name} names a pipe")
    if S_ISREG(status.st_mode):
        return edges(path, budget) if status.st_size > _LARGE else contents.content(path, budget)
    if S_ISDIR(status.st_mode) and "CONF" in name.upper() and name not in _NOT_CONFIGURATION:
        return _folder(path, budget)
    if S_ISDIR(status.st_mode) and any(word in name.upper() for word in _OF_OPTIONS):
        return _whole(os.path.realpath(path), environ, root, budget)
    return None


def _whole(real: str, environ: "Mapping[str, str]", root: str, budget: contents.Budget) -> str | None:
    """A folder that an option's value names, such as one of tests: none that holds the project, or everything."""
    aside = (root, os.path.realpath(environ.get("HOME") or "/"), os.path.realpath(environ.get("TMPDIR") or "/tmp"))  # noqa: S108
    if any(f"{one}/".startswith(f"{real}/") for one in aside) or f"{real}/".startswith(f"{root}/"):
        return None
    from skillcache.fingerprint import stamped  # few options name a folder

    return None if is_of_system(f"{real}/") else stamped.content(real, root, budget, most=contents.MAX_FILES).digest


def edges(path: str, budget: contents.Budget) -> str:
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


def _folder(path: str, budget: contents.Budget) -> str:
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
        parts += [os.fsencode(name), contents.content(whole, budget).encode() if os.path.isfile(whole) else b""]
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


def libraries(environ: "Mapping[str, str]", budget: contents.Budget) -> "Iterator[tuple[str, str]]":
    """(folder, digest) of those that programs load libraries from: by their sizes and both ends, as programs count."""
    for name in _LIBRARIES:
        for folder in environ.get(name, "").split(":"):
            if not folder.startswith("/") or is_of_system(f"{folder}/"):
                continue
            parts: list[bytes] = []
            for library in _list(folder)[:_MOST_LIBRARIES]:
                parts += (os.fsencode(library), _edges(f"{folder}/{library}", budget))
            yield folder, digest_parts(parts)


def _edges(path: str, budget: contents.Budget) -> bytes:
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


# A variable called so names what a run writes to.
_NO_INPUTS = ("TMP", "TEMP", "CACHE", "LOG", "OUT")
_OF_ALL = frozenset(["PATH", "MANPATH", "INFOPATH", "CDPATH", "XDG_DATA_DIRS", "XDG_CONFIG_DIRS"])  # of no project
_MOST_OF_VALUE = 8  # folders


def folders_named(environ: "Mapping[str, str]", root: str, home: str) -> "Iterator[tuple[str, str]]":
    """(variable, folder) of those that name a folder of somebody's, or several. home: '' for none."""
    for name, value in environ.items():
        if not value.startswith(("/", "~/", "../")) or name in IS_SET or name in IS_FOLDER:
            continue
        if len(value) > _LONGEST or name in _OF_ALL:
            continue
        if is_noise(name) or name in ("HOME", "PWD") or any(word in name.upper() for word in _NO_INPUTS):
            continue
        for piece in filter(None, value.split(":")[:_MOST_OF_VALUE]):
            for path in _folders_called(piece, root, home):
                aside = f"{path}/".startswith(f"{root}/") or f"{root}/".startswith(f"{path.rstrip('/')}/")
                if not (aside or is_of_system(f"{path}/")) and path != home and os.path.isdir(path):
                    yield name, path


def _folders_called(value: str, root: str, home: str) -> "Iterator[str]":
    """Where a folder may lie that is called so: one with steps up is seen from the root, or from below it."""
    if value[:1] in ("~", "/"):
        yield home + value[1:] if value[0] == "~" else os.path.normpath(value)
        return
    while value.startswith("../"):
        yield os.path.normpath(os.path.join(root, value))
        value = value[3:]
