"""PreToolUse: looks the call up; answers with a replay, or says nothing and remembers the miss for PostToolUse."""

import os

from skillcache import durations, pending, quarantine, replay, seen, tally, writer
from skillcache.decision import Answer, Plan, chosen_for_verification, decide, plan
from skillcache.digest import sha256
from skillcache.errors import Bypass
from skillcache.event import ToolEvent, parse_tool_event
from skillcache.lookup import Lookup, look
from skillcache.outcome import ASK_RULE, DENY_RULE, NO_RULE, QUARANTINED, REPLAYED, TOO_FAST, VERIFY
from skillcache.policy import rules_of
from skillcache.project import identity
from skillcache.redis_keys import entry_key
from skillcache.runtime import World
from skillcache.settings import Settings, load
from skillcache.stores import open_store


def handle(data: bytes, world: World) -> str:
    """Raises SkillcacheError and OSError: the runtime counts them and the call goes on untouched."""
    event = parse_tool_event(data)
    if event.tool != "Bash":
        return ""
    folder = world.environ.get("CLAUDE_PROJECT_DIR") or event.cwd
    settings = load(world.environ, folder)
    if settings.flag("disable"):
        return ""
    name = ""
    try:
        planned = plan(event, rules_of(settings))
        name = planned.name
        # From here on this process alone handles the call, whatever comes of it.
        claimed = pending.begin(settings.cache, event.tool_use_id)
        if claimed is None:
            return ""
        return _look_up(event, world, settings, planned, claimed, folder)
    except Bypass as bypass:
        if bypass.outcome is not NO_RULE:
            tally.record(settings.cache, world.now, bypass.outcome, name, spent=world.spent())
        return ""


def _look_up(
    event: ToolEvent, world: World, settings: Settings, planned: Plan, claimed: pending.Pending, folder: str
) -> str:
    cache = settings.cache
    learnt = durations.learnt(cache, folder, planned.command)
    if learnt is not None and learnt < settings.number("min_duration") * 1000 and not planned.fresh:
        raise Bypass(TOO_FAST)
    found = look(planned, event.cwd, world.environ, seconds=settings.number("capture_time"))
    project = identity(found.fingerprint.root)
    if quarantine.rests(cache, project, planned.name, world.now):
        raise Bypass(QUARANTINED)
    store = open_store(settings.store, now=world.now)
    stored = store.get(entry_key(planned.name, found.digest), planned.names)
    store.close()
    generations = dict(zip(planned.names, stored.generations, strict=True))
    answer = decide(
        planned,
        key=found.key,
        found=stored.entry,
        generations=generations,
        root=found.fingerprint.root,
        now=world.now,
        seen_failure=planned.failures and seen.has_seen(cache, event.session_id, event.agent_id, found.digest),
    )
    outcome = answer.outcome
    if outcome is REPLAYED:
        if not chosen_for_verification(sha256(event.tool_use_id.encode("utf-8", "replace")), settings.number("verify")):
            return _serve(event, world, settings, planned, found, answer, project)
        outcome = VERIFY
    claimed.save(_record(event, world, planned, found, generations, project, verifies=outcome is VERIFY))
    tally.record(cache, world.now, outcome, planned.name, spent=world.spent())
    return ""


def _serve(
    event: ToolEvent,
    world: World,
    settings: Settings,
    planned: Plan,
    found: Lookup,
    answer: Answer,
    project: str,
) -> str:
    from skillcache import permissions  # a miss does not need them

    entry = answer.entry
    assert entry is not None  # noqa: S101 - REPLAYED carries its entry
    environ = world.environ
    rules = permissions.load(event.cwd, environ.get("CLAUDE_PROJECT_DIR") or event.cwd, environ)
    verdict = rules.verdict(str(event.input["command"]))
    if verdict == "deny":
        raise Bypass(DENY_RULE)
    if verdict == "ask":
        raise Bypass(ASK_RULE)
    directory = None
    if entry.directory is not None:
        directory = os.path.normpath(os.path.join(found.fingerprint.root, entry.directory))
        if not os.path.isdir(directory):
            raise Bypass(UNCAPTURABLE, f"{directory} is gone")
    if entry.status and not entry.meaning:
        seen.see(settings.cache, event.session_id, event.agent_id, found.digest)
    here = writer.is_same_person(entry.writer)
    path = replay.keep_text(settings.cache, answer.output)
    age = replay.age_of(entry, world.now)
    text = replay.answer(
        event.input,
        replay.command_line(path, entry, directory, planned.command, age),
        replay.note(
            entry,
            here=here,
            same_session=here and entry.writer.get("session") == event.session_id,
            now=world.now,
        ),
        allow=(here and entry.project == project) or verdict == "allow",
    )
    tally.record(settings.cache, world.now, REPLAYED, planned.name, saved=entry.duration, spent=world.spent())
    return text


def _record(
    event: ToolEvent,
    world: World,
    planned: Plan,
    found: Lookup,
    generations: dict[str, int],
    project: str,
    *,
    verifies: bool,
) -> dict[str, object]:
    """What PostToolUse compares and stores: see `skillcache.handlers.post_tool_use`."""
    return {
        "cwd": event.cwd,
        "started": int(world.now * 1000),
        "key": found.key,
        "generations": generations,
        "project": project,
        "verifies": verifies,
    }
