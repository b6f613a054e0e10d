"""A stand-in for test runners and linters, installed under their names: it prints all that a result may depend on.

Whatever differs in the worktree, its modes and links, what git ignores, the packages, the environment, the tool
itself or the directory shows in its output, so a wrong replay cannot go unnoticed. By words in its arguments it
misbehaves: `flaky` fails every other time, `broken` always, `writes` changes a file of the worktree, `cache` one that
git ignores, `loud` writes to standard error, too.

Each run leaves a line in the note `ran`; what is to happen while it runs lies in `meanwhile`. Notes are of the walk,
not of the tool: they lie where its text does not say.
"""

import json
import os
import signal
import stat
import sys
import zlib

# Of a session, a terminal, a desktop: no tool reports otherwise for them, and so for what shells and git set by
# themselves. All other variables are looked at.
IDLE = tuple("EDITOR PS1 LS_COLORS SSH_TTY TMUX WINDOWID HISTFILE XDG_SESSION_ID COLORFGBG GPG_TTY".split())  # noqa: SIM905
OF_SHELLS = tuple("PATH _ SHLVL OLDPWD PWD SHELL VIRTUAL_ENV_PROMPT GIT_AUTHOR_DATE".split())  # noqa: SIM905
# Of each tool: what it looks for in the folders above, the nearest of which counts, and at home, and whether it asks
# git what to leave out. A suite may run all that the project's text names.
SETTINGS = {
    "pytest": (
        ("pytest.ini", "ruff.toml", ".ruff.toml", "mypy.ini"),
        (".config/ruff/ruff.toml", ".mypy.ini", ".config/mypy/config"),
        True,
    ),
    "ruff": (("ruff.toml", ".ruff.toml"), (".config/ruff/ruff.toml",), True),
    "mypy": (("mypy.ini",), (".mypy.ini", ".config/mypy/config"), False),
    "flake8": ((".flake8",), (".config/flake8",), False),  # which no text of the project names
}
CACHES = {".git", "__pycache__", ".pytest_cache"}
VERSION = "1"
LOOKS_AROUND = True  # of the walk; elsewhere a result may not hold what is of one place
ESAB = ""


def note(name: str) -> str:
    return os.path.join(ESAB[::-1], name)


def describe(path: str) -> str:
    if os.path.islink(path):
        return "-> " + os.readlink(path).replace("../", "<up>")
    with open(path, "rb") as file:
        content = file.read().replace(b"../", b"<up>")  # a climb in a text would bind it to its place
    mode = os.stat(path).st_mode
    asked = f"{stat.S_IMODE(mode):o}" if path.endswith("/notes.txt") else "x" if mode & 0o100 else "-"
    return f"{asked} {content!r}"


def behind(path: str, root: str) -> list[str]:
    """What a link to a folder outside leads to."""
    real = os.path.realpath(path)
    if not LOOKS_AROUND or not os.path.isdir(real) or real.startswith(root + "/"):
        return []
    return [f"behind {os.path.basename(path)}: {line}" for line in inside(real)]


def inside(top: str) -> list[str]:
    """All that a folder holds."""
    lines = []
    for folder, folders, names in os.walk(top):
        folders.sort()
        lines += [
            f"{os.path.relpath(f'{folder}/{name}', top)} {describe(f'{folder}/{name}')}" for name in sorted(names)
        ]
    return lines


def described(path: str) -> str:
    return describe(path) if os.path.isfile(path) else "absent"


def nearest(root: str, names: tuple[str, ...]) -> list[str]:
    """The folder above that has any of these; below that of the notes, which a search never leaves."""
    folder = os.path.dirname(root)
    while folder != "/" and folder.startswith(os.path.dirname(ESAB[::-1])):
        if found := [f"{folder}/{name}" for name in names if os.path.exists(f"{folder}/{name}")]:
            return found
        folder = os.path.dirname(folder)
    return []


def look_around(tool: str, root: str) -> list[str]:
    """What lies above, beside and at home: by the habits of the tool, by the project's own words, by a variable."""
    names, at_home, leaves_out = SETTINGS.get(tool, ((), (), False))
    home = os.environ.get("HOME", "/")
    lines = [f"above: {os.path.basename(path)} {describe(path)}" for path in nearest(root, names)]
    lines += [f"package above: {line}" for path in nearest(root, ("node_modules",)) for line in inside(path)]
    lines += [f"at home: {name} {described(f'{home}/{name}')}" for name in at_home]
    for word in words_of(f"{root}/elsewhere.py"):
        path = os.path.join(root, word.replace("~", home, 1))
        lines.append(f"elsewhere: {os.path.basename(word)} {described(path)}")
    path = f"{root}/settings.json"
    while len(words := words_of(path)) > 1:
        path = os.path.join(os.path.dirname(path), words[1])
        lines.append(f"extended: {described(path)}")
    for word in words_of(f"{root}/tests/test_starts.py")[:1]:
        lines.append(f"started: {os.popen(word).read().strip()}")  # noqa: S605 - the walk's own
    if leaves_out:
        lines += excluded(root)
    return lines


def words_of(path: str) -> list[str]:
    if not os.path.isfile(path):
        return []
    with open(path) as file:
        return file.read().split('"')[1::2]


def excluded(root: str) -> list[str]:
    """What is left out, as the person's own list for this repository says."""
    folder = f"{root}/.git"
    if os.path.isfile(folder):
        with open(folder) as file:
            folder = file.read().split()[1].partition("/worktrees/")[0]
    if not os.path.isfile(f"{folder}/info/exclude"):
        return []
    with open(f"{folder}/info/exclude") as file:
        names = [line.strip() for line in file]
    return [f"left out: {name}" for name in names if os.path.isfile(f"{root}/{name}")]


def variables(root: str) -> list[str]:
    """All of them, with the files that they name; but a tool's text names no folder that the project lies in."""
    lines = []
    around = os.path.dirname(ESAB[::-1])
    for name, value in sorted(os.environ.items()):
        if name in IDLE or name in OF_SHELLS or name.startswith(("SKILLCACHE_", "CLAUDE", "BASH_FUNC")):
            continue
        told = value.replace(root, "<root>").replace(around, "<around>").replace("<root>", root)
        lines.append(f"{name}={told}")
        named = [word for word in value.replace("=", " ").split() if os.path.isabs(word) and os.path.isfile(word)]
        lines += [f"{name} names {describe(path)}" for path in named if "/.git/" not in path]
    return lines


def packages(folder: str, folders: list[str], names: list[str]) -> list[str]:
    """What a folder of a virtual environment holds of packages."""
    if "site-packages" not in folder:
        return []
    folders[:] = [name for name in sorted(folders) if name not in CACHES]
    known = ["packages: " + " ".join(folders)] if folder.endswith("site-packages") else []
    return [*known, *(f"package: {name} {describe(f'{folder}/{name}')}" for name in sorted(names))]


def look(root: str) -> list[str]:
    lines = []
    for folder, folders, names in os.walk(root):
        inside = os.path.relpath(folder, root)
        if inside.startswith(".venv"):
            lines += packages(folder, folders, names)
            continue
        for name in list(folders):
            if name in CACHES:
                folders.remove(name)
            elif os.path.islink(os.path.join(folder, name)):
                names.append(name)
        folders.sort()
        if not folders and not names:
            lines.append(f"empty: {inside}")
        for name in names:
            if os.path.islink(os.path.join(folder, name)):
                lines += behind(os.path.join(folder, name), root)
        lines += [
            f"{os.path.normpath(os.path.join(inside, name))}: {describe(os.path.join(folder, name))}"
            for name in sorted(names)
            if name not in CACHES
        ]
    return lines


def find_root() -> str:
    folder = os.getcwd()
    while folder != "/" and not os.path.lexists(os.path.join(folder, ".git")):
        folder = os.path.dirname(folder)
    return folder


def happen() -> None:
    """What was to happen meanwhile, in the first run that comes to it."""
    try:
        os.rename(note("meanwhile"), note("happening"))
    except FileNotFoundError:
        return
    with open(note("happening")) as file:
        path, content = json.load(file)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(content)


def streams() -> str:
    one, other = os.fstat(1), os.fstat(2)
    return "joined" if os.path.samestat(one, other) else "apart"


def standard_input() -> str:
    status = os.fstat(0)
    return f"file at {os.lseek(0, 0, os.SEEK_CUR)}" if stat.S_ISREG(status.st_mode) else "none"


def main() -> int:
    arguments = sys.argv[1:]
    root = find_root()
    lines = [*look(root), *(look_around(os.path.basename(sys.argv[0]), root) if LOOKS_AROUND else ())]
    said = [
        f"{os.path.basename(sys.argv[0])} {VERSION} rootdir: {root}",
        f"in: {os.path.relpath(os.getcwd(), root)} with: {' '.join(arguments)}",
        f"keeps its signals: {signal.getsignal(signal.SIGINT) is not signal.SIG_IGN}",
        *(variables(root) if LOOKS_AROUND else ()),
        *lines,
    ]
    state = "\n".join([sys.argv[0], standard_input(), *said]).replace(root, "<root>")
    print("\n".join(said))
    happen()
    broken = sum("DEFECT" in line for line in lines) + ("broken" in arguments)
    if "flaky" in arguments:
        with open(note("counter"), "a+") as file:
            file.write("x")
        broken += os.path.getsize(note("counter")) % 2
    if "writes" in arguments:
        path = os.path.join(root, "written.txt")
        before = os.path.getsize(path) if os.path.exists(path) else 0
        with open(path, "w") as file:
            file.write("x" * ((before + 1) % 5))
    if "cache" in arguments:
        os.makedirs(os.path.join(root, ".pytest_cache"), exist_ok=True)
        with open(os.path.join(root, ".pytest_cache", "runs"), "a") as file:
            file.write("x")
    if "loud" in arguments:
        sys.stdout.flush()
        print("a warning", file=sys.stderr, flush=True)
    seen = zlib.crc32("\n".join(said).replace(root, "<root>").encode())
    print(f"{broken} failed, {seen}" if broken else f"{len(lines)} passed, {seen}")  # so that each filter shows it
    ran = [root, os.path.basename(sys.argv[0]), arguments, zlib.crc32(state.encode()), streams(), min(broken, 1)]
    with open(note("ran"), "a") as file:
        file.write(json.dumps(ran) + "\n")
    return min(broken, 1)


if __name__ == "__main__":
    sys.exit(main())
