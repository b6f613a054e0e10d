"""`skillcache rules --json`, with and without a name."""

from pydantic import Field, RootModel

from skillcache.cli.schemas.output import Output


class BuiltIn(Output):
    """`match`: patterns of what is replayed; `subject`: its language, or what it does."""

    name: str
    subject: str
    match: str


class Own(Output):
    """A rule of a configuration file; the first that names a call counts. `depends`: None for all content."""

    name: str
    match: str
    origin: str
    enabled: bool
    depends: list[str] | None
    env: list[str]
    ttl: int


class Rules(Output):
    built_in: list[BuiltIn]
    own: list[Own]


class Program(Output):
    """What is read of one program's words. `words`: the program, with its subcommand.

    harmless: options without a value; with_value: those with one, `option=value` where others are refused; files: those
    whose value is a file that is read; needs: one of them must be there; writes, fresh, outside: refused, by why;
    building: refused first words; variables, programs: what the result depends on besides what every result does.
    """

    words: str
    harmless: list[str]
    with_value: list[str]
    files: list[str]
    needs: list[str]
    writes: list[str]
    fresh: list[str]
    outside: list[str]
    building: list[str]
    variables: list[str]
    programs: list[str]


class Tasks(Output):
    """A program that runs named tasks. verbs: words after which one is named; alone: words that are tasks."""

    runner: str
    verbs: list[str]
    alone: list[str]
    harmless: list[str]
    with_value: list[str]
    names: list[str]


class Explained(Output):
    """All that has the name. `depends`: what every result of a command depends on, in words."""

    own: list[Own] = Field(description="of configuration files: these come first")
    built_in: list[BuiltIn]
    programs: list[Program]
    tasks: list[Tasks]
    depends: str


class RulesOrExplained(RootModel[Rules | Explained]):
    """Without a name all rules, with one what is known of it."""
