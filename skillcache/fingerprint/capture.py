"""What a result depends on, captured: the content of the project, its packages, the tools, the environment."""

import os

from skillcache.core import outcomes
from skillcache.core.digest import digest_parts
from skillcache.core.git import find_root, guarded
from skillcache.core.outcomes import Bypass
from skillcache.core.record import KW_ONLY, Record
from skillcache.fingerprint import above, configuration, environment, files, named, packages, worktree
from skillcache.fingerprint.executables import Tools, upward
from skillcache.fingerprint.ignored import MAX_FILES, Ignored
from skillcache.fingerprint.index import Content

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from skillcache.core.git import Git
    from skillcache.fingerprint.ignored import Ignored
    from skillcache.fingerprint.index import Content
    from skillcache.fingerprint.packages import Installed


_OVERLAY, _IGNORED, _INSTALLED = 24_000, 8_000, 24_000  # characters of JSON each, roughly


def describe(found: "Content", ignored: "Ignored", installed: "Mapping[str, Installed]") -> dict[str, object]:
    """A JSON object under 64 KB.

    head: commit or None; overlay: [path, mode, object id] of files that differ from it, None twice for one that is
    gone; ignored: path -> digest; packages: folder -> ["name-version"]; cut: the lists that are not whole.
    """
    cut: list[str] = []
    overlay: list[list[str | None]] = []
    room = _OVERLAY
    for path, entry in sorted({**found.staged, **found.edits}.items()):
        name = os.fsdecode(path).encode("utf-8", "replace").decode()
        room -= 80 + 2 * len(name)
        if room < 0:
            cut.append("overlay")
            break
        overlay.append([name, *([part.decode() for part in entry] if entry else [None, None])])
    names: dict[str, str] = {}
    room = _IGNORED
    for name, value in sorted(ignored.files.items()):
        room -= 40 + 2 * len(name)
        if room < 0:
            cut.append("ignored")
            break
        names[_text(name)] = value
    packages: dict[str, list[str]] = {}
    room = _INSTALLED
    for folder, what in sorted(installed.items()):
        room -= 20 + len(folder) + sum(len(name) + 4 for name in what.names)
        if room < 0:
            cut.append("packages")
            break
        packages[_text(folder)] = [_text(name) for name in what.names]
    return {"head": found.head or None, "overlay": overlay, "ignored": names, "packages": packages, "cut": cut}


def _text(name: str) -> str:
    return name.encode("utf-8", "replace").decode()


Row = tuple[str, str, str]

# Packages that a narrowed content and a folder above the project would not show.
_PACKAGES = (".venv", "venv", "env", "node_modules", "vendor")
_MOST_IGNORED = 100
# Variables that lead tools to folders whose content counts.
_SEARCHED = ("PYTHONPATH", "MYPYPATH", "NODE_PATH", "RUBYLIB", "CLASSPATH")


class Request(Record):
    """What to capture. Paths are absolute."""

    cwd: str
    environ: "Mapping[str, str]"
    deadline: float  # on the clock of time.monotonic
    _: KW_ONLY
    directories: tuple[str, ...] = ()
    executables: tuple[tuple[str, str], ...] = ()
    reads: tuple[str, ...] = ()  # files and folders that the command names
    depends: tuple[str, ...] | None = None  # globs relative to the root; None: everything, empty: nothing
    variables: tuple[str, ...] = ()
    assignments: tuple[tuple[str, str], ...] = ()
    git: bool = False  # whether it reads git's own state
    without: tuple[str, ...] = ()  # globs relative to the root of files that do not count, as the command makes them
    counted: tuple[str, ...] = ()  # of files that do, even if git ignores them and they look like outputs
    asked: "Git | None" = None  # git, asked ahead
    meanwhile: "Callable[[], object] | None" = None  # is called while git is at work
    usual: bool = False  # of the variables count those that tools are known to read, and no others

    __repr__ = object.__repr__  # an environment is nothing for a traceback


class Fingerprint(Record):
    """A captured state."""

    root: str  # top of the project
    rows: tuple[Row, ...]  # sorted (label, name, value), all that a key holds
    details: dict[str, object]  # JSON of bounded size, with which a later capture can say what differs


def capture(request: Request) -> Fingerprint:
    """The state of everything the request names; Bypass (NO_GIT, TOO_LARGE, TOO_SLOW, UNCAPTURABLE, NO_TOOL)."""
    if any(name == "PATH" for name, _ in request.assignments):
        raise Bypass(outcomes.UNCAPTURABLE, "the command sets PATH")
    cwd = os.path.realpath(request.cwd)
    top = find_root(cwd)
    root = top or root_of(cwd, request.environ)
    budget = files.Budget(request.deadline, "changed files")
    # No glob at all is no content at all: the rule is of time alone.
    reading = None
    if top and request.depends != ():
        reading = worktree.Reading(
            root, request.depends, request.environ, budget, without=request.without, git=request.asked
        )
    try:
        if reading is not None:
            reading.begin()
        return _capture(request, cwd, root, reading, budget)
    except OSError as error:
        raise Bypass(outcomes.UNCAPTURABLE, f"{error.filename}: {error.strerror}") from None
    finally:
        if reading is not None:
            reading.abandon()


def _capture(
    request: Request, cwd: str, root: str, reading: worktree.Reading | None, budget: files.Budget
) -> Fingerprint:
    # Git is at work meanwhile, first on what it must say before it may do more.
    environ = {**request.environ, **dict(request.assignments)}
    words = [word for word, _ in request.executables]
    system = os.uname()
    user = "root" if os.geteuid() == 0 else "user"
    rows: list[Row] = [("system", "", f"{system.sysname} {system.machine}"), ("system", "user", user)]
    rows += [("env", *row) for row in _variables(request, environ, root)]
    if reading is not None:
        reading.proceed()
    tools = _tools(request, cwd, root, environ)
    rows += [("tool", word, identity) for word, identity in tools.identities.items()]
    systems, any_ = configuration.ecosystems(words)
    said = configuration.read(root, _places(request, cwd, root), environ, budget, words=words, any_=any_)
    settings = above.capture(root, systems, words, environ, budget, any_=any_)
    rows += [("settings", *row) for row in settings.rows]

    wanted = tuple(
        path[len(root) + 1 :] for path in map(os.path.realpath, request.reads) if path.startswith(root + "/")
    )
    found = Content()
    ignored = Ignored(root, files.Budget(request.deadline, "ignored files", MAX_FILES), wanted)
    ignored.blind = configuration.blind(words)
    ignored.without, ignored.counted = request.without, request.counted
    ignored.repository = lambda path: worktree.Reading(path, None, guarded(request.environ, root), budget, 1).run()
    if request.meanwhile is not None:
        request.meanwhile()
    if reading is not None:
        found = reading.finish()
        ignored.add(found.ignored)
        if said.git or request.git:
            rows.append(("git", "git's own state", reading.state()))
        rows += _around(request, root, reading, environ, budget)
    elif request.depends != ():
        from skillcache.fingerprint.outside import of_project

        found.digest, ignored = of_project(root, budget, wanted, without=request.without, counted=request.counted)
    if not request.usual:
        folders = dict.fromkeys((cwd, *request.directories))
        rows += [("named", *row) for row in named.capture(environ, folders, root, budget)]
    rows.append(("content", "", found.digest))
    rows += _rows_of_ignored(ignored)

    installed = dict(tools.packages)
    installed |= {f"{{root}}/{name}/": what for name, what in ignored.packages.items()}
    installed |= _packages(request, cwd, root, budget, installed)
    rows += [("packages", name, what.digest) for name, what in installed.items()]

    links = [*map(os.fsdecode, found.links), *ignored.links]
    reached = {path for what in installed.values() for path in what.outside}
    reached.update(_searched(cwd, root, environ), said.outside)
    if configuration.ECOSYSTEMS["javascript"] in systems:  # where Node looks last
        home = environ.get("HOME", "/")
        reached.update(filter(os.path.isdir, (f"{home}/.node_modules", f"{home}/.node_libraries")))
    reached |= _references(request, cwd, root, settings.files, systems, reading, budget)
    if links or reached or request.reads:
        rows += _outside(request, root, links, reached, budget, found, ignored)
    rows = [(label, _printable(name), _printable(value)) for label, name, value in rows]
    return Fingerprint(root, tuple(sorted(set(rows))), describe(found, ignored, installed))


def _variables(request: Request, environ: "Mapping[str, str]", root: str) -> list[tuple[str, str]]:
    if request.usual:
        from skillcache.fingerprint.usual import capture  # few commands are declared

        return capture(environ, request.variables, root)
    return environment.capture(environ, request.variables, root)


def _tools(request: Request, cwd: str, root: str, environ: "Mapping[str, str]") -> Tools:
    tools = Tools(root, environ, files.Budget(request.deadline, "tools"))
    for word, folder in request.executables:
        tools.add(word, folder)
    _, any_ = configuration.ecosystems(word for word, _ in request.executables)
    if any_:
        for word in configuration.implied(root):
            tools.add(word, cwd, optional=True)
    active = environ.get("VIRTUAL_ENV", "")
    if os.path.isabs(active) and os.path.exists(os.path.join(active, "pyvenv.cfg")):
        tools.python(os.path.join(active, "bin", "python"))
    return tools


def _places(request: Request, cwd: str, root: str) -> list[str]:
    """The folders of the command and all above them, up to the root."""
    found: list[str] = []
    for start in (cwd, *request.directories):
        for folder in upward(start):
            if folder not in found and f"{folder}/".startswith(f"{root}/"):
                found.append(folder)
    return found


def _packages(
    request: Request, cwd: str, root: str, budget: files.Budget, known: "Mapping[str, packages.Installed]"
) -> dict[str, packages.Installed]:
    """Packages from the folders of the command up to the root, and the modules of Node's that lie above it."""
    found = {}
    for start in {cwd, *request.directories}:
        within = True
        for folder in upward(start):
            for name in _PACKAGES if within else ("node_modules",):
                path = f"{folder}/{name}"
                if not os.access(path, os.F_OK):
                    continue
                label = f"{{root}}/{path[len(root) + 1 :]}/" if within else _label(path, root)
                if label not in known and label not in found and os.path.isdir(path):
                    installed = packages.of_folder(path, root, budget)
                    if installed is not None:
                        found[label] = installed
            within = within and folder != root
    return found


def _label(path: str, root: str) -> str:
    """What a folder of packages above the project is called: as its own, where it is of the repository around it."""
    from skillcache.fingerprint.outside import repository

    top = find_root(os.path.dirname(path))
    if top and (common := repository(root)) and repository(top) == common:
        return f"{{root}}/{path[len(top) + 1 :]}/"
    return os.path.relpath(path, root) + "/"


def _around(
    request: Request, root: str, reading: worktree.Reading, environ: "Mapping[str, str]", budget: files.Budget
) -> list[Row]:
    """What git is told for this worktree alone, and the repository that it is a submodule of."""
    lines = above.of_git(reading.shared, reading.excludes(), reading.listing or b"", environ, budget)
    rows: list[Row] = []
    if lines:
        rows.append(("settings", "git's lists of ignored files", digest_parts(map(str.encode, lines))))
    if request.depends is None and os.path.isfile(os.path.join(root, ".git")):
        from skillcache.fingerprint.outside import superproject

        rows += [("superproject", *row) for row in superproject(root, environ, budget)]
    return rows


def _rows_of_ignored(ignored: Ignored) -> list[Row]:
    """One row for each entry, so that a difference is seen by name; one for all when they are many."""
    if len(ignored.files) <= _MOST_IGNORED:
        return [("ignored", path, value) for path, value in ignored.files.items()]
    return [
        ("ignored", "", digest_parts(os.fsencode(f"{path}:{ignored.files[path]}") for path in sorted(ignored.files)))
    ]


def _printable(text: str) -> str:
    """A name that is no text, such as a path of other bytes, written so that it can be encoded."""
    return text.encode("utf-8", "backslashreplace").decode()


def root_of(cwd: str, environ: "Mapping[str, str]") -> str:
    """The top of the worktree, or of the project without git, that the real path `cwd` lies in. Raises Bypass."""
    top = find_root(cwd)
    if top is not None:
        return top
    from skillcache.fingerprint.outside import project_of

    marks = [mark for system in configuration.ECOSYSTEMS.values() for mark in system.marks]
    return project_of(cwd, environ, marks)


def _searched(cwd: str, root: str, environ: "Mapping[str, str]") -> "Iterable[str]":
    """Folders outside the project that a variable leads tools to."""
    for name in _SEARCHED:
        for path in environ.get(name, "").split(":"):
            real = os.path.realpath(os.path.join(cwd, path))
            if path and real != root and not real.startswith(root + "/"):
                yield real


def _references(
    request: Request,
    cwd: str,
    root: str,
    settings: list[str],
    systems: "Iterable[configuration.Ecosystem]",
    reading: worktree.Reading | None,
    budget: files.Budget,
) -> set[str]:
    """What configuration leads to outside the project: its own, what the command names, what lies above and at home."""
    from skillcache.fingerprint.outside import References, manifests, repository

    folders = _places(request, cwd, root)
    references = References(root, folders, request.environ, budget)
    own = [f"{folder}/{name}" for folder in folders for name in above.shaped(folder)]
    if request.depends is None:
        kinds = [kind for kind, system in configuration.ECOSYSTEMS.items() if system in systems]
        own += manifests(root, None if reading is None else reading.listing or b"", kinds)
    references.follow([*own, *(path for path in request.reads if os.path.isfile(path)), *settings])
    found = set(references.found).difference(map(os.path.realpath, settings))
    # Yarn's map of packages, by which a worktree without one finds those of the checkout around it.
    for folder in {os.path.dirname(path) for path in settings if os.path.basename(path).startswith(".pnp.")}:
        if (common := repository(root)) and repository(folder) == common:
            found.add(folder)
    return found


def _outside(
    request: Request,
    root: str,
    links: list[str],
    reached: set[str],
    budget: files.Budget,
    found: Content,
    ignored: Ignored,
) -> list[Row]:
    """What links, packages and variables lead to, and what the command names and the content does not hold."""
    from skillcache.fingerprint.outside import Outside

    outside = Outside(root, guarded(request.environ, root), budget, found.digest, ignored.files)
    rows: list[Row] = [("link", *row) for row in outside.links(links)]
    rows += [("outside", *row) for row in outside.rows(reached)]
    for path in request.reads:
        real = os.path.realpath(path)
        name = path[len(root) + 1 :] if path.startswith(root + "/") else path
        if outside.leaves(real) or not os.path.isdir(real) or request.depends is not None:
            rows.append(("read", name, outside.content(real)))
    return rows
