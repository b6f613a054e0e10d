"""What a finished Bash call gave, in the form that a replay reproduces; or the outcome that says why it cannot.

Observed on the client: a success's `stdout` is the model's text, already trimmed, and `cat` of its bytes gives it
again; a failure's `error` is "Exit code N", then a line feed and the output where there is any.
"""

from skillcache import files
from skillcache.entry import TEXT
from skillcache.errors import SkillcacheError
from skillcache.event import ToolEvent
from skillcache.outcome import CUT, DISK, INTERRUPTED, MOVED_TO_BACKGROUND, NOT_TEXT, TOO_BIG, Outcome

# The client shows this many characters of a failure, the beginning and the end with a note between.
_FAILURE_SHOWN = 10_000
# Past this many bytes the client keeps the whole output in a file; an older one cuts it.
_STDOUT_SHOWN = 30_000
_FAILURE_PREFIX = "Exit code "
# The client's word for a last command such as grep that ended with 1 and has not failed.
NO_MATCHES = "No matches found"


class Unusable(SkillcacheError):
    """The result of this run cannot be replayed."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.text)
        self.outcome = outcome


class Result:
    """status: exit status; output: UTF-8 bytes of its `form`; meaning: the client's word for a status, or ''."""

    __slots__ = ("form", "meaning", "output", "status")

    def __init__(self, status: int, output: bytes, meaning: str = "", form: str = TEXT) -> None:
        self.status = status
        self.output = output
        self.meaning = meaning
        self.form = form


def read_result(event: ToolEvent, cap: int) -> Result:
    """`cap`: most bytes of output. Raises Unusable."""
    if event.interrupted:
        raise Unusable(INTERRUPTED)
    if event.goes_on:
        raise Unusable(MOVED_TO_BACKGROUND)
    result = _failure(event.error) if event.name == "PostToolUseFailure" else _success(event.response, cap)
    if len(result.output) > cap:
        raise Unusable(TOO_BIG)
    return result


def _failure(error: str) -> Result:
    first, _, output = error.partition("\n")
    number = first.removeprefix(_FAILURE_PREFIX)
    if number == first or not number.isdecimal() or not 1 <= int(number) <= 255:
        raise Unusable(NOT_TEXT)
    if len(error.encode("utf-16-le", "surrogatepass")) // 2 >= _FAILURE_SHOWN:
        raise Unusable(CUT)
    return Result(int(number), _encode(output))


def _success(response: object, cap: int) -> Result:
    if not isinstance(response, dict):
        raise Unusable(NOT_TEXT)
    if response.get("interrupted"):
        raise Unusable(INTERRUPTED)
    stdout = response.get("stdout")
    # Text on stderr is the client's own, such as the note that it put the shell back into the project.
    if not isinstance(stdout, str) or response.get("stderr") or response.get("isImage"):
        raise Unusable(NOT_TEXT)
    if response.get("structuredContent") or stdout.startswith("data:image/"):
        raise Unusable(NOT_TEXT)
    meaning = response.get("returnCodeInterpretation")
    if meaning not in {None, "", NO_MATCHES}:
        raise Unusable(NOT_TEXT)
    status = 1 if meaning else 0
    persisted = response.get("persistedOutputPath")
    if persisted:
        return Result(status, _persisted(persisted, response.get("persistedOutputSize"), cap), NO_MATCHES * status)
    if response.get("rawOutputPath") or len(stdout) > _STDOUT_SHOWN:
        raise Unusable(CUT)
    return Result(status, _encode(stdout), NO_MATCHES * status)


def _persisted(path: object, size: object, cap: int) -> bytes:
    if not isinstance(path, str) or not path.startswith("/") or "\0" in path:
        raise Unusable(CUT)
    if isinstance(size, int) and size > cap:
        raise Unusable(TOO_BIG)
    try:
        output = files.read(path, cap)
    except OSError:
        raise Unusable(DISK) from None
    if output is None or (isinstance(size, int) and len(output) != size):
        raise Unusable(CUT)
    try:
        output.decode("utf-8")
    except UnicodeDecodeError:
        raise Unusable(NOT_TEXT) from None
    return output


def _encode(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair: no file can hold it
        raise Unusable(NOT_TEXT) from None
