"""`skillcache suggest --json`."""

from skillcache.cli.schemas.output import Output


class Evidence(Output):
    """`seen`: runs on inputs that it had run on before, with the first on each; `repeats`: what a rule would replay."""

    match: str
    seen: int
    inputs: int
    different_results: int
    repeats: int
    saved_ms: int


class Suggestion(Evidence):
    """`toml`: the rule."""

    toml: str


class Suggestions(Output):
    """`not_worth`: as equal calls gave different results."""

    suggestions: list[Suggestion]
    not_worth: list[Evidence]
