"""What a line says of the commands that it will start: which come next, and whether one of them is in the way.

Only what is spelled out counts. A list of simple commands, each with the words and streams that its program is given,
is what a shell makes of it whatever else is so; where anything is left open the list ends.
"""

import os

from skillcache.commands.ahead.harmless import is_harmless as is_reader
from skillcache.commands.pieces import UNCLEAR
from skillcache.commands.simple import Simple, pipelines
from skillcache.core import KW_ONLY, Record, field
from skillcache.core.outcomes import Bypass
from skillcache.rules.judge import SHELL
from skillcache.rules.tasks import parts_of
from skillcache.rules.words import examine_variable, unwrap


class Asked(Record):
    """A command as it will be started."""

    words: tuple[str, ...]
    cwd: str  # absolute
    _: KW_ONLY
    joined: bool = True  # whether standard error is standard output's own file
    environ: dict[str, str] = field(default_factory=dict)  # variables besides those of who starts it


# What changes how all that comes behind it is started.
_CHANGING = frozenset(["exec", "alias", "unalias", "trap", "exit", "return", "enable"])
# These give what they start other signals, streams or variables.
_COLOURING = frozenset(["nohup", "stdbuf", "xvfb-run"])
_SHELL = SHELL | {"cd", "command", "exit", "export", "set", "."}
_OPTIONS = frozenset("-e -u -eu -ex -x -euo -exo -euxo -o pipefail errexit nounset xtrace".split())  # noqa: SIM905


def following(line: str, words: tuple[str, ...], cwd: str) -> list[Asked]:
    """The commands that a line starts behind the one of `words` if all before them end well.

    cwd: where that one runs, absolute. What only looks is left out. The others are for the caller to judge: at the
    first of them that no rule names the list ends, for it may change what those behind it would report on.
    """
    return Course(line).behind(words, cwd)[0]


class Course:
    """What a line starts, one after another, if each ends well."""

    __slots__ = ("_given",)

    def __init__(self, line: str) -> None:
        self._given = pipelines(line)

    def count(self, words: tuple[str, ...]) -> int:
        """How often it starts the command."""
        return sum(_is_of(each, words) for each in self._given)

    def all(self, cwd: str) -> tuple[list[Asked], bool]:
        """As `behind` has it of one that stands before all."""
        return _course(";", self._given, cwd)

    def behind(self, words: tuple[str, ...], cwd: str) -> tuple[list[Asked], bool]:
        """See `following`, and whether that is all to the end of the line."""
        given = self._given
        if self.count(words) != 1:
            return [], False
        at = next(at for at, each in enumerate(given) if _is_of(each, words))
        if not _is_report(given[at]) or any(_CHANGING.intersection(each[0].words[:1]) for each in given[:at]):
            return [], False
        return _course(given[at][-1].behind, given[at + 1 :], cwd)


def _course(behind: str, given: list[list[Simple]], cwd: str) -> tuple[list[Asked], bool]:
    """`behind`: the sign before the first of them."""
    found: list[Asked] = []
    of_list: list[Asked] = []  # the end of which may send them into the background
    is_whole = False
    for each in given:
        if behind in (";", "\n"):
            found += of_list
            of_list = []
        elif behind == "||":  # what has ended well
            behind = each[-1].behind
            continue
        elif behind != "&&":
            break
        behind = each[-1].behind
        place = _moved(each, cwd)
        asked = _asked(each, cwd) if place is None else None
        if place is not None:
            cwd = place
        elif asked is not None and behind != UNCLEAR:
            of_list.append(asked)
        elif not _passes(each) or any(one.words[0] == "cd" for one in each):
            break
    else:
        is_whole = behind not in ("&", UNCLEAR)
    return found if behind == "&" else found + of_list, is_whole


def begins_with(line: str, words: tuple[str, ...], cwd: str, start: str = "") -> bool:
    """Whether the first command of a line that does more than look is the one of `words` in the folder `cwd`.

    start: where the line itself begins, '' where that is not known.
    """
    place = start
    for each in pipelines(line):
        if _is_of(each, words):
            return _is_report(each) and each[-1].behind != UNCLEAR and _may_be(place, cwd)
        if not _passes(each) or each[0].words == ("cd",):
            return False
        if each[0].words[0] == "cd":
            place = os.path.normpath(os.path.join(place, *each[0].words[1:]))
    return False


def is_last(line: str, words: tuple[str, ...]) -> bool:
    """Whether nothing comes behind the command of `words` but what only looks, so that something may run beside it."""
    given = pipelines(line)
    places = [at for at, each in enumerate(given) if _is_of(each, words)]
    if len(places) != 1 or given[-1][-1].behind in ("&", UNCLEAR):
        return False
    return _is_report(given[places[0]]) and all(map(_passes, given[places[0] + 1 :]))


def is_harmless(line: str) -> bool:
    """Whether all its commands only look: nothing is written, held or started by them."""
    given = pipelines(line)
    return bool(given) and all(is_reader(one) and one.behind not in ("&", UNCLEAR) for each in given for one in each)


# Of words that tell what a suite needs besides files.
_LIVE = frozenset("e2e end2end integration network live smoke playwright cypress selenium".split())  # noqa: SIM905
# Options whose value says what is left out.
_WITHOUT = frozenset(
    """--ignore --ignore-glob --ignore-pattern --ignore-path --deselect --exclude --extend-exclude --exclude-task --skip
    -skip --testPathIgnorePatterns""".split()  # noqa: SIM905
)
_IN_EXPRESSIONS = str.maketrans(dict.fromkeys("()[]{}|&=,;:*'\"", " "))


def suits(words: tuple[str, ...]) -> bool:
    """Whether no word says of what runs that it talks to something: a task, a folder, a marker, a program."""
    before = ""
    for word in words:
        name, _, value = word.partition("=")
        if name not in _WITHOUT and before not in _WITHOUT and _names_live(word):
            return False
        before = "" if value else name
    return True


def _names_live(word: str) -> bool:
    before = ""
    for piece in word.translate(_IN_EXPRESSIONS).split():
        if before != "not" and not _LIVE.isdisjoint(parts_of(piece)):
            return True
        before = piece
    return False


def _is_of(pipeline: list[Simple], words: tuple[str, ...]) -> bool:
    inner = _inner(pipeline[0])
    return inner is not None and inner.words == words


def _inner(command: Simple) -> Asked | None:
    """Behind the wrappers that become it; None where a word or a variable is not sure, or changes how it is started."""
    if not command.words or not command.is_sure:
        return None
    try:
        inner = unwrap(command.words, launchers=False)
        if inner is None or any(name.rpartition("/")[2] in _COLOURING for name, _ in inner.programs):
            return None
        environ = {**command.assigned, **dict(inner.assignments)}
        for name, value in environ.items():
            examine_variable(name, value)
    except Bypass:
        return None
    return Asked(inner.words, "", joined=command.joined, environ=environ)


def _is_report(pipeline: list[Simple]) -> bool:
    """Whether what its first command prints is seen, through readers or not, and goes into no file."""
    first, *filters = pipeline
    return first.is_bare and not first.reads and all(map(is_reader, filters))


def _asked(pipeline: list[Simple], cwd: str) -> Asked | None:
    inner = _inner(pipeline[0])
    if inner is None or inner.words[0] in _SHELL or is_reader(pipeline[0]) or not _is_report(pipeline):
        return None
    return Asked(inner.words, cwd, joined=inner.joined, environ=inner.environ)


def _passes(pipeline: list[Simple]) -> bool:
    """Whether it looks at something, or sets no more than when the shell is to end."""
    if pipeline[-1].behind == UNCLEAR:
        return False
    first = pipeline[0]
    if first.words[:1] == ("set",):
        return first.is_sure and first.is_bare and len(pipeline) == 1 and _OPTIONS.issuperset(first.words[1:])
    return all(map(is_reader, pipeline))


def _moved(pipeline: list[Simple], cwd: str) -> str | None:
    """Where it takes the shell; None for what takes it nowhere, or through links that a shell sees otherwise."""
    first = pipeline[0]
    if len(pipeline) > 1 or first.words[:1] != ("cd",) or len(first.words) != 2 or not first.is_sure:
        return None
    named = first.words[1]
    place = os.path.normpath(os.path.join(cwd, named))
    is_plain = first.is_bare and not first.assigned and named[:1] not in ("-", "")
    return place if is_plain and os.path.isdir(place) and os.path.realpath(place) == place else None


def _may_be(place: str, cwd: str) -> bool:
    """Whether a line that has gone to `place`, absolute or from where it began, is in the folder `cwd`."""
    if place.startswith("/"):
        return os.path.realpath(place) == cwd
    return place in ("", ".") or place.startswith("..") or cwd.endswith(f"/{place}")
