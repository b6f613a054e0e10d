"""The key holds all that real tools look at; of many more tools in `python -m tests.benchmarks.coverage_of_key`."""

from __future__ import annotations

import pytest

from tests.benchmarks.coverage_of_key.__main__ import observe, together
from tests.benchmarks.coverage_of_key.projects import SHORT
from tests.benchmarks.coverage_of_key.sandbox import BRIEF
from tests.conftest import require_program


@pytest.mark.table
@pytest.mark.parametrize("tool", SHORT)
def test_the_key_holds_all_that_a_tool_looks_at(tool: str) -> None:
    for program in ("strace", "unshare", "node", "npm", "make"):
        require_program(program)
    found = observe(tool, mode=BRIEF)
    assert "fault" not in found, found
    assert found["status"] == 0, found["output"]
    assert not found["key"].startswith(("bypass", "fault")), found["key"]
    assert found["asked"] > 0
    assert together(found["wanting"]) == []
