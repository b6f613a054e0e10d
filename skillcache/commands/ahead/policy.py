"""Which checks are run ahead of the call for them, and how much of that is borne: functions of what was recorded.

Learnt from the record of one project alone, so that nothing is guessed of a project that is new. Only what stands in
the line itself needs no record.

The numbers were judged by `python -m tests.benchmarks.ahead` on what the agents of eight people had done, as these had
published it: 669 sessions, 6,300 edits and 3,000 checks, of which no replay could have spared 27,900 seconds. In
seconds, where a processor is free:

                            hidden   wasted   of the time in checks
    of the line itself       1,166       28   4.2 %
    the usual next one         622      587   2.2 %
    at a start                   0        0   of ten sessions and subagents one asks for a check before its first edit
    after an edit              219      235   0.8 %
    all                      2,007      850   7.2 %, and 0.42 wasted for each that is hidden

Where a line failed, nobody has told which of its commands did: the last is taken for it. Were it always the first,
1,096 would be hidden of the line itself and 213 wasted.

Tried and not taken: after a failed check whatever the record says, and up to the third edit (0.7 % more hidden, 500 s
more wasted; the second and third edit alone waste eight for one); to judge a rule as a whole and not for each reason
(5.7 % hidden: guesses then switch off what the line says); the hour's bound also for what the line says, which is about
to be taken anyhow (6.4 %); no bound of an hour (0.2 % more hidden, 140 s more wasted).
"""

from skillcache.core import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


CHECK, EDIT, START = "check", "edit", "start"
REASONS = LINE, NEXT, AT_START, AFTER_EDIT = "line", "next", START, EDIT
STORED, FAILED, KILLED, UNFIT, USED = "stored", "failed", "killed", "unfit", "used"

# Fewer could be chance: what comes one time in ten comes five times of fifteen once in eighty. With three, 0.2 % more
# of the time in checks was hidden and 160 s more wasted; with eight 0.3 % less and 260 s less.
LEAST = 5
# One in so many. A run ahead that is not asked for costs a processor that nobody waits for, one that is spares somebody
# the wait, so two wasted for one used is the most that is begun with; what comes of it is judged by `is_off`. At one in
# two 0.9 % less was hidden and 320 s less wasted; at one in five 0.3 % more and 70 s more.
ODDS = 3
HOUR = 3_600.0  # seconds, over which background is weighed against foreground
# Runs of a rule for one reason, after which it is known what they are worth. With twenty bad luck ends what would pay
# (5.6 % hidden instead of 7.2 %).
JUDGED = 50


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
    """A run ahead that has ended. at: unix seconds; what: STORED, FAILED, KILLED or UNFIT; why: of REASONS.

    hidden: seconds that the first who asked had not to wait for, None where nobody has asked.
    """

    at: float
    rule: str
    project: str
    digest: str
    seconds: float
    what: str
    why: str
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
    """The check that the session asked for right before its newest edit, where checks are usually asked for again then.

    Those that had passed are weighed apart from those that had failed.
    """
    mine = [step for step in steps if step.session == session][-2:]
    if [step.kind for step in mine] != [CHECK, EDIT]:
        return []
    last = mine[0]
    came = edits = 0
    before: dict[str, Step] = {}
    for step, following in _pairs(steps):
        check = before.get(step.session)
        if step.kind == EDIT and check is not None and check.kind == CHECK and check.passed == last.passed:
            edits += 1
            came += following.kind == CHECK and following.command == check.command
        before[step.session] = step
    return _usual({last.command: came}, edits)


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


def allowance(why: str, steps: "Iterable[Step]", spent: "Iterable[tuple[float, float]]", now: float) -> float:
    """Seconds of background left: over an hour at most what the project's checks have taken.

    `why`: of REASONS; what stands in the line is about to be taken anyhow, and so has no bound. `spent`: when each run
    ahead has ended, and its seconds. A run that is expected to take longer is not begun.
    """
    if why == LINE:
        return float("inf")
    since = now - HOUR
    earned = sum(step.seconds for step in steps if step.kind == CHECK and step.at > since)
    return max(0.0, earned - sum(seconds for at, seconds in spent if at > since))


def is_off(runs: "Sequence[Run]") -> bool:
    """Whether a rule has wasted more than it has hidden and so runs nothing more ahead for this reason.

    `runs`: of that rule for that reason, oldest first.
    """
    last = runs[-JUDGED:]
    return len(last) == JUDGED and sum(run.wasted for run in last) > sum(run.hidden or 0.0 for run in last)
