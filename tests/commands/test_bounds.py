"""What a stranger's text, a damaged memo or an odd home may cost: never a secret in a memo, nor time without bounds."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from skillcache.cache.history import Breaker
from skillcache.commands.nesting import TimeUp
from skillcache.commands.way import Way
from skillcache.core import files
from skillcache.core.outcomes import SLOW_PLACE, Bypass
from skillcache.fingerprint import leads, mention_text, recipes, texts
from tests.shims.shell import Shell

_SECRETS = {
    "project/.env": "API_TOKEN=sk-Qx9FirstPlanted\nKEY=/Qx9AtTheTop/of/it\n",
    "project/.env.local": "API_TOKEN=Qx9Ignored\n",
    "project/deploy.sh": "export DB_PASSWORD=Qx9InAScript\n: '/opt Qx9 in quotes'\n",
    "project/conf.toml": 'password = "Qx9InSettings"\nhome = "~/x"\nup = ".."\n',
    "home/.aws/credentials": "[default]\naws_secret_access_key = Qx9OfTheCloud\n",
    "home/.netrc": "machine x login bob password Qx9OfTheNet\n",
    "home/.pgpass": "h:5432:db:u:Qx9OfTheBase\n",
    "home/.ssh/id_ed25519": "-----BEGIN OPENSSH PRIVATE KEY-----\nQx9OfTheShell\n",
    "home/notes.sh": "PASSWORD=Qx9Elsewhere\n",
}
_NAMING = """open("~/.aws/credentials"); os.path.expanduser("~/.netrc"); os.path.dirname(__file__)
x = "~/.pgpass"; y = "~/.ssh/id_ed25519"; z = "~/notes.sh"; __import__("pathlib").Path.home()
"""


def grown(base: Path) -> Shell:
    shell = Shell(base, "bash", plain=True)
    shell.tool("pytest")
    return shell


def outcomes(shell: Shell, times: int = 1, **environ: str) -> list[int]:
    """How many real runs there were after each call."""
    for _ in range(times):
        done = shell.call("pytest -q", **environ)
        assert (done.returncode, done.stdout) == (0, "pytest says <-q>\n")
    return [len(shell.counter.read_text().splitlines())]


def test_no_secret_is_in_a_memo(tmp_path: Path) -> None:
    shell = grown(tmp_path)
    for name, text in {**_SECRETS, "project/tool.py": _NAMING, "project/.gitignore": ".env.local\n"}.items():
        path = shell.base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    shell.start()

    assert outcomes(shell, 2) == [1]

    kept = {path: path.read_bytes() for path in shell.cache.rglob("*") if path.is_file()}
    assert any("mentions" in path.parts for path in kept)
    assert [content[max(0, content.find(b"Qx9") - 80) :][:160] for content in kept.values() if b"Qx9" in content] == []
    (shell.home / ".aws/credentials").write_text("another\n")  # it counts all the same
    assert outcomes(shell) == [2]


def _kept(shell: Shell) -> list[Path]:
    folders = ("mentions", "own", "stamps", "rewritten", "observed", "slow")
    return [path for name in folders for path in (shell.cache / name).rglob("*") if path.is_file()]


def _a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


_DAMAGES: dict[str, Callable[[Path], object]] = {
    "half of it": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "zeros behind it": lambda path: path.write_bytes(path.read_bytes() + b"\0" * 99),
    "zeros in its place": lambda path: path.write_bytes(b"\0" * path.stat().st_size),
    "another line": lambda path: path.write_bytes(path.read_bytes() + b"\n\nXX\0\0\0junk\n\xff\n\n"),
    "nothing": lambda path: path.write_bytes(b""),
    "a folder": _a_folder,
}


def test_a_damaged_memo_is_none(tmp_path: Path) -> None:
    shell = grown(tmp_path)
    log = 'echo x >>a.log; mkdir -p out; date +%N >out/r.txt; echo "$0 $*" >>"$COUNTER"; echo "pytest says <$1>"'
    shell.tool("pytest", f"#!/bin/sh\n{log}\n")
    (shell.project / ".gitignore").write_text("*.log\nout\nnode_modules\n")
    (shell.project / "a.sh").write_text("cat ../x/y; jq\n")
    module = shell.project / "node_modules/a/package.json"
    module.parent.mkdir(parents=True)
    module.write_text('{"name": "a", "version": "1"}')
    (shell.project / "package.json").write_text("{}")
    shell.start()
    outcomes(shell, 4)
    kinds = {path.relative_to(shell.cache).parts[0] for path in _kept(shell)}
    assert {"mentions", "own"} <= kinds

    for what, damage in _DAMAGES.items():
        for path in _kept(shell):
            damage(path)
        outcomes(shell, 3)
        runs = outcomes(shell)
        assert outcomes(shell) == runs, what  # served again
    said = subprocess.run(
        ["python3", "-m", "skillcache", "stats"],
        cwd=shell.project,
        env={**shell.environ, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "internal" not in said.stdout


def test_a_relative_home_is_none(tmp_path: Path) -> None:
    shell = grown(tmp_path)
    shell.start()

    outcomes(shell, 2, HOME="rel/x")

    assert not (shell.project / "rel").exists()


def test_a_number_of_a_thousand_digits_is_many() -> None:
    assert mention_text.read(b"x.parents[" + b"1" * 5_000 + b"]\n", texts.SOURCE).startswith(b"10,10,")


def test_what_a_variable_of_make_stands_for_has_an_end() -> None:
    text = f"A = {'x' * 200_000}\nt:\n\tjq\n\t: {'$(A)' * 60_000}\n"
    (said,), _ = recipes._of_make(text, "t", is_asked=True)
    assert "jq" in said
    assert len(said) <= 1 << 20


def test_scripts_that_name_each_other_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"s{number}.sh" for number in range(30)]
    for name in names:
        (tmp_path / name).write_text("\n".join(f"./{other}" for other in names))
    (tmp_path / "Makefile").write_text("t:\n\t./s0.sh\n")
    read: list[str] = []

    def counted(path: str, cap: int) -> bytes | None:
        read.append(path)
        return files.read(path, cap)

    monkeypatch.setattr(recipes, "read", counted)

    assert recipes.started("make", recipes.said("make", "t", str(tmp_path))) == names
    assert len(read) < 40


def test_a_native_program_with_endless_names_is_soon_read(tmp_path: Path) -> None:
    count = 2_000
    dynamic = b"".join(struct.pack("<QQ", 1, place) for place in range(count)) + struct.pack("<QQ", 5, 0x10000)
    strings, table = 0x20000, 0x1000
    segments = [(1, strings, 0x10000, 1 << 21), (2, table, table, len(dynamic))]
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    head += b"".join(struct.pack("<IIQQQQQQ", kind, 5, at, to, to, size, size, 0) for kind, at, to, size in segments)
    content = head.ljust(table, b"\0") + dynamic
    (tmp_path / "tool").write_bytes(content.ljust(strings, b"\0") + b"A" * ((1 << 20) - 1) + b"\0")

    assert leads._linked(str(tmp_path / "tool")) == ([], [])


def test_a_place_where_all_our_time_went_is_left_alone_from_then_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(*_words: object, **_more: object) -> None:
        raise TimeUp

    def placed(_way: Way) -> Breaker:
        return Breaker(str(tmp_path), "one", {"HOME": str(tmp_path)}, 0.0)

    monkeypatch.setattr(Way, "_breaker", placed)
    way = object.__new__(Way)
    way._task = SimpleNamespace(capture_key=look, reports=lambda *_words, **_more: None)
    way._settings = SimpleNamespace(cache=str(tmp_path / "cache"), number=lambda _name: 0.0)  # type: ignore[assignment]
    with pytest.raises(TimeUp):
        way._look(SimpleNamespace(rows=tuple))  # type: ignore[arg-type]

    with pytest.raises(Bypass) as caught:
        placed(way).require_quick()
    assert caught.value.outcome is SLOW_PLACE
