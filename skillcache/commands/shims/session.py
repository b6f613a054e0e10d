"""At a session's start: the folder of shims, the preamble that its Bash calls source, and the line that makes them.

The folder and the preamble: what was made for a session's shells is kept for the next one of the same project while
nothing it depends on changes.

    {folder}/{digest of what it depends on}.made = lines: the preamble's path, then every file that must be executable

Loading the tables of all tools to find out which are there costs a session's start more than all else it does. A file
that becomes executable is seen once something else in its folder changes.
"""

import os
import sys

from skillcache.commands.shims import script
from skillcache.core import files
from skillcache.core.files import digest, digest_parts
from skillcache.core.paths import calls_folder, hooks_folder, package_folder, shims_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from skillcache.settings.in_force import Settings


_SHELLS = ("/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash", "/opt/homebrew/bin/bash")
_MODE = 0o700
_LARGEST = 1 << 16


def installed(names: "Iterable[str]", path: str) -> tuple[str, ...]:
    """Those of `names` that a shell finds by `path`, in the form of PATH, outside folders of shims."""
    wanted, found = set(names), set[str]()
    for folder in path.split(":"):
        if not folder or os.path.exists(f"{folder}/{script.MARK}"):
            continue
        try:
            here = wanted.intersection(os.listdir(folder))
        except OSError:
            continue
        found.update(name for name in here if os.access(f"{folder}/{name}", os.X_OK))
    return tuple(sorted(found))


def shell() -> str | None:
    """What a shim's first line names."""
    return next((path for path in _SHELLS if os.access(path, os.X_OK)), None)


def make_kept(
    cache: str, names: tuple[str, ...], words: "Mapping[str, tuple[str, ...]]", *, loader: str = ":"
) -> str | None:
    """The folder with shims of exactly these names; None where the system would not start one. Raises OSError.

    `loader`: see `script.script`.
    """
    bash = shell()
    if bash is None or not _is_silent():
        return None
    hook = f"{hooks_folder()}/stand_in.py"
    text = script.script(
        words,  # also of those that only a path leads to
        bash=bash,
        python=os.path.realpath(sys.executable),  # a name may lead elsewhere tomorrow, to what starts nothing
        library=os.__file__,
        hook=hook,
        loader=loader,
    )
    entry = script.entry(hook, files.load(hook, _LARGEST))
    name = digest_parts([text, entry, *map(os.fsencode, names)])[:16]
    folder = f"{shims_folder(cache)}/{name}"
    if ":" in folder:
        return None
    if not _is_whole(folder, names):
        _fill(folder, text, entry, names)
    # On a file system where nothing may be executed this says so.
    return folder if os.access(f"{folder}/{script.SCRIPT}", os.X_OK) else None


def _is_silent() -> bool:
    """Whether a bash starts without a word: one that LC_ALL names no locale to complains of that on standard error."""
    from _locale import LC_ALL, Error, setlocale  # type: ignore[attr-defined]  # `locale` itself is slow

    before = setlocale(LC_ALL)
    try:
        setlocale(LC_ALL, "")
    except Error:
        return not os.environ.get("LC_ALL")
    setlocale(LC_ALL, before)
    return True


def _is_whole(folder: str, names: tuple[str, ...]) -> bool:
    shims = (f"{folder}/{name}" for name in (*names, script.BY_PATH))
    others = (f"{folder}/{name}" for name in (script.ENTRY, script.MARK))
    return all(map(os.path.exists, others)) and all(os.access(shim, os.X_OK) for shim in shims)


def _fill(folder: str, text: bytes, entry: bytes, names: tuple[str, ...]) -> None:
    """The mark comes last: with it the folder is whole."""
    files.make_folder(folder)
    files.write(f"{folder}/{script.ENTRY}", entry)
    files.write(f"{folder}/{script.SCRIPT}", text)
    os.chmod(f"{folder}/{script.SCRIPT}", _MODE)
    for name in (*names, script.BY_PATH):
        try:
            os.symlink(script.SCRIPT, f"{folder}/{name}")
        except FileExistsError:  # another process is making the same folder
            continue
    files.write(f"{folder}/{script.MARK}", b"")


_CAP = 1 << 20
# Of our own: where the tables and the text of shims lie.
_SOURCES = ("commands/shims", "rules", "rules/builtin")


class Kept:
    """folders: in which programs are looked for; parts: whatever else the text is made of."""

    __slots__ = ("_path",)

    def __init__(self, cache: str, folders: "Iterable[str]", parts: "Iterable[str]") -> None:
        package = package_folder()
        ours = [f"{package}/{place}/{name}" for place in _SOURCES for name in sorted(_names(f"{package}/{place}"))]
        told = [_stamp(path) for path in (*folders, *ours, f"{hooks_folder()}/stand_in.py")]
        made = digest_parts([os.fsencode(part) for part in (sys.executable, hooks_folder(), *parts, *told)])
        self._path = f"{shims_folder(cache)}/{made[:16]}.made"

    def find(self) -> str | None:
        """The preamble's path, where all is as it was. Raises OSError."""
        lines = os.fsdecode(files.read(self._path, _CAP) or b"").split("\n")
        if len(lines) < 2 or not all(os.access(path, os.X_OK) for path in lines[1:]):
            return None
        try:
            for path in (lines[0], self._path):  # what is in use is not swept
                os.utime(path)
        except FileNotFoundError:
            return None
        return lines[0]

    def keep(self, preamble: str, executables: "Iterable[str]") -> None:
        """Raises OSError."""
        files.write(self._path, os.fsencode("\n".join((preamble, *executables))))


def _names(folder: str) -> list[str]:
    return [name for name in os.listdir(folder) if name.endswith(".py")]


def _stamp(path: str) -> str:
    try:
        status = os.stat(path)
    except OSError:
        return f"{path} -"
    return f"{path} {status.st_ino} {status.st_mtime_ns} {status.st_ctime_ns}"


FILE = "CLAUDE_ENV_FILE"  # given to SessionStart hooks: its text is spliced into each Bash call of the session
# Where a project keeps programs that are called by their path.
_FOLDERS = (".venv/bin", "venv/bin", "node_modules/.bin", "vendor/bin", "bin")
_HERE = ("gradlew", "mvnw", "manage.py", "artisan")
# The folders of these that lie first on PATH once they are activated.
_ENVIRONMENTS = (".venv", "venv", "env")


def prepare(environ: "Mapping[str, str]", project: str, session_id: str, settings: "Settings") -> bool:
    """Write the client's file for this session; False where the client gives none. Raises OSError."""
    named = environ.get(FILE, "")
    path = make(environ, project, settings, counts=True) if os.path.isabs(named) else None
    if path is None:
        return False
    if session_id:
        files.append(f"{calls_folder(settings.cache)}/{session_id}", b"")  # `>>` must find it, under noclobber
    files.write(named, script.line(path))
    return True


def is_prepared(cache: str, session_id: str) -> bool:
    """Whether the client's file was written for this session before."""
    return bool(session_id) and os.path.exists(f"{calls_folder(cache)}/{session_id}")


def make(environ: "Mapping[str, str]", project: str, settings: "Settings", *, counts: bool) -> str | None:
    """The preamble's path; None where no shim could be started. `counts`: whether it tells Bash calls apart.

    Raises OSError.
    """
    path = environ.get("PATH", os.defpath)
    places = [f"{project}/{place}" for place in (*_FOLDERS, *(f"{name}/bin" for name in _ENVIRONMENTS), *_HERE)]
    matches = [str(table["match"]) for table in settings.rules]
    loader = f"{environ.get('LD_LIBRARY_PATH', '')}:{environ.get('LD_PRELOAD', '')}"  # with which this Python has begun
    parts = (project, str(counts), loader, *matches, *(["ahead"] if settings.ahead else []))
    kept = Kept(settings.cache, (*path.split(":"), *places), parts)
    return kept.find() or _make_anew(path, project, settings, kept, counts=counts, loader=loader)


def _make_anew(search: str, project: str, settings: "Settings", kept: Kept, *, counts: bool, loader: str) -> str | None:
    """`search`: in the form of PATH. Raises OSError."""
    from skillcache.commands.shims.programs import words_of
    from skillcache.rules.rule import rules_of  # these load the tables of all tools

    words, paths = words_of(), []
    for rule in rules_of(settings):
        word = rule.specifier.split(" ")[0].removesuffix(":*") if rule.tool == "Bash" and not rule.adds else ""
        if "*" in word or not word:
            continue
        words[word.rpartition("/")[2]] = ()
        if "/" in word:
            paths.append(word)
    names = installed(words, search)
    base = make_kept(settings.cache, names, words, loader=loader)
    if base is None:
        return None
    activated = {}
    for place in _ENVIRONMENTS:
        there = f"{project}/{place}"
        own = installed(words, f"{there}/bin")
        if own:
            activated[there] = make_kept(settings.cache, tuple(sorted({*own, *names})), words, loader=loader) or base
    text = script.preamble(
        base,
        activated=activated,
        spellings=_spellings(project, words, paths),
        calls=calls_folder(settings.cache) if counts else "",
        project=project,
        ahead=settings.cache if settings.ahead and counts else "",
    )
    path = f"{shims_folder(settings.cache)}/{digest(text)[:16]}.sh"
    if files.read(path, len(text)) == text:
        os.utime(path)
    else:
        files.write(path, text)
    shims = [f"{made}/{name}" for made in {base, *activated.values()} for name in names]
    kept.keep(path, (*shims, *_executables(search, names)))
    return path


def _executables(search: str, names: tuple[str, ...]) -> list[str]:
    return [f"{place}/{name}" for place in search.split(":") for name in names if os.access(f"{place}/{name}", os.X_OK)]


def _spellings(project: str, words: "Mapping[str, object]", named: "Sequence[str]") -> tuple[str, ...]:
    """The programs of the project that are called by a path, in each way that they may be."""
    from skillcache.rules.builtin import WORDS

    tools = frozenset(word for words in WORDS.values() for word in words.split()) - {"bash", "node"}
    found = []
    for place in _FOLDERS:
        here = installed(words, f"{project}/{place}")
        found += [f"{place}/{name}" for name in here if name in tools or name.startswith("python")]
    found += [name for name in _HERE if os.access(f"{project}/{name}", os.X_OK)]
    found += [path.removeprefix("./") for path in named if not path.startswith(("/", "~"))]
    spelled = []
    for path in found:
        spelled += [f"./{path}", f"{project}/{path}", *((path,) if "/" in path else ())]
    return tuple(sorted(spelled))
