"""Which word of a command is the script that it runs, and which texts may hold one: functions of the words."""

_PYTHON = frozenset("-B -u -I -s -S -E -O -OO -b -bb -q".split())  # noqa: SIM905 - read as a list
# word: a first word that belongs to it, and the options it may have before the script, or their beginnings
_SHELL = ("", ("-e", "-u", "-x", "-v", "-eu", "-ex", "-ux", "-eux"), ())
_TABLE: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "bash": _SHELL,
    "sh": _SHELL,
    "zsh": _SHELL,
    "dash": _SHELL,
    "node": ("", ("--no-warnings", "--enable-source-maps", "--no-deprecation"), ("--experimental-",)),
    "bun": ("run", (), ()),
    "deno": ("run", ("-A", "-q", "--quiet", "--no-prompt", "--no-check", "--no-lock", "--cached-only"), ("--allow-",)),
    "ruby": ("", ("-w", "-W0", "-W1", "-W2"), ()),
    "perl": ("", ("-w", "-T"), ()),
    "tsx": ("", (), ()),
    "ts-node": ("", (), ()),
}
_NODE_LAUNCHERS = ("npx", "bunx", "npm", "pnpm", "yarn")


def script_at(words: tuple[str, ...], launcher: str) -> int:
    """The index of the word; -1 when it is not sure that a file is run. `launcher`: what looks the first word up."""
    word = words[0].rpartition("/")[2]
    if word in ("pypy", "pypy3") or (word.startswith("python") and not word[6:].replace(".", "").strip("0123456789")):
        at = _after_python(words)
    elif word in _TABLE:
        first, options, beginnings = _TABLE[word]
        at = 2 if first and words[1:2] == (first,) else 1
        if word == "deno" and at == 1:
            return -1
        while at < len(words) and (words[at] in options or (beginnings and words[at].startswith(beginnings))):
            at += 1
    elif launcher in _NODE_LAUNCHERS:  # for them a path is a package
        return -1
    else:
        return 0 if "/" in words[0] or is_python_of(launcher, words[0]) else -1
    return at if at < len(words) and words[at][:1] not in ("", "-") else -1


def is_python_of(launcher: str, word: str) -> bool:
    """Whether the launcher runs the file by its Python: `uv run script.py`."""
    return launcher == "uv" and word.endswith(".py")


def _after_python(words: tuple[str, ...]) -> int:
    at = 1
    while at < len(words) and words[at].startswith("-"):
        if words[at] in ("-X", "-W"):
            at += 1
        elif words[at] not in _PYTHON and words[at][:2] not in ("-X", "-W"):
            break
        at += 1
    return at


def may_run_script(text: str, *folders: str) -> bool:
    """Whether a command may run a script of a skill: False for nearly every one. `folders`: names of where it runs."""
    return "skills/" in text or any("/skills/" in f"{folder}/" for folder in folders)


def literal_of(pattern: str) -> str:
    """The longest run of the pattern's characters that must stand in what it matches."""
    return max(pattern.replace(":*", "*").replace("\\", "*").replace(" ", "*").split("*"), key=len)
