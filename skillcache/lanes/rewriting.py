"""A Bash line, answered by rewriting it: the line then prints the recorded text and ends as the run did."""

import os

from skillcache import replay, seen
from skillcache.call import Call
from skillcache.consent import approved
from skillcache.consultation import Consultation
from skillcache.entry import Entry
from skillcache.errors import Bypass
from skillcache.fingerprint.shell import REPLACED
from skillcache.outcome import UNCAPTURABLE, UNDECIDED, UNFIT, Outcome
from skillcache.plan import Plan


def present(call: Call, planned: Plan, consulted: Consultation, entry: Entry) -> str | Outcome:
    """Where the person would have to be asked, the client asks about the command itself. Raises Bypass and OSError."""
    event, found, now = call.event, consulted.found, call.world.now
    directory = None
    if entry.directory is not None:
        directory = os.path.normpath(os.path.join(found.fingerprint.root, entry.directory))
        if not os.path.isdir(directory):
            raise Bypass(UNCAPTURABLE, f"{directory} is gone")
    if entry.files:
        from skillcache.skill.outputs import command_of, edited  # few entries hold files

        if edited(entry.files, found.fingerprint.root):
            return UNFIT
    path = replay.keep_text(call.cache, consulted.answer.output)
    replaced = any(row[:2] == ("shell", REPLACED) for row in found.fingerprint.rows)
    age = replay.age_of(entry, now)
    rewritten = replay.command_line(path, entry, directory, planned.command, age, replaced=replaced)
    if entry.files:
        rewritten = f"{command_of(call.cache, entry.files, found.fingerprint.root)}; {rewritten}"
    if not approved(call, rewritten, entry, consulted.project):
        return UNDECIDED
    if entry.failed:
        seen.see(call.cache, event.session_id, event.agent_id, found.digest)
    note = replay.note(entry, planned.command, replay.origin(entry, event.session_id), now=now)
    return replay.answer(event.input, rewritten, note)
