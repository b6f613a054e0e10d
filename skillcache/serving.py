"""From a planned call to the hook's answer: a replay, or nothing and the miss remembered for the end of the run."""

from skillcache import durations
from skillcache.call import Call, make_call
from skillcache.errors import Bypass
from skillcache.event import ToolEvent
from skillcache.outcome import NO_RULE, REPLAYED, UNCAPTURABLE, UNDECIDED, UNREADABLE_ENTRY, VERIFY
from skillcache.pending import Pending
from skillcache.plan import Plan
from skillcache.runtime import World

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.consultation import Consultation
    from skillcache.entry import Entry


def answer(event: ToolEvent, world: World, claimed: Pending) -> str | None:
    """The text for standard output, '' for none; None when the call is not ours. Raises SkillcacheError and OSError."""
    call = make_call(event, world)
    if call is None:
        return None
    name = ""
    try:
        planned = call.plan()
        name = planned.name
        return _answer(call, planned, claimed)
    except Bypass as bypass:
        if bypass.outcome is NO_RULE:
            return None
        call.count(bypass.outcome, name, run=_expected(call))
        return ""


def _expected(call: Call) -> int:
    """Milliseconds that the run now beginning is likely to take, 0 when nothing is known of it."""
    return durations.learnt(call.cache, call.folder, call.command) or 0


def _answer(call: Call, planned: Plan, claimed: Pending) -> str:
    from skillcache.consultation import consult  # most calls end above
    from skillcache.decision import chosen_for_verification

    consulted = consult(call, planned)
    outcome = consulted.answer.outcome
    if consulted.answer.entry is not None:
        if not _ends_where_the_line_does(call, planned, consulted, consulted.answer.entry):
            outcome = UNREADABLE_ENTRY
        elif chosen_for_verification(call.event.tool_use_id, call.settings.number("verify")):
            outcome = VERIFY
        elif text := _serve(call, planned, consulted, consulted.answer.entry):
            return text
        else:
            outcome = UNDECIDED
    from skillcache.miss import Miss

    miss = Miss(
        key=consulted.found.key,
        cwd=call.event.cwd,
        project=consulted.project,
        started=int(call.world.now * 1000),
        since=claimed.since,
        generations=consulted.generations,
        verifies=outcome is VERIFY,
    )
    claimed.save(miss.record())
    call.count(outcome, planned.name)
    return ""


def _ends_where_the_line_does(call: Call, planned: Plan, consulted: "Consultation", entry: "Entry") -> bool:
    """Whoever may write to a shared store has no say in where the person's shell goes."""
    if entry.directory is None:
        return True
    import os  # few lines move the shell

    there = os.path.realpath(os.path.join(call.event.cwd, planned.verdict.ends_in))
    return os.path.normpath(os.path.join(consulted.found.fingerprint.root, entry.directory)) == there


def _serve(call: Call, planned: Plan, consulted: "Consultation", entry: "Entry") -> str:
    """The replay, or '' where the person would have to be asked: the client then asks about the command itself."""
    import os

    from skillcache import replay, seen, writer  # a miss needs none of them
    from skillcache.consent import approved
    from skillcache.fingerprint.shell import REPLACED

    event, found, now = call.event, consulted.found, call.world.now
    directory = None
    if entry.directory is not None:
        directory = os.path.normpath(os.path.join(found.fingerprint.root, entry.directory))
        if not os.path.isdir(directory):
            raise Bypass(UNCAPTURABLE, f"{directory} is gone")
    path = replay.keep_text(call.cache, consulted.answer.output)
    replaced = any(row[:2] == ("shell", REPLACED) for row in found.fingerprint.rows)
    age = replay.age_of(entry, now)
    rewritten = replay.command_line(path, entry, directory, planned.command, age, replaced=replaced)
    if not approved(call, rewritten, entry, consulted.project):
        return ""
    here = writer.is_same_person(entry.writer)
    if entry.failed:
        seen.see(call.cache, event.session_id, event.agent_id, found.digest)
    same_session = here and entry.writer.get("session") == event.session_id
    note = replay.note(entry, planned.command, here=here, same_session=same_session, now=now)
    text = replay.answer(event.input, rewritten, note)
    call.count(REPLAYED, planned.name, run=entry.duration)
    return text
