"""Programs that run another: what is stripped from the front of a command, and what it says about the rest.

An option that is not in these tables makes the command one that no rule names.
"""

from skillcache.core.outcomes import OUTSIDE, Bypass
from skillcache.core.record import KW_ONLY, Record, field

DEEPEST = 6  # wrappers within wrappers


class Wrapped(Record):
    """A command without its wrappers."""

    words: tuple[str, ...]  # what is run
    _: KW_ONLY
    directory: str = ""  # where, relative to the command's own unless absolute
    assignments: list[tuple[str, str]] = field(default_factory=list)  # variables set for it
    programs: list[tuple[str, str]] = field(default_factory=list)  # the wrappers, each with its directory
    launcher: str = ""  # the wrapper that looks the program up in the project's own environment, or nothing


# word: options without a value, options with one, how many operands stand before the command
_PLAIN: dict[str, tuple[str, str, int]] = {
    "timeout": ("--preserve-status --foreground -v --verbose", "-s --signal -k --kill-after", 1),
    "gtimeout": ("--preserve-status --foreground -v --verbose", "-s --signal -k --kill-after", 1),
    "nice": ("", "-n --adjustment", 0),
    "stdbuf": ("", "-i -o -e --input --output --error", 0),
    "time": ("-p", "", 0),
    "command": ("", "", 0),
    "nohup": ("", "", 0),
    "xvfb-run": ("-a --auto-servernum", "-s --server-args -n --server-num", 0),
}

# word: subcommand, options without a value, options with one, the option that changes the directory
LAUNCHERS: dict[str, tuple[tuple[str, ...], str, str, str]] = {
    "uv": (
        ("run",),
        """--frozen --locked --no-sync --offline --all-extras --all-groups --all-packages --no-dev --dev --only-dev
        --quiet -q --active --no-project --no-default-groups --no-progress --exact --verbose -v --no-config
        --no-env-file --no-editable --native-tls --isolated --script -s --""",
        "--extra --no-extra --group --no-group --only-group --package --python -p --color --with",
        "--directory",
    ),
    "poetry": (("run",), "-q --quiet -n --no-interaction --no-ansi --ansi -v", "", "-C --directory"),
    "pdm": (("run",), "-s --site-packages -q -v", "", ""),
    "pipenv": (("run",), "-q --quiet", "", ""),
    "rye": (("run",), "", "", ""),
    "hatch": (("run",), "-q -v", "", ""),
    "bundle": (("exec",), "", "", ""),
    "npx": ((), "--yes -y --no-install --no -q --quiet --offline --prefer-offline --silent -s --", "", ""),
    "bunx": ((), "--bun -b --silent --", "", ""),
    "npm": (("exec", "x"), "--yes -y --no --offline -s --silent --", "-w --workspace", "--prefix -C"),
    "pnpm": (("exec",), "-s --silent -w --workspace-root -r --recursive --", "--filter -F", "-C --dir"),
    "yarn": (("exec",), "-s --silent --", "", "--cwd"),
    "mise": (("exec", "x"), "-q --quiet -y --yes --no-prepare", "", "-C --cd"),
}


def unwrap(words: tuple[str, ...]) -> Wrapped | None:
    """The command inside; None when a wrapper is used in a way that is not surely understood. Raises Bypass."""
    inner = Wrapped(words)
    for _ in range(DEEPEST):
        word = inner.words[0].rpartition("/")[2]
        if word in _PLAIN:
            at = _plain(word, inner)
        elif word == "env":
            at = _env(inner)
        elif word in LAUNCHERS:
            at = _launcher(word, inner)
            if at == 0:
                return inner
        elif word in ("uvx", "pipx"):
            raise Bypass(OUTSIDE, f"{word} runs a program from outside the project")
        else:
            return inner
        if not 0 < at < len(inner.words):
            return None
        inner.words = inner.words[at:]
    return None


def _skip(words: tuple[str, ...], at: int, flags: str, values: str) -> tuple[int, list[tuple[str, str]]]:
    """Steps over known options; gives where they end and those that have a value; -1 for an unknown one."""
    flag_list, value_list = flags.split(), values.split()
    found: list[tuple[str, str]] = []
    while at < len(words) and words[at].startswith("-"):
        word = words[at]
        name, equals, value = word.partition("=")
        if word in flag_list:
            at += 1
            if word == "--":
                break
        elif word == "--":
            break
        elif word in value_list:
            if at + 1 >= len(words) or words[at + 1].startswith("-"):
                return -1, found
            found.append((word, words[at + 1]))
            at += 2
        elif equals and name in value_list and name.startswith("--"):
            found.append((name, value))
            at += 1
        elif not word.startswith("--") and word[:2] in value_list:
            found.append((word[:2], word[2:]))
            at += 1
        else:
            return -1, found
    return at, found


def _plain(word: str, inner: Wrapped) -> int:
    flags, values, operands = _PLAIN[word]
    at, _ = _skip(inner.words, 1, flags, values)
    if at < 0:
        return -1
    at += operands
    if word not in ("time", "command"):
        inner.programs.append((inner.words[0], inner.directory))
    return at


def _env(inner: Wrapped) -> int:
    at = 1
    while at < len(inner.words):
        name, equals, value = inner.words[at].partition("=")
        if not equals or not name.isidentifier() or not name.isascii():
            break
        inner.assignments.append((name, value))
        at += 1
    if at < len(inner.words) and inner.words[at].startswith("-"):
        return -1
    inner.programs.append((inner.words[0], inner.directory))
    return at


def _launcher(word: str, inner: Wrapped) -> int:  # noqa: C901 - what launchers have in common
    """Where the command begins; 0 when it is the wrapper itself that a rule may name; -1 when not understood."""
    subcommands, flags, values, moves = LAUNCHERS[word]
    words = inner.words
    at, before = _skip(words, 1, flags, f"{values} {moves}")
    if at < 0 or at >= len(words):
        return 0
    given = before
    if subcommands:
        if words[at] not in subcommands:
            return 0
        at, after = _skip(words, at + 1, flags, f"{values} {moves}")
        given = before + after
        if word == "uv" and "--with" in [part.partition("=")[0] for part in words[:at]]:
            raise Bypass(OUTSIDE, "what --with names is looked up in a registry")
        if at < 0:
            return -1
    if word == "mise":
        at = _mise(words, at)
    if not 0 < at < len(words):
        return -1
    if word in ("npx", "bunx", "npm", "pnpm") and "@" in words[at][1:]:
        raise Bypass(OUTSIDE, f"{words[at]} is looked up in a registry")
    inner.programs.append((words[0], inner.directory))
    inner.launcher = word
    for name, value in given:
        if name in moves.split():
            from skillcache.rules.words import join  # few wrappers change the folder

            inner.directory = join(inner.directory, value)
    if word in ("uv", "poetry", "pdm", "hatch", "rye", "pipenv") and ":" in words[at]:
        return -1
    return at


def _mise(words: tuple[str, ...], at: int) -> int:
    """`mise exec [tool[@version]…] -- command`."""
    while at < len(words) and words[at] != "--":
        if words[at].startswith("-"):
            return -1
        at += 1
    return at + 1
