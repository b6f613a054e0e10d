"""Globs of files, held against git's own."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillcache.core.outcomes import TOO_LARGE, Bypass
from skillcache.fingerprint.contents import Budget
from skillcache.fingerprint.globs import concerns, fault_of, find, matches

FILES = (
    "a a.csv ab.csv .hidden.csv b/a.csv b/b b/c/a.csv b/c/d/e.csv bc/a.csv b.csv/x c/.d/a.csv aXb.csv abab.csv".split()  # noqa: SIM905
)
PARTS = st.sampled_from(
    ["*", "**", "?", "a", "b", "c", "*.csv", "a*", "*b*.csv", "a?.csv", "?", ".*", "b.csv", "*a*b*"]
)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("globs")
    for name in FILES:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    subprocess.run(["git", "add", "-A"], cwd=root, check=True)
    return root


@given(st.lists(PARTS, min_size=1, max_size=4).map("/".join))
@settings(max_examples=150)
def test_a_glob_names_what_it_names_to_git_and_finds_it(repository: Path, glob: str) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", f":(top,glob){glob}"], cwd=repository, capture_output=True, check=True
    ).stdout
    named = sorted(name.decode() for name in listed.split(b"\0")[:-1])
    assert sorted(name for name in FILES if matches(glob, name)) == named
    assert sorted(find(str(repository), glob, Budget(time.monotonic() + 60, "files"))) == named
    for name in named:
        for at, letter in enumerate(name):
            assert letter != "/" or concerns(glob, name[:at], folder=True)


@pytest.mark.parametrize(
    "glob",
    ["", "a//b", "a/", "./a", "a/../b", "..", "a**", "a/**b", "[ab]", "{a,b}", "a\\*", ":x", "!x", "-x", " a", "a\n"],
)
def test_what_may_be_meant_otherwise_is_no_glob(glob: str) -> None:
    assert fault_of(glob) != ""


def test_links_are_given_and_not_followed_and_git_s_own_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "real/.git").mkdir(parents=True)
    for name in ("real/a.csv", "real/.git/a.csv"):
        (tmp_path / name).write_text("x")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real/b.csv").symlink_to("a.csv")

    def found(glob: str, *, through_links: bool = False) -> list[str]:
        return sorted(find(str(tmp_path), glob, Budget(time.monotonic() + 60, "files"), through_links=through_links))

    assert found("**/*.csv") == ["real/a.csv", "real/b.csv"]
    assert found("link/*.csv") == []
    assert found("link") == ["link"]
    assert found("**/*.csv", through_links=True) == ["link", "real/a.csv", "real/b.csv"]
    assert found("link/*.csv", through_links=True) == ["link"]


def test_a_walk_has_an_end(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / str(number)).write_text("")
    with pytest.raises(Bypass) as refused:
        list(find(str(tmp_path), "**", Budget(time.monotonic() + 60, "files", files=10)))
    assert refused.value.outcome is TOO_LARGE


def test_a_glob_of_many_stars_takes_no_time() -> None:
    began = time.monotonic()
    assert not matches("/".join(["**", "a*a*a*a*b"] * 20), "/".join(["a" * 200] * 60))
    assert time.monotonic() - began < 60  # and not for ever
