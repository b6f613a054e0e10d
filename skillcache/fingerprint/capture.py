"""What a result depends on, captured: the content of the project, its packages, the tools, the environment."""

import os

from skillcache.core import KW_ONLY, Record, field, outcomes
from skillcache.core.files import digest, digest_parts, keyed, read
from skillcache.core.git import find_root, guarded
from skillcache.core.outcomes import Bypass
from skillcache.core.paths import cache_folder
from skillcache.fingerprint import above, configuration, contents, environment, mentions, variables, worktree
from skillcache.fingerprint.contents import Budget
from skillcache.fingerprint.executables import Tools, upward
from skillcache.fingerprint.ignored import BUILDERS, Ignored
from skillcache.fingerprint.index import Content
from skillcache.fingerprint.leads import ELSEWHERE
from skillcache.fingerprint.own import BOOKKEEPING, UNREAD, Own, class_of
from skillcache.fingerprint.texts import CACHED, EXAMPLES, KEPT, MODES, NAME, OWNERS, Texts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from skillcache.core.git import Git
    from skillcache.fingerprint.own import StampedFile
    from skillcache.fingerprint.packages import Installed


_OVERLAY, _IGNORED, _INSTALLED = 24_000, 8_000, 24_000  # characters of JSON each, roughly


def describe(found: Content, ignored: Ignored, installed: "Mapping[str, Installed]") -> dict[str, object]:
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
        overlay.append([name, *([_id_of(part.decode()) for part in entry] if entry else [None, None])])
    names: dict[str, str] = {}
    room = _IGNORED
    for name, value in sorted(ignored.files.items()):
        room -= 40 + 2 * len(name)
        if room < 0:
            cut.append("ignored")
            break
        names[_text(name)] = keyed(value)
    listed: dict[str, list[str]] = {}
    room = _INSTALLED
    for folder, what in sorted(installed.items()):
        room -= 20 + len(folder) + sum(len(name) + 4 for name in what.names)
        if room < 0:
            cut.append("packages")
            break
        listed[_text(folder)] = [_text(name) for name in what.names]
    return {"head": found.head or None, "overlay": overlay, "ignored": names, "packages": listed, "cut": cut}


def _id_of(part: str) -> str:
    """Of a file that differs: its mode, or its object's id, which may carry the file's size."""
    name, blank, size = part.partition(" ")
    return keyed(name) + blank + size


def _text(name: str) -> str:
    return name.encode("utf-8", "replace").decode()


Row = tuple[str, str, str]

# Packages that a narrowed content and a folder above the project would not show.
_PACKAGES = (".venv", "venv", "env", "node_modules", "vendor", "__pypackages__")
_MOST_ROWS = 100  # of one kind, before one row stands for all


class Request(Record):
    """What to capture. Paths are absolute."""

    cwd: str
    environ: "Mapping[str, str]"
    deadline: float  # on the clock of time.monotonic
    _: KW_ONLY
    directories: tuple[str, ...] = ()
    executables: tuple[tuple[str, str], ...] = ()
    tasks: tuple[tuple[str, str, str], ...] = ()  # (program, task, folder) of named tasks
    reads: tuple[str, ...] = ()  # files and folders that the command names
    depends: tuple[str, ...] | None = None  # globs relative to the root; None: everything, empty: nothing
    variables: tuple[str, ...] = ()
    assignments: tuple[tuple[str, str], ...] = ()
    git: bool = False  # whether it reads git's own state
    ruled: tuple[str, ...] = ()  # files and folders that a rule names, as it spells them
    without: tuple[str, ...] = ()  # globs relative to the root of files that do not count, as the command makes them
    counted: tuple[str, ...] = ()  # of files that do, even if git ignores them and they look like outputs
    rewritten: tuple[str, ...] = ()  # files unknown to git that each run writes anew, and does not read before
    asked: "Git | None" = None  # git, asked ahead
    meanwhile: "Callable[[], object] | None" = None  # is called while git is at work
    scope: str = ""  # what names the command whose own outputs do not count
    readings: "dict[object, worktree.Reading] | None" = None  # of other captures of this very moment, and of this one
    usual: bool = False  # of the variables count those that tools are known to read, and no others

    __repr__ = object.__repr__  # an environment is nothing for a traceback


class Fingerprint(Record):
    """A captured state."""

    root: str  # top of the project
    rows: tuple[Row, ...]  # sorted (label, name, value), all that a key holds
    details: dict[str, object]  # JSON of bounded size, with which a later capture can say what differs
    ignored: Ignored | None = None  # of a capture with a scope
    elsewhere: "Mapping[str, StampedFile]" = field(default_factory=dict)  # what the project's text names beyond it
    beyond: tuple[str, ...] = ()  # what else counts there: paths of files, and of folders with all in them


def capture(request: Request) -> Fingerprint:
    """The state of everything the request names; Bypass (NO_GIT, TOO_LARGE, TOO_SLOW, UNCAPTURABLE, NO_TOOL)."""
    if any(name == "PATH" for name, _ in request.assignments):
        raise Bypass(outcomes.UNCAPTURABLE, "the command sets PATH")
    cwd = os.path.realpath(request.cwd)
    top = find_root(cwd)
    root = top or root_of(cwd, request.environ)
    budget = Budget(request.deadline, "changed files", cache=cache_folder(request.environ))
    # No glob at all is no content at all: the rule is of time alone.
    reading = None
    if top and request.depends != ():
        reading = worktree.Reading(
            root, request.depends, request.environ, budget, without=request.without, git=request.asked
        )
        reading.rewritten = frozenset(map(os.fsencode, request.rewritten))
    same = (root, request.depends, request.without, request.rewritten)
    if request.readings is not None and same in request.readings:
        reading = worktree.Again(request.readings[same])
    key = " ".join([root, *(word for word, _ in request.executables)])
    try:
        if reading is not None:
            reading.begin()
        contents.look_ahead(key, budget)
        found = _capture(request, cwd, root, reading, budget)
        if request.readings is not None and reading is not None:
            request.readings[same] = reading
        return found
    except OSError as error:
        raise Bypass(outcomes.UNCAPTURABLE, f"{error.filename}: {error.strerror}") from None
    finally:
        contents.let_go(key, budget)
        if reading is not None:
            reading.abandon()


def _capture(request: Request, cwd: str, root: str, reading: worktree.Reading | None, budget: Budget) -> Fingerprint:
    # Git is at work meanwhile, first on what it must say before it may do more.
    environ = {**request.environ, **dict(request.assignments)}
    words = [word for word, _ in request.executables]
    told = _told_by_tasks(request)
    rows = [*_of_system(), *(("env", *row) for row in _variables(request, environ, root))]
    if reading is not None:
        reading.proceed()
    tools = _tools(request, told, cwd, root, environ, budget)
    systems, any_ = configuration.ecosystems(words)
    said = configuration.read(root, _places(request, cwd, root), environ, budget, words=words, any_=any_)
    settings = above.capture(root, systems, words, environ, budget, any_=any_)

    found = Content()
    ignored = _ignored(request, root, _wanted(request, root, environ), words, budget)
    before = _packages(request, cwd, root, budget, tools.packages)
    if request.meanwhile is not None:
        request.meanwhile()
    is_whole = request.depends is None and not request.usual
    there: tuple[dict[str, StampedFile], list[str]] = ({}, [])
    spoken_of: AbstractSet[str] | None = None  # tools; None: nobody has looked
    known = (
        worktree.capture_folders(root, request.environ, request.deadline) if is_whole and reading is not None else []
    )
    if reading is not None:
        found = reading.finish()
        ignored.add(found.ignored)
        rows += _asked_by_tasks(request, said, reading)
        rows += _around(request, root, reading, environ, budget)
    elif request.depends != ():
        from skillcache.fingerprint.outside import everything

        ignored.add(everything(root))
    if not request.usual:
        places = dict.fromkeys((cwd, *request.directories))
        rows += [("named", *row) for row in environment.capture_named(environ, places, root, budget)]
    rows += [("content", "", found.digest), *(("rewritten", path, "") for path in request.rewritten)]
    rows += [*_rows_of_ignored(ignored), *(("place", f"a folder called {part}", "around it") for part in said.around)]
    references = _references(request, cwd, root, settings.files, systems, reading, budget)
    leading = {path for what in (*before.values(), *tools.packages.values()) for path in what.outside}
    links = [*map(os.fsdecode, found.links), *ignored.links]
    if is_whole:
        state = _Known(cwd, root, environ, reading, found, ignored, tools, settings, references, told)
        more, there, spoken_of = _elsewhere(
            request, state, [*leading, *(os.path.join(root, link) for link in links)], budget
        )
        rows += [*more, *_unknown_to_git(state, found, known, request, wanted=_ASKS_FOR_MODES in more)]
    rows += [("tool", word, identity) for word, identity in tools.identities.items()]

    installed = {**before, **tools.packages}
    installed |= {f"{{root}}/{name}/": what for name, what in ignored.packages.items()}
    rows += _settings(settings, root, there[0], words, spoken_of, installed, environ)
    rows += [("packages", name, what.digest) for name, what in installed.items()]

    reached = {path for what in installed.values() for path in what.outside} | said.outside
    reached |= _led_to(references, root, settings.files, systems, environ)
    rows += _outside(request, root, links, reached, budget, found, ignored)
    rows = [(label, _printable(name), keyed(_printable(value))) for label, name, value in rows]
    details = describe(found, ignored, installed)
    return Fingerprint(
        root,
        tuple(sorted(set(rows))),
        details,
        ignored if request.scope else None,
        there[0],
        tuple(sorted({*settings.files, *there[1], *_leaving(root, (*reached, *request.reads, *links))})),
    )


def _settings(
    found: above.Found,
    root: str,
    there: "Mapping[str, StampedFile]",
    words: list[str],
    spoken_of: "AbstractSet[str] | None",
    installed: "Mapping[str, Installed]",
    environ: "Mapping[str, str]",
) -> list[Row]:
    """Those that count, and not as what the project names: it may be what the command itself writes."""
    said = (*(name for what in installed.values() for name in what.names), *environ.values())

    def is_named(tool: str) -> bool:
        return tool in (spoken_of or ()) or any(tool in text for text in said)

    return [
        ("settings", *row)
        for row, path in zip(found.rows, found.files, strict=True)
        if _BEYOND + os.path.relpath(path, root) not in there
        and (spoken_of is None or not above.is_of_another(row[0], words, is_named))
    ]


def _leaving(root: str, paths: "Iterable[str]") -> set[str]:
    """Real paths of those that lie outside the project; relative ones begin at `root`."""
    reals = {os.path.realpath(os.path.join(root, path)) for path in paths}
    return {path for path in reals if not f"{path}/".startswith(f"{root}/")}


def _of_system() -> list[Row]:
    system = os.uname()
    user = "root" if os.geteuid() == 0 else "user"
    kind = f"{system.sysname} {system.machine}"
    rows = [("system", "", kind), ("system", "user", user), ("system", "capture", _READS)]
    return [*rows, ("system", "network", "none")] if _is_alone() else rows


def _is_alone() -> bool:
    """Whether the process has been shut off from every network (Linux): `unshare --net`."""
    lines = (read("/proc/self/net/dev", _INTERFACES) or b"").splitlines()[2:]
    return bool(lines) and all(line.lstrip().startswith(b"lo:") for line in lines)


_INTERFACES = 1 << 16


_READS = "6"  # what a capture reads: another number where it begins to read more, so that no older result is given
_BEYOND = "//"  # before a path outside of the project, among those that git ignores
_OF_IGNORED = frozenset(["ignored", "beside", "output", UNREAD, "mention"])


def without_own_outputs(
    before: Fingerprint,
    after: Fingerprint,
    unread: "frozenset[str] | set[str]" = frozenset(),
    untouched: "frozenset[str] | set[str]" = frozenset(),
) -> Fingerprint | None:
    """What is so after a run of a command, once is known what of it are its outputs; None where other files changed.

    unread, untouched: see `own.Own.learn_from_run`. Raises OSError.
    """
    if before.ignored is None or after.ignored is None or after.ignored.own is None:
        return after
    rest = [row for row in after.rows if row[0] not in _OF_IGNORED]
    others = [os.fsencode(part) for row in rest for part in row]
    own = after.ignored.own
    was = {**before.ignored.entries, **before.elsewhere}
    if not own.learn_from_run(was, {**after.ignored.entries, **after.elsewhere}, others, unread, untouched):
        return None
    known = [*_rows_of_ignored(after.ignored), *_rows_of_mentions(after.elsewhere, own)]
    rows = {(label, _printable(name), keyed(value)) for label, name, value in known}
    known_rows = tuple(sorted({*rest, *rows}))
    return Fingerprint(after.root, known_rows, after.details, after.ignored, after.elsewhere, after.beyond)


def _rows_of_mentions(found: "Mapping[str, StampedFile]", own: Own | None) -> list[Row]:
    rows = []
    for path, entry in found.items():
        if own is None or not own.holds(path, entry):
            rows.append(("mention", path[len(_BEYOND) :], entry[0]))
        elif class_of(path) != BOOKKEEPING:
            rows.append(("mention", path[len(_BEYOND) :], "own"))
    return rows


def with_ignored(one: Fingerprint, other: Fingerprint) -> Fingerprint:
    """A capture with what another says of the files that git ignores."""
    rows = [row for row in one.rows if row[0] not in _OF_IGNORED]
    rows += [row for row in other.rows if row[0] in _OF_IGNORED]
    return Fingerprint(one.root, tuple(sorted(rows)), one.details, one.ignored)


def _ignored(request: Request, root: str, wanted: tuple[str, ...], words: list[str], budget: Budget) -> Ignored:
    """What is ready to capture what git ignores."""
    ignored = Ignored(root, budget.of("ignored files"), wanted)
    ignored.blind = configuration.blind(words)
    ignored.without, ignored.counted = request.without, request.counted

    def repository(path: str) -> Content:
        reading = worktree.Reading(path, None, guarded(request.environ, root), budget, 1)
        found = reading.run()
        ignored.inner |= reading.with_inner(os.path.relpath(path, root))
        return found

    ignored.repository = repository
    if not request.usual:  # a skill says itself what counts
        ignored.own = Own(root, request.scope, request.environ)
        names = set(map(os.path.basename, words))
        ignored.building = bool(words) and names <= BUILDERS
        ignored.ctest = ("ctest" in names and "make" not in names) or _is_ctest(request)
    return ignored


def _is_ctest(request: Request) -> bool:
    if not request.tasks or request.reads:
        return False
    from skillcache.fingerprint import recipes  # most commands are no tasks

    return recipes.is_ctest(request.tasks, {**request.environ, **dict(request.assignments)})


def _variables(request: Request, environ: "Mapping[str, str]", root: str) -> list[tuple[str, str]]:
    if request.usual:
        from skillcache.fingerprint.usual import capture  # few commands are declared

        return capture(environ, request.variables, root)
    return variables.capture(environ, request.variables, root)


class _Told(Record):
    """What one task says."""

    runner: str
    task: str
    folder: str
    texts: list[tuple[str, bool]]  # its own and those of the scripts it calls, each with whether it is one of these


def _told_by_tasks(request: Request) -> list[_Told]:
    if not request.tasks:
        return []
    from skillcache.fingerprint import recipes  # most commands are no tasks

    given = [path for path in request.reads if os.path.isfile(path)]
    return [_Told(*each, list(recipes.said(*each, given))) for each in request.tasks]


def _tools(
    request: Request,
    told: list[_Told],
    cwd: str,
    root: str,
    environ: "Mapping[str, str]",
    budget: Budget,
) -> Tools:
    tools = Tools(root, environ, budget.of("tools"))
    tools.cwd = cwd
    for word, folder in request.executables:
        tools.add(word, folder)
    _, any_ = configuration.ecosystems(word for word, _ in request.executables)
    if any_:
        for word in configuration.implied(root):
            tools.add(word, cwd, optional=True)
    for each in told:
        from skillcache.fingerprint import recipes  # most commands are no tasks

        for word in recipes.started(each.runner, each.texts):
            if word in ELSEWHERE:
                raise Bypass(outcomes.OUTSIDE, f"{each.runner} {each.task} runs {word}")
            tools.mention(word, each.folder, surely=True)
    for name, word in () if request.usual else environment.programs(environ):
        tools.given(name, word, cwd)
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
    request: Request, cwd: str, root: str, budget: Budget, known: "Mapping[str, Installed]"
) -> "dict[str, Installed]":
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
                    from skillcache.fingerprint import packages  # not every project has them

                    installed = packages.of_folder(path, root, budget)
                    if installed is not None:
                        found[label] = installed
            within = within and folder != root
    return found


class _Known(Record):
    """What is known when the project's own text is read."""

    cwd: str
    root: str
    environ: "Mapping[str, str]"
    reading: worktree.Reading | None
    found: Content
    ignored: Ignored
    tools: Tools
    settings: above.Found
    references: "_LedTo"
    told: list[_Told]

    def inner(self) -> dict[str, worktree.Reading]:
        """The repositories in the project: path -> what was read there."""
        return {**({} if self.reading is None else self.reading.inner), **self.ignored.inner}


_ASKS_FOR_MODES = ("asked", "permissions", "")


def _elsewhere(
    request: Request, state: _Known, reached: list[str], budget: Budget
) -> "tuple[list[Row], tuple[dict[str, StampedFile], list[str]], AbstractSet[str]]":
    """What the project's own text leads to beyond it, what of that are folders, and the tools that it names.

    The programs among it are tools, and have settings.

    reached: what links and packages lead to.
    """
    root, reading, settings = state.root, state.reading, state.settings
    of_git = (b"", None, "") if reading is None else (reading.listing or b"", reading.stamp, reading.shared)
    listing, stamp, shared = of_git
    written = {path: entry for path, entry in state.ignored.texts.items() if not class_of(os.fsdecode(path))}
    texts = Texts(listing, stamp, {**written, **state.found.edits}, shared)
    inner = {
        path: Texts(each.listing or b"", each.stamp, each.content.edits if each.content else {}, each.shared)
        for path, each in state.inner().items()
    }
    reached += [*state.references.found, *environment.folders(state.cwd, root, state.environ)]
    given = list(environment.files_named(state.environ, dict.fromkeys((state.cwd, *request.directories))))

    def scripts(programs: "AbstractSet[str]") -> list[str]:
        for word in sorted(programs):
            state.tools.mention(word, state.cwd)
        return state.tools.scripts()

    for word in environment.words(state.environ):
        state.tools.mention(word, state.cwd)
    spoken_of = mentions.of(
        root,
        texts,
        state.environ,
        _places(request, state.cwd, root),
        deadline=request.deadline,
        programs=state.tools.programs(),
        reached=[*reached, *(path for path in settings.files if not _is_at_home(path, state.environ))],
        given=given,
        scripts=scripts,
        inner=inner,
        cooks=configuration.may_cook(word for word, _ in request.executables),
    )
    state.references.follow(settings.add(above.of_programs(spoken_of.programs, spoken_of.said, state.environ, budget)))
    for place in spoken_of.environments:
        state.tools.python(f"{place}/bin/python")
    there = {_BEYOND + name: entry for name, entry in spoken_of.paths.items()}
    rows = _rows_of_mentions(there, state.ignored.own)
    _, any_ = configuration.ecosystems(word for word, _ in request.executables)
    rows += [("machine", *row) for row in variables.of_machine(spoken_of.said, state.environ, scripts=any_)]
    told = [text.encode("utf-8", "surrogateescape") for each in state.told for text, _ in each.texts]
    rows += [("env", *row) for row in variables.read_by_name(spoken_of.said, state.environ, root, scripts=any_)]
    if reading is not None:
        rows += _of_git(state, reading, spoken_of.said, told)
    rows += [_ASKS_FOR_MODES] if MODES in spoken_of.said else []
    if NAME in spoken_of.said or _asks_for_name(told):
        rows.append(("place", "its name", os.path.basename(root)))
    places = _places(request, state.cwd, root)
    if OWNERS in spoken_of.said and reading is not None:
        owned = worktree.owners(root, reading.listing or b"", state.found)
        rows += [("owners", "", digest_parts(os.fsencode("\0".join(row)) for row in owned))] if owned else []
    rows += _cached(places, spoken_of.said, root, budget)
    if KEPT in spoken_of.said:
        rows += _kept_by_pytest(places, root, budget)
    if EXAMPLES in spoken_of.said:
        rows += _kept(places, (_OF_HYPOTHESIS,), root, budget)
    rows += _kept_for_linters(state.told, root, budget)
    return rows, (there, spoken_of.folders), spoken_of.tools


def _asks_for_name(told: list[bytes]) -> bool:
    if not told:
        return False
    from skillcache.fingerprint.mention_text import asks_for_name  # most commands are no tasks

    return any(map(asks_for_name, told))


def _asked_by_tasks(request: Request, said: configuration.Said, reading: worktree.Reading) -> list[Row]:
    """What files of tasks ask of git's own state."""
    rows: list[Row] = [("git", "git's own state", reading.state())] if said.git or request.git else []
    return [*rows, ("git", "index", digest(reading.listing or b""))] if said.index else rows


def _of_git(state: _Known, reading: worktree.Reading, said: "AbstractSet[bytes]", told: list[bytes]) -> list[Row]:
    """What the project's source asks of git's own state, or a task and scripts that it calls; told: texts of these."""
    asking = {sign for sign in said if sign[:1] == b"?"}
    if not (asking or told):
        return []
    from skillcache.fingerprint import git_state  # few texts ask

    for text in told:
        asking |= git_state.asked(text, is_shell=True) | git_state.asked_by_tools(text)
    asking |= git_state.meant(asking)
    found = git_state.rows(asking, reading.folder, reading.shared, state.found.head, reading.listing or b"")
    rows: list[Row] = [("git", *row) for row in found]
    for path, inner in state.inner().items():
        head = inner.content.head if inner.content else ""
        found = git_state.rows(asking, inner.folder, inner.shared, head, inner.listing or b"")
        rows += [("git", f"{path}: {name}", value) for name, value in found]
    return rows


def _kept_by_pytest(places: list[str], root: str, budget: Budget) -> list[Row]:
    """What the suite's own code keeps from run to run in pytest's cache, where it says that it does."""
    rows: list[Row] = []
    for place in places:
        for part in ("v", "d"):
            top = f"{place}/.pytest_cache/{part}"
            if os.path.isdir(top):
                rows.append(("kept", top[len(root) + 1 :], contents.tree(top, budget, _is_of_pytest)))
    return rows


# Of an editor, a desktop and another version control: no run writes to them. Of the others, which do, it counts that
# they are there.
_OF_NO_RUN = frozenset([".idea", ".svn", ".hg", ".DS_Store"])


def _cached(places: list[str], said: "AbstractSet[bytes]", root: str, budget: Budget) -> list[Row]:
    """Caches that are left out for their names, but for a text that names something in them."""
    names = [os.fsdecode(sign[len(CACHED) :]) for sign in said if sign.startswith(CACHED)]
    rows: list[Row] = _kept(places, _OF_NO_RUN.intersection(names), root, budget)
    there = [f"{place}/{name}" for place in places for name in names if name not in _OF_NO_RUN]
    return rows + [("kept", path[len(root) + 1 :], "there") for path in there if os.path.lexists(path)]


_OF_HYPOTHESIS = ".hypothesis/examples"  # which have failed, and which it tries first
# What linters have found in files that are as they were, whatever these import and the rules read (eslint 10,
# stylelint 17, prettier 3): with `--cache` a report is made of it.
_OF_LINTERS = (".eslintcache", ".stylelintcache", "node_modules/.cache/prettier/.prettier-cache")


def _kept(places: "Iterable[str]", names: "Iterable[str]", root: str, budget: Budget) -> list[Row]:
    rows: list[Row] = []
    for place in places:
        for name in names:
            path = os.path.normpath(f"{place}/{name}")
            if os.path.isfile(path):
                rows.append(("kept", os.path.relpath(path, root), contents.content(path, budget)))
            elif os.path.isdir(path) and os.listdir(path):
                rows.append(
                    ("kept", os.path.relpath(path, root), contents.tree(path, budget, lambda _path, _folder: False))
                )
    return rows


def _kept_for_linters(told: list[_Told], root: str, budget: Budget) -> list[Row]:
    """What a task has its linters keep from run to run; as commands of their own, such always run."""
    rows: list[Row] = []
    for each in told:
        for text, _ in each.texts:
            if "--cache" in text:
                words = text.replace("=", " ").replace('"', " ").split()
                places = [words[at] for at, word in enumerate(words[:-1], 1) if word == "--cache-location"]
                rows += _kept((each.folder,), (*_OF_LINTERS, *places), root, budget)
    return rows


def _is_of_pytest(path: str, _is_folder: bool) -> bool:
    """What pytest itself keeps there is of the last run, and only options that say so read it."""
    return path == "cache"


def _wanted(request: Request, root: str, environ: "Mapping[str, str]") -> tuple[str, ...]:
    """What of the project the command or a rule names, relative to the root."""
    given = (*request.reads, *(place_of(text, root, environ) for text in request.ruled))
    return tuple(path[len(root) + 1 :] for path in map(os.path.realpath, given) if path.startswith(root + "/"))


def _unknown_to_git(
    state: _Known, found: Content, known: list[tuple[str, str]], request: Request, *, wanted: bool
) -> list[Row]:
    """Folders that hold no file, and permissions; `known`: folders that were found."""
    root, reading = state.root, state.reading
    if reading is None:
        return []
    listing = reading.listing or b""
    rows = [*worktree.folders_within(known, found.ignored), *worktree.modes(root, listing, found, wanted=wanted)]
    for path, inner in state.inner().items():
        if inner.content is not None:
            own = worktree.capture_folders(inner.root, request.environ, request.deadline)
            own = worktree.folders_within(own, inner.content.ignored)
            own += worktree.modes(inner.root, inner.listing or b"", inner.content, wanted=wanted)
            rows += [(f"{path}/{name}", value) for name, value in own]
    if len(rows) <= _MOST_ROWS:
        return [("folder" if value == "empty" else "mode", path, value) for path, value in rows]
    return [("folder", "", digest_parts(os.fsencode("\0".join(row)) for row in sorted(rows)))]


def _label(path: str, root: str) -> str:
    """What a folder of packages above the project is called: as its own, where it is of the repository around it."""
    from skillcache.fingerprint.outside import repository

    top = find_root(os.path.dirname(path))
    if top and (common := repository(root)) and repository(top) == common:
        return f"{{root}}/{path[len(top) + 1 :]}/"
    return os.path.relpath(path, root) + "/"


def _around(
    request: Request, root: str, reading: worktree.Reading, environ: "Mapping[str, str]", budget: Budget
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
    rows = ignored.rows()
    if len(rows) <= _MOST_ROWS:
        return rows
    return [("ignored", "", digest_parts(os.fsencode(":".join(row)) for row in sorted(rows)))]


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


def place_of(text: str, root: str, environ: "Mapping[str, str]") -> str:
    """The absolute path of what a rule calls so."""
    home = environ.get("HOME") or "/"
    return os.path.normpath(os.path.join(root, home + text[1:] if text == "~" or text.startswith("~/") else text))


def touched(reads: "Iterable[str]", root: str, environ: "Mapping[str, str]", since: int) -> bool:
    """Whether one of what a rule names bears a stamp, in nanoseconds, of `since` or later."""
    for text in reads:
        path = place_of(text, root, environ)
        for place in (path, os.path.realpath(path)):
            try:
                if os.lstat(place).st_ctime_ns >= since:
                    return True
            except OSError:  # it is not there, which is a row of the fingerprint
                continue
    return False


def _references(
    request: Request,
    cwd: str,
    root: str,
    settings: list[str],
    systems: "Iterable[configuration.Ecosystem]",
    reading: worktree.Reading | None,
    budget: Budget,
) -> "_LedTo":
    """What configuration leads to outside the project: its own, what the command names, what lies above and at home."""
    folders = _places(request, cwd, root)
    references = _LedTo(root, folders, request.environ, budget)
    own = [f"{folder}/{name}" for folder in folders for name in above.shaped(folder)]
    names = [name for system in configuration.ECOSYSTEMS.values() if system in systems for name in system.everywhere]
    if request.depends is None and names:
        from skillcache.fingerprint.references import manifests

        own += manifests(root, None if reading is None else reading.listing or b"", names)
    references.follow([*own, *(path for path in request.reads if os.path.isfile(path)), *settings])
    return references


class _LedTo:
    """What configuration leads to outside the project; `found`: real paths, of all the files that it is told of."""

    __slots__ = ("_follow", "_given", "found")

    def __init__(self, root: str, folders: list[str], environ: "Mapping[str, str]", budget: Budget) -> None:
        self._given = (root, folders, environ, budget)
        self._follow: Callable[[list[str]], None] | None = None
        self.found: Mapping[str, None] = {}

    def follow(self, paths: list[str]) -> None:
        if not paths:
            return
        if self._follow is None:
            from skillcache.fingerprint.references import References  # not every command has configuration

            references = References(*self._given)
            self._follow, self.found = references.follow, references.found
        self._follow(paths)


def _is_at_home(path: str, environ: "Mapping[str, str]") -> bool:
    """Whether it is of the person or of the system, and not of folders above the project."""
    home = environ.get("HOME", "/").rstrip("/")
    settings = environ.get("XDG_CONFIG_HOME") or f"{home}/.config"
    return os.path.dirname(path) == home or path.startswith((f"{settings}/", f"{home}/.", "/etc/", "/usr/"))


def _led_to(
    references: "_LedTo",
    root: str,
    settings: list[str],
    systems: "Iterable[configuration.Ecosystem]",
    environ: "Mapping[str, str]",
) -> set[str]:
    found = set(references.found).difference(map(os.path.realpath, settings))
    # Yarn's map of packages, by which a worktree without one finds those of the checkout around it.
    for folder in {os.path.dirname(path) for path in settings if os.path.basename(path).startswith(".pnp.")}:
        from skillcache.fingerprint.outside import repository  # few have one

        if (common := repository(root)) and repository(folder) == common:
            found.add(folder)
    if configuration.ECOSYSTEMS["javascript"] in systems:  # where Node looks last
        home = environ.get("HOME", "/")
        found.update(filter(os.path.isdir, (f"{home}/.node_modules", f"{home}/.node_libraries")))
    return found


def _outside(
    request: Request,
    root: str,
    links: list[str],
    reached: set[str],
    budget: Budget,
    found: Content,
    ignored: Ignored,
) -> list[Row]:
    """What links, packages and variables lead to, and what the command names and the content does not hold."""
    environ = {**request.environ, **dict(request.assignments)}
    reached.update(environment.folders(os.path.realpath(request.cwd), root, environ))
    libraries: list[Row] = [("outside", *row) for row in environment.libraries(environ, budget)]
    if not (links or reached or request.reads or request.ruled):
        return libraries
    from skillcache.fingerprint.outside import Outside

    outside = Outside(root, guarded(request.environ, root), budget, found.digest, ignored.files)
    rows: list[Row] = [*libraries, *(("link", *row) for row in outside.links(links))]
    rows += [("outside", *row) for row in outside.rows(reached)]
    for text in request.ruled:
        path = place_of(text, root, request.environ)
        rows.append(("reads", text, outside.names(path) if text.endswith("/") else outside.content(path)))
    for path in request.reads:
        real = os.path.realpath(path)
        name = path[len(root) + 1 :] if path.startswith(root + "/") else path
        if outside.leaves(real) or not os.path.isdir(real) or request.depends is not None:
            rows.append(("read", name, outside.content(real)))
    return rows
