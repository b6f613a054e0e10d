"""A run of a skill's script: its key, what of its outputs stands, and what is put back.

A run is stored with the digest of that, and given only where it is so again. What the run itself has left may stand
there too, byte for byte, or be gone. What it was given to read and has written anew with the bytes that were there
before has to stand there.

standing = [digest of what else stands, [paths that must be there]], a detail of an entry
"""

import os
import time

from skillcache.cache.skills import inputs, outputs
from skillcache.cache.skills.outputs import OWNER, folders, rows_of, trace, written
from skillcache.core.files import digest_parts, keyed
from skillcache.core.outcomes import CHANGED_INPUTS, UNCAPTURABLE, UNDECLARED, UNFIT, UNREADABLE_ENTRY, Bypass
from skillcache.fingerprint.capture import Fingerprint, root_of
from skillcache.fingerprint.contents import Budget, blob
from skillcache.fingerprint.globs import concerns, is_plain, matches
from skillcache.rules.skills.manifest import FILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from skillcache.fingerprint.capture import Row
    from skillcache.rules.judge import Use
    from skillcache.stores.entry import File


DETAIL = "standing"


def look(root: str, globs: "Sequence[str]", *, apart: "Collection[str]" = (), deadline: float) -> dict[str, str]:
    """What each file there holds, but for those `apart`, and the modes of folders, whose paths end in a slash.

    Raises Bypass (TOO_LARGE, TOO_SLOW, UNCAPTURABLE).
    """
    budget = Budget(deadline, "outputs")
    found: dict[str, str] = {}
    for path in outputs.standing(root, globs, deadline=deadline):
        what = blob(os.fsencode(f"{root}/{path}"), budget, long=False) if path not in apart else None
        if what is not None:
            found[path] = digest_parts(what[:2])
    return found | folders(root, globs, budget)


def around(
    root: str,
    globs: "Sequence[str]",
    before: "Mapping[str, str]",
    kept: "Sequence[File]",
    is_input: "Callable[[str], bool]",
    *,
    deadline: float,
) -> list[object]:
    """The detail for a run that has written `kept` where `before` was seen by `look`.

    Raises Bypass: CHANGED_INPUTS for an input that is another now, UNDECLARED and UNCAPTURABLE for what cannot be kept.
    """
    written = {file.path for file in kept}
    after = look(root, globs, deadline=deadline)
    again: list[str] = []
    for path in sorted(written):
        if path in before and is_input(path):
            if before[path] != after.get(path):
                raise Bypass(CHANGED_INPUTS, f"{path} is given to be read, and was written")
            again.append(path)
    _require_plain_folders(before, after, written)
    others = {path for path in after if path not in written}
    for path in others:
        if not path.endswith("/") and before.get(path) != after[path]:
            raise Bypass(UNDECLARED, f"{path} was left as it was, and is another")
    return [_digest_of(after, written), again]


def _require_plain_folders(before: "Mapping[str, str]", after: "Mapping[str, str]", written: "set[str]") -> None:
    """That a replay, which makes folders for files alone, leaves the folders that the run has left."""
    mask = os.umask(0o022)
    os.umask(mask)
    plain = f"{0o777 & ~mask:o}"
    needed = _above(written)
    for path, mode in after.items():
        if path.endswith("/") and before.get(path) != mode:
            if path in before or mode != plain:
                raise Bypass(UNCAPTURABLE, f"{path} is a folder with a mode of its own")
            if path not in needed:
                raise Bypass(UNCAPTURABLE, f"{path} is an empty folder")
    if gone := [path for path in before if path.endswith("/") and path not in after]:
        raise Bypass(UNDECLARED, f"{gone[0]} was removed")


def _above(paths: "Collection[str]") -> set[str]:
    return {path[: at + 1] for path in paths for at, letter in enumerate(path) if letter == "/"}


def _digest_of(seen: "Mapping[str, str]", written: "Collection[str]") -> str:
    """Without what the run has left, and the folders that this lies in."""
    needed = _above(written)
    parts: list[bytes] = []
    for path, value in sorted(seen.items()):
        if path not in written and path not in needed:
            text = f"{int(value, 8) & OWNER:o}" if path.endswith("/") else value
            parts += (os.fsencode(path), text.encode())
    return keyed(digest_parts(parts))


def require(root: str, globs: "Sequence[str]", kept: "Sequence[File]", detail: object, *, deadline: float) -> None:
    """Raises Bypass: UNFIT where something stands there that the run, of which `detail` tells, did not leave."""
    if not isinstance(detail, list) or len(detail) != 2 or not isinstance(detail[1], list):
        raise Bypass(UNFIT, "the stored result does not say what stood where it writes")
    written = {file.path for file in kept}
    if _digest_of(look(root, globs, apart=written, deadline=deadline), written) != detail[0]:
        raise Bypass(UNFIT, "another file stands where it writes than when the result was stored")
    for path in detail[1]:
        if path not in written or not os.path.lexists(f"{root}/{path}"):
            raise Bypass(UNFIT, f"{path!r} is to be read, and is gone")


class Workplace:
    """What is known of the scripts' surroundings before anything is captured.

    root: of the worktree; depends: globs of what counts there, None for everything; counted: those that the scripts
    name, so that what looks like a leftover counts too; given: absolute paths of what they are given; outputs: globs,
    relative to the root, of what they write; named: those of them that the call names; read: globs of what they are
    told to read, of which an output may be a part; written: outputs that they are surely not told to read; places:
    paths beyond the root that an output may name.
    """

    __slots__ = (
        "counted", "depends", "given", "named", "outputs", "places", "read", "root", "uses", "written",
    )  # fmt: skip

    def __init__(
        self, uses: "tuple[Use, ...]", depends: tuple[str, ...] | None, cwd: str, environ: "Mapping[str, str]"
    ) -> None:
        """`depends`: of the rules of the command. Raises Bypass (OUTSIDE, UNCAPTURABLE)."""
        self.uses = uses
        self.root = root_of(os.path.realpath(cwd), environ)
        self.named = inputs.named_outputs(uses, cwd, self.root)
        self.outputs = tuple(dict.fromkeys([*inputs.globs_of(uses, cwd, self.root), *self.named]))
        outputs.require_places(self.root, self.outputs)
        named = [path for use in uses for path in inputs.given_files(use, cwd, self.root, self.outputs, self.named)]
        folders = {path: inputs.glob_of_folder(path, self.root, self.outputs) for path in named}
        counted = {glob for use in uses for glob in use.rule.depends or ()}
        single = {
            f"{self.root}/{glob}" for glob in counted if is_plain(glob) and not os.path.isdir(f"{self.root}/{glob}")
        }
        self.given = tuple(sorted(single.union(path for path, glob in folders.items() if glob is None)))
        counted.update(glob for glob in folders.values() if glob is not None)
        everything = depends is None or "**" in counted
        self.depends = None if everything else tuple(sorted(counted.union(depends or ())))
        self.counted = tuple(sorted(counted))
        told = {glob for use in uses for glob in inputs.named_inputs(use, cwd, self.root)}
        self.read = tuple(sorted(counted | told))
        self.written = inputs.only_written(uses, cwd, self.root)
        self.places = inputs.places_of(uses, self.root)

    @property
    def place(self) -> str:
        """What of the machine and of the call's spelling an output may name besides the root, each on its line."""
        return "\n".join(dict.fromkeys([*self.places, *(spelling for use in self.uses for spelling in use.spelled)]))

    def spelled_words(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """The words for a key: a skill's script by its name, wherever the skill lies and however it was spelled."""
        spelled = list(words)
        for use in self.uses:
            spelled[len(words) - len(use.given) - 1] = f"{use.label}/{use.script}"
        return tuple(spelled)

    def completed(self, fingerprint: Fingerprint, environ: "Mapping[str, str]", *, deadline: float) -> Fingerprint:
        """With what the skills add to it. Raises Bypass (TOO_LARGE, TOO_SLOW, UNCAPTURABLE) and OSError."""
        rows = inputs.labelled(fingerprint.rows, self.uses)
        more = inputs.rows_of(self.uses, self.root, environ, deadline=deadline)
        beyond = [path for path in self.given if os.path.isdir(path)]
        more += tuple(rows_of(self.root, self.counted, beyond, self.outputs, deadline=deadline))
        rows += tuple([(label, name, keyed(value)) for label, name, value in more])
        return Fingerprint(fingerprint.root, tuple(sorted(rows)), fingerprint.details)

    def _beyond(self, environ: "Mapping[str, str]") -> list[str]:
        """Real paths besides the root where a script may leave something: the skill, the project, what it is given."""
        home = os.path.realpath(environ.get("HOME", "/"))
        shared = [shelf for use in self.uses for shelf in inputs.shelves_of(use)]
        named = [*shared, *(use.folder for use in self.uses), environ.get("CLAUDE_PROJECT_DIR", ""), *self.given]
        found: list[str] = []
        for path in map(os.path.realpath, filter(None, named)):
            if path not in ("/", home) and not any(f"{path}/".startswith(f"{one}/") for one in (self.root, *found)):
                found.append(path)
        return found

    def trace(self, environ: "Mapping[str, str]", *, deadline: float) -> dict[str, object]:
        """What is to be known of the worktree before a run, as JSON values. Raises Bypass."""
        return {
            "at": time.time_ns(),
            "content": trace(self.root, self._beyond(environ), self.outputs, environ, deadline=deadline),
            "outputs": look(self.root, self.outputs, deadline=deadline),
        }

    def require_untouched(self, before: dict[str, object], environ: "Mapping[str, str]", *, deadline: float) -> None:
        """Raises Bypass (UNDECLARED) where something besides the outputs is not as it was in the trace `before`."""
        fault, content = before.get("fault"), before.get("content")
        if isinstance(fault, Exception):
            raise fault
        now = trace(self.root, self._beyond(environ), self.outputs, environ, deadline=deadline)
        at = before.get("at")
        for path in written(content if isinstance(content, dict) else {}, now, at if isinstance(at, int) else 0):
            if not self._may_write(path):
                raise Bypass(UNDECLARED, f"{path or 'the state of git'} was written and is no output")

    def _may_write(self, path: str) -> bool:
        """Whether it is an output, leads to one, or is what Python makes of the skill's own modules."""
        if "/__pycache__" in path and any(
            f"{path}/".startswith(f"{folder}/")
            for use in self.uses
            for folder in (os.path.realpath(use.folder), *inputs.shelves_of(use))
        ):
            return True
        below = path.removeprefix(f"{self.root}/")
        return below != path and any(concerns(glob, below, folder=os.path.isdir(path)) for glob in self.outputs)

    def touched(self, since: int) -> bool:
        """Whether a file that is given, or the skill, was changed since, even if it is now as it was.

        `since`: nanoseconds since the epoch, by the clock that stamps files.
        """
        own = [f"{use.folder}/{name}" for use in self.uses for name in (FILE, use.script)]
        for path in (*self.given, *own):
            try:
                if not os.path.isdir(path) and os.stat(path).st_ctime_ns >= since:
                    return True
            except OSError:
                continue  # gone, of which the key speaks
        return False

    def disturbed(self, rows: "tuple[Row, ...]", environ: "Mapping[str, str]", *, since: int, deadline: float) -> bool:
        """The same of what counts in the worktree. Raises Bypass (NO_GIT, TOO_SLOW)."""
        from skillcache.fingerprint.changes import disturbed  # only a recorder asks

        if self.depends == ():
            return False
        return disturbed(
            self.root, rows, environ, since=since, deadline=deadline, depends=self.depends, without=self.outputs
        )

    def collect(self, before: dict[str, object], *, since: int, cap: int, deadline: float) -> "tuple[File, ...]":
        """The files that a run has left. Raises Bypass."""
        names = [name for name in _states(before) if not name.endswith("/")]
        found = outputs.collect(self.root, self.outputs, names, since=since, cap=cap, deadline=deadline)
        for path in self.named:  # it may have been taken for an output and be none
            if not any(matches(path, file.path) for file in found):
                raise Bypass(UNDECLARED, f"{path} is named as an output and was not written")
        left = {file.path for file in found}
        for path in outputs.standing(self.root, self.named, deadline=deadline):
            if path not in left:
                raise Bypass(UNDECLARED, f"{path} was left as it was")
        return found

    def around(self, before: dict[str, object], kept: "tuple[File, ...]", *, deadline: float) -> dict[str, object]:
        """Details for the entry of a run that has left `kept`. Raises Bypass."""
        if not self.outputs:
            return {}
        states = _states(before)
        told = around(self.root, self.outputs, states, kept, self._is_read, deadline=deadline)
        return {DETAIL: told}

    def _is_read(self, path: str) -> bool:
        """Whether the script is told to read it."""
        return any(matches(glob, path) for glob in self.read) and not any(matches(one, path) for one in self.written)

    def require_as_it_was(self, kept: "tuple[File, ...]", details: dict[str, object], *, deadline: float) -> None:
        """Raises Bypass, UNFIT where something stands in the outputs' places that the stored run has not left.

        `kept`, `details`: of the entry.
        """
        if not outputs.are_declared(kept, self.outputs):  # whoever may write to a store has no say in more
            raise Bypass(UNREADABLE_ENTRY)
        require(self.root, self.outputs, kept, details.get(DETAIL), deadline=deadline)

    def put_back(self, kept: "tuple[File, ...]") -> None:
        """What a run has left, for a replay. Raises Bypass, before anything is written, and OSError."""
        if not outputs.are_declared(kept, self.outputs):
            raise Bypass(UNREADABLE_ENTRY)
        outputs.restore(kept, self.root, self.root)

    def bound_to(self, output: bytes, kept: "tuple[File, ...]") -> str:
        """Those of the places that the output or a file names or may name, and so the call's spelling; '' for none."""
        if any(not _is_text(file.content) for file in kept):
            return self.place
        texts = (output, *(file.content for file in kept))
        found = [place for place in self.places if _is_named(place, texts)]
        found += [
            spelling
            for use in self.uses
            for spelling in use.spelled
            if any(_is_named(part, texts) for part in _parts_of(spelling, use.folder))
        ]
        return "\n".join(dict.fromkeys(found))

    def holds_elsewhere(self, kept: "tuple[File, ...]") -> bool:
        """Whether the files' contents surely do not depend on where the root is."""
        from skillcache.cache.relocation import relocate  # only a recorder asks

        return all(
            _is_text(file.content) and relocate(file.content, self.root) == (file.content, True) for file in kept
        )


def _states(before: dict[str, object]) -> dict[str, str]:
    states = before.get("outputs")
    return states if isinstance(states, dict) else {}


def _is_text(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\0" not in content


def _is_named(place: str, texts: "tuple[bytes, ...]") -> bool:
    return any(os.fsencode(place) in text for text in texts)


def _parts_of(spelling: str, folder: str) -> "Iterator[str]":
    """The path itself and the folders on it that a script finds by it: of an absolute one those within the skill."""
    while spelling.strip("./~"):
        yield spelling
        spelling = os.path.dirname(spelling)
        if os.path.isabs(spelling) and not os.path.normpath(spelling).startswith(folder):
            return
