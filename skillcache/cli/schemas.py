"""What each `--json` prints, as models: for `--json-schema`, and tests hold the output to them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel


class Output(BaseModel):
    """Printed, never read: what is not a field of it is a mistake of ours."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Agents(RootModel[list[dict[str, str]]]):
    """The last active first; what is known of each, by name."""


class Setting(Output):
    """`where`: the file or variable that sets it; `unit`: of a number that has one."""

    name: str
    value: bool | int | float | str | list[str]
    unit: Literal["seconds", "bytes", "characters"] | None
    origin: Literal["default", "user", "project", "environment"]
    where: str | None


class Config(Output):
    """`warnings`: sentences about what is ignored."""

    settings: list[Setting]
    warnings: list[str]


class Finding(Output):
    """`mend`: the command or step that mends it, "" for what needs none."""

    level: Literal["ok", "note", "mend"]
    subject: str
    text: str
    mend: str


class Doctor(Output):
    """`mend`: how many findings are to be mended."""

    mend: int
    findings: list[Finding]


class Entry(Output):
    """`team`: "" for an entry that is not shared; `expires_s`: seconds from now, null for never.

    What stands behind `readable` is there for a readable entry.
    """

    key: str
    name: str
    digest: str
    team: str
    bytes: int
    expires_s: int | None
    readable: bool
    project: str = ""
    finished_ms: int = 0
    duration_ms: int = 0
    status: int = 0
    failed: bool = False
    form: str = ""
    pinned: bool = False
    writer: dict[str, Any] | None = None
    call: str = ""


class Entries(RootModel[list[Entry]]):
    """In the order that was asked for."""


class Shim(Output):
    reached: bool
    reason: str


class Key(Output):
    """`rows`: label, name and value of each part."""

    digest: str
    rows: list[tuple[str, str, str]]


class TeamKey(Output):
    """`writer`: whose alone it is, "" for one that all share."""

    id: str
    writer: str


class Team(Output):
    """`keys`: the first signs; `signs_as`: null without keys; `writers`: who is trusted, none for all."""

    signs_as: str | None
    keys: list[TeamKey]
    writers: list[str]


class Signed(Output):
    """`by`: as who; `key`: the id of the team's key that it was done with."""

    by: str
    key: str


class ExplainedEntry(Output):
    """The one that is served, or else the newest of the same command. `finished_ms`: unix milliseconds."""

    served: bool
    finished_ms: int
    duration_ms: int
    status: int
    writer: dict[str, Any]
    signed: Signed | None


class Command(Output):
    """`rule`: the one that names it, "" for none; `changes`: what differs from the newest entry, in words."""

    command: str
    outcome: str
    class_: str = Field(alias="class")
    reason: str
    detail: str
    rule: str
    shim: Shim | None
    key: Key | None
    entry: ExplainedEntry | None
    changes: list[str]


class WholeLine(Output):
    """A rule that named the whole line. `instead`: patterns that name the commands in it."""

    match: str
    instead: list[str]


class Explanation(Output):
    """`line`: as it was read, null where words were given."""

    line: str | None
    commands: list[Command]
    rules_of_lines: list[WholeLine]


class Message(BaseModel):
    """`from`: the sender's id. Times are unix milliseconds; `bounce`: why it came back to its sender, "" for others."""

    model_config = ConfigDict(extra="allow", strict=True)

    id: str
    kind: str
    from_: str = Field(alias="from")
    to: str
    text: str
    bounce: str


class Note(Output):
    """`at`: unix milliseconds; all but the id is missing of a note that cannot be read."""

    id: str
    text: str = ""
    at: int = 0
    by: str = ""
    session: str = ""


class Notes(RootModel[list[Note]]):
    """Those on this project."""


class BuiltIn(Output):
    """`match`: patterns of what is replayed; `subject`: its language, or what it does."""

    name: str
    subject: str
    match: str


class Own(Output):
    """A rule of a configuration file; the first that names a call counts, of those that do not only add to others.

    `depends`: None for all content; `live`: true, or the seconds that a result is given for at most; `ahead`: None
    where nothing is said; `ahead_off`: for which reasons it has switched itself off.
    """

    name: str
    match: str
    origin: str
    enabled: bool
    depends: list[str] | None
    env: list[str]
    ttl: int
    reads: list[str]
    tools: list[str]
    live: bool | int | None
    ahead: bool | None
    ahead_off: list[str]
    adds: bool


class Rules(Output):
    built_in: list[BuiltIn]
    own: list[Own]


class Program(Output):
    """What is read of one program's words. `words`: the program, with its subcommand.

    harmless: options without a value; with_value: those with one, `option=value` where others are refused; files: those
    whose value is a file that is read; needs: one of them must be there; writes, fresh, outside: refused, by why;
    building: refused first words; variables, programs: what the result depends on besides what every result does.
    """

    words: str
    harmless: list[str]
    with_value: list[str]
    files: list[str]
    needs: list[str]
    writes: list[str]
    fresh: list[str]
    outside: list[str]
    building: list[str]
    variables: list[str]
    programs: list[str]


class Tasks(Output):
    """A program that runs named tasks. verbs: words after which one is named; alone: words that are tasks."""

    runner: str
    verbs: list[str]
    alone: list[str]
    harmless: list[str]
    with_value: list[str]
    names: list[str]


class Explained(Output):
    """All that has the name. `depends`: what every result of a command depends on, in words."""

    own: list[Own] = Field(description="of configuration files: these come first")
    built_in: list[BuiltIn]
    programs: list[Program]
    tasks: list[Tasks]
    depends: str


class RulesOrExplained(RootModel[Rules | Explained]):
    """Without a name all rules, with one what is known of it."""


class Sent(Output):
    """`to`: the recipient's id; `name`: what it is called; `status`: `sent`, or why it was not."""

    id: str
    to: str
    name: str
    status: Literal["sent", "ended", "full"]


class Messages(RootModel[list[Sent]]):
    """One for each recipient."""


class Session(Output):
    id: str
    state: dict[str, str]


class Sessions(RootModel[list[Session]]):
    """The last active first."""


class Task(Output):
    status: str
    subject: str


class Replays(Output):
    """`of`: "commands" or "other calls"; `each`: how often what was replayed; all as counted on this machine."""

    of: Literal["commands", "other calls"]
    lookups: int
    replayed: int
    saved_ms: int
    each: dict[str, int]


class Story(Output):
    """`log`: what happened, oldest first; `files`: how often each was edited."""

    id: str
    state: dict[str, str]
    log: list[dict[str, Any]]
    files: dict[str, int]
    tasks: list[Task]
    replays: list[Replays]


class Brief(Output):
    """`context`: for the model; `message`: for the person."""

    source: Literal["startup", "clear", "resume", "fork", "compact"]
    context: str
    message: str


Text = Annotated[str, Field(min_length=1)]


class Exported(BaseModel):
    """A line of `sessions export`, read by `sessions import`; fields as of `skillcache.sessions.journal.Past`.

    `project`: its identity. A later version may add fields, which are left aside. Text is what a store takes: UTF-8.
    """

    version: int
    project: Text
    id: Text
    state: dict[Text, Text]
    log: list[Text]
    files: list[tuple[Text, int]]
    tasks: dict[Text, Text]


class Sight(Output):
    """What a script visibly does besides what is declared, and on which lines."""

    script: str
    lines: list[int]
    kind: str
    name: str
    text: str


class Difference(Output):
    """`what` differs between the runs, and how; `first`, `second`: the first line that does, of each run."""

    what: str
    how: str
    line: int
    first: str
    second: str


class Run(Output):
    """`status`: of each run."""

    command: list[str]
    status: list[int]
    files: list[str]
    keeps_out: list[str]
    differences: list[Difference]


class Check(Output):
    """`line`: of SKILL.md that keeps its scripts out, 0 where none does; `why`: they are out, or who has them in."""

    skill: str
    cached: bool
    line: int
    why: str
    instead: str
    visible: list[Sight]
    run: Run | None


class Value(Output):
    key: str
    value: Any
    version: int


class Values(RootModel[list[Value]]):
    """Those of the namespace."""


class Held(Output):
    """`directory`: relative to the top of the worktree, "" for the top; `said`: the line that sums up a failure.

    `activated`: the virtual environment, below the top, that has to be activated for the command, "" for none.
    """

    command: str
    directory: str
    activated: str
    passed: bool
    status: int
    said: str
    duration_ms: int
    finished_ms: int


class NotRun(Output):
    """`since`: a sentence for each file that has changed since the check ran last."""

    command: str
    directory: str
    passed: bool
    finished_ms: int
    since: list[str]


class Status(Output):
    """`seen`: whether any check of this project is known."""

    seen: bool
    holds: list[Held]
    not_run: list[NotRun]


class Outcome(Output):
    name: str
    class_: str = Field(alias="class")
    count: int
    run_ms: int
    spent_ms: int


class Resting(Output):
    """`until`: unix seconds; `unwanted`: what it gave was refused more often than taken, nothing was wrong."""

    rule: str
    project: str
    until: int
    unwanted: bool


class Skill(Output):
    """`out`: why it is not cached."""

    name: str
    folder: str
    hits: int
    out: str | None


class Why(Output):
    """What made commands run, in words; `runs`, `run_ms`: those that it made necessary, and what they took."""

    text: str
    runs: int
    run_ms: int
    commands: list[str]


class Grouped(Output):
    """Of one command, project, day or session; `run_ms`: of all runs together."""

    name: str
    hits: int
    misses: int
    hit_rate: float | None
    saved_ms: int
    run_ms: int
    median_run_ms: int
    median_replay_ms: int


class Ahead(Output):
    """Runs ahead of a rule. `used`: somebody asked for their results; `off`: for which reasons it runs nothing more."""

    rule: str
    runs: int
    used: int
    hidden_ms: int
    wasted_ms: int
    off: list[Literal["line", "next", "start", "edit"]]


class Stats(Output):
    """`since`: unix seconds of the oldest count; `hit_rate`: of the lookups, where there were any.

    `groups`: null without --by.
    """

    since: int | None
    hits: int
    misses: int
    lookups: int
    hit_rate: float | None
    bypasses: int
    errors: int
    saved_ms: int
    spent_ms: int
    net_ms: int
    waited: int
    verified: int
    refuted: int
    outcomes: list[Outcome]
    costliest: list[str]
    quarantined: list[Resting]
    skills: list[Skill]
    reasons: list[Why]
    ahead: list[Ahead]
    groups: list[Grouped] | None


class Evidence(Output):
    """`seen`: runs on inputs that it had run on before, with the first on each; `repeats`: what a rule would replay."""

    match: str
    seen: int
    inputs: int
    different_results: int
    repeats: int
    saved_ms: int


class Suggestion(Evidence):
    """`toml`: the rule."""

    toml: str


class Suggestions(Output):
    """`not_worth`: as equal calls gave different results."""

    suggestions: list[Suggestion]
    not_worth: list[Evidence]


class SeenPath(Output):
    """`how`: read, listed, absent (looked for in vain) or looked (asked for); `rule`: its spelling in one, if any."""

    path: str
    how: str
    where: str
    rule: str | None


class SeenProgram(Output):
    """`how`: started, or absent (looked for in vain); `rule`: its spelling in a rule, if any."""

    path: str
    how: str
    rule: str | None


class Observation(Output):
    """What a run did that the command's key does not hold.

    `rule`: the pattern of the rule that names the command; `bypass`: why it has no key at all; `toml`: what `--apply`
    would add; `status`: of the command.
    """

    command: str
    status: int
    milliseconds: int
    rule: str | None
    bypass: str | None
    paths: list[SeenPath]
    programs: list[SeenProgram]
    servers: list[str]
    toml: str | None
