"""Before a line of the model's: what runs ahead makes way for it, unless the line asks for that or only looks.

What has failed ahead is then given to nobody, either: the line may start the very server that was missing.
"""

import os
from _signal import ITIMER_REAL, setitimer  # type: ignore[import-not-found]

from skillcache.commands.ahead import running
from skillcache.core import bytecode, files, json
from skillcache.core.paths import once_ahead_file, package_folder

_SECONDS = 2.0  # the model waits: what is not done by then is left
_CAP = 1 << 20


def main(cache: str, text: str) -> None:
    """`text`: what the shell of the Bash call was started with. Raises OSError."""
    setitimer(ITIMER_REAL, _SECONDS)
    bytecode.use(package_folder(), ahead=True)
    from skillcache.commands.invocation import line_of

    line = line_of(text)
    run = running.current(cache)
    if run is None or not _is_borne(line, run.words, run.cwd):
        running.stop(cache)
    _withdraw(cache, line)


def _is_borne(line: str, words: tuple[str, ...], cwd: str) -> bool:
    from skillcache.commands.ahead.line import begins_with, is_harmless

    return begins_with(line, words, cwd, os.getcwd()) or is_harmless(line)


def _withdraw(cache: str, line: str) -> None:
    """Raises OSError."""
    path = once_ahead_file(cache)
    mine = files.draft_of(path)
    try:
        os.rename(path, mine)  # what fails meanwhile is written down anew
    except FileNotFoundError:
        return
    from skillcache.commands.ahead.ledger import is_to_be_given, withdraw

    for kept in (files.read(mine, _CAP) or b"").split(b"\n")[:-1]:
        key, cwd, *words = map(str, _listed(kept))
        if not is_to_be_given(cache, key, 0.0):
            continue
        if _is_borne(line, tuple(words), cwd):
            files.append(path, kept + b"\n")
        else:
            withdraw(cache, key)
    files.remove(mine)


def _listed(text: bytes) -> list[object]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    return found if isinstance(found, list) and len(found) > 2 else ["", "", ""]
