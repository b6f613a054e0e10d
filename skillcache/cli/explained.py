"""What would become of a command, by the calls that a shim's own process makes. Nothing is counted, stored or run."""

import os
from collections.abc import Mapping
from typing import NamedTuple

from skillcache.cli.line import Spoken
from skillcache.commands.invocation import Invocation
from skillcache.commands.process import Program, find
from skillcache.commands.shims.script import MARK
from skillcache.commands.stand_in import Ruled, ruled, without_shims
from skillcache.commands.standard_input import Input
from skillcache.commands.way import Way
from skillcache.core import files
from skillcache.core.errors import Bypass
from skillcache.core.outcomes import UNCAPTURABLE, VERIFY
from skillcache.core.paths import shims_folder
from skillcache.settings.in_force import Settings, load
from skillcache.stores.opening import open_store
from skillcache.tools.explanation import Explanation, compared, nearest

_CAP = 1 << 20
_PIPED = "what it reads from the pipe is known only when it runs"


class Place(NamedTuple):
    """Where a command stands. now: unix seconds; settings: of the project; fresh: the line asks for a run."""

    environ: Mapping[str, str]
    cwd: str
    project: str
    settings: Settings
    now: float
    fresh: bool = False


def explain(spoken: Spoken, place: Place) -> Explanation:
    """Raises StoreError and OSError."""
    environ = {**place.environ, **dict(spoken.assignments)}
    fresh = place.fresh or environ.pop("SKILLCACHE_FRESH", "") not in ("", "0")
    environ = without_shims(environ)
    spelled = environ.get("PWD", "")
    if not spelled or os.path.realpath(spelled) != os.path.realpath(place.cwd):
        spelled = place.cwd  # we were started without a shell
    cwd = os.path.realpath(os.path.join(place.cwd, spoken.directory))
    environ["PWD"] = os.path.normpath(os.path.join(spelled, spoken.directory))
    program = Program(find(spoken.words[0], environ), spoken.words, environ)
    text = " ".join(spoken.words)
    rule = ""
    try:
        task = ruled(program, cwd, environ, place.settings, fresh=fresh, joined=spoken.joined)
        rule = task.plan.rule
        given = Input(Bypass(UNCAPTURABLE, _PIPED) if spoken.piped else None)
        begun, answer = _way(task, environ, place).consult(given)
    except Bypass as bypass:
        return Explanation(text, bypass.outcome, bypass.detail, rule)
    found = begun.found
    known = Explanation(text, begun.outcome, "", rule, found.rows, found.digest)
    if answer is not None:
        if place.settings.number("verify") >= 1:
            return known._replace(outcome=VERIFY)
        return known._replace(served=answer.entry, size=len(answer.output) + len(answer.error))
    store = open_store(place.settings.store, now=place.now)
    try:
        return compared(known, found, nearest(store, task.plan, found, int(place.settings.number("max_output"))))
    finally:
        store.close()


def _way(task: Ruled, environ: Mapping[str, str], place: Place) -> Way:
    """One that waits for nobody, leaves nothing to chance, and is of no Bash call."""
    chosen = {"SKILLCACHE_WAIT": "0", "SKILLCACHE_VERIFY": "0"}
    settings = load({**environ, **chosen}, place.project)
    return Way(task, settings, Invocation(settings.cache, {}), tell=lambda _text: None)


def reached(word: str, environ: Mapping[str, str], cache: str) -> tuple[bool, str]:
    """Whether a shim stands in for `word` in this shell, and why or why not."""
    folders = [folder for folder in environ.get("PATH", os.defpath).split(":") if folder]
    shims = next((folder for folder in folders if os.path.exists(f"{folder}/{MARK}")), None)
    if shims is None:
        return False, (
            "not in this shell, where no folder of shims is on PATH: the Bash calls of a session have one from its"
            ' start, a terminal after eval "$(skillcache shellenv)"'
        )
    if "/" in word:
        if _has_function(word, shims, cache):
            return True, "reached by a function for this path"
        return (
            False,
            "not reached: no function of the preamble is for this path; call it by its name, or in a rule",
        )
    first = find(word, environ)
    if os.path.dirname(first) == shims:
        return True, f"reached: {first}"
    if os.path.lexists(f"{shims}/{word}"):
        return False, f"not reached: PATH finds {first} before the shims"
    return False, f"not reached: there is no shim of this name in {shims}, which was made when the session began"


def _has_function(word: str, shims: str, cache: str) -> bool:
    """In a preamble that puts these shims on PATH: the functions of a shell are seen by itself alone."""
    try:
        paths = [f"{shims_folder(cache)}/{name}" for name in os.listdir(shims_folder(cache)) if name.endswith(".sh")]
    except OSError:
        return False
    for path in paths:
        text = (files.read(path, _CAP) or b"").decode("utf-8", "surrogateescape")
        if shims in text and f"\nfunction {word} {{" in text:
            return True
    return False
