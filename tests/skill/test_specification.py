"""What the validator of the Agent Skills specification says of our skill, and of what we tell authors to write."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from skills_ref.validator import validate

from skillcache.core.paths import package_folder
from tests.readme_tables import CHECKOUT
from tests.skill.declaring import declared

REFERENCE = CHECKOUT / "skillcache/docs/skills.md"
SHIPPED = Path(package_folder(), "cli/setup/skills/redis-cache")
PAGE = "---\nname: report\ndescription: Writes a report.\n---\n"


def said_of(folder: Path, text: str) -> list[str]:
    page = folder / "report/SKILL.md"
    page.parent.mkdir(exist_ok=True)
    page.write_text(text)
    return list(validate(page.parent))


def shown() -> list[str]:
    """The pages that we show: the reference's, and the one that our skill's example makes."""
    (page,) = re.findall(r"SKILL.md <<'END'\n(.*?\n)END\n", REFERENCE.read_text(), flags=re.DOTALL)
    (example,) = re.findall(r"```yaml\n(metadata:.*?)```", (SHIPPED / "SKILL.md").read_text(), flags=re.DOTALL)
    return [page, PAGE.replace("report.\n", f"report.\n{example}")]


def test_our_own_skill_is_valid() -> None:
    assert validate(SHIPPED) == []


@pytest.mark.parametrize("text", shown())
def test_what_we_show_is_valid(text: str, tmp_path: Path) -> None:
    assert "skillcache:" in text
    assert said_of(tmp_path, text) == []


def test_every_field_is_valid_and_a_list_in_brackets_is_not(tmp_path: Path) -> None:
    block: dict[str, object] = {
        "ttl": 3600, "depends": ["data/**"], "env": ["STYLE"], "outputs": ["out/*.csv"], "args_are_files": True,
        "failures": True, "version": 2,
    }  # fmt: skip
    assert said_of(tmp_path, declared(PAGE, block)) == []
    flow = PAGE.replace("report.\n", "report.\nmetadata:\n  skillcache:\n    depends: [data/**]\n")
    (refused,) = said_of(tmp_path, flow)
    assert "disallowed JSONesque flow" in refused
