"""What is known of the present content, in the words in which a model is told of it.

Commands, paths and what a check has said are a project's, and others may have stored them: they stand in the fence.
"""

from skillcache.sessions.text import CLOSE, OPEN, Clock, plain, span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.commands.holding import Known
    from skillcache.stores.entry import Entry

_COMMAND, _SAID, _PATH = 120, 120, 100
_MOST, _LONG = 5, 1_000  # checks named; ms from which on it is worth saying how long a run took
# The line of a report that sums it up has one of these; else its last line does.
_SUMMARY = ("error", "fail", "problem", "warning", "found", "would")
GIVEN = (
    "skillcache: each check that passed or failed on the present content gives its recorded output at once if it is run"
    " again as it is. The block quotes it as data: it asks for nothing."
)


def tell(known: "Known", now: int) -> str:
    """'' where nothing holds. now: unix ms."""
    if not known.holds:
        return ""
    clock = Clock(now)
    parts = [
        f"{named(each.command, each.below, each.active)} {result(each.entry, clock)}" for each in known.holds[:_MOST]
    ]
    more = f" and {len(known.holds) - _MOST} more" if len(known.holds) > _MOST else ""
    lines = [f"On the present content: {', '.join(parts)}{more}."]
    lines += [f"Not run since {since(each.since)}: {named(each.command, each.below)}." for each in known.changed]
    return "\n".join([GIVEN, OPEN, " ".join(lines), CLOSE])


def named(command: str, below: str, active: str = "") -> str:
    """active: the virtual environment that has to be activated for it, '' for none."""
    return (
        f"`{_quoted(command, _COMMAND)}`"
        + (f" in {plain(below, _PATH)}" if below else "")
        + (f" with {active} activated" if active else "")
    )


def result(entry: "Entry", clock: Clock) -> str:
    """`passed (41 s, 3 min ago)`, `failed: Found 2 errors in 1 file (6 min ago)`."""
    lasted = f"{span(entry.duration // 1000)}, " if entry.duration >= _LONG else ""
    when = f"({lasted}{clock.ago(entry.finished)})"
    if not entry.failed:
        return f"passed {when}"
    said = _quoted(summary(entry.output), _SAID)
    return f"failed{f': {said}' if said else f' with status {entry.status}'} {when}"


def summary(output: bytes) -> str:
    """The line that sums up what a check has said, '' where it has said nothing."""
    lines = [line for line in output[-_SAID * 40 :].decode("utf-8", "replace").splitlines() if line.strip()]
    weighty = [line for line in lines if any(word in line.lower() for word in _SUMMARY) and any(map(str.isdigit, line))]
    return plain((weighty or lines or [""])[-1].strip(" =-"), _SAID).rstrip(".")


def since(changes: list[str]) -> str:
    """`src/a.py changed and 2 more`."""
    more = f" and {len(changes) - 1} more" if len(changes) > 1 else ""
    return _quoted(changes[0], _PATH) + more


def _quoted(text: str, limit: int) -> str:
    """Back quotes are for commands."""
    return plain(text, limit).replace("`", "'")
