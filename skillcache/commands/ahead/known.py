"""The checks of a project that its content as it is now has not seen, and of these the ones that are run ahead."""

from skillcache.commands.ahead import log, policy
from skillcache.commands.ahead.line import Asked
from skillcache.commands.holding import unseen
from skillcache.core.git import find_root, identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.commands.holding import Look
    from skillcache.settings.in_force import Settings


def waiting(place: "Look", settings: "Settings", why: str) -> list[Asked]:
    """`why`: policy.START of a session or a subagent, or policy.EDIT. Raises ConfigError and OSError."""
    root = find_root(place.cwd)
    if root is None:
        return []
    steps = log.steps(settings.cache, identity(root))
    if not any(step.kind == policy.CHECK for step in steps):
        return []
    if why == policy.EDIT and not policy.after_edit(steps, place.session):
        return []
    programs = {log.named(cwd[len(root) :].strip("/"), program.words): (program, cwd) for program, cwd in unseen(place)}
    names = policy.after_edit(steps, place.session) if why == policy.EDIT else policy.at_start(steps, programs)
    form = {step.command: step.joined for step in steps}
    return [
        Asked(program.words, cwd, joined=form.get(name, True), environ=program.environ)
        for name in names
        if name in programs
        for program, cwd in [programs[name]]
    ]
