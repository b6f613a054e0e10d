"""Finds the skill whose script a command runs, and what its results depend on: by its SKILL.md, or a person's rule.

A skill is a folder with a SKILL.md whose own folder is named `skills`. No hook comes here for a line without that word.
"""

import os

from skillcache.core import KW_ONLY, Record
from skillcache.core.outcomes import UNCAPTURABLE, Bypass
from skillcache.fingerprint.contents import small
from skillcache.rules.judge import Use
from skillcache.rules.rule import Rule
from skillcache.rules.skills import manifest
from skillcache.rules.words import script_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from skillcache.rules.words import Wrapped


_MOST = 8 << 20  # bytes of a script
_NOTHING = manifest.Declaration()


class Finder(Record):
    """Looks for skills as a call sees them."""

    cwd: str  # where the call begins
    environ: "Mapping[str, str]"
    rules: tuple[Rule, ...]  # the person's of the form `Skill(name)`
    _: KW_ONLY
    ttl: int  # seconds where nothing is said of it

    __repr__ = object.__repr__  # an environment is nothing for a traceback

    def find(self, inner: "Wrapped") -> Use | None:
        """The skill's use; None for any other command, and for a skill that is not to be cached. Raises Bypass."""
        at = script_at(inner.words, inner.launcher)
        if at < 0:
            return None
        typed = inner.words[at]
        for path, folder, script in self._candidates(os.path.join(inner.directory, typed)):
            said = manifest.read(folder, frozenset([rule.specifier for rule in self.rules]))
            if said is not None:
                own = next((rule for rule in self.rules if rule.specifier in said.names), None)
                if own is not None and not own.enabled:
                    return None
                if not os.path.isfile(path):
                    raise Bypass(UNCAPTURABLE, f"{path} is no file")
                require_locked(path, inner.launcher)
                rule, outside = rule_of(said, own, self.ttl)
                return Use(
                    name=said.name,
                    folder=folder,
                    script=script,
                    typed=typed,
                    given=inner.words[at + 1 :],
                    spelled=(os.path.join(self.cwd, inner.directory, typed), typed),
                    directory=inner.directory,
                    rule=rule,
                    outside=outside,
                    home=self.environ.get("HOME", ""),
                )
        return None

    def _candidates(self, typed: str) -> "Iterator[tuple[str, str, str]]":
        """(path, folder, path below it) of what may be the script's skill.

        By the path as it was come by, since that is where skills are looked for, then by where the file really lies.
        """
        named = os.path.join(self.cwd, typed)
        real = os.path.realpath(named)
        known = set()
        for path in (os.path.join(self._come_by(), typed), named, real):
            plain = os.path.normpath(path)
            if plain in known or os.path.realpath(plain) != real:  # `..` behind a link
                continue
            known.add(plain)
            for folder, script in _folders(plain):
                yield plain, folder, script

    def _come_by(self) -> str:
        """The folder that the command runs in, by the links that led there."""
        spelled = self.environ.get("PWD", "")
        return spelled if spelled.startswith("/") and os.path.realpath(spelled) == self.cwd else self.cwd


def name_at(path: str) -> str:
    """What a rule may call the skill that the file at `path` belongs to; "" where it belongs to none."""
    for place in dict.fromkeys([os.path.normpath(path), os.path.realpath(path)]):
        for folder, _ in _folders(place):
            if names := manifest.names_of(folder):
                return names[0]
    return ""


def _folders(path: str) -> "Iterator[tuple[str, str]]":
    """(folder, path below it) of what may be skills, the innermost first."""
    parts = path.split("/")
    for at in range(len(parts) - 3, 0, -1):
        if parts[at] == manifest.SHELF:
            yield "/".join(parts[: at + 2]), "/".join(parts[at + 2 :])


def require_locked(path: str, launcher: str) -> None:
    """Raises Bypass for a script whose own dependencies uv would look up in a registry, whatever they are today."""
    text = small(path, _MOST) or b""
    by_uv = launcher == "uv" or (text.startswith(b"#!") and b"uv" in text.partition(b"\n")[0])
    if by_uv and _needs_packages(text) and not os.path.exists(f"{path}.lock"):
        raise Bypass(UNCAPTURABLE, f"{path} has dependencies of its own and no lock: uv lock --script {path}")


def _needs_packages(script: bytes) -> bool:
    """Whether the block that uv reads names packages, or may; two of three blocks say that they name none."""
    inside = False
    for line in script.splitlines():
        inside = line.startswith(b"# /// script") or (inside and line.startswith(b"#"))
        if inside and b"dependencies" in line and line.replace(b" ", b"").rstrip() != b"#dependencies=[]":
            return True
    return False


def rule_of(said: manifest.Manifest, own: Rule | None, ttl: int) -> tuple[Rule, tuple[str, ...]]:
    """What both say together, the person's rule first; and the globs of files beyond the worktree. Raises Bypass."""
    declared = said.declared or _NOTHING
    depends: tuple[str, ...] | None = declared.depends
    if own is not None and (own.depends is not None or said.declared is None):
        depends = own.depends
    outputs = (own.outputs if own is not None else ()) or declared.outputs
    for fault_of, globs in ((manifest.fault_of_input, depends or ()), (manifest.fault_of_output, outputs)):
        for glob in globs:
            if fault := fault_of(glob):
                raise Bypass(UNCAPTURABLE, f"Skill({said.name}): {glob!r} {fault}")
    kept = (own.ttl if own is not None else 0) or declared.ttl or ttl
    rule = Rule(
        said.name,
        f"Skill({said.name})",
        depends=None if depends is None else tuple([glob for glob in depends if not manifest.is_beyond(glob)]),
        env=(*declared.env, *(own.env if own is not None else ())),
        ttl=kept,
        failures=declared.failures or (own is not None and own.failures),
        failures_ttl=own.failures_ttl if own is not None and not declared.failures else kept,
        findings=declared.failures,
        normalize=own.normalize if own is not None else (),
        share=own.share if own is not None else "",
        args_are_files=declared.args_are_files or (own is not None and own.args_are_files),
        outputs=outputs,
        version=(own.version if own is not None else "") or declared.version,
        origin=own.origin if own is not None else manifest.FILE,
    )
    return rule, tuple(filter(manifest.is_beyond, depends or ()))
