"""A project whose tools are stubs that leave a line for each real run, and sessions whose every call is held to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from skillcache.cli.checks.client import Session
from skillcache.cli.checks.messages_api import Request, Turn
from tests.conftest import require_program
from tests.e2e.plugin import Plugged
from tests.e2e.project import Place, as_turn

# Writes to both streams in turn, the last line from the project's file `answer`; ends with the status in `status`.
TOOL = """\
#!/bin/sh
echo "${0##*/} $*" >>"$E2E_LOG"
echo "one $*"
echo "two" >&2
cat "$E2E_PROJECT/answer"
exit "$(cat "$E2E_PROJECT/status")"
"""
# The same, that waits while there is a file; it lies outside the project, so that it is no input.
SLOW = TOOL.replace('echo "one', 'while [ -e "$E2E_LOCK" ]; do sleep 0.05; done\necho "one')
# What the model reads of `pytest -q`: both streams are one file there, so that their order is the order of writing.
SAID = "one -q\ntwo\nall is well"
FAILED = f"Exit code 3\n{SAID}"
ENDED_FAILING = "3\n"  # for the file `status`

RAN = ("no_entry", "stored")
RAN_FRESH = ("fresh", "stored")
RAN_FAILING = ("no_entry", "failure")
FAILED_AGAIN = ("seen_failure", "failure")
REPLAYED = ("replayed",)
UNSEEN = ()  # none of ours had a part in it

_ACTIVATE = """\
VIRTUAL_ENV={project}/.venv
export VIRTUAL_ENV
PATH="$VIRTUAL_ENV/bin:$PATH"
export PATH
hash -r 2>/dev/null
"""
_MAKEFILE = "all test:\n\t@pytest -q\n"
_HOOK = "#!/bin/sh\npytest -q\n"


class Step(NamedTuple):
    """A Bash call, and what is to come of it: the model's text, real runs, and outcomes in their order."""

    call: Turn
    text: str
    runs: int = 0
    outcomes: Sequence[str] = REPLAYED


def furnish(place: Place, shell: str = "bash") -> None:
    """Tools on PATH and in the project, a Makefile, a git hook; `shell`: the person's own."""
    project, bin_folder = place.project, place.root / "bin"
    place.client.env |= {
        "SHELL": require_program(shell),
        "PATH": f"{bin_folder}:{place.client.env['PATH']}",
        "E2E_PROJECT": str(project),
        "E2E_LOCK": str(place.root / "hold"),
    }
    for path in (bin_folder / "pytest", bin_folder / "python", project / ".venv/bin/pytest", project / "gradlew"):
        tool(path)
    place.write(".venv/bin/activate", _ACTIVATE.format(project=project))
    place.write("Makefile", _MAKEFILE)
    place.write(".gitignore", ".venv\n")
    place.commit()
    tool(project / ".git/hooks/pre-commit", _HOOK)


def tool(path: Path, text: str = TOOL) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def play(place: Place, *steps: Step, **options: Any) -> Session:
    """One session of these calls, each of which is held to what is expected of it."""
    seen: list[tuple[int, list[str]]] = []

    def once_seen(turn: Turn) -> Callable[[Request], Turn]:
        def looked(_request: Request) -> Turn:
            seen.append((place.count(), place.outcomes()))
            return turn

        return looked

    session = start(place, *[once_seen(as_turn(step.call)) for step in steps], once_seen("done"), **options)
    assert len(seen) == len(steps) + 1, (session.texts, session.stderr)
    assert len(session.results) == len(steps), session.texts
    wrong = []
    for step, result, before, after in zip(steps, session.results, seen, seen[1:], strict=False):
        found = (result.text, after[0] - before[0], tuple(after[1][len(before[1]) :]))
        if found != (step.text, step.runs, tuple(step.outcomes)):
            wrong.append(f"{step.call}\n  expected {step[1:]}\n  came     {found}")
    assert not wrong, "\n".join(wrong)
    assert not session.stderr
    return session


def start(place: Place, *turns: Turn | list[str], **options: Any) -> Session:
    """One session, without waiting for a plugin's server: it has no part in this."""
    return place.play(*turns, **({"at_once": True} if isinstance(place, Plugged) else {}), **options)


def said_by_hooks(session: Session) -> str:
    """All that hooks said in this session, whosever they are."""
    return "\n".join(hook.stdout + hook.stderr for hook in session.hooks)


def told(session: Session) -> list[str]:
    """What the person was shown at the ends of turns."""
    events = [event for event in session.stream if event.get("subtype") == "informational"]
    return [event["content"].removeprefix("Stop says: ") for event in events]


def sentences(session: Session) -> int:
    """How often the model was told that results are replayed."""
    return "\n".join(session.requests[-1].notes()).count("skillcache replays the recorded output")


def clients_files(place: Place, session: Session) -> list[str]:
    """What lies in the files that the client splices into each Bash call of the session."""
    folder = place.home / ".claude/session-env" / session.id
    return [path.read_text() for path in sorted(folder.glob("*"))]


def settle(place: Place, **more: Any) -> None:
    """Put `more` into the person's settings, beside what is there."""
    path = place.home / ".claude/settings.json"
    path.parent.mkdir(exist_ok=True)
    known = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**known, **more}))


def processes(place: Place, word: str) -> list[int]:
    """The processes of this person one of whose words contains `word`."""
    mark = f"HOME={place.home}\0".encode()
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            try:
                if word.encode() in (path / "cmdline").read_bytes() and mark in (path / "environ").read_bytes() + b"\0":
                    found.append(int(path.name))
            except OSError:  # gone meanwhile, or another's
                continue
    return found
