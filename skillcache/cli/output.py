"""How commands print: sizes and times as people say them, and `--json` with its schema.

The models are for the schema, and tests hold the output to them. pydantic costs a command as much as all else at its
start, and takes no file name that is not UTF-8: it is imported where a schema is asked for, and nowhere else.
"""

import difflib
import json
import os
import sys
from collections.abc import Callable
from typing import Any

import click

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def duration(milliseconds: float) -> str:
    if milliseconds < 0:
        return "-" + duration(-milliseconds)
    if milliseconds < 1_000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 59_950:
        return f"{milliseconds / 1_000:.1f} s"
    minutes, seconds = divmod(round(milliseconds / 1_000), 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def size(count: float) -> str:
    for unit in _UNITS:
        if count < 1_000 or unit == _UNITS[-1]:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1_000
    raise AssertionError


def paint(text: str, **style: Any) -> str:
    """`text` in colours where a terminal shows it and nobody has said no."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty()
    return text if plain else click.style(text, **style)


def several(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def share(part: float, whole: float) -> str:
    """A part in whole percent; never 100 % unless it is all of it, nor 0 % unless it is nothing."""
    percent = round(100 * part / whole)
    if percent == 100 and part < whole:
        return "over 99 %"
    if percent == 0 and part > 0:
        return "under 1 %"
    return f"{percent} %"


def unified(path: str, before: str, after: str) -> str:
    lines = difflib.unified_diff(_lines(before), _lines(after), fromfile=path, tofile=path)
    return "".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines)


def _lines(text: str) -> list[str]:
    """Split at line feeds only: a form feed or a line separator inside a string is no line end."""
    pieces = text.split("\n")
    return [piece + "\n" for piece in pieces[:-1]] + ([pieces[-1]] if pieces[-1] else [])


def json_options(model: str, text: str = "Print one JSON object.", name: str = "as_json") -> Callable[[Any], Any]:
    """Both options. `model`: a class of `cli/schemas`; `name`: of the flag's argument."""
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
    from skillcache.cli import schemas

    return getattr(schemas, name)
