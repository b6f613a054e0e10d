"""What running ahead hides and wastes, played on recorded sessions: `ahead.py FILE...`, or `ahead.py --synthetic`.

FILE holds what sessions on one machine did, a step a line, in JSON, in any order:

    {"at": 1700000000.0, "session": "a", "project": "p", "kind": "start"}
    {"at": 1700000030.5, "session": "a", "project": "p", "kind": "edit"}
    {"at": 1700000041.0, "session": "a", "project": "p", "kind": "check", "command": "ruff check .", "seconds": 1.5,
     "passed": true, "later": ["mypy src", "pytest -q"]}

at      unix seconds when the step began
session the session or the subagent
project whose content it is about; an edit of one session is an edit for all in this project
kind    "start": the session begins; "check": a command that a rule allows to be run ahead; "edit": the content changes;
        "other": another Bash call than one that only reads (cat, ls, grep, git status, ...)
command, seconds, passed: of a check, as one would type it, how long it ran, and whether it ended with 0
later   the checks that stand after it in its own line and run if all before them pass; they follow as steps of their
        own

A session waits for its checks, so what is hidden makes all that it does afterwards earlier: the pauses between its
steps are kept, not the times. A check that has passed on this very content is a replay, with or without running ahead.
Runs ahead are begun, joined (who asks waits for the rest), ended by an edit or by a Bash call that begins with another
command, and counted as `skillcache.commands.ahead` does it, by its own policy. It is assumed that a processor is free
for them and that beside it nothing gets slower: on a busy machine they would run at the lowest priority, hide less and
waste no more seconds of processor.
"""

import argparse
import heapq
import json
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from skillcache.commands.ahead import log, policy
from skillcache.commands.ahead.policy import CHECK, EDIT, KILLED, LINE, NEXT, REASONS, START, STORED, Run, Step

OTHER = "other"
# Quicker runs are not stored: `min_duration`.
_QUICK = 1.0  # seconds
_USUAL = 10.0  # seconds of a command of which nothing is known in a project without any
_LOG = log.MOST // 100  # steps that the record of a project holds, at some hundred bytes each


@dataclass
class Told:
    """One line of a file."""

    at: float
    session: str
    project: str
    kind: str
    command: str = ""
    seconds: float = 0.0
    passed: bool = True
    later: tuple[str, ...] = ()
    goes_on: bool = False  # stands in the line of the check before it


@dataclass
class Ahead:
    """A run ahead. begun: when; seconds: that it is expected to take."""

    project: str
    command: str
    version: int
    why: str
    begun: float
    seconds: float


@dataclass
class Sum:
    """Of one reason, in seconds."""

    runs: int = 0
    used: int = 0
    hidden: float = 0.0
    wasted: float = 0.0

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(
            self.runs + other.runs, self.used + other.used, self.hidden + other.hidden, self.wasted + other.wasted
        )


@dataclass
class Outcome:
    """`foreground`: seconds of checks that no replay could have spared; `checks`: how many these are."""

    by_reason: dict[str, Sum] = field(default_factory=lambda: {why: Sum() for why in REASONS})
    foreground: float = 0.0
    checks: int = 0

    def add(self, other: "Outcome") -> None:
        for why, each in other.by_reason.items():
            self.by_reason[why] += each
        self.foreground += other.foreground
        self.checks += other.checks


@dataclass
class Project:
    steps: list[Step] = field(default_factory=list)
    version: int = 0
    passed: dict[str, int] = field(default_factory=dict)  # command: on which version
    seconds: dict[str, float] = field(default_factory=dict)  # of its last run
    spent: list[tuple[float, float]] = field(default_factory=list)

    def expected(self, command: str) -> float:
        known = self.seconds.values()
        return self.seconds.get(command, sum(known) / len(known) if known else _USUAL)

    def note(self, step: Step) -> None:
        self.steps.append(step)
        del self.steps[:-_LOG]


class Machine:
    """Plays one file. `play` may be called once."""

    def __init__(self) -> None:
        self.outcome = Outcome()
        self._projects: dict[str, Project] = defaultdict(Project)
        self._runs: dict[tuple[str, str], list[Run]] = defaultdict(list)  # by rule and reason
        self._run: Ahead | None = None  # the one at most that nobody has asked for
        self._queue: list[tuple[str, str, str]] = []  # project, command, why
        self._kept: dict[tuple[str, str], tuple[Ahead, Run]] = {}

    def play(self, told: Iterable[Told]) -> Outcome:
        sessions: dict[str, list[Told]] = defaultdict(list)
        for each in sorted(told, key=lambda each: each.at):
            sessions[each.session].append(each)
        agenda: list[tuple[float, int, int, list[Told], int]] = []  # when, tie, 1 at the end of a step, steps, which
        for tie, steps in enumerate(sessions.values()):
            _mark_lines(steps)
            heapq.heappush(agenda, (steps[0].at, tie, 0, steps, 0))
        while agenda:
            now, tie, is_end, steps, number = heapq.heappop(agenda)
            self._advance(now)
            step = steps[number]
            if not is_end:
                heapq.heappush(agenda, (now + self._begin(step, now), tie, 1, steps, number))
                continue
            rest = steps[number + 1 :][:1]
            self._end(step, now, is_last=not (rest and rest[0].goes_on))
            if rest:
                pause = rest[0].at - step.at - step.seconds
                heapq.heappush(agenda, (now + max(0.0, pause), tie, 0, steps, number + 1))
        self._advance(float("inf"))
        self._count_rest()
        return self.outcome

    def _begin(self, told: Told, now: float) -> float:
        """Seconds that the session waits for the step."""
        project = self._projects[told.project]
        if told.kind == EDIT:
            project.version += 1
            if self._run is not None and self._run.project == told.project:
                self._kill(now)
        elif told.kind == OTHER:
            self._kill(now)
        elif told.kind == CHECK:
            return self._check(told, project, now)
        return 0.0

    def _check(self, told: Told, project: Project, now: float) -> float:
        mine = (told.project, told.command)
        run = self._run
        is_mine = run is not None and (run.project, run.command, run.version) == (*mine, project.version)
        if not told.goes_on and not is_mine:
            self._kill(now)
        if project.passed.get(told.command) == project.version:
            self._log(told, now, 0.0)
            return 0.0
        self.outcome.foreground += told.seconds
        self.outcome.checks += 1
        waits = told.seconds
        if is_mine and run is not None:
            waits = self._use(run, self._ended(run, STORED, now), told, now)
            self._run = None
            self._next(now)
        elif (kept := self._kept.pop(mine, None)) is not None and kept[0].version == project.version:
            waits = self._use(*kept, told, now)
        if told.later and waits:
            self._ask(told.project, told.later, LINE, now)
        project.seconds[told.command] = told.seconds
        self._log(told, now + waits, told.seconds)
        return waits

    def _use(self, ahead: Ahead, run: Run, told: Told, now: float) -> float:
        run.hidden = min(now - ahead.begun, told.seconds)
        counted = self.outcome.by_reason[ahead.why]
        counted.used += 1
        counted.hidden += run.hidden
        return told.seconds - run.hidden

    def _log(self, told: Told, ended: float, seconds: float) -> None:
        self._projects[told.project].note(Step(ended, told.session, CHECK, told.command, told.passed, seconds))

    def _end(self, told: Told, now: float, *, is_last: bool) -> None:
        project = self._projects[told.project]
        if told.kind == CHECK:
            if told.passed:
                project.passed[told.command] = project.version
            if is_last:
                done = Step(now, told.session, CHECK, told.command, told.passed)
                self._ask(told.project, policy.after_check(project.steps, done), NEXT, now)
        elif told.kind == EDIT:
            project.note(Step(now, told.session, EDIT))
            self._ask(told.project, policy.after_edit(project.steps, told.session), EDIT, now)
        elif told.kind == START:
            project.note(Step(now, told.session, START))
            self._ask(told.project, policy.at_start(project.steps, list(project.seconds)), START, now)

    def _ask(self, project: str, commands: Iterable[str], why: str, now: float) -> None:
        if self._run is None and not self._queue:
            self._queue = [(project, command, why) for command in commands]
            self._next(now)

    def _next(self, now: float) -> None:
        while self._run is None and self._queue:
            name, command, why = self._queue.pop(0)
            project = self._projects[name]
            seconds = project.expected(command)
            kept = self._kept.get((name, command))
            is_known = project.passed.get(command) == project.version
            is_known = is_known or (kept is not None and kept[0].version == project.version)
            left = policy.allowance(why, project.steps, project.spent, now)
            if not is_known and _QUICK <= seconds <= left and not policy.is_off(self._runs[_rule(command), why]):
                self._run = Ahead(name, command, project.version, why, now, seconds)
                self.outcome.by_reason[why].runs += 1

    def _advance(self, now: float) -> None:
        """Let all end that has ended by then."""
        while self._run is not None and self._run.begun + self._run.seconds <= now:
            run = self._run
            ended = run.begun + run.seconds
            self._waste(self._kept.pop((run.project, run.command), None))
            self._kept[run.project, run.command] = (run, self._ended(run, STORED, ended))
            self._run = None
            self._next(ended)

    def _kill(self, now: float) -> None:
        self._queue = []
        if self._run is not None:
            self._waste((self._run, self._ended(self._run, KILLED, now)))
            self._run = None

    def _ended(self, ahead: Ahead, what: str, now: float) -> Run:
        rule, seconds = _rule(ahead.command), min(now - ahead.begun, ahead.seconds)
        run = Run(now, rule, ahead.project, "", seconds, what, ahead.why)
        self._runs[rule, ahead.why].append(run)
        self._projects[ahead.project].spent.append((now, seconds))
        return run

    def _waste(self, unused: tuple[Ahead, Run] | None) -> None:
        if unused is not None:
            ahead, run = unused
            self.outcome.by_reason[ahead.why].wasted += run.wasted

    def _count_rest(self) -> None:
        for unused in self._kept.values():
            self._waste(unused)
        self._kept = {}


def _rule(command: str) -> str:
    return command.split(" ", maxsplit=1)[0]


def _mark_lines(steps: Sequence[Told]) -> None:
    """Which steps stand in the line of the one before them."""
    later: tuple[str, ...] = ()
    for step in steps:
        step.goes_on = step.kind == CHECK and later[:1] == (step.command,)
        later = later[1:] if step.goes_on else step.later
        if step.kind != CHECK:
            later = ()


def read(path: Path) -> Iterator[Told]:
    """Raises ValueError for a line of another form."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            fields = json.loads(line)
            told = Told(**{**fields, "later": tuple(fields.get("later", ()))})
        except (TypeError, ValueError, AttributeError) as fault:
            raise ValueError(f"{path}:{number}: {fault}") from None
        if told.kind not in (CHECK, EDIT, START, OTHER):
            raise ValueError(f"{path}:{number}: no kind of step: {told.kind}")
        yield told


class _Writer:
    """Writes one session of a person or an agent that nobody is: pauses and durations are drawn."""

    def __init__(self, chance: random.Random, session: str, at: float) -> None:
        self._chance = chance
        self._session = session
        self._at = at
        self.told: list[Told] = []
        self._tell(START)

    def think(self, least: float, most: float) -> None:
        self._at += self._chance.uniform(least, most)

    def edit(self, times: int = 1) -> None:
        for _ in range(times):
            self.think(5, 25)
            self._tell(EDIT)

    def other(self) -> None:
        self.think(3, 10)
        self._tell(OTHER)

    def check(self, *commands: str, odds: float = 0.8) -> bool:
        """A line of commands. `odds`: that one passes. Whether all have."""
        for number, command in enumerate(commands):
            seconds = _SECONDS[command.split(" ")[0]] * self._chance.uniform(0.8, 1.25)
            passed = self._chance.random() < odds
            told = Told(self._at, self._session, "p", CHECK, command, seconds, passed, commands[number + 1 :])
            self.told.append(told)
            self._at += seconds
            if not passed:
                return False
        return True

    def _tell(self, kind: str) -> None:
        self.told.append(Told(self._at, self._session, "p", kind))


_SECONDS = {"ruff": 1.5, "mypy": 9.0, "pytest": 24.0}


def _in_one_line(writer: _Writer, chance: random.Random) -> None:
    """After a few edits one line of all checks, until it passes."""
    for _ in range(6):
        writer.edit(chance.randint(1, 6))
        writer.think(4, 9)
        while not writer.check("ruff check .", "mypy src", "pytest -q"):
            writer.edit(chance.randint(1, 2))
            writer.think(4, 9)


def _one_by_one(writer: _Writer, chance: random.Random) -> None:
    """The same, each check in a call of its own, and now and then something else."""
    for _ in range(6):
        writer.edit(chance.randint(1, 6))
        for command in ("ruff check .", "mypy src", "pytest -q"):
            writer.think(4, 9)
            if not writer.check(command):
                break
            if chance.random() < 0.15:
                writer.other()


def _test_first(writer: _Writer, chance: random.Random) -> None:
    """One test that fails, an edit or two, the test again; all of them at the end."""
    for _ in range(6):
        test = f"pytest -q tests/test_{chance.randint(0, 9)}.py"
        writer.think(5, 25)
        while not writer.check(test, odds=0.4):
            writer.edit(chance.randint(1, 2))
            writer.think(4, 9)
    writer.check("pytest -q")


def _reviewing(writer: _Writer, chance: random.Random) -> None:
    """Reads, and asks for what all who review ask for; no edits."""
    writer.think(20, 90)
    if chance.random() < 0.8:
        writer.check("pytest -q")
        writer.think(20, 60)
    if chance.random() < 0.5:
        writer.check("mypy src")


def _at_random(writer: _Writer, chance: random.Random) -> None:
    """No habit at all: nothing of this can be foreseen."""
    for _ in range(30):
        kind = chance.random()
        if kind < 0.6:
            writer.edit()
        elif kind < 0.7:
            writer.other()
        else:
            writer.think(4, 9)
            writer.check(chance.choice(("ruff check .", "mypy src", "pytest -q", "pytest -q tests/unit")))


_WORKING = (_in_one_line, _one_by_one, _test_first, _at_random)


def synthetic(seed: int) -> dict[str, list[Told]]:
    """Twenty sessions of each kind, an hour apart; of reviewers five at once, each time after somebody's edits."""
    sets: dict[str, list[Told]] = {}
    for work in _WORKING:
        chance = random.Random(f"{seed} {work.__name__}")
        told = sets[_said(work.__name__)] = []
        for number in range(20):
            writer = _Writer(chance, f"s{number}", 3_600.0 * number)
            work(writer, chance)
            told += writer.told
    chance = random.Random(f"{seed} reviewing")
    told = sets["five reviewing at once"] = []
    for number in range(20):
        author = _Writer(chance, f"author {number}", 3_600.0 * number)
        author.edit(3)
        told += author.told
        for reviewer in range(5):
            writer = _Writer(chance, f"s{number} {reviewer}", 3_600.0 * number + 120.0 + reviewer)
            _reviewing(writer, chance)
            told += writer.told
    return sets


def _said(name: str) -> str:
    return name.strip("_").replace("_", " ")


def table(outcome: Outcome) -> list[str]:
    everything = sum(outcome.by_reason.values(), Sum())
    rows = [*outcome.by_reason.items(), ("all", everything)]
    lines = ["  reason   runs   used    hidden    wasted  wasted/hidden  of the time in checks"]
    for why, each in rows:
        ratio = f"{each.wasted / each.hidden:13.2f}" if each.hidden else f"{'-':>13}"
        part = each.hidden / outcome.foreground if outcome.foreground else 0.0
        lines.append(
            f"  {why:6} {each.runs:6,} {each.used:6,} {each.hidden:7,.0f} s {each.wasted:7,.0f} s"
            f"  {ratio}  {part:18.1%}"
        )
    lines.append(f"  {outcome.checks:,} checks that no replay could spare: {outcome.foreground:,.0f} s")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--synthetic", action="store_true", help="play sessions that are drawn")
    parser.add_argument("--seed", type=int, default=2026)
    asked = parser.parse_args()
    sets = synthetic(asked.seed) if asked.synthetic else {}
    for path in asked.files:
        try:
            sets[str(path)] = list(read(path))
        except (OSError, ValueError) as fault:
            parser.exit(1, f"{fault}\n")
    if not sets:
        parser.error("name files, or say --synthetic")
    whole = Outcome()
    for name, told in sets.items():
        outcome = Machine().play(told)
        whole.add(outcome)
        print(f"{name}:", *table(outcome), "", sep="\n")
    if len(sets) > 1:
        print("together:", *table(whole), sep="\n")


if __name__ == "__main__":
    main()
