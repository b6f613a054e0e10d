"""Whatever a result depends on, changed between two calls, makes the second one run; put back, it is a hit again."""

from __future__ import annotations

from collections.abc import Callable

from tests.e2e.project import PYTEST, Place, after


def test_every_change_of_the_worktree_is_a_miss_and_the_old_content_a_hit_committed_or_not(place: Place) -> None:
    """And the person's repository is not touched."""
    test = place.project / "test_sum.py"
    other = place.project / "test_other.py"
    link = place.project / "link"
    place.write(".gitignore", "__pycache__/\n.pytest_cache/\n.env.local\n")
    place.commit()

    def relink(target: str) -> None:
        link.unlink()
        link.symlink_to(target)

    def answer(text: str) -> Callable[[], object]:
        return lambda: place.write("answer", f"{text}\n")

    changes: dict[str, Callable[[], object]] = {
        "an untracked file": lambda: place.write("untracked.py", "x = 1\n"),
        "another mode": lambda: test.chmod(0o755),
        "another name": lambda: test.rename(other),
        "a deleted file": other.unlink,
        "a symbolic link": lambda: link.symlink_to("pytest.ini"),
        "a symbolic link elsewhere": lambda: relink("answer"),
        "a variables file": lambda: place.write(".env", "MODE=other\n"),
        "an ignored variables file": lambda: place.write(".env.local", "MODE=other\n"),
        "another content": answer("all is different"),
    }
    put_back = [answer("all is well"), answer("all is different"), place.commit]
    seen: list[dict[str, tuple[int, bytes]]] = []

    def look() -> None:
        seen.append(_git_s_own(place))

    session = place.play(
        after(look, "./check"),
        after(look, "./check"),
        after(look, "./check"),
        *[after(change, "./check") for change in [*changes.values(), *put_back]],
    )
    assert seen[0] == seen[1] == seen[2]
    outcomes = place.outcomes()
    assert outcomes == [
        "no_entry",
        "stored",
        *["replayed"] * 2,
        *["no_entry", "stored"] * len(changes),
        *["replayed"] * 3,
    ]
    assert place.count() == 1 + len(changes), dict(zip(changes, outcomes[4::2], strict=False))
    assert session.texts[-4:] == ["all is different", "all is well", "all is different", "all is different"]


def _git_s_own(place: Place) -> dict[str, tuple[int, bytes]]:
    git = place.project / ".git"
    files = (path for path in git.rglob("*") if path.is_file())
    return {str(path.relative_to(git)): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def test_a_changed_variable_of_the_list_or_of_a_rule_is_a_miss(place: Place) -> None:
    place.configure('[[rules]]\nmatch = "Bash(./check:*)"\nenv = ["MODE"]\n')
    place.play(PYTEST, "./check", f"PYTHONHASHSEED=7 {PYTEST}", "MODE=two ./check", PYTEST, "./check")
    assert place.outcomes() == [*["no_entry", "stored"] * 4, "replayed", "replayed"]


def test_a_rule_that_narrows_lets_other_files_change(place: Place) -> None:
    place.configure('[[rules]]\nmatch = "Bash(./check:*)"\ndepends = ["answer", "status", "check"]\n')
    place.play(
        "./check",
        after(lambda: place.write("elsewhere.py", "x = 1\n"), "./check"),
        after(lambda: place.write("answer", "other\n"), "./check"),
    )
    assert place.count() == 2, place.outcomes()


def test_a_function_of_the_person_s_shell_is_what_runs(place: Place) -> None:
    (place.home / ".bashrc").write_text('pytest() { echo run >> "$E2E_LOG"; echo one; }\n')
    assert place.play(PYTEST, PYTEST).texts == ["one", "one"]
    assert place.count() == 2
    assert place.outcomes() == []
