"""The built-in rules: which word names which tool. A tool's table is loaded when its word is met."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.rules.options import Tool

# A test holds that these are the words of the tables.
WORDS: dict[str, str] = {
    "python": """pytest py.test ruff mypy unittest doctest pyright ty black isort flake8 pylint bandit vulture
pycodestyle pydocstyle pyflakes basedpyright pyrefly lint-imports deptry interrogate manage.py""",
    "javascript": """vitest jest mocha ava eslint prettier tsc vue-tsc tsgo tsd svelte-check astro biome oxlint oxfmt
stylelint xo standard markdownlint markdownlint-cli2 cspell knip depcheck madge htmlhint ember-template-lint
node deno""",
    "go": """go gofmt gofumpt goimports golangci-lint staticcheck revive errcheck gosec fieldalignment modernize
ineffassign gotestsum""",
    "rust": """cargo rustfmt""",
    "jvm": """mvn mvnw mvnd gradle gradlew ktlint detekt""",
    "ruby": """rspec rubocop standardrb brakeman reek erb_lint srb rails""",
    "php": """phpunit pest phpstan psalm phpcs pint php-cs-fixer rector artisan""",
    "native": """ctest clang-tidy clang-format cppcheck dotnet swift swiftlint swiftformat flutter dart mix""",
    "texts": """shellcheck shfmt bash actionlint hadolint yamllint taplo codespell typos vale sqlfluff terraform
tofu tflint buf luacheck stylua selene editorconfig-checker ansible-lint nixfmt alejandra jsonlint""",
}
# Programs that run named tasks; their table is loaded when one of them is met.
RUNNERS = frozenset(
    """npm pnpm yarn bun make just task mise rake composer turbo nx poe invoke deno hatch pdm rye vp lerna""".split()  # noqa: SIM905 - read as a list
)
_MODULE_OF = {word: module for module, words in WORDS.items() for word in words.split()}
# What a package is called in a registry, where its program has another name.
_PACKAGES = {"@biomejs/biome": "biome", "typescript": "tsc", "@astrojs/check": "astro"}
# Tools that run from the project's own folders under these names.
_HERE = frozenset(["gradlew", "mvnw", "manage.py", "artisan"])
_FOLDERS = frozenset(["bin", ".bin", "Scripts"])


def plain_name(word: str) -> str:
    """The name of the program a command word runs, when it stands where programs are kept; else the word itself."""
    folder, slash, name = word.rpartition("/")
    if not slash:
        return word
    if folder.rpartition("/")[2] in _FOLDERS or (folder == "." and name in _HERE):
        return name
    return word


def tool_of(word: str) -> "Tool | None":
    word = _PACKAGES.get(word, word)
    module = _MODULE_OF.get(word)
    if module is None:
        return None
    table: dict[str, Tool] = __import__(f"skillcache.rules.builtin.{module}", fromlist=["TABLE"]).TABLE
    return table[word]


def names_tool(word: str) -> bool:
    return word in _MODULE_OF
