"""What @cached calls a function: nothing that is another function gives its results."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skillcache import SkillCache, cached
from skillcache.library.keys import code_of, name_of

ANSWER = """
import os, sys
from skillcache import SkillCache, cached

@cached(cache=SkillCache(os.environ["STORE"]))
def answer(number=1):
    print("runs", end=" ")
    return {answer!r}
"""
ASKING = "\nif __name__ == '__main__':\n    print(answer())\n"


def run(url: str, folder: Path, *words: str) -> str:
    environ = {**os.environ, "STORE": url}
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def repository(path: Path, origin: str = "") -> None:
    write(path / ".git/HEAD", "ref: refs/heads/main\n")
    write(path / ".git/config", f'[remote "origin"]\n\turl = {origin}\n' if origin else "")


@pytest.mark.parametrize("how", ["git", "origins", "folders", "one project"])
def test_modules_that_are_called_the_same_share_nothing(url: str, tmp_path: Path, how: str) -> None:
    for name in ("one", "two"):
        # The code is the same: only the file tells them apart.
        write(tmp_path / name / "word.py", f"WORD = {name!r}")
        write(
            tmp_path / name / "utils.py",
            f"import word\n{ANSWER.format(answer=0)}".replace("return 0", "return word.WORD"),
        )
        if how in {"git", "origins"}:
            repository(tmp_path / name, f"https://example.com/{name}.git" if how == "origins" else "")
    if how == "one project":
        repository(tmp_path)
    asking = "import utils; print(utils.answer())"
    for name, said in (("one", "runs one"), ("two", "runs two"), ("one", "one"), ("two", "two")):
        assert run(url, tmp_path / name, "-c", asking) == said


def test_clones_of_a_project_share(url: str, tmp_path: Path) -> None:
    for name in ("clone", "other"):
        write(tmp_path / name / "utils.py", ANSWER.format(answer="same"))
        repository(tmp_path / name, "git@example.com:a/project.git")
    asking = "import utils; print(utils.answer())"
    assert run(url, tmp_path / "clone", "-c", asking) == "runs same"
    assert run(url, tmp_path / "other", "-c", asking) == "same"


def test_a_script_is_the_same_run_imported_and_in_its_workers(url: str, tmp_path: Path) -> None:
    code = """
if __name__ == "__main__":
    import multiprocessing
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.apply(answer, (2,)), pool.apply(answer, (2,)))
    print(answer(2))
"""
    write(tmp_path / "script.py", ANSWER.format(answer="same") + code)
    assert run(url, tmp_path, "script.py") == "runs same same\nsame"
    assert run(url, tmp_path, "-c", "import script; print(script.answer(2))") == "same"
    assert run(url, tmp_path.parent, "-m", f"{tmp_path.name}.script").endswith("\nsame")


def test_an_edited_function_runs_again_and_a_moved_or_described_one_does_not(url: str, tmp_path: Path) -> None:
    edits = [
        (ANSWER.format(answer=1), "runs 1"),
        (ANSWER.format(answer=1), "1"),
        ("# a line\n\n" + ANSWER.format(answer=1), "1"),
        (ANSWER.format(answer=1).replace("    print", '    "Says so."\n    print'), "1"),
        (ANSWER.format(answer=2), "runs 2"),
        (ANSWER.format(answer=True), "runs True"),
        (ANSWER.format(answer=1).replace("number=1", "number=1, more=2"), "runs 1"),
        (ANSWER.format(answer="x").replace("'x'", "sorted({'a', 'b', 'c', 'd'} & {number})"), "runs []"),
        (ANSWER.format(answer="x").replace("'x'", "sorted({'d', 'c', 'b', 'a'} & {number})"), "[]"),
        (ANSWER.format(answer="x").replace("'x'", "(lambda: 5)()"), "runs 5"),
        (ANSWER.format(answer="x").replace("'x'", "(lambda: 6)()"), "runs 6"),
        (ANSWER.format(answer=1), "1"),
    ]
    for text, said in edits:
        write(tmp_path / "script.py", text + ASKING)
        assert run(url, tmp_path, "script.py") == said


def plain() -> int:
    return 1


def made(number: int) -> Callable[[], int]:
    def inner() -> int:
        return number

    return inner


@pytest.mark.parametrize(("function", "said"), [(lambda: 1, "all lambdas have one name"), (made(1), "made anew")])
def test_what_has_no_name_that_holds_is_refused(function: Any, said: str) -> None:
    with pytest.raises(ValueError, match=f"{said}.*name what it gives with skill="):
        cached(function)
    assert cached(skill="named")(function).__name__ == function.__name__


@pytest.mark.parametrize("words", [("-c",), ("-",), ("-i", "-q", "-")])
def test_what_stands_in_no_file_is_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    trying = "try: cached(f)\nexcept ValueError as fault: print(fault)\n\n"
    code = f"from skillcache import cached\ndef f(): return 1\n\n{trying}"
    given = (*words, code) if words == ("-c",) else words
    done = subprocess.run(
        [sys.executable, *given], input=code, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "f stands in no file: name what it gives with skill="


def test_what_is_no_python_needs_a_name() -> None:
    with pytest.raises(ValueError, match="is no function with a name and code of its own"):
        cached(os.getpid)


def test_the_name_says_where_the_function_is() -> None:
    root = Path(__file__).resolve().parents[2]
    assert name_of(plain).endswith(f":{Path(__file__).resolve().relative_to(root)}:plain")


def test_a_namespace_keeps_caches_apart(url: str) -> None:
    with SkillCache(url) as plain_cache, SkillCache(url, namespace="billing") as billing:
        functions = [
            cached(skill="rate", cache=each)(made(number)) for number, each in ((1, plain_cache), (2, billing))
        ]
        assert [each() for each in functions * 2] == [1, 2, 1, 2]
        assert billing.set("rate", 1, "x").startswith("skill_cache:billing:rate:")
        assert plain_cache.get("rate", 1) is None
        assert plain_cache.get("billing:rate", 1) == "x"
        assert billing.invalidate("ra*") == 2
        assert functions[0].cache_info().hits == 1
        plain_cache.invalidate_skill("rate")
        billing.set("rate", 1, "x")
        assert plain_cache.invalidate_skill("rate") == 0
        assert billing.invalidate_skill("rate") == 1
        assert billing.namespace == "billing"
    for name in ("", "a:b", "@team"):
        with pytest.raises(ValueError, match="namespace"):
            SkillCache(url, namespace=name)


def test_code_is_known_by_what_it_does() -> None:
    def one(x: int, /) -> int:
        return x + 1

    def other(x: int) -> int:
        return x + 1

    assert code_of(one) != code_of(other)
    assert code_of(made(1)) == code_of(made(2))
    assert code_of(os.getpid) == ""
