"""One call that no rule names, as it is counted: what it would depend on, what it gave, and how long that took."""

import time

from skillcache.cache.decision import BASH, CallKey, Plan, capture_of
from skillcache.cache.verify import normalized
from skillcache.claude import ToolEvent, Unusable
from skillcache.commands.candidate import FAILED, Candidate, Sighting, keyed, salt_of
from skillcache.commands.invocation import called
from skillcache.core.credentials.find import find as find_secret
from skillcache.core.credentials.find import spelled
from skillcache.core.git import identity
from skillcache.core.outcomes import CUT, INTERRUPTED, NOT_TEXT
from skillcache.fingerprint.changes import disturbed
from skillcache.rules.judge import Verdict
from skillcache.rules.rule import Rule
from skillcache.settings.in_force import Settings
from skillcache.stores import entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.tools import World

_MOST = 3.0  # seconds to look at the world: less than the hook has


def sight(
    event: ToolEvent,
    world: "World",
    settings: Settings,
    found: Candidate,
    rules: tuple[Rule, ...],
    verdict: Verdict | None,
) -> Sighting | None:
    """None where its result would not be stored. `verdict`: of a command. Raises Bypass and OSError."""
    try:
        output = _output(event, int(settings.number("max_output")))
    except Unusable:
        return None
    if find_secret(spelled(event.input)) or find_secret(output or ""):
        return None
    deadline = time.monotonic() + min(settings.number("capture_time"), _MOST)
    depends, looked = _look(event, world, rules, found, verdict, deadline)
    if depends != () and _is_disturbed(event, world, looked, deadline):
        return None
    salt = salt_of(settings.cache)
    root = looked.fingerprint.root
    return Sighting(
        int(world.now),
        found.rule.pattern,
        project=keyed(salt, identity(root)),
        call=keyed(salt, entry.text_of(looked.called)),
        inputs=keyed(salt, entry.text_of(looked.fingerprint.rows)),
        result=FAILED if output is None else keyed(salt, normalized(output, root)),
        duration=event.duration or 0,
    )


def _look(
    event: ToolEvent,
    world: "World",
    rules: tuple[Rule, ...],
    found: Candidate,
    verdict: Verdict | None,
    deadline: float,
) -> tuple[tuple[str, ...] | None, CallKey]:
    """What the call would depend on, and what that is now. Raises Bypass."""
    environ = world.environ
    if verdict is None:
        from skillcache.tools.lookup import (
            capture_key,  # most calls are commands
            plan_of,
        )

        planned = plan_of(event, rules)
        seconds = deadline - time.monotonic()
        return planned.depends, capture_key(planned, event, event.cwd, environ, seconds=seconds)
    planned = Plan(" ".join(found.words), verdict.rule, ttl=0, failures_ttl=0)
    # A line leaves the shell where it ran its command: the event says where that is.
    fingerprint, work = capture_of(planned, verdict, event.cwd, environ, deadline=deadline)
    rows = called(BASH, found.words, event.cwd, fingerprint.root, environ, joined=True)
    return planned.depends, CallKey(rows, fingerprint, work)


def _output(event: ToolEvent, cap: int) -> str | None:
    """What the model reads of the result; None for a failed run. Raises Unusable."""
    if event.tool == BASH:
        return _printed(event, cap)
    from skillcache.tools.registry import kind_of  # most calls are commands

    kind = kind_of(event.tool)
    assert kind is not None  # noqa: S101 - a rule can name it
    return kind.text_of(kind.read(event, cap).output)


def _printed(event: ToolEvent, cap: int) -> str | None:
    """Of a command. Raises Unusable."""
    if event.interrupted or event.goes_on:
        raise Unusable(INTERRUPTED)
    if event.name == "PostToolUseFailure":
        return None
    said = event.response if isinstance(event.response, dict) else {}
    text = said.get("stdout")
    if not isinstance(text, str) or len(text) > cap or said.get("interrupted"):
        raise Unusable(NOT_TEXT)
    if said.get("persistedOutputPath") or said.get("rawOutputPath"):  # it is not all there
        raise Unusable(CUT)
    return f"{said.get('returnCodeInterpretation')}\n{text}"


def _is_disturbed(event: ToolEvent, world: "World", looked: CallKey, deadline: float) -> bool:
    """Whether what the call reads was touched while it ran, perhaps by itself: a rule would not store its result."""
    # We start a little after the end, so this is a little after the start: what came before is never counted.
    since = int(world.now * 1e9) - (event.duration or 0) * 1_000_000
    rows, root = looked.fingerprint.rows, looked.fingerprint.root
    return disturbed(root, rows, world.environ, since=since, deadline=deadline)
