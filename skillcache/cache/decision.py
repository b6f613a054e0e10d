"""From a plan to an answer: what a planned command or call is, its key, captured where it runs, and what may be served.

`decide` is a function of what is known; what touches the world is `capture_of` before it and `ask` around it.
"""

import os

from skillcache.core import KW_ONLY, Record
from skillcache.core.git import find_root
from skillcache.core.outcomes import (
    ELSEWHERE,
    EXPIRED,
    FRESH,
    INVALIDATED,
    NO_ENTRY,
    OUTSIDE,
    REPLAYED,
    SEEN_FAILURE,
    UNCAPTURABLE,
    UNREADABLE_ENTRY,
    Bypass,
    Outcome,
)
from skillcache.fingerprint.capture import Fingerprint, Request, capture
from skillcache.rules.rule import BUILT_IN, Rule
from skillcache.rules.words import may_run_script
from skillcache.stores import entry
from skillcache.stores.entry import ERROR, STREAMS, Entry, Unreadable, decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from skillcache.cache.skills.run import Workplace
    from skillcache.core.git import Git
    from skillcache.fingerprint.worktree import Reading
    from skillcache.rules.judge import Verdict
    from skillcache.rules.skills.find import Finder
    from skillcache.stores.contract import Store
    from skillcache.stores.entry import Row
    from skillcache.stores.near_cache import Near


BASH = "Bash"


class Described(Record):
    text: str  # the call for people, in one line
    rows: "tuple[Row, ...]"  # of the key, the tool's first


class Plan:
    """A call or a command that may be looked up.

    tool: its name; command: it for people; fresh: whether a fresh run was wished for; name: what its entry is called;
    names: every name that invalidates the entry, but for the project's and the team's; rule: the name of the one that
    covers it; declared: whether a skill or a person says what it depends on; depends: globs that narrow the
    content, None for everything, empty for no content; variables: more environment variables by name; tools: programs
    that it surely starts; reads: paths that a rule names, as it spells them; ttl, failures_ttl: seconds; failures:
    whether failed results may be served; findings: see `Rule`; normalize: more patterns for verification; shared:
    whether a team may be given its result; described: of a call.
    """

    __slots__ = (
        "command", "declared", "depends", "described", "failures", "failures_ttl", "findings", "fresh", "name",
        "names", "normalize", "reads", "rule", "shared", "tool", "tools", "ttl", "variables",
    )  # fmt: skip

    def __init__(
        self,
        command: str,
        rule: Rule,
        *,
        tool: str = BASH,
        fresh: bool = False,
        described: Described | None = None,
        ttl: int,
        failures_ttl: int,
    ) -> None:
        """`ttl`, `failures_ttl`: seconds, of the built-in rules about commands."""
        self.tool = tool
        self.command = command
        self.fresh = fresh
        self.described = described
        self.name = rule.name if tool == BASH else tool
        self.rule = rule.name
        self.names = tuple(sorted({tool, rule.name}))
        self.declared = rule.origin != BUILT_IN
        self.depends = None if rule.depends is None else tuple(sorted({*rule.depends}))
        self.variables = tuple(sorted({*rule.env}))
        self.tools = rule.tools
        self.reads = tuple(sorted({*rule.reads}))
        self.ttl = ttl if rule.origin == BUILT_IN else rule.ttl
        if rule.live:
            self.ttl = min(self.ttl, rule.live)
        self.failures = rule.failures
        self.findings = rule.findings
        self.failures_ttl = failures_ttl if rule.origin == BUILT_IN else rule.failures_ttl
        self.normalize = rule.normalize
        self.shared = bool(rule.share)


def finder_for(
    command: str, rules: tuple[Rule, ...], *, cwd: str, environ: "Mapping[str, str]", ttl: int
) -> "Finder | None":
    """What finds the skills whose scripts a command may run; None for nearly every one."""
    if not may_run_script(command, cwd, environ.get("PWD", "")):
        return None
    from skillcache.rules.skills.find import Finder  # few do

    return Finder(cwd, environ, tuple([rule for rule in rules if rule.tool == "Skill"]), ttl=ttl)


# These look a program up in node_modules, and in a registry when it is not there.
_NODE_LAUNCHERS = ("npx", "bunx", "npm", "pnpm", "yarn")


class CallKey:
    """key: full key text; digest: what the store's key is made of.

    called: the key's rows of the call itself; rows: all of them, for people; workplace: of a command that runs a script
    of a skill.
    """

    __slots__ = ("called", "digest", "fingerprint", "key", "rows", "workplace")

    def __init__(
        self, called: tuple[entry.Row, ...], fingerprint: Fingerprint, workplace: "Workplace | None" = None
    ) -> None:
        self.workplace = workplace
        self.called = called
        self.rows = (*called, *fingerprint.rows)
        self.key = entry.text_of(self.rows)
        self.digest = entry.digest_of(self.key)
        self.fingerprint = fingerprint

    @property
    def command_digest(self) -> str:
        """Of the call without what was captured: only a recorder and `explain` ask for it."""
        return entry.digest_of(entry.text_of(self.called))


def capture_of(
    plan: Plan,
    verdict: "Verdict",
    cwd: str,
    environ: "Mapping[str, str]",
    *,
    deadline: float,
    asked: "Git | None" = None,
    meanwhile: "Callable[[], object] | None" = None,
    rewritten: tuple[str, ...] = (),
    readings: "dict[object, Reading] | None" = None,
) -> "tuple[Fingerprint, Workplace | None]":
    """What the command of `verdict` depends on. The last four: see `Request`. Raises Bypass."""
    programs = (*verdict.executables, *((word, directory) for word, directory, _ in verdict.launched))
    directories = tuple(sorted({cwd, *(_join(cwd, place) for _, place in programs)}))
    _require_directories(directories)
    work = None
    if verdict.skill is not None:
        from skillcache.cache.skills.run import Workplace  # few commands run a skill's script

        work = Workplace((verdict.skill,), plan.depends, cwd, environ)
    request = Request(
        cwd=cwd,
        directories=directories,
        executables=(*((word, _join(cwd, place)) for word, place in programs), *_tools(plan, cwd, environ)),
        reads=(
            *(_join(_join(cwd, place), path) for path, place in verdict.operands),
            *(work.given if work is not None else ()),
        ),
        tasks=tuple([(word, name, _join(cwd, place)) for word, name, place in verdict.tasks]),
        depends=plan.depends if work is None else work.depends,
        variables=plan.variables,
        ruled=plan.reads,
        environ=environ,
        assignments=verdict.assignments,
        deadline=deadline,
        without=work.outputs if work is not None else (),
        counted=work.counted if work is not None else (),
        rewritten=rewritten,
        asked=asked,
        meanwhile=meanwhile,
        readings=readings,
        scope=_scope(plan, programs) if work is None else "",
        usual=work is not None,  # the skill names the others
    )
    # A tool that is given a file elsewhere may read what surrounds it.
    bounded = (*directories, *(_join(_join(cwd, place), path) for path, place in verdict.operands))
    top = find_root(os.path.realpath(cwd))
    if top is not None:
        _require_inside(bounded, top)
    fingerprint = capture(request)
    if top is None:
        _require_inside(bounded, fingerprint.root)
    for word, place, launcher in verdict.launched:
        _require_installed(word, _join(cwd, place), launcher, fingerprint.root)
    return fingerprint if work is None else work.completed(fingerprint, environ, deadline=deadline), work


def _scope(plan: Plan, programs: "tuple[tuple[str, str], ...]") -> str:
    """Whose outputs are the command's own: those of its tools, whatever they check; of a task that one alone."""
    from skillcache.fingerprint.configuration import ecosystems

    words = sorted({os.path.basename(word) for word, _ in programs})
    return plan.command if not words or ecosystems(words)[1] else " ".join(words)


def _require_directories(directories: tuple[str, ...]) -> None:
    for directory in directories:
        if not os.path.isdir(directory):
            raise Bypass(UNCAPTURABLE, f"{directory} is no directory")


def _require_inside(paths: tuple[str, ...], root: str) -> None:
    for path in paths:
        if path != os.devnull and inside(path, root) is None:
            raise Bypass(OUTSIDE, path)


def _require_installed(word: str, directory: str, launcher: str, root: str) -> None:
    """A program that is not installed in the project is one that the launcher fetches, or finds who knows where."""
    if launcher not in _NODE_LAUNCHERS or "/" in word:
        return
    while True:
        if os.path.exists(f"{directory}/node_modules/.bin/{word}"):
            return
        if directory in {root, "/"}:
            raise Bypass(UNCAPTURABLE, f"{word} is not installed in node_modules")
        directory = os.path.dirname(directory)


def _tools(plan: Plan, cwd: str, environ: "Mapping[str, str]") -> list[tuple[str, str]]:
    """What the command surely starts, such as node behind tsc, where it is installed."""
    folders = environ.get("PATH", os.defpath).split(":")
    return [
        (tool, cwd)
        for tool in sorted({*plan.tools})
        if any(os.access(place, os.X_OK) for place in _places(tool, folders, environ))
    ]


def _places(tool: str, folders: list[str], environ: "Mapping[str, str]") -> list[str]:
    if "/" not in tool:
        return [f"{folder}/{tool}" for folder in folders]
    return [environ.get("HOME", "/") + tool[1:] if tool.startswith("~/") else tool]


def inside(path: str, root: str) -> str | None:
    """`path` relative to `root`, '' for the root itself; None when it lies elsewhere."""
    real = os.path.realpath(path)
    if real == root:
        return ""
    prefix = root.rstrip("/") + "/"
    return real[len(prefix) :] if real.startswith(prefix) else None


def _join(base: str, path: str) -> str:
    return os.path.normpath(os.path.join(base, path))


_AHEAD = 300.0  # seconds by which clocks differ
_NAMES = 100  # that an entry may be bound to: a store is asked for each, and no call has so many rules


class Answer(Record):
    outcome: Outcome  # REPLAYED or the miss
    entry: Entry | None = None  # what is served
    output: bytes = b""  # its standard output, with the paths of this root
    unknown: tuple[str, ...] = ()  # names of the entry whose generations are still to be asked for
    _: KW_ONLY
    error: bytes = b""  # its standard error, likewise
    stored: bytes = b""  # the entry's own bytes, of which its details are read later


class Inquiry(Record):
    """What the entry of a call must be of."""

    _: KW_ONLY
    key: str  # full key text
    names: tuple[str, ...]  # those that every entry of the call bears
    generations: dict[str, int]  # present ones by name
    root: str  # of the worktree
    place: str  # what else of the machine an entry may be bound to, see `Entry`
    now: float  # unix seconds
    form: str  # of the output
    failures: bool  # whether a failure may be served
    most: int  # bytes of its output


def decide(plan: Plan, inquiry: Inquiry, own: bytes | None, shared: bytes | None = None) -> Answer:
    """`own`: the bytes stored for the person; `shared`: for their team. One's own is served where both could be."""
    if plan.fresh:
        return Answer(FRESH)
    answer = _judge(plan, inquiry, own)
    if answer.entry is not None or shared is None:
        return answer
    other = _judge(plan, inquiry, shared)
    if other.entry is not None or answer.outcome is NO_ENTRY:
        return other
    answer.unknown += other.unknown
    return answer


def ask(
    store: "Store | Near",
    plan: Plan,
    inquiry: Inquiry,
    key: str,
    names: tuple[str, ...],
    shared: str | None = None,
) -> tuple[Answer, dict[str, int]]:
    """What may be served of what is stored under `key`, or for a team under `shared`, and the generations of `names`.

    One round trip, a second one where an entry is bound to other names; `inquiry` is told their generations. Raises
    StoreError.
    """
    stored = store.get(key, names, shared)
    generations = dict(zip(names, stored.generations, strict=True))
    inquiry.generations.update(generations)
    answer = decide(plan, inquiry, stored.entry, stored.also)
    if answer.unknown:
        more = store.get(key, answer.unknown).generations
        inquiry.generations.update(zip(answer.unknown, more, strict=True))
        answer = decide(plan, inquiry, stored.entry, stored.also)
    return answer, generations


def _judge(plan: Plan, inquiry: Inquiry, found: bytes | None) -> Answer:
    if found is None:
        return Answer(NO_ENTRY)
    try:
        entry = decode(found, most=inquiry.most)
    except Unreadable:
        return Answer(UNREADABLE_ENTRY)
    if entry.key != inquiry.key or entry.form != inquiry.form or len(entry.names) > _NAMES:
        return Answer(UNREADABLE_ENTRY)
    # Another project's result on the same content bears that project's name.
    unknown = tuple([name for name in entry.names if name not in inquiry.generations])
    if unknown:
        return Answer(INVALIDATED, unknown=unknown)
    if not _is_current(entry, inquiry):
        return Answer(INVALIDATED)
    ttl = plan.failures_ttl if entry.failed else plan.ttl
    # One from the future is of a clock that was wrong: how old it is nobody knows.
    if not -_AHEAD <= inquiry.now - entry.finished / 1000 <= ttl and not entry.pinned:
        return Answer(EXPIRED)
    if entry.failed and not inquiry.failures:
        return Answer(SEEN_FAILURE)
    if entry.place and not set(entry.place.split("\n")) <= set(inquiry.place.split("\n")):
        return Answer(ELSEWHERE)
    answer = _serve(entry, inquiry.root, inquiry.most)
    answer.stored = found
    return answer


def _is_current(entry: Entry, inquiry: Inquiry) -> bool:
    """Whether every name that could have invalidated the entry is as it was when its run began."""
    if not entry.names.keys() >= set(inquiry.names):
        return False
    return all(inquiry.generations[name] == generation for name, generation in entry.names.items())


def place_of_home(environ: "Mapping[str, str]") -> str:
    """What an entry is bound to whose text names the home folder, for another person has another."""
    return f"home {environ.get('HOME', '')}"


def _serve(entry: Entry, root: str, most: int) -> Answer:
    error = b""
    if entry.form == STREAMS:
        error = b"".join([file.content for file in entry.files if file.path == ERROR])
    if entry.relocated and b"\0" not in entry.output + error:  # it names no root
        return Answer(REPLAYED, entry, entry.output, error=error)
    if entry.relocated:
        from skillcache.cache.relocation import expand, expandable

        if expandable(entry.output, entry.root, root) and expandable(error, entry.root, root):
            try:
                streams = [expand(stream, root, most=most) for stream in (entry.output, error)]
                return Answer(REPLAYED, entry, streams[0], error=streams[1])
            except ValueError:
                return Answer(UNREADABLE_ENTRY)
    elif entry.root == root:
        return Answer(REPLAYED, entry, entry.output, error=error)
    return Answer(ELSEWHERE)


def origin(entry: Entry, session_id: str) -> str:
    """Who recorded it, as `session_id` would say."""
    from skillcache.cache.put import is_same_person  # a shim says nothing

    if not is_same_person(entry.writer):
        return f"by {named(entry.writer.get('user'))} on {named(entry.writer.get('host'))}"
    same = entry.writer.get("session") == session_id
    return "in this session" if same else "on this machine, by another session"


def age_of(entry: Entry, now: float) -> str:
    """How long ago the run ended, in one unit."""
    seconds = max(0, int(now - entry.finished / 1000))
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= 2 * size or (unit == "minute" and seconds >= size):
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{seconds} second{'s' if seconds != 1 else ''}"


def named(text: str | None) -> str:
    """A name from the store, which others may write, as one harmless word."""
    plain = "".join(c for c in text or "" if c.isalnum() or c in "-_.@:")
    return plain[:64] or "someone"
