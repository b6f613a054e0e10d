"""The bytecode of our modules in one private file: finding and reading them one by one costs a hook 4 ms.

    file  = magic (4 bytes, Python's own of its bytecode) size (4 bytes, big endian) index codes
    index = marshal of (package folder, {module: (source, mtime_ns, size, is a package, offset, length, digest)})
    codes = the modules' marshalled code; offsets count from the end of the index

A module whose source has another time or size, or whose code is damaged, is imported in the usual way, so a file that
is out of date makes a hook slower and never wrong. It is written after a run that took its time, and replaced whole.
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

    Index = Mapping[str, tuple[str, int, int, bool, int, int, bytes]]

_HEAD = 8
# Parts of the package that no hook imports, by the first part of their name.
COLD = ("__main__", "cli", "holdings", "library", "plugin", "probe", "running", "server")


class Finder:
    """For `sys.meta_path`. stale: whether a module was asked for whose source or code has changed."""

    def __init__(self, handle: int, start: int, index: "Index") -> None:
        self._handle = handle
        self._start = start
        self._index = index
        self._code: dict[str, bytes] = {}
        self.stale = False

    def find_spec(
        self, name: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> ModuleSpec | None:
        """As `importlib.abc.MetaPathFinder`."""
        del path, target
        known = self._index.get(name)
        if known is None:
            return None
        source, mtime, size, is_package, offset, length, digest = known
        try:
            status = os.stat(source)
            code = os.pread(self._handle, length, self._start + offset)
        except OSError:
            self.stale = True
            return None
        # Damaged code could take the interpreter down with it.
        if (status.st_mtime_ns, status.st_size) != (mtime, size) or _digest(code) != digest:
            self.stale = True
            return None
        self._code[name] = code
        spec = ModuleSpec(name, self, origin=source, is_package=is_package)  # type: ignore[arg-type]
        spec.has_location = True
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations.append(source.rpartition("/")[0])
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """As `importlib.abc.Loader`: an ordinary module will do."""

    def exec_module(self, module: "ModuleType") -> None:
        """As `importlib.abc.Loader`."""
        code = marshal.loads(self._code.pop(module.__name__))  # noqa: S302 - our own private file
        exec(code, module.__dict__)  # noqa: S102 - what an import does


def use(cache: str, package: str) -> None:
    """Import our modules from the file from now on, where there is one for this package folder and Python."""
    try:
        handle = os.open(_path(cache), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return
    try:
        head = os.pread(handle, _HEAD, 0) if _is_ours(handle) else b""
        if head[:4] == MAGIC_NUMBER:
            size = int.from_bytes(head[4:], "big")
            folder, index = marshal.loads(os.pread(handle, size, _HEAD))  # noqa: S302 - our own private file
            if folder == package and all(len(known) == 7 for known in index.values()):
                sys.meta_path.insert(0, Finder(handle, _HEAD + size, index))
                return
    except (OSError, EOFError, ValueError, TypeError):
        pass
    os.close(handle)


def is_needed() -> bool:
    """Whether this process found no file, or one that is out of date."""
    return not any(isinstance(finder, Finder) and not finder.stale for finder in sys.meta_path)


def write(cache: str, package: str) -> None:
    """Collect the modules of the package as they are now. Raises OSError."""
    from importlib.machinery import SourceFileLoader

    from skillcache import files

    index: dict[str, tuple[str, int, int, bool, int, int, bytes]] = {}
    codes: list[bytes] = []
    offset = 0
    for source, name, is_package in _modules(package):
        status = os.stat(source)
        code = marshal.dumps(SourceFileLoader(name, source).get_code(name))
        index[name] = (source, status.st_mtime_ns, status.st_size, is_package, offset, len(code), _digest(code))
        codes.append(code)
        offset += len(code)
    head = marshal.dumps((package, index))
    files.write(_path(cache), b"".join((MAGIC_NUMBER, len(head).to_bytes(4, "big"), head, *codes)))


def _modules(package: str) -> list[tuple[str, str, bool]]:
    found = []
    for folder, folders, names in os.walk(package):
        folders[:] = sorted(set(folders) - {"__pycache__", *(COLD if folder == package else ())})
        parts = ["skillcache", *folder.removeprefix(package).split("/")]
        for name in sorted(names):
            stem, dot, ending = name.rpartition(".")
            if dot and ending == "py" and not (stem in COLD and folder == package):
                inner = [] if stem == "__init__" else [stem]
                found.append((f"{folder}/{name}", ".".join(filter(None, [*parts, *inner])), stem == "__init__"))
    return found


def _digest(code: bytes) -> bytes:
    return source_hash(int.from_bytes(MAGIC_NUMBER, "big"), code)  # built in; loading another costs a hook 0.5 ms


def _is_ours(handle: int) -> bool:
    """What stands in the file is executed, so nobody else may have written it."""
    status = os.fstat(handle)
    return status.st_uid == os.geteuid() and status.st_mode & 0o022 == 0


def _path(cache: str) -> str:
    from skillcache.paths import compiled_folder

    return f"{compiled_folder(cache)}/bytecode.{sys.implementation.cache_tag}"
