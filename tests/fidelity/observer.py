"""A stand-in for test runners and linters, installed under their names: it prints all that a result may depend on.

Whatever differs in the worktree, its modes and links, what git ignores, the packages, the environment, the tool
itself or the directory shows in its output, so a wrong replay cannot go unnoticed. Words in its arguments make it
misbehave: `flaky` fails every other time, `writes` changes a file of the worktree, `cache` one that git ignores.
"""

import os
import sys

VARIABLES = ("CI", "LANG", "PYTEST_ADDOPTS", "PYTHONPATH")
CACHES = {".git", "__pycache__", ".pytest_cache"}
VERSION = "1"


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


def main() -> int:
    arguments = sys.argv[1:]
    root = find_root()
    lines = look(root)
    print(f"{os.path.basename(sys.argv[0])} {VERSION} rootdir: {root}")
    print("in:", os.path.relpath(os.getcwd(), root), "with:", " ".join(arguments))
    print("\n".join(f"{name}={os.environ.get(name)}" for name in VARIABLES))
    print("\n".join(lines))
    if "flaky" in arguments:
        counter = os.environ["OBSERVER_COUNTER"]
        with open(counter, "a+") as file:
            file.write("x")
        if os.path.getsize(counter) % 2:
            print("1 failed")
            return 1
    if "writes" in arguments:
        path = os.path.join(root, "written.txt")
        before = os.path.getsize(path) if os.path.exists(path) else 0
        with open(path, "w") as file:
            file.write("x" * ((before + 1) % 5))
    if "cache" in arguments:
        os.makedirs(os.path.join(root, ".pytest_cache"), exist_ok=True)
        with open(os.path.join(root, ".pytest_cache", "runs"), "a") as file:
            file.write("x")
    broken = sum("BUG" in line for line in lines)
    print(f"{broken} failed" if broken else f"{len(lines)} passed")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
