"""A stand-in for test runners and linters, installed under their names: it prints all that a result may depend on.

Whatever differs in the worktree, its modes and links, what git ignores, the packages, the environment, the tool
itself or the directory shows in its output, so a wrong replay cannot go unnoticed. Words in its arguments make it
misbehave: `flaky` fails every other time, `broken` always, `writes` changes a file of the worktree, `cache` one that
git ignores, `loud` writes to standard error, too.

Each run leaves a line in the note `ran`; what is to happen while it runs lies in `meanwhile`. Notes are of the walk,
not of the tool: they lie where its text does not say.
"""

import json
import os
import stat
import sys
import zlib

VARIABLES = ("CI", "LANG", "PYTEST_ADDOPTS", "PYTHONPATH", "VIRTUAL_ENV", "MAKEFLAGS", "GIT_INDEX_FILE", "GIT_PREFIX")
CACHES = {".git", "__pycache__", ".pytest_cache"}
VERSION = "1"
ESAB = ""


def note(name: str) -> str:
    return os.path.join(ESAB[::-1], name)


def describe(path: str) -> str:
    if os.path.islink(path):
        return "-> " + os.readlink(path)
    with open(path, "rb") as file:
        content = file.read()
    mode = "x" if os.stat(path).st_mode & 0o100 else "-"
    return f"{mode} {content!r}"


def look(root: str) -> list[str]:
    lines = []
    for folder, folders, names in os.walk(root):
        inside = os.path.relpath(folder, root)
        if inside.startswith(".venv"):
            if folder.endswith("site-packages"):
                lines.append("packages: " + " ".join(sorted(folders)))
                folders.clear()
            continue
        for name in list(folders):
            if name in CACHES:
                folders.remove(name)
            elif os.path.islink(os.path.join(folder, name)):
                names.append(name)
        folders.sort()
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
    lines = look(root)
    said = [
        f"{os.path.basename(sys.argv[0])} {VERSION} rootdir: {root}",
        f"in: {os.path.relpath(os.getcwd(), root)} with: {' '.join(arguments)}",
        *(f"{name}={os.environ.get(name)}" for name in VARIABLES),
        *lines,
    ]
    state = "\n".join([sys.argv[0], standard_input(), *said]).replace(root, "<root>")
    print("\n".join(said))
    happen()
    broken = sum("BUG" in line for line in lines) + ("broken" in arguments)
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
    print(f"{broken} failed" if broken else f"{len(lines)} passed")
    ran = [root, os.path.basename(sys.argv[0]), arguments, zlib.crc32(state.encode()), streams(), min(broken, 1)]
    with open(note("ran"), "a") as file:
        file.write(json.dumps(ran) + "\n")
    return min(broken, 1)


if __name__ == "__main__":
    sys.exit(main())
