"""Packages that change while their manifest stays, and programs that nobody named: each is run again for."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from skillcache.core.outcomes import OUTSIDE, TOO_LARGE, Bypass
from skillcache.fingerprint import packages
from skillcache.fingerprint.contents import Budget
from skillcache.fingerprint.stamped import content
from tests.conftest import require_program
from tests.shims.shell import Shell

# It shows all that the paths in $SHOWN hold, and counts its runs.
_TOOL = """#!/usr/bin/perl
sysopen(C, $ENV{COUNTER}, 02101); syswrite(C, "@ARGV\\n");
exec "/bin/sh", "-c", "cat $ENV{SHOWN} 2>&1; true";
"""
TWO = "#!/bin/sh\necho two\n"
_COUNTED = '#!/bin/sh\necho ran >>"$COUNTER"\n'
SITE = "lib/python3.12/site-packages"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return _shell(tmp_path)


def _shell(base: Path) -> Shell:
    made = Shell(base, "bash", plain=True)
    made.tool("pytest", _TOOL)
    made.start()
    return made


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def rewrite(path: Path, text: str) -> None:
    """In its place, as an installer would leave it that gives every file the same time."""
    stamp = path.stat().st_mtime_ns
    path.write_text(text)
    os.utime(path, ns=(stamp, stamp))


def again(shell: Shell, line: str, change: Callable[[], object], **environ: str) -> None:
    """Recorded, served while nothing changes, and run again once something has."""
    shell.same(line, runs=1, **environ)
    before = shell.run(line, **environ).stdout
    change()
    assert shell.run(line, **environ).stdout != before, "the change is one that a run shows"
    shell.same(line, runs=1, **environ)


def counts(shell: Shell, line: str, change: Callable[[], object], why: str, **environ: str) -> None:
    """Known by one key while nothing changes, and by another once something has: `again` says what comes of that."""
    first = shell.key(line, **environ)
    assert shell.key(line, **environ) == first, why
    change()
    second = shell.key(line, **environ)
    assert second != first, why
    assert shell.key(line, **environ) == second, why


# Where it lies below the project or beside it, and what else is there that says what was installed.
INSTALLS = {
    "patched": ("node_modules/foo/index.js", ["node_modules/.package-lock.json"]),
    "generated": ("node_modules/.prisma/client/index.js", ["node_modules/.package-lock.json"]),
    "scoped": ("node_modules/@a/b/lib/index.js", ["node_modules/@a/b/package.json"]),
    "a fixture": ("test/fixtures/app/node_modules/foo/index.js", []),
    "pnpm": ("node_modules/.pnpm/foo@1.0.0/node_modules/foo/index.js", ["node_modules/.modules.yaml"]),
    "bun": ("node_modules/.bun/foo@1.0.0/node_modules/foo/index.js", []),
    "a nested one": ("node_modules/a/node_modules/b/index.js", ["node_modules/.yarn-integrity"]),
    "above": ("../node_modules/foo/index.js", []),
    "venv": (f".venv/{SITE}/mylib/__init__.py", [".venv/pyvenv.cfg", f".venv/{SITE}/mylib-1.0.dist-info/RECORD"]),
    "a module": (f"venv/{SITE}/six.py", ["venv/pyvenv.cfg"]),
    "an egg": (f".venv/{SITE}/mylib-1.0-py3.12.egg/mylib.py", [".venv/pyvenv.cfg"]),
    "a command": (".venv/bin/mytool", [".venv/pyvenv.cfg"]),
    "a checkout": (".venv/src/lib/lib.py", [".venv/pyvenv.cfg"]),
    "PEP 582": ("__pypackages__/3.12/lib/mylib.py", []),
    "eggs": (".eggs/mylib-1.0.egg/mylib.py", []),
    "a target": ("deps/mylib/__init__.py", ["deps/mylib-1.0.dist-info/RECORD"]),
    "composer": ("vendor/a/b/c.php", ["vendor/composer/installed.json"]),
    "go": ("vendor/example.org/x/x.go", ["vendor/modules.txt"]),
    "bundler": ("vendor/bundle/ruby/3.3.0/gems/rake-13.0/lib/rake.rb", []),
    "unplugged": (".yarn/unplugged/foo-npm-1/node_modules/foo/index.js", []),
    "yarn": (".yarn/cache/foo-npm-1.0.0.zip", []),
}


@pytest.mark.parametrize("is_ignored", [True, False])
def test_what_is_installed_counts_by_what_it_holds(tmp_path: Path, *, is_ignored: bool) -> None:
    for kind, (path, others) in INSTALLS.items():
        shell = _shell(tmp_path / kind)
        file = put(shell.project / path, "one\n")
        for other in others:
            put(shell.project / other, "{}\n")
        if is_ignored:
            put(shell.project / ".gitignore", "node_modules\n*venv\nvendor\ndeps\n__pypackages__\n.eggs\n.yarn\n")
        counts(shell, "pytest -q", lambda file=file: rewrite(file, "two\n"), kind)  # type: ignore[misc]


def wheel(folder: Path, text: str) -> None:
    """Of mylib 1.0, as `python -m build` leaves it."""
    about = "mylib-1.0.dist-info"
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / "mylib-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("mylib.py", text)
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: mylib\nVersion: 1.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", f"mylib.py,,\n{about}/METADATA,,\n{about}/WHEEL,,\n{about}/RECORD,,\n")


def test_a_wheel_built_anew_under_the_same_version(shell: Shell) -> None:
    venv.create(shell.project / ".venv", with_pip=False)
    put(shell.project / ".gitignore", ".venv\n")
    python = str(shell.project / ".venv/bin/python")

    def install(text: str) -> None:
        wheel(shell.base / "wheels", text)
        pip = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--disable-pip-version-check"]
        given = ["--force-reinstall", "--no-index", "--find-links", str(shell.base / "wheels"), "mylib"]
        subprocess.run([*pip, *given], check=True, capture_output=True, env=shell.environ)

    (package,) = (shell.project / ".venv/lib").glob("python3*/site-packages")
    install("NUMBER = 1\n")
    shell.start()
    again(shell, "pytest -q", lambda: install("NUMBER = 2\n"), SHOWN=str(package / "mylib.py"))


@pytest.mark.parametrize("kind", ["link", "store", "pth", "egg-link", "finder"])
def test_what_packages_lead_to_counts(shell: Shell, kind: str) -> None:
    outside = put(shell.base / "beside/lib/index.js", "one\n")
    site = shell.project / f".venv/{SITE}"
    put(shell.project / ".venv/pyvenv.cfg", "version = 3.12\n")
    put(shell.project / ".gitignore", ".venv\nnode_modules\n")
    if kind in ("link", "store"):
        modules = shell.project / "node_modules"
        modules.mkdir()
        if kind == "store":  # whose own links lead on
            (shell.base / "store/foo").mkdir(parents=True)
            (shell.base / "store/foo/lib").symlink_to(outside.parent)
            (modules / "foo").symlink_to("../../store/foo")
        else:
            (modules / "lib").symlink_to("../../beside/lib")
    elif kind == "pth":
        put(site / "lib.pth", f"{outside.parent}\n")
    elif kind == "egg-link":
        put(site / "lib.egg-link", f"{outside.parent}\n.\n")
    else:
        put(site / "__editable___lib_finder.py", f"MAPPING = {{'lib': '{outside.parent}'}}\n")
    counts(shell, "pytest -q", lambda: rewrite(outside, "two\n"), kind)


def test_what_every_run_leaves_among_packages_does_not_count(shell: Shell) -> None:
    put(shell.project / ".gitignore", "node_modules\n.venv\n")
    put(shell.project / "node_modules/a/index.js", "one\n")
    put(shell.project / ".venv/pyvenv.cfg", "version = 3.12\n")
    put(shell.project / f".venv/{SITE}/a.py", "one\n")
    written = ("node_modules/.cache/x", "node_modules/.vite/results.json", f".venv/{SITE}/__pycache__/a.pyc")
    shell.same("pytest -q", runs=1, SHOWN="/dev/null")
    for number in range(2):
        for path in written:
            put(shell.project / path, f"{number}\n")
        shell.same("pytest -q", runs=0, SHOWN="/dev/null")


# What tasks start.

# As npm does: the script in a shell, with the project's own commands first on PATH.
_NPM = """#!/usr/bin/perl
local $/; open(P, "package.json"); my ($said) = <P> =~ /"test": *"((?:[^"\\\\\\\\]|\\\\\\\\.)*)"/;
exec "/bin/sh", "-c", $said;
"""
TASKS = {
    "make": ("make test", {"Makefile": "test:\n\t@cd backend && python -m check\n"}),
    "npm": ("npm test", {"package.json": '{"scripts": {"test": "cd backend && python -m check"}}\n'}),
    "a script": (
        "make test",
        {"Makefile": "test:\n\t@sh ./scripts/run.sh\n", "scripts/run.sh": "cd backend\nexec python -m check\n"},
    ),
}


@pytest.mark.parametrize("kind", TASKS)
def test_the_packages_of_an_interpreter_that_a_task_starts(shell: Shell, kind: str) -> None:
    line, files = TASKS[kind]
    elsewhere = shell.base / "environment"
    venv.create(elsewhere)
    (site,) = (elsewhere / "lib").glob("python3*/site-packages")
    put(site / "check.py", "import six\nprint(six.NUMBER)\n")
    six = put(site / "six.py", "NUMBER = 1.16\n")
    put(site / "six-1.16.0.dist-info/RECORD", "six.py,,\n")
    shell.tool("npm", _NPM)
    for path, text in {**files, "backend/data": "\n"}.items():
        put(shell.project / path, text)
    shell.environ["PATH"] = f"{elsewhere}/bin:{shell.environ['PATH']}"
    counts(shell, line, lambda: rewrite(six, "NUMBER = 1.17\n"), kind)


# What stands in a task -> whether its call is cached.
RECIPES = {
    "test:\n\t@docker compose run --rm app pytest\n": False,
    "test: unit\nunit:\n\t@echo one; docker run app\n": False,
    "RUN := docker compose exec app\ntest:\n\t@$(RUN) pytest\n": False,
    "test:\n\t@./scripts/test.sh\n": False,
    "test:\n\t@sudo podman run app\n": False,
    "test:\n\t@ssh host pytest\n": False,
    "test:\n\t@sh -c 'docker run app'\n": False,
    "include mk/test.mk\n": False,
    "D := mk\n-include $(wildcard $(D)/*.mk)\n": False,
    "test:\n\t@$(if $(CI),,docker run app)\n": False,
    "include mk/image.mk\ntest:\n\t@pytest -q\n": True,
    "test: data\n\t@pytest -q docker\nimage:\n\tdocker build .\n": True,
    "test:\n\t@pytest -q\nimage:\n\tdocker build .\n": True,
}


def runs_elsewhere(shell: Shell, line: str) -> bool:
    """Whether it is known of it: whatever it says, no key is that of another moment."""
    try:
        shell.key(line)
    except Bypass as bypass:
        return bypass.outcome is OUTSIDE
    return False


def test_a_task_that_runs_elsewhere_is_not_cached(shell: Shell) -> None:
    for name in ("docker", "podman", "ssh", "sudo"):
        shell.tool(name, _COUNTED + "cat ../image\n")
    put(shell.project / "scripts/test.sh", "#!/bin/sh\ndocker compose run app\n").chmod(0o755)
    put(shell.project / "mk/test.mk", "test: more\ninclude mk/more.mk\n")
    put(shell.project / "mk/more.mk", "more:\n\t@docker run app\n")
    put(shell.project / "mk/image.mk", "image:\n\t@docker build .\n")
    for text, is_cached in RECIPES.items():
        put(shell.project / "Makefile", text)
        assert runs_elsewhere(shell, "make test") is not is_cached, text
    shell.start()
    for image in ("one\n", "two\n"):
        put(shell.project / "Makefile", next(iter(RECIPES)))
        put(shell.base / "image", image)
        shell.same("make test", runs=2)
    put(shell.project / "Makefile", next(text for text, is_cached in RECIPES.items() if is_cached))
    shell.same("make test", runs=1, SHOWN="/dev/null")


def test_so_are_scripts_of_a_package_and_tools_that_run_elsewhere(shell: Shell) -> None:
    shell.tool("npm", _NPM)
    shell.tool("docker", _COUNTED)
    put(shell.project / "package.json", '{"scripts": {"test": "docker compose run app", "lint": "eslint ."}}')
    shell.tool("ruff", '#!/bin/sh\nexec docker run ruff "$@"\n')
    shell.start()
    shell.same("npm test", runs=2)
    shell.same("ruff check .", runs=2)
    put(shell.project / "package.json", '{"workspaces": ["packages/*"]}')
    put(shell.project / "packages/a/package.json", '{"scripts": {"test": "docker compose run app"}}')
    put(
        shell.project / "Taskfile.yml", "tasks:\n  test:\n    deps: [up]\n  up:\n    cmds:\n      - docker compose up\n"
    )
    for name in ("task", "make", "just"):
        shell.tool(name, "#!/usr/bin/perl\nsystem('docker compose run app');\n")
    put(shell.project / "mk/t.mk", "test:\n\tdocker compose run app\n")
    put(shell.project / "justfile", "import 'mk/t.mk'\n")
    for line in ("npm test --workspaces", "task test", "make -f mk/t.mk test", "just test"):
        assert runs_elsewhere(shell, line), line


NAMING = {
    "tests/test_it.py": "import subprocess\nsubprocess.run(['jq', '.a'])\n",
    "Makefile": "test:\n\t@jq .a\n",  # which counts where a text runs it
    "scripts/run.sh": "#!/bin/sh\ncat x | jq .a\n",
    "test/it.test.js": "execSync('jq .a')\n",
}


def test_a_program_that_the_project_s_text_names(shell: Shell) -> None:
    program = shell.tool("jq", "#!/bin/sh\necho one\n")
    put(shell.project / "tests/test_recipes.py", "import subprocess\nsubprocess.run(['make', 'test'])\n")
    for path, text in NAMING.items():
        file = put(shell.project / path, text)
        for said in ("two", "one"):
            counts(shell, "pytest -q", lambda said=said: rewrite(program, f"#!/bin/sh\necho {said}\n"), path)  # type: ignore[misc]
        file.unlink()


def test_a_utility_of_the_system_counts_from_elsewhere_alone(shell: Shell) -> None:
    put(shell.project / "Makefile", "test:\n\t@pytest -q | sort\n")
    shell.same("make test", runs=1, SHOWN="/dev/null")
    seen = {shell.key("make test", SHOWN="/dev/null")}
    sort = shell.tool("sort", "#!/bin/sh\necho none\n")
    for number, text in enumerate(("one", "two"), 2):
        rewrite(sort, f"#!/bin/sh\necho {text}\n")
        seen.add(shell.key("make test", SHOWN="/dev/null"))
        assert len(seen) == number
        shell.same("make test", runs=0, SHOWN="/dev/null")  # what else the recipe starts is nothing to the suite in it


# A tool that is a script -> what lies behind it, relative to the folder beside the project.
BEHIND = {
    '#!/bin/sh\nexec {base}/x/real "$@"\n': {"x/real": "#!/bin/sh\necho {}\n"},
    "#!/bin/sh\n. {base}/x/env\necho $SAID\n": {"x/env": "SAID={}\n"},
    '#!/bin/sh\n. "$(dirname "$0")/../x/lib.sh"\nsay\n': {"x/lib.sh": "say() {{ echo {}; }}\n"},
    '#!/bin/bash\nHERE="${{0%/*}}"\nsource "$HERE/../x/lib.bash"\n': {"x/lib.bash": "echo {}\n"},
    '#!/bin/sh\nexec "$HOME/tools/real"\n': {"home/tools/real": "#!/bin/sh\necho {}\n"},
    "#!/bin/sh\nexec other\n": {"bin/other": "#!/bin/sh\necho {}\n"},
    "#!/bin/sh\nenv A=1 {base}/x/one\n": {"x/two": "#!/bin/sh\necho {}\n", "x/one": "#!/bin/sh\n. {base}/x/two\n"},
    "#!/usr/bin/perl\nprint `{base}/x/real`;\n": {"x/real": "#!/bin/sh\necho {}\n"},
    "#!/usr/bin/env python3\nimport beside\n": {"bin/beside.py": "print('{}')\n"},
    "#!/usr/bin/env python3\nimport sys\nsys.path.insert(0, '{base}/x')\nimport far\n": {"x/far.py": "print('{}')\n"},
    "#!/bin/sh\nPYTHONPATH={base}/x exec python3 -B -m far\n": {"x/far.py": "print('{}')\n"},
    '#!/bin/sh\nexec "$REAL" "$@"\n': {"x/real": "#!/bin/sh\necho {}\n"},
}


def test_a_tool_that_is_a_script_counts_with_what_it_runs(tmp_path: Path) -> None:
    for number, (text, behind) in enumerate(BEHIND.items()):
        shell = _shell(tmp_path / str(number))
        files = {path: said.replace("{base}", str(shell.base)) for path, said in behind.items()}
        for path, said in files.items():
            put(shell.base / path, said.format("one")).chmod(0o755)
        shell.tool("pytest", text.format(base=shell.base))
        first, said = next(iter(files.items()))
        file, changed = shell.base / first, said.format("two")
        environ = {"REAL": str(shell.base / "x/real")}
        counts(shell, "pytest -q", lambda file=file, text=changed: rewrite(file, text), text, **environ)  # type: ignore[misc]


@pytest.mark.parametrize("way", ["-Wl,-rpath,$ORIGIN/../x", "LD_LIBRARY_PATH"])
def test_a_native_tool_counts_with_its_libraries(shell: Shell, way: str) -> None:
    require_program("gcc")
    x = shell.base / "x"
    main = put(
        shell.base / "main.c",
        "#include <stdio.h>\n#include <stdlib.h>\nint number(void);\nint main(void) {\n"
        ' FILE *f = fopen(getenv("COUNTER"), "a"); fputs("ran\\n", f); fclose(f);\n'
        ' printf("%d\\n", number()); return 0; }\n',
    )

    def build(number: int) -> None:
        put(x / "number.c", f"int number(void) {{ return {number}; }}\n")
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", x / "libnumber.so", x / "number.c"], check=True)

    build(1)
    flags = [way] if way.startswith("-") else []
    command = ["gcc", "-o", str(shell.bin / "pytest"), str(main), f"-L{x}", "-lnumber", *flags]
    subprocess.run(command, check=True)
    shell.environ |= {} if flags else {way: str(x)}  # a session begins with it, or no shim stands in
    shell.start()
    again(shell, "pytest -q", lambda: build(2))


# A variable -> what it leads to, relative to the folder beside the project.
LEADING = {
    ("PERL5LIB", "{x}"): "x/Some.pm",
    ("PYTHONPATH", "{x}"): "x/mylib/__init__.py",
    ("LD_LIBRARY_PATH", "{x}"): "x/libsome.so",
    ("GEM_PATH", "/nowhere:{x}"): "x/gems/rake-13.0/lib/rake.rb",
    ("GEM_HOME", "{x}"): "x/gems/rake-13.0/lib/rake.rb",
    ("PHP_INI_SCAN_DIR", "{x}"): "x/own.ini",
    ("NODE_PATH", "{x}"): "x/foo/index.js",
    ("PYTEST_ADDOPTS", "../x"): "x/test_more.py",
    ("CFLAGS", "-O2 -I{x}"): "x/some.h",
    ("CC", "{x}/gcc -m64"): "x/gcc",
    ("CC", "mycc"): "bin/mycc",
    ("RUSTC_WRAPPER", "{x}/sccache"): "x/sccache",
    ("SOME_TOOL", "{x}/tool"): "x/tool",
    ("GOWORK", "{x}/go.work"): "x/go.work",
    ("GOWORK", "{x}/other.work"): "x/lib/lib.go",
}


def test_what_a_variable_leads_to_counts(tmp_path: Path) -> None:
    for number, ((name, value), path) in enumerate(LEADING.items()):
        shell = _shell(tmp_path / str(number))
        put(shell.base / "x/other.work", "go 1.22\n\nuse (\n\t./lib\n)\n")
        file = put(shell.base / path, "#!/bin/sh\necho one\n")
        file.chmod(0o755)
        environ = {name: value.format(x=shell.base / "x")}
        counts(shell, "pytest -q", lambda file=file: rewrite(file, TWO), f"{name}={value}", **environ)  # type: ignore[misc]


def test_a_folder_that_holds_too_much_is_looked_at_once(tmp_path: Path) -> None:
    for number in range(20):
        put(tmp_path / f"many/{number}/file", "one\n")

    def look(most: int) -> str:
        budget = Budget(time.monotonic() + 60, "files", cache=str(tmp_path / "cache"))
        return content(str(tmp_path / "many"), str(tmp_path), budget, most=most).digest

    with pytest.raises(Bypass) as caught:
        look(10)
    assert caught.value.outcome is TOO_LARGE
    with pytest.raises(Bypass):  # now for what is remembered of it
        look(100)


def test_two_contents_of_one_moment_are_two(tmp_path: Path) -> None:
    file = put(tmp_path / "packages/a/index.js", "0")
    found = set()
    for number in range(200):
        file.write_text(chr(0x4E00 + number))
        budget = Budget(time.monotonic() + 60, "files", cache=str(tmp_path / "cache"))
        found.add(content(str(tmp_path / "packages"), str(tmp_path), budget).digest)
    assert len(found) == 200


def test_a_damaged_memory_is_none(tmp_path: Path) -> None:
    put(tmp_path / "packages/a/index.js", "0")
    found = set()
    for text in (b"", b"\0", b"whole 1\0\0\0", b"\xff" * 100, None):
        for path in (tmp_path / "cache/stamps").glob("*") if text is not None else ():
            path.write_bytes(text or b"")
        budget = Budget(time.monotonic() + 60, "files", cache=str(tmp_path / "cache"))
        found.add(content(str(tmp_path / "packages"), str(tmp_path), budget).digest)
    assert len(found) == 1


def test_equal_installs_are_equal_in_another_place(tmp_path: Path) -> None:
    """As pip and npm leave them: scripts, records and finders name the place, and every file has another time."""
    found = []
    for name in ("one", "another"):
        root = tmp_path / name
        put(root / ".venv/pyvenv.cfg", f"home = /usr/bin\nversion = 3.12.1\ncommand = python -m venv {root}/.venv\n")
        put(root / ".venv/bin/pytest", f"#!{root}/.venv/bin/python\nimport pytest\n")
        put(root / ".venv/bin/activate", f"VIRTUAL_ENV={root}/.venv\nVIRTUAL_ENV_PROMPT={name}\n")
        about = root / f".venv/{SITE}/pytest-8.0.dist-info"
        put(about / "RECORD", f"../../../bin/pytest,sha256={name},1\npytest/__init__.py,sha256=abc,5\n")
        put(about / "INSTALLER", f"{name}\n")
        put(about / "direct_url.json", f'{{"url": "file://{root}/wheels/pytest.whl"}}')
        put(root / f".venv/{SITE}/__editable___me_finder.py", f"MAPPING = {{'me': '{root}/src/me'}}\n")
        put(root / "node_modules/.modules.yaml", f"storeDir: /{name}\nprunedAt: {name}\n")
        put(root / "node_modules/.bin/tsc", f'#!/bin/sh\nexport NODE_PATH="{root}/node_modules"\n')
        put(root / "node_modules/typescript/index.js", "1\n")
        budget = Budget(time.monotonic() + 60, "files", cache=str(tmp_path / "cache"))
        kinds = [packages.of_folder(str(root / folder), str(root), budget) for folder in (".venv", "node_modules")]
        found.append([kind.digest for kind in kinds if kind is not None])
    assert found[0] == found[1]
    assert len(found[0]) == 2
