"""At a session's start: what its Bash calls source, and the one line that makes them."""

import os

from skillcache.commands.shims import script
from skillcache.commands.shims.folder import Kept
from skillcache.core import files
from skillcache.core.digest import digest
from skillcache.core.paths import calls_folder, shims_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skillcache.settings.in_force import Settings

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
    kept = Kept(settings.cache, (*path.split(":"), *places), (project, str(counts), loader, *matches))
    return kept.find() or _make_anew(path, project, settings, kept, counts=counts, loader=loader)


def _make_anew(search: str, project: str, settings: "Settings", kept: Kept, *, counts: bool, loader: str) -> str | None:
    """`search`: in the form of PATH. Raises OSError."""
    from skillcache.commands.shims import folder
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
    names = folder.installed(words, search)
    base = folder.make(settings.cache, names, words, loader=loader)
    if base is None:
        return None
    activated = {}
    for place in _ENVIRONMENTS:
        there = f"{project}/{place}"
        own = folder.installed(words, f"{there}/bin")
        if own:
            activated[there] = folder.make(settings.cache, tuple(sorted({*own, *names})), words, loader=loader) or base
    text = script.preamble(
        base,
        activated=activated,
        spellings=_spellings(project, words, paths),
        calls=calls_folder(settings.cache) if counts else "",
        project=project,
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
    from skillcache.commands.shims import folder
    from skillcache.rules.builtin_index import WORDS

    tools = frozenset(word for words in WORDS.values() for word in words.split()) - {"bash", "node"}
    found = []
    for place in _FOLDERS:
        here = folder.installed(words, f"{project}/{place}")
        found += [f"{place}/{name}" for name in here if name in tools or name.startswith("python")]
    found += [name for name in _HERE if os.access(f"{project}/{name}", os.X_OK)]
    found += [path.removeprefix("./") for path in named if not path.startswith(("/", "~"))]
    spelled = []
    for path in found:
        spelled += [f"./{path}", f"{project}/{path}", *((path,) if "/" in path else ())]
    return tuple(sorted(spelled))
