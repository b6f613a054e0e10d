"""Which executable a command word runs, and what it is: the same answer on two machines with the same tool."""

import os

from skillcache import outcome
from skillcache.digest import digest_parts
from skillcache.errors import Bypass
from skillcache.fingerprint import packages, python
from skillcache.fingerprint.files import Budget, follow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_EDGE = 64 << 10
_SCRIPT = 1 << 20
_DEPTH = 6


def find(word: str, folder: str, environ: "Mapping[str, str]") -> str | None:
    """The path that a shell in `folder` runs for `word`."""
    if "/" in word:
        path = os.path.normpath(os.path.join(folder, os.path.expanduser(word)))
        return path if _runnable(path) else None
    for place in environ.get("PATH", os.defpath).split(":"):
        path = os.path.join(folder, place, word)
        if _runnable(path):
            return path
    return None


def _runnable(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)


class Tools:
    """identities: word -> digest; packages: name -> what the environments behind the words have installed."""

    __slots__ = ("budget", "environ", "identities", "known", "packages", "root")

    def __init__(self, root: str, environ: "Mapping[str, str]", budget: Budget) -> None:
        self.root = root
        self.environ = environ
        self.budget = budget
        self.identities: dict[str, str] = {}
        self.packages: dict[str, packages.Installed] = {}
        self.known: dict[str, str] = {}

    def add(self, word: str, folder: str) -> None:
        """Capture the tool that `word` names in `folder`; NO_TOOL when there is none."""
        path = find(word, folder, self.environ)
        if path is None:
            raise Bypass(outcome.NO_TOOL, word)
        self.identities[word] = self._identity(path, folder, 0)

    def _identity(self, path: str, folder: str, depth: int) -> str:
        if path in self.known:
            return self.known[path]
        if depth > _DEPTH:
            raise Bypass(outcome.UNCAPTURABLE, f"{path} runs through too many interpreters")
        name = os.path.basename(path)
        if name.startswith(("python", "pypy")):
            self._python(path)
        real = os.path.realpath(path)
        try:
            with open(real, "rb", buffering=0) as file:
                size = os.fstat(file.fileno()).st_size
                head = file.read(_EDGE)
                if head.startswith(b"#!") and size <= _SCRIPT:
                    value = self._script(head + (file.read() if size > len(head) else b""), folder, depth)
                else:
                    file.seek(max(size - _EDGE, 0))
                    value = digest_parts((b"%d" % size, head, file.read()))
        except OSError as error:
            raise Bypass(outcome.UNCAPTURABLE, f"{path}: {error.strerror}") from None
        self.known[path] = value
        return value

    def _script(self, text: bytes, folder: str, depth: int) -> str:
        line, _, body = text[2:].partition(b"\n")
        words = os.fsdecode(line).split()
        if not words:
            raise Bypass(outcome.UNCAPTURABLE, "a script without an interpreter")
        interpreter: str | None = words[0]
        if body.startswith(b"'''exec' "):
            # An installer's way around the limit on the length of this line.
            line, _, body = body.partition(b"\n")
            interpreter = os.fsdecode(line).split()[1].strip('"')
        elif os.path.basename(words[0]) == "env":
            names = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
            interpreter = find(names[0], folder, self.environ) if names else None
        if interpreter is None or not _runnable(interpreter):
            raise Bypass(outcome.NO_TOOL, os.fsdecode(line))
        return digest_parts((body, self._identity(interpreter, folder, depth + 1).encode()))

    def _python(self, path: str) -> None:
        """The packages that the interpreter at `path` imports, from its virtual environment or beside it."""
        prefix = os.path.dirname(os.path.dirname(os.path.abspath(path)))
        settings = follow(os.path.join(prefix, "pyvenv.cfg"), self.budget)
        if settings is None:
            prefix = os.path.dirname(os.path.dirname(os.path.realpath(path)))
        name = python.relative(prefix + "/", self.root)
        if name in self.packages:
            return
        self.packages[name] = packages.of_python(prefix, self.root, self.budget)
        if settings is not None and b"include-system-site-packages = true" in settings:
            self._python(os.path.realpath(path))
