"""The simple commands of a line, as far as it can be told where each ends: programs with their words and streams.

Loops, conditions, subshells, functions, heredocs and whatever a shell works out in between are none: there it ends.
"""

from skillcache.commands.pieces import OPEN, PLAIN, SET, SIGN, UNCLEAR, pieces
from skillcache.core import KW_ONLY, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.commands.pieces import Piece


class Simple(Record):
    words: tuple[str, ...]
    _: KW_ONLY
    assigned: dict[str, str]  # variables that are set for it, or in the shell where it has no words
    is_sure: bool  # whether all that is as it is spelled
    joined: bool  # whether standard error goes to where standard output goes
    is_bare: bool  # whether its output and errors go to where it is given, pipes and the null device
    reads: bool  # whether its input is a file that the line names
    behind: str  # the sign behind it, '' at the end of the line, UNCLEAR where it is not known to end


# Words of the shell's own where a command begins, in bash or in zsh.
_RESERVED = frozenset(
    """if then else elif fi for while until do done case esac select function { } [[ ! coproc in repeat foreach end
    always nocorrect noglob""".split()  # noqa: SIM905 - read as a list
)
_BETWEEN = ("&&", "||", "|", "|&", ";", "&", "\n")
PIPES = ("|", "|&")
_NOWHERE = "/dev/null"
_GIVEN = "given"


def pipelines(text: str) -> list[list[Simple]]:
    """Its commands, those that a pipe joins together; of each the last says what is behind it."""
    found: list[list[Simple]] = []
    is_piped = False
    for each in _commands(pieces(text)):
        if not is_piped:
            found.append([])
        found[-1].append(each)
        is_piped = each.behind in PIPES
    return found


def _commands(found: "list[Piece]") -> list[Simple]:
    commands: list[Simple] = []
    own: list[Piece] = []
    for kind, text in [*found, (SIGN, "")]:
        if kind == UNCLEAR or (kind == SIGN and text.startswith(";") and text != ";"):
            return [*commands, _simple(own, UNCLEAR)]
        if kind != SIGN or (text and text not in _BETWEEN):
            own.append((kind, text))
        elif own:
            commands.append(_simple(own, text))
            own = []
            if commands[-1].behind == UNCLEAR:
                return commands
        elif text not in ("\n", "") or (text == "" and commands and commands[-1].behind in ("&&", "||", *PIPES)):
            return [*commands, _simple([], UNCLEAR)]
    return commands


def _simple(own: "list[Piece]", behind: str) -> Simple:
    streams = _Streams(behind)
    assigned: dict[str, str] = {}
    words: list[str] = []
    is_sure = True
    at = 0
    while at < len(own):
        kind, text = own[at]
        at += 1
        if kind == SIGN:
            target = own[at] if at < len(own) else (SIGN, "")
            streams.turn(text, target)
            at += 1
            continue
        is_sure = is_sure and kind != OPEN
        if kind == SET and not words:
            name, _, value = text.partition("=")
            assigned[name] = value
            continue
        if kind == PLAIN and not words and text in _RESERVED:
            behind = UNCLEAR
        words.append(text)
    return Simple(
        tuple(words),
        assigned=assigned,
        is_sure=is_sure,
        joined=streams.are_joined(),
        is_bare=streams.are_bare,
        reads=streams.is_read,
        behind=behind,
    )


class _Streams:
    """Where a command's output and its errors go, by names that are equal where the places are."""

    __slots__ = ("_places", "_turned", "are_bare", "is_read")

    def __init__(self, behind: str) -> None:
        self._places = {"1": behind if behind in PIPES else _GIVEN, "2": behind if behind == PIPES[1] else _GIVEN}
        self._turned = [number for number, place in self._places.items() if place != _GIVEN]
        self.are_bare = True
        self.is_read = False

    def turn(self, sign: str, target: "Piece") -> None:
        kind, text = target
        way = sign.lstrip("0123456789")
        number = sign[: -len(way)] or ("0" if way[0] == "<" else "1")
        if kind in (SIGN, OPEN):
            self.are_bare = False
        elif sign == "<":
            self.is_read = self.is_read or text != _NOWHERE
        elif way == ">&" and text in self._places:
            self._turn(number, self._places[text])
        elif way in (">", ">>") and text == _NOWHERE:
            self._turn(number, text)
        elif sign in ("&>", "&>>", ">&") and text == _NOWHERE:
            self._turn("1", text)
            self._turn("2", text)
        else:
            self.are_bare = False

    def _turn(self, number: str, place: str) -> None:
        if number not in self._places or number in self._turned:  # in zsh what is turned twice goes to both
            self.are_bare = False
        self._turned.append(number)
        self._places[number] = place

    def are_joined(self) -> bool:
        return self._places["1"] == self._places["2"]
