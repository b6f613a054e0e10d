"""PreToolUse: looks the call up; answers with a replay, or says nothing and remembers the miss for PostToolUse."""

import os

from skillcache import durations, pending, replay, seen, writer
from skillcache.approval import approved
from skillcache.call import Call, read_bash_call
from skillcache.consultation import Consultation, consult
from skillcache.decision import Plan, chosen_for_verification
from skillcache.entry import Entry
from skillcache.errors import Bypass
from skillcache.miss import Miss
from skillcache.outcome import (
    NO_RULE,
    REPLAYED,
    UNCAPTURABLE,
    UNDECIDED,
    VERIFY,
)
from skillcache.runtime import World


def handle(data: bytes, world: World) -> str:
    """Raises SkillcacheError and OSError: the runtime counts them and the call goes on untouched."""
    call = read_bash_call(data, world)
    if call is None:
        return ""
    planned, bypass = None, None
    try:
        planned = call.plan()
    except Bypass as raised:
        bypass = raised
        if bypass.outcome is NO_RULE:
            return ""
    # From here on this process alone handles the call, whatever comes of it.
    claimed = pending.begin(call.cache, call.event.tool_use_id)
    if claimed is None:
        return ""
    if planned is not None:
        try:
            return _look_up(call, planned, claimed)
        except Bypass as raised:
            bypass = raised
    if bypass is not None:
        call.count(bypass.outcome, planned.name if planned else "", run=_expected(call))
    return ""


def _expected(call: Call) -> int:
    """Milliseconds that the run now beginning is likely to take, 0 when nothing is known of it."""
    return durations.learnt(call.cache, call.folder, str(call.event.input.get("command"))) or 0


def _look_up(call: Call, planned: Plan, claimed: pending.Pending) -> str:
    consulted = consult(call, planned)
    outcome = consulted.answer.outcome
    if consulted.answer.entry is not None:
        if chosen_for_verification(call.event.tool_use_id, call.settings.number("verify")):
            outcome = VERIFY
        elif text := _serve(call, planned, consulted, consulted.answer.entry):
            return text
        else:
            outcome = UNDECIDED
    miss = Miss(
        key=consulted.found.key,
        cwd=call.event.cwd,
        project=consulted.project,
        started=int(call.world.now * 1000),
        generations=consulted.generations,
        verifies=outcome is VERIFY,
    )
    claimed.save(miss.record())
    call.count(outcome, planned.name)
    return ""


def _serve(call: Call, planned: Plan, consulted: Consultation, entry: Entry) -> str:
    """The replay, or '' where the person would have to be asked: the client then asks about the command itself."""
    event, found, now = call.event, consulted.found, call.world.now
    directory = None
    if entry.directory is not None:
        directory = os.path.normpath(os.path.join(found.fingerprint.root, entry.directory))
        if not os.path.isdir(directory):
            raise Bypass(UNCAPTURABLE, f"{directory} is gone")
    path = replay.keep_text(call.cache, consulted.answer.output)
    rewritten = replay.command_line(path, entry, directory, planned.command, replay.age_of(entry, now))
    if not approved(call, rewritten, entry, consulted.project):
        return ""
    here = writer.is_same_person(entry.writer)
    if entry.status and not entry.meaning:
        seen.see(call.cache, event.session_id, event.agent_id, found.digest)
    same_session = here and entry.writer.get("session") == event.session_id
    note = replay.note(entry, here=here, same_session=same_session, now=now)
    text = replay.answer(event.input, rewritten, note)
    call.count(REPLAYED, planned.name, run=entry.duration)
    return text
