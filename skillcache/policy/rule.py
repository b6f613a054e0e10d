"""A rule says what a call's result depends on and how long it may be served."""

DAY = 86_400
BUILT_IN = "built-in"


class Rule:
    """One rule, built in or a person's own.

    pattern: in Claude Code's permission-rule syntax; tool, specifier: before and in its parentheses; depends: globs of
    the files it depends on, None for everything; env: names of variables it depends on besides those of every call;
    ttl, failures_ttl: seconds; failures: whether a failed run is replayed; findings: whether its status is a report
    like any other, and given however often it is asked for; enabled: False takes the calls it names from every later
    rule; normalize: patterns to level before a verification compares; tools: programs its command
    surely starts, to be identified if found; share: "team" where a team's other members may be given the results;
    invalidated_by: patterns of calls that make the results out of date; args_are_files, outputs, version: what a rule
    `Skill(name)` says of the skill's scripts; origin: the file it comes from.
    """

    __slots__ = (
        "args_are_files", "depends", "enabled", "env", "failures", "failures_ttl", "findings", "invalidated_by", "name",
        "normalize", "origin", "outputs", "pattern", "share", "specifier", "tool", "tools", "ttl", "version",
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
        share: str = "",
        invalidated_by: tuple[str, ...] = (),
        args_are_files: bool = False,
        outputs: tuple[str, ...] = (),
        version: str = "",
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
        self.share = share
        self.invalidated_by = invalidated_by
        self.args_are_files = args_are_files
        self.outputs = outputs
        self.version = version
        self.origin = origin

    def __repr__(self) -> str:
        return f"<rule {self.name} {self.pattern}>"
