"""What the text of a named task says that it starts: of make, npm, just and their like, and of the scripts it calls.

It is read as text, not run: what a condition leaves out counts, too. Where a task is not found, all of its file does.
"""

import os

from skillcache.core.files import read
from skillcache.core.json import loads
from skillcache.fingerprint import leads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_CAP = 1 << 20
_DEPTH = 4
_MOST = 200  # packages of a workspace
_MAKE = ("GNUmakefile", "makefile", "Makefile")
_BY_CMAKE = b"# CMAKE generated file: DO NOT EDIT!"
# Where each program's tasks are; of these in JSON under `scripts` or `tasks`.
_FILES = {
    "make": _MAKE,
    "just": ("justfile", "Justfile", ".justfile"),
    "task": ("Taskfile.yml", "Taskfile.yaml", "taskfile.yml", "taskfile.yaml", "Taskfile.dist.yml"),
    "mise": ("mise.toml", ".mise.toml", "mise.local.toml", ".mise.local.toml", ".config/mise.toml"),
    "rake": ("Rakefile", "rakefile", "Rakefile.rb"),
    "composer": ("composer.json",),
    "deno": ("deno.json", "deno.jsonc"),
    "invoke": ("tasks.py",),
    "poe": ("pyproject.toml",),
    "pdm": ("pyproject.toml",),
    "hatch": ("pyproject.toml", "hatch.toml"),
    "rye": ("pyproject.toml",),
}
_NODE = ("package.json",)
_RUNNERS = frozenset(
    """make npm pnpm yarn bun just task mise rake composer deno poe invoke hatch pdm rye npm-run-all run-s run-p
    """.split()  # noqa: SIM905
)
_OF_CODE = ("rake", "invoke")  # whose tasks are a program's text
_SCRIPTS = (".sh", ".bash", ".zsh")
_INCLUDING = ("make", "just", "task")  # whose files may include others
_OF_MISE = ("mise-tasks", ".mise-tasks", "mise/tasks", ".mise/tasks", ".config/mise/tasks")  # a script for each task


def started(runner: str, texts: "Iterable[tuple[str, bool]]") -> list[str]:
    """The names of the programs that a task starts, by what is `said` of it, each once."""
    found: dict[str, None] = {}
    for text, is_script in texts:
        found |= dict.fromkeys(leads.started(text))
        if not is_script and (runner in _OF_CODE or " -c " in text):  # `sh -c "..."`
            found |= dict.fromkeys(leads.quoted(text))
    return list(found)


def said(runner: str, task: str, folder: str, given: "Iterable[str]" = ()) -> "Iterator[tuple[str, bool]]":
    """What the task's text says, and that of the scripts it calls, each with whether it is one of these.

    given: files that the command names, in which it may be told of the task.
    """
    scripts: set[str] = set()
    for path in given if runner in _INCLUDING else ():
        body = (read(path, _CAP) or b"").decode("utf-8", "replace")
        yield _with_included(runner, body, os.path.dirname(path)), False
    if runner == "mise":
        for place in _OF_MISE:
            of_task = read(f"{folder}/{place}/{task.replace(':', '/')}", _CAP)
            if of_task is not None:
                yield of_task.decode("utf-8", "replace"), True
    for text, place in _texts(runner, task, folder, 0, set()):
        yield text, False
        for script in _scripts(text, place, 0, scripts):
            yield script, True


def is_ctest(tasks: "Iterable[tuple[str, str, str]]", environ: "Mapping[str, str]") -> bool:
    """Whether the tasks are of a Makefile by CMake that has ctest run and nothing else, with no words of its own."""
    if not tasks or "ARGS" in environ or "MAKEFILES" in environ:
        return False
    for runner, task, folder in tasks:
        if (runner, task) != ("make", "test") or any(os.path.exists(f"{folder}/{name}") for name in _MAKE[:-1]):
            return False
        if not (read(f"{folder}/{_MAKE[-1]}", _CAP) or b"").startswith(_BY_CMAKE):
            return False
    return True


def _texts(runner: str, task: str, folder: str, depth: int, seen: set[tuple[str, str]]) -> "Iterator[tuple[str, str]]":
    """The texts of a task and of those that it calls, each with the folder that it runs in."""
    if depth > _DEPTH or (folder, task) in seen or len(seen) > _MOST:
        return
    seen.add((folder, task))
    is_last = len(seen) > _MOST  # each reads its file anew: all that these call is in the text of all
    for name in _FILES.get(runner, _NODE):
        data = read(f"{folder}/{name}", _CAP)
        if data is None:
            continue
        text = data.decode("utf-8", "replace")
        if runner in _INCLUDING:
            text = _with_included(runner, text, folder)
        if is_last:
            yield text, folder
            return
        for place in _members(text, folder) if name == "package.json" and not depth else ():
            yield from _texts(runner, task, place, depth + 1, seen)
        pieces, names = _pieces(runner, name, text, task, is_asked=not depth)
        for piece in pieces:
            yield piece, folder
            for called, at in _called(piece):
                place = os.path.normpath(os.path.join(folder, at))
                yield from _texts("make" if called[0] == "make" else runner, called[1], place, depth + 1, seen)
        for other in names:
            yield from _texts(runner, other, folder, depth + 1, seen)
        return


def _with_included(runner: str, text: str, folder: str) -> str:
    """The text with those of the files that it includes, and that these do."""
    variables: dict[str, str] = {}
    found, size = [text], len(text)
    seen: set[str] = set()
    for each in found:
        for named in _included(runner, each, variables):
            for path in _matching(os.path.normpath(os.path.join(folder, named))):
                if path in seen or len(seen) > _MOST or size > _CAP:
                    continue
                seen.add(path)
                more = (read(path, _CAP) or b"").decode("utf-8", "replace") if os.path.isfile(path) else ""
                found += [more] if more else []
                size += len(more)
    return "\n".join(found)


def _included(runner: str, text: str, variables: "dict[str, str]") -> "Iterator[str]":
    """The files that a text says are parts of it, with a `*` as they are spelled, relative to its folder."""
    is_list = False
    for line in text.split("\n"):
        words = line.replace('"', " ").replace("'", " ").split()
        if runner == "make":
            name, value = _assigned(line)
            if name:
                variables[name] = value
            elif words[:1] and words[0] in ("include", "-include", "sinclude"):
                rest = line.split(None, 1)[1].replace("$(wildcard ", "").replace("$(CURDIR)/", "") if words[1:] else ""
                rest = _filled(_filled(rest, "$(", ")", variables), "${", "}", variables)
                yield from rest.replace(")", " ").split()
        elif runner == "just":
            if words[:1] and words[0].rstrip("?") == "import":
                yield from words[1:2]
            elif words[:1] and words[0].rstrip("?") == "mod" and words[1:]:
                yield from words[2:3] or [f"{words[1]}{end}" for end in (".just", "/mod.just", "/justfile")]
        else:
            is_list = line.startswith("includes:") or (is_list and line[:1] in (" ", "\t", "", "#"))
            path = words[-1] if is_list and words[1:] else ""
            if path:
                yield from [path] if path.endswith((".yml", ".yaml")) else [f"{path}/{name}" for name in _FILES["task"]]


def _matching(path: str) -> list[str]:
    """The files at a path whose name may leave a part open."""
    folder, _, name = path.rpartition("/")
    first, star, last = name.partition("*")
    if not star or "*" in folder:
        return [path]
    return [f"{folder}/{each}" for each in _list(folder) if each.startswith(first) and each.endswith(last)]


def _pieces(runner: str, name: str, text: str, task: str, *, is_asked: bool) -> tuple[list[str], list[str]]:
    """The texts of a task by the file `name`, and what else it needs."""
    if name.endswith((".json", ".jsonc")):
        return _of_json(text, task)
    if runner in ("make", "just"):
        return _of_make(text, task, is_asked=is_asked)
    block = _block(text, task, is_asked=is_asked)
    return [block], _needed(block)


def _members(text: str, folder: str) -> "Iterator[str]":
    """The folders of the packages of a workspace that has a package.json at its top."""
    globs: list[object] = []
    try:
        whole = loads(text)
    except (ValueError, RecursionError):
        return
    said = whole.get("workspaces") if isinstance(whole, dict) else None
    said = said.get("packages") if isinstance(said, dict) else said
    globs += said if isinstance(said, list) else []
    others = (read(f"{folder}/pnpm-workspace.yaml", _CAP) or b"").decode("utf-8", "replace").split("\n")
    globs += [line.strip()[1:].strip(" \"'") for line in others if line.strip().startswith("-")]
    for glob in globs:
        if isinstance(glob, str) and glob and glob[0] not in "!/":
            start, star, _ = glob.partition("*")
            place = os.path.normpath(os.path.join(folder, start))
            yield from [f"{place}/{name}" for name in _list(place)] if star else [place]


def _list(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))[:_MOST]
    except OSError:
        return []


def _needed(text: str) -> list[str]:
    """The tasks that a block of YAML or TOML says come before, or calls."""
    found: list[str] = []
    is_list = False
    for line in text.split("\n"):
        head, sign, rest = line.strip().removeprefix("- ").replace("=", ":", 1).partition(":")
        is_list = (is_list and not sign) or head.strip() in ("deps", "depends", "depends_post", "task", "sequence")
        if is_list:
            said = rest if sign else line
            found += [word.strip(" -\"'[],") for word in said.replace(",", " ").split()]
    return [name for name in found if name]


def _called(text: str) -> "Iterator[tuple[tuple[str, str], str]]":
    """((program, task), folder) of the tasks that a recipe's text calls."""
    for line in text.replace("$(MAKE)", "make").replace("${MAKE}", "make").replace("\\\n", " ").split("\n"):
        words = line.replace("&&", " ; ").replace(";", " ; ").lstrip("@-+\t ").split()
        place = ""
        for at, word in enumerate(words):
            if word in ("-C", "--prefix", "cd", "--cwd", "--dir") and at + 1 < len(words):
                place = words[at + 1]
            if word in _RUNNERS:
                for other in words[at + 1 :]:
                    if other == ";":
                        break
                    if other not in ("run", "run-script", "-s", "-C") and other[:1] not in "-$" and other != place:
                        yield (("make" if word == "make" else "npm"), other), place


def _scripts(text: str, folder: str, depth: int, seen: set[str]) -> "Iterator[str]":
    """The texts of the scripts of a shell's that a text names."""
    if depth > _DEPTH:
        return
    for given in leads.words(text):
        word = given.lstrip("@-+")
        if not word.endswith(_SCRIPTS) and "/" not in word:
            continue
        path = os.path.normpath(os.path.join(folder, word))
        if path in seen or len(seen) > _MOST:
            continue
        data = read(path, _CAP) if os.path.isfile(path) else None
        if data is None or not (word.endswith(_SCRIPTS) or (data[:2] == b"#!" and b"sh" in data.split(b"\n", 1)[0])):
            continue
        seen.add(path)
        script = data.decode("utf-8", "replace")
        yield script
        yield from _scripts(script, os.path.dirname(path), depth + 1, seen)


def _of_json(text: str, task: str) -> tuple[list[str], list[str]]:
    """The text of a script of package.json and its like, and the names of others that it calls."""
    try:
        whole = loads(text)
    except (ValueError, RecursionError):
        return [text], []
    scripts: dict[str, object] = {}
    for name in ("scripts", "tasks"):
        table = whole.get(name) if isinstance(whole, dict) else None
        scripts |= table if isinstance(table, dict) else {}
    found = [scripts[name] for name in (f"pre{task}", task, f"post{task}") if name in scripts]
    pieces: list[str] = []
    for each in found:
        command = each.get("command") if isinstance(each, dict) else each
        pieces += [one for one in (command if isinstance(command, list) else [command]) if isinstance(one, str)]
    words = {word.strip("\"'@") for piece in pieces for word in piece.split()}
    wide = tuple(word[:-1] for word in words if len(word) > 1 and word.endswith("*"))[:_MOST]
    return pieces, [name for name in scripts if name != task and (name in words or name.startswith(wide))]


def _of_make(text: str, task: str, *, is_asked: bool) -> tuple[list[str], list[str]]:
    """The recipe of a target, with the variables that it uses, and what it needs to be made before."""
    variables: dict[str, str] = {}
    recipes: list[str] = []
    needs: list[str] = []
    within = False
    for line in text.replace("\\\n", " ").split("\n"):
        if line[:1] in ("\t", " ") and line.strip():
            recipes += [line] if within else []
            continue
        name, value = _assigned(line)
        if name:
            variables[name] = value
        elif ":" in line:
            before, _, after = line.partition(":")
            targets = before.split()
            within = any(_is(target.lstrip("@"), task) for target in targets[:1]) or task in targets
            first, _, recipe = after.lstrip(":").partition(";")
            if within:
                recipes.append(recipe)
                needs += first.replace("|", " ").split()
    if not recipes:  # what another needs may be a file
        return [text] if is_asked else [], []
    said = "\n".join(recipes)
    for _ in range(_DEPTH):
        for begin, end in (("$(", ")"), ("${", "}"), ("{{", "}}")):
            said = _filled(said, begin, end, variables)
    return [said], [need for need in needs if need != task and "$" not in need]


def _filled(text: str, begin: str, end: str, variables: "dict[str, str]") -> str:
    """With the values of the variables that stand between these signs, as much as fits into `_CAP`."""
    first, *pieces = text[:_CAP].split(begin)
    found, size = [first], len(first)
    for piece in pieces:
        name, closed, rest = piece.partition(end)
        value = variables.get(name.strip()) if closed else None
        parts = (begin, piece) if value is None else (value, rest)
        size += len(parts[0]) + len(parts[1])
        if size > _CAP:
            break
        found += parts
    return "".join(found)


def _assigned(line: str) -> tuple[str, str]:
    """A variable and its value; '' twice for another line, such as a rule."""
    name, equals, value = line.partition("=")
    before, colon, after = line.partition(":")
    if not equals or (colon and len(before) < len(name) and not after.lstrip(":").startswith("=")):
        return "", ""
    return name.rstrip(":?+! ").rpartition(" ")[2], value.strip().strip("'\"") if '"' in value[:2] else value


def _is(target: str, task: str) -> bool:
    """Whether a rule such as `test-%` makes the task."""
    start, percent, end = target.partition("%")
    return target == task or bool(percent and task.startswith(start) and task.endswith(end))


def _block(text: str, task: str, *, is_asked: bool) -> str:
    """The part of a file in YAML or TOML that is headed by the task's name; all of it where there is none."""
    lines = text.split("\n")
    for at, line in enumerate(lines):
        bare = line.strip().strip("[]")
        key = bare.partition(":")[0].partition("=")[0].strip().strip("\"'")
        if key not in (task, f'"{task}"') and not (
            line.startswith("[") and key.rpartition(".")[2].strip("\"'") == task
        ):
            continue
        depth = len(line) - len(line.lstrip())
        found = [bare.partition(":" if ":" in bare.partition("=")[0] else "=")[2].strip(" \"'[]")]
        for later in lines[at + 1 :]:
            if line.startswith("["):
                if later.startswith("["):
                    break
            elif later.strip() and len(later) - len(later.lstrip()) <= depth:
                break
            piece = later.strip().removeprefix("- ")
            for sign in ("cmd:", "cmds:", "run =", "cmd =", "shell =", "sh:"):
                piece = piece.removeprefix(sign)
            found.append(piece.strip(" \"'"))
        return "\n".join(found)
    return text if is_asked else ""
