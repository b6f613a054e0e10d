"""What names the program that a command runs, in as many of its words as that needs and no more."""

from skillcache.policy.builtin import RUNNERS, tool_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# What is run to wait, to see the state of the machine or of something far away, to look at files that git ignores or to
# make some, or to print what it is given: equal inputs promise nothing about the next answer, or it is not what
# matters.
_LIVE = frozenset(
    """sleep date time uptime w who whoami hostname uname id env printenv nproc free df du ls find fd tree locate stat
    file which whereis type ps top htop pgrep lsof ss netstat ifconfig ip ping dig nslookup host nc telnet ftp sftp
    http https xh psql mysql mariadb sqlite3 redis-cli mongosh aws gcloud az terraform tofu pulumi ansible vercel
    netlify fly flyctl heroku wrangler supabase firebase tmux screen script strace perf journalctl dmesg
    inotifywait less more vim vi nano emacs claude codex skillcache rg grep ag ack yes shuf uv poetry pipenv bundle
    gem conda mamba nix cmake ninja meson bazel echo printf true false pwd exit test cd set export eval tail head cat
    wc nl tac rev column fold sort uniq cut tr sed awk gawk diff cmp basename dirname seq tee""".split()  # noqa: SIM905 - read as a list
)
# A name with one of these words in it is of something that is done, not asked.
_ACTS = frozenset(
    """create update delete remove add set send post put patch write insert execute click navigate press drag fill
    upload move rename close open start stop restart launch merge push pull commit submit reply comment assign approve
    apply deploy install uninstall build rebuild compile bundle release publish migrate seed generate gen codegen clean
    reset serve server dev watch init setup bootstrap provision sync fix format up down login logout kill""".split()  # noqa: SIM905
)
_INTERPRETERS = frozenset("node ruby perl php bash sh zsh dash ksh tsx ts-node Rscript julia lua".split())  # noqa: SIM905
# What comes after one of these is what runs.
_RUN = frozenset(["run", "run-script", "rum", "exec", "x", "task"])
_LONGEST = 64  # characters of a name
_LONGEST_SUBCOMMAND = 20


def label_of(words: tuple[str, ...], is_path: "Callable[[str], bool]") -> str:
    """The words that name what runs, "" where none do or it is not run to be asked; `is_path`: a file has that name."""
    program = words[0]
    name = program.rpartition("/")[2]
    if not _is_file(program) or name in _LIVE:
        return ""
    label = _label(words, name, is_path)
    return "" if any(acts(word.rpartition("/")[2]) for word in label.split(" ")) else label


def _label(words: tuple[str, ...], name: str, is_path: "Callable[[str], bool]") -> str:
    program = words[0]
    given, then = (*words[1:3], "", "")[:2]
    if name in _INTERPRETERS or name.rstrip("0123456789.") in ("python", "pypy"):
        if given == "-m":
            return f"{program} -m {then}" if is_name(then, "_.") else ""
        return f"{program} {given}" if _is_file(given) and is_path(given) else ""
    if given in _RUN:
        return f"{program} {given} {then}" if _is_file(then.replace(":", "-")) else ""
    if name in RUNNERS:
        return f"{program} {given}" if is_name(given, "-_:") else ""
    if is_name(given, "-") and given.replace("-", "").isalpha() and not is_path(given):
        return f"{program} {given}" if len(given) <= _LONGEST_SUBCOMMAND else ""
    tool = tool_of(name)
    return "" if tool is not None and tool.subcommands is not None else program


def is_name(word: str, marks: str) -> bool:
    """Whether it can stand in a pattern as it is."""
    if not word or len(word) > _LONGEST or not word.isascii() or word.startswith("-"):
        return False
    return all(c.isalnum() or c in marks for c in word)


def acts(name: str) -> bool:
    """Whether what has this name is run for what it does: `create_issue`, `browserClick`, `build.sh`."""
    word, words = "", set()
    for c in name:
        if not c.isalnum() or (c.isupper() and word[-1:].islower()):
            words.add(word)
            word = ""
        word += c.lower() if c.isalnum() else ""
    return not _ACTS.isdisjoint({*words, word})


def _is_file(word: str) -> bool:
    """Whether it is a program's name, or the path of one below the directory of the call."""
    return not word.startswith("/") and ".." not in word.split("/") and is_name(word, "_-.+@/")
