"""The collected bytecode is used where it is current, and never otherwise."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import skillcache
from skillcache.core import bytecode

PACKAGE = Path(skillcache.__file__).parent


class Copy:
    """A copy of the package whose sources a test may change; the rooms at its bottom, where not all are asked for."""

    def __init__(self, base: Path, *, whole: bool = False) -> None:
        self.ahead = True  # as hooks use it
        self.package = base / "lib/skillcache"
        above = () if whole else ("commands", "events", "fingerprint", "library", "messages", "sessions")
        shutil.copytree(PACKAGE, self.package, ignore=shutil.ignore_patterns("__pycache__", *above))
        self.file = self.package / f"__pycache__/skillcache.{sys.implementation.cache_tag}"
        self.file.parent.mkdir()

    def write(self) -> None:
        bytecode.write(str(self.package))

    def run(self, program: str) -> str:
        """What a fresh interpreter prints that uses the file."""
        head = (
            f"import sys; sys.path.append({str(self.package.parent)!r})\n"
            "from skillcache.core import bytecode\n"
            f"bytecode.use({str(self.package)!r}, ahead={self.ahead})\n"
        )
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", head + program], capture_output=True, text=True, check=True
        )
        return done.stdout

    def loader_of(self, module: str) -> str:
        return self.run(f"import {module}; print(type({module}.__spec__.loader).__name__)").strip()


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def test_without_a_file_modules_are_imported_as_ever(copy: Copy) -> None:
    assert copy.loader_of("skillcache.rules.judge") == "SourceFileLoader"


def test_modules_and_packages_come_from_the_file(copy: Copy) -> None:
    copy.write()
    assert copy.loader_of("skillcache.rules.judge") == "Finder"
    assert copy.loader_of("skillcache.rules") == "Finder"
    assert copy.run("import skillcache.rules.judge as s; print(s.judge(('mypy',)).rule.name, s.__file__)") == (
        f"mypy {copy.package}/rules/judge.py\n"
    )


def test_a_changed_source_is_imported_itself(copy: Copy) -> None:
    copy.write()
    with (copy.package / "stores/entry.py").open("a") as file:
        file.write("\nVERSION = 99\n")
    assert copy.run("from skillcache.stores import entry; print(entry.VERSION, bytecode.is_needed())") == "99 True\n"
    assert copy.loader_of("skillcache.tools.inflight") == "Finder"
    copy.write()
    assert copy.run("from skillcache.stores import entry; print(entry.VERSION, bytecode.is_needed())") == "99 False\n"


def test_a_removed_source_is_gone(copy: Copy) -> None:
    copy.write()
    (copy.package / "tools/inflight.py").unlink()
    assert copy.run("try:\n    import skillcache.tools.inflight\nexcept ImportError:\n    print('gone')") == "gone\n"


def test_the_file_of_another_installation_is_not_used(copy: Copy) -> None:
    copy.write()
    copy.package = copy.package.rename(copy.package.parent.parent / "skillcache")
    assert copy.loader_of("skillcache.tools.inflight") == "SourceFileLoader"


@pytest.mark.table
@pytest.mark.parametrize("damage", [b"", b"x", b"\0" * 100])
def test_a_damaged_file_is_not_used(copy: Copy, damage: bytes) -> None:
    copy.write()
    copy.file.write_bytes(damage)
    assert copy.loader_of("skillcache.tools.inflight") == "SourceFileLoader"


def test_a_module_whose_code_is_damaged_is_imported_as_ever(copy: Copy) -> None:
    copy.write()
    whole = copy.file.read_bytes()
    kept = 8 + int.from_bytes(whole[4:8], "big")  # all of the index
    copy.file.write_bytes(whole[:kept] + bytes(len(whole) - kept))
    assert (
        copy.run("import skillcache.core.processes as w; print(w.__name__, bytecode.is_needed())")
        == "skillcache.core.processes True\n"
    )


def test_a_file_of_another_python_is_not_used(copy: Copy) -> None:
    copy.write()
    copy.file.write_bytes(b"\0\0\r\n" + copy.file.read_bytes()[4:])
    assert copy.loader_of("skillcache.tools.inflight") == "SourceFileLoader"


def test_a_file_that_others_may_write_is_not_used(copy: Copy) -> None:
    copy.write()
    copy.file.chmod(0o622)
    assert copy.loader_of("skillcache.tools.inflight") == "SourceFileLoader"


def test_the_file_is_private(copy: Copy) -> None:
    copy.write()
    assert (copy.file.stat().st_mode & 0o777, os.listdir(copy.file.parent)) == (0o600, [copy.file.name])


def test_it_can_be_taken_away(copy: Copy) -> None:
    copy.write()
    bytecode.remove(str(copy.package))
    assert os.listdir(copy.file.parent) == []
    bytecode.remove(str(copy.package))


def test_without_a_folder_to_keep_it_there_is_none(copy: Copy) -> None:
    copy.file.parent.rmdir()
    copy.write()
    assert not copy.file.parent.exists()


def test_the_command_line_is_not_in_it(copy: Copy) -> None:
    copy.write()
    assert copy.run("print(sys.meta_path[0].find_spec('skillcache.cli.main'))") == "None\n"


FIRST = """
import os
for name in sys.meta_path[0]._index:
    child = os.fork()
    if not child:
        try:
            __import__(name)
            module = sys.modules[name]
            parent, _, own = name.rpartition(".")
            good = not parent or getattr(sys.modules[parent], own) is module
            good = good and module.__spec__.name == module.__name__ == name
        except ModuleNotFoundError as fault:  # hooks do without libraries, and without what imports one
            good = not fault.name.startswith("skillcache")
        except BaseException as fault:
            print(name, repr(fault), flush=True)
            good = False
        os._exit(not good)
    if os.waitpid(child, 0)[1]:
        print(name)
print("every module can be the first")
"""


@pytest.mark.long
def test_every_module_can_be_the_first(tmp_path: Path) -> None:
    """Whatever imports whatever in a circle."""
    copy = Copy(tmp_path, whole=True)
    copy.write()
    assert copy.run(FIRST) == "every module can be the first\n"


def test_what_a_module_needs_is_there_before_it(copy: Copy) -> None:
    """What only types, or a function's body, name is not. A process of many threads waits for the import."""
    (copy.package / "first.py").write_text(
        "import sys\n"
        "THERE = [m for m in ('paths', 'json_spans', 'git') if 'skillcache.core.' + m in sys.modules]\n"
        "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from skillcache.core import json_spans\n"
        "from skillcache.core import paths\ndef later():\n    from skillcache.core import git\n"
    )
    copy.write()
    program = "from skillcache import first; print(first.THERE)"
    assert copy.run(program) == "['paths']\n"
    copy.ahead = False
    assert copy.run(program) == "[]\n"
    assert copy.loader_of("skillcache.first") == copy.loader_of("skillcache.core.files") == "Finder"


def test_a_need_that_changed_is_imported_itself(copy: Copy) -> None:
    (copy.package / "first.py").write_text("from skillcache import second\n")
    (copy.package / "second.py").write_text("import skillcache.third as third\nNAME = 'old'\n")
    (copy.package / "third.py").write_text("")
    copy.write()
    (copy.package / "second.py").write_text("from skillcache import third\nNAME = 'new'\n")
    program = "from skillcache import first; print(first.second.NAME, first.second.third.__name__)"
    assert copy.run(program) == "new skillcache.third\n"


def test_a_need_that_cannot_be_imported_says_so_itself(copy: Copy) -> None:
    (copy.package / "first.py").write_text(
        "try:\n    from skillcache import second\nexcept ValueError as fault:\n    WHY = str(fault)\n"
    )
    (copy.package / "second.py").write_text("raise ValueError('no')\n")
    copy.write()
    assert copy.run("from skillcache import first; print(first.WHY)") == "no\n"
