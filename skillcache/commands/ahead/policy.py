"""Which checks are run ahead of the call for them, and how much of that is borne: functions of what was recorded.

Learnt from the record of one project alone, so that nothing is guessed of a project that is new. What its own line says
of a command needs no guess, and stands elsewhere.
"""

from skillcache.core import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


CHECK, EDIT, START = "check", "edit", "start"
STORED, FAILED, KILLED, UNFIT, USED = "stored", "failed", "killed", "unfit", "used"

# Fewer could be chance: what comes one time in ten comes five times of fifteen once in eighty.
LEAST = 5
# One in so many. A run ahead that is not asked for costs a processor that nobody waits for, one that is spares somebody
# the wait, so two wasted for one used is the most that is borne.
ODDS = 3
# After more edits without a check the session is at work on something larger, and each further edit ends the run.
EDITS = 3
HOUR = 3_600.0  # seconds, over which background is weighed against foreground
JUDGED = 50  # runs of a rule, after which it is known what they are worth


class Step(Record):
    """One step of a session. at: unix seconds when it ended; kind: CHECK, EDIT or START, of the session or a subagent.

    command: names one check, words and folder; seconds: that its run took, also where that was a run ahead, and 0 for a
    check whose result was older; joined: whether both its streams went to one file.
    """

    at: float
    session: str
    kind: str
    command: str = ""
    passed: bool = False
    seconds: float = 0.0
    joined: bool = True


class Run(Record):
    """A run ahead that has ended. at: unix seconds; what: STORED, FAILED, KILLED or UNFIT.

    hidden: seconds that the first who asked had not to wait for, None where nobody has asked.
    """

    at: float
    rule: str
    project: str
    digest: str
    seconds: float
    what: str
    hidden: float | None = None

    @property
    def wasted(self) -> float:
        """Seconds. What was still to run when somebody asked would have run for them anyhow."""
        return self.seconds if self.hidden is None else 0.0


def after_check(steps: "Iterable[Step]", done: Step) -> list[str]:
    """The usual next checks after this one, the most usual first; none where it has failed. `steps`: oldest first."""
    if not done.passed:
        return []
    times: dict[str, int] = {}
    followed = 0
    for step, following in _pairs(steps):
        if step.kind == CHECK and step.passed and step.command == done.command and following.kind != START:
            followed += 1
            if following.kind == CHECK and following.command != done.command:
                times[following.command] = times.get(following.command, 0) + 1
    return _usual(times, followed)


def at_start(steps: "Sequence[Step]", unseen: "Iterable[str]") -> list[str]:
    """Of the checks that the content has not seen, those that are usual before a session's first edit."""
    times: dict[str, int] = {}
    asked: dict[str, set[str]] = {}  # by sessions that have begun and not edited yet
    begun: dict[str, float] = {}
    starts = 0
    for step in steps:
        if step.kind == START:
            starts += 1
            begun[step.session], asked[step.session] = step.at, set()
        elif step.kind == EDIT:
            begun.pop(step.session, None)
            asked.pop(step.session, None)
        elif step.session in asked:
            begun.pop(step.session, None)
            if step.command not in asked[step.session]:
                asked[step.session].add(step.command)
                times[step.command] = times.get(step.command, 0) + 1
    # Who has only begun, such as reviewers side by side, may still ask.
    open_ = sum(at > steps[-1].at - HOUR for at in begun.values()) if steps else 0
    wanted = set(unseen)
    return [command for command in _usual(times, starts - open_) if command in wanted]


def after_edit(steps: "Sequence[Step]", session: str) -> list[str]:
    """The session's last check, where it is likely to be asked for before the next edit."""
    last, edits = None, 0
    for step in reversed(steps):
        if step.session == session:
            if step.kind == CHECK:
                last = step
                break
            edits += step.kind == EDIT
    if last is None or not 0 < edits <= EDITS:
        return []
    if not last.passed:
        return [last.command]
    return _usual(*_after_edits(steps, last.command))


def _after_edits(steps: "Iterable[Step]", command: str) -> tuple[dict[str, int], int]:
    """How often this check came right after one of the first edits since it had passed, and of how many edits."""
    since: dict[str, int] = {}  # edits of a session since the check
    came = edits = 0
    for step, following in _pairs(steps):
        if step.kind == CHECK:
            if step.command == command and step.passed:
                since[step.session] = 0
            else:
                since.pop(step.session, None)
        elif step.kind == EDIT and step.session in since:
            since[step.session] += 1
            if since[step.session] <= EDITS:
                edits += 1
                came += following.kind == CHECK and following.command == command
    return {command: came}, edits


def _pairs(steps: "Iterable[Step]") -> "Iterable[tuple[Step, Step]]":
    """Each step with the next one of its session."""
    before: dict[str, Step] = {}
    for step in steps:
        earlier = before.get(step.session)
        if earlier is not None:
            yield earlier, step
        before[step.session] = step


def _usual(times: dict[str, int], of: int) -> list[str]:
    usual = [command for command, count in times.items() if count >= LEAST and count * ODDS >= of]
    return sorted(usual, key=lambda command: -times[command])


def allowance(steps: "Iterable[Step]", spent: "Iterable[tuple[float, float]]", now: float) -> float:
    """Seconds of background left: over an hour at most what the project's checks have taken.

    `spent`: when each run ahead has ended, and its seconds. A run that is expected to take longer is not begun.
    """
    since = now - HOUR
    earned = sum(step.seconds for step in steps if step.kind == CHECK and step.at > since)
    return max(0.0, earned - sum(seconds for at, seconds in spent if at > since))


def is_off(runs: "Sequence[Run]") -> bool:
    """Whether a rule with these runs, oldest first, has wasted more than it has hidden, and so runs no more ahead."""
    last = runs[-JUDGED:]
    return len(last) == JUDGED and sum(run.wasted for run in last) > sum(run.hidden or 0.0 for run in last)
