"""What scripts visibly do that their skill's declaration says nothing of, in words for who writes it."""

from collections.abc import Iterator
from typing import NamedTuple

from skillcache.cli.skill.sight import (
    ABOVE,
    CHANCE,
    CLOCK,
    ENDS,
    GIT,
    HOME,
    NETWORK,
    PRESENT,
    STOPS,
    VARIABLE,
    WRITES,
    Look,
    Sight,
)  # fmt: skip
from skillcache.fingerprint.globs import matches
from skillcache.fingerprint.usual import capture
from skillcache.rules.skills.manifest import Declaration

# What says where something is, and what the client itself sets.
_PLACES = frozenset(
    "PATH HOME PWD TMPDIR TEMP TMP USER LOGNAME SHELL CLAUDE_SKILL_DIR CLAUDE_PLUGIN_ROOT CLAUDE_PROJECT_DIR".split()  # noqa: SIM905 - read as a list
)
_ALL = "**"
STATE_OF_GIT = "reads git's state, which is in no key: declare a version and raise it, or leave the script out"


class Remark(NamedTuple):
    sight: Sight
    text: str


def remarks(look: Look, declared: Declaration) -> list[Remark]:
    return [Remark(sight, text) for sight in look.sights for text in _texts(sight, declared)]


def is_always_counted(variable: str) -> bool:
    """Whether results depend on it whatever is declared, or it says only where something is."""
    return variable in _PLACES or bool(capture({variable: ""}, (), "/"))


def _texts(sight: Sight, declared: Declaration) -> Iterator[str]:  # noqa: C901, PLR0912 - one kind after another
    kind, name = sight.kind, sight.name
    if kind == WRITES:
        if not _is_output(name, declared):
            yield _written(name)
    elif kind == ENDS and not declared.failures:
        status = name or "a status of its own"
        yield f"ends with {status}: such a run is a report as well with failures: true"
    elif kind == STOPS and declared.failures:
        yield f"ends with {name or 'a status of its own'} where something is missing or fails: that is replayed as well"
    elif kind == VARIABLE:
        if not name:
            yield "reads environment variables whose names it makes up: list them under env"
        elif name not in declared.env and not is_always_counted(name):
            yield f"reads the environment variable {name}: list it under env"
    elif kind == CLOCK:
        yield f"reads the clock ({name}): a replay tells the time of the run that was stored"
    elif kind == CHANCE:
        yield f"draws at random ({name}): a replay gives what the stored run drew"
    elif kind == NETWORK:
        ttl = f"for the ttl, {declared.ttl} s" if declared.ttl else "for a day, unless a ttl says less"
        yield f"uses the network ({name}): what answers there is not looked at, and a result holds {ttl}"
    elif kind == GIT and not declared.version:
        yield STATE_OF_GIT
    elif kind == PRESENT and _ALL not in declared.depends:
        yield f"looks at the directory it runs in ({name}): files it finds there count where they are under depends"
    elif kind == ABOVE:
        yield (
            f"takes code from above the skill ({name}):"
            " it counts from beside the skill and from its plugin, else under depends"
        )
    elif kind == HOME and not _is_depended_on(name, declared):
        what = f"{name}: list it" if name else "the home folder: list what it reads there"
        yield f"reads {what} under depends"


def _is_output(name: str, declared: Declaration) -> bool:
    if not name:
        return bool(declared.outputs)
    if name.startswith(("/dev/", "-")):
        return True
    path = name.removeprefix("./")
    # A folder on the way to an output is made with it.
    return any(matches(glob, path) or glob.startswith(f"{path}/") for glob in declared.outputs)


def _written(name: str) -> str:
    if name.startswith(("/", "~")):
        return f"writes {name}: a replay does not, and nothing beyond the worktree is put back"
    return f"writes {name}: list it under outputs" if name else "writes files: list what it leaves under outputs"


def _is_depended_on(name: str, declared: Declaration) -> bool:
    if not name:
        return any(glob.startswith("~") for glob in declared.depends)
    return any(matches(glob, name) for glob in declared.depends)
