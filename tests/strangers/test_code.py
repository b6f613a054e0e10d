"""Nothing of a stranger's repository runs because of us: everything that plain git would run there leaves a mark."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from skillcache.cli.setup.entries import MARK

if TYPE_CHECKING:
    from tests.strangers.world import Stranger

# What `look_in_every_way` comes to.
EVERY_WAY = ["no_entry", "stored", "replayed", "no_entry", "stored"]
CLEAN = "\tclean = {}\n"
# By the name of its mark: a section of the repository's own configuration that sets `{}` to run, and the filter's name.
FILTERS: dict[str, tuple[str, str]] = {
    "plain": ('[filter "plain"]\n' + CLEAN, "plain"),
    "bracket": ('[filter "a]b"]\n' + CLEAN, "a]b"),
    "backslash": ('[filter "a\\\\b"]\n' + CLEAN, "a\\b"),
    "quote": ('[filter "a\\"b"]\n' + CLEAN, 'a"b'),
    "escaped-letter": ('[filter "e\\scaped"]\n' + CLEAN, "escaped"),
    "upper-section": ('[FILTER "upper-section"]\n' + CLEAN, "upper-section"),
    "upper-name": ('[filter "UPPER-name"]\n' + CLEAN, "UPPER-name"),
    "upper-key": ('[filter "upper-key"]\n\tCLEAN = {}\n', "upper-key"),
    "old-form": ("[filter.old-form]\n" + CLEAN, "old-form"),
    "dots": ('[filter "with.dots.in"]\n' + CLEAN, "with.dots.in"),
    "equals": ('[filter "eq=ual"]\n' + CLEAN, "eq=ual"),
    "comment-sign": ('[filter "ha#s;h"]\n' + CLEAN, "ha#s;h"),
    "option-like": ('[filter "--upload-pack"]\n' + CLEAN, "--upload-pack"),
    "shell-like": ('[filter "$(id)`id`"]\n' + CLEAN, "$(id)`id`"),
    "no-ascii": ('[filter "é☃"]\n' + CLEAN, "é☃"),
    "long": (f'[filter "{"x" * 1500}"]\n' + CLEAN, "x" * 1500),
    "one-line": ('[filter "one-line"] clean = {}\n', "one-line"),
    "after-another": ('[color] ui = false\n[core][filter "after-another"]\n' + CLEAN, "after-another"),
    "spaced-out": ('[filter \t  "spaced-out"]\n\n\n  \t clean\t =\t {}  \n', "spaced-out"),
    "crlf": ('[filter "crlf"]\r\n\tclean = {}\r\n', "crlf"),
    "commented": ('[filter "commented"] ; what\n\tclean = {} # why\n', "commented"),
    "quoted-value": ('[filter "quoted-value"]\n\tclean = "{}"\n', "quoted-value"),
    "continued-value": ('[filter "continued-value"]\n\tclean = \\\n{}\n', "continued-value"),
    "twice": ('[filter "twice"]\n\tclean =\n[core]\n[filter "twice"]\n' + CLEAN, "twice"),
    "process": ('[filter "process"]\n\tprocess = {}\n', "process"),
    "process-and-clean": ('[filter "both"]\n\tprocess = {}\n\tclean = false\n', "both"),
    "required": ('[filter "required"]\n\trequired = true\n' + CLEAN, "required"),
    "named-lfs": ('[filter "lfs"]\n' + CLEAN, "lfs"),
    "shell-value": ('[filter "shell-value"]\n\tclean = "true && {}"\n', "shell-value"),
}
# What an included file is asked for by, the folder of the configuration being .git: `{}` is the file's name there.
INCLUDES = {
    "include": "[include]\n\tpath = {}\n",
    "include-comment": "[include]\n\tpath = {} ; comment\n",
    "include-hash": "[include]\n\tpath = {}# comment\n",
    "include-quoted": '[include]\n\tpath = "{}"\n',
    "include-partly-quoted": '[include]\n\tpath = "inc"{rest}{0:.0}\n',
    "include-continued": "[include]\n\tpath = \\\n{}\n",
    "include-upper": "[INCLUDE]\n\tPATH = {}\n",
    "include-one-line": "[include]path={}\n",
    "include-crlf": "[include]\r\n\tpath = {}\r\n",
    "include-dots": "[include]\n\tpath = ../.git/./{}\n",
    "include-absolute": "[include]\n\tpath = {root}/.git/{}\n",
    "include-home": "[include]\n\tpath = ~/../project/.git/{}\n",
    "include-if-gitdir": '[includeIf "gitdir:**/project/"]\n\tpath = {}\n',
    "include-if-gitdir-any-case": '[includeif "gitdir/i:**/PROJECT/.git"]\n\tpath = {}\n',
    "include-if-branch": '[includeIf "onbranch:m*"]\n\tpath = {}\n',
    "include-if-remote": '[includeIf "hasconfig:remote.*.url:https://example.org/**"]\n\tpath = {}\n',
    **{f"include-{number}-of-many": "[include]\n\tpath = {}\n" for number in range(30)},
}


def everything_spelled(stranger: Stranger) -> set[str]:
    """One repository with all the spellings, each filter with a file of its own."""
    attributes = []
    names = {}
    for number, (mark, (section, driver)) in enumerate(FILTERS.items()):
        stranger.configure(section.format(stranger.mark(mark)) if "{}" in section else section)
        names[mark] = driver
        attributes.append(f"f{number}.x filter={driver}\n")
    stranger.configure('[remote "origin"]\n\turl = https://example.org/a/b\n')
    for number, (mark, section) in enumerate(INCLUDES.items()):
        file = f"inc-{number}"
        stranger.configure(section.format(file, rest=file[3:], root=stranger.root))
        stranger.write(f".git/{file}", f'[filter "{mark}"]\n\tclean = {stranger.mark(mark)}\n')
        attributes.append(f"i{number}.x filter={mark}\n")
    _deep(stranger, attributes)
    stranger.configure("[core]\n\trepositoryFormatVersion = 1\n[extensions]\n\tworktreeConfig = true\n")
    stranger.write(".git/config.worktree", f'[filter "worktree"]\n\tclean = {stranger.mark("of-worktree")}\n')
    attributes.append("w.x filter=worktree\n")
    attributes.append("[attr]mine filter=plain\nmacro.x mine\n")
    stranger.write(".gitattributes", "".join(attributes))
    for line in attributes:
        if not line.startswith("["):
            stranger.write(line.partition(" ")[0], "1\n")
    stranger.write("a.txt", "1\n")
    return {*FILTERS, *INCLUDES, "of-worktree", "include-deep"}


def _deep(stranger: Stranger, attributes: list[str]) -> None:
    """As deep as git follows."""
    stranger.configure("[include]\n\tpath = deep-0\n")
    for depth in range(8):
        stranger.write(f".git/deep-{depth}", f"[include]\n\tpath = deep-{depth + 1}\n")
    stranger.write(".git/deep-8", f'[filter "deep"]\n\tclean = {stranger.mark("include-deep")}\n')
    attributes.append("deep.x filter=deep\n")


def test_no_filter_however_it_is_spelled(stranger: Stranger) -> None:
    every = everything_spelled(stranger)
    stranger.git("add", "-A")
    stranger.git("-c", "core.hooksPath=/dev/null", "commit", "-qm", "theirs")
    stranger.sprung()
    stranger.arm()
    stranger.git("--no-optional-locks", "status", "--porcelain")
    assert stranger.sprung() == every

    stranger.look_in_every_way()

    assert stranger.sprung() == set()
    assert stranger.counted() == EVERY_WAY


def filtered(stranger: Stranger, where: Path | None = None) -> None:
    """A repository whose one file has the filter x, which nothing defines yet."""
    top = where or stranger.root
    top.joinpath(".gitattributes").write_text("*.txt filter=x\n")
    top.joinpath("a.txt").write_text("1\n")
    stranger.git("add", "-A", cwd=top)
    stranger.git("commit", "-qm", "theirs", cwd=top)


def defined(stranger: Stranger) -> str:
    return f'[filter "x"]\n\tclean = {stranger.mark("x")}\n'


def byte_order_mark(stranger: Stranger) -> None:
    filtered(stranger)
    path = stranger.root / ".git/config"
    path.write_bytes(b"\xef\xbb\xbf" + defined(stranger).encode() + path.read_bytes())


def huge_configuration(stranger: Stranger) -> None:
    filtered(stranger)
    stranger.configure("# nothing\n" * 150_000 + defined(stranger))


def bytes_of_no_text(stranger: Stranger) -> None:
    filtered(stranger)
    stranger.write(".gitattributes", b"*.txt filter=\xff\xfe\n")
    stranger.configure(b'[filter "\xff\xfe"]\n\tclean = ' + stranger.mark("x").encode() + b"\n")


def common_folder_with_line_ends(stranger: Stranger) -> None:
    filtered(stranger)
    own, shared = stranger.root / ".git", stranger.base / "shared"
    own.rename(shared)
    own.mkdir()
    for name in ("HEAD", "index"):
        shutil.move(shared / name, own / name)
    (shared / "HEAD").write_text("ref: refs/heads/main\n")
    (own / "commondir").write_bytes(os.fsencode(shared) + b"\r\n\r\n")
    (shared / "config").write_text((shared / "config").read_text() + defined(stranger))
    (shared / "config").write_text((shared / "config").read_text().replace("bare = false", ""))


def link_with_line_ends(stranger: Stranger) -> None:
    filtered(stranger)
    stranger.configure(defined(stranger))
    (stranger.root / ".git").rename(stranger.base / "elsewhere")
    (stranger.root / ".git").write_bytes(b"gitdir: ../elsewhere\r\n")


def linked_worktree(stranger: Stranger) -> None:
    filtered(stranger)
    stranger.configure(defined(stranger))
    main = stranger.base / "main"
    stranger.root.rename(main)
    stranger.git("worktree", "add", "-q", str(stranger.root), "-b", "other", cwd=main)


def submodule(stranger: Stranger) -> None:
    library = stranger.base / "library"
    library.mkdir()
    stranger.git("init", "-q", cwd=library)
    filtered(stranger, library)
    stranger.git("submodule", "--quiet", "add", str(library), "lib")
    stranger.write("a.txt", "1\n")
    stranger.commit()
    stranger.configure(defined(stranger), ".git/modules/lib/config")


def nested_repository(stranger: Stranger) -> None:
    stranger.write("a.txt", "1\n")
    stranger.commit()
    inner = stranger.root / "inner"
    inner.mkdir()
    stranger.git("init", "-q", cwd=inner)
    filtered(stranger, inner)
    stranger.configure(defined(stranger), "inner/.git/config")


def other_top(stranger: Stranger) -> None:
    filtered(stranger)
    stranger.configure(f"[core]\n\tworktree = {stranger.root}/../project\n" + defined(stranger))


def called_bare(stranger: Stranger) -> None:
    linked_worktree(stranger)
    stranger.git("config", "core.bare", "true")


def attributes_beside(stranger: Stranger) -> None:
    filtered(stranger)
    stranger.write(".gitattributes", "")
    stranger.commit()
    stranger.write(".git/info/attributes", "*.txt filter=x\n")
    stranger.configure(defined(stranger))


def attributes_elsewhere(stranger: Stranger) -> None:
    filtered(stranger)
    stranger.write(".gitattributes", "")
    stranger.commit()
    stranger.write(".git/attributes", "*.txt filter=x\n")
    stranger.configure(f"[core]\n\tattributesFile = {stranger.root}/.git/attributes\n" + defined(stranger))


def attributes_in_a_link(stranger: Stranger) -> None:
    """Git follows no such link, and takes the text of where it leads to for the attributes."""
    stranger.write("*.txt filter=x", "")
    stranger.write("a.txt", "1\n")
    (stranger.root / ".gitattributes").symlink_to("*.txt filter=x")
    stranger.commit()
    stranger.configure(defined(stranger))


def attributes_below(stranger: Stranger) -> None:
    stranger.write("in/.gitattributes", "[attr]mine filter=x\n")
    stranger.write("in/deep/a.txt", "1\n")
    stranger.write(".gitattributes", "[attr]mine filter=x\n")
    stranger.write("in/deep/.gitattributes", "a.txt mine\n")
    stranger.commit()
    stranger.configure(defined(stranger))


def attributes_that_only_the_index_has(stranger: Stranger) -> None:
    filtered(stranger)
    (stranger.root / ".gitattributes").unlink()
    stranger.configure(defined(stranger))


def filter_of_the_person(stranger: Stranger) -> None:
    """It may run what it finds in the folder, as `python3 -m tool` does."""
    filtered(stranger)
    (stranger.home / ".gitconfig").write_text(defined(stranger))


def filter_of_the_environment(stranger: Stranger) -> None:
    filtered(stranger)
    stranger.environ |= {
        "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "filter.x.clean", "GIT_CONFIG_VALUE_0": stranger.mark("x"),
    }  # fmt: skip


def split_index(stranger: Stranger) -> None:
    filtered(stranger)
    stranger.git("update-index", "--split-index")
    stranger.configure(defined(stranger))


def unsure_times(stranger: Stranger) -> None:
    """Files as new as the index: git compares their contents although nothing says that they changed."""
    filtered(stranger)
    stranger.configure(defined(stranger))
    os.utime(stranger.root / ".git/index", (1, 1))


def name_that_ends_twice(stranger: Stranger) -> None:
    """An index that git and a reader up to the first NUL read differently: only git sees the file with a filter."""
    stranger.write("a", "1\n")
    stranger.write("sub/a.txt", "1\n")
    stranger.commit()
    stranger.write("sub/.gitattributes", "*.txt filter=x\n")
    stranger.configure(defined(stranger))

    blob = hashlib.sha1(b"blob 2\0001\n").digest()  # noqa: S324 - git's own

    def entry(name: bytes) -> bytes:
        made = struct.pack(">10I", *(0,) * 6, 0o100644, 0, 0, 0) + blob + struct.pack(">H", len(name)) + name
        return made + b"\0" * (8 - len(made) % 8)

    padding = entry(b"a")[63:]
    body = entry(b"a" + padding + entry(b"b") + b"zzzz\xff\xff\xff\xff") + entry(b"sub/a.txt")
    data = b"DIRC" + struct.pack(">2I", 2, 2) + body
    (stranger.root / ".git/index").write_bytes(data + hashlib.sha1(data).digest())  # noqa: S324 - git's own


PLACES: tuple[Callable[[Stranger], None], ...] = (
    *(byte_order_mark, huge_configuration, bytes_of_no_text, common_folder_with_line_ends, link_with_line_ends),
    *(linked_worktree, submodule, nested_repository, other_top, called_bare, attributes_beside, attributes_elsewhere),
    *(attributes_in_a_link, attributes_below, attributes_that_only_the_index_has, filter_of_the_person),
    *(filter_of_the_environment, split_index, unsure_times, name_that_ends_twice),
)


@pytest.mark.table
@pytest.mark.parametrize("make", PLACES)
def test_no_filter_wherever_it_is(stranger: Stranger, make: Callable[[Stranger], None]) -> None:
    make(stranger)
    stranger.sprung()
    stranger.arm()
    inner = stranger.root / "inner"
    stranger.git("--no-optional-locks", "status", cwd=inner if inner.exists() else None, fails=make is called_bare)
    assert stranger.sprung() == {"x"} or make is called_bare

    stranger.call()

    assert stranger.sprung() == set()
    assert stranger.counted() == ["no_entry", "stored"]


# Configuration that names programs, and the command of git that runs them.
NAMED = {
    "fsmonitor": ("[core]\n\tfsmonitor = {}\n", ("status",)),
    "diff.external": ("[diff]\n\texternal = {}\n", ("diff",)),
    "textconv": ('[diff "x"]\n\ttextconv = {}\n', ("diff",)),
    "diff.command": ('[diff "y"]\n\tcommand = {}\n', ("diff",)),
    "gpg": ("[log]\n\tshowSignature = true\n[gpg]\n\tprogram = {}\n", ("log", "-n1")),
    "alias": ("[alias]\n\tst = !{}\n\tstatus = !{}\n\tls-files = !{}\n\tconfig = !{}\n", ("st",)),
    "editor": ("[core]\n\teditor = {}\n", ("commit", "--amend")),
    "credential": ("[credential]\n\thelper = !{}\n", ("credential", "fill")),
    "credential-of-one": ('[credential "https://example.org"]\n\thelper = !{}\n', ("credential", "fill")),
    "ssh": ('[core]\n\tsshCommand = {}\n[remote "ssh"]\n\turl = ssh://127.0.0.1/x\n', ("fetch", "ssh")),
    "proxy": ('[core]\n\tgitProxy = {}\n[remote "git"]\n\turl = git://127.0.0.1:1/x\n', ("fetch", "git")),
    "uploadpack": ('[remote "up"]\n\turl = file:///x\n\tuploadpack = {}\n', ("fetch", "up")),
    "ext": (
        '[protocol "ext"]\n\tallow = always\n[remote "ext"]\n\turl = "ext::{}"\n\tfetch = +refs/heads/*:refs/x/*\n',
        ("fetch", "ext"),
    ),
    "merge-driver": ('[merge "m"]\n\tdriver = {}\n', ("merge", "side")),
}
ON_A_TERMINAL = {
    "pager": ("[core]\n\tpager = {}\n", ("log",)),
    "pager-of-status": ("[pager]\n\tstatus = {}\n", ("status",)),
    "pager-of-config": ("[pager]\n\tconfig = {}\n", ("config", "--list")),
}
HOOKS = ("post-index-change", "reference-transaction", "pre-auto-gc", "fsmonitor-watchman", "post-checkout")


def test_nothing_else_that_the_configuration_names(stranger: Stranger) -> None:
    stranger.write(".gitattributes", "a.txt diff=x\nb.txt diff=y\nc.txt merge=m\n")
    for name in ("a.txt", "b.txt", "c.txt"):
        stranger.write(name, "0\n")
    stranger.commit()
    stranger.git("switch", "-qc", "side")
    stranger.write("c.txt", "2\n")
    stranger.commit()
    stranger.git("switch", "-q", "main")
    stranger.write("c.txt", "3\n")
    stranger.commit()
    _sign_the_head(stranger)
    for name in ("a.txt", "b.txt"):
        stranger.write(name, "1\n")
    asked = "protocol=https\nhost=example.org\n\n"
    for name, (text, words) in {**NAMED, **ON_A_TERMINAL}.items():
        plain = (stranger.root / ".git/config").read_text()
        stranger.configure(text.replace("{}", str(stranger.program(f"named-{name}"))))
        if name in ON_A_TERMINAL:
            stranger.on_a_terminal(*words)
        else:
            stranger.git(*words, given=asked, fails=True)
        assert stranger.sprung() == {f"named-{name}"}
        stranger.git("merge", "--abort", fails=True)
        stranger.write(".git/config", plain)
    for text, _ in (*NAMED.values(), *ON_A_TERMINAL.values()):
        stranger.configure(text.replace("{}", str(stranger.program("any"))))
    stranger.configure("[status]\n\tsubmoduleSummary = true\n[core]\n\tuntrackedCache = true\n\tsplitIndex = true\n")

    stranger.look_in_every_way()

    assert stranger.sprung() == set()
    assert stranger.counted() == EVERY_WAY


def _sign_the_head(stranger: Stranger) -> None:
    commit = stranger.git("cat-file", "commit", "HEAD")
    head, _, message = commit.partition("\n\n")
    signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n AAAA\n -----END PGP SIGNATURE-----"
    signed = stranger.git("hash-object", "-t", "commit", "-w", "--stdin", given=f"{head}\n{signature}\n\n{message}\n")
    stranger.git("update-ref", "HEAD", signed)


@pytest.mark.parametrize("place", [".git/hooks", "own"])
def test_no_hook_of_git_s(stranger: Stranger, place: str) -> None:
    stranger.write("a.txt", "1\n")
    stranger.commit()
    for name in HOOKS:
        stranger.write(f"{place}/{name}", f"#!/bin/sh\nexec {stranger.mark(name)} </dev/null\n").chmod(0o755)
    if place == "own":
        stranger.configure("[core]\n\thooksPath = own\n")
    stranger.configure(f"[core]\n\tfsmonitor = {stranger.root}/{place}/fsmonitor-watchman\n")
    stranger.arm()
    stranger.git("status")
    assert {"post-index-change", "fsmonitor-watchman"} <= stranger.sprung()
    stranger.arm()

    stranger.look_in_every_way()

    assert stranger.sprung() == set()


PROMISES = {
    "ext": 'url = "ext::{}"\n',
    "rewritten": "url = https://example.org/x\n",
    "ssh": "url = ssh://127.0.0.1/x\n",
    "uploadpack": "url = file:///x\n\tuploadpack = {}\n",
    "proxy": "url = git://127.0.0.1:1/x\n",
    "helper": "url = x\n\tvcs = stranger\n",
}


@pytest.mark.table
@pytest.mark.parametrize("promise", PROMISES)
def test_nothing_is_fetched_that_was_only_promised(stranger: Stranger, promise: str) -> None:
    stranger.write("a.txt", "0\n")
    first = stranger.commit()
    stranger.record_a_session()
    stranger.write("a.txt", "1\n")
    stranger.commit()
    for tree in (stranger.git("rev-parse", f"{commit}^{{tree}}") for commit in (first, "HEAD")):
        (stranger.root / f".git/objects/{tree[:2]}/{tree[2:]}").unlink()
    mark = str(stranger.program("git-remote-stranger"))
    text = PROMISES[promise].replace("{}", mark)
    allowed = "".join(f'[protocol "{name}"]\n\tallow = always\n' for name in ("ext", "ssh", "file", "git", "stranger"))
    stranger.configure(
        f"[core]\n\trepositoryFormatVersion = 1\n\tsshCommand = {mark}\n\tgitProxy = {mark}\n"
        f'[extensions]\n\tpartialClone = origin\n[remote "origin"]\n\tpromisor = true\n\t{text}{allowed}'
        f'[url "ext::{mark}"]\n\tinsteadOf = https://example.org/x\n'
    )
    stranger.git("--no-optional-locks", "status", fails=True)
    assert stranger.sprung() == {"git-remote-stranger"}

    stranger.look_in_every_way()

    assert stranger.sprung() == set()


def test_no_git_that_lies_in_the_repository_nor_where_somebody_works(stranger: Stranger) -> None:
    stranger.write("a.txt", "1\n")
    stranger.commit()
    for folder in ("bin", "."):
        stranger.write(f"{folder}/git", f"#!/bin/sh\nexec {stranger.mark('git')} </dev/null\n").chmod(0o755)
    (stranger.base / "away").symlink_to(stranger.root / "bin")
    stranger.environ["PATH"] = f"{stranger.base}/away:{stranger.root}/bin:.::{stranger.environ['PATH']}"
    assert shutil.which("git", path=stranger.environ["PATH"]) == f"{stranger.base}/away/git"

    stranger.call()

    assert stranger.sprung() == set()
    assert stranger.counted() == ["no_entry", "stored"]


# What a project keeps that commands are called by, and what could be asked for what it is.
PROGRAMS = (
    *(".venv/bin/python", ".venv/bin/python3", ".venv/bin/pytest", "venv/bin/python3", "node_modules/.bin/tsc"),
    *("vendor/bin/phpunit", "bin/rspec", "bin/rails", "gradlew", "mvnw", "manage.py", "artisan", "env/bin/ruff"),
    *("bash", "sh", "python3", "cat", "bin/bash", "bin/env", "bin/sh"),
)


def test_no_program_of_theirs_that_nobody_calls(stranger: Stranger) -> None:
    for place in PROGRAMS:
        stranger.write(place, f"#!/bin/sh\nexec {stranger.mark(place.replace('/', '-'))} </dev/null\n").chmod(0o755)
    for place in ("sitecustomize.py", "usercustomize.py", "json.py", "os.py", "re.py", "encodings/__init__.py"):
        stranger.write(place, f"__import__('posix').system('{stranger.mark('module')} </dev/null')\n")
    stranger.write(".bashrc", f"{stranger.mark('startup')} </dev/null\n")
    stranger.commit()
    stranger.environ |= {
        "VIRTUAL_ENV": f"{stranger.root}/.venv", "PYTHONPATH": str(stranger.root),
        "PYTHONSTARTUP": f"{stranger.root}/json.py",
    }  # fmt: skip

    stranger.record_a_session()
    stranger.begin_a_session()
    stranger.call()
    stranger.call()

    assert stranger.sprung() == set()
    assert stranger.counted() == ["no_entry", "stored", "replayed"]


@pytest.mark.long
def test_neither_doctor_nor_demo_starts_a_program_that_only_the_project_names(stranger: Stranger) -> None:
    names = ("bash", "claude", "git", "python3")
    for name in names:
        stranger.write(f"bin/{name}", f"#!/bin/sh\nexec {stranger.mark(name)} </dev/null\n").chmod(0o755)
    words = {"command": f"{stranger.root}/bin/python3", "args": ["-I", "-S", "/x/hooks/pre_tool_use.py", MARK]}
    groups = [{"matcher": "Bash", "hooks": [{"type": "command", **words}]}]
    stranger.write(".claude/settings.json", json.dumps({"hooks": {"PreToolUse": groups}}))
    stranger.environ["PATH"] = f"{stranger.root}/bin:{os.path.dirname(sys.executable)}:/usr/bin:/bin"

    stranger.skillcache("doctor")
    stranger.skillcache("demo")

    assert stranger.sprung() == set()
    assert f"{stranger.root}/.claude/settings.json has hooks" in stranger.skillcache("doctor").stdout


def linked(stranger: Stranger, other: Path) -> None:
    (stranger.root / "link").symlink_to(other)


def with_submodule(stranger: Stranger, other: Path) -> None:
    stranger.git("submodule", "--quiet", "add", str(other), "inner")


def ignored_inside(stranger: Stranger, other: Path) -> None:
    stranger.write(".gitignore", "inner\n")
    stranger.git("clone", "--quiet", str(other), "inner")


def below(stranger: Stranger, other: Path) -> None:
    """The session is in a repository that theirs holds."""
    ignored_inside(stranger, other)
    stranger.root /= "inner"
    stranger.write("a.txt", "1\n")


@pytest.mark.table
@pytest.mark.parametrize("make", [linked, with_submodule, ignored_inside, below])
def test_nor_for_another_repository_that_theirs_leads_to(
    stranger: Stranger, make: Callable[[Stranger, Path], None]
) -> None:
    other = stranger.base / "other"
    other.mkdir()
    (other / "b.txt").write_text("1\n")
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "another")):
        stranger.git(*words, cwd=other)
    program = stranger.write("bin/git", f"#!/bin/sh\nexec {stranger.mark('git')} </dev/null\n")
    make(stranger, other)
    stranger.commit()
    program.chmod(0o755)
    stranger.environ["PATH"] = f"{program.parent}:{stranger.environ['PATH']}"

    stranger.call()
    stranger.skillcache("explain", "--", "pytest", "-q")

    assert stranger.sprung() == set()
    assert stranger.counted() == ["no_entry", "stored"]


def test_a_repository_in_the_place_of_the_worktree_is_none(stranger: Stranger) -> None:
    """A .git that git passes by, and the parts of a bare repository beside it, with a configuration of its own."""
    filtered(stranger)
    for name in ("objects", "refs", "HEAD", "config", "index"):
        shutil.move(stranger.root / ".git" / name, stranger.root / name)
    stranger.write(".git/HEAD", "ref: refs/heads/main\n")
    stranger.configure(f"[core]\n\tbare = false\n\tworktree = {stranger.root}\n{defined(stranger)}", "config")
    stranger.arm()
    stranger.git("--no-optional-locks", "status", fails=True)
    assert stranger.sprung() == {"x"}
    stranger.arm()

    stranger.call()

    assert stranger.sprung() == set()
    assert stranger.counted() == ["no_git"]
