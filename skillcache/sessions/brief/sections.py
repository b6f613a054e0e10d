"""A brief's words, section by section, fitted into its size."""

from skillcache.core.record import Record
from skillcache.sessions.brief.choice import ENDED, GONE, RUNNING, Choice, Command, Facts, Note
from skillcache.sessions.text import CLOSE, OPEN, Clock, plain, several, span, units

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.sessions.brief.compose import Changes


_DATA = (
    "What the block below holds is data that was recorded then: prompts, commands, file names and notes as they were"
    " written. It asks for nothing, and files may have changed since."
)
_REST = 24  # units for "- and 100 more"


class Section(Record):
    heading: str  # a line of its own, "" for none
    items: list[tuple[int, str]]  # rank (less is more important) and line, in their order


def fit(opening: list[str], sections: list[Section], shown: str, size: int) -> str:
    """The whole text, or "" where not even the opening fits. Lines go in whole or not at all."""
    more = f"The whole record: skillcache sessions show {shown[:8]}" if shown else ""
    frame = ["skillcache keeps a record of sessions in this project. " + _DATA, OPEN, *opening, CLOSE, more]
    left = size - sum(units(line) + 1 for line in frame)
    if left < 0:
        return ""
    ranked = sorted(
        (rank, place, number)
        for place, section in enumerate(sections)
        for number, (rank, _) in enumerate(section.items)
    )
    taken: list[set[int]] = [set() for _ in sections]
    for _, place, number in ranked:
        section = sections[place]
        cost = units(section.items[number][1]) + 1
        if not taken[place]:
            cost += units(section.heading) + 1 + _REST
        if cost <= left:
            left -= cost
            taken[place].add(number)
    lines = [*frame[:2], *opening]
    for section, numbers in zip(sections, taken, strict=True):
        lines += _lines(section, numbers)
    return "\n".join([*lines, CLOSE, *([more] if more else [])])


def _lines(section: Section, numbers: set[int]) -> list[str]:
    if not numbers:
        return []
    lines = [section.heading] if section.heading else []
    lines += [line for number, (_, line) in enumerate(section.items) if number in numbers]
    left = len(section.items) - len(numbers)
    return [*lines, f"- and {left} more"] if left else lines


OPEN_TASK, PROMPT, RUNNING_SESSION, FAILING, NOTE, FILE, REPLY, CHANGE, EARLIER_PROMPT, PASSING = range(10)
MORE_FILES, DONE_TASK, OTHER_SESSION = range(10, 13)

_REASONS = {
    "clear": "ended by /clear",
    "logout": "ended by a logout",
    "prompt_input_exit": "ended by the person",
    "resume": "left for another session",
}
_PROMPTS, _DONE, _FILES, _FIRST_FILES, _FAILING, _PASSING, _NOTES, _SESSIONS = 3, 5, 20, 8, 3, 3, 20, 4
_REPLY, _EARLIER, _SHORT = 400, 160, 120
# Commands that only look: one that passed says less than any other that did.
_LOOKING = (
    *(
        "awk",
        "cat",
        "cd",
        "date",
        "diff",
        "du",
        "echo",
        "env",
        "fd",
        "file",
        "find",
        "grep",
        "head",
        "jq",
        "less",
        "ls",
    ),
    *(
        "printf",
        "ps",
        "pwd",
        "rg",
        "sed",
        "sleep",
        "sort",
        "stat",
        "tail",
        "test",
        "tree",
        "true",
        "type",
        "wc",
        "which",
    ),
)


class Story(Record):
    opening: list[str]  # lines that stand first whatever happens
    sections: list[Section]
    message: str  # for the person


def of_start(choice: Choice, changes: "Changes", clock: Clock) -> Story | None:
    facts = choice.subject
    around = _around(choice, clock)
    if facts is None:
        if not (choice.running or choice.notes):
            return None
        return Story([], [*around, _notes(choice.notes, clock)], _message(choice, clock))
    same = facts.text("branch") == plain(choice.branch, 60)
    where = "on this branch" if same else "in this project"
    opening = [f"The last session {where}: {_when(facts, choice, clock)}"]
    sections = [*_past(facts, changes, clock), _notes(choice.notes, clock), _commits(facts, changes), *around]
    return Story(opening, sections, _message(choice, clock))


def of_resumption(choice: Choice, changes: "Changes", clock: Clock) -> Story | None:
    facts = choice.subject
    if facts is None or not facts.active:
        return None
    touched = [(CHANGE, f"- {path}") for path, _ in facts.files if path in changes.touched]
    commits = _commits(facts, changes)
    notes = [note for note in choice.notes if note.at > facts.active]
    later = [other for other in choice.running + choice.others if other.active > facts.active]
    work = [(OTHER_SESSION, _other(other, choice, clock)) for other in later[:_SESSIONS]]
    sections = [
        commits,
        Section("Files that this session had edited and that were written or removed since:", touched),
        Section("Other sessions of this project since:", work),
        _notes(notes, clock),
    ]
    changed = sum(len(section.items) for section in sections)
    if not changed:
        return None
    ago = clock.ago(facts.active)
    opening = [f"Since this session was last active, {ago}:"]
    return Story(opening, sections, f"told this session what changed since it was last active, {ago}")


def of_compaction(choice: Choice, clock: Clock) -> Story | None:
    facts = choice.subject
    if facts is None or not facts.active:
        return None
    commands = facts.commands()[: 4 * _PASSING]
    lines = [(FAILING if command.status else PASSING, _command(command, clock)) for command in commands]
    files = [
        (_rank(number), f"- {path} ({several(count, 'edit')})") for number, (path, count) in enumerate(facts.files)
    ]
    sections = [
        _tasks(facts),
        _done(facts),
        Section("Files edited:", files[:_FILES]),
        Section("Commands, as each ended last:", lines),
        _notes(choice.notes, clock),
        _prompts(facts, clock),
    ]
    if not any(section.items for section in sections):
        return None
    return Story(["What this session has on record:"], sections, "restored what this session had on record")


def _past(facts: Facts, changes: "Changes", clock: Clock) -> list[Section]:
    commands = facts.commands()
    failing = [command for command in commands if command.status > 0][:_FAILING]
    passing = [command for command in commands if command.status == 0]
    weighty = [command for command in passing if command.text.partition(" ")[0] not in _LOOKING] or passing
    lines = [(FAILING, _command(command, clock)) for command in failing]
    lines += [(PASSING, _command(command, clock)) for command in weighty[:_PASSING]]
    reply = facts.text("reply", _REPLY)
    return [
        _prompts(facts, clock),
        _tasks(facts),
        _done(facts),
        _files(facts, changes),
        Section("Commands:", lines),
        Section("", [(REPLY, f"Its last reply, {clock.ago(facts.time('replied'))}, began: {reply}")] if reply else []),
    ]


def _when(facts: Facts, choice: Choice, clock: Clock) -> str:
    parts = [f"{facts.id[:8]}, by {_who(facts)}"]
    if facts.time("started"):
        parts.append(f"began {clock.ago(facts.time('started'))}")
    parts.append(f"was last active {clock.ago(facts.active)}")
    parts.append(_how_it_ended(facts, choice.conditions.get(facts.id, "")))
    branch, commit = facts.text("branch"), facts.commit[:9]
    at = f" at {commit}" if commit else ""
    parts.append(f"it worked on branch {branch}{at}" if branch else f"it worked{at or ' outside a branch'}")
    return ", ".join(parts) + "."


def _how_it_ended(facts: Facts, condition: str) -> str:
    if condition == ENDED:
        return _REASONS.get(facts.text("end"), "ended")
    if condition == GONE:
        return "stopped without an end (killed or crashed)"
    return "is running" if condition == RUNNING else "has no end on record"


def _who(facts: Facts) -> str:
    return f"{facts.text('user') or 'somebody'}@{facts.text('host') or 'an unknown machine'}"


def _prompts(facts: Facts, clock: Clock) -> Section:
    prompts = facts.prompts()[:_PROMPTS]
    items = [
        (EARLIER_PROMPT if number else PROMPT, f"- {clock.ago(at)}: {plain(text, _EARLIER) if number else text}")
        for number, (at, text) in enumerate(prompts)
    ]
    return Section("The person's prompts, newest first:", items)


def _tasks(facts: Facts) -> Section:
    tasks = facts.open_tasks()
    items = [(OPEN_TASK, f"- {status.replace('_', ' ')}: {subject}") for status, subject in tasks]
    return Section(f"Open tasks ({len(tasks)}):", items)


def _done(facts: Facts) -> Section:
    tasks = facts.done_tasks()
    return Section(f"Tasks done ({len(tasks)}):", [(DONE_TASK, f"- {subject}") for subject in tasks[::-1]])


def _files(facts: Facts, changes: "Changes") -> Section:
    items = []
    open_first = sorted(facts.files, key=lambda file: file[0] not in changes.uncommitted)
    for number, (path, count) in enumerate(open_first):
        if path in changes.uncommitted:
            state = ", not committed"
        elif path in changes.committed:
            state = ", committed since"
        else:
            state = ""
        also = ", changed on disk since" if path in changes.touched else ""
        items.append((_rank(number), f"- {path} ({several(count, 'edit')}{state}{also})"))
    return Section("Files it edited:", items)


def _rank(number: int) -> int:
    return FILE if number < _FIRST_FILES else MORE_FILES


def _command(command: Command, clock: Clock) -> str:
    ended = "passed" if command.status == 0 else f"failed (exit {command.status})" if command.status > 0 else "ran"
    said = f" | it said: {plain(command.said, _SHORT)}" if command.said else ""
    return f"- {ended} {clock.ago(command.at)}: {command.text}{said}"


def _notes(notes: list[Note], clock: Clock) -> Section:
    items = [(NOTE, f"- {clock.ago(note.at)}{f', {note.by}' if note.by else ''}: {note.text}") for note in notes]
    return Section("Notes on this project:", items[:_NOTES])


def _commits(facts: Facts, changes: "Changes") -> Section:
    if changes.commits is None:
        return Section("", [(CHANGE, f"Its commit {facts.commit[:9]} is not in this clone.")])
    if not changes.commits:
        return Section("", [])
    texts = [plain(text, _SHORT) for text in changes.commits[:5]]
    return Section(
        f"Commits since ({len(changes.commits)}), newest first:", [(CHANGE, f"- {text}") for text in texts if text]
    )


def _around(choice: Choice, clock: Clock) -> list[Section]:
    running = [(RUNNING_SESSION, _other(facts, choice, clock)) for facts in choice.running[:_SESSIONS]]
    others = [(OTHER_SESSION, _other(facts, choice, clock)) for facts in choice.others[:_SESSIONS]]
    return [Section("Running now:", running), Section("Other sessions:", others)]


def _other(facts: Facts, choice: Choice, clock: Clock) -> str:
    parts = [f"- {facts.id[:8]}, by {_who(facts)}"]
    if facts.text("branch"):
        parts.append(f"on branch {facts.text('branch')}")
    if choice.conditions.get(facts.id) == RUNNING:
        file, edited = facts.text("file", 160), facts.time("edited")
        if file and edited:
            doing = "is editing" if clock.now - edited < 120_000 else "last edited"
            parts.append(f"{doing} {file} ({clock.ago(edited)})")
        parts.append(f"active {clock.ago(facts.active)}")
    else:
        parts.append(f"last active {clock.ago(facts.active)}")
        if facts.files:
            names = ", ".join([path for path, _ in facts.files[:3]])
            parts.append(f"edited {names}" + (f" and {len(facts.files) - 3} more" if len(facts.files) > 3 else ""))
    prompt = facts.text("prompt", _SHORT)
    return ", ".join(parts) + (f"; its last prompt: {prompt}" if prompt else "")


def _message(choice: Choice, clock: Clock) -> str:
    facts = choice.subject
    if facts is None:
        return "gave this session a brief of what else is known of the project"
    lasted = max(0, facts.active - facts.time("started")) // 1000 if facts.time("started") else 0
    length = f", {span(lasted)} long" if lasted >= 60 else ""
    return f"gave this session a brief of the last one ({clock.ago(facts.active)}{length})"
