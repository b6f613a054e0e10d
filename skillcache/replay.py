"""Turns an entry into the words Claude Code understands: a rewritten command and a factual note.

The rewritten command prints the recorded text with `cat`, leaves the shell where the run left it and ends with the
recorded status; a comment tells a person who looks what happened. Observed on the client: a call whose status is
not 0 never moves the shell, and a last `grep` or `[` that ends with 1 is no failure.
"""

from skillcache import files, jsontext
from skillcache.digest import digest
from skillcache.entry import Entry
from skillcache.paths import replays_folder
from skillcache.writer import is_same_person

FRESH = "# fresh"
_NAMED = 5  # files that the note names
_COMMENT = 160  # characters of the original command that the comment repeats


def keep_text(cache: str, output: bytes) -> str:
    """The path of a private file that holds `output`. Raises OSError."""
    import os  # on a hit only

    path = f"{replays_folder(cache)}/{digest(output)}"
    if files.read(path, len(output)) == output:  # it may have been written over, or half-lost with the power
        try:
            os.utime(path)  # keeps it from the sweep until it has been printed
        except FileNotFoundError:
            pass
        else:
            return path
    files.write(path, output)
    return path


def command_line(
    path: str, entry: Entry, directory: str | None, original: str, age: str, *, replaced: bool = False
) -> str:
    """`path`: file of the text; `directory`: absolute, where the shell is to be left, None for where it is.

    `replaced`: the person's shell may have `cat` or `cd` mean something else.
    """
    parts = [f"{'command ' if replaced else ''}cat {quote(path)}"]
    if entry.meaning:
        parts.append("[ ]")  # a last status of 1 that the client takes for no failure, as it did the grep's
    elif entry.status:
        parts.append(f"exit {entry.status}")
    elif directory is not None:
        parts.append(f"{'builtin ' if replaced else ''}cd {quote(directory)}")
    return f"{'; '.join(parts)} # skillcache: recorded {age} ago by: {_one_line(original)}"


def origin(entry: Entry, session_id: str) -> str:
    """Who recorded it, as `session_id` would say."""
    if not is_same_person(entry.writer):
        return f"by {_word(entry.writer.get('user'))} on {_word(entry.writer.get('host'))}"
    same = entry.writer.get("session") == session_id
    return "in this session" if same else "on this machine, by another session"


def note(entry: Entry, command: str, who: str, *, now: float) -> str:
    """What the model is told beside the result: facts, and how to get a fresh run. `who`: see `origin`.

    It names the command, as the client gives the notes of parallel calls in one.
    """
    status = f" with exit status {entry.status}" if entry.status else ""
    names = [_one_line(file.path) for file in entry.files[:_NAMED]]
    more = f" and {len(entry.files) - _NAMED} more" if len(entry.files) > _NAMED else ""
    wrote = f" What it wrote was put back: {', '.join(names)}{more}." if names else ""
    return (
        f"skillcache: the result of `{_one_line(command)}` is the recorded one of the same command on the same inputs,"
        f" not a new run. It was recorded {age_of(entry, now)} ago {who}{status}; nothing it depends on has changed"
        f" since. The run took {entry.duration / 1000:.1f} s.{wrote} A command that ends in `{FRESH}` always runs."
    )


def answer(tool_input: dict[str, object], rewritten: str, context: str) -> str:
    """The hook's standard output."""
    kept = {name: tool_input[name] for name in ("description", "timeout") if name in tool_input}
    output: dict[str, object] = {
        "hookEventName": "PreToolUse",
        "permissionDecision": "allow",
        "permissionDecisionReason": "skillcache: recorded result",
        "updatedInput": {"command": rewritten} | kept,
        "additionalContext": context,
    }
    return jsontext.dumps({"hookSpecificOutput": output})


def age_of(entry: Entry, now: float) -> str:
    """How long ago the run ended, in one unit."""
    seconds = max(0, int(now - entry.finished / 1000))
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= 2 * size or (unit == "minute" and seconds >= size):
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{seconds} second{'s' if seconds != 1 else ''}"


def quote(text: str) -> str:
    """One word of the shell, whatever it holds."""
    return "'" + text.replace("'", "'\\''") + "'"


def _one_line(text: str) -> str:
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain if len(plain) <= _COMMENT else plain[: _COMMENT - 3] + "..."


def _word(text: str | None) -> str:
    """A name from the store, which others may write, as one harmless word."""
    plain = "".join(c for c in text or "" if c.isalnum() or c in "-_.@")
    return plain[:64] or "someone"
