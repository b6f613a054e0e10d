"""Which executable a command word runs, and what it is: the same answer on two machines with the same tool."""

import os

from skillcache import outcome
from skillcache.digest import digest_parts
from skillcache.errors import Bypass
from skillcache.files import open_regular
from skillcache.fingerprint import packages, python
from skillcache.fingerprint.files import Budget, follow
from skillcache.fingerprint.toolchains import behind, upward

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_EDGE = 64 << 10
_SCRIPT = 1 << 20
_DEPTH = 6
# Where a project keeps executables of its own, which launchers such as `uv run` and `npx` look through.
_OWN = (".venv/bin", "venv/bin", "node_modules/.bin", "vendor/bin")
# These run the project's virtual environment, and keep it in a place of their own when it is not in the project.
_KEEPERS = ("poetry", "pipenv", "pdm", "hatch")
# Tools that a tool starts without an interpreter line that says so.
_JAVA = ("java", "$JAVA_HOME/bin/java")
_COMPANIONS = {"mvn": _JAVA, "mvnw": _JAVA, "gradle": _JAVA, "gradlew": _JAVA, "sbt": _JAVA}
_ABOUT = ("VERSION", "release")  # what Go and Java say of themselves


class Tools:
    """The tools of one line.

    identities: word -> digest; packages: name -> what the environments behind the words have installed.
    """

    __slots__ = ("budget", "environ", "identities", "known", "packages", "root")

    def __init__(self, root: str, environ: "Mapping[str, str]", budget: Budget) -> None:
        self.root = root
        self.environ = environ
        self.budget = budget
        self.identities: dict[str, str] = {}
        self.packages: dict[str, packages.Installed] = {}
        self.known: dict[str, str] = {}

    def add(self, word: str, folder: str, *, optional: bool = False) -> None:
        """Capture the tool that `word` names in `folder`; NO_TOOL, or "absent" for an optional one, without it."""
        if os.path.basename(word) in _KEEPERS:
            self._keeper(word, folder)
        try:
            identity = self._identity(self.find(word, folder), folder, 0)
        except Bypass as bypass:
            if not optional or bypass.outcome is not outcome.NO_TOOL:
                raise
            identity = "absent"
        name = python.relative(word, self.root)
        if self.identities.get(name, identity) != identity:
            name = f"{name} in {python.relative(folder, self.root)}"
        self.identities[name] = identity
        for companion in _COMPANIONS.get(os.path.basename(word), ()):
            self.add(companion, folder, optional=True)
        if os.path.basename(word) == "mise":
            self._mise()

    def find(self, word: str, folder: str) -> str:
        """The executable that a shell in `folder` runs for `word`, behind whatever shim; NO_TOOL without one."""
        for path in self._places(word, folder):
            if os.access(path, os.X_OK) and os.path.isfile(path):
                real = behind(path, folder, self.environ)
                if real is not None:
                    return real
        raise Bypass(outcome.NO_TOOL, word)

    def _places(self, word: str, folder: str) -> "Iterator[str]":
        if word.startswith("$"):
            name, _, rest = word[1:].partition("/")
            yield os.path.join(self.environ.get(name) or "/", rest)
            return
        if "/" in word:
            home = self.environ.get("HOME", "/")
            yield os.path.normpath(os.path.join(folder, home + word[1:] if word.startswith("~/") else word))
            return
        for place in self.environ.get("PATH", os.defpath).split(":"):
            yield os.path.join(folder, place, word)
        for place in upward(folder):
            for own in _OWN:
                yield os.path.join(place, own, word)
            if place == self.root:
                return

    def _mise(self) -> None:
        """`mise` runs what it has installed: those versions count, and what its interpreters have installed."""
        home = self.environ.get("HOME", "/")
        installs = os.path.join(self.environ.get("MISE_DATA_DIR") or f"{home}/.local/share/mise", "installs")
        versions = [f"{tool}/{version}" for tool in _list(installs) for version in _list(os.path.join(installs, tool))]
        settings = follow(f"{home}/.config/mise/config.toml", self.budget) or b""
        self.identities["installed by mise"] = digest_parts([settings, *map(os.fsencode, versions)])
        for version in versions:
            path = os.path.join(installs, version, "bin", "python3")
            if version.startswith("python/") and os.path.exists(path):
                self.python(path)

    def _keeper(self, word: str, folder: str) -> None:
        if "VIRTUAL_ENV" in self.environ and "hatch" not in word:
            return
        for place in upward(folder):
            if os.path.exists(os.path.join(place, ".venv", "pyvenv.cfg")) and "hatch" not in word:
                return
            if place == self.root:
                break
        raise Bypass(outcome.UNCAPTURABLE, f"{word} keeps its environment outside the project")

    def _identity(self, path: str, folder: str, depth: int) -> str:
        if path in self.known:
            return self.known[path]
        if depth > _DEPTH:
            raise Bypass(outcome.UNCAPTURABLE, f"{path} runs through too many interpreters")
        real = os.path.realpath(path)
        self.budget.spend(0)
        try:
            size, head, rest = _edges(real)
        except OSError as error:
            raise Bypass(outcome.UNCAPTURABLE, f"{path}: {error.strerror}") from None
        script = head.startswith(b"#!") and size <= _SCRIPT
        if script:
            parts = [*self._script(head + rest, folder, depth), *self._about_script(real)]
        else:
            parts = [b"%d" % size, head, rest, *self._about_binary(real)]
            if os.path.basename(path).startswith(("python", "pypy")):
                self.python(path)
                parts += self._libpython(real)
        self.known[path] = digest_parts(parts)
        return self.known[path]

    def _script(self, text: bytes, folder: str, depth: int) -> list[bytes]:
        line, _, body = text[2:].partition(b"\n")
        words = os.fsdecode(line).split()
        if not words:
            raise Bypass(outcome.UNCAPTURABLE, "a script without an interpreter")
        interpreter = words[0]
        if body.startswith(b"'''exec' "):
            # An installer's way around the limit on the length of this line.
            line, _, body = body.partition(b"\n")
            interpreter = os.fsdecode(line).split()[1].strip('"')
        elif os.path.basename(words[0]) == "env":
            names = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
            interpreter = self.find("".join(names[:1]), folder)
        if not os.access(interpreter, os.X_OK):
            raise Bypass(outcome.NO_TOOL, os.fsdecode(line))
        return [body, self._identity(interpreter, folder, depth + 1).encode()]

    def _about_script(self, real: str) -> list[bytes]:
        """What a script outside the project is part of: a package of Node's, a folder of Java archives."""
        if real.startswith(self.root + "/"):
            return []
        above = os.path.dirname(os.path.dirname(real))
        archives = [name for name in _list(os.path.join(above, "lib")) if name.endswith(".jar")]
        parts = [os.fsencode(name) for name in archives]
        for place in (os.path.dirname(real), above, os.path.dirname(above)):
            data = follow(os.path.join(place, "package.json"), self.budget)
            if data is not None:
                lock = os.path.join(os.path.dirname(place), ".package-lock.json")
                return [*parts, data, follow(lock, self.budget) or b""]
        return parts

    def _about_binary(self, real: str) -> list[bytes]:
        above = os.path.dirname(os.path.dirname(real))
        parts = [follow(os.path.join(above, name), self.budget) or b"" for name in _ABOUT]
        if os.path.isdir(os.path.join(above, "lib", "rustlib")):
            # The compiler's libraries carry a hash of their build in their names.
            parts += map(os.fsencode, _list(os.path.join(above, "lib")))
        return parts

    def _libpython(self, real: str) -> list[bytes]:
        library = os.path.join(os.path.dirname(os.path.dirname(real)), "lib")
        parts = []
        for name in _list(library):
            if name.startswith("libpython"):
                parts += [name.encode(), self._identity(os.path.join(library, name), "/", _DEPTH).encode()]
        return parts

    def python(self, path: str) -> None:
        """Capture the packages that the interpreter at `path` imports: of its virtual environment or beside it."""
        prefix = os.path.dirname(os.path.dirname(os.path.abspath(path)))
        settings = follow(os.path.join(prefix, "pyvenv.cfg"), self.budget)
        base = os.path.dirname(os.path.dirname(os.path.realpath(path)))
        if settings is None:
            prefix = base
        name = python.relative(prefix + "/", self.root)
        home = self.environ.get("HOME") or "/"
        name = "~" + name[len(home) :] if name.startswith(home + "/") else name
        if name in self.packages:
            return
        homes = [prefix]
        if settings is None or b"include-system-site-packages = true" in settings.lower():
            homes += [base] if base != prefix else []
            homes += ["/usr/local"] if base == "/usr" else []
            if "PYTHONNOUSERSITE" not in self.environ:
                homes.append(
                    self.environ.get("PYTHONUSERBASE") or os.path.join(self.environ.get("HOME", "/"), ".local")
                )
        self.packages[name] = packages.of_python(homes, self.root, self.budget)


def _edges(path: str) -> tuple[int, bytes, bytes]:
    """The size of a program, its beginning, and its end: of a script all the rest. Raises OSError."""
    handle = open_regular(path)
    try:
        size = os.fstat(handle).st_size
        head = os.pread(handle, _EDGE, 0)
        script = head.startswith(b"#!") and size <= _SCRIPT
        start = len(head) if script else max(size - _EDGE, len(head))
        return size, head, os.pread(handle, size - start, start)
    finally:
        os.close(handle)


def _list(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
