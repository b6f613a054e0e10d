"""The test suites of well-known packages, run in shells with the shims, with work on the project in between."""

from pathlib import Path

import pytest

from tests.fidelity.real_projects import PROJECTS, Project, Workshop

pytestmark = pytest.mark.long


@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)
def test_a_real_suite_is_replayed_as_a_fresh_run_would_give_it(tmp_path: Path, project: Project) -> None:
    workshop = Workshop(tmp_path, project)
    _ask_twice(workshop)
    _work_on_files(workshop)
    _work_on_surroundings(workshop)
    _work_in_another_worktree(workshop)
    print(workshop.figures())  # noqa: T201 - the figures are what it is about
    assert workshop.wrong == []
    assert not workshop.missed


def _ask_twice(workshop: Workshop) -> None:
    for repeats in (False, True):
        for line in (workshop.project.whole, workshop.project.piped, workshop.project.part):
            workshop.call(line, repeats=repeats)


def _work_on_files(workshop: Workshop) -> None:
    project, root = workshop.project, workshop.root
    source, test = root / project.source, root / project.test
    text, tests = source.read_text(), test.read_text()

    assert project.wrong[0] in text
    source.write_text(text.replace(*project.wrong))
    for _ in range(2):
        workshop.call(project.part, repeats=False, passes=False)
    workshop.call(project.piped, repeats=False, passes=False)
    source.write_text(text)
    workshop.call(project.part, repeats=True)

    test.write_text(tests + "\n\ndef test_one_more():\n    assert True\n")
    workshop.call(project.part, repeats=False)
    workshop.call(project.part, repeats=True)
    test.write_text(tests)

    test.with_name("test_of_mine.py").write_text("def test_mine():\n    assert True\n")
    workshop.call(project.part, repeats=False)
    workshop.git("add", project.test.replace(test.name, "test_of_mine.py"))
    workshop.call(project.part, repeats=not project.asks_git)
    workshop.git("commit", "-qm", "more")
    workshop.call(project.part, repeats=not project.asks_git)


def _work_on_surroundings(workshop: Workshop) -> None:
    line = workshop.project.part
    added = workshop.packages / "six-1.17.0.dist-info"
    added.mkdir()
    (added / "METADATA").write_text("Metadata-Version: 2.1\nName: six\nVersion: 1.17.0\n")
    (added / "RECORD").write_text("six-1.17.0.dist-info/METADATA,,\nsix-1.17.0.dist-info/RECORD,,\n")
    workshop.call(line, repeats=False)
    upgraded = added.rename(added.with_name("six-1.18.0.dist-info"))
    workshop.call(line, repeats=False)
    upgraded.rename(added)
    workshop.call(line, repeats=True)

    workshop.call(line, repeats=False, variables={"COLUMNS": "120"})
    workshop.call(line, repeats=False, variables={"PYTEST_ADDOPTS": "-p no:cacheprovider"})
    workshop.call(line, repeats=True, variables={"COLUMNS": "120"})
    workshop.call(line, repeats=True)


def _work_in_another_worktree(workshop: Workshop) -> None:
    project, other = workshop.project, workshop.other_root
    workshop.add_worktree()
    # Without an environment of its own the first one's tools run there, and what is installed there is of the first.
    workshop.call(project.part, repeats=False, root=other)
    workshop.call(project.part, repeats=True, root=other)
    if project.editable:
        source = workshop.root / project.source
        text = source.read_text()
        source.write_text(text + "\n# A word on it.\n")
        workshop.call(project.part, repeats=False, root=other)
        source.write_text(text)
        workshop.call(project.part, repeats=True, root=other)

    variables = workshop.move_in()
    # It has no branch checked out.
    workshop.call(project.part, repeats=not project.asks_git, root=other, variables=variables)
    workshop.call(project.part, repeats=True)
