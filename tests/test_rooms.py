"""The house as its map draws it: rooms in order, no import upward, no circle, and every place that the map names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import skillcache

PACKAGE = Path(skillcache.__file__).parent
MAP = (PACKAGE / "README.md").read_text()
ROOMS = dict(re.findall(r"^\| `([\w/]+)` \| (.+) \|$", MAP, re.MULTILINE))
FLAT = {"__init__", "__main__"}  # what Python itself asks for
# What docstrings name so that is no place of ours: git's and our settings, Python's own, a file of somebody's.
OTHERS = {
    *("core.autocrlf", "core.excludesFile", "messages.from", "build.sh"),
    *("importlib.abc.MetaPathFinder", "importlib.abc.Loader"),
}
MOST = 120  # lines: a map that is longer is no map


@cache
def trees() -> dict[str, ast.Module]:
    """Of all modules, parsed where a test asks for it: each process of pytest imports this file."""
    return dict(_modules())


def _modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] != "hooks":  # scripts, which a wheel keeps inside the package
            yield ".".join(parts).removesuffix(".__init__"), ast.parse(path.read_text())


def is_for_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def named(tree: ast.AST, *, types: bool) -> Iterator[str]:
    """The modules of ours that a module imports, wherever it does; `types`: for its annotations, too."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.stmt) and is_for_types(node) and not types:
            continue
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "skillcache":
            own = str(node.module).removeprefix("skillcache").removeprefix(".")
            for alias in node.names:
                inner = f"{own}.{alias.name}".removeprefix(".")
                yield inner if inner in trees() else own
        yield from named(node, types=types)


def defined(node: ast.AST) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else ()
    return {getattr(node, "name", ""), *(target.id for target in targets if isinstance(target, ast.Name))}


def words_of(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        for name in ("id", "attr", "arg", "name", "asname"):
            if isinstance(word := getattr(node, name, None), str):
                yield word


def docstrings(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


def room_of(name: str) -> str:
    return name.partition(".")[0]


def test_the_rooms_are_the_folders() -> None:
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert set(ROOMS) == folders
    assert {path.stem for path in PACKAGE.glob("*.py")} == FLAT
    assert MAP.count("\n") <= MOST


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_the_map_says_of_it(room: str) -> None:
    text = ast.get_docstring(trees()[room])
    assert text is not None
    assert text.partition("\n")[0] == ROOMS[room]


def test_nothing_is_imported_from_a_room_above() -> None:
    order = list(ROOMS)
    upward = [
        (name, other)
        for name, tree in trees().items()
        if name not in {"", *FLAT}
        for other in named(tree, types=True)
        if room_of(other) in order[: order.index(room_of(name))]
    ]
    assert upward == []


def test_no_two_modules_import_each_other() -> None:
    needs = {name: {*named(tree, types=False)} - {name} for name, tree in trees().items()}
    TopologicalSorter(needs).prepare()  # raises CycleError, which names the circle


def test_every_place_that_the_map_names_is_there() -> None:
    places = re.findall(r"`([\w/]+/\w+)\.([A-Za-z_.]+)`", MAP)
    assert len(places) > 15
    for module, path in places:
        if not module.startswith(("hooks/", "tests/")):
            tree: ast.AST = trees()[module.replace("/", ".")]
            for name in path.split("."):
                found = [node for node in ast.iter_child_nodes(tree) if name in defined(node)]
                assert found, f"{module} has no {path}"
                tree = found[0]
    for module in re.findall(r"`([a-z_]+(?:/[a-z_]+)+)`", MAP):
        assert module.replace("/", ".") in trees() or (PACKAGE / module).is_dir() or module.startswith("tests/"), module


def test_no_docstring_names_a_place_that_is_gone() -> None:
    """`module.name` in one: of words that our code has, each of them."""
    known = {word for tree in trees().values() for word in words_of(tree)}
    known |= {part for name in trees() for part in ("skillcache", *name.split("."))}
    gone = {
        (name, place)
        for name, tree in trees().items()
        for text in docstrings(tree)
        for place in re.findall(r"`([a-z_]+(?:[./][A-Za-z_]+)+)`", text)
        if place not in OTHERS and not known.issuperset(re.split("[./]", place))
    }
    assert gone == set()


def test_modules_are_not_passed_about() -> None:
    """What is called by more than one name has a type, so that every call of it is checked."""
    typed = [name for name in trees() if "ModuleType" in ast.dump(trees()[name])]
    assert typed == ["core.bytecode"]  # which loads them
