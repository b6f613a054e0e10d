"""Variables that a command has, or sets for another: which of them change more than a value."""

from skillcache.errors import Bypass
from skillcache.outcome import COMMAND_FRESH, COMMAND_WRITES, OUTSIDE
from skillcache.policy.given import examine_value, holds_options
from skillcache.policy.paths import leaving

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_SHELLS = frozenset(
    """PATH IFS ENV BASH_ENV SHELL CDPATH GLOBIGNORE BASHOPTS SHELLOPTS POSIXLY_CORRECT PS4 PROMPT_COMMAND
    EXECIGNORE FPATH ZDOTDIR NULLCMD READNULLCMD PYTHONHOME PYTHONSTARTUP PYTHONINSPECT PYTHONBREAKPOINT
    PERL5OPT RUBYOPT HOME""".split()  # noqa: SIM905
)
# Where a tool keeps what it can make again; its place changes no result.
_CACHES = frozenset(
    """GOCACHE GOTMPDIR GOMODCACHE GOLANGCI_LINT_CACHE CARGO_TARGET_DIR RUFF_CACHE_DIR MYPY_CACHE_DIR
    UV_CACHE_DIR PYTHONPYCACHEPREFIX XDG_CACHE_HOME TMPDIR npm_config_cache NPM_CONFIG_CACHE PIP_CACHE_DIR
    TURBO_CACHE_DIR""".split()  # noqa: SIM905
)
# These name what a tool writes, or have it write.
_OUTPUTS = frozenset("RUFF_OUTPUT_FILE NODE_V8_COVERAGE TRYBUILD".split())  # noqa: SIM905
# Of the shell itself, the client and package managers, which many have all day.
_OTHERS = (
    *("NO_", "DISABLE_", "SKIP_", "CLAUDE", "SKILLCACHE", "HOMEBREW_", "npm_", "NPM_", "ZSH_", "HIST", "BUN_"),
    *("PIP_", "UV_", "APT_", "CONDA_", "NVM_", "GH_", "GIT_", "DOCKER_", "KUBE", "TF_"),
)
_OFF = ("", "0", "false", "no", "off", "never")
_WRITES = frozenset("update bless regen regenerate overwrite accept record rebaseline fix write".split())  # noqa: SIM905
_FRESH = frozenset("force rerun nocache refresh".split())  # noqa: SIM905


def examine_variable(name: str, value: str) -> list[str]:
    """Paths in the value that lead elsewhere; raises Bypass for a variable that changes how the command is run."""
    if name in _SHELLS or name.startswith(
        ("LD_", "DYLD_", "BASH_FUNC", "GIT_DIR", "GIT_WORK", "GIT_INDEX", "SKILLCACHE")
    ):
        raise Bypass(OUTSIDE, name)
    if name in _CACHES:
        return []
    if name in _OUTPUTS:
        raise Bypass(COMMAND_WRITES, name)
    _examine_name(name, value)
    examine_value(name, value)
    return leaving(value)


def examine_environment(environ: "Mapping[str, str]") -> None:
    """Raises Bypass for a variable that changes what a command does, not only what its result depends on.

    Of the shell that started the command, where most have nothing to do with it.
    """
    for name, value in environ.items():
        if name in _OUTPUTS and value:
            raise Bypass(COMMAND_WRITES, name)
        if name == "BASH_ENV" and value:  # whatever is a script begins with what that file says
            raise Bypass(OUTSIDE, name)
        if not (name.startswith(_OTHERS) or "_NO_" in name or name in _CACHES):
            _examine_name(name, value)
        if holds_options(name):
            examine_value(name, value)


def _examine_name(name: str, value: str) -> None:
    if value.lower() in _OFF:
        return
    parts = name.lower().split("_")
    if not _WRITES.isdisjoint(parts):
        raise Bypass(COMMAND_WRITES, name)
    if not _FRESH.isdisjoint(parts) and not {"color", "colors", "tty"}.intersection(parts):
        raise Bypass(COMMAND_FRESH, name)
