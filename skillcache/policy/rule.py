"""A rule says what a call's result depends on and how long it may be served."""

DAY = 86_400
BUILT_IN = "built-in"


class Rule:
    """One rule, built in or a person's own.

    pattern: in Claude Code's permission-rule syntax; specifier: what stands in its parentheses; depends: globs of
    the files it depends on, None for everything; env: names of variables it depends on besides those of every call;
    ttl, failures_ttl: seconds; failures: whether a failed run is replayed; enabled: False takes the calls it names
    from every later rule; normalize: patterns to level before a verification compares; tools: programs its command
    surely starts, to be identified if found; origin: the file it comes from.
    """

    __slots__ = (
        "depends",
        "enabled",
        "env",
        "failures",
        "failures_ttl",
        "name",
        "normalize",
        "origin",
        "pattern",
        "specifier",
        "tools",
        "ttl",
    )

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
        enabled: bool = True,
        normalize: tuple[str, ...] = (),
        tools: tuple[str, ...] = (),
        origin: str = BUILT_IN,
    ) -> None:
        self.name = name
        self.pattern = pattern
        self.specifier = pattern.removeprefix("Bash(").removesuffix(")")
        self.depends = depends
        self.env = env
        self.ttl = ttl
        self.failures = failures
        self.failures_ttl = failures_ttl
        self.enabled = enabled
        self.normalize = normalize
        self.tools = tools
        self.origin = origin

    def __repr__(self) -> str:
        return f"<rule {self.name} {self.pattern}>"
