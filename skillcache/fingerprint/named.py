"""Files that variables name, wherever they lie: `NODE_OPTIONS=--require=../hook.cjs`, `PYLINTRC`, `-c /x/pytest.ini`.

A variable may as well name what a command writes, which no run would leave as it was. So a file counts where it looks
like an input: by its own name, by the variable's, or as an option's value. A folder is not read, but where the variable
speaks of configuration: then the files in it count, not those below.
"""

import os
from stat import S_ISDIR, S_ISFIFO, S_ISREG

from skillcache.core import outcomes
from skillcache.core.digest import digest_parts
from skillcache.core.files import open_regular
from skillcache.core.outcomes import Bypass
from skillcache.fingerprint import files
from skillcache.fingerprint.environment import Person
from skillcache.fingerprint.leads import is_of_system
from skillcache.fingerprint.noise import IS_FOLDER, IS_SET, is_noise

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


def capture(
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
