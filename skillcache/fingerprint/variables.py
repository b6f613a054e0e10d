"""Which variables count, and by which value; and what a text asks the machine for.

A variable counts that is none of those in `IGNORED`: these say nothing of what a command does. Who adds one says with
it: a result does not depend on this. In doubt it does not belong here.

Values are written so that worktrees, clones, machines and people agree where only places and names differ, and kept as
digests, each with its variable's name, so that neither an entry nor a key shows one.
"""

import os
import time

from skillcache.core.files import digest, digest_parts, read, signs
from skillcache.core.git import git_folders
from skillcache.core.outcomes import Bypass
from skillcache.fingerprint.texts import (
    ACCOUNT,
    BY_SCRIPT,
    HOST,
    KERNEL,
    OF_MACHINE,
    PROCESSORS,
    READ,
    READ_ALL,
    READ_BY_SCRIPT,
    ZONE,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

# What they are of -> names; a word that ends in an underscore names a family, to which those of `BUT` do not belong.
IGNORED = {
    "the shell that starts the command": "_ SHLVL OLDPWD PWD PATH",
    "prompts": (
        "PS1 PS2 PS3 PROMPT2 PROMPT3 PROMPT4 PROMPT_COMMAND PROMPT_DIRTRIM PROMPT_EOL_MARK RPROMPT RPS1 RPS2 "
        "SPROMPT STARSHIP_ POWERLEVEL9K_ P9K_ P10K_ _P9K_TTY _P9K_SSH_TTY POSH_ CONDA_PROMPT_MODIFIER "
        "VIRTUAL_ENV_PROMPT"
    ),
    "history": (
        "HISTFILE HISTSIZE HISTFILESIZE HISTCONTROL HISTIGNORE HISTTIMEFORMAT SAVEHIST ATUIN_SESSION "
        "ATUIN_HISTORY_ID MCFLY_SESSION_ID"
    ),
    "a terminal's window": (
        "TERM_PROGRAM TERM_PROGRAM_VERSION VTE_VERSION WINDOWID WINDOWPATH TERM_SESSION_ID COLORFGBG TMUX "
        "TMUX_PANE TMUX_TMPDIR STY WINDOW KITTY_WINDOW_ID KITTY_PID KITTY_LISTEN_ON KITTY_PUBLIC_KEY "
        "KITTY_INSTALLATION_DIR ITERM_SESSION_ID ITERM_PROFILE WEZTERM_ ALACRITTY_ GHOSTTY_ KONSOLE_ "
        "GNOME_TERMINAL_SCREEN GNOME_TERMINAL_SERVICE TILIX_ID TERMINATOR_UUID TERMINATOR_DBUS_NAME "
        "TERMINATOR_DBUS_PATH ZELLIJ_ WARP_ WT_SESSION WT_PROFILE_ID GPG_TTY SHELL_SESSION_ID "
        "QTERM_SESSION_ID CMUX_SURFACE_ID LC_TERMINAL LC_TERMINAL_VERSION TERM_FEATURES TERMINAL_EMULATOR"
    ),
    "editors and pagers": (
        "EDITOR VISUAL SUDO_EDITOR FCEDIT PAGER MANPAGER SYSTEMD_PAGER LESS LESSOPEN LESSCLOSE LESSHISTFILE "
        "LESSCHARSET BAT_PAGER BAT_THEME MANROFFOPT VSCODE_IPC_HOOK VSCODE_IPC_HOOK_CLI "
        "VSCODE_GIT_ASKPASS_NODE VSCODE_GIT_ASKPASS_EXTRA_ARGS VSCODE_GIT_ASKPASS_MAIN VSCODE_GIT_IPC_HANDLE "
        "VSCODE_PID VSCODE_CWD VSCODE_INJECTION VSCODE_NONCE VSCODE_STABLE VSCODE_PROFILE_INITIALIZED "
        "VSCODE_SHELL_INTEGRATION VSCODE_PYTHON_AUTOACTIVATE_GUARD VSCODE_CODE_CACHE_PATH "
        "VSCODE_CRASH_REPORTER_PROCESS_TYPE VSCODE_L10N_BUNDLE_LOCATION VSCODE_NLS_CONFIG "
        "VSCODE_HANDLES_UNCAUGHT_ERRORS VSCODE_ESM_ENTRYPOINT VSCODE_DEBUGPY_ADAPTER_ENDPOINTS "
        "ENABLE_IDE_INTEGRATION NVIM NVIM_LISTEN_ADDRESS NVIM_LOG_FILE VIM_TERMINAL INSIDE_EMACS "
        "IDEA_INITIAL_DIRECTORY ZED_TERM CURSOR_TRACE_ID __INTELLIJ_COMMAND_HISTFILE__"
    ),
    "colours of listings": "LS_COLORS LSCOLORS EXA_COLORS EZA_COLORS",
    "a login and its desktop": (
        "DESKTOP_SESSION DESKTOP_STARTUP_ID GDMSESSION GDM_LANG SESSION_MANAGER GNOME_ KDE_ XDG_SESSION_ "
        "XDG_CURRENT_DESKTOP ORIGINAL_XDG_CURRENT_DESKTOP CHROME_DESKTOP XDG_SEAT XDG_SEAT_PATH XDG_VTNR "
        "XDG_MENU_PREFIX XDG_GREETER_DATA_DIR XDG_ACTIVATION_TOKEN XAUTHORITY DBUS_STARTER_ADDRESS "
        "DBUS_STARTER_BUS_TYPE SWAYSOCK I3SOCK HYPRLAND_INSTANCE_SIGNATURE HYPRLAND_CMD NIRI_SOCKET "
        "INVOCATION_ID JOURNAL_STREAM SYSTEMD_EXEC_PID MANAGERPID MANAGERPIDFDID MEMORY_PRESSURE_WATCH "
        "MEMORY_PRESSURE_WRITE GIO_LAUNCHED_DESKTOP_FILE GIO_LAUNCHED_DESKTOP_FILE_PID WSL_INTEROP WSLENV "
        "OSLogRateLimit SECURITYSESSIONID XPC_FLAGS XPC_SERVICE_NAME Apple_PubSub_Socket_Render "
        "__CFBundleIdentifier __CF_USER_TEXT_ENCODING __PYVENV_LAUNCHER__ MAIL MAILCHECK MAILPATH"
    ),
    "a connection and what asks for passwords": (
        "SSH_CLIENT SSH_CONNECTION SSH_TTY SSH_AUTH_SOCK SSH_AGENT_PID SSH_AGENT_LAUNCHER SSH_ASKPASS "
        "GIT_ASKPASS SUDO_ASKPASS GPG_AGENT_INFO"
    ),
    "the machine's name": "HOSTNAME",
    "bookkeeping of version managers": (
        "DIRENV_ __MISE_ MISE_SHELL PYENV_SHELL RBENV_SHELL NODENV_SHELL CONDA_SHLVL FNM_MULTISHELL_PATH"
    ),
    "a run of a CI service": (
        "GITHUB_RUN_ID GITHUB_RUN_NUMBER GITHUB_RUN_ATTEMPT GITHUB_ENV GITHUB_OUTPUT GITHUB_PATH "
        "GITHUB_STATE GITHUB_STEP_SUMMARY GITHUB_ACTION RUNNER_TRACKING_ID CI_JOB_ID CI_JOB_URL "
        "CI_JOB_STARTED_AT CI_PIPELINE_ID CI_PIPELINE_IID CI_PIPELINE_URL CI_PIPELINE_CREATED_AT"
    ),
    "Claude Code and its session": (
        "CLAUDE_CODE_ CLAUDE_TMPDIR CLAUDE_PID CLAUDE_EFFORT CLAUDE_ENV_FILE CLAUDE_PROJECT_DIR "
        "CLAUDE_SESSION_ID CLAUDE_AGENT_SDK_VERSION CLAUDE_PLUGIN_ROOT CLAUDE_PLUGIN_DATA TRACEPARENT "
        "TRACESTATE"
    ),
    "skillcache": "SKILLCACHE_",
}
BUT = frozenset(["CLAUDE_CODE_SHELL", "CLAUDE_CODE_SHELL_PREFIX"])
# Of these it counts that they are set, to something or to nothing: what to is of the person, the machine, the session.
SET = "USER LOGNAME USERNAME DISPLAY WAYLAND_DISPLAY DBUS_SESSION_BUS_ADDRESS XDG_RUNTIME_DIR ANTHROPIC_BASE_URL"
# Of these that there is such a folder.
FOLDERS = "TMPDIR TEMP TMP"

_WORDS = " ".join(IGNORED.values()).split()
_NAMES = frozenset(_WORDS)
_FAMILIES = tuple(word for word in _WORDS if word.endswith("_") and word != "_")
IS_SET, IS_FOLDER = frozenset(SET.split()), frozenset(FOLDERS.split())


# Of the moment whatever they are read for: numbers and files of a session, and what a shell keeps of itself.
_OF_A_MOMENT = ("_ID", "_PID", "_FILE", "_PATH", "_TTY")
_OF_SHELL = frozenset(IGNORED["the shell that starts the command"].split())


def counts_where_read(variable: bytes) -> bool:
    """Whether a variable that does not count does so for a project whose own text reads it by its name."""
    name = variable.decode("ascii", "replace")
    if name in ("SHLVL", "OLDPWD"):
        return True
    if name in _OF_SHELL or name.endswith(_OF_A_MOMENT) or name.startswith(("SKILLCACHE_", "TRACE")):
        return False
    return name in IS_SET or is_noise(name)


def is_noise(name: str) -> bool:
    return name in _NAMES or (name.startswith(_FAMILIES) and name not in BUT)


_PLACE = "{root}"
_BOUNDS = " \t\n\r:;,=()[]{}<>\"'@"


def relative(text: str, root: str, place: str = _PLACE) -> str:
    """`text` with the path of the project replaced wherever it stands as a path, so that two checkouts agree."""
    if root not in text:
        return text
    first, *rest = text.split(root)
    result = first
    for piece in rest:
        whole = (not result or result[-1] in _BOUNDS) and (not piece or piece[0] == "/" or piece[0] in _BOUNDS)
        result += (place if whole else root) + piece
    return result


# No value holds a byte of zero, so none is taken for one of these.
_HOME, _USER = "\0home", "\0user"
# Where people's homes lie: a home that is called otherwise than its user, and lies elsewhere, was chosen for the run.
_HOMES = ("/home", "/Users", "/var/home", "/export/home")
# Set by git itself for the hooks of a commit. That it is of this moment is no more of an input than the moment is.
_DATE = "GIT_AUTHOR_DATE"
_MOMENT = 600  # seconds
_TERMINAL = frozenset(["TERM_PROGRAM", "TERM_PROGRAM_VERSION", "VTE_VERSION"])
_WANTED = frozenset(["FORCE_COLOR", "CLICOLOR_FORCE", "PY_COLORS", "MYPY_FORCE_COLOR", "TTY_COMPATIBLE"])
_OF_AGENTS = {"EDITOR": "devin", "TERM_PROGRAM": "kiro"}
_OF_GIT = frozenset(["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_COMMON_DIR"])
# Who asks: tools write less, or otherwise, for an agent. Its version is not what they look at.
_AGENT = "AI_AGENT"


def capture(environ: "Mapping[str, str]", more: "Iterable[str]", root: str) -> list[tuple[str, str]]:
    """(name, digest of the value or "unset") of all variables that count and of all named in `more`."""
    person = Person(environ)
    more = frozenset(more)
    own = _folders_of_git(root) if not _OF_GIT.isdisjoint(environ) else {}
    rows = [(name, "unset") for name in more if name not in environ]
    for name, value in environ.items():
        if name in more:
            text = person.without_places(value, root)
        elif is_of_now(name, environ) or (
            is_noise(name) and not _has_colours(name, environ) and not _is_of_agent(name, value)
        ):
            continue
        elif name in _OF_GIT and value in own:
            text = own[value]
        else:
            text = _counted(name, value, person, root)
        rows.append((name, digest(f"{name}={text}".encode("utf-8", "surrogateescape"))))
    return rows


class Person:
    """Whose environment it is. home: an absolute path, '' for none that tells one person from another; user: a name."""

    __slots__ = ("home", "is_own", "user")

    def __init__(self, environ: "Mapping[str, str]") -> None:
        home = environ.get("HOME", "").rstrip("/")
        self.home = home if home.startswith("/") else ""
        self.user = environ.get("USER") or environ.get("LOGNAME") or ""
        folder, _, name = self.home.rpartition("/")
        self.is_own = bool(name) and (name in (self.user, "root") or folder in _HOMES)

    def without_places(self, value: str, root: str) -> str:
        """`value` with the project, the home folder and a home of the user's elsewhere, as whole paths, replaced."""
        if "/" not in value:
            return value
        if root in value:
            value = relative(value, root)
        if self.home and self.home in value:
            value = relative(value, self.home, _HOME)
        if self.user and f"/{self.user}" in value:
            for folder in _HOMES:
                value = relative(value, f"{folder}/{self.user}", f"{folder}/{_USER}")
        return value


def _counted(name: str, value: str, person: Person, root: str) -> str:
    if name in IS_SET:
        return "set" if value else ""
    if name in IS_FOLDER:
        return "a folder" if os.path.isdir(value) and os.access(value, os.W_OK) else value
    if name == "HOME":
        return _HOME if person.is_own else relative(value, root)
    if name == _AGENT:
        return value.replace("@", "_").replace("/", "_").partition("_")[0]
    return person.without_places(value, root)


def _folders_of_git(root: str) -> dict[str, str]:
    """What git says to a hook of a linked worktree, and what that is in any of them."""
    try:
        folder, shared = git_folders(root)
    except (OSError, Bypass):
        return {}
    if os.path.realpath(folder) == os.path.realpath(shared):  # there it says `.git`
        return {}
    return {root: "\0worktree", folder: "\0own", f"{folder}/index": "\0own index", shared: "\0shared"}


def _is_of_agent(name: str, value: str) -> bool:
    """Whether std-env (4.0, of vitest 4) takes it for the sign of an agent, for which vitest writes otherwise."""
    return name in _OF_AGENTS and _OF_AGENTS[name] in value


def _has_colours(name: str, environ: "Mapping[str, str]") -> bool:
    """Whether a terminal's name says how many colours are written: only where colours are wanted in a pipe, too."""
    return name in _TERMINAL and not _WANTED.isdisjoint(environ)


def is_of_now(name: str, environ: "Mapping[str, str]") -> bool:
    """Whether the variable holds this moment, in git's own form of a date: `@SECONDS ZONE`."""
    if name != _DATE:
        return False
    date = environ.get(name, "")
    seconds = date[1:].partition(" ")[0]
    return (
        date.startswith("@") and seconds.isdecimal() and len(seconds) < 12 and abs(int(seconds) - time.time()) < _MOMENT
    )


_OF_ACCOUNT = frozenset(["USER", "LOGNAME", "USERNAME"])


def read_by_name(
    said: "AbstractSet[bytes]", environ: "Mapping[str, str]", root: str, *, scripts: bool
) -> "list[tuple[str, str]]":
    """(name, digest) of the variables that do not count but for a text that reads them; `scripts`: also those of one.

    said: what the project's text says, see `mentions.Mentions`.
    """
    person = Person(environ)
    rows = []
    for name, value in environ.items():
        if not counts_where_read(os.fsencode(name)):
            continue
        asked = signs([sign + os.fsencode(name) for sign in ((READ, READ_BY_SCRIPT) if scripts else (READ,))])
        asked += signs([READ_ALL + os.fsencode(name[:size]) for size in range(2, len(name) + 1)])
        if not said.isdisjoint(asked) or (ACCOUNT in said and name in IS_SET and name in _OF_ACCOUNT):
            text = person.without_places(value, root)
            rows.append((name, digest(f"{name} is {text}".encode("utf-8", "surrogateescape"))))
    if ACCOUNT in said:
        rows.append(("account", str(os.geteuid())))
    return rows


_LOCAL, _HOSTS = "/etc/localtime", "/etc/hosts"
_CAP = 1 << 16
_OF_ITSELF = (b"localhost", b"ip6-", b"broadcasthost")


def of_machine(
    said: "AbstractSet[bytes]", environ: "Mapping[str, str]", *, scripts: bool = False
) -> "list[tuple[str, str]]":
    """(name, value) of what a text asks the machine for, such as its time zone, and the addresses it was told of hosts.

    said: what the project's text says, see `mentions.Mentions`. Of hosts only those count that the text names, so that
    machines agree of which each has its own. scripts: what a script asks counts, too.
    """
    rows = [
        (sign[1:].decode(), _fact(sign))
        for sign in OF_MACHINE
        if sign in said or (scripts and sign + BY_SCRIPT in said)
    ]
    zone = environ.get("TZ", "")
    if ZONE in said and (not zone or zone.startswith(":")):
        rows.append(("time zone", digest(read(_LOCAL, _CAP) or b"")))
    own = os.uname().nodename.encode("utf-8", "surrogateescape")
    told: list[bytes] = []
    for line in (read(_HOSTS, _CAP) or b"").splitlines():
        address, *names = line.partition(b"#")[0].split() or [b""]
        for name in names:
            if name not in (own, own.partition(b".")[0]) and not name.startswith(_OF_ITSELF):
                told += [address + b" " + name] if not said.isdisjoint(signs([name])) else []
    if told:
        rows.append(("hosts", digest_parts(sorted(told))))
    return rows


def _fact(sign: bytes) -> str:
    system = os.uname()
    if sign == HOST:
        return digest(os.fsencode(system.nodename))
    if sign == KERNEL:
        return f"{system.release} {system.version}"
    if sign == PROCESSORS:
        return str(os.cpu_count())
    return " ".join(map(str, (os.getuid(), os.geteuid(), os.getgid(), os.getegid(), *sorted(os.getgroups()))))
