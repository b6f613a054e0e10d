"""Which rule would name a call that none names yet, as narrow as a person would write it.

A pattern holds the name of what runs and no more: `Bash(psalm:*)`, `Bash(npm run report:*)`, `Bash(python count.py:*)`,
`Agent(reviewer)`, `mcp__context7__get-docs`. Where that would name much more than was seen, such as everything that a
task runner or an interpreter runs, there is none.
"""

import os

from skillcache.errors import Bypass
from skillcache.event import ToolEvent
from skillcache.outcome import NO_RULE, OTHER_COMMAND
from skillcache.policy import Rule, judge
from skillcache.policy.builtin import RUNNERS, tool_of
from skillcache.policy.filters import filtered
from skillcache.policy.other_tools import rule_for
from skillcache.policy.own import ONLINE_TTL
from skillcache.policy.wrappers import Wrapped, unwrap
from skillcache.shell import Line, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

ORIGIN = "observed"  # of a rule that is not one yet
MCP = "mcp__"
# What is run to wait, to see the state of the machine or of something far away, or to look at files that git ignores:
# equal files promise nothing about the next answer.
_LIVE = frozenset(
    """sleep date time uptime w who whoami hostname uname id env printenv nproc free df du ls find fd tree locate stat
    file which whereis type ps top htop pgrep lsof ss netstat ifconfig ip ping dig nslookup host nc telnet ftp sftp
    http https xh psql mysql mariadb sqlite3 redis-cli mongosh aws gcloud az terraform tofu pulumi ansible vercel
    netlify fly flyctl heroku wrangler supabase firebase tmux screen script strace perf journalctl dmesg watch
    inotifywait less more vim vi nano emacs claude codex skillcache rg grep ag ack yes shuf""".split()  # noqa: SIM905
)
_INTERPRETERS = frozenset("node ruby perl php bash sh zsh dash ksh tsx ts-node Rscript julia lua".split())  # noqa: SIM905
# What comes after one of these is what runs.
_RUN = frozenset(["run", "run-script", "rum", "exec", "x", "task"])
_LONGEST = 64  # characters of a name
_LONGEST_SUBCOMMAND = 20


class Candidate:
    """rule: what would name the call; cwd: where the call began."""

    __slots__ = ("cwd", "rule")

    def __init__(self, rule: Rule, cwd: str) -> None:
        self.rule = rule
        self.cwd = cwd


def candidate(event: ToolEvent, rules: tuple[Rule, ...]) -> Candidate | None:
    """None for a call that a rule names or that no rule should; `rules`: the person's own. Raises Bypass."""
    if event.tool == "Bash":
        return _of_line(event, rules)
    if rule_for(event.tool, event.input, rules) is not None:
        return None
    name = str(event.input.get("subagent_type", "")) if event.tool == "Agent" else event.tool
    if not _is_name(name, "_-.:" if event.tool == "Agent" else "_-."):
        return None
    return Candidate(would_be(f"Agent({name})" if event.tool == "Agent" else name), event.cwd)


def would_be(pattern: str) -> Rule:
    """The rule with this pattern, as `[[rules]]` with nothing else but the pattern would make it."""
    if pattern.startswith(MCP):
        return Rule(ORIGIN, pattern, depends=(), ttl=ONLINE_TTL, origin=ORIGIN)
    return Rule(ORIGIN, pattern, origin=ORIGIN)


def _of_line(event: ToolEvent, rules: tuple[Rule, ...]) -> Candidate | None:
    text = event.input.get("command")
    if not isinstance(text, str) or event.input.get("run_in_background"):
        return None
    line = read(text)
    cwd = began_in(event, line.ends_in)
    if line.fresh or cwd is None or not _is_unnamed(line, rules):
        return None
    command = _only_command(line)
    if command is None:
        return None
    folder = os.path.join(cwd, command.directory)
    label = label_of(command.words, lambda word: os.path.lexists(os.path.join(folder, word)))
    return Candidate(would_be(f"Bash({label}:*)"), cwd) if label else None


def _only_command(line: Line) -> Wrapped | None:
    """The one command of the line that is neither a filter nor a `cd`, without its wrappers. Raises Bypass."""
    found = None
    for command in line.commands:
        inner = unwrap(command.words, command.directory) if command.words else None
        if inner is None:
            return None
        if filtered(command, inner.words) is None:
            if found is not None:
                return None
            found = inner
    return found


def _is_unnamed(line: Line, rules: tuple[Rule, ...]) -> bool:
    """Whether no rule names the line's command, and none refuses it for what it does."""
    try:
        judge(line, rules)
    except Bypass as bypass:
        return bypass.outcome in (NO_RULE, OTHER_COMMAND)
    return False


def began_in(event: ToolEvent, ends_in: str) -> str | None:
    """Where the shell stood before the run: the event tells where it stands after it. None when that is not sure.

    `ends_in`: where the line leaves the shell. After a failure it stays where it was (observed).
    """
    if ends_in.startswith("/"):
        return ends_in
    if not ends_in or event.name == "PostToolUseFailure":
        return event.cwd
    before = event.cwd.removesuffix("/" + ends_in)
    return (before or "/") if before != event.cwd else None


def label_of(words: tuple[str, ...], is_path: "Callable[[str], bool]") -> str:
    """The words that name what runs, "" where none do; `is_path`: whether a file has that name."""
    program = words[0]
    name = program.rpartition("/")[2]
    if not _is_file(program) or name in _LIVE:
        return ""
    given = words[1] if len(words) > 1 else ""
    if name in _INTERPRETERS or name.rstrip("0123456789.") in ("python", "pypy"):
        if given == "-m" and len(words) > 2 and _is_name(words[2], "_."):
            return f"{program} -m {words[2]}"
        return f"{program} {given}" if _is_file(given) and is_path(given) else ""
    if given in _RUN:
        what = words[2] if len(words) > 2 else ""
        return f"{program} {given} {what}" if _is_file(what.replace(":", "-")) else ""
    if name in RUNNERS:
        return f"{program} {given}" if _is_name(given, "-_:") else ""
    tool = tool_of(name)
    if given.replace("-", "").isalpha() and _is_name(given, "-") and not is_path(given):
        return f"{program} {given}" if len(given) <= _LONGEST_SUBCOMMAND else ""
    return "" if tool is not None and tool.subcommands is not None else program


def _is_file(word: str) -> bool:
    """Whether it is a program's name, or the path of one below the directory of the call."""
    return not word.startswith("/") and ".." not in word.split("/") and _is_name(word, "_-.+@/")


def _is_name(word: str, marks: str) -> bool:
    """Whether it can stand in a pattern as it is."""
    if not word or len(word) > _LONGEST or not word.isascii() or word.startswith("-"):
        return False
    return all(c.isalnum() or c in marks for c in word)
