"""What was seen of calls that no rule names: one append-only file of this machine.

One line a sighting, ASCII: `unix-seconds TAB pattern TAB project TAB call TAB inputs TAB result TAB run-ms`.
`pattern` is what a rule would say, and the only text. The next four are digests of 32 hexadecimal characters, keyed
with a secret of this machine so that nobody finds a call by trying; the result of a failed run, which no rule would
replay, is the word `failed`.
"""

import os

from skillcache import files
from skillcache.digest import blake2b
from skillcache.paths import observed_file, salt_file

FAILED = "failed"
_MOST = 4 << 20  # bytes, some 20,000 sightings; the newer half is then kept
_CAP = 4 * _MOST
_SALT = 32  # bytes
_DIGEST = 32  # hexadecimal characters


class Sighting:
    """One run. `at`: unix seconds; project, call, inputs, result: digests or FAILED; duration: milliseconds."""

    __slots__ = ("at", "call", "duration", "inputs", "pattern", "project", "result")

    def __init__(
        self, at: int, pattern: str, *, project: str, call: str, inputs: str, result: str, duration: int
    ) -> None:
        self.at = at
        self.pattern = pattern
        self.project = project
        self.call = call
        self.inputs = inputs
        self.result = result
        self.duration = duration


def append(cache: str, seen: Sighting) -> None:
    """Raises OSError."""
    fields = (seen.at, seen.pattern, seen.project, seen.call, seen.inputs, seen.result, seen.duration)
    path = observed_file(cache)
    files.append(path, ("\t".join(map(str, fields)) + "\n").encode("ascii"))
    # What others append in that moment may be lost.
    if os.stat(path).st_size > _MOST:
        content = files.read(path, _CAP) or b""
        files.write(path, content[-_MOST // 2 :].partition(b"\n")[2])


def read(cache: str) -> list[Sighting]:
    """Every sighting, oldest first; lines of another form are passed over. Raises OSError."""
    found = []
    for line in (files.read(observed_file(cache), _CAP) or b"").split(b"\n"):
        try:
            at, pattern, *digests, duration = line.decode("ascii").split("\t")
            project, call, inputs, result = digests
            seen = Sighting(
                int(at), pattern, project=project, call=call, inputs=inputs, result=result, duration=int(duration)
            )
        except ValueError:
            continue
        if all(map(_is_digest, (project, call, inputs))) and (result == FAILED or _is_digest(result)):
            found.append(seen)
    return found


def salt_of(cache: str) -> bytes:
    """The secret of this machine, made when there is none. Raises OSError."""
    path = salt_file(cache)
    salt = files.read(path, _SALT)
    if salt is None or len(salt) != _SALT:
        files.write(path, os.urandom(_SALT))
        # Where two processes make one at once the later stays, and one sighting has no equal.
        salt = files.read(path, _SALT) or b""
    return salt


def keyed(salt: bytes, text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST // 2, key=salt).hexdigest()


def _is_digest(text: str) -> bool:
    return len(text) == _DIGEST and all(c in "0123456789abcdef" for c in text)
