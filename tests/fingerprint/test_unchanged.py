"""A large folder that `find` says is unchanged: the answer is that of a look at all of it, whatever happens to it."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from skillcache.fingerprint import contents, stamped
from skillcache.fingerprint.contents import Budget


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Packages of three files each; how long ago they were written does not matter."""
    monkeypatch.setattr(contents, "MANY", 10)
    monkeypatch.setattr(contents, "_SETTLED", 0)
    monkeypatch.setattr(stamped, "_FINE", 0)
    top = tmp_path / "it's a [site]"
    for package in ("one", "two", "three", "@scope/four", "-name", "five"):
        for name in ("a.py", "sub/b.py", "sub/deep/c.py"):
            path = top / package / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{package} {name}")
    (top / "link").symlink_to("one")
    (top / "six.py").write_text("6")
    return top


Known = tuple[str, tuple[str, ...]]


def content(top: Path, *, cache: bool = True) -> Known:
    folder = str(top.parent / "cache") if cache else ""
    stamped._BY_STAMPS.clear()
    found = stamped.content(str(top), "/nowhere", Budget(time.monotonic() + 60, "packages", cache=folder))
    return found.digest, found.links


def by_find(top: Path, monkeypatch: pytest.MonkeyPatch) -> Known | None:
    """What is said without a look at all of it; None where that is not enough."""

    class Looked(Exception):
        pass

    def look(*_: object) -> None:
        raise Looked

    with monkeypatch.context() as patch:
        patch.setattr(stamped, "_Walk", look)
        try:
            return content(top)
        except Looked:
            return None


def over(path: Path, text: str) -> None:
    """In place, of the same size and time of writing: only the time of change tells."""
    before = path.stat()
    with path.open("r+") as file:
        file.write(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replaced(path: Path) -> None:
    other = path.parent.parent / "other"
    shutil.copytree(path, other, symlinks=True)
    (other / "a.py").write_text("another")
    shutil.rmtree(path)
    other.rename(path)


def linked(path: Path, target: str) -> None:
    path.unlink()
    path.symlink_to(target)


CHANGES: dict[str, Callable[[Path], object]] = {
    "in place": lambda top: over(top / "two/sub/deep/c.py", "X"),
    "in place at the top": lambda top: over(top / "six.py", "7"),
    "in a scope": lambda top: over(top / "@scope/four/sub/b.py", "X"),
    "in a name that looks like an option": lambda top: over(top / "-name/a.py", "X"),
    "a new file": lambda top: (top / "two/sub/new.py").write_text(""),
    "a new package": lambda top: (top / "zero").mkdir(),
    "one file less": lambda top: (top / "three/sub/b.py").unlink(),
    "a package less": lambda top: shutil.rmtree(top / "five"),
    "another name": lambda top: (top / "one/a.py").rename(top / "one/b.py"),
    "one over another": lambda top: (top / "one/a.py").rename(top / "two/a.py"),
    "may be executed": lambda top: (top / "one/a.py").chmod(0o755),
    "a folder for a folder": lambda top: replaced(top / "two"),
    "all of it": replaced,
    "another link": lambda top: linked(top / "link", "two"),
}
NO_CHANGES: dict[str, Callable[[Path], object]] = {
    "bytecode": lambda top: (top / "one/__pycache__/a.pyc").write_text("other"),
    "a tool's own": lambda top: (top / ".cache/run").write_text("other"),
}


@pytest.mark.table
@pytest.mark.parametrize("change", [*CHANGES, *NO_CHANGES])
def test_what_find_finds_unchanged_is_what_a_look_at_all_gives(
    top: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (top / "a.py").write_text("of the folder that is put in the place of all")
    for folder in ("one/__pycache__", ".cache"):
        (top / folder).mkdir()
    assert by_find(top, monkeypatch) is None
    fresh = content(top)
    assert by_find(top, monkeypatch) is None  # it was only read, and may have changed while it was
    assert content(top) == fresh
    assert by_find(top, monkeypatch) == fresh

    {**CHANGES, **NO_CHANGES}[change](top)

    assert (by_find(top, monkeypatch) is None) is (change in CHANGES)
    changed = content(top)
    assert changed == content(top, cache=False)
    assert content(top) == changed
    assert by_find(top, monkeypatch) == changed


def test_what_was_kept_is_no_word_on_another_boot_of_a_damaged_file_or_without_find(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content(top)
    fresh = content(top)
    (kept,) = (top.parent / "cache/stamps").glob("*.state")
    data = kept.read_bytes()
    assert by_find(top, monkeypatch) == fresh
    kept.write_bytes(data[:-1])
    assert by_find(top, monkeypatch) is None
    kept.write_bytes(data)
    with monkeypatch.context() as patch:
        patch.setattr(contents, "_boot", lambda: "another")
        assert by_find(top, monkeypatch) is None
    with monkeypatch.context() as patch:
        patch.setattr(contents, "_PROGRAMS", ("/nowhere/find", "/bin/false"))
        assert by_find(top, monkeypatch) is None
        assert content(top) == fresh


def test_a_folder_too_large_for_its_use_is_so_however_it_is_known(top: Path) -> None:
    for _ in range(3):
        content(top)
    budget = Budget(time.monotonic() + 60, "packages", cache=str(top.parent / "cache"))
    with pytest.raises(Exception, match="everything below"):
        stamped.content(str(top), "/nowhere", budget, most=5)


def test_a_capture_has_looked_ahead_at_what_the_last_one_asked_for(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        content(top)
    cache, begun = str(top.parent / "cache"), []
    begin = contents._begin

    def noted(path: str, top: str) -> contents.Look | None:
        begun.append(top)
        return begin(path, top)

    monkeypatch.setattr(contents, "_begin", noted)
    for is_ahead, asks in ((False, True), (True, True), (True, False), (True, False)):
        budget = Budget(time.monotonic() + 60, "packages", cache=cache)
        begun.clear()
        contents.look_ahead("a project", budget)
        assert begun == [str(top)] * is_ahead
        if asks:
            stamped.content(str(top), "/nowhere", budget)
        assert begun == [str(top)]
        contents.let_go("a project", budget)
        contents.look_ahead("another project", Budget(time.monotonic() + 60, "packages", cache=cache))
        assert begun == [str(top)]
