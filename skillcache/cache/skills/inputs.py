"""What a script of a skill depends on besides what every line does: rows for its key, and files that it is given.

skill    {name}, or path below its folder       the folder's content, caches apart
skill    {name} shared {path}                   what lies beside it and is no skill, or all of its plugin
skill    {name} version                         as declared
skill    {name} package.json                    what Node finds above the folder, and how many folders up
depends  a glob as declared                     the files that it names, counted from elsewhere than the worktree
"""

import os

from skillcache.core.files import digest_parts
from skillcache.core.outcomes import OUTSIDE, UNCAPTURABLE, Bypass
from skillcache.core.paths import cache_folder
from skillcache.fingerprint import packages
from skillcache.fingerprint.contents import Budget, blob
from skillcache.fingerprint.globs import is_plain, matches
from skillcache.fingerprint.ignored import is_cache
from skillcache.fingerprint.outside import Outside
from skillcache.rules.skills import manifest
from skillcache.rules.skills.manifest import FILE, PLUGIN, SHELF, fault_of_output, is_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from skillcache.fingerprint.capture import Row
    from skillcache.rules.judge import Use

_MOST_NAMED = 100  # files of a folder that have a row each, so that a difference is seen by name
_MARKS = "=@,:;"
_OUT = ("-o", "--out", "--output", "--outfile", "--outdir")
_OUT_OF = ("--out-", "--output-", "--out_", "--output_")
_PACKAGE = "package.json"
_NOT_NODE = (".py", ".sh", ".bash", ".rb", ".pl")
_PATTERN = frozenset("*?[")  # what makes a word a pattern to whoever reads it as one


def globs_of(uses: "tuple[Use, ...]", cwd: str, root: str) -> tuple[str, ...]:
    """The outputs that all uses declare by name, relative to the root. Raises Bypass (UNCAPTURABLE)."""
    found: dict[str, None] = {}
    for use in uses:
        place = os.path.relpath(os.path.join(os.path.realpath(cwd), use.directory), root)
        if use.rule.outputs and not is_plain(place.replace("[", "*").replace("\\", "*")):
            raise Bypass(UNCAPTURABLE, f"{place} reads as a pattern")
        for glob in use.rule.outputs:
            if not is_named(glob):
                found[glob if place == "." else f"{place}/{glob}"] = None
    return tuple(found)


def named_outputs(uses: "tuple[Use, ...]", cwd: str, root: str) -> tuple[str, ...]:
    """Those that the calls name: paths relative to the root. Raises Bypass (OUTSIDE, UNCAPTURABLE)."""
    found: dict[str, None] = {}
    for use in uses:
        base = os.path.join(os.path.realpath(cwd), use.directory)
        for value in use.named.values():
            found[_place_of(value, base, root)] = None
    return tuple(found)


def only_written(uses: "tuple[Use, ...]", cwd: str, root: str) -> tuple[str, ...]:
    """What `-o` or `--output` names, relative to the root: an output by its name, where an argument may be read too."""
    found: list[str] = []
    for use in uses:
        base, values = os.path.join(os.path.realpath(cwd), use.directory), list[str]()
        for word, value in zip(use.given, (*use.given[1:], ""), strict=False):
            option, equals, glued = word.partition("=")
            if word[:2] == "-o" and len(word) > 2:
                values.append(word[2:])
            elif option in _OUT or option.startswith(_OUT_OF):
                values.append(glued if equals else value)
        found += [_below(_path_of(piece, base, use.home), root) for piece in filter(None, values)]
    return tuple(found)


def named_inputs(use: "Use", cwd: str, root: str) -> "Iterator[str]":
    """Globs, relative to the root, of all that the words behind the script may name."""
    base = os.path.join(cwd, use.directory)
    for word in use.given:
        for piece in _pieces(word):
            below = _below(_path_of(piece, base, use.home), root)
            yield "**" if below == "." else below


def _path_of(piece: str, base: str, home: str) -> str:
    """Of a piece of a word; that no shell has put the home folder there does not keep a script from doing so."""
    path = home + piece[1:] if home and piece.startswith("~/") else os.path.join(base, piece)
    return os.path.realpath(path) if ".." in piece.split("/") else os.path.normpath(path)


def _place_of(value: str, base: str, root: str) -> str:
    path = os.path.join(base, value)
    parts = value.split("/")
    if parts[-1] in ("..", "."):
        path = os.path.realpath(path)
    elif ".." in parts:
        path = os.path.join(os.path.realpath(os.path.dirname(path)), parts[-1])
    path = os.path.normpath(path)
    below = path[len(root) + 1 :] if path.startswith(f"{root}/") else _below(path, root)
    if below.partition("/")[0] in (".", ".."):
        raise Bypass(OUTSIDE, f"{value} is not below {root}")
    fault = "reads as an option" if value.startswith("-") else fault_of_output(below)
    if not fault and not is_plain(below):
        fault = "reads as a pattern"
    if fault:
        raise Bypass(UNCAPTURABLE, f"{value} {fault}")
    return below


def given_files(
    use: "Use", cwd: str, root: str, outputs: tuple[str, ...], named: tuple[str, ...] = ()
) -> "Iterator[str]":
    """Absolute paths of the arguments, and of parts of them, that name a file or a folder, or files by a glob.

    Not of the outputs, of which `named` are those that the call names. Raises Bypass (UNCAPTURABLE) for an argument
    that should name a file and does not, for a pattern that may name files and is no glob of ours, and for one that
    names such an output once more: what is read there is not known when the result is asked for.
    """
    base = os.path.join(cwd, use.directory)
    options = True
    for at, word in enumerate(use.given):
        _require_no_list(word, base, use.home)
        names_one = False
        for piece in _pieces(word):
            path = _path_of(piece, base, use.home)
            below = _below(path, root)
            if any(matches(glob, below) for glob in outputs):
                if at not in use.named and any(matches(glob, below) for glob in named):
                    raise Bypass(UNCAPTURABLE, f"{word} is named as an output as well")
                names_one = True
            elif os.path.lexists(path) or _holds_outputs(below, outputs):
                names_one = True
                yield path
            elif not _PATTERN.isdisjoint(piece):
                if _is_glob(below):
                    yield path
                elif _may_name(path):
                    raise Bypass(UNCAPTURABLE, f"{word} reads as a pattern")
        if use.rule.args_are_files and not names_one and not (options and word.startswith("-")):
            raise Bypass(UNCAPTURABLE, f"{word} is no file")
        options = options and word != "--"


def _require_no_list(word: str, base: str, home: str) -> None:
    """Raises Bypass (UNCAPTURABLE) for `@file`, as argparse reads it: what is listed in there is not captured."""
    if word.startswith("@") and os.path.lexists(_path_of(word[1:], base, home)):
        raise Bypass(UNCAPTURABLE, f"{word} is a list of what is to be read")


def _may_name(pattern: str) -> bool:
    """Whether a script that reads an absolute path as a pattern, in whatever way, may find files by it."""
    first = min(at for at, letter in enumerate(pattern) if letter in _PATTERN)
    folder, _, start = pattern[:first].rpartition("/")
    end = "" if "/" in pattern[first:] else pattern[max(map(pattern.rfind, "*?]")) + 1 :]
    try:
        names = os.listdir(folder or "/")
    except OSError:
        return False
    return any(name.startswith(start) and name.endswith(end) for name in names)


def _below(path: str, root: str) -> str:
    """Relative to the root, which it may lead out of; "." for the root itself."""
    return os.path.relpath(os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path)), root)


def _is_glob(below: str) -> bool:
    """Whether what an argument names can be captured by it, as a glob from the root."""
    return not manifest.is_beyond(below) and not manifest.fault_of_input(below)


def _holds_outputs(below: str, outputs: tuple[str, ...]) -> bool:
    return any(glob.startswith(f"{below}/") for glob in outputs) or (below == "." and bool(outputs))


def glob_of_folder(path: str, root: str, outputs: tuple[str, ...]) -> str | None:
    """For a folder of the worktree, and for a pattern, the glob that names all of it; None for anything else.

    A folder that holds outputs may come to be during the run, and counts without them all along.
    """
    below = _below(path, root)
    if not is_plain(below) and not os.path.lexists(path):
        return below
    if os.path.islink(path) or not (os.path.isdir(path) or _holds_outputs(below, outputs)):
        return None
    if below == ".":
        return "**"
    return below if _is_glob(below) else None


def _pieces(word: str) -> list[str]:
    """The word, what stands after its first mark and between all of them, and the value glued to a short option."""
    found = [word, *(word[at + 1 :] for at, letter in enumerate(word) if letter in _MARKS)][:2]
    piece = ""
    for letter in f"{word}{_MARKS[0]}":
        if letter in _MARKS:
            found.append(piece)
            piece = ""
        else:
            piece += letter
    if word[:1] == "-" and word[1:2] != "-":
        found.append(word[2:])
    return [piece for piece in dict.fromkeys(found) if piece]


def rows_of(uses: "tuple[Use, ...]", root: str, environ: "Mapping[str, str]", *, deadline: float) -> "tuple[Row, ...]":
    """Raises Bypass (TOO_LARGE, TOO_SLOW, UNCAPTURABLE)."""
    rows: list[Row] = []
    for use in {use.name: use for use in uses}.values():
        budget = Budget(deadline, f"files of the skill {use.name}", cache=cache_folder(environ))
        outside = Outside(root, environ, budget)
        rows += _folder(use, outside)
        rows += _shared(use, outside)
        rows += _package(use, outside)
        if use.rule.version:
            rows.append(("skill", f"{use.name} version", use.rule.version))
        rows += [("depends", glob, manifest.content(glob, use, outside)) for glob in use.outside]
    return tuple(rows)


def _folder(use: "Use", outside: Outside) -> "list[Row]":
    top = os.path.realpath(use.folder)
    rows = [("skill", f"{use.name}/{path}", value) for path, value in _tree(top, outside, lambda _: False).items()]
    if len(rows) <= _MOST_NAMED:
        return rows
    return [("skill", use.name, digest_parts(os.fsencode(f"{name}:{value}") for _, name, value in sorted(rows)))]


def shelves_of(use: "Use") -> "dict[str, bool]":
    """Where a script may find what its skill shares, by real paths: the plugin, else the folder that the skill lies in.

    Whether it is a plugin.
    """
    found: dict[str, bool] = {}
    for folder in (use.folder, os.path.realpath(use.folder)):
        shelf = os.path.dirname(folder)
        plugin = os.path.dirname(shelf)
        if os.path.isfile(f"{plugin}/{PLUGIN}"):
            found[os.path.realpath(plugin)] = True
        elif os.path.basename(shelf) == SHELF:
            found[os.path.realpath(shelf)] = False
    return found


def _shared(use: "Use", outside: Outside) -> "list[Row]":
    """Other skills count in a plugin alone, whose parts come and go together."""
    own = os.path.realpath(use.folder)
    values: dict[str, str] = {}
    for top, is_plugin in shelves_of(use).items():

        def is_another(path: str, top: str = top, *, is_plugin: bool = is_plugin) -> bool:
            full = os.path.join(top, path)
            if os.path.realpath(full) == own:
                return True
            return not is_plugin and "/" not in path and os.path.lexists(f"{full}/{FILE}")

        values |= _tree(top, outside, is_another)
    if len(values) <= _MOST_NAMED:
        return [("skill", f"{use.name} shared {path}", value) for path, value in values.items()]
    return [
        ("skill", f"{use.name} shared", digest_parts(os.fsencode(f"{one}:{values[one]}") for one in sorted(values)))
    ]


def _package(use: "Use", outside: Outside) -> "list[Row]":
    """The nearest package.json says to Node, and to what reads as it does, how a script is to be read."""
    if use.script.endswith(_NOT_NODE):
        return []
    folder = os.path.dirname(os.path.realpath(f"{use.folder}/{use.script}"))
    ups = 0
    while not os.path.isfile(f"{folder}/{_PACKAGE}") and folder != "/":
        folder, ups = os.path.dirname(folder), ups + 1
    value = outside.content(f"{folder}/{_PACKAGE}")
    return [("skill", f"{use.name} {_PACKAGE}", value if value == "absent" else f"{ups} up: {value}")]


def _tree(top: str, outside: Outside, is_another: "Callable[[str], bool]") -> dict[str, str]:
    """By path, without what is another's.

    Installed packages in it count by their own manifests, links that lead out of it by what they lead to.
    """
    values: dict[str, str] = {}
    pending = [""]
    while pending:
        folder = pending.pop()
        full = os.path.join(top, folder)
        installed = packages.of_folder(full, outside.root, outside.budget) if folder else None
        if installed is not None:
            values[folder] = installed.digest
            continue
        with os.scandir(full) as entries:
            names = sorted(entry.name for entry in entries)
        for name in names:
            path = f"{folder}/{name}" if folder else name
            if not is_cache(os.fsencode(name)) and not is_another(path):
                _entry(path, top, values, pending, outside)
    return values


def _entry(path: str, top: str, values: dict[str, str], pending: list[str], outside: Outside) -> None:
    full = os.path.join(top, path)
    if os.path.isdir(full) and not os.path.islink(full):
        outside.budget.spend(0)
        pending.append(path)
        return
    what = blob(os.fsencode(full), outside.budget, long=False)
    if what is None:
        return
    values[path] = digest_parts(what[:2])
    if os.path.islink(full):
        real = os.path.realpath(full)
        if real != top and not real.startswith(f"{top}/"):
            values[path] += f" -> {outside.content(real)}"


def labelled(rows: "tuple[Row, ...]", uses: "tuple[Use, ...]") -> "tuple[Row, ...]":
    """The rows without the place of a skill's folder in the name of its script as a tool."""
    names = {f"{use.folder}/{use.script}": f"{use.label}/{use.script}" for use in uses}
    return tuple([(label, names.get(name, name) if label == "tool" else name, value) for label, name, value in rows])


def places_of(uses: "tuple[Use, ...]", root: str) -> tuple[str, ...]:
    """What an output may name besides the root: the home folder, and the skills' outside the worktree."""
    found: dict[str, None] = {}
    for use in uses:
        for path in (use.home, use.folder, os.path.realpath(use.folder)):
            if len(path) > 1 and not f"{path}/".startswith(f"{root}/"):
                found[path] = None
    return tuple(found)
