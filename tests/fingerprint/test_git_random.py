"""Random edits and random bookkeeping: rows are equal exactly when the content is."""

import itertools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fingerprint.conftest import Project

pytestmark = pytest.mark.long

NAMES = ("a.py", "src/b.py", "src/c d.py", "src/deep/e.py", "src.py", "z")
edits = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(NAMES), st.sampled_from(("1\n", "2\n", "1\r\n", ""))),
    st.tuples(st.just("delete"), st.sampled_from(NAMES), st.none()),
    st.tuples(st.just("mode"), st.sampled_from(NAMES), st.sampled_from((0o644, 0o755))),
    st.tuples(st.just("link"), st.sampled_from(NAMES), st.sampled_from(("a.py", "src", "nowhere"))),
    st.tuples(
        st.just("git"),
        st.just(""),
        st.sampled_from(
            (
                ("add", "-A"),
                ("add", "-N", "."),
                ("reset", "-q"),
                ("commit", "-qam", "some", "--allow-empty"),
                ("stash", "-q"),
                ("stash", "-q", "-u"),
                ("checkout", "-q", "--", "."),
                ("update-index", "--refresh", "-q"),
                ("update-index", "--assume-unchanged", "a.py"),
                ("update-index", "--no-assume-unchanged", "a.py"),
                ("update-index", "--skip-worktree", "src/b.py"),
                ("update-index", "--index-version", "4"),
                ("rm", "-q", "--cached", "a.py"),
            )
        ),
    ),
)


def apply(project: Project, kind: str, name: str, value: object) -> None:
    path = project.top / name
    if kind == "git":
        # A command that the state forbids changes nothing.
        subprocess.run(["git", *value], cwd=project.top, env=project.environ, capture_output=True, check=False)  # type: ignore[misc]
        return
    if path.is_symlink() or path.is_file():
        if kind == "mode" and not path.is_symlink():
            path.chmod(value)  # type: ignore[arg-type]
            return
        path.unlink()
    if kind == "write":
        project.write(name, value)  # type: ignore[arg-type]
    elif kind == "link":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(str(value))


def content(project: Project) -> dict[str, object]:
    """What is there, without git."""
    found: dict[str, object] = {}
    for folder, folders, files in os.walk(project.top):
        if ".git" in folders:
            folders.remove(".git")
        for name in (*files, *(name for name in folders if (Path(folder) / name).is_symlink())):
            path = Path(folder) / name
            if path.is_symlink():
                found[str(path)] = path.readlink()
            else:
                found[str(path)] = (path.read_bytes(), bool(path.stat().st_mode & 0o100))
    return found


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.lists(edits, max_size=14), st.sampled_from(("", "* text=auto\n")))
def test_rows_are_equal_exactly_when_the_content_is(steps: list[tuple[str, str, object]], attributes: str) -> None:
    top = Path(tempfile.mkdtemp()).resolve()
    try:
        (top / "home").mkdir()
        (top / "project").mkdir()
        project = Project(top / "project", top / "home")
        project.git("init", "-q")
        project.write("a.py", "1\n")
        project.write("src/b.py", "1\n")
        project.write(".gitattributes" if attributes else "z", attributes)
        project.commit()
        states = [(content(project), project.rows())]
        for step in steps:
            apply(project, *step)
            states.append((content(project), project.rows()))
        for (one, one_rows), (other, other_rows) in itertools.combinations(states, 2):
            if one != other:
                assert one_rows != other_rows
            elif not attributes:  # with conversions, equal content may be told apart, and that is safe
                assert one_rows == other_rows
    finally:
        shutil.rmtree(top)
