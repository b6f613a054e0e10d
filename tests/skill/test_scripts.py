"""Which word of a command is the script that it runs."""

from __future__ import annotations

import shlex

import pytest

from skillcache.core.outcomes import Bypass
from skillcache.rules.words import script_at, unwrap


def script(line: str) -> str | None:
    inner = unwrap(tuple(shlex.split(line)))
    if inner is None:
        return None
    at = script_at(inner.words, inner.launcher)
    return inner.words[at] if at >= 0 else None


@pytest.mark.parametrize(
    "line",
    [
        "s/x.py a b",
        "./x.py",
        "python s/x.py",
        "python3.12 -B -W error s/x.py -c 1",
        ".venv/bin/python s/x.py",
        "bash -eu s/x.py",
        "sh s/x.py",
        "node --no-warnings s/x.py",
        "bun s/x.py",
        "bun run s/x.py",
        "deno run -A --allow-read=. s/x.py",
        "ruby -w s/x.py",
        "perl s/x.py",
        "npx tsx s/x.py",
        "uv run s/x.py",
        "uv run x.py",
        "uv run --script s/x.py",
        "uv run --frozen python s/x.py",
        "poetry run python s/x.py",
        "timeout 5 env A=1 python s/x.py",
    ],
)
def test_the_script_is_found(line: str) -> None:
    assert (script(line) or "").endswith("x.py")


@pytest.mark.parametrize(
    "line",
    [
        "python",
        "python -c 'x' s/x.py",
        "python -m x s/x.py",
        "python -i s/x.py",
        "python -",
        "bash -c s/x.py",
        "bash -n s/x.py",
        "bash -s s/x.py",
        "node -e 1 s/x.py",
        "node --import ./y.js s/x.py",
        "deno test s/x.py",
        "deno s/x.py",
        "perl -i s/x.py",
        "npx s/x.py",
        "cat x.py",
        "uvicorn x.py",
    ],
)
def test_where_it_is_not_sure_there_is_none(line: str) -> None:
    assert script(line) is None


@pytest.mark.parametrize(
    "line", ["uv run --with pandas s/x.py", "uv run --with=pandas s/x.py", "uv run -q --with a x.py"]
)
def test_what_uv_looks_up_in_a_registry_is_refused(line: str) -> None:
    with pytest.raises(Bypass, match="registry"):
        script(line)
