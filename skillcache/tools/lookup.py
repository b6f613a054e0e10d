"""A call, planned and looked up: which rule names it, what its key is made of, and what is stored of it.

PreToolUse, PostToolUse and `skillcache explain` all come through here, so that they speak of the same key.
"""

import os
import time

from skillcache.cache import history
from skillcache.cache.decision import Answer, CallKey, Inquiry, Plan, ask
from skillcache.cache.history import Breaker
from skillcache.claude import DEFAULT_AGENT, ToolEvent, urls
from skillcache.claude.patterns import fits, names
from skillcache.core import Record, outcomes
from skillcache.core.git import find_root, identity
from skillcache.core.outcomes import NO_RULE, QUARANTINED, SECRET, Bypass, Outcome
from skillcache.rules.rule import Rule, rules_of
from skillcache.settings.in_force import Settings, load
from skillcache.stores import open_near
from skillcache.stores.contract import entry_key, project_name, team_name
from skillcache.stores.entry import JSON, Row
from skillcache.tools import registry
from skillcache.tools.registry import kind_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillcache.fingerprint.capture import Fingerprint
    from skillcache.stores.contract import Store
    from skillcache.tools import World


# Their results depend on no file: they are kept for a time.
BUILT_IN = {
    "WebFetch": Rule("WebFetch", "WebFetch", depends=(), ttl=3_600),
    "WebSearch": Rule("WebSearch", "WebSearch", depends=(), ttl=900),
}
_DOMAIN = "domain:"


def plan_of(event: ToolEvent, rules: tuple[Rule, ...]) -> Plan:
    """Raises Bypass."""
    kind = kind_of(event.tool)
    rule = rule_for(event.tool, event.input, rules)
    if kind is None or rule is None or not event.tool.isprintable():  # it names the entry
        raise Bypass(NO_RULE)
    described = kind.describe(event)
    return Plan(described.text, rule, tool=event.tool, described=described, ttl=rule.ttl, failures_ttl=rule.ttl)


def rule_for(tool: str, tool_input: dict[str, object], rules: tuple[Rule, ...]) -> Rule | None:
    """The rule that names a call; `rules`: the person's own, the first that does counting."""
    for rule in rules:
        if (
            rule.tool not in {"Bash", "Skill"}
            and names(rule.tool, tool)
            and _specified(rule.specifier, tool, tool_input)
        ):
            return rule if rule.enabled else None
    return BUILT_IN.get(tool)


def _specified(specifier: str, tool: str, tool_input: dict[str, object]) -> bool:
    if not specifier:
        return True
    if tool == "Agent":
        return fits(specifier.split("*"), str(tool_input.get("subagent_type") or DEFAULT_AGENT))
    try:
        host = urls.split(str(tool_input.get("url"))).host
    except ValueError:  # an address that is not looked up
        return False
    return specifier.startswith(_DOMAIN) and urls.is_domain(specifier.removeprefix(_DOMAIN), host)


class Call(Record):
    event: ToolEvent
    world: "World"
    folder: str  # the directory Claude Code was started in, which names the project's own files
    settings: Settings

    @property
    def cache(self) -> str:
        return self.settings.cache

    def open_store(self) -> "Store":
        """Raises ConfigError."""
        return self.world.open_store(self.settings.store)

    def plan(self) -> Plan:
        """Raises Bypass."""
        return plan_of(self.event, rules_of(self.settings))

    def team(self, planned: Plan) -> str:
        """The team whose results the call may be answered with and that may be given its own, "" for none."""
        return self.settings.word("team") if planned.shared else ""

    def count(self, outcome: Outcome, rule: str = "", *, run: int = 0) -> None:
        """`run`: milliseconds of the run that was replaced or has ended."""
        about = (self.folder, self.event.session_id, self.event.tool)
        outcomes.record(self.cache, self.world.now, outcome, rule, run=run, spent=self.world.spent(), call=about)


def make_call(event: ToolEvent, world: "World") -> Call | None:
    """None where a setting switches us off. Raises ConfigError."""
    folder = world.environ.get("CLAUDE_PROJECT_DIR") or event.cwd
    settings = load(world.environ, folder)
    return None if settings.flag("disable") else Call(event, world, folder, settings)


def capture_key(plan: Plan, event: ToolEvent, cwd: str, environ: "Mapping[str, str]", *, seconds: float) -> CallKey:
    """Capture now, within `seconds`. `cwd`: where the call begins. Raises Bypass."""
    if plan.depends == ():  # it looks at no content
        return _capture_key(plan, event, cwd, environ, seconds=seconds)
    breaker = breaker_of(event, cwd, environ, seconds)
    breaker.require_quick()
    try:
        return _capture_key(plan, event, cwd, environ, seconds=seconds)
    except Bypass as bypass:
        breaker.blame(bypass)
        raise


def breaker_of(event: ToolEvent, cwd: str, environ: "Mapping[str, str]", seconds: float) -> Breaker:
    real = os.path.realpath(cwd)
    return Breaker(find_root(real) or real, event.session_id, environ, seconds)


def _capture_key(plan: Plan, event: ToolEvent, cwd: str, environ: "Mapping[str, str]", *, seconds: float) -> CallKey:
    kind, described = registry.kind_of(plan.tool), plan.described
    assert kind is not None  # noqa: S101 - the plan was made by it
    assert described is not None  # noqa: S101
    narrowing: tuple[Row, ...] = ()
    if plan.depends:
        from skillcache.core import json  # few rules narrow

        narrowing = (("depends", "", json.dumps(list(plan.depends))),)
    folder = environ.get("CLAUDE_PROJECT_DIR") or cwd
    called = (*described.rows, *narrowing, *kind.surroundings(event, folder, environ))
    return CallKey(called, _capture(plan, cwd, environ, seconds))


def _capture(plan: Plan, cwd: str, environ: "Mapping[str, str]", seconds: float) -> "Fingerprint":
    from skillcache.fingerprint.capture import Fingerprint, Request, capture

    if plan.depends == ():
        real = os.path.realpath(cwd)
        return Fingerprint(find_root(real) or real, _variables(plan, environ), {})
    deadline = time.monotonic() + seconds
    # The environment is the hook's: what tools are known to read is likely the same where the call runs, no more.
    return capture(Request(cwd, environ, deadline, depends=plan.depends, variables=plan.variables, usual=True))


def _variables(plan: Plan, environ: "Mapping[str, str]") -> tuple[Row, ...]:
    from skillcache.core.files import digest, keyed

    return tuple(
        ("env", name, keyed(digest(environ[name].encode("utf-8", "surrogateescape"))) if name in environ else "unset")
        for name in plan.variables
    )


class Consultation(Record):
    answer: Answer
    found: CallKey  # the key and what was captured
    project: str  # its identity
    generations: dict[str, int]  # of every name of the call, now


def consult(call: Call, planned: Plan) -> Consultation:
    """One round trip to the store. Raises Bypass and StoreError."""
    event, settings, now = call.event, call.settings, call.world.now
    found = capture_key(planned, event, event.cwd, call.world.environ, seconds=settings.number("capture_time"))
    project = identity(found.fingerprint.root)
    # In shadow mode nothing is served, so there is nothing to rest from.
    if settings.number("verify") < 1:
        for name in {planned.name, planned.rule}:
            if history.rests(call.cache, project, name, now):
                raise Bypass(QUARANTINED)
    team = call.team(planned)
    asked = (*planned.names, project_name(project), *((team_name(team),) if team else ()))
    store = open_near(call.open_store, settings.store, call.cache, seconds=settings.number("near_cache"), now=now)
    key, also = entry_key(planned.name, found.digest), entry_key(planned.name, found.digest, team) if team else None
    inquiry = Inquiry(
        key=found.key,
        names=planned.names,
        generations={},
        root=found.fingerprint.root,
        place="",
        now=now,
        form=JSON,
        failures=False,
        most=int(settings.number("max_output")),
    )
    answer, generations = ask(store, planned, inquiry, key, asked, also)
    store.close()
    if answer.entry is None:
        _require_no_secret(event)
    return Consultation(answer, found, project, generations)


def _require_no_secret(event: ToolEvent) -> None:
    """Raises Bypass: the result would not be stored, so nobody is to wait for it, and no file is to hold its call."""
    from skillcache.core.credentials.find import find, spelled  # dear, and the call now takes its time

    if find(spelled(event.input)):
        raise Bypass(SECRET)
