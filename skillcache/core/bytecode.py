"""The bytecode of our modules in one file beside them: finding and reading them one by one costs a hook 4 ms.

    file  = magic (4 bytes, Python's own of its bytecode) size (4 bytes, big endian) index codes
    index = marshal of (package folder, {module: marshal of its entry}), as few of them are asked for
    entry = (source, mtime_ns, size, is a package, offset, length, digest, needs)
    needs = the modules of ours that it may import as it is executed
    codes = the modules' marshalled code; offsets count from the end of the index

A module whose source has another time or size, or whose code is damaged, is imported in the usual way, so a file that
is out of date makes a hook slower and never wrong. It is written after a run that took its time, and replaced whole.

It is code that is executed, so it lies where the code does that has it written, among the interpreter's own bytecode:
nobody can lead us to another without changing that, too. Where that folder cannot be written, there is none.

A module's needs are loaded before it and without the import system, which takes twice the time of that: when their
import statements come, they are there.
"""

import marshal
import os
import sys
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import MAGIC_NUMBER
from _imp import source_hash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType

    Index = Mapping[str, bytes]

_HEAD = 8
# Parts of the package that no hook imports, by the first part of their name.
COLD = ("__main__", "cli", "events/server", "library")


class Finder:
    """For `sys.meta_path`.

    stale: whether a module was asked for whose source or code has changed; ahead: whether to load what a module needs
    before it, which is for a process of one thread: another may meet a module half loaded.
    """

    def __init__(self, handle: int, start: int, index: "Index", *, ahead: bool) -> None:
        self._ahead = ahead
        self._begun: set[str] = set()
        self._handle = handle
        self._start = start
        self._index = index
        self._code: dict[str, bytes] = {}
        self._needs: dict[str, tuple[str, ...]] = {}
        self.stale = False

    def find_spec(
        self, name: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> ModuleSpec | None:
        """As `importlib.abc.MetaPathFinder`."""
        del path, target
        return self._spec(name) if name in self._index else None

    def _load_needs(self, name: str) -> None:
        for need in self._needs.pop(name):
            if need not in sys.modules and need not in self._begun:
                self._load(need)

    def _load(self, name: str) -> None:
        """What an import does, or nothing where that is for the import system to do."""
        parent, _, own = name.rpartition(".")
        spec = self._spec(name) if parent in sys.modules else None
        if spec is None:
            return
        module = sys.modules[name] = type(sys)(name)
        module.__spec__, module.__loader__, module.__package__ = spec, spec.loader, spec.parent
        module.__file__ = spec.origin
        if spec.submodule_search_locations is not None:
            module.__path__ = spec.submodule_search_locations
        try:
            self.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
        setattr(sys.modules[parent], own, module)

    def _spec(self, name: str) -> ModuleSpec | None:
        try:
            known = marshal.loads(self._index[name])  # noqa: S302 - our own private file
            source, mtime, size, is_package, offset, length, digest, needs = known
            status = os.stat(source)
            code = os.pread(self._handle, length, self._start + offset)
        except (OSError, EOFError, ValueError, TypeError):
            self.stale = True
            return None
        # Damaged code could take the interpreter down with it.
        if (status.st_mtime_ns, status.st_size) != (mtime, size) or _digest(code) != digest:
            self.stale = True
            return None
        self._code[name], self._needs[name] = code, needs
        spec = ModuleSpec(name, self, origin=source, is_package=is_package)  # type: ignore[arg-type]
        spec.has_location = True
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations.append(source.rpartition("/")[0])
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """As `importlib.abc.Loader`: an ordinary module will do."""

    def exec_module(self, module: "ModuleType") -> None:
        """As `importlib.abc.Loader`."""
        name = module.__name__
        if self._ahead:  # now, for what lies in a package can only be loaded once that is there
            self._begun.add(name)
            self._load_needs(name)
        code = marshal.loads(self._code.pop(name))  # noqa: S302 - our own private file
        exec(code, module.__dict__)  # noqa: S102 - what an import does


def use(package: str, *, ahead: bool = False) -> None:
    """Import our modules from the file from now on, where there is one for this package folder and Python.

    `ahead`: see Finder.
    """
    try:
        handle = os.open(_path(package), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return
    try:
        head = os.pread(handle, _HEAD, 0) if _is_ours(handle) else b""
        if head[:4] == MAGIC_NUMBER:
            size = int.from_bytes(head[4:], "big")
            folder, index = marshal.loads(os.pread(handle, size, _HEAD))  # noqa: S302 - our own private file
            if folder == package and all(type(known) is bytes for known in index.values()):
                sys.meta_path.insert(0, Finder(handle, _HEAD + size, index, ahead=ahead))
                return
    except (OSError, EOFError, ValueError, TypeError):
        pass
    os.close(handle)


def is_needed() -> bool:
    """Whether this process found no file, or one that is out of date."""
    return not any(isinstance(finder, Finder) and not finder.stale for finder in sys.meta_path)


def write(package: str) -> None:
    """Collect the modules of the package as they are now, if there is where to keep them. Raises OSError."""
    from importlib.machinery import SourceFileLoader

    from skillcache.core import files

    path = _path(package)
    if not os.access(path.rpartition("/")[0], os.W_OK):
        return
    index: dict[str, bytes] = {}
    found = _modules(package)
    names = {name for _, name, _ in found}
    codes: list[bytes] = []
    offset = 0
    for source, name, is_package in found:
        status = os.stat(source)
        code = marshal.dumps(SourceFileLoader(name, source).get_code(name))
        stamp = (status.st_mtime_ns, status.st_size)
        needs = tuple(need for need in dict.fromkeys(_imports(source, name)) if need in names and need != name)
        index[name] = marshal.dumps((source, *stamp, is_package, offset, len(code), _digest(code), needs))
        codes.append(code)
        offset += len(code)
    head = marshal.dumps((package, index))
    files.write(path, b"".join((MAGIC_NUMBER, len(head).to_bytes(4, "big"), head, *codes)))


def remove(package: str) -> None:
    """Take the file away, if it is there. Raises OSError."""
    from skillcache.core import files

    if os.access(_path(package), os.W_OK):
        files.remove(_path(package))


def _modules(package: str) -> list[tuple[str, str, bool]]:
    found = []
    for folder, folders, names in os.walk(package):
        here = folder.removeprefix(package).removeprefix("/")
        inside = f"{here}/" if here else ""
        folders[:] = sorted(name for name in folders if name != "__pycache__" and inside + name not in COLD)
        parts = ["skillcache", *folder.removeprefix(package).split("/")]
        for name in sorted(names):
            stem, dot, ending = name.rpartition(".")
            if dot and ending == "py" and not (stem in COLD and folder == package):
                inner = [] if stem == "__init__" else [stem]
                found.append((f"{folder}/{name}", ".".join(filter(None, [*parts, *inner])), stem == "__init__"))
    return found


def _imports(source: str, name: str) -> list[str]:
    """What the module may import as it is executed, in this order, each behind the packages that it lies in."""
    import ast

    with open(source, "rb") as file:
        tree = ast.parse(file.read())
    found = [name]
    for statement in tree.body:  # those of `if TYPE_CHECKING` and of functions come later or never
        if isinstance(statement, ast.Import):
            found += [alias.name for alias in statement.names]
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            found += [statement.module, *(f"{statement.module}.{alias.name}" for alias in statement.names)]
    return [each[:end] for each in found for end, c in enumerate(f"{each}.") if c == "."]


def _digest(code: bytes) -> bytes:
    return source_hash(int.from_bytes(MAGIC_NUMBER, "big"), code)  # built in; loading another costs a hook 0.5 ms


def _is_ours(handle: int) -> bool:
    """Whether the person or root alone may write it: a pipe or another's file in its place is not."""
    status = os.fstat(handle)
    return status.st_uid in (0, os.geteuid()) and status.st_mode & 0o170022 == 0o100000


def _path(package: str) -> str:
    folder = f"{sys.pycache_prefix}{package}" if sys.pycache_prefix else f"{package}/__pycache__"  # as PEP 304 has it
    return f"{folder}/skillcache.{sys.implementation.cache_tag}"
