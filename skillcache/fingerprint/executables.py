"""Which executable a command word runs, behind a version manager too, and what it is.

The answer is the same on two machines with the same tool. A version manager's shim chooses by a variable, by version
files from the working directory upward, and by a default of the person's. What cannot be followed surely is
UNCAPTURABLE.
"""

import os
from stat import S_IFREG

from skillcache.core import outcomes
from skillcache.core.files import digest_parts, open_regular, sha256
from skillcache.core.outcomes import Bypass
from skillcache.fingerprint import leads
from skillcache.fingerprint.contents import Budget, follow, small
from skillcache.fingerprint.variables import BUT, relative

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from skillcache.fingerprint.packages import Installed


# The managers that are alike: <root>/shims/<word> runs <root>/versions/<version>/bin/<word>.
_ALIKE = {".pyenv": "python", ".rbenv": "ruby", ".nodenv": "node", ".goenv": "go", ".phpenv": "php", ".jenv": "java"}
_CAP = 1 << 16  # of a file that says which version
# Where mise is told versions, relative to a folder.
OF_MISE = (
    *("mise.toml", "mise.local.toml", ".mise.toml", ".mise.local.toml", "mise/config.toml", ".mise/config.toml"),
    *(".config/mise.toml", ".config/mise/config.toml", ".config/mise/conf.d"),
)
_VARIABLES = {"python": "PYENV", "ruby": "RBENV", "node": "NODENV", "go": "GOENV", "php": "PHPENV", "java": "JENV"}


def behind(path: str, folder: str, environ: "Mapping[str, str]", *, also: str = "") -> str | None:
    """The executable that the shim at `path` runs in `folder`; `path` itself when it is no shim.

    None when the shim runs nothing, so that the next folder of the path is the one to ask. UNCAPTURABLE when the
    choice cannot be followed.
    """
    place, word = os.path.split(path)
    if place.endswith("/shims"):
        root = os.path.dirname(place)
        for marker, language in _ALIKE.items():
            if os.path.basename(root) == marker or environ.get(f"{_VARIABLES[language]}_ROOT") == root:
                return _alike(root, language, word, folder, environ)
        if os.path.isdir(os.path.join(root, "installs")):
            return _asdf(root, word, folder)
        raise Bypass(outcomes.UNCAPTURABLE, f"{path} is a shim of an unknown manager")
    if _is_rustup(path):
        return _rustup(word, folder, environ, also)
    return path


def upward(folder: str) -> "Iterator[str]":
    """`folder` and every folder above it."""
    while True:
        yield folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return
        folder = parent


def _words(path: str) -> list[str] | None:
    """The words of a small file without its comments; None when there is none."""
    text = _text(path)
    return None if text is None else [word for line in text.splitlines() for word in line.partition("#")[0].split()]


def _text(path: str) -> str | None:
    content = small(path, _CAP)
    return None if content is None else content.decode("utf-8", "replace")


def _alike(root: str, language: str, word: str, folder: str, environ: "Mapping[str, str]") -> str | None:
    chosen = environ.get(f"{_VARIABLES[language]}_VERSION", "").replace(":", " ").split()
    places = (os.path.join(place, f".{language}-version") for place in upward(folder))
    for place in (*places, os.path.join(root, "version")):
        if chosen:
            break
        chosen = _words(place) or []
    for version in chosen:
        if version == "system":
            return None
        home = os.path.join(root, "versions", version)
        if not os.path.isdir(home):
            home = _newest(os.path.join(root, "versions"), version.removeprefix(f"{language}-"))
        path = os.path.join(home, "bin", word)
        if os.access(path, os.X_OK):
            return path
    if chosen:
        raise Bypass(outcomes.NO_TOOL, f"{word} is in none of the chosen versions {' '.join(chosen)}")
    return None


def _newest(versions: str, prefix: str) -> str:
    """The newest installed version that a shortened one such as 3.12 means."""
    found = [
        name for name in os.listdir(versions) if name.startswith(prefix + ".") and name[len(prefix) + 1 :].isdigit()
    ]
    if not found:
        return os.path.join(versions, prefix)
    return os.path.join(versions, max(found, key=lambda name: int(name[len(prefix) + 1 :])))


def _has_environment_of_mise(place: str) -> bool:
    """A file such as mise.test.toml, which counts where a variable says so."""
    try:
        names = os.listdir(place)
    except OSError:
        return False
    return any(name == ".mise" or (name.lstrip(".").startswith("mise.") and name.endswith(".toml")) for name in names)


def _asdf(root: str, word: str, folder: str) -> str:
    """By .tool-versions alone: a version in any other place is not followed."""
    for place in (*upward(folder), os.path.dirname(root)):
        if any(os.path.exists(os.path.join(place, name)) for name in OF_MISE) or _has_environment_of_mise(place):
            break
        for line in (_text(os.path.join(place, ".tool-versions")) or "").splitlines():
            plugin, *versions = line.partition("#")[0].split() or [""]
            for version in versions[:1]:
                path = os.path.join(root, "installs", plugin, version, "bin", word)
                if os.access(path, os.X_OK):
                    return path
    raise Bypass(outcomes.UNCAPTURABLE, f"{word} is a shim whose version could not be followed")


def _is_rustup(path: str) -> bool:
    beside = os.path.join(os.path.dirname(path), "rustup")
    if os.path.basename(path) == "rustup":
        return False
    try:
        return os.path.samefile(path, beside)
    except OSError:
        return False


def _rustup(word: str, folder: str, environ: "Mapping[str, str]", also: str) -> str:
    home = environ.get("RUSTUP_HOME") or os.path.join(environ.get("HOME", "/"), ".rustup")
    settings = _toml(_text(os.path.join(home, "settings.toml")) or "")
    name = environ.get("RUSTUP_TOOLCHAIN") or ""
    for place in () if name else upward(folder):
        name = settings.get(f"overrides.{place}", "")
        for file in ("rust-toolchain", "rust-toolchain.toml"):
            text = None if name else _text(os.path.join(place, file))
            if text is None:
                continue
            table = _toml(text)
            if "toolchain.path" in table:
                return os.path.join(place, table["toolchain.path"], "bin", also or word)
            name = table.get("toolchain.channel") or text.strip()
        if name:
            break
    name = name or settings.get(".default_toolchain", "")
    folder = os.path.join(home, "toolchains")
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        names = []
    # A channel stands for itself or is followed by the machine's triple.
    fitting = [known for known in names if known == name or known.startswith(name + "-")] if name else []
    if name in fitting:
        fitting = [name]
    if len(fitting) != 1:
        raise Bypass(outcomes.UNCAPTURABLE, f"the Rust toolchain {name or 'by default'} could not be followed")
    return os.path.join(folder, fitting[0], "bin", also or word)


def _toml(text: str) -> dict[str, str]:
    """The string values of a flat file of tables, as "table.key"; enough for what rustup writes and reads."""
    table, values = "", {}
    for line in text.splitlines():
        line = line.strip()  # noqa: PLW2901 - the stripped line is the line
        if line.startswith("[") and line.endswith("]"):
            table = line[1:-1].strip()
        elif "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            values[f"{table}.{key.strip().strip(chr(34))}"] = value.partition("#")[0].strip().strip("\"'")
    return values


_EDGE = 64 << 10
_SCRIPT = 1 << 20
_READ = 64 << 10  # bytes of a script that is read for what it names
_MOST = 100_000  # files of a folder that a tool is part of
_MOST_OF_SCRIPT = 5_000  # files of a folder that a script names
_ELF = b"\x7fELF"
_NODE = "/node_modules/"
_STARTERS = ("snap",)  # a link of any name to one of these runs something that lies elsewhere
_OF_OTHERS = (".py", ".js", ".cjs", ".mjs", ".ts", ".rb", ".pl", ".pm", ".php", ".lua", ".json", ".toml", ".yaml")
_SHELLS = frozenset("sh bash dash zsh ksh ash mksh fish busybox".split())  # noqa: SIM905
_MANAGERS = ("npm", "pnpm", "yarn", "corepack")  # they start what counts by itself
_WITH_SETTINGS = frozenset(["zsh"])  # of the system's utilities, whose own upgrade changes no report
_DEPTH = 6
# Where a project keeps executables of its own, which launchers such as `uv run` and `npx` look through.
_OWN = (".venv/bin", "venv/bin", "node_modules/.bin", "vendor/bin")
# These run the project's virtual environment, and keep it in a place of their own when it is not in the project.
_KEEPERS = ("poetry", "pipenv", "pdm", "hatch")
# Tools that a tool starts without an interpreter line that says so.
_JAVA = ("java", "$JAVA_HOME/bin/java")
_COMPANIONS = {
    **dict.fromkeys(("mvn", "mvnw", "gradle", "gradlew", "sbt"), _JAVA),
    **dict.fromkeys(("cc", "c++", "gcc", "g++", "clang", "clang++"), ("as", "ld")),
}
_ABOUT = ("VERSION", "release")  # what Go and Java say of themselves


class Tools:
    """The tools of one line.

    identities: word -> digest; packages: name -> what the environments behind the words have installed.
    """

    __slots__ = (
        "_found",
        "_kinds",
        "_led_to",
        "_lightly",
        "_programs",
        "_told",
        "budget",
        "cwd",
        "environ",
        "identities",
        "known",
        "more",
        "packages",
        "root",
    )

    def __init__(self, root: str, environ: "Mapping[str, str]", budget: Budget) -> None:
        self.root = root
        self.environ = environ
        self.budget = budget
        self.identities: dict[str, str] = {}
        self.packages: dict[str, Installed] = {}
        self.known: dict[str, str] = {}
        self._led_to: set[str] = set()  # scripts whose text was read
        self._told: set[str] = set()  # of these the ones that `scripts` has told of
        self._programs: dict[str, list[str]] = {}  # on PATH: name -> where, first comes first
        self._found: dict[str, list[str]] = {}  # of these what `on_path` has told
        self._kinds: dict[str, int] = {}  # what was looked at for scripts
        self._lightly = False  # what is looked at may be run, or only be spoken of
        self.cwd = ""  # from where PATH is seen
        self.more: list[str] = []  # folders with programs besides those of PATH

    def add(self, word: str, folder: str, *, optional: bool = False) -> None:
        """Capture the tool that `word` names in `folder`; NO_TOOL, or "absent" for an optional one, without it."""
        if os.path.basename(word) in _KEEPERS:
            self._keeper(word, folder)
        try:
            identity = self._identity(self.find(word, folder), folder, 0)
        except Bypass as bypass:
            if not optional or bypass.outcome is not outcomes.NO_TOOL:
                raise
            identity = "absent"
        name = relative(word, self.root)
        if self.identities.get(name, identity) != identity:
            name = f"{name} in {relative(folder, self.root)}"
        self.identities[name] = identity
        for companion in _COMPANIONS.get(os.path.basename(word), ()):
            self.add(companion, folder, optional=True)
        if os.path.basename(word) == "mise":
            self._mise()

    def _volta(self, home: str, folder: str) -> None:
        """Volta (2.0, by its source) chooses when it runs: all that it chooses by, and from, counts."""
        parts = [follow(f"{home}/{name}", self.budget) or b"" for name in ("hooks.json", "tools/user/platform.json")]
        for kind in ("node", "npm", "pnpm", "yarn"):
            parts += [os.fsencode(f"{kind}/{version}") for version in _list(f"{home}/tools/image/{kind}")]
        for kind in ("packages", "bins"):
            parts += [
                _told(f"{home}/tools/user/{kind}", name, self.budget) for name in _list(f"{home}/tools/user/{kind}")
            ]
        for place in upward(folder):
            text = follow(f"{place}/package.json", self.budget)
            if text is not None:
                if b'"extends"' in text:
                    raise Bypass(outcomes.UNCAPTURABLE, f"{place}/package.json may have its versions from elsewhere")
                parts.append(text)
                break
        self.identities["chosen by Volta"] = digest_parts(parts)

    def _poetry(self, folder: str) -> bool:
        """The environments that poetry (2.4) keeps for the project, whichever it runs; whether there is one."""
        home = self.environ.get("HOME", "/")
        settings = self.environ.get("XDG_CONFIG_HOME") or f"{home}/.config"
        cache = self.environ.get("XDG_CACHE_HOME") or f"{home}/.cache"
        top = next((place for place in upward(folder) if os.path.exists(f"{place}/pyproject.toml")), "")
        said = [follow(path, self.budget) or b"" for path in (f"{settings}/pypoetry/config.toml", f"{top}/poetry.toml")]
        if not top or any(b"virtualenvs" in text or b"cache-dir" in text for text in said):
            return False
        if any(name.startswith(("POETRY_VIRTUALENVS", "POETRY_CACHE", "POETRY_CONFIG")) for name in self.environ):
            return False
        kept = f"{cache}/pypoetry/virtualenvs"
        mark = f"-{_short_name(os.path.realpath(top))}-py"
        found = [f"{kept}/{name}" for name in _list(kept) if mark in name]
        for place in found:
            self.python(f"{place}/bin/python")
        self.identities["chosen by poetry"] = digest_parts([*said, follow(f"{kept}/envs.toml", self.budget) or b""])
        self.more += [f"{place}/bin" for place in found]
        return bool(found)

    def find(self, word: str, folder: str) -> str:
        """The executable that a shell in `folder` runs for `word`, behind whatever shim; NO_TOOL without one."""
        for path in self._places(word, folder):
            if os.access(path, os.X_OK) and os.path.isfile(path) and not ("/" not in word and leads.is_shim(path)):
                real = behind(path, folder, self.environ)
                if real is not None:
                    if os.path.dirname(real).endswith("/.volta/bin"):
                        self._volta(os.path.dirname(os.path.dirname(real)), folder)
                    return real
        raise Bypass(outcomes.NO_TOOL, word)

    def _places(self, word: str, folder: str) -> "Iterator[str]":
        if word.startswith("$"):
            name, _, rest = word[1:].partition("/")
            yield os.path.join(self.environ.get(name) or "/", rest)
            return
        if "/" in word:
            home = self.environ.get("HOME", "/")
            yield os.path.normpath(os.path.join(folder, home + word[1:] if word.startswith("~/") else word))
            return
        for place in (*self.environ.get("PATH", os.defpath).split(":"), *self.more):
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
        if os.path.basename(word) == "poetry" and self._poetry(folder):
            return
        raise Bypass(outcomes.UNCAPTURABLE, f"{word} keeps its environment outside the project")

    def _identity(self, path: str, folder: str, depth: int) -> str:
        if path in self.known:
            return self.known[path]
        if depth > _DEPTH:
            raise Bypass(outcomes.UNCAPTURABLE, f"{path} runs through too many interpreters")
        real = os.path.realpath(path)
        self.budget.spend(0)
        try:
            size, head, rest = _edges(real)
        except OSError as error:
            raise Bypass(outcomes.UNCAPTURABLE, f"{path}: {error.strerror}") from None
        script = head.startswith(b"#!") and size <= _SCRIPT
        if os.path.basename(real) in _STARTERS and os.path.basename(path) != os.path.basename(real):
            raise Bypass(outcomes.UNCAPTURABLE, f"{path} is started by {os.path.basename(real)}")
        if script:
            parts = [*self._script(head + rest, path, folder, depth), *self._about_script(real)]
        else:
            libraries = leads.libraries(real, self.environ) if head[:4] == _ELF else []
            parts = [b"%d" % size, head, rest, leads.middle(real, size, head, self.budget)]
            parts += [*self._about_binary(real), *map(self._edges, libraries)]
            if os.path.basename(path).startswith(("python", "pypy")):
                self.python(path)
                parts += self._libpython(real)
            elif os.path.basename(path).startswith("ruby"):
                self._ruby(real)
        self.known[path] = digest_parts(parts)
        return self.known[path]

    def _edges(self, path: str) -> bytes:
        """Of a library, or of what a script names."""
        try:
            size, head, rest = _edges(real := os.path.realpath(path))
        except OSError:
            return b""
        more = leads.middle(real, size, head, self.budget)
        return digest_parts([os.fsencode(os.path.basename(path)), b"%d" % size, head, rest, more]).encode()

    def _script(self, text: bytes, path: str, folder: str, depth: int) -> list[bytes]:
        line, _, body = text[2:].partition(b"\n")
        words = os.fsdecode(line).split()
        if not words:
            raise Bypass(outcomes.UNCAPTURABLE, "a script without an interpreter")
        interpreter = words[0]
        if body.startswith(b"'''exec' "):
            # An installer's way around the limit on the length of this line.
            line, _, body = body.partition(b"\n")
            interpreter = os.fsdecode(line).split()[1].strip('"')
        elif os.path.basename(words[0]) == "env":
            names = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
            interpreter = self.find("".join(names[:1]), folder)
        if not os.access(interpreter, os.X_OK):
            raise Bypass(outcomes.NO_TOOL, os.fsdecode(line))
        is_shell = os.path.basename(interpreter).rstrip("0123456789.-") in _SHELLS
        led = self._led(body, path, folder, depth, is_shell=is_shell)
        return [
            body,
            self._identity(interpreter, folder, depth + 1).encode(),
            *led,
        ]

    def _led(self, body: bytes, path: str, folder: str, depth: int, *, is_shell: bool) -> list[bytes]:
        """What a script names, executes and sources: files wherever they lie, folders of modules, programs on PATH."""
        if path in self._led_to or depth >= _DEPTH or len(body) > _READ or _NODE in os.path.realpath(path):
            return []
        if leads.stands_in(body):  # the program that it stands for is the next on PATH
            return []
        self._led_to.add(path)
        parts: list[bytes] = []
        said = leads.read(body, is_shell=is_shell, cache=self.budget.cache)
        named = leads.named(said, path, folder, self.environ, self._kind)
        for file in named.files:
            if not self._is_counted(file):
                parts += self._led_file(file, folder, depth)
        for modules in named.modules:
            parts += self._led_folder(os.path.realpath(modules))
        own = os.path.basename(path)
        for word in said.started:
            if word in leads.ELSEWHERE and word != own and is_shell:
                raise Bypass(outcomes.OUTSIDE, f"{path} runs {word}")
            # One that stands in for another of its name starts the next on PATH.
            beside = [f"{place}/{word}" for place in named.folders if self._kind(f"{place}/{word}") == S_IFREG]
            for program in (*beside, *self.on_path(word)[: None if word == own else 1]):
                parts += self._led_file(program, folder, depth)
        return parts

    def _led_file(self, path: str, folder: str, depth: int) -> list[bytes]:
        try:
            real = behind(path, folder, self.environ) if os.access(path, os.X_OK) else path
            if real is None:
                return []
            size, head, rest = _edges(os.path.realpath(real))
        except (Bypass, OSError):
            return []  # that a script names it does not say that it is run
        name = os.fsencode(os.path.basename(path))
        if head.startswith(b"#!") and size <= _SCRIPT:
            try:
                return [name, self._identity(real, folder, depth + 1).encode()]
            except Bypass as bypass:
                if bypass.outcome is outcomes.OUTSIDE:
                    raise
                return [name, head, rest]
        if head[:4] == _ELF:
            return [name, self._identity(real, folder, depth + 1).encode()]
        # It may be sourced, or imported.
        is_shell = not path.endswith(_OF_OTHERS)
        more = self._led(head + rest, real, folder, depth + 1, is_shell=is_shell) if size <= _READ else []
        return [name, b"%d" % size, head, rest, *more]

    def _is_counted(self, path: str) -> bool:
        """Whether it comes with the system, or is part of the project's content."""
        real = os.path.realpath(path)
        return leads.is_of_system(real) or f"{real}/".startswith(f"{self.root}/")

    def _led_folder(self, real: str) -> list[bytes]:
        if self._is_counted(f"{real}/"):
            return []
        home = os.path.realpath(self.environ.get("HOME") or "/")
        if f"{self.root}/".startswith(f"{real}/") or f"{home}/".startswith(f"{real}/"):
            return []
        try:
            return [self._whole(real, _MOST_OF_SCRIPT)]
        except (Bypass, OSError) as fault:
            if isinstance(fault, Bypass) and fault.outcome is not outcomes.TOO_LARGE:
                raise
            return []  # a name in passing, such as that of a folder to work in

    def mention(self, word: str, folder: str, *, surely: bool = False) -> None:
        """Capture a program that a text names, and that may be run; `surely`: whose result depends on it."""
        if word in self.identities or not (found := self.on_path(word)):
            return
        before, self._lightly = self._lightly, not surely
        try:
            self.identities[word] = self._identity(self.find(word, folder), folder, 0)
            for companion in _COMPANIONS.get(word, ()):
                self.mention(companion, folder)
        except Bypass as bypass:
            if surely or bypass.outcome not in (outcomes.UNCAPTURABLE, outcomes.NO_TOOL, outcomes.OUTSIDE):
                raise
            self.identities[word] = f"unknown: {digest_parts([self._edges(path) for path in found])}"
        finally:
            self._lightly = before

    def given(self, name: str, word: str, folder: str) -> None:
        """Capture a program that the variable `name` gives."""
        path = os.path.join(folder, word) if "/" in word else "".join(self.on_path(word)[:1])
        if not path or not os.path.isfile(path) or not os.access(path, os.X_OK):
            return
        before = set(self._led_to)
        try:
            identity = self._identity(behind(path, folder, self.environ) or path, folder, 0)
        except Bypass as bypass:
            if bypass.outcome not in (outcomes.UNCAPTURABLE, outcomes.NO_TOOL, outcomes.OUTSIDE):
                raise
            identity = f"unknown: {self._edges(path).decode()}"
        if name in BUT:  # it begins before the command, gives it nothing but variables, and may well write a log
            self._told |= self._led_to - before
        self.identities[f"${name}: {os.path.basename(word)}"] = identity

    def scripts(self) -> list[str]:
        """The scripts outside the project and the system that were read and not told of before."""
        more = [path for path in sorted(self._led_to - self._told) if not self._is_counted(path)]
        self._told |= self._led_to
        return more

    def programs(self) -> "frozenset[str]":
        """The names of all that is on PATH, but for the system's utilities."""
        self.on_path("")
        without = (name for name in leads.BASE - _WITH_SETTINGS if not self.on_path(name))
        return frozenset(self._programs).difference(without)

    def _whole(self, path: str, most: int = _MOST) -> bytes:
        """Digest of a folder's content. Raises Bypass."""
        from skillcache.fingerprint import stamped  # few tools lead to one

        return stamped.content(os.path.realpath(path), self.root, self.budget, most=most).digest.encode()

    def on_path(self, word: str) -> list[str]:
        """Where a program of that name lies on PATH; nowhere for a utility of the system's."""
        if not self._programs:
            seen: set[str] = set()
            for named in self.environ.get("PATH", os.defpath).split(":"):
                place = os.path.normpath(os.path.join(self.cwd, named)) if self.cwd and named[:1] != "/" else named
                if place != named and f"{place}/".startswith(f"{self.root}/"):
                    continue
                # /bin is /usr/bin on most systems: who looks for the next of a name finds none in the same folder.
                real = os.path.realpath(place)
                for name in _list(place) if place.startswith("/") and real not in seen else ():
                    self._programs.setdefault(name, []).append(f"{place}/{name}")
                seen.add(real)
        found = self._found.get(word)
        if found is None:
            found = self._programs.get(word, [])
            if word in leads.BASE:
                found = [path for path in found if not leads.is_of_system(path)]
            found = [
                path for path in found if os.access(path, os.X_OK) and os.path.isfile(path) and not leads.is_shim(path)
            ]
            self._found[word] = found
        return found

    def _kind(self, path: str) -> int:
        """As `leads.kind_of`: scripts of one kind look in the same places."""
        what = self._kinds.get(path)
        if what is None:
            what = self._kinds[path] = leads.kind_of(path)
        return what

    def _about_script(self, real: str) -> list[bytes]:
        """What a script outside the project is part of: a package of Node's, a folder of Java archives."""
        if real.startswith(self.root + "/"):
            return []
        above = os.path.dirname(os.path.dirname(real))
        parts: list[bytes] = []
        if any(name.endswith(".jar") for name in _list(os.path.join(above, "lib"))):
            parts.append(self._whole(os.path.join(above, "lib")))
        before, found, package = real.rpartition(_NODE)
        if found and package.partition("/")[0] not in _MANAGERS:
            before = real[: real.index(_NODE)] + _NODE
            name = "/".join(real[len(before) :].split("/")[: 2 if real[len(before) :][0] == "@" else 1])
            return [*parts, self._whole(before + name)]
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
            beside = os.path.dirname(real)
            parts += [self._edges(os.path.join(beside, name)) for name in _list(beside)]
        if "gcc" in os.path.basename(real) or "g++" in os.path.basename(real):
            parts += [self._edges(path) for path in _compilers(os.path.join(above, "lib", "gcc"))]
        return parts

    def _libpython(self, real: str) -> list[bytes]:
        library = os.path.join(os.path.dirname(os.path.dirname(real)), "lib")
        parts = []
        for name in _list(library):
            if name.startswith("libpython"):
                parts += [name.encode(), self._identity(os.path.join(library, name), "/", _DEPTH).encode()]
        return parts

    def _ruby(self, real: str) -> None:
        prefix = os.path.dirname(os.path.dirname(real))
        home = self.environ.get("HOME") or "/"
        name = "gems of " + (f"~{prefix[len(home) :]}" if prefix.startswith(f"{home}/") else prefix)
        if name not in self.packages:
            from skillcache.fingerprint import packages  # of interpreters alone

            read = packages.of_ruby_by_names if self._lightly else packages.of_ruby
            gems = read(prefix, home, self.root, self.budget)
            if gems is not None:
                self.packages[name] = gems

    def python(self, path: str) -> None:
        """Capture the packages that the interpreter at `path` imports: of its virtual environment or beside it."""
        prefix = os.path.dirname(os.path.dirname(os.path.abspath(path)))
        settings = follow(os.path.join(prefix, "pyvenv.cfg"), self.budget)
        base = os.path.dirname(os.path.dirname(os.path.realpath(path)))
        if settings is None:
            prefix = base
        name = relative(prefix + "/", self.root)
        home = self.environ.get("HOME") or "/"
        name = "~" + name[len(home) :] if name.startswith(home + "/") else name
        if name in self.packages:
            return
        from skillcache.fingerprint import packages  # of interpreters alone

        homes = [prefix]
        if settings is None or b"include-system-site-packages = true" in settings.lower():
            homes += [base] if base != prefix else []
            homes += ["/usr/local"] if base == "/usr" else []
            if "PYTHONNOUSERSITE" not in self.environ:
                homes.append(
                    self.environ.get("PYTHONUSERBASE") or os.path.join(self.environ.get("HOME", "/"), ".local")
                )
        is_elsewhere = not f"{os.path.realpath(prefix)}/".startswith(f"{self.root}/")
        read = packages.of_python_by_names if self._lightly and is_elsewhere else packages.of_python
        self.packages[name] = read(homes, self.root, self.budget)
        self._of_every_start(name, base)

    def _of_every_start(self, name: str, base: str) -> None:
        """What an interpreter at `base` runs first, whatever environment is its own."""
        if leads.is_of_system(f"{base}/lib/"):
            return
        from skillcache.fingerprint.packages import site_folders

        for library in site_folders(base):
            for each in ("sitecustomize.py", "usercustomize.py"):
                text = follow(f"{os.path.dirname(library)}/{each}", self.budget)
                if text is not None:
                    self.identities[f"{each} of {name}"] = digest_parts([text])


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


def _compilers(folder: str) -> list[str]:
    """What a driver of GCC's starts."""
    versions = [f"{triple}/{version}" for triple in _list(folder) for version in _list(os.path.join(folder, triple))]
    return [os.path.join(folder, version, name) for version in versions for name in ("cc1", "cc1plus", "collect2")]


def _told(folder: str, name: str, budget: Budget) -> bytes:
    return os.fsencode(name) + b":" + (follow(f"{folder}/{name}", budget) or b"")


def _short_name(path: str) -> str:
    """By which poetry tells the environments of folders apart."""
    import binascii  # few have such environments

    return binascii.b2a_base64(sha256(os.fsencode(path)).digest())[:8].decode().translate({43: "-", 47: "_"})


def _list(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
