"""The variables that tools read, by ecosystem: what counts where who declares the inputs names the others.

Of a skill's scripts that is the skill, whose `env` names the rest; a call of a server or of another agent does not run
in the environment that we see at all. For every other command `variables` has all variables.
"""

from skillcache.core.files import digest
from skillcache.fingerprint.variables import is_of_now, relative

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# A word that ends in an underscore names a family.
_TABLE = {
    "every command": "CI CONTINUOUS_INTEGRATION GITHUB_ACTIONS DEBUG VERBOSE ENV ENVIRONMENT APP_ENV TEST TEST_ LANG"
    " LANGUAGE LC_ TZ TERM COLORTERM FORCE_COLOR NO_COLOR CLICOLOR CLICOLOR_FORCE COLUMNS LINES SOURCE_DATE_EPOCH"
    " LD_PRELOAD LD_LIBRARY_PATH DYLD_LIBRARY_PATH DYLD_INSERT_LIBRARIES DATABASE_URL REDIS_URL HTTP_PROXY HTTPS_PROXY"
    " NO_PROXY http_proxy https_proxy no_proxy BASH_FUNC_",
    "git": "GIT_",
    "Python": "PYTHON PYTEST_ PY_COLORS PYENV_VERSION COVERAGE_ HYPOTHESIS_ MYPYPATH MYPY_ RUFF_ UV_ TOXENV TOX_"
    " NOXSESSION DJANGO_ FLASK_ VIRTUAL_ENV CONDA_PREFIX CONDA_DEFAULT_ENV POETRY_ PYRIGHT_",
    "JavaScript and TypeScript": "NODE_ENV NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS NODENV_VERSION BABEL_ENV"
    " TS_NODE_ ESLINT_ JEST_ VITEST_ VITE_ NEXT_PUBLIC_ npm_config_ NPM_CONFIG_ YARN_ BUN_ DENO_",
    "Rust": "RUSTFLAGS RUSTDOCFLAGS RUSTC RUSTC_ RUST_ RUSTUP_TOOLCHAIN CARGO_ CLIPPY_ NEXTEST_",
    "Go": "GOFLAGS GOOS GOARCH GOARM GOAMD64 GO111MODULE GOEXPERIMENT GOTOOLCHAIN GOWORK GOPATH GOROOT GOPROXY"
    " GOPRIVATE GODEBUG GOMAXPROCS GOCOVERDIR CGO_",
    "Java": "JAVA_HOME JAVA_OPTS JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS CLASSPATH MAVEN_ GRADLE_ ORG_GRADLE_",
    "Ruby": "RAILS_ENV RACK_ENV RUBYOPT RUBYLIB GEM_HOME GEM_PATH BUNDLE_ RSPEC_ RUBOCOP_ RBENV_VERSION",
    "PHP": "COMPOSER_ PHPUNIT_ PHPRC PHP_INI_SCAN_DIR XDEBUG_ APP_DEBUG",
    "C and C++": "CC CXX CFLAGS CXXFLAGS CPPFLAGS LDFLAGS LIBS PKG_CONFIG_PATH CPATH LIBRARY_PATH MAKEFLAGS CMAKE_"
    " CTEST_ GTEST_ ASAN_ UBSAN_ TSAN_ LSAN_",
    "version managers": "ASDF_ MISE_ NVM_BIN",
}
_WORDS = " ".join(_TABLE.values()).split()
_NAMES = frozenset(_WORDS)
_FAMILIES = (*(word for word in _WORDS if word.endswith("_")), "PYTHON")
_ENDS = ("_TEST", "_TESTING", "_TEST_URL", "_DATABASE_URL")


def capture(environ: "Mapping[str, str]", more: "Iterable[str]", root: str) -> list[tuple[str, str]]:
    """(name, digest of the value or "unset") of the table's variables that are set and of all named in `more`."""
    chosen = [n for n in environ if n in _NAMES or n.startswith(_FAMILIES) or n.endswith(_ENDS)]
    rows = []
    for name in {*chosen, *more}:
        if is_of_now(name, environ):
            continue
        value = environ.get(name)
        text = "unset" if value is None else digest(relative(value, root).encode("utf-8", "surrogateescape"))
        rows.append((name, text))
    return rows
