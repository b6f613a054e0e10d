"""Version managers: which real executable stands behind a shim.

A shim chooses by a variable, by version files from the working directory upward, and by a default of the person's.
What cannot be followed surely is UNCAPTURABLE.
"""

import os

from skillcache import outcome
from skillcache.errors import Bypass
from skillcache.fingerprint.files import small

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
        raise Bypass(outcome.UNCAPTURABLE, f"{path} is a shim of an unknown manager")
    if _is_rustup(path):
        return _rustup(word, folder, environ, also)
    if place.endswith("/.volta/bin"):
        raise Bypass(outcome.UNCAPTURABLE, f"{path} chooses its version when it runs")
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
        raise Bypass(outcome.NO_TOOL, f"{word} is in none of the chosen versions {' '.join(chosen)}")
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
    raise Bypass(outcome.UNCAPTURABLE, f"{word} is a shim whose version could not be followed")


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
        raise Bypass(outcome.UNCAPTURABLE, f"the Rust toolchain {name or 'by default'} could not be followed")
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
