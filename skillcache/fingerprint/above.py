"""Configuration that tools look for above the project, in the person's folders and in those of the system.

In a folder above the project whatever looks like configuration counts, so that a tool that nobody thought of is seen.
Where all kinds of programs keep files that change all the time (home, the top, a folder for temporary files) a name
counts that says which tool it is of. Both are held against what real tools were seen to look for.
"""

import os
import stat

from skillcache.core import Record, field
from skillcache.core.files import digest, digest_parts, signs
from skillcache.fingerprint.configuration import ECOSYSTEMS, EVERY, TEXT_TOOLS, Ecosystem
from skillcache.fingerprint.contents import Budget, follow
from skillcache.fingerprint.executables import OF_MISE, upward
from skillcache.fingerprint.texts import CONFIGURED, LOGIN, PERSON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

_ENDINGS = frozenset(
    """json jsonc json5 yaml yml toml ini cfg conf config properties neon props targets gradle exs dist
    globalconfig gemspec""".split()  # noqa: SIM905
)
_CODE = frozenset("js cjs mjs ts cts mts py rb php lua kts".split())  # noqa: SIM905
_NAMES = frozenset(
    """conftest.py setup.py __init__.py __init__.pyi tasks.py rust-toolchain browserslist go.mod go.work WORKSPACE BUILD
    justfile makefile pom.xml phpunit.xml phpcs.xml psalm.xml checkstyle.xml build.gradle.kts
    settings.gradle.kts _clang-format gems.rb gems.locked Gemfile.lock""".split()  # noqa: SIM905
)
_BEFORE_CODE = (".config", ".conf", ".workspace", ".setup", ".preset", "rc", "file")
_LITTER_NAMES = frozenset(
    """.git .hg .svn .DS_Store .localized .dockerenv .autorelabel .viminfo .lesshst .claude.json .netrwhist .wget-hsts
    .Xauthority .ICEauthority .sudo_as_admin_successful .coverage .bashrc .zshrc .vimrc .profile .bash_profile
    .bash_logout .zprofile .zshenv .inputrc .screenrc .netrc .global-cache .package-cache""".split()  # noqa: SIM905
)
_LITTER_STARTS = (".#", ".~", ".nfs", ".fuse_hidden", ".coverage.", ".zcompdump", ".xsession", ".claude.json.", ".X")
_LITTER_ENDS = (
    *("~", ".swp", ".swo", ".log", ".lock", "-lock.json", "-lock.yaml", ".pid", ".tmp", ".bak", ".db", ".sqlite"),
    *(".sqlite3", "history", "cache", ".tsbuildinfo", "-journal", "-wal", ".sock", ".old", ".orig"),
)
# Hidden folders that hold no configuration of a tool that reports.
_NOT_SEARCHED = frozenset(
    """.git .hg .svn .jj .claude .venv .tox .nox .cache .npm .local .Trash .ssh .gnupg .idea .vscode .cursor .next .nuxt
    .turbo .eggs .direnv .history .kube .docker .terraform .gradle .pnpm-store .angular .ipynb_checkpoints""".split()  # noqa: SIM905
)
# What the client keeps for itself in its folder `.claude`, which lies above whatever runs in a skill's folder (names of
# 2.1.332): `.last-cleanup` comes some seconds after a session's start, once a day.
_CLIENT_STARTS = (".last-", ".last_", ".credentials", ".config.json", ".deep-link-", "daemon.")
_CLIENT_ENDS = ("-cache.json",)
_OF_A_FOLDER = ("config", "settings", "init", "options", "toolchains", "maven", "jvm", "gradle", "rc")
_MOST = 200  # files that look like configuration in one folder
_LARGE = 256 << 10
_BETWEEN = b" \t\r\n\"'`,;:=()[]{}<>|&@!"
_BLANKS = bytes.maketrans(_BETWEEN, b" " * len(_BETWEEN))


class Found(Record):
    rows: list[tuple[str, str]] = field(default_factory=list)
    files: list[str] = field(default_factory=list)  # where they lie, for what they name in turn

    def add(self, other: "Found") -> list[str]:
        """What another has found besides; the files of that."""
        more = [pair for pair in zip(other.rows, other.files, strict=True) if pair[1] not in self.files]
        self.rows += [row for row, _ in more]
        self.files += [path for _, path in more]
        return [path for _, path in more]


class ToolNames:
    """The names by which a file is known for a tool's. names: of files; stems: what stands before `rc` or an ending."""

    __slots__ = ("_known", "names", "stems")

    def __init__(self, systems: "Iterable[Ecosystem]", words: "Iterable[str]", *, any_: bool) -> None:
        systems = tuple(systems)
        self.names = {name for system in systems for name in system.above}.union(EVERY)
        self.stems = {os.path.basename(word) for word in words}
        for system in systems:
            self.stems |= system.words | system.also
        if any_:
            self.stems |= TEXT_TOOLS
        self._known = {stem + end for stem in self.stems for end in ("", "rc", "ignore")}

    def own(self, name: str) -> bool:
        """Whether a file of this name is configuration of one of the tools."""
        if name in self.names:
            return True
        bare = name.lstrip(".")
        stem, dot, ending = bare.partition(".")
        if not self.names_one(stem) or is_litter(name):
            return False
        ending = ending.rpartition(".")[2]
        return len(bare) < len(name) or stem not in self.stems or (bool(dot) and ending in _ENDINGS | _CODE)

    def names_one(self, stem: str) -> bool:
        return stem in self._known


def is_litter(name: str) -> bool:
    """Whether a file of this name is nobody's configuration: a history, a draft, what a desktop leaves."""
    return name in _LITTER_NAMES or name.startswith(_LITTER_STARTS) or name.endswith(_LITTER_ENDS)


def is_shaped(name: str) -> bool:
    """Whether a file of this name looks like some tool's configuration."""
    if name in _NAMES:
        return True
    if is_litter(name):
        return False
    if name[0] == ".":
        return True
    stem, _, ending = name.rpartition(".")
    if not stem:
        return name.endswith("rc") or (name.endswith("file") and name[0].isupper())
    return ending in _ENDINGS or (ending in _CODE and stem.endswith(_BEFORE_CODE))


def _is_of_client(folder: str, name: str) -> bool:
    return folder.endswith("/.claude") and (name.startswith(_CLIENT_STARTS) or name.endswith(_CLIENT_ENDS))


def shaped(folder: str) -> "list[str]":
    """The files of a folder that look like configuration, those in its hidden folders too, relative to it."""
    found = []
    for entry in _entries(folder):
        name = entry.name
        if not _is_folder(entry):
            if is_shaped(name) and not _is_of_client(folder, name) and _is_file(entry):
                found.append(name)
        elif name == ".config":
            found += [f"{name}/{below}" for below in _two_deep(f"{folder}/{name}")]
        elif name[0] == "." and name not in _NOT_SEARCHED and not is_litter(name):
            found += [f"{name}/{below}" for below in _of_folder(f"{folder}/{name}", name[1:])]
    return found


def of_tools(folder: str, tools: ToolNames) -> "list[str]":
    """The files of a folder that are known for configuration of one of the tools, relative to it."""
    found = []
    for entry in _entries(folder):
        name = entry.name
        stem = name.lstrip(".").partition(".")[0]
        if not (name in tools.names or tools.names_one(stem)):
            continue
        if not _is_folder(entry):
            if tools.own(name) and _is_file(entry):
                found.append(name)
        elif name[0] == "." and name not in _NOT_SEARCHED - {".gradle", ".npm"}:
            found += [f"{name}/{below}" for below in _of_folder(f"{folder}/{name}", stem)]
            found += [f"{name}/{below}" for below in _parts(f"{folder}/{name}")]
    found += [name for name in tools.names if "/" in name and os.path.isfile(f"{folder}/{name}")]
    return found


def capture(
    root: str,
    systems: "Iterable[Ecosystem]",
    words: "Iterable[str]",
    environ: "Mapping[str, str]",
    budget: Budget,
    *,
    any_: bool,
) -> Found:
    """(name, digest) of what exists above `root` ("../name"), at home ("~/name") and for all ("/etc/name").

    "../" is the nearest folder with any, "../../" the next: so a worktree inside its repository agrees with it. A file
    equal to the project's own of that name is left out: a search that went past the one finds nothing in the other.
    One that speaks of a folder that the project lies in counts with that folder's name. What belongs in ~/.config is
    looked for where XDG_CONFIG_HOME has moved that folder to.
    """
    systems = tuple(systems)
    tools = ToolNames(systems, words, any_=any_)
    found = Found()
    home = environ.get("HOME", "/")
    real_home = os.path.realpath(home)
    up = "../"
    for folder in upward(os.path.dirname(root)):
        if folder == real_home:
            continue
        names = of_tools(folder, tools) if _is_of_all(folder) else shaped(folder)
        if len(names) > _MOST:
            names = of_tools(folder, tools)
        parts = root[len(folder.rstrip("/")) + 1 :].split("/")
        before = len(found.rows)
        for name in dict.fromkeys((*names, *(n for n in OF_MISE if os.path.isfile(f"{folder}/{n}")))):
            path = f"{folder.rstrip('/')}/{name}"
            text = _text(path, budget)
            if not _is_same(path, text, os.path.join(root, name), budget):
                found.rows.append((up + name, _value(text, parts)))
                found.files.append(path)
        if len(found.rows) > before:
            up += "../"
    _at_home(found, systems, tools, home, environ, budget)
    return found


def _at_home(
    found: Found,
    systems: "tuple[Ecosystem, ...]",
    tools: ToolNames,
    home: str,
    environ: "Mapping[str, str]",
    budget: Budget,
) -> None:
    settings = environ.get("XDG_CONFIG_HOME") or f"{home}/.config"
    places = {f"~/{name}": f"{home}/{name}" for name in of_tools(home, tools)}
    for label, folder in (("~/.config/", settings), ("/etc/", "/etc"), ("/etc/xdg/", "/etc/xdg")):
        places.update((label + name, f"{folder}/{name}") for name in _of_settings(folder, tools))
    for name in {name for system in systems for name in system.home}:
        places[f"~/{name}"] = f"{settings}/{name[8:]}" if name.startswith(".config/") else f"{home}/{name}"
    for variable, folder in environ.items():
        if variable.endswith("_HOME") and not variable.startswith("XDG_") and os.path.isabs(folder):
            stem = variable.partition("_")[0].lower()
            places.update((f"${variable}/{name}", f"{folder}/{name}") for name in _of_folder(folder, stem))
    if "npm" in tools.stems:
        places["PREFIX/etc/npmrc"] = f"{_prefix_of_node(environ)}/etc/npmrc"
    seen = set()
    for label, path in sorted(places.items()):
        if os.path.isfile(path) and (label[0] != "$" or path not in seen):
            seen.add(path)
            found.rows.append((label, _value(_text(path, budget), ())))
            found.files.append(path)


# What some programs read of a person's that is not called after them.
_OTHERWISE = {
    "git": (".config/git/attributes", ".config/git/ignore"),
    "curl": (".config/curlrc",),
    "mysql": (".my.cnf",),
    "mysqldump": (".my.cnf",),
    "sqlite3": (".sqliterc", ".config/sqlite3/sqliterc"),
    "pip": (".config/pip/pip.conf", ".pip/pip.conf"),
    "pip3": (".config/pip/pip.conf", ".pip/pip.conf"),
    "gdb": (".gdbinit", ".config/gdb/gdbinit", ".gdbearlyinit"),
    "lldb": (".lldbinit",),
    "Rscript": (".Rprofile", ".Renviron"),
    "R": (".Rprofile", ".Renviron"),
    "julia": (".julia/config/startup.jl",),
    "ghci": (".ghci", ".config/ghc/ghci.conf"),
    "magick": (".config/ImageMagick/policy.xml", ".config/ImageMagick/delegates.xml"),
    "convert": (".config/ImageMagick/policy.xml", ".config/ImageMagick/delegates.xml"),
    "vim": (".vimrc", ".vim/vimrc"),
    "nvim": (".config/nvim/init.lua", ".config/nvim/init.vim"),
    "emacs": (".emacs", ".emacs.el", ".emacs.d/init.el", ".config/emacs/init.el"),
    "zsh": (".zshenv",),
    "fish": (".config/fish/config.fish",),
    "terraform": (".terraformrc",),
    "psql": (".pg_service.conf",),
    "poetry": (".config/pypoetry/config.toml",),
    "dotnet": (".nuget/NuGet/NuGet.Config",),
    **dict.fromkeys(("ansible", "ansible-lint", "ansible-playbook"), (".ansible.cfg",)),
    "lein": (".lein/profiles.clj",),
    "clojure": (".clojure/deps.edn", ".config/clojure/deps.edn"),
}
_OF_SHELLS = (".bashrc", ".bash_profile", ".bash_login", ".profile", ".zshrc", ".zprofile", ".zlogin")
# These keep no settings that a test sees, or write them anew all the time.
_NOT_ASKED = frozenset("claude code cursor codex gemini copilot test login screen tmux ssh gpg".split())  # noqa: SIM905


def of_programs(
    programs: "Iterable[str]", said: "AbstractSet[bytes]", environ: "Mapping[str, str]", budget: Budget
) -> Found:
    """What the programs that the project's text names find in the person's folders and in those of the system.

    said: what the text says, see `mentions.Mentions`.
    """
    from skillcache.fingerprint.leads import ELSEWHERE

    asked = {name for name in programs if name not in _NOT_ASKED and name not in ELSEWHERE}
    home = environ.get("HOME", "/").rstrip("/")
    settings = environ.get("XDG_CONFIG_HOME") or f"{home}/.config"
    places: dict[str, str] = {}
    for label, folder in (("~/", home), ("~/.config/", settings), ("/etc/", "/etc")):
        for entry in _entries(folder) if folder else ():
            name = entry.name
            stem, _, ending = name.lstrip(".").partition(".")
            if (label == "~/" and name[0] != ".") or not _is_called_after(stem, asked):
                continue
            if not _is_folder(entry):
                shaped_so = not ending or ending.rpartition(".")[2] in _ENDINGS | _CODE
                if shaped_so and not is_litter(name) and _is_file(entry):
                    places[label + name] = f"{folder}/{name}"
            elif name not in _NOT_SEARCHED - {".gradle", ".npm"}:
                top = f"{folder}/{name}"
                own = (*_of_folder(top, stem), *_parts(top), *(_settings_in(top) if label == "~/.config/" else ()))
                places.update((f"{label}{name}/{each}", f"{top}/{each}") for each in own)
    others = [name for program in asked & _OTHERWISE.keys() for name in _OTHERWISE[program]]
    others += [name for system in ECOSYSTEMS.values() if asked & system.words for name in system.home]
    for name in (*others, *(_OF_SHELLS if LOGIN in said else ())):
        places[f"~/{name}"] = f"{settings}/{name[8:]}" if name.startswith(".config/") else f"{home}/{name}"
    found = Found()
    pending = [(label, path) for label, path in sorted(places.items()) if os.path.isfile(path)]
    for label, path in pending:
        text = _text(path, budget)
        found.rows.append((label, digest(_without_person(label, text, said))))
        found.files.append(path)
        if _is_of_git(label):
            known = {path for _, path in pending}
            more = dict.fromkeys(each for each in _led_by_git(path, text, home) if each not in known)
            pending += [(f"of git: {os.path.basename(each)}", each) for each in list(more)[:_MOST]]
    return found


# Tools with settings that are called after them and that no other reads, but for these; of a suite it is not known
# which it has run, so those of a tool count where anything names it.
_ALONE = {
    **dict.fromkeys(("ruff", "ty", "mypy", "dmypy", "pyright", "basedpyright"), frozenset[str]()),
    "flake8": frozenset(["black", "isort", "mypy", "pylint", "pycodestyle", "pydocstyle", "bandit", "yapf"]),  # plugins
}
_OWN = {"dmypy": "mypy", "basedpyright": "pyright"}
_CONFIGURED = frozenset(map(os.fsdecode, CONFIGURED))


def is_of_another(label: str, words: "Iterable[str]", named: "Callable[[str], bool]") -> bool:
    """Whether a row of settings is of a tool that a command of these words surely does not run.

    named: whether the project, its packages or the environment speak of a tool.
    """
    words = set(map(os.path.basename, words)) - _LAUNCHERS
    if not words or not words <= _KNOWN:
        return False
    first = next((part for part in label.split("/") if part not in _PLACES), "").lstrip(".").partition(".")[0]
    owner = next((each for end in ("", "rc", "config") if (each := first.removesuffix(end)) in _CONFIGURED), "")
    if not owner or owner in {_OWN.get(word, word) for word in words}:
        return False
    alone = [_ALONE.get(word) for word in words]
    return all(each is not None and owner not in each for each in alone) or not named(owner)


_PLACES = frozenset(["", "..", "~", ".config", "etc", "xdg"])
_KNOWN = frozenset(["pytest", "py.test", *_ALONE])
_LAUNCHERS = frozenset(["uv", "poetry", "pdm", "rye", "timeout", "nice", "env"])


def _is_of_git(label: str) -> bool:
    return label.endswith(("/.gitconfig", "/gitconfig", "/git/config")) or label.startswith("of git: ")


# Of git's settings, the files and folders that they name: read where git makes a repository or commits.
_OF_GIT = (b"path", b"attributesfile", b"template", b"templatedir", b"hookspath")


def _led_by_git(path: str, text: bytes, home: str) -> "Iterator[str]":
    """The files that git's settings in the file at `path` include, and those in the folders that they name."""
    for line in text.splitlines():
        key, _, value = line.partition(b"=")
        if key.rpartition(b"]")[2].strip().lower() not in _OF_GIT:
            continue
        named = os.fsdecode(value.strip().strip(b'"'))
        full = home + named[1:] if named.startswith("~/") else os.path.join(os.path.dirname(path), named)
        if os.path.isfile(full):
            yield full
        elif key.strip().lower() != b"path":
            for entry in _entries(full):
                if _is_file(entry):
                    yield entry.path
                else:
                    yield from (below.path for below in _entries(entry.path) if _is_file(below))


def _is_called_after(stem: str, programs: "AbstractSet[str]") -> bool:
    return any(part in programs for part in (stem, *(stem.removesuffix(end) for end in ("rc", "config", "ignore"))))


# Of git's settings: what changes no output that is not a terminal's, or is of a person alone.
_OF_A_TERMINAL = frozenset("credential gui difftool mergetool sequence pager gpg sendemail web browser man".split())  # noqa: SIM905
_OF_AN_EDITOR = frozenset(["editor", "pager", "askpass"])
_DOORS = (b"_auth", b"_password", b"password", b"token")


def _without_person(label: str, text: bytes, said: "AbstractSet[bytes]") -> bytes:
    """Settings without who somebody is, where nothing asks for that, and without what opens doors."""
    is_of_git = _is_of_git(label)
    lines = text.removeprefix(b"is ").split(b"\n")
    if not is_of_git:
        return b"\n".join([line.partition(b"=")[0] if any(sign in line for sign in _DOORS) else line for line in lines])
    kept: list[bytes] = []
    section = ""
    for line in lines:
        bare = line.strip()
        if bare.startswith(b"["):
            section = bare[1:].replace(b'"', b" ").replace(b"]", b" ").split()[0].decode("utf-8", "replace").lower()
            bare = bare.partition(b"]")[2].strip()
            head = line[: len(line) - len(bare)] if bare else line
            kept += [head.strip()] if section not in _OF_A_TERMINAL and section not in ("user", "alias") else []
        key = bare.partition(b"=")[0].strip()
        is_left_out = (
            section in _OF_A_TERMINAL
            or (section == "core" and key.decode("utf-8", "replace").lower() in _OF_AN_EDITOR)
            or (section == "alias" and said.isdisjoint(signs([key])))
        )
        if bare and not is_left_out:
            kept.append(key if section == "user" and PERSON not in said else bare)
    return b"\n".join(kept)


def _prefix_of_node(environ: "Mapping[str, str]") -> str:
    """Where npm takes itself to be installed: two levels above the node that runs it."""
    for folder in environ.get("PATH", "").split(":"):
        if os.access(f"{folder}/node", os.X_OK):
            return os.path.dirname(os.path.dirname(os.path.realpath(f"{folder}/node"))).rstrip("/")
    return ""


def _of_settings(folder: str, tools: ToolNames) -> "list[str]":
    """What belongs to one of the tools in a folder where each has a file or a folder by its name."""
    found = []
    for entry in _entries(folder):
        stem, _, ending = entry.name.partition(".")
        if not tools.names_one(stem):
            continue
        if not _is_folder(entry):
            if (not ending or ending in _ENDINGS | _CODE) and _is_file(entry):
                found.append(entry.name)
        elif folder.startswith("/etc"):
            found += [f"{entry.name}/{below}" for below in _of_folder(f"{folder}/{entry.name}", entry.name)]
        else:
            names = (below.name for below in _entries(f"{folder}/{entry.name}") if _is_file(below))
            found += [f"{entry.name}/{name}" for name in names if not is_litter(name) and "telemetry" not in name][
                :_MOST
            ]
    return found


def _of_folder(folder: str, tool: str) -> "list[str]":
    """The configuration in a folder that is one tool's, where it keeps other things too."""
    found = []
    for entry in _entries(folder):
        stem, dot, ending = entry.name.lstrip(".").partition(".")
        if not (stem.startswith(_OF_A_FOLDER) or stem in (tool, f"{tool}rc") or stem.endswith("rc")):
            continue
        if (not dot or ending.rpartition(".")[2] in _ENDINGS | _CODE | {"xml"}) and _is_file(entry):
            found.append(entry.name)
    return found[:_MOST]


# Folders in a tool's own that hold settings, too.
_PARTS = frozenset(
    """conf.d config.d init.d config configs profile_default plugin plugins functions templates defaults lua autoload
    after ftplugin site-start.d startup filters completions""".split()  # noqa: SIM905
)


def _parts(folder: str) -> "list[str]":
    """The files in such folders of a tool's folder."""
    tops = [entry.name for entry in _entries(folder) if entry.name in _PARTS and _is_folder(entry)]
    return [f"{top}/{name}" for top in tops for name in _settings_in(f"{folder}/{top}")][:_MOST]


def _settings_in(folder: str) -> "list[str]":
    """All files in a folder of settings, but for what changes by itself and what opens doors."""
    names = (entry.name for entry in _entries(folder) if _is_file(entry))
    return [n for n in names if not is_litter(n) and "telemetry" not in n and "credential" not in n][:_MOST]


def _two_deep(folder: str) -> "Iterator[str]":
    for entry in _entries(folder):
        if not _is_folder(entry):
            if not is_litter(entry.name) and _is_file(entry):
                yield entry.name
            continue
        for below in _entries(f"{folder}/{entry.name}"):
            if not is_litter(below.name) and _is_file(below):
                yield f"{entry.name}/{below.name}"


def _entries(folder: str) -> "list[os.DirEntry[str]]":
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _is_file(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


def _is_of_all(folder: str) -> bool:
    """Whether anybody may write there: a place for temporary files."""
    try:
        return folder == "/" or bool(os.stat(folder).st_mode & stat.S_IWOTH)
    except OSError:
        return True


def _text(path: str, budget: Budget) -> bytes:
    """The bytes of the file, or what stands for them where it is large or may not be read."""
    try:
        status = os.stat(path)
    except OSError:
        return b""
    if status.st_size > _LARGE:
        return b"large %d %d" % (status.st_size, status.st_mtime_ns)
    if not stat.S_ISREG(status.st_mode):
        return b""
    if not os.access(path, os.R_OK):
        return b"unreadable"
    return b"is " + (follow(path, budget) or b"")


def _is_same(path: str, text: bytes, own: str, budget: Budget) -> bool:
    """Whether the file, whose text this is, is the project's own of that name again."""
    try:
        if os.stat(path).st_size != os.stat(own).st_size:
            return False
    except OSError:
        return False
    if text.startswith(b"large "):
        return follow(path, budget) == follow(own, budget)
    return text == _text(own, budget)


def _value(text: bytes, parts: "Sequence[str]") -> str:
    """The digest of a text, with those of the folders in `parts` that it speaks of."""
    said = any(part.encode("utf-8", "surrogateescape") in text for part in parts)
    if not parts or not (said or b"*" in text or b"?" in text):
        return digest(text)
    from skillcache.fingerprint.globs import matches  # few files get here

    segments = {segment for word in text.translate(_BLANKS).split() for segment in word.split(b"/")}
    patterns = [s.decode("utf-8", "surrogateescape") for s in segments if s.strip(b"*?.!")]
    spoken_of = [part for part in parts if any("[" in pattern or matches(pattern, part) for pattern in patterns)]
    return digest_parts([text, *(part.encode("utf-8", "surrogateescape") for part in spoken_of)])


def of_git(
    shared: str, configured: bytes | None, listing: bytes, environ: "Mapping[str, str]", budget: Budget
) -> list[str]:
    """What of the repository's and the person's own lists of ignored files may concern a file that git knows.

    Linters leave such files alone even if git does not. The repository's `.gitignore` is a part of the content.
    """
    home = environ.get("HOME", "/")
    settings = f"{environ.get('XDG_CONFIG_HOME') or home + '/.config'}/git"
    places = [f"{shared}/info/exclude", f"{settings}/ignore"]
    if configured:
        places.append(os.fsdecode(configured))
    for path in (f"{home}/.gitconfig", f"{settings}/config"):  # which those linters read themselves
        for line in (_text(path, budget)).splitlines():
            name, _, value = line.partition(b"=")
            if name.strip().lower() == b"excludesfile":
                places.append(os.fsdecode(value.strip().strip(b'"')))
    found = []
    for path in dict.fromkeys(places):
        path = home + path[1:] if path.startswith("~/") else path  # noqa: PLW2901 - the same path
        text = _text(path, budget)[3:] if os.path.isfile(path) else b""
        concerned = [line for line in text.splitlines() if line[:1] not in (b"#", b"") and _may_match(line, listing)]
        found += [digest(line) for line in concerned]
    return found


def _may_match(pattern: bytes, listing: bytes) -> bool:
    if b"[" in pattern:
        return True
    for sign in b"*?\\!/":
        pattern = pattern.replace(bytes((sign,)), b"\n")
    longest = max(pattern.split(b"\n"), key=len).strip()
    return longest in listing
