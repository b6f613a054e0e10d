"""How the words of a known tool are read: which options write, ask for freshness, name files or take a value."""


class Tool:
    """One tool, or one subcommand of it; options are given as they are typed, separated by spaces.

    name: of its rule; pattern: what the README shows; needs: one of these options must be there, else it writes;
    values: options whose value is the next word; files: options whose value is a file or folder it reads; writes,
    fresh, outside: options that change something, ask for a new run, or read more than the project; safe: options
    that look like one of these and are not; subcommands: by the first operand, and then nothing else is ruled;
    building: first operands known to write; dashed: long options have one dash; goals: every operand must be one of
    these; passes: what stands after `--` are options of the same kind; env, tools: as in Rule. A `name=begin*`
    among writes, fresh or outside refuses values.
    """

    __slots__ = (
        "building",
        "dashed",
        "env",
        "files",
        "fresh",
        "goals",
        "name",
        "needs",
        "only",
        "outside",
        "passes",
        "pattern",
        "safe",
        "subcommands",
        "tools",
        "values",
        "writes",
    )

    def __init__(
        self,
        name: str,
        pattern: str = "",
        *,
        needs: str = "",
        only: str = "",
        values: str = "",
        files: str = "",
        writes: str = "",
        fresh: str = "",
        outside: str = "",
        safe: str = "",
        subcommands: "dict[str, Tool] | None" = None,
        building: str = "",
        dashed: bool = False,
        goals: "frozenset[str] | None" = None,
        passes: bool = False,
        env: str = "",
        tools: str = "",
    ) -> None:
        self.name = name
        self.pattern = pattern or f"Bash({name}:*)"
        self.needs = needs.split()
        self.only = only.split()
        self.files = files.split()
        self.values = values.split() + self.files
        self.writes = writes.split()
        self.fresh = fresh.split()
        self.outside = outside.split()
        self.safe = safe.split()
        self.subcommands = subcommands
        self.building = building.split()
        self.dashed = dashed
        self.goals = goals
        self.passes = passes
        self.env = tuple(env.split())
        self.tools = tuple(tools.split())

    def __repr__(self) -> str:
        return f"<tool {self.name}>"
