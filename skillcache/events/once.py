"""Which of several hooks of ours has an event: a person may have installed them in the settings and with the plugin.

told/{session}.{event} = nothing; made by the one that has it, and made anew for the next event of that name
"""

import os

from skillcache.core import files
from skillcache.core.paths import told_folder

_PLAIN = str.maketrans("", "", "-_.")
_TOGETHER = 5.0  # seconds within which the client starts all hooks of one event


def is_first(cache: str, session: str, event: str) -> bool:
    """Whether no other process has had this event; True in doubt, since silence would be worse than saying it twice."""
    if not f"{session}{event}".translate(_PLAIN).isalnum():
        return True
    path = f"{told_folder(cache)}/{session}.{event}"
    mine = f"{path}.{os.getpid()}"
    try:
        files.create(mine)
        try:
            os.link(mine, path)
        except FileExistsError:
            if os.stat(mine).st_mtime - os.stat(path).st_mtime < _TOGETHER:
                return False
            os.rename(path, f"{mine}.old")  # of an earlier event; one process alone can do it
            files.remove(f"{mine}.old")
            os.link(mine, path)
        finally:
            files.remove(mine)
    except (FileNotFoundError, FileExistsError):  # another one was quicker
        return False
    except OSError:
        return True
    return True
