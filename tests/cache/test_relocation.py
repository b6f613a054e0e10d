# ruff: noqa: E501, ISC004 - the samples are what the tools print
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from skillcache.cache.relocation import expand, expandable, relocate

ROOT = "/srv/checkouts/blue"
OTHER = "/srv/elsewhere/deeper/green-2"
HOME = "/home/person"


def relocatable(text: bytes, root: str) -> bool:
    return relocate(text, root)[1]


def moved(text: str, root: str = ROOT, to: str = OTHER) -> str:
    """The text as it is served in another root."""
    stored, sure = relocate(text.encode(), root, HOME)
    assert sure, text
    assert expand(stored, root, HOME) == text.encode()
    return expand(stored, to, HOME).decode()


@pytest.mark.parametrize(
    "template",
    [
        "rootdir: {}",
        "{}",
        "{}\n",
        'File "{}/src/x.py", line 3',
        "({}/src/x.py:3:1)",
        "at {}.",
        "cwd={}, pid",
        "PATH={}/bin:{}/tools",
        "\x1b[31m{}/x\x1b[0m failed",
        "'{}'",
        "[{}]",
        "file://{}/x",
        '"a\\n{}/x"',
        "a\x00b {} \x00R",
    ],
)
def test_the_root_is_replaced_at_path_boundaries(template: str) -> None:
    assert moved(template.replace("{}", ROOT)) == template.replace("{}", OTHER)


def test_lines_of_a_header_that_read_as_the_rest_of_those_above_are_known() -> None:
    root = "/srv/checkouts/of/somebody/with/long/names/of/folders/blue"
    template = (
        f"{' test session starts ':=^80}\nplatform linux -- Python 3.11.7, pytest-8.4.2 -- {{}}/.venv/bin/python\n"
        "cachedir: .pytest_cache\nrootdir: {}\ncollecting ... collected 2 items\n"
    )
    assert moved(template.replace("{}", root), root) == template.replace("{}", OTHER)
    for known, other in (("rootdir:", "looked in"), ("=\n", "= so\n")):
        assert not relocatable(template.replace("{}", root).replace(known, other).encode(), root)


@pytest.mark.parametrize("text", ["", "12 passed in 0.10s\n", "src/x.py:3: error: no\n", "a\x00b"])
def test_a_text_without_the_root_is_served_anywhere(text: str) -> None:
    assert moved(text) == text


@pytest.mark.parametrize(
    "text",
    [
        f"{ROOT}er/x",
        f"{ROOT}.old",
        f"{ROOT}-2/x",
        f"x{ROOT}",
        f"/mnt{ROOT}/x",
        f"-I{ROOT}",
        f"{ROOT}...",
        f"http://host/@fs/{ROOT}",
    ],
)
def test_a_longer_name_is_not_the_root_and_is_no_reason_to_be_sure(text: str) -> None:
    assert relocate(text.encode(), ROOT, HOME) == (text.encode(), False)


def test_escaped_slashes_and_home_relative_paths_keep_their_spelling() -> None:
    text = '{"path": "\\/home\\/person\\/blue\\/x"} ~/blue/x'
    moved_text = '{"path": "\\/home\\/person\\/b\\/green\\/x"} ~/b/green/x'
    assert moved(text, "/home/person/blue", "/home/person/b/green") == moved_text


@pytest.mark.parametrize("root", ["/srv/two words", "/srv/grün", "/srv/a'b", "/srv/a$b", "/srv/a+b"])
def test_a_root_that_tools_may_quote_neither_gives_nor_takes_a_text_that_names_it(root: str) -> None:
    assert not relocatable(f"at {root}/x".encode(), root)
    stored, _sure = relocate(f"at {ROOT}/x".encode(), ROOT, HOME)
    assert not expandable(stored, ROOT, root, HOME)
    assert expandable(b"3 passed", ROOT, root, HOME)
    assert relocatable(b"3 passed", root)


def test_a_root_that_is_reached_by_a_link_neither_gives_nor_takes(tmp_path: Path) -> None:
    base = tmp_path.resolve()
    (base / "real").mkdir()
    (base / "link").symlink_to(base / "real")
    assert not relocatable(f"at {base}/link/x".encode(), f"{base}/link")
    stored, sure = relocate(f"at {base}/real/x".encode(), f"{base}/real")
    assert sure
    assert not expandable(stored, f"{base}/real", f"{base}/link")


def test_a_text_that_names_its_root_stays_on_its_side_of_the_home() -> None:
    stored, _sure = relocate(f"at {ROOT}/x\0".encode(), ROOT, HOME)
    assert expandable(stored, ROOT, ROOT, HOME)
    assert expandable(stored, ROOT, OTHER, HOME)
    assert not expandable(stored, ROOT, "/home/person/x", HOME)
    assert expandable(stored, "/Users/one/x", "/home/person/x", HOME)


@pytest.mark.parametrize(
    "text",
    [
        "see /srv/checkouts/red/x.py",
        "in /srv/checkouts",
        "project blue",
        "Root project 'Blue'",
        "../blue/x.py",
        "../../../usr/lib/x",
        "...lue/src/x.py",
        "…ts/blue/src",
        "/srv/check...",
        f"{ROOT}/src/x…",
        "moved from /srv/chec\nkouts",
        "cached as srv-checkouts-blue.json",
        "srv_checkouts_blue",
        "%2Fsrv%2fcheckouts%2Fblue",
        f"{ROOT}/x.py       12      3",
        f"==== {ROOT} ====",
        f"{ROOT}/x.py\n" + "-" * (len(ROOT) + 5),
        f"open({ROOT}/x)\n        ^^^^^^^^^^^^^^",
        "The file that was asked for was looked for in the one folder\n" + f"{ROOT}/src and it was nowhere to be found",
        f"{ROOT}/src was searched for the file that the module asked for\nand it was not there",
        "cache key " + hashlib.sha256(ROOT.encode()).hexdigest()[:12],
        "/x/jest_" + hashlib.sha1(ROOT.encode(), usedforsecurity=False).hexdigest(),
    ],
)
def test_what_may_depend_on_the_place_stays_in_its_place(text: str) -> None:
    assert not relocatable(text.encode(), ROOT)


def test_the_name_of_the_root_may_be_that_of_a_package_in_it(tmp_path: Path) -> None:
    root = tmp_path.resolve() / "parent" / "blue"
    (root / "blue").mkdir(parents=True)
    (root / "blue" / "x.py").touch()
    for text in (
        "blue/x.py:3: error",
        "blue.x: bad",
        f"{root}/blue/x.py",
        "    from blue import x",
        "12 | go(blue)",
        "blue/x.py::test_y[blue] PASSED",
    ):
        assert relocatable(text.encode(), str(root)), text
    for text in ("Project blue", "blue/y.py", f"{root}/blue/y.py", "blue.zip/x", "y::test[blue]"):
        assert not relocatable(text.encode(), str(root)), text


def test_the_name_of_the_root_may_be_what_its_manifest_calls_it(tmp_path: Path) -> None:
    """As npm 10 and cargo 1.8x call a package, which they do by its manifest wherever it lies."""
    root = tmp_path.resolve() / "parent" / "blue"
    root.mkdir(parents=True)
    of_npm = ("> blue@1.0.0 test",)
    of_cargo = (f"    Checking blue v1.0.0 ({root})", "   Doc-tests blue", "warning: `blue` (lib) generated 1 warning")
    for name, text, said in (
        ("package.json", '{"name": "%s"}', of_npm),
        ("Cargo.toml", '[package]\nname = "%s"\n', of_cargo),
    ):
        for called, is_sure in (("red", False), ("blue", True)):
            (root / name).write_text(text % called)
            assert {relocatable(line.encode(), str(root)) for line in said} == {is_sure}, (name, called)
    for line in ("> blue", "Checking blue/x", "> run blue@1.0.0"):
        assert not relocatable(line.encode(), str(root)), line


def test_no_root_and_the_root_of_the_file_system_are_never_replaced() -> None:
    for root in ("", "/", "relative"):
        assert relocate(b"/x", root) == (b"/x", False)


PIECES = st.sampled_from(
    [
        ROOT,
        ROOT + "/",
        "\x00",
        "\x00R",
        "R",
        "0",
        "/srv",
        "/",
        "x",
        ".",
        "\n",
        " ",
        "é",
        "~",
        "\\/srv\\/checkouts\\/blue",
        "file://",
    ]
)


@given(st.lists(PIECES | st.text(max_size=3), max_size=12))
@example(["\x00", ROOT])
@example([ROOT, ROOT])
@example(["\x00R", "0"])
def test_expanding_in_the_same_root_gives_the_text_back(pieces: list[str]) -> None:
    text = "".join(pieces).encode("utf-8", "surrogatepass")
    stored, sure = relocate(text, ROOT, "/srv")
    assert (expand(stored, ROOT, "/srv") if sure else stored) == text


@given(st.binary(max_size=60))
def test_any_bytes_are_taken(text: bytes) -> None:
    stored, sure = relocate(text, ROOT, HOME)
    assert (expand(stored, ROOT, HOME) if sure else stored) == text


@pytest.mark.parametrize(
    "text",
    [
        # eslint
        "\n{}/src/a.js\n   3:5   error    'x' is not defined  no-undef\n  12:10  warning  Unused  no-unused\n\n✖ 2 problems\n",
        # tsc, plain and pretty
        "src/a.ts(3,5): error TS2322: Type 'string' is not assignable to type 'number'.\n",
        "src/a.ts:3:5 - error TS2322: No.\n\n3 let x: number = '';\n      ~\n\nFound 1 error in src/a.ts:3\n",
        # cargo
        "   Compiling sample v0.1.0 ({})\nwarning: unused variable: `x`\n --> src/lib.rs:2:9\n  |\n2 |     let x = 1;\n"
        "  |         ^ help: prefix it\n\n    Finished `test` profile [unoptimized] target(s) in 3.52s\n",
        # go
        "--- FAIL: TestA (0.00s)\n    a_test.go:7: got 1\nFAIL\nFAIL\texample.test/m\t0.012s\n",
        "panic: no\n\ngoroutine 1 [running]:\nmain.main()\n\t{}/main.go:4 +0x1d\nexit status 2\n",
        # node, vitest, jest
        "✖ adds (1.2ms)\n  at TestContext.<anonymous> (file://{}/a.test.js:5:10)\n",
        " RUN  v1.6.0 {}\n\n ✓ src/a.test.ts (3 tests) 5ms\n\n Test Files  1 passed (1)\n",
        "FAIL ./a.test.js\n  ● adds\n\n    expect(received).toBe(expected)\n\n      at Object.<anonymous> (a.test.js:3:1)\n",
        # phpunit, rspec, maven, gradle
        "There was 1 failure:\n\n1) ATest::testB\nFailed asserting that 1 is 2.\n\n{}/tests/ATest.php:12\n\nFAILURES!\n",
        "rspec ./spec/a_spec.rb:3 # A adds\n",
        "[ERROR] Please refer to {}/target/surefire-reports for the individual test results.\n[ERROR] -> [Help 1]\n",
        "> There were failing tests. See the report at: file://{}/build/reports/tests/test/index.html\n\n* Try:\n",
        # a Python traceback
        'Traceback (most recent call last):\n  File "{}/x.py", line 3, in f\n    g()\n  File "/usr/lib/python3/y.py", line 1\n',
    ],
)
def test_ordinary_reports_are_relocated(text: str) -> None:
    assert moved(text.replace("{}", ROOT)) == text.replace("{}", OTHER)


SOURCES = {
    "pyproject.toml": '[project]\nname = "sample"\nversion = "1"\n'
    '[tool.pytest.ini_options]\naddopts = "-p no:cacheprovider"\n',
    "sample/__init__.py": "",
    "sample/adding.py": "import os\nimport sys\n\ndef add(a: int, b: int) -> int:\n    return a + str(b)\n",
    "tests/test_adding.py": "from sample.adding import add\n\n\n"
    "def test_adds() -> None:\n    assert add(1, 2) == 3\n\n\n"
    "def test_names_its_file() -> None:\n    raise ValueError(__file__)\n\n\ndef test_passes() -> None:\n    pass\n",
}
TOOLS = [
    (["pytest", "-q", "--tb=short", "-k", "adds or passes"], True),
    (["pytest", "-q", "--tb=short"], False),  # the summary cuts a message that names the file
    (["pytest", "-v", "-rA", "-k", "adds or passes"], True),
    (["pytest", "--tb=native"], False),  # pytest frames lines that name the file
    (["ruff", "check", "."], True),
    (["ruff", "check", "--output-format=json", "."], True),
    (["ruff", "format", "--check", "."], True),
    (["mypy", "sample"], True),
    (["mypy", "--show-absolute-path", "sample"], True),
    (["mypy", "--show-absolute-path", "--pretty", "sample"], False),
]


def run(tool: list[str], root: Path, cache: Path) -> bytes:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(root), "COLUMNS": "80"}
    environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "MYPY_CACHE_DIR": str(cache), "RUFF_NO_CACHE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", *tool], cwd=root, env=environment, capture_output=True, timeout=120, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.table
@pytest.mark.parametrize(("tool", "ordinary"), TOOLS)
def test_real_tools_print_in_another_root_what_is_served_there(
    tool: list[str], ordinary: bool, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pytest.importorskip(tool[0])
    from skillcache.cache.verify import normalized

    base, cache = tmp_path.resolve(), tmp_path_factory.getbasetemp() / "mypy-cache"
    short, long = base / "a" / "short-tree", base / "b" / "a-much-longer-name-of-a-worktree" / "in-a-deeper-folder"
    for at, root in enumerate((short, long), 1_700_000_000):
        for name, text in SOURCES.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
            os.utime(root / name, (at, at))  # mypy takes files of one size and time for the same
    first, second = run(tool, short, cache), run(tool, long, cache)
    stored, sure = relocate(first, str(short))
    assert sure or not ordinary, first.decode()
    if not sure:
        return
    served = expand(stored, str(long)).decode()
    assert normalized(served, str(long), ()) == normalized(second.decode(), str(long), ())


@pytest.mark.timeout(20)
@pytest.mark.parametrize("unit", [b"...", b".", b"\n", b"/a/b...\n", b"../"])
def test_long_rows_of_one_thing_take_time_proportional_to_them(unit: bytes) -> None:
    relocate(unit * (300_000 // len(unit)), "/home/person/project")
