"""Whatever a result depends on, changed between two calls, makes the second one run; put back, it is a hit again."""

from __future__ import annotations

from collections.abc import Callable

from tests.e2e.project import PYTEST, Place, after


def test_a_changed_file_is_a_miss_and_the_old_content_a_hit_committed_or_not(place: Place) -> None:
    session = place.play(
        "./check",
        after(lambda: place.write("answer", "all is different\n"), "./check"),
        after(lambda: place.write("answer", "all is well\n"), "./check"),
        after(lambda: place.write("answer", "all is different\n"), "./check"),
        after(place.commit, "./check"),
    )
    assert session.texts == ["all is well", "all is different"] * 2 + ["all is different"]
    assert place.count() == 2, place.outcomes()


def test_every_change_of_the_worktree_is_a_miss(place: Place) -> None:
    test = place.project / "test_sum.py"
    other = place.project / "test_other.py"
    link = place.project / "link"
    place.write(".gitignore", "__pycache__/\n.pytest_cache/\n.env.local\n")
    place.commit()

    def relink(target: str) -> None:
        link.unlink()
        link.symlink_to(target)

    changes: dict[str, Callable[[], object]] = {
        "an untracked file": lambda: place.write("untracked.py", "x = 1\n"),
        "another mode": lambda: test.chmod(0o755),
        "another name": lambda: test.rename(other),
        "a deleted file": other.unlink,
        "a symbolic link": lambda: link.symlink_to("pytest.ini"),
        "a symbolic link elsewhere": lambda: relink("answer"),
        "a variables file": lambda: place.write(".env", "MODE=other\n"),
        "an ignored variables file": lambda: place.write(".env.local", "MODE=other\n"),
    }
    place.play("./check", "./check", *[after(change, "./check") for change in changes.values()])
    assert place.replayed() == 1
    assert place.count() == 1 + len(changes), dict(zip(changes, place.outcomes()[3::2], strict=False))


def test_a_changed_variable_of_the_list_or_of_a_rule_is_a_miss(place: Place) -> None:
    place.configure('[[rules]]\nmatch = "Bash(./check:*)"\nenv = ["MODE"]\n')
    for environ in ({}, {"PYTHONHASHSEED": "7", "MODE": "two"}, {}):
        place.play(PYTEST, "./check", env=environ)
    assert place.outcomes() == [*["no_entry", "stored"] * 4, "replayed", "replayed"]


def test_another_directory_or_other_words_are_a_miss_and_another_spelling_is_none(place: Place) -> None:
    place.play("./check one", "./check two", "./check  'one'", PYTEST, "cd sub", PYTEST)
    assert place.count() == 4, place.outcomes()
    assert place.replayed() == 1


def test_the_person_s_repository_is_not_touched(place: Place) -> None:
    place.write("untracked.py", "x = 1\n")
    git = place.project / ".git"

    def state() -> dict[str, tuple[int, bytes]]:
        files = (path for path in git.rglob("*") if path.is_file())
        return {str(path.relative_to(git)): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}

    seen: list[dict[str, tuple[int, bytes]]] = []

    def look() -> None:
        seen.append(state())

    place.play(after(look, "./check"), after(look, "./check"), "./check")
    look()
    assert place.count() == 1, place.outcomes()
    assert seen[0] == seen[1] == seen[2]


def test_a_rule_that_narrows_lets_other_files_change(place: Place) -> None:
    place.configure('[[rules]]\nmatch = "Bash(./check:*)"\ndepends = ["answer", "status", "check"]\n')
    place.play(
        "./check",
        after(lambda: place.write("elsewhere.py", "x = 1\n"), "./check"),
        after(lambda: place.write("answer", "other\n"), "./check"),
    )
    assert place.count() == 2, place.outcomes()


def test_a_fresh_run_is_had_in_every_line_that_asks_for_one(place: Place) -> None:
    lines = ("./check", "./check one", "./check < answer", "./check | cat")
    place.play(*lines, *(f"{line} # fresh" for line in lines))
    assert place.count() == 2 * len(lines)
    assert place.outcomes() == ["no_entry", "stored"] * len(lines) + ["fresh", "stored"] * len(lines)


def test_a_function_of_the_person_s_shell_is_what_runs(place: Place) -> None:
    for answer in ("one", "two"):
        (place.home / ".bashrc").write_text(f'pytest() {{ echo run >> "$E2E_LOG"; echo {answer}; }}\n')
        assert place.play(PYTEST, PYTEST).texts == [answer, answer]
    assert place.count() == 4
    assert place.outcomes() == []
