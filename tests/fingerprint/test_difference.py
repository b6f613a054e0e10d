"""What `explain` can say about two states."""

from typing import TYPE_CHECKING, Any

from skillcache.core import json
from skillcache.tools.explanation import differences

if TYPE_CHECKING:
    from collections.abc import Callable

    from skillcache.fingerprint.capture import Fingerprint
    from tests.fingerprint.conftest import Project


def between(old: "Fingerprint", new: "Fingerprint") -> list[str]:
    details: Any = json.loads(json.dumps(old.details))
    return differences(details, old.rows, new)


def test_equal_states_differ_in_nothing(repo: "Project") -> None:
    old = repo.capture()
    repo.commit()
    assert between(old, repo.capture()) == []


def test_files_are_named_with_and_without_commits_between(repo: "Project") -> None:
    repo.write("src/main.py", "print(3)\n")
    old = repo.capture()
    repo.write("src/main.py", "print(2)\n")
    repo.write("src/new.py", "1\n")
    (repo.top / "README.md").unlink()
    (repo.top / "tests/test_main.py").chmod(0o755)
    expected = [
        "README.md was deleted",
        "src/main.py changed",
        "src/new.py is new",
        "tests/test_main.py changed its mode",
    ]
    assert between(old, repo.capture()) == expected
    repo.commit()
    assert between(old, repo.capture()) == expected


def test_a_commit_of_another_clone_is_said_to_be_unknown(repo: "Project", clone: "Callable[[str], Project]") -> None:
    other = clone("clone")
    other.write("src/main.py", "print(2)\n")
    other.commit()
    (sentence,) = between(other.capture(), repo.capture())
    assert "not known here" in sentence


def test_a_variable_that_nobody_thought_of_is_named_and_so_is_the_file_in_it(repo: "Project") -> None:
    path = repo.beside("other").write("app.ini", "1")
    old = repo.capture(environ={"DO_THING": "1", "SOME_TOKEN": "hunter2", "APP_OPTS": f"-c {path}"})
    path.write_text("2")
    found = between(old, repo.capture(environ={"DO_THING": "2", "SOME_TOKEN": "other", "APP_OPTS": f"-c {path}"}))
    assert found == [
        "the variable DO_THING changed",
        "the variable SOME_TOKEN changed",
        f"{path}, which a variable names, changed",
    ]


def test_variables_ignored_files_and_packages_are_named(repo: "Project") -> None:
    repo.write(".gitignore", ".env\n.venv/\n")
    repo.write(".env", "A=1\n")
    repo.write(".venv/pyvenv.cfg", "version = 3.12.1\n")
    repo.write(".venv/lib/python3.12/site-packages/one-1.0.dist-info/RECORD", "")
    old = repo.capture(environ={"CI": "1"})
    repo.write(".env", "A=2\n")
    repo.write(".venv/lib/python3.12/site-packages/two-2.0.dist-info/RECORD", "")
    assert between(old, repo.capture(environ={"TZ": "UTC"})) == [
        "the variable CI is no longer there",
        "the variable TZ was not there",
        "the ignored .env changed",
        "two-2.0 is new in {root}/.venv/",
    ]


def test_many_ignored_files_are_named_too(repo: "Project") -> None:
    repo.write(".gitignore", "*.gen\n")
    for number in range(120):
        repo.write(f"{number}.gen", "1")
    old = repo.capture()
    repo.write("77.gen", "2")
    (repo.top / "78.gen").unlink()
    assert between(old, repo.capture()) == ["the ignored 77.gen changed", "the ignored 78.gen is no longer there"]


def test_details_stay_below_64_kilobytes(repo: "Project") -> None:
    for number in range(1500):
        repo.write(f"new/file_with_quite_a_long_name_{number}.txt", str(number))
    old = repo.capture()
    assert len(json.dumps(old.details)) < 64 << 10
    repo.write("src/main.py", "print(2)\n")
    assert between(old, repo.capture())[-1] == "more files changed"
