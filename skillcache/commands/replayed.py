"""What was replayed to a session since its last turn ended, for the one line that the person is shown then.

replayed/{session} = one line a replay: `milliseconds of the run TAB command`
"""

import os

from skillcache.core import files
from skillcache.core.paths import replayed_folder

_REPLAYED_CAP = 1 << 20
_NAMED = 4  # commands in the line
_LONGEST = 60  # characters of each


def remember(cache: str, session: str, command: str, saved: int) -> None:
    """A line that cannot be written is lost: it is never worth a fault."""
    if not session:
        return
    words = "".join(c if c.isprintable() else " " for c in command)[:200]
    try:
        files.append(f"{replayed_folder(cache)}/{session}", f"{saved}\t{words}\n".encode("utf-8", "replace"))
    except OSError:
        return


def take(cache: str, session: str) -> str:
    """The line, '' where nothing was replayed; what it tells of is forgotten. Raises OSError."""
    path = f"{replayed_folder(cache)}/{session}"
    mine = f"{path}.{os.getpid()}"
    try:
        os.rename(path, mine)
    except FileNotFoundError:
        return ""
    lines = (files.read(mine, _REPLAYED_CAP) or b"").decode("utf-8", "replace").split("\n")
    files.remove(mine)
    saved, commands = 0, []
    for line in lines:
        number, tab, command = line.partition("\t")
        if tab and number.isdecimal():
            saved += int(number)
            commands.append(command if len(command) <= _LONGEST else command[: _LONGEST - 3] + "...")
    return _told(list(dict.fromkeys(commands)), saved) if commands else ""


def _told(commands: list[str], saved: int) -> str:
    named = ", ".join(commands[:_NAMED])
    more = f" and {len(commands) - _NAMED} more" if len(commands) > _NAMED else ""
    minutes, seconds = divmod(saved // 1000, 60)
    spared = f"{minutes} min {seconds} s" if minutes else f"{saved / 1000:.1f} s"
    return f"skillcache: {named}{more} replayed, {spared} saved"
