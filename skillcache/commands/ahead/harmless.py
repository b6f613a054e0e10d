"""Commands that look and do nothing else: no file, port or lock is theirs, and nothing is started by them.

Their words may hold what the shell puts there, but for what a program of these could take for an order.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.commands.simple import Simple

# Whatever their words.
_READERS = frozenset(
    """: true [ test pwd cd echo printf cat head tail wc nl tac cut column tr rev fold paste comm cmp diff ls stat du df
    realpath readlink basename dirname which type grep egrep fgrep zgrep jq seq sleep md5sum sha1sum sha256sum whoami id
    uname""".split()  # noqa: SIM905 - read as a list
)
_ACTIONS = ("-exec", "-ok", "-delete", "-fprint", "-fls")  # of find; each may be longer
_GIT = frozenset(
    """status diff log show blame rev-parse ls-files ls-tree cat-file rev-list merge-base describe shortlog grep
    name-rev for-each-ref check-ignore count-objects""".split()  # noqa: SIM905
)
# Of git's other words with nothing else behind them than these.
_LISTS = {
    "branch": ("", "-a", "-r", "-v", "-vv", "-av", "-avv", "--all", "--list", "--show-current"),
    "tag": ("", "-l", "--list"),
    "remote": ("", "-v"),
    "stash": ("list",),
    "worktree": ("list",),
}
# Beginnings of options by which git writes a file or starts a program.
_GIT_DOES_MORE = ("--output", "--ext-diff", "--textconv", "--open", "-O", "--exec", "--filters")
_SED = frozenset(["-n", "-E", "-r", "-s", "-u", "-z", "--quiet", "--silent", "--regexp-extended"])


def is_harmless(command: "Simple") -> bool:
    if not command.words or command.assigned or not command.is_bare:
        return False
    name, *given = command.words
    if name in _READERS:
        return True
    if name == "command":
        return given[:1] in (["-v"], ["-V"])
    if name == "find":
        return command.is_sure and not any(word.startswith(_ACTIONS) for word in given)
    if name == "rg":
        return not any(word.startswith(("--pre", "--hostname-bin")) for word in given)
    if name == "sort":
        return not any(_may_hold(word, "o", ("--output", "--compress-program")) for word in given)
    if name == "uniq":  # its second operand is what it writes
        return all(word.startswith("-") for word in given)
    if name == "sed":
        return command.is_sure and _only_prints(given)
    return name == "git" and _only_asks(given)


def _may_hold(word: str, letter: str, names: tuple[str, ...]) -> bool:
    """Whether it is one of these options, or letters that hold that one."""
    return word.startswith(names) or (word[:1] == "-" and word[:2] != "--" and letter in word)


def _only_prints(given: list[str]) -> bool:
    """A script without one of these letters writes nothing and starts nothing."""
    options = [word for word in given if word.startswith("-")]
    operands = [word for word in given if not word.startswith("-")]
    return _SED.issuperset(options) and bool(operands) and set("wWe").isdisjoint(operands[0])


def _only_asks(given: list[str]) -> bool:
    while given[:1] == ["--no-pager"] or given[:1] == ["-C"]:
        given = given[1 if given[0] == "--no-pager" else 2 :]
    if not given or any(word.startswith(_GIT_DOES_MORE) for word in given):
        return False
    word, *rest = given
    return word in _GIT or " ".join(rest) in _LISTS.get(word, ())
