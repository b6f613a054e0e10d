"""How the words of a known tool are read: an option that its table does not hold makes the command one that runs."""


class Tool:
    """One tool, or one subcommand of it; options are given as they are typed, separated by spaces.

    name: of its rule; pattern: what the README shows; needs: one of these options must be there, else it writes; only:
    the same, else no rule names it; flags: options without a value, and words such as `--watch=false`; values: options
    whose value is the next word, behind `=` or glued to a letter; maybe: those whose value may be left out, and is
    never the next word; files: as values, of a file or folder that is read. `option=begin*` and `option=exact` among
    these let such values through and no other. writes, fresh, outside: options that are refused, and why: a name that
    says so itself need not be among them. after: what the options behind `--` belong to; subcommands: by the first
    operand, and then nothing else is ruled; building: first operands known to write; dashed: long options have one
    dash; ordered: options end at the first operand; single: each letter of a cluster is an option, never a value;
    marks: how a word begins that is no operand; goals: every operand must be one of these; env, tools: as in Rule.
    """

    __slots__ = (
        "_typed",
        "after",
        "building",
        "dashed",
        "env",
        "files",
        "flags",
        "fresh",
        "goals",
        "marks",
        "maybe",
        "name",
        "needs",
        "only",
        "ordered",
        "outside",
        "pattern",
        "single",
        "subcommands",
        "tools",
        "values",
        "writes",
    )
    needs: tuple[str, ...]
    only: tuple[str, ...]
    flags: tuple[str, ...]
    values: dict[str, tuple[str, ...]]
    maybe: dict[str, tuple[str, ...]]
    files: tuple[str, ...]
    writes: tuple[str, ...]
    fresh: tuple[str, ...]
    outside: tuple[str, ...]
    building: tuple[str, ...]
    marks: tuple[str, ...]
    env: tuple[str, ...]
    tools: tuple[str, ...]

    def __init__(
        self,
        name: str,
        pattern: str = "",
        *,
        needs: str = "",
        only: str = "",
        flags: str = "",
        values: str = "",
        maybe: str = "",
        files: str = "",
        writes: str = "",
        fresh: str = "",
        outside: str = "",
        after: "Tool | None" = None,
        subcommands: "dict[str, Tool] | None" = None,
        building: str = "",
        dashed: bool = False,
        ordered: bool = False,
        single: bool = False,
        marks: str = "@ +",
        goals: "frozenset[str] | None" = None,
        env: str = "",
        tools: str = "",
    ) -> None:
        self.name = name
        self.pattern = pattern or f"Bash({name}:*)"
        self.after = after
        self.subcommands = subcommands
        self.dashed = dashed
        self.ordered = ordered
        self.single = single
        self.goals = goals
        self._typed = {
            "needs": needs,
            "only": only,
            "flags": flags,
            "values": f"{values} {files}",
            "maybe": maybe,
            "files": files,
            "writes": writes,
            "fresh": fresh,
            "outside": outside,
            "building": building,
            "marks": marks,
            "env": env,
            "tools": tools,
        }

    def __getattr__(self, name: str) -> object:
        """Takes the words apart when they are asked for: a module holds many tools, and a call is of one."""
        typed = self._typed.get(name)
        if typed is None:
            raise AttributeError(name)
        found: object = _allowed(typed) if name in ("values", "maybe") else tuple(typed.split())
        setattr(self, name, found)
        return found

    def __repr__(self) -> str:
        return f"<tool {self.name}>"


def _allowed(words: str) -> dict[str, tuple[str, ...]]:
    """The options of the words, each with the values it may have; none for any value."""
    found: dict[str, tuple[str, ...]] = {}
    for word in words.split():
        name, equals, value = word.partition("=")
        found[name] = (*found.get(name, ()), value) if equals else ()
    return found
