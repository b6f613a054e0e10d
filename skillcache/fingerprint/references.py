"""What configuration leads to outside the project: files and folders that it names, and what these name in turn."""

import os

from skillcache.fingerprint import contents
from skillcache.fingerprint.contents import Budget
from skillcache.fingerprint.executables import upward

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_READABLE = frozenset(
    """json jsonc json5 yaml yml toml ini cfg conf js cjs mjs ts cts mts neon rc properties mod work
    gradle kts exs     xml""".split()  # noqa: SIM905
)
_ENDINGS = frozenset(map(os.fsencode, _READABLE))
_ADDED = (".json", ".js", ".cjs", ".mjs", ".ts", ".toml", ".yaml", ".yml", ".jsonc", ".json5", ".cts", ".mts")
_BETWEEN = b" \t\r\n\"'`,;:=()[]{}<>|&@+"
_BLANKS = bytes.maketrans(_BETWEEN, b" " * len(_BETWEEN))
_LARGE = 256 << 10
_MOST_FOLDERS = 500
_HEAVY = frozenset(["node_modules", "target", "vendor", "venv", "build", "dist"])
# What is written there and not read.
_WRITTEN = (
    b"outdir",
    b"declarationdir",
    b"outfile",
    b"buildinfo",
    b"cache",
    b"coverage",
    b"report",
    b"target-dir",
    b"output",
    b"dist",
)
_SYSTEM = tuple(f"/{name}/" for name in "bin sbin lib lib32 lib64 usr dev proc sys run boot nix".split())  # noqa: SIM905
_MANIFESTS = ("Cargo.toml", "package.json", "pyproject.toml", "go.mod", "composer.json", "tsconfig.json", "pom.xml")
# What speaks of folders that services keep their data in.
_OF_SERVICES = (".env", "docker-compose", "compose.", "compose-", ".gitlab", ".devcontainer", "skaffold", "serverless")


def manifests(root: str, listing: bytes | None, names: "Iterable[bytes]") -> list[str]:
    """The files in which projects name each other, by git's listing or without it by a look.

    names: see `configuration.Ecosystem.everywhere`.
    """
    found: list[str] = []
    if listing is None:
        return _manifests_in(root, tuple(os.fsdecode(name[:-1] if name.endswith(b"\0") else name) for name in names))
    for name in names:
        at = listing.find(b"/" + name)
        while at >= 0:
            start, end = listing.rfind(b"\t", 0, at) + 1, listing.index(b"\0", at)
            found.append(f"{root}/{os.fsdecode(listing[start:end])}")
            at = listing.find(b"/" + name, end)
    return [path for path in found if path.endswith((".json", ".toml", ".mod"))]


def _manifests_in(root: str, names: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    folders = [root] if names else []
    for folder in folders:
        if len(folders) > _MOST_FOLDERS:
            break
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.startswith(names):
                        found.append(entry.path)
                    elif entry.name[0] != "." and entry.name not in _HEAVY and entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
        except OSError:
            continue
    return [path for path in found if path.endswith((".json", ".toml", ".mod"))]


class References:
    """Follows what configuration names outside the project, through what it finds there, until that ends.

    found: real paths, of files and of folders. A word too many costs a run or a miss.
    """

    __slots__ = ("_folders", "_home", "_seen", "budget", "found", "root")

    def __init__(self, root: str, folders: "Iterable[str]", environ: "Mapping[str, str]", budget: Budget) -> None:
        self.root = root
        self.budget = budget
        self.found: dict[str, None] = {}
        self._folders = tuple(folders)
        self._home = environ.get("HOME", "/").rstrip("/")
        self._seen: set[str] = set()

    def follow(self, paths: "Iterable[str]") -> None:
        pending = list(paths)
        for path in pending:
            real = os.path.realpath(path)
            if real in self._seen:
                continue
            self._seen.add(real)
            pending += self._step(path, real)

    def _step(self, path: str, real: str) -> list[str]:
        ending = os.path.basename(path).rpartition(".")[2].lower()
        if not (ending in _READABLE or ending.endswith("rc") or path.rpartition("/")[2].find(".", 1) < 0):
            return []
        try:
            if os.stat(path).st_size > _LARGE or not os.access(path, os.R_OK):
                return []
        except OSError:
            return []
        text = contents.follow(path, self.budget) or b""
        inside = f"{real}/".startswith(f"{self.root}/")
        further: list[str] = []
        has_folders = not os.path.basename(path).startswith(_OF_SERVICES)
        for word, is_written in dict(_words(text, everything=not inside and ending != "xml")).items():
            for place in self._places(word, path):
                is_folder = has_folders and not is_written and (".." in word or (inside and _is_project(place)))
                further += self._take(place, is_folder=is_folder)
        return further

    def _places(self, word: str, path: str) -> "Iterator[str]":
        if word.startswith("~/"):
            yield self._home + word[1:]
        elif word.startswith("/"):
            yield word
        else:
            yield f"{os.path.dirname(path)}/{word}"
            for folder in self._folders if ".." in word else ():  # some tools see it from where they are
                yield f"{folder}/{word}"

    def _take(self, place: str, *, is_folder: bool) -> list[str]:
        """What is at a path, if it is outside and counts; the files in it that may lead on."""
        place, sign, _ = place.partition("*")
        if not os.path.lexists(place):
            bare = place.rstrip("/")
            place = next((f"{bare}{end}" for end in _ADDED if not sign and os.path.isfile(f"{bare}{end}")), "")
        real = os.path.realpath(place) if place else ""
        if not real or real in self.found or f"{real}/".startswith((f"{self.root}/", *_SYSTEM)):
            return []
        if os.path.isfile(real):
            self.found[real] = None
            if real.endswith("/pom.xml"):  # whose parent is the next one above, unless it says otherwise
                return [real, *self._take(os.path.join(os.path.dirname(real), "../pom.xml"), is_folder=False)]
            beside = _nearest(os.path.dirname(real), "package.json") if real.endswith((".js", ".ts")) else ""
            return [real, beside] if beside and self._take(beside, is_folder=False) else [real]
        holds_us = f"{self.root}/".startswith(f"{real.rstrip('/')}/") or f"{self._home}/".startswith(
            f"{real.rstrip('/')}/"
        )
        if not is_folder or holds_us or not os.path.isdir(real):
            return []
        modules = real.find("/node_modules/")
        self.found[real[: modules + 13] if modules >= 0 else real] = None
        further = [f"{real}/{name}" for name in _MANIFESTS if os.path.isfile(f"{real}/{name}")]
        if f"{real}/Cargo.toml" in further:  # whose workspace may say more of it
            for folder in upward(os.path.dirname(real)):
                if os.path.isfile(f"{folder}/Cargo.toml") and not f"{self.root}/".startswith(f"{folder}/"):
                    further += self._take(f"{folder}/Cargo.toml", is_folder=False)
        return further


def _words(text: bytes, *, everything: bool) -> "Iterator[tuple[str, bool]]":
    """(what may be a path, whether it is one that is written to). everything: also one beside the file, by its name."""
    if not everything and not any(sign in text for sign in (b"..", b"~/", b'"/', b"'/", b" /", b"=/", b":/")):
        return
    lines = text.splitlines()
    for line in lines if everything else [line for line in lines if b".." in line or b"/" in line]:
        words = line.translate(_BLANKS).split()
        for quote in (b'"', b"'"):
            words += [piece for piece in line.split(quote)[1::2] if b" " in piece or b"@" in piece]
        for at, word in enumerate(words):
            start = word.find(b"../")
            is_path = word.startswith((b"/", b"~/")) or start >= 0 or word == b".."
            is_name = everything and (b"/" in word or word.rpartition(b".")[2] in _ENDINGS)
            if not (is_path or is_name) or len(word) > 1_000 or b"\0" in word or word.startswith(b"//"):
                continue
            before = line[: max(line.find(word), 0)].lower()
            is_written = any(sign in before for sign in _WRITTEN)
            for spelled in {word, word[max(start, 0) :]}:
                yield os.fsdecode(spelled), is_written
            if start >= 0 or word == b"..":  # of a path that code puts together
                joined = word
                for following in words[at + 1 : at + 4]:
                    joined += b"/" + following
                    yield os.fsdecode(joined), True


def _is_project(folder: str) -> bool:
    return any(os.path.isfile(f"{folder}/{name}") for name in _MANIFESTS)


def _nearest(folder: str, name: str) -> str:
    return next((f"{place}/{name}" for place in upward(folder) if os.path.isfile(f"{place}/{name}")), "")
