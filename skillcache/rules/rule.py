"""A rule says what a call's result depends on and how long it may be served; the person's own, from their tables."""

from skillcache.settings.in_force import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

DAY = 86_400
BUILT_IN = "built-in"


class Rule:
    """One rule, built in or a person's own.

    pattern: in Claude Code's permission-rule syntax; tool, specifier: before and in its parentheses; depends: globs of
    the files it depends on, None for everything; env: names of variables it depends on besides those of every call;
    ttl, failures_ttl: seconds; failures: whether a failed run is replayed; findings: whether its status is a report
    like any other, and given however often it is asked for; enabled: False takes the calls it names from every later
    rule; normalize: patterns to level before a verification compares; tools: programs its command
    surely starts, to be identified if found; reads: paths that it reads or looks for besides the project, as a person
    writes them: relative to the top of the project, absolute or from `~/`, with a `/` at the end where the names in a
    folder count and nothing in it; live: whether it talks to what no key holds, so that it always runs, or for how many
    seconds at most a result is given; ahead: whether its commands may run before they are asked for, None where nothing
    is said; adds: whether it says nothing else, and so adds to whatever rule names the call;
    share: "team" where a team's other members may be given the results;
    invalidated_by: patterns of calls that make the results out of date; args_are_files, outputs, version: what a rule
    `Skill(name)` says of the skill's scripts; origin: the file it comes from.
    """

    __slots__ = (
        "adds", "ahead", "args_are_files", "depends", "enabled", "env", "failures", "failures_ttl", "findings",
        "invalidated_by", "live", "name", "normalize", "origin", "outputs", "pattern", "reads", "share", "specifier",
        "tool", "tools", "ttl", "version",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        pattern: str,
        *,
        depends: tuple[str, ...] | None = None,
        env: tuple[str, ...] = (),
        ttl: int = DAY,
        failures: bool = False,
        failures_ttl: int = 600,
        findings: bool = False,
        enabled: bool = True,
        normalize: tuple[str, ...] = (),
        tools: tuple[str, ...] = (),
        reads: tuple[str, ...] = (),
        live: int | bool = False,
        adds: bool = False,
        share: str = "",
        invalidated_by: tuple[str, ...] = (),
        args_are_files: bool = False,
        outputs: tuple[str, ...] = (),
        version: str = "",
        ahead: bool | None = None,
        origin: str = BUILT_IN,
    ) -> None:
        self.name = name
        self.pattern = pattern
        self.tool, _, inside = pattern.partition("(")
        self.specifier = inside.removesuffix(")").replace("\\(", "(").replace("\\)", ")")
        self.depends = depends
        self.env = env
        self.ttl = ttl
        self.failures = failures
        self.failures_ttl = failures_ttl
        self.findings = findings
        self.enabled = enabled
        self.normalize = normalize
        self.tools = tools
        self.reads = reads
        self.live = live
        self.adds = adds
        self.share = share
        self.invalidated_by = invalidated_by
        self.args_are_files = args_are_files
        self.outputs = outputs
        self.version = version
        self.ahead = ahead
        self.origin = origin

    def __repr__(self) -> str:
        return f"<rule {self.name} {self.pattern}>"

    def with_more(self, others: "Iterable[Rule]") -> "Rule":
        """The same rule and what these add to it; the strictest words on `live` and `ahead` count."""
        more = object.__new__(Rule)
        for name in Rule.__slots__:
            setattr(more, name, getattr(self, name))
        for other in others:
            more.tools = (*more.tools, *other.tools)
            more.reads = (*more.reads, *other.reads)
            more.live = stricter(more.live, other.live)
            more.ahead = other.ahead if more.ahead is None else more.ahead and other.ahead is not False
        return more


# A rule of the latter and of nothing else but the former adds to whatever rule names the call.
_NAMING = frozenset(["match", "name", "origin"])
_ADDED = frozenset(["reads", "tools", "live", "ahead"])


def stricter(one: int | bool, other: int | bool) -> int | bool:
    """Of two words on `live`."""
    if one is True or other is True:
        return True
    return min(one, other) if one and other else one or other


# What a rule about a tool whose results do not depend on files says of their age, unless it says so itself.
ONLINE_TTL = 3_600  # seconds


def rules_of(settings: Settings) -> tuple[Rule, ...]:
    """The project's rules first, then the person's: the first that names a call counts.

    What may differ is said by the person alone, for a rule of the project by one with the same `match`.
    """
    defaults: dict[str, object] = {name: int(settings.number(name)) for name in ("ttl", "failures_ttl")}
    by_file: dict[object, list[Rule]] = {}
    leveled = {table["match"]: table["normalize"] for table in settings.rules if "normalize" in table}
    for table in settings.rules:
        is_leveled = table["match"] in leveled and not _adds(table)
        known = {"normalize": leveled[table["match"]]} if is_leveled else {}
        by_file.setdefault(table["origin"], []).append(_rule({**known, **table}, defaults))
    return tuple(rule for rules in reversed(by_file.values()) for rule in rules)


def _rule(table: dict[str, object], defaults: dict[str, object]) -> Rule:
    """`table` was checked by `skillcache.settings.configuration`."""
    given = {name: _frozen(value) for name, value in table.items() if name not in {"match", "name"}}
    pattern = str(table["match"])
    if pattern.startswith(("WebFetch", "WebSearch", "mcp__")):
        defaults = {**defaults, "ttl": ONLINE_TTL, "depends": ()}
    elif pattern.startswith("Skill("):
        defaults = {**defaults, "ttl": 0}  # what the skill says
    given["adds"] = _adds(table)
    return Rule(str(table.get("name") or name_of(pattern)), pattern, **{**defaults, **given})  # type: ignore[arg-type]


def _adds(table: dict[str, object]) -> bool:
    return not _ADDED.isdisjoint(table) and table.keys() <= _NAMING | _ADDED


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def name_of(pattern: str) -> str:
    """What counters and entries call the rule: a command's first word, the skill, or the tool with what it is of."""
    tool, _, inside = pattern.partition("(")
    specifier = inside.removesuffix(")")
    if tool == "Bash":
        words = specifier.split(" ")[0].removesuffix(":*").rpartition("/")[2]
    elif tool == "Skill":
        return specifier
    else:
        words = f"{tool.rstrip('_*')}-{specifier.removeprefix('domain:')}" if specifier else tool.rstrip("_*")
    kept = "" if tool == "Bash" else "_"
    return "".join(c if (c.isalnum() and c.isascii()) or c in kept else "-" for c in words).strip("-") or "rule"
