"""Every way a call can end with us, in one append-only table, and the tree of errors.

Counters, messages, JSON and the table of docs/outcomes.md come from here. An id is written to disk and never
reused or changed; a new outcome takes the next free id of its class.

Counted they are on this machine, in one append-only file. One line an outcome, ASCII:

    unix-seconds TAB outcome-id TAB rule TAB run-ms TAB spent-ms [TAB project TAB session TAB command]

The seconds have three decimals, and none in older lines. `run` is the duration of the run that a hit replaced or that
has ended (0: unknown); `spent` is the time that we took ourselves, waiting included. project: top of the worktree;
command: what may be said of it (`told`). The line of a hit stays where it turned out to be none: one of UNDONE with the
same rule and run takes it back. The file is local so that a call costs no round trip for it and so that a dead store
can be counted too.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

HIT = "hit"  # an entry was served
MISS = "miss"  # a lookup was made and nothing was served: the tool runs
BYPASS = "bypass"  # no lookup was made: the tool runs
STORE = "store"  # what became of a run that followed a miss
ERROR = "error"  # a fault of ours or of the store: the tool runs


class Outcome:
    """id: stable number; name: what counters are called; kind: one of the classes above; text: for people."""

    __slots__ = ("id", "kind", "name", "text")

    def __init__(self, id_: int, kind: str, name: str, text: str) -> None:
        self.id = id_
        self.kind = kind
        self.name = name
        self.text = text

    def __repr__(self) -> str:
        return f"<{self.kind}:{self.name}>"


REPLAYED = Outcome(100, HIT, "replayed", "served from the cache")
WAITED = Outcome(101, HIT, "waited", "served from a run of the same call that this one waited for")

NO_ENTRY = Outcome(200, MISS, "no_entry", "nothing stored for this call on these inputs")
INVALIDATED = Outcome(201, MISS, "invalidated", "the stored result was invalidated")
UNREADABLE_ENTRY = Outcome(202, MISS, "unreadable_entry", "the stored result is of another version or damaged")
FRESH = Outcome(203, MISS, "fresh", "a fresh run was asked for")
VERIFY = Outcome(204, MISS, "verify", "run for real to verify the stored result")
SEEN_FAILURE = Outcome(205, MISS, "seen_failure", "this session has already seen this failure")
ELSEWHERE = Outcome(206, MISS, "elsewhere", "the stored result holds only in the place that recorded it")
EXPIRED = Outcome(207, MISS, "expired", "the stored result is too old")
UNDECIDED = Outcome(208, MISS, "undecided", "the person has not allowed this command here yet")
WAITED_IN_VAIN = Outcome(209, MISS, "waited_in_vain", "the run that this call waited for gave no result in time")
UNFIT = Outcome(210, MISS, "unfit", "the stored result cannot be given in this way as the run gave it")
UNDONE = Outcome(211, MISS, "undone", "a stored result was found but not given after all: the call ran or was stopped")
REPEATED = Outcome(212, MISS, "repeated", "the same command has run before in this Bash call")
INSISTED = Outcome(213, MISS, "insisted", "the model asked again for what it had just been given")

NO_RULE = Outcome(300, BYPASS, "no_rule", "no rule names this call")
TOO_FAST = Outcome(301, BYPASS, "too_fast", "the command is quicker than the threshold")
COMMAND_WRITES = Outcome(308, BYPASS, "command_writes", "the command fixes, writes, builds, installs or watches")
COMMAND_FRESH = Outcome(309, BYPASS, "command_fresh", "the command itself asks for a fresh run")
OUTSIDE = Outcome(310, BYPASS, "outside", "the command reads outside the project or the state of git")
DENY_RULE = Outcome(311, BYPASS, "deny_rule", "a deny rule names this call")
ASK_RULE = Outcome(312, BYPASS, "ask_rule", "an ask rule names this call")
NO_TOOL = Outcome(313, BYPASS, "no_tool", "an executable of the command was not found")
NO_GIT = Outcome(314, BYPASS, "no_git", "git is missing or did not answer as expected")
TOO_LARGE = Outcome(315, BYPASS, "too_large", "what the command may read is over the cap")
TOO_SLOW = Outcome(316, BYPASS, "too_slow", "the inputs could not be captured in time")
UNCAPTURABLE = Outcome(317, BYPASS, "uncapturable", "something the command may read cannot be captured")
QUARANTINED = Outcome(318, BYPASS, "quarantined", "the rule rests: something was wrong, or refused too often")
UNSETTLED_SETTINGS = Outcome(320, BYPASS, "unsettled_settings", "Claude Code's settings could not be read")
SERVING_OFF = Outcome(321, BYPASS, "serving_off", "answering this kind of call is switched off")
UNKNOWN_SERVER = Outcome(322, BYPASS, "unknown_server", "what the MCP server is could not be told")
ISOLATED = Outcome(323, BYPASS, "isolated", "the agent works in a place of its own or goes on with earlier work")
SLOW_PLACE = Outcome(324, BYPASS, "slow_place", "looking at this place took too long before in this session")
UNKNOWN_OPTION = Outcome(325, BYPASS, "unknown_option", "an option or word that is not surely harmless to this command")
SANDBOXED = Outcome(326, BYPASS, "sandboxed", "the command runs in the client's sandbox")
STREAMS = Outcome(327, BYPASS, "streams", "a stream is closed, a device or a file in the project, or there are more")
LIVE = Outcome(328, BYPASS, "live", "a rule of yours says that it talks to what no key holds")

STORED = Outcome(400, STORE, "stored", "the result was stored")
NOT_WORTH = Outcome(401, STORE, "not_worth", "the run was quicker than the threshold")
CHANGED_INPUTS = Outcome(402, STORE, "changed_inputs", "what the command reads changed while it ran")
FAILURE = Outcome(403, STORE, "failure", "the run failed and its rule does not replay failures")
INTERRUPTED = Outcome(405, STORE, "interrupted", "the run was interrupted")
CUT = Outcome(406, STORE, "cut", "the whole output was not available")
TOO_BIG = Outcome(407, STORE, "too_big", "the output is over the cap")
SECRET = Outcome(408, STORE, "secret", "the command or its output looks like it carries a credential")
SUPERSEDED = Outcome(409, STORE, "superseded", "newer truth was already stored, or the name was invalidated")
NOT_TEXT = Outcome(411, STORE, "not_text", "the result is not plain text")
CONFIRMED = Outcome(412, STORE, "confirmed", "a verifying run gave the stored result again")
REFUTED = Outcome(413, STORE, "refuted", "a verifying run gave another result: the entry was dropped")
BAD_STATUS = Outcome(416, STORE, "bad_status", "the server answered with an error or led elsewhere")
EMPTY = Outcome(417, STORE, "empty", "the result is empty")
LAUNCHED = Outcome(418, STORE, "launched", "the agent works in the background: its answer comes later")
UNDECLARED = Outcome(419, STORE, "undeclared", "the run wrote files that nobody has declared")
OUTDATED = Outcome(420, STORE, "outdated", "the call put stored results of a rule out of date")
HOLDS_A_REPLAY = Outcome(421, STORE, "holds_a_replay", "what the run has started was given a recorded result")

BAD_EVENT = Outcome(500, ERROR, "bad_event", "the event on standard input was not understood")
BAD_CONFIG = Outcome(501, ERROR, "bad_config", "a configuration file could not be used")
STORE_UNREACHABLE = Outcome(502, ERROR, "store_unreachable", "the store could not be reached")
STORE_TIMEOUT = Outcome(503, ERROR, "store_timeout", "the store did not answer in time")
STORE_REFUSED = Outcome(504, ERROR, "store_refused", "the store answered with an error")
STORE_GARBAGE = Outcome(505, ERROR, "store_garbage", "the store's answer was not understood")
DISK = Outcome(506, ERROR, "disk", "a file of ours could not be written or read")
TIME_UP = Outcome(507, ERROR, "time_up", "the hook ran out of its own time")
INTERNAL = Outcome(508, ERROR, "internal", "a fault of ours")
SPOOLED = Outcome(509, ERROR, "spooled", "the store was out of reach: a session's record waits in a file")
SPOOL_FULL = Outcome(510, ERROR, "spool_full", "the file of waiting records was full: a session's record was dropped")
UNSIGNED = Outcome(511, ERROR, "unsigned", "something that others can write bore no signature: it was not taken")
MISSIGNED = Outcome(
    512, ERROR, "missigned", "a signature did not fit what it stood on: it was made up, changed or moved"
)
UNKNOWN_KEY = Outcome(
    513, ERROR, "unknown_key", "something was signed with a key that is not, or no longer, the team's"
)
UNTRUSTED = Outcome(514, ERROR, "untrusted", "something was signed by one who is none of the trusted `writers`")
OUTLIVED = Outcome(515, ERROR, "outlived", "something signed was put back after its time")

ALL = tuple(value for value in list(globals().values()) if isinstance(value, Outcome))
# No longer used: no call ends so any more, and counters on disk still say it.
GONE = (
    Outcome(302, BYPASS, "background", "the call runs in the background"),
    Outcome(303, BYPASS, "shell_syntax", "the command line is not surely understood"),
    Outcome(304, BYPASS, "shell_expansion", "the command line substitutes or expands"),
    Outcome(305, BYPASS, "shell_writes", "the command line writes to a file"),
    Outcome(306, BYPASS, "shell_background", "the command line starts something in the background"),
    Outcome(307, BYPASS, "other_command", "the line also runs a command that no rule names"),
    Outcome(404, STORE, "hidden_failure", "the run passed but its text shows a failure"),
    Outcome(410, STORE, "left_root", "the run ended in a directory outside the project"),
    Outcome(414, STORE, "moved_to_background", "the run was moved to the background"),
    Outcome(415, STORE, "time_limit", "the run used up the time limit in its own line"),
)
BY_ID = {outcome.id: outcome for outcome in (*ALL, *GONE)}


class SkillcacheError(Exception):
    """Root of everything this package raises on purpose."""


class Bypass(SkillcacheError):
    """The call cannot be answered from the cache; carries the outcome that says why."""

    def __init__(self, outcome: Outcome, detail: str = "") -> None:
        super().__init__(f"{outcome.text}: {detail}" if detail else outcome.text)
        self.outcome = outcome
        self.detail = detail


class StoreError(SkillcacheError):
    """The store failed; `outcome` is one of the store_* errors, `detail` never holds a credential."""

    def __init__(self, outcome: Outcome, detail: str = "") -> None:
        super().__init__(f"{outcome.text}: {detail}" if detail else outcome.text)
        self.outcome = outcome
        self.detail = detail


class ConfigError(SkillcacheError):
    """A configuration file or variable has a value we cannot use; says where and what is allowed."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(f"{where}: {message}")
        self.where = where
        self.message = message


class RecursiveCall(SkillcacheError, RecursionError):
    """A function asks for its own result, for the same arguments, while it computes it."""

    def __init__(self, skill: str) -> None:
        super().__init__(f"{skill} asks for its own result while it computes it, for the same arguments")
        self.skill = skill


SESSION = 64
_FIELDS = (80, 200, SESSION, 120)  # characters of a rule, a project, a session and a command
_LONGEST, _RUN = 60, 19  # of a word that is told: more in one piece, or any of these in it, may be a credential
_JOINTS = str.maketrans("/._-=:,", " " * 7)
_PRIVATE = ("auth", "cred", "key", "pass", "pw", "secret", "token")


def record(
    cache: str,
    now: float,
    outcome: Outcome,
    rule: str = "",
    *,
    run: int = 0,
    spent: int = 0,
    call: tuple[str, str, str] = ("", "", ""),
) -> None:
    """Count one outcome. A count that cannot be written is lost: it is never worth a fault.

    `call`: project, session and command.
    """
    name, *rest = [
        "".join([c if " " <= c <= "~" else "?" for c in text[:most]])
        for text, most in zip((rule, *call), _FIELDS, strict=True)
    ]
    from skillcache.core import files  # the outcomes and errors alone need none
    from skillcache.core.paths import tally_file

    told = "\t".join([f"{now:.3f}\t{outcome.id}\t{name.replace(' ', '?')}\t{run}\t{spent}", *rest])
    line = told.rstrip("\t") + "\n"
    try:
        files.append(tally_file(cache), line.encode("ascii"))
    except OSError:
        return


def told(words: "Iterable[str]") -> str:
    """A command as it may be said: a word that may be a credential, or is too long, is left out."""
    kept, is_private = [], False
    for word in words:
        runs = word.translate(_JOINTS).split()
        lowered = word.lower()
        names = any(each in lowered for each in _PRIVATE)
        plain = len(word) <= _LONGEST and all(len(run) <= _RUN for run in runs) and not ("=" in word and names)
        kept.append("..." if is_private or not plain or "@" in word or "\n" in word else word)
        is_private = names and word.startswith("-") and "=" not in word
    return " ".join(kept)
