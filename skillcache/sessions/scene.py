"""Looks at the world for what the record of an event needs to know of it."""

import os
from time import monotonic_ns

from skillcache.claude.event import SessionEvent
from skillcache.core import git
from skillcache.sessions.story import Scene
from skillcache.settings.in_force import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.tools.world import World

# Events that may find the session on another branch or commit; a tool's event only needs the top of the worktree.
_PLACED = ("SessionStart", "UserPromptSubmit", "Stop", "SessionEnd")


def look(event: SessionEvent, world: "World", folder: str, settings: Settings) -> Scene:
    """`folder`: where the client was started. Raises OSError for a repository that cannot be read."""
    place = git.locate(folder)
    placed = event.name in _PLACED
    starts = event.name == "SessionStart"
    return Scene(
        f"{os.getpid():x}-{monotonic_ns():x}",
        int(world.now * 1000),
        root=place.root,
        place=place if placed else None,
        project=git.project_of(place) if placed else "",
        person=_person(world) if starts else None,
        process=_process(world) if starts else None,
        prompts=settings.flag("record.prompts"),
    )


def _process(world: "World") -> dict[str, str]:
    from skillcache.core import processes  # once in a session

    return processes.described(world.environ)


def _person(world: "World") -> dict[str, str]:
    from skillcache.core.user import name_of  # a session's start

    return {"user": name_of(world.environ), "host": os.uname().nodename}
