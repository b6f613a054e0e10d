"""An output of Bash that is longer than the client shows: it keeps the whole in a file of the session, and so do we.

Observed on the client: past so many bytes `stdout` is made of the first of them, without blank lines before and blanks
after, and the model is shown its beginning and the file's path. A file in the same folder can be given in its place.
"""

import os

from skillcache import files
from skillcache.digest import digest
from skillcache.event import ToolEvent

SHOWN = 30_000  # bytes
# What JavaScript takes for blank.
_BLANK = "\t\n\v\f\r \xa0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200B)))


def keep(event: ToolEvent, output: bytes) -> dict[str, object] | None:
    """The fields of the result, the output being in its file; None where the session has no place for it.

    Raises OSError.
    """
    folder = event.transcript.removesuffix(".jsonl")
    if not folder.startswith("/") or folder == event.transcript or not os.path.isfile(event.transcript):
        return None
    path = f"{folder}/tool-results/b{digest(event.tool_use_id.encode())[:8]}.txt"
    files.write(path, output)
    return {"stdout": shown(output), "persistedOutputPath": path, "persistedOutputSize": len(output)}


def shown(output: bytes) -> str:
    text = output[:SHOWN].decode("utf-8", "replace")
    blank = len(text) - len(text.lstrip(_BLANK))
    return text[text.rfind("\n", 0, blank) + 1 :].rstrip(_BLANK)
