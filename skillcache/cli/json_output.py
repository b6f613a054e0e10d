"""What commands print for programs: `--json`, and `--json-schema`, which says what that is.

The models are for the schema, and tests hold the output to them. pydantic costs a command as much as all else at its
start, and takes no file name that is not UTF-8: it is imported where a schema is asked for, and nowhere else.
"""

import json
from collections.abc import Callable
from importlib import import_module
from typing import Any

import click


def json_options(model: str, text: str = "Print one JSON object.", name: str = "as_json") -> Callable[[Any], Any]:
    """Both options. `model`: `module.Class` below `skillcache.cli.schemas`; `name`: of the flag's argument."""
    schema = click.option(
        "--json-schema",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=Schema(model),
        help="Print the schema of that JSON and exit.",
    )
    flag = click.option("--json", name, is_flag=True, help=text)
    return lambda function: flag(schema(function))


class Schema:
    """The callback of `--json-schema`. model: as of `json_options`."""

    def __init__(self, model: str) -> None:
        self.model = model

    def __call__(self, ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
        if wanted and not ctx.resilient_parsing:
            click.echo(json.dumps(model_of(self.model).model_json_schema(mode="serialization"), indent=2))
            ctx.exit()


def model_of(name: str) -> Any:
    module, _, own = name.rpartition(".")
    return getattr(import_module(f"skillcache.cli.schemas.{module}"), own)
