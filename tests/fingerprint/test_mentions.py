"""Files and folders elsewhere that the project's own text names are inputs; what only looks like one is none."""

import os
import socket
import tempfile
import time
from pathlib import Path

import pytest

from skillcache.core import outcomes
from skillcache.core.files import signs
from skillcache.core.outcomes import Bypass
from skillcache.fingerprint import elsewhere, mention_text, mentions, texts, variables
from tests.fidelity.hooks import bare_python, path_of_machine
from tests.fingerprint.conftest import Project


def named(repo: Project) -> list[str]:
    return [row[1] for row in repo.rows() if row[0] == "mention"]


@pytest.mark.table
@pytest.mark.parametrize(
    ("path", "text", "there"),
    [
        ("conftest.py", 'sys.path.insert(0, "../shared")', "../shared/a.py"),
        (
            "conftest.py",
            'sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "shared"))',
            "../shared/a.py",
        ),
        ("tests/conftest.py", 'SHARED = Path(__file__).parent.parent.parent / "shared"', "../shared/a.py"),
        (
            "tests/conftest.py",
            "TOP = Path(__file__).parents[2]\nsys.path.append(str(TOP / 'shared'))",
            "../shared/a.py",
        ),
        ("tests/conftest.py", "HERE = Path(__file__).parent\nUP = HERE.parent\nX = UP.parent / 'x.json'", "../x.json"),
        ("tests/test_a.py", 'open("../fixture.json")', "../fixture.json"),
        ("tests/test_a.py", "open(os.path.join(os.pardir, 'fixture.json'))", "../fixture.json"),
        ("tests/test_a.py", "Path.cwd().parent.joinpath('fixture.json')", "../fixture.json"),
        ("tests/test_a.py", "import helper\nsys.path.append(os.path.dirname(os.getcwd()))", "../helper.py"),
        ("tests/test_a.py", "open(os.path.expanduser('~/.config/app.json'))", "../home/.config/app.json"),
        ("tests/test_a.py", 'Path.home() / ".config" / "app.json"', "../home/.config/app.json"),
        ("tests/a.js", 'path.join(os.homedir(), ".apprc")', "../home/.apprc"),
        ("a.sh", '. "$HOME/.apprc"', "../home/.apprc"),
        ("a.sh", '. "${HOME}/.apprc"', "../home/.apprc"),
        ("bin/check", 'cd "$(dirname "$0")/../.." && ./check.sh', "../check.sh"),
        ("a.sh", 'source "$PWD/../env.sh"', "../env.sh"),
        ("Makefile", "TOP := ..\ninclude $(TOP)/common.mk\n", "../common.mk"),
        ("Makefile", "TOP = ..\ninclude ${TOP}/mk/rules.mk\n", "../mk/rules.mk"),
        ("Makefile", "test:\n\t$(MAKE) -C ../other\n", "../other/Makefile"),
        ("Makefile", "test:\n\tcd .. && sh check.sh\n", "../check.sh"),
        ("package.json", '{"scripts": {"test": "cd .. && node check.js"}}', "../check.js"),
        ("package.json", '{"scripts": {"test": "node --require=../setup.cjs t.js"}}', "../setup.cjs"),
        ("src/a.js", 'const x = require("../../lib/util")', "../lib/util.js"),
        ("src/a.ts", 'import x from "../../lib"', "../lib/index.ts"),
        ("src/a.js", 'fs.readFileSync(path.join(__dirname, "..", "..", "x.json"))', "../x.json"),
        ("src/a.js", 'new URL("../../x.json", import.meta.url)', "../x.json"),
        ("src/lib.rs", 'include_str!("../../x.json")', "../x.json"),
        ("src/lib.rs", 'Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("x.json")', "../x.json"),
        ("a_test.go", 'os.ReadFile(filepath.Join("..", "testdata", "x.json"))', "../testdata/x.json"),
        ("src/a.c", '#include "../../inc/a.h"', "../inc/a.h"),
        ("spec/a_spec.rb", 'File.expand_path("../../x.json", __dir__)', "../x.json"),
        ("spec/a_spec.rb", 'File.join(__dir__, "..", "..", "x.json")', "../x.json"),
        ("tests/AT.php", "require __DIR__ . '/../../boot.php';", "../boot.php"),
        ("src/ATest.java", 'Paths.get("..", "x.json")', "../x.json"),
        ("CMakeLists.txt", "include(${CMAKE_CURRENT_SOURCE_DIR}/../x.cmake)", "../x.cmake"),
        ("docker-compose.yml", "volumes:\n  - ../data:/data\n", "../data/x"),
        ("tests/test_a.py", 'open("../my fixtures/a b.json")', "../my fixtures/a b.json"),
        ("a.toml", 'globs = ["../shared/*.json"]', "../shared/x.json"),
        ("README.md", "The data is in ../data.json", "../data.json"),
        ("tests/test_a.py", "open(os.path.split(os.getcwd())[0] + '/x.json')", "../x.json"),
        ("tests/test_a.py", "open(os.getcwd().rsplit('/', 1)[0] + '/x.json')", "../x.json"),
        ("tests/test_a.py", "Path(*Path(__file__).parts[:-3], 'x.json')", "../x.json"),
        ("tests/test_a.py", "glob.glob('../fix*.txt')", "../fixture.txt"),
        ("tests/test_a.py", "open('../case_%d.txt' % 1)", "../case_1.txt"),
        ("tests/test_a.py", "n = 'fixture'\nopen(f'../{n}.txt')", "../fixture.txt"),
        ("src/a.js", "readFileSync(`${__dirname}/../../case_${k}.txt`)", "../case_one.txt"),
        ("a.rb", 'File.read("../case_#{k}.txt")', "../case_one.txt"),
        ("a.py", "[open(Path('..') / x) for x in os.listdir('..')]", "../any.txt"),
        ("tests/a.py", "UP = Path(__file__).parents[2]\nUP.glob('*.txt')", "../any.txt"),
        ("src/a.js", "fs.readdirSync(path.join(__dirname, '..', '..'))", "../any.txt"),
        ("a.sh", "for f in $(ls ..); do cat ../$f; done", "../any.txt"),
        ("a.py", "while not exists(join(d, 'x.txt')):\n    d = os.path.dirname(d)", "../x.txt"),
        ("src/a.py", "next(p / 'x.txt' for p in Path(__file__).parents if (p / 'x.txt').exists())", "../x.txt"),
        ("src/a.js", "findUp('x.txt', {cwd: path.dirname(here)})", "../x.txt"),
        ("a.py", 'os.path.join(os.path.expanduser("~"), ".apprc")', "../home/.apprc"),
        ("a.py", "name = 'app'\nos.path.expanduser(f'~/.{name}rc')", "../home/.apprc"),
        ("a.js", 'process.env.HOME + "/.apprc"', "../home/.apprc"),
        ("a.rb", 'File.join(Dir.home, ".apprc")', "../home/.apprc"),
        ("a_test.go", 'home, _ := os.UserHomeDir()\nfilepath.Join(home, ".apprc")', "../home/.apprc"),
        ("a.py", "open(os.path.expanduser('~/.cache/app/x.txt'))", "../home/.cache/app/x.txt"),
        ("p.dat", "../x.txt", "../x.txt"),
        ("a.py", 'open("../y=1/a(1).txt")', "../y=1/a(1).txt"),
        ("a.js", 'require("../@acme/ui")', "../@acme/ui/index.js"),
        ("a.js", "findUpSync('x.txt')", "../x.txt"),
        ("a.py", "open(os.path.join(click.get_app_dir('app'), 'c.json'))", "../home/.config/app/c.json"),
        ("a_test.go", 'd, _ := os.UserConfigDir()\nfilepath.Join(d, "app", "c.json")', "../home/.config/app/c.json"),
        ("a.py", "run([Path.home() / '.cargo' / 'bin' / 'frob'])", "../home/.cargo/bin/frob"),
        ("a.py", "open(os.path.join('..', name + '.json'))", "../case.json"),
        ("tests/a.py", "open(Path(__file__).parents[2] / f'{name}.yaml')", "../case.yaml"),
        ("tests/a.py", "open(Path(__file__).parents[2] / ('case_' + n))", "../case_1"),
        ("src/a.js", "readFileSync(path.join(__dirname, '..', '..', name + '.json'))", "../case.json"),
        ("a.js", "require('../' + name)", "../case.js"),
        ("a_test.go", 'os.ReadFile(filepath.Join("..", name+".json"))', "../case.json"),
        ("bin/a.sh", 'cd "$(dirname "$0")/../.."\ncat $NAME.json', "../case.json"),
    ],
)
def test_what_a_text_names_is_an_input(repo: Project, path: str, text: str, there: str) -> None:
    repo.write(path, text)
    none = repo.rows()
    repo.write(there, "one\n")
    one = repo.rows()
    assert [row for row in one if row[0] == "mention"]
    repo.write(there, "two\n")
    assert len({none, one, repo.rows()}) == 3


@pytest.mark.parametrize("path", ["a.py", "Makefile", "bin/check"])
def test_a_text_names_the_same_whether_it_is_untracked_or_the_index_s(repo: Project, path: str) -> None:
    repo.write(path, "include ../fixture.mk\n")
    repo.write("../fixture.mk", "one\n")
    one = repo.rows()
    assert [row for row in one if row[0] == "mention"]
    repo.git("add", "-A")
    assert repo.rows() == one
    (repo.top / "../fixture.mk").unlink()
    assert repo.rows() != one


@pytest.mark.table
@pytest.mark.parametrize("text", ["open('{}')", "url = 'sqlite:///{}'", "url = sqlite:///{}"])
@pytest.mark.parametrize("name", ["x.txt", "dätä/x.txt", "y=1/x(1).txt"])
def test_so_is_a_path_from_the_top_however_it_is_spelled(repo: Project, text: str, name: str) -> None:
    if "(" in name and "'" not in text:
        pytest.skip("nothing says where it ends")
    repo.write(f"../far/{name}", "one\n")
    repo.write("a.toml", text.format(repo.top.parent / "far" / name))
    one = repo.rows()
    repo.write(f"../far/{name}", "two\n")
    assert repo.rows() != one


def test_of_a_project_in_a_folder_of_the_system_what_lies_beside_it_counts(tmp_path: Path) -> None:
    """As of one in /var/www, or in the workspace of a server that builds."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as made:
        repo = Project(Path(made) / "project", tmp_path)
        repo.top.mkdir()
        repo.git("init", "-q")
        repo.write("check.mk", "X := ../shared\n")
        repo.write("../shared/data", "one\n")
        repo.commit()
        one = repo.rows()
        repo.write("../shared/data", "two\n")
        assert repo.rows() != one


def test_what_such_a_file_names_is_one_too(repo: Project) -> None:
    repo.write("Makefile", "include ../a.mk\n")
    repo.write("../a.mk", "include $(TOP)/b.mk\n")
    repo.write("../b.mk", "x = 1\n")
    assert named(repo) == ["../a.mk", "../b.mk"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", "open(os.path.join('{}', 'data', 'x.txt'))"),
        ("a.py", "BASE = '{}'\nopen(BASE + '/data/x.txt')"),
        ("a.py", "DATA = Path('{}', 'data')\nopen(DATA / 'x.txt')"),
    ],
)
def test_what_lies_below_a_folder_at_the_top_counts_by_names(
    repo: Project, monkeypatch: pytest.MonkeyPatch, path: str, text: str
) -> None:
    top = repo.top.parent / "srv"
    for module in (elsewhere, mention_text):
        monkeypatch.setattr(module, "TOPS", frozenset([os.fsencode(top)]))
    repo.write(path, text.format(top))
    repo.write("../srv/other/y.txt", "1")
    before = repo.rows()
    repo.write("../srv/data/x.txt", "1")
    assert len({before, repo.rows()}) == 2
    assert len(named(repo)) == 1


@pytest.mark.table
@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", "open(os.environ['DATA_DIR'] + '/x.txt')"),
        ("a.py", "open(os.path.join(os.environ.get('DATA_DIR', '.'), 'x.txt'))"),
        ("a.js", "readFileSync(path.join(process.env.DATA_DIR, 'x.txt'))"),
        ("a.sh", 'cat "$DATA_DIR/x.txt"'),
        ("Makefile", "test:\n\tcat $(DATA_DIR)/x.txt"),
        ("ruff.toml", 'extend = "${DATA_DIR}/x.txt"'),
        ("a_test.go", 'os.ReadFile(filepath.Join(os.Getenv("DATA_DIR"), "x.txt"))'),
        ("a.rs", 'Path::new(&env::var("DATA_DIR").unwrap()).join("x.txt")'),
        ("a.rb", "File.read(File.join(ENV.fetch('DATA_DIR'), 'x.txt'))"),
        ("a.py", "[open(f) for f in glob.glob(os.environ['DATA_DIR'] + '/*')]"),
        ("a.py", "open(os.environ[PREFIX + '_DIR'] + '/x.txt')"),
        ("a.py", "open(os.path.join(os.environ[f'{PREFIX}_DIR'], name + '.txt'))"),
        ("a.py", "class Settings(BaseSettings):\n    data_dir: Path"),
        ("a.js", "readFileSync(path.join(process.env[prefix + '_DIR'], 'x.txt'))"),
        ("a_test.go", 'os.ReadFile(filepath.Join(os.Getenv(prefix+"_DIR"), "x.txt"))'),
    ],
)
def test_what_lies_in_a_folder_that_a_variable_names_counts_by_names(repo: Project, path: str, text: str) -> None:
    repo.write("../data/y.log", "1")
    repo.write(path, text)
    environ = {"DATA_DIR": str(repo.top.parent / "data")}
    none = repo.rows(environ=environ)
    repo.write("../data/x.txt", "one")
    one = repo.rows(environ=environ)
    repo.write("../data/x.txt", "two")
    assert len({none, one, repo.rows(environ=environ)}) == 3
    assert not named(repo)


@pytest.mark.parametrize("value", ["{0}/far:{0}/data", "../../data"])
def test_a_variable_may_name_several_folders_or_one_as_it_is_seen_from_below(repo: Project, value: str) -> None:
    environ = {"DATA_PLACES": value.format(repo.top.parent)}
    repo.write("../far/y.txt", "")
    repo.write("../data/x.txt", "one")
    repo.write("tests/a.py", "[open(os.path.join(d, 'x.txt')) for d in os.environ['DATA_PLACES'].split(':')]")
    one = repo.rows(environ=environ)
    repo.write("../data/x.txt", "two")
    assert repo.rows(environ=environ) != one


def test_in_an_installation_no_part_of_a_name_means_all_files_that_are_called_so(repo: Project) -> None:
    """Of a version manager's that would be hundreds."""
    folder = repo.write("../app/x.md", "one").parent
    said = [f"open(os.path.join(os.environ['{name}'], name + '.md'))" for name in ("APP_DATA", "APP_ROOT")]
    repo.write("a.py", "\n".join([*said, "os.environ[name]"]))
    table = (("APP_DATA", "", True), ("APP_ROOT", "", True), ("APP_ROOT", "bin/", False), ("OTHER_HOME", "bin/", False))
    for name, beside, counts in table:
        repo.write("../app/x.md", "one")
        repo.write(f"../app/{beside}y", "")
        one = repo.rows(environ={name: str(folder)})
        repo.write("../app/x.md", "two")
        assert (repo.rows(environ={name: str(folder)}) != one) is counts, (name, beside)


def test_what_a_text_looks_for_among_temporary_files_counts_by_its_name(repo: Project) -> None:
    environ = {"TMPDIR": str(repo.write("../tmp/y.dat", "").parent)}
    repo.write("a.py", "open(os.path.join(tempfile.gettempdir(), 'x.dat'))")
    none = repo.rows(environ=environ)
    repo.write("../tmp/z.dat", "one")
    assert repo.rows(environ=environ) == none
    repo.write("../tmp/x.dat", "one")
    assert repo.rows(environ=environ) != none


def test_a_variable_may_be_called_in_small_letters(repo: Project) -> None:
    environ = {"data_dir": str(repo.write("../data/x.txt", "one").parent)}
    repo.write("a.py", "open(os.environ['data_dir'] + '/x.txt')")
    one = repo.rows(environ=environ)
    repo.write("../data/x.txt", "two")
    assert repo.rows(environ=environ) != one


@pytest.mark.table
@pytest.mark.parametrize(
    ("where", "what"),
    [
        ("ROOT = Path(__file__).resolve().parents[1]", "(ROOT / 'x.json').read_text()"),
        ("TOP = os.path.dirname(os.path.dirname(__file__))", "open(os.path.join(conftest.TOP, 'deep', 'y.json'))"),
        ("exports.ROOT = path.resolve(__dirname, '..')", "readFileSync(path.join(ROOT, 'x.json'))"),
        ("ROOT = Path(__file__).resolve().parents[1]", "open(f'{ROOT}' + '/x.json')"),
    ],
)
def test_one_text_may_climb_and_another_say_what_it_means_there(repo: Project, where: str, what: str) -> None:
    repo.write("paths.js" if "exports" in where else "conftest.py", where)
    repo.write("tests/test_a.js" if "exports" in where else "tests/test_a.py", what)
    path = "../deep/y.json" if "deep" in what else "../x.json"
    none = repo.rows()
    repo.write(path, "one")
    one = repo.rows()
    repo.write(path, "two")
    assert len({none, one, repo.rows()}) == 3
    repo.write("conftest.py", "ROOT = 1")
    repo.write("paths.js", "")
    assert named(repo) == []


@pytest.mark.table
@pytest.mark.parametrize(
    ("path", "text", "there"),
    [
        ("a.c", "#include <zz.h>", "include/zz.h"),
        ("a.c", "#include <zz/a.h>", "include/zz/a.h"),
        ("Makefile", "include zz.mk", "include/zz.mk"),
        ("Makefile", "test:\n\tcc -o a a.c -lzz", "lib/libzz.a"),
        ("a.py", "ctypes.CDLL('libzz.so.1')", "lib/libzz.so.1"),
        ("Makefile", "X := $(shell pkg-config --cflags zz)", "share/pkgconfig/zz.pc"),
    ],
)
def test_what_is_installed_by_hand_counts_where_a_text_takes_it(
    repo: Project, monkeypatch: pytest.MonkeyPatch, path: str, text: str, there: str
) -> None:
    monkeypatch.setattr(elsewhere, "_BY_HAND", str(repo.top.parent / "local"))
    repo.write(path, text)
    none = repo.rows()
    repo.write(f"../local/{there}", "one")
    one = repo.rows()
    repo.write(f"../local/{there}", "two")
    assert len({none, one, repo.rows()}) == 3
    repo.write(path, "nothing")
    assert named(repo) == []


def test_a_socket_a_pipe_and_what_is_the_system_s_count_by_being_there(repo: Project) -> None:
    places = [str(repo.write(f"../run/{name}", "")) for name in ("app.sock", "pipe")]
    for place in places:
        os.unlink(place)
    repo.write("a.py", "\n".join(f"os.path.exists({place!r})" for place in places))
    repo.write("b.py", "pytest.mark.skipif(not os.path.exists('/dev/kvm-of-nobody'))\nopen('/proc/sys/kernel/ostype')")
    found = {repo.rows()}
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(places[0])
    found.add(repo.rows())
    os.mkfifo(places[1])
    found.add(repo.rows())
    assert len(found) == 3
    assert "/proc/sys/kernel/ostype" in named(repo) or not os.path.exists("/proc/sys/kernel/ostype")


CHECKOUT = {
    ".git/HEAD": "ref: refs/heads/main\n",
    ".git/objects/info/packs": "",
    ".git/refs/heads/.keep": "",
    "mod.py": "open('../far/x.txt')",
}
CHAINS = {
    "a link": (
        {},
        {"tests/test_b.py": "../../sh/test_b.py"},
        {"../sh/test_b.py": "open(HERE + '/x.txt')"},
        "../sh/x.txt",
    ),
    "a module": (
        {"PYTHONPATH": "../lib"},
        {},
        {"../lib/mod.py": "open(os.path.dirname(__file__) + '/../data/x.txt')"},
        "../data/x.txt",
    ),
    "a module of a module": (
        {"PYTHONPATH": "../lib"},
        {},
        {"../lib/mod.py": "sys.path.append('../more')", "../more/b.py": "open(Path.home() / '.apprc')"},
        "../home/.apprc",
    ),
    "a package of Node's": (
        {},
        {"node_modules/lib": "../../lib"},
        {"../lib/i.js": "readFileSync(__dirname + '/../x.txt')", ".gitignore": "node_modules\n"},
        "../x.txt",
    ),
    "configuration above": (
        {},
        {},
        {"../conftest.py": "sys.path.insert(0, os.path.dirname(__file__) + '/shared')"},
        "../shared/mod.py",
    ),
    "settings above": ({}, {}, {"../pytest.ini": "[pytest]\npythonpath = shared\n"}, "../shared/mod.py"),
    "a sourced script": (
        {},
        {},
        {"test.sh": ". ../lib.sh\n", "../lib.sh": 'export X="$(dirname "$0")"\n. "$X/../more/c.sh"\n'},
        "../more/c.sh",
    ),
    "a checkout": (
        {"PYTHONPATH": "../lib"},
        {},
        {f"../lib/{path}": text for path, text in CHECKOUT.items()},
        "../far/x.txt",
    ),
    "a file of a variable": (
        {"LIST": "../lists/all"},
        {},
        {"../lists/all": 'sys.path.append("../more")'},
        "../more/x.py",
    ),
    "a script of a program": (
        {},
        {},
        {"test.py": "run(['frob', 'x'])", "../bin/frob": "#!/bin/sh\nUP=..\n. $UP/data/x.sh\n"},
        "../data/x.sh",
    ),
}


@pytest.mark.table
@pytest.mark.parametrize("kind", CHAINS)
def test_what_leads_out_is_read_for_what_it_names(repo: Project, kind: str) -> None:
    environ, links, texts, there = CHAINS[kind]
    environ = {name: str(repo.top / value) for name, value in environ.items()}
    python = bare_python(repo.top.parent / "python").parent
    environ["PATH"] = f"{repo.top.parent / 'bin'}:{python}:{path_of_machine()}"
    for path, text in texts.items():
        repo.write(path, text, mode=0o755)
    for link, target in links.items():
        place = repo.top / link
        place.parent.mkdir(exist_ok=True)
        place.symlink_to(target)

    def rows() -> tuple[tuple[str, str, str], ...]:
        return repo.rows(environ=environ, executables=(("python3", str(repo.top)),))

    none = rows()
    repo.write(there, "one")
    one = rows()
    assert one == rows()
    repo.write(there, "two")
    assert len({none, one, rows()}) == 3


def test_text_elsewhere_means_no_large_folder_by_its_name(repo: Project) -> None:
    repo.write("a.py", "sys.path.append('../lib')")
    repo.write("../few/x.py", "1")
    for number in range(300):
        repo.write(f"../many/{number}.txt", "1")
    repo.write("../lib/mod.py", "open(os.path.dirname(os.path.dirname(__file__)) + '/many')\nimport few")
    assert named(repo) == ["../few", "../lib"]


def test_what_a_text_asks_the_machine_for(repo: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, attribute in (("zone", "_LOCAL"), ("hosts", "_HOSTS")):
        monkeypatch.setattr(variables, attribute, str(repo.write(f"../machine/{name}", "127.0.0.7 db.local other\n")))

    def change() -> tuple[bool, bool]:
        found: list[bool] = []
        for name in ("zone", "hosts"):
            before = repo.rows()
            repo.write(f"../machine/{name}", f"127.0.0.{len(found) + 8} db.local\n")
            found.append(repo.rows() != before)
            repo.write(f"../machine/{name}", "127.0.0.7 db.local other\n")
        return found[0], found[1]

    assert change() == (False, False)
    repo.write("a.py", "time.strftime('%Z', time.localtime(0))")
    assert change() == (True, False)
    repo.write("a.py", "connect('db.local', 5432)")
    assert change() == (False, True)
    repo.write("a.py", "URL = 'http://user@db.local:5432/x'")
    assert change() == (False, True)
    repo.write("a.py", "connect('other.local', 5432)")
    assert change() == (False, False)


def test_facts_of_the_machine_count_where_a_text_asks_for_them(repo: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {b"?host": "one", b"?kernel": "one", b"?processors": "one", b"?numbers": "one"}
    monkeypatch.setattr(variables, "_fact", facts.__getitem__)

    def changes() -> set[bytes]:
        found = set()
        for sign in facts:
            before = repo.rows(executables=(("python3", str(repo.top)),))
            facts[sign] += "."
            found |= {sign} if repo.rows(executables=(("python3", str(repo.top)),)) != before else set()
        return found

    assert changes() == set()
    for text, said in (
        ("socket.gethostname()", {b"?host"}),
        ("platform.release()", {b"?kernel"}),
        ("Pool(os.cpu_count())", {b"?processors"}),
        ("skipif(os.getuid() == 0)", {b"?numbers"}),
        ("os.uname()", {b"?host", b"?kernel"}),
    ):
        repo.write("a.py", text)
        assert changes() == said, text
    repo.write("a.py", "")
    repo.write("deploy.sh", "make -j$(nproc)")
    assert changes() == set()  # a script is of tasks


@pytest.mark.table
@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("tests/conftest.py", 'ROOT = Path(__file__).parent.parent\nDATA = ROOT / "shared"'),
        ("src/a.ts", 'import x from "../shared/util"'),
        ("src/deep/a.ts", 'import x from "../../shared/util"'),
        ("scripts/a.sh", 'cd "$(dirname "$0")/.." && ls shared'),
        ("README.md", "See [the other project](../shared) and /usr/bin/env."),
        (".github/workflows/ci.yml", "working-directory: ../shared"),
        ("a.py", '"""https://example.org/a/../shared""" ; 1 if a..b else "shared"'),
        ("tests/test_a.py", 'open("../project/src/main.py")'),
        ("a.sh", "#!/usr/bin/env bash\ncat /proc/self/status /dev/null"),
        ("a.sh", "ls .. ; ls ../.. ; ls ~"),
        ("a.sh", "#!/opt/shared/sh\ncd .. && true"),
    ],
)
def test_a_path_that_stays_inside_or_a_folder_in_prose_is_none(repo: Project, path: str, text: str) -> None:
    repo.write("../shared/util.ts", "1")
    repo.write(path, text)
    assert named(repo) == []


def test_another_worktree_is_no_input_by_its_name_alone(repo: Project) -> None:
    repo.write("conftest.py", 'X = Path(__file__).parent.parent / "x.json"\nNAME = "project"')
    repo.commit()
    repo.git("worktree", "add", "-q", "../wt")
    assert repo.beside("wt").rows() == repo.rows()


def test_nor_is_a_folder_of_worktrees(repo: Project) -> None:
    repo.write("conftest.py", 'X = Path(__file__).parent.parent / "trees"')
    repo.commit()
    repo.write("../trees/notes.txt")
    assert named(repo) == ["../trees"]
    repo.git("worktree", "add", "-q", "../trees/wt")
    assert named(repo) == []


def test_a_folder_of_many_files_counts_by_stamps(repo: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mentions, "_ENTRIES", 3)
    repo.write("a.py", 'DATA = "../many"')
    for number in range(9):
        repo.write(f"../many/{number}", "1")
    before = repo.rows()
    assert repo.rows() == before
    os.utime(repo.write("../many/5", "2"), (1, 1))
    assert repo.rows() != before


def test_a_look_that_takes_too_long_goes_on_where_it_stopped(repo: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(9):
        repo.write(f"{number}.py", f"open('../x{number}')")
    repo.commit()
    read: list[bytes] = []
    text_at = texts.text_at

    def slowly(path: bytes) -> bytes:
        read.append(path)
        clock[0] += 10
        return text_at(path)

    clock = [time.monotonic()]
    monkeypatch.setattr(texts, "text_at", slowly)
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    outcomes_met = []
    for _ in range(9):
        try:
            repo.rows()
        except Bypass as bypass:
            outcomes_met.append(bypass.outcome)
    assert set(outcomes_met) == {outcomes.TOO_SLOW}
    assert len(outcomes_met) < 9
    assert len(read) == len(set(read)) > 9


def test_a_text_elsewhere_is_read_once_whatever_the_index_is(folder: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.git("init", "-q")
    folder.write("a.sh", ". ../lib.sh\n")
    folder.write("../lib.sh", ". ./more.sh\n")
    folder.write("../more.sh", "one")
    read: list[bytes] = []
    text_of = mention_text.read

    def counted(data: bytes, kind: bytes) -> bytes:
        read.append(data)
        return text_of(data, kind)

    monkeypatch.setattr(mention_text, "read", counted)
    for step in ((), ("add", "a.sh"), ("commit", "-qm", "x"), ()):
        _ = folder.git(*step) if step else ""
        rows = folder.rows()
        assert {"../lib.sh", "../more.sh"} <= set(named(folder))
    assert sorted(read) == sorted(set(read))
    folder.write("../more.sh", "two")
    assert folder.rows() != rows
    assert read[-1] == b"two"


def test_programs_are_words_where_one_can_stand() -> None:
    def programs(path: str, text: str) -> set[str]:
        found = mention_text.read(text.encode(), texts.kind_of(path)).split(b"\0")[-1].split(b"\1")
        return {name for name in ("jq", "node") if not {*signs([name.encode()])}.isdisjoint(found)}

    assert "jq" in programs("a.py", 'subprocess.run(["jq", "."])')
    assert "jq" in programs("a.py", 'subprocess.run("cat x | jq .", shell=True)')
    assert "jq" in programs("a.py", 'run("""\n  jq . x\n""")')
    assert "jq" in programs("a.js", "await $`jq . x`")
    assert "jq" in programs("a.rb", 'system("/usr/bin/jq")')
    assert {"jq", "node"} <= programs("Makefile", "t:\n\t@jq . x && cd b; node c.js\n")
    assert "jq" in programs("package.json", '{"scripts": {"test": "A=1 jq . x"}}')
    assert "jq" in programs("bin/check", "#!/bin/sh\nif jq . x; then echo; fi")
    for ahead in (
        "timeout 5 ",
        "LC_ALL=C ",
        "nice -n 1 ",
        "if ",
        "</dev/null ",
        "while ",
        "env X=1 ",
        "sudo -n ",
        "exec ",
    ):
        assert "jq" in programs("a.py", f'check_output("{ahead}jq x", shell=True)'), ahead
    for text in (
        'which("jq")',
        "T = 'jq'\nexeca(T)",
        'run("find . -exec jq {} +")',
        "`echo $(jq .)`",
        'sh("a | xargs jq")',
    ):
        assert "jq" in programs("a.js", text), text
    assert "jq" not in programs("README.md", "needs `jq`")
    assert "jq" not in programs("package-lock.json", '"jq": 1')
