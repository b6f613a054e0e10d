"""What configures a run besides the content: the kinds of projects, and what build files say.

Build files are read as text, and generously, for what a run depends on: options that make a report depend on the last
run, commands that read git's own state, paths that lead out of the project. A word too many costs a run or a miss.
"""

import os

from skillcache.core import Record, field, outcomes
from skillcache.core.files import digest_parts
from skillcache.core.outcomes import Bypass
from skillcache.fingerprint.contents import Budget, follow, tree
from skillcache.fingerprint.executables import OF_MISE, upward

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Ecosystem:
    """One kind of project.

    words: its tools; marks: files at the top of its projects; implied: tools that a task of such a project may run;
    also: what else configuration is called after, as in `.NAMErc` and `NAME.config.js`; above: other names of what its
    tools look for upward; home: the same, relative to the home folder; everywhere: what one project has in many
    folders, by the letters that such paths end or go on with.
    """

    __slots__ = ("above", "also", "everywhere", "home", "implied", "marks", "words")

    def __init__(
        self, words: str, marks: str, implied: str, also: str, above: str, home: str, *everywhere: bytes
    ) -> None:
        self.words = frozenset(words.split())
        self.marks = tuple(marks.split())
        self.implied = tuple(implied.split())
        self.also = frozenset(also.split())
        self.above = tuple(above.split())
        self.home = tuple(home.split())
        self.everywhere = everywhere


ECOSYSTEMS = {
    "python": Ecosystem(
        "python python3 pytest py.test ruff mypy pyright basedpyright flake8 pylint black isort bandit tox nox coverage"
        " uv poetry pdm hatch rye pipenv unittest dmypy pyre ty pycodestyle pydocstyle yapf djlint vulture",
        "pyproject.toml setup.py setup.cfg requirements.txt Pipfile",
        "python python3 pytest ruff mypy",
        "pyrightconfig pyrefly deptry interrogate pyflakes importlinter pep257",
        "pyproject.toml setup.cfg setup.py conftest.py __init__.py __init__.pyi pyvenv.cfg .python-version"
        " .python-versions .editorconfig .ignore .gitignore",
        ".config/black .config/pycodestyle .config/flake8 .config/yapf/style .pydistutils.cfg",
    ),
    "javascript": Ecosystem(
        "node npm npx pnpm yarn bun bunx deno eslint tsc prettier jest vitest mocha ava biome stylelint oxlint vue-tsc"
        " tsd svelte-check nx turbo standard xo tap playwright cypress karma",
        "package.json deno.json",
        "node",
        "vite babel swc postcss tailwind webpack rollup esbuild browserslist browserlist nyc c8 tsconfig jsconfig lerna"
        " pnpm-workspace pnpmfile pnp bunfig lint-staged commitlint svelte vue astro next nuxt jasmine tapr taprc"
        " depcheck madge knip htmlhint remark cspell oxfmt tsup wdio protractor angular rush npmpackagejsonlint",
        "package.json package.yaml .editorconfig .ignore .gitignore .nvmrc .node-version .config/stylelintrc"
        " .config/stylelintrc.json .config/stylelintrc.yaml .config/stylelintrc.yml .config/stylelintrc.js"
        " .config/biome.json .config/biome.jsonc",
        ".config/pnpm/rc .bunfig.toml .config/configstore/cspell.json",
        b"package.json\0",
        b"tsconfig",
    ),
    "rust": Ecosystem(
        "cargo rustc rustfmt clippy-driver cargo-clippy cargo-nextest",
        "Cargo.toml",
        "cargo rustc",
        "clippy nextest deny",
        "Cargo.toml .cargo/config.toml .cargo/config rust-toolchain rust-toolchain.toml .config/nextest.toml",
        ".cargo/config.toml .cargo/config .config/rustfmt/rustfmt.toml .config/rustfmt/.rustfmt.toml rustfmt.toml"
        " .rustfmt.toml",
        b"Cargo.toml\0",
    ),
    "go": Ecosystem(
        "go gofmt golangci-lint staticcheck gotestsum revive",
        "go.mod",
        "go",
        "golangci",
        "go.mod go.work go.sum go.work.sum",
        ".config/go/env",
        b"go.mod\0",
    ),
    "java": Ecosystem(
        "mvn mvnw gradle gradlew java javac sbt",
        "pom.xml build.gradle build.gradle.kts build.sbt",
        "java javac",
        "maven checkstyle ktlint detekt",
        "pom.xml settings.gradle settings.gradle.kts gradle.properties .mvn/maven.config .mvn/jvm.config"
        " .mvn/extensions.xml .editorconfig .java-version",
        ".m2/settings.xml .m2/toolchains.xml .mavenrc .gradle/gradle.properties .gradle/init.gradle"
        " .gradle/init.gradle.kts",
    ),
    "ruby": Ecosystem(
        "ruby rspec rubocop rake bundle rails minitest standardrb",
        "Gemfile Rakefile",
        "ruby",
        "reek erb_lint brakeman standard",
        "Gemfile Gemfile.lock Rakefile rakefile .bundle/config .ruby-version",
        ".config/rubocop/config.yml .config/rspec/options .bundle/config .gemrc",
    ),
    "php": Ecosystem(
        "php phpunit phpstan psalm composer pest phpcs php-cs-fixer artisan",
        "composer.json",
        "php",
        "pint rector",
        "phpunit.xml phpunit.xml.dist phpcs.xml psalm.xml .editorconfig",
        ".composer/config.json .config/composer/config.json",
    ),
    "native": Ecosystem(
        "ctest cmake clang-tidy clang-format cppcheck gcc g++ clang clang++ cc c++ meson ninja bazel",
        "CMakeLists.txt meson.build configure",
        "cc c++",
        "",
        ".editorconfig _clang-format CMakePresets.json CMakeUserPresets.json WORKSPACE MODULE.bazel",
        "",
    ),
}
EVERY = (".env", ".envrc", ".tool-versions", *OF_MISE)
# Tools of no ecosystem that a task of any may run.
TEXT_TOOLS = frozenset(
    """shellcheck shfmt actionlint hadolint yamllint taplo codespell typos vale sqlfluff ansible-lint markdownlint
    markdownlint-cli2 cspell editorconfig-checker editorconfig luacheck stylua selene swiftlint swiftformat dart flutter
    analysis_options mix formatter credo dotnet buf tflint just make task bats pre-commit lefthook""".split()  # noqa: SIM905
)
_RUNNER_NAMES = "npm pnpm yarn bun deno rake composer tox nox bazel nx turbo"
_RUNNERS = frozenset(_RUNNER_NAMES.split())
# Tools that search no hidden folder for what to check, and the programs that start them.
_BLIND_NAMES = (
    "pytest py.test mypy pyright basedpyright ruff black cargo cargo-nextest go mvn mvnw gradle gradlew tsc"
    " uv poetry pdm rye timeout env nice"
)
_BLIND = frozenset(_BLIND_NAMES.split())


def ecosystems(words: "Iterable[str]") -> tuple[list[Ecosystem], bool]:
    """The ecosystems of these command words, and whether one of the words may run any tool (make, npm, a script)."""
    names = {os.path.basename(word) for word in words}
    found = [system for system in ECOSYSTEMS.values() if names & system.words]
    known = {name for system in found for name in names & system.words}
    any_ = bool(names - known) or not names.isdisjoint(_RUNNERS)
    return (list(ECOSYSTEMS.values()) if any_ else found), any_


# Of these what a Makefile's recipes start is nothing that they run, unless a text of the project runs the recipe.
_PLAIN = [ECOSYSTEMS[name] for name in ("python", "javascript", "ruby", "php", "go")]


def may_cook(words: "Iterable[str]") -> bool:
    """Whether a command of these words may run whatever recipes say, without anybody's having said so."""
    words = tuple(words)
    systems, any_ = ecosystems(words)
    return any_ or not words or not all(system in _PLAIN for system in systems)


def blind(words: "Iterable[str]") -> bool:
    """Whether all of these tools leave hidden folders alone."""
    names = {os.path.basename(word) for word in words}
    return bool(names) and names <= _BLIND


def implied(root: str) -> list[str]:
    """The tools that a task of the project at `root` may run, by the build files there."""
    words: list[str] = []
    for system in ECOSYSTEMS.values():
        if any(os.path.exists(os.path.join(root, mark)) for mark in system.marks):
            words += system.implied
    return words


_PYTEST = ("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "tox.ini", "setup.cfg", "pyproject.toml")
_MANIFESTS = (
    *_PYTEST,
    *("package.json", "tsconfig.json", "Cargo.toml", "go.mod", "go.work", "composer.json", "pom.xml", "mypy.ini"),
    *("settings.gradle", "settings.gradle.kts", "build.gradle", "build.gradle.kts", "jest.config.js"),
    *("jest.config.ts", "vitest.config.ts", "vite.config.ts", "eslint.config.js", "eslint.config.mjs"),
)
_TASKS = (
    *("Makefile", "makefile", "GNUmakefile", "justfile", "Justfile", ".justfile", "Taskfile.yml", "Taskfile.yaml"),
    *("mise.toml", "mise.local.toml", ".mise.toml", ".mise.local.toml", "Rakefile", "deno.json", "tasks.py"),
)
_GOLANGCI = (".golangci.yml", ".golangci.yaml", ".golangci.toml", ".golangci.json")
_LAST_RUN = frozenset(
    (
        *(b"--lf", b"--last-failed", b"--ff", b"--failed-first", b"--nf", b"--new-first", b"--sw", b"--stepwise"),
        *(b"--picked", b"--testmon", b"--cov-append"),
    )
)
_READS_GIT = frozenset(
    (
        *(b"diff", b"log", b"status", b"describe", b"show", b"branch", b"tag", b"blame", b"shortlog", b"stash"),
        *(b"rev-parse", b"rev-list", b"merge-base", b"name-rev", b"symbolic-ref", b"show-ref", b"for-each-ref"),
        *(b"ls-tree", b"diff-index", b"diff-files", b"diff-tree", b"cat-file", b"remote", b"reflog"),
    )
)
_LISTS = b"ls-files"  # which asks for the index and nothing else
# What jest and Spotless may be told where they are configured.
_OF_CHANGES = (b"onlyChanged", b"lastCommit", b"changedSince", b"ratchetFrom")
_ABOUT_GIT = (
    b"--changed",
    b"onlyChanged",
    b"lastCommit",
    b"--affected",
    b"nx affected",
    b"--since",
    b"new-from-",
    b"ratchetFrom",
)
_ONLY_NEW = (b"new: true", b"new = true", b'"new": true', b'"new":true')  # where golangci-lint is configured
_BETWEEN = b" \t\r\n\"'`,;:=()[]{}<>|&@"
_BLANKS = bytes.maketrans(_BETWEEN, b" " * len(_BETWEEN))


class Said(Record):
    git: bool = False  # whether a task may read git's own state
    index: bool = False  # whether it may at least have git's list of files
    outside: set[str] = field(default_factory=set)  # real paths of what is named outside the project
    around: set[str] = field(default_factory=set)  # of the folders that the project lies in, those that a pattern means


def read(
    root: str,
    folders: "Iterable[str]",
    environ: "Mapping[str, str]",
    budget: Budget,
    *,
    words: "Iterable[str]",
    any_: bool,
) -> Said:
    """`folders`: those of the command and all above them up to `root`; `any_`: the words may run any task.

    COMMAND_FRESH where pytest is always told to go by the last run.
    """
    said = Said()
    if _LAST_RUN.intersection(environ.get("PYTEST_ADDOPTS", "").encode("utf-8", "surrogateescape").split()):
        raise Bypass(outcomes.COMMAND_FRESH, "PYTEST_ADDOPTS")
    names: tuple[str, ...] = (*_MANIFESTS, *_TASKS, *_GOLANGCI) if any_ else _MANIFESTS
    if "golangci-lint" in words and not any_:
        names += _GOLANGCI
    for folder in folders:
        for name in names:
            path = f"{folder}/{name}"
            text = follow(path, budget) if os.access(path, os.F_OK) else None
            if text is None:
                continue
            if name in _PYTEST and b"addopts" in text and _LAST_RUN.intersection(_added(text)):
                raise Bypass(outcomes.COMMAND_FRESH, f"{path} has pytest go by the last run")
            if not said.git:
                said.git = _reads_git(text) if any_ or name in _GOLANGCI else any(word in text for word in _OF_CHANGES)
                said.git |= name in _GOLANGCI and any(word in text for word in _ONLY_NEW)
            said.index = said.index or (any_ and _LISTS in text)
            if any(word in text for word in _OF_WHOLE_PATHS):
                said.around |= _meant(text, root)
            said.outside.update(_searched_upward(text, root))
            if b"../" in text and name in _TASKS:
                said.outside.update(_leading_out(text, folder, root))
    return said


def state_of_git(folder: str, shared: str, listing: bytes, budget: Budget) -> str:
    """Digest of what git commands tell: HEAD and the index of the worktree's `folder`, the references of all."""
    parts = [listing]
    parts += [follow(f"{place}/{name}", budget) or b"" for place, name in ((folder, "HEAD"), (shared, "packed-refs"))]
    return digest_parts([*parts, tree(f"{shared}/refs", budget, lambda _path, _directory: False).encode()])


def _added(text: bytes) -> list[bytes]:
    """The words of the value of `addopts`, which goes on in lines that are indented or only close it."""
    _, _, after = text.partition(b"addopts")
    first, *rest = after.split(b"\n")
    lines = [first]
    for line in rest:
        if line[:1] not in (b" ", b"\t", b"]", b'"', b"'", b"-", b"#", b"", b"\r"):
            break
        lines.append(line)
    return b"\n".join(line for line in lines if not line.lstrip().startswith(b"#")).translate(_BLANKS).split()


def _reads_git(text: bytes) -> bool:
    if any(word in text for word in _ABOUT_GIT) or (b"jest" in text and b"-o" in text.translate(_BLANKS).split()):
        return True
    if b"git" not in text:
        return False
    words = text.translate(_BLANKS).split()
    following = [words[at] for at, word in enumerate(words[:-1], 1) if word == b"git"]
    return any(word in _READS_GIT or word.startswith(b"-") for word in following)


# What follows is held against whole paths, with the folders that the project lies in: seen of jest 30 and pytest 9.
_OF_WHOLE_PATHS = (b"IgnorePatterns", b"--ignore-glob")
_BEFORE_PART, _BEHIND_PART = b"\"'`*(|[ =", b"/\"'`*)|$"


def _meant(text: bytes, root: str) -> set[str]:
    """The folders that the project lies in, and itself, of which a pattern such as `*/.claude/*` speaks."""
    text = text.replace(b"\\", b"")
    found = set()
    for part in {part for part in root.split("/") if part}:
        sought = b"/" + os.fsencode(part)
        at = text.find(sought)
        while at >= 0:
            before, behind = text[at - 1 : at], text[at + len(sought) : at + len(sought) + 1]
            if before and before in _BEFORE_PART and behind and behind in _BEHIND_PART:
                found.add(part)
            at = text.find(sought, at + 1)
    return found


def _searched_upward(text: bytes, root: str) -> set[str]:
    """The folders above the project that jest looks for modules in, as for `node_modules`."""
    names = text.partition(b"moduleDirectories")[2].partition(b"]")[0].translate(_BLANKS).split()
    places = [f"{folder}/{os.fsdecode(name)}" for folder in upward(os.path.dirname(root)) for name in names[:9]]
    return {os.path.realpath(place) for place in places if not place.endswith("/node_modules") and os.path.isdir(place)}


def _leading_out(text: bytes, folder: str, root: str) -> set[str]:
    """The files at the relative paths in `text` that leave the project."""
    found = set()
    for word in {word for word in text.translate(_BLANKS).split() if b"../" in word and len(word) < 1_000}:
        path = os.path.realpath(os.path.join(folder, os.fsdecode(word[word.index(b"../") :])))
        if not f"{path}/".startswith(f"{root}/") and os.path.isfile(path):
            found.add(path)
    return found
