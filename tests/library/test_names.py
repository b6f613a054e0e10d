"""What @cached calls a function: nothing that is another function gives its results."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillcache import SkillCache, cached
from skillcache.library.code import code_of
from skillcache.library.keys import name_of
from tests.library import twins

ANSWER = """
import os, sys
from skillcache import SkillCache, cached

@cached(cache=SkillCache(os.environ["STORE"]))
def answer(number=1):
    print("runs", end=" ")
    return {answer!r}
"""
ASKING = "\nif __name__ == '__main__':\n    print(answer())\n"


@pytest.fixture
def store(tmp_path: Path) -> str:
    """Of one kind: what a function is called is no matter of that."""
    return f"embedded:{tmp_path}/store.sqlite3"


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


@pytest.mark.table
@pytest.mark.parametrize("how", ["git", "origins", "folders", "one project"])
def test_modules_that_are_called_the_same_share_nothing(store: str, tmp_path: Path, how: str) -> None:
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
        assert run(store, tmp_path / name, "-c", asking) == said


def test_clones_of_a_project_share(store: str, tmp_path: Path) -> None:
    for name in ("clone", "other"):
        write(tmp_path / name / "utils.py", ANSWER.format(answer="same"))
        repository(tmp_path / name, "git@example.com:a/project.git")
    asking = "import utils; print(utils.answer())"
    assert run(store, tmp_path / "clone", "-c", asking) == "runs same"
    assert run(store, tmp_path / "other", "-c", asking) == "same"


def test_a_script_is_the_same_run_imported_and_in_its_workers(store: str, tmp_path: Path) -> None:
    code = """
if __name__ == "__main__":
    import multiprocessing
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.apply(answer, (2,)), pool.apply(answer, (2,)))
    print(answer(2))
"""
    write(tmp_path / "script.py", ANSWER.format(answer="same") + code)
    assert run(store, tmp_path, "script.py") == "runs same same\nsame"
    assert run(store, tmp_path, "-c", "import script; print(script.answer(2))") == "same"
    assert run(store, tmp_path.parent, "-m", f"{tmp_path.name}.script").endswith("\nsame")


def test_an_edited_function_runs_again_and_a_moved_or_described_one_does_not(store: str, tmp_path: Path) -> None:
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
        assert run(store, tmp_path, "script.py") == said


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
        assert billing.set("rate", 1, "x").startswith("skill_cache:@namespace:billing:rate:")
        assert plain_cache.get("rate", 1) is None
        assert plain_cache.get("billing:rate", 1) is None
        with pytest.raises(ValueError, match="does not begin with @"):
            plain_cache.get("@namespace:billing:rate", 1)
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
    assert code_of(made(1)) == code_of(made(1))
    assert code_of(made(1)) != code_of(made(2))
    assert code_of(os.getpid) == ""


def written(body: str) -> Any:
    names: dict[str, Any] = {}
    exec(compile(f"def f(t, len=1):\n    {body}\n", "<edit>", "exec"), names)  # noqa: S102
    return names["f"]


@pytest.mark.parametrize(
    ("one", "other"), [*[(f"return {one}", f"return {other}") for one, other in twins.PAIRS], *twins.BODIES]
)
@pytest.mark.parametrize("within", ["{}", "def inner(t):\n        {}\n    return inner"])
def test_every_small_edit_is_another_code(one: str, other: str, within: str) -> None:
    first, second = [
        within.format(each.replace("\n", "\n    ") if "inner" in within else each) for each in (one, other)
    ]
    assert code_of(written(first)) == code_of(written(first))
    assert code_of(written(first)) != code_of(written(second))
    assert code_of(written(f"'Says so.'\n    {first}")) == code_of(written(first))


WORDS = st.sampled_from(["a", "b", "c", "len", "t"])
EXPRESSIONS = st.recursive(
    WORDS | st.integers(-2, 300).map(str) | st.sampled_from(["1.0", "True", "None", "'a'", "b'a'", "1j", "..."]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "<", "<=", "is", "and", "or", "in"]), inner)
        .map(" ".join)
        .map("({})".format),
        st.tuples(inner, WORDS).map("{0[0]}\t.{0[1]}".format),
        st.tuples(inner, WORDS, inner).map("{0[0]}({0[1]}={0[2]})".format),
        st.tuples(inner, inner).map("{0[0]}[{0[1]}]".format),
        st.lists(inner, min_size=1, max_size=3).map(lambda all_: f"[{', '.join(all_)}]"),
        st.tuples(WORDS, inner).map("(lambda {0[0]}: {0[1]})".format),
        st.tuples(inner, inner, inner).map("({0[0]} if {0[1]} else {0[2]})".format),
    ),
    max_leaves=8,
)


def without_lines(code: CodeType) -> CodeType:
    inner = [without_lines(each) if isinstance(each, CodeType) else each for each in code.co_consts]
    return code.replace(co_linetable=b"", co_consts=tuple(inner))


@given(one=EXPRESSIONS, other=EXPRESSIONS)
@settings(max_examples=200, deadline=None)
@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_code_is_the_same_only_where_the_interpreter_does_the_same(one: str, other: str) -> None:
    first, second = (written(f"return {each}") for each in (one, other))
    if code_of(first) == code_of(second):
        assert without_lines(first.__code__) == without_lines(second.__code__)


# The wrappers of a module that others use.
WRAPPERS = """
from functools import wraps
def scale(n):
    def wrap(fn):
        @wraps(fn)
        def call(*given):
            return n * fn(*given)
        return call
    return wrap
def wide(fn):
    @wraps(fn)
    def call(x, y=5):
        return fn(x, y)
    return call
def inject(fn):
    @wraps(fn)
    def call(*given):
        return fn("db", *given)
    return call
def through(client):
    def wrap(fn):
        @wraps(fn)
        def call(*given):
            return client(fn, *given)
        return call
    return wrap
"""
WRAPPED = """
import os
from functools import singledispatch, lru_cache
from skillcache import SkillCache, cached
import wrappers
CACHE = SkillCache(os.environ["STORE"])
def keep(fn):
    return cached(cache=CACHE)(fn)
@keep
@wrappers.scale(FACTOR)
def scaled(x: int) -> int:
    return x
@keep
@wrappers.wide
def wide(x: int, y: int = 1) -> int:
    return x * 10 + y
@keep
@wrappers.inject
def injected(db, q):
    return [db, q]
@keep
@lru_cache
def remembered(x):
    return x
for fn in (wrappers.through(print)(wide.__wrapped__), singledispatch(injected.__wrapped__)):
    try: keep(fn)
    except ValueError as fault: print(str(fault).partition(" is ")[2])
print(scaled(1), wide(1), wide(1, 1), injected("q"), remembered(1), [each.cache_info().hits for each in (scaled, wide)])
"""


def test_what_is_called_is_what_is_known(store: str, tmp_path: Path) -> None:
    """Of a function that wraps another, its own code, signature and what it holds."""
    write(tmp_path / "wrappers.py", WRAPPERS)
    refused = (
        "wrapped by a function that holds client, of which no other run would know what it is:"
        " name what it gives with skill=\nwrapped by a function that holds dispatch,"
        " of which no other run would know what it is: name what it gives with skill=\n"
    )
    for factor, hits in ((2, "[0, 0]"), (3, "[0, 2]"), (2, "[1, 2]")):
        write(tmp_path / "wrapped.py", WRAPPED.replace("FACTOR", str(factor)))
        assert run(store, tmp_path, "wrapped.py") == f"{refused}{factor} 15 11 ['db', 'q'] 1 {hits}"
    write(tmp_path / "wrappers.py", WRAPPERS.replace("y=5", "y=6"))
    assert run(store, tmp_path, "wrapped.py").endswith("2 16 11 ['db', 'q'] 1 [1, 0]")


OTHER_WRAPPER = """
import os, sys
sys.path.append("..")
import common, functools
from skillcache import SkillCache, cached
WORD = {word!r}
def wrap(fn):
    @functools.wraps(fn)
    def call(x):
        return WORD
    return call
print(cached(cache=SkillCache(os.environ["STORE"]))(wrap(common.f))(1))
"""


def test_a_wrapper_of_another_file_is_another(store: str, tmp_path: Path) -> None:
    """Its global names mean what they mean in its own file."""
    write(tmp_path / "common.py", "def f(x):\n    return x\n")
    for name in ("one", "two"):
        write(tmp_path / name / "script.py", OTHER_WRAPPER.format(word=name))
    for name in ("one", "two", "one"):
        assert run(store, tmp_path / name, "script.py") == name


def with_default(value: object) -> Any:
    def f(x: int, r: object = value) -> list[object]:
        return [x, r]

    return f


DEFAULTS = [Decimal(1), Decimal(2), [1], [2], ([1],), ([2],), date(2024, 1, 1), date(2025, 1, 1), (1, [1]), int, str]


def test_defaults_are_known_by_their_values() -> None:
    codes = [code_of(with_default(each), None) for each in DEFAULTS]
    assert len(set(codes)) == len(codes)
    assert codes == [code_of(with_default(each), None) for each in DEFAULTS]

    @functools.wraps(with_default(len))
    def outer(x: int) -> object:
        return x

    with pytest.raises(TypeError, match="the argument r is a builtin_function_or_method, which is no value"):
        code_of(outer)
    assert code_of(outer, None)
