"""The checks of a project that its content as it is now has not seen, run ahead where a session begins or has edited.

What they are is found out by a process of its own that nobody waits for: it captures, which takes longer than an event
may.
"""

import os
import sys
import time

from skillcache.commands.ahead import log, policy
from skillcache.core import json
from skillcache.core.git import find_root
from skillcache.core.paths import package_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

    from skillcache.commands.ahead.line import Asked
    from skillcache.commands.holding import Look
    from skillcache.settings.in_force import Settings

# The package's folder comes last, so that no file there passes for a standard module.
_LOOKING = (
    "import sys; sys.path.append(sys.argv[1]); from skillcache.commands.ahead.known import main; main(sys.argv[2])"
)


def begun(settings: "Settings", environ: "Mapping[str, str]", cwd: str, folder: str, session: str) -> None:
    """A session or a subagent has begun in `cwd`. folder: whose settings count. Raises OSError."""
    _happened(policy.START, settings, environ, cwd, folder, session)


def edited(settings: "Settings", environ: "Mapping[str, str]", cwd: str, folder: str, session: str) -> None:
    """A file was edited. Raises OSError."""
    _happened(policy.EDIT, settings, environ, cwd, folder, session)


def _happened(
    kind: str, settings: "Settings", environ: "Mapping[str, str]", cwd: str, folder: str, session: str
) -> None:
    root = find_root(os.path.realpath(cwd))
    if root is None:
        return
    place = log.place_of(root)
    log.note(settings.cache, place, session, kind, time.time())
    if _may_follow(kind, log.steps(settings.cache, place), session):
        job = json.dumps([kind, environ.get("PWD", cwd), folder, session])
        argv = [sys.executable, "-I", "-S", "-c", _LOOKING, os.path.dirname(package_folder()), job]
        null = os.open(os.devnull, os.O_RDWR)
        try:
            streams = [(os.POSIX_SPAWN_DUP2, null, number) for number in (0, 1, 2)]
            os.posix_spawn(sys.executable, argv, environ, file_actions=streams, setsid=True)
        finally:
            os.close(null)


def _may_follow(kind: str, steps: list[policy.Step], session: str) -> bool:
    if kind == policy.EDIT:
        return bool(policy.after_edit(steps, session))
    return bool(policy.at_start(steps, {step.command for step in steps if step.kind == policy.CHECK}))


def main(job: str) -> "NoReturn":
    """`job`: what has happened, the folder as a shell spells it, whose settings count, the session; JSON."""
    try:
        _look(*json.loads(job))  # type: ignore[misc] # as `_happened` has written it
    finally:
        os._exit(0)


def _look(kind: str, cwd: str, folder: str, session: str) -> None:
    from skillcache.core import bytecode

    bytecode.use(package_folder(), ahead=True)
    from skillcache.commands.ahead.start import start
    from skillcache.commands.holding import Look, of_client
    from skillcache.core.processes import number_of
    from skillcache.settings.in_force import load

    environ = of_client(os.environ)
    settings = load(environ, folder)
    place = Look((environ,), cwd, folder, session, number_of(environ.get("CLAUDE_PID", "")))
    start(settings, environ, _waiting(place, settings, kind), kind, session)


def _waiting(place: "Look", settings: "Settings", kind: str) -> "list[Asked]":
    from skillcache.commands.ahead.line import Asked
    from skillcache.commands.holding import unseen

    root = find_root(os.path.realpath(place.cwd)) or ""
    steps = log.steps(settings.cache, log.place_of(root))
    programs = {log.named(cwd[len(root) :].strip("/"), program.words): (program, cwd) for program, cwd in unseen(place)}
    if kind == policy.EDIT:
        names = [name for name in policy.after_edit(steps, place.session) if name in programs]
    else:
        names = policy.at_start(steps, programs)
    form = {step.command: step.joined for step in steps}
    return [
        Asked(program.words, cwd, joined=form.get(name, True), environ={**program.environ})
        for name in names
        for program, cwd in [programs[name]]
    ]
