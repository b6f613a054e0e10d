"""PreToolUse: looks the call up; answers with a replay, or says nothing and remembers the miss for PostToolUse."""

import os

from skillcache import durations, pending, quarantine, replay, seen, writer
from skillcache.call import Call, read_bash_call
from skillcache.decision import Plan, chosen_for_verification, decide, plan
from skillcache.entry import Entry
from skillcache.errors import Bypass
from skillcache.lookup import Lookup, look
from skillcache.miss import Miss
from skillcache.outcome import (
    ASK_RULE,
    DENY_RULE,
    NO_RULE,
    QUARANTINED,
    REPLAYED,
    TOO_FAST,
    UNCAPTURABLE,
    UNDECIDED,
    VERIFY,
    Outcome,
)
from skillcache.policy import rules_of
from skillcache.project import identity
from skillcache.redis_keys import entry_key
from skillcache.runtime import World
from skillcache.stores import open_store


def handle(data: bytes, world: World) -> str:
    """Raises SkillcacheError and OSError: the runtime counts them and the call goes on untouched."""
    call = read_bash_call(data, world)
    if call is None:
        return ""
    name = ""
    try:
        planned = plan(call.event, rules_of(call.settings))
        name = planned.name
        # From here on this process alone handles the call, whatever comes of it.
        claimed = pending.begin(call.cache, call.event.tool_use_id)
        if claimed is None:
            return ""
        return _look_up(call, planned, claimed)
    except Bypass as bypass:
        if bypass.outcome is not NO_RULE:
            call.count(bypass.outcome, name)
        return ""


def _look_up(call: Call, planned: Plan, claimed: pending.Pending) -> str:
    event, settings, now = call.event, call.settings, call.world.now
    learnt = durations.learnt(call.cache, call.folder, planned.command)
    if learnt is not None and learnt < settings.number("min_duration") * 1000 and not planned.fresh:
        raise Bypass(TOO_FAST)
    found = look(planned, event.cwd, call.world.environ, seconds=settings.number("capture_time"))
    project = identity(found.fingerprint.root)
    share = settings.number("verify")
    if share < 1 and quarantine.rests(call.cache, project, planned.name, now):
        raise Bypass(QUARANTINED)
    store = open_store(settings.store, now=now)
    stored = store.get(entry_key(planned.name, found.digest), planned.names)
    store.close()
    generations = dict(zip(planned.names, stored.generations, strict=True))
    answer = decide(
        planned,
        key=found.key,
        found=stored.entry,
        generations=generations,
        root=found.fingerprint.root,
        now=now,
        seen_failure=planned.failures and seen.has_seen(call.cache, event.session_id, event.agent_id, found.digest),
    )
    outcome = answer.outcome
    if answer.entry is not None:
        if chosen_for_verification(event.tool_use_id, share):
            outcome = VERIFY
        elif text := _serve(call, planned, found, answer.entry, answer.output, project):
            return text
        else:
            outcome = UNDECIDED
    miss = Miss(
        key=found.key,
        cwd=event.cwd,
        project=project,
        started=int(now * 1000),
        generations=generations,
        verifies=outcome is VERIFY,
    )
    claimed.save(miss.record())
    call.count(outcome, planned.name)
    return ""


def _serve(call: Call, planned: Plan, found: Lookup, entry: Entry, output: bytes, project: str) -> str:
    """The replay, or '' where the person would have to be asked: the client then asks about the command itself."""
    event, now = call.event, call.world.now
    directory = None
    if entry.directory is not None:
        directory = os.path.normpath(os.path.join(found.fingerprint.root, entry.directory))
        if not os.path.isdir(directory):
            raise Bypass(UNCAPTURABLE, f"{directory} is gone")
    path = replay.keep_text(call.cache, output)
    rewritten = replay.command_line(path, entry, directory, planned.command, replay.age_of(entry, now))
    here = writer.is_same_person(entry.writer)
    if not _may_allow(call, rewritten, recorded_here=here and entry.project == project):
        return ""
    if entry.status and not entry.meaning:
        seen.see(call.cache, event.session_id, event.agent_id, found.digest)
    same_session = here and entry.writer.get("session") == event.session_id
    note = replay.note(entry, here=here, same_session=same_session, now=now)
    text = replay.answer(event.input, rewritten, note)
    call.count(REPLAYED, planned.name, saved=entry.duration)
    return text


def _may_allow(call: Call, rewritten: str, *, recorded_here: bool) -> bool:
    """Whether the person has allowed this command before. Raises Bypass when a rule of theirs stops it."""
    from skillcache import permissions  # a miss does not need them

    event = call.event
    rules = permissions.load(event.cwd, call.world.environ)
    verdict = rules.verdict(str(event.input["command"]))
    # The client judges the rewritten command as well: a rule against our `cat` would stop the call.
    _stop_at({verdict, rules.verdict(rewritten)})
    return recorded_here or verdict == "allow" or event.permission_mode == "bypassPermissions"


def _stop_at(verdicts: set[str | None]) -> None:
    stops: dict[str, Outcome] = {"deny": DENY_RULE, "ask": ASK_RULE}
    for verdict, outcome in stops.items():
        if verdict in verdicts:
            raise Bypass(outcome)
