"""Calls that no rule names: which rule would name one, as narrow as a person would write it, and the log of them.

A pattern holds the name of what runs and no more: `Bash(psalm:*)`, `Bash(npm run report:*)`, `Bash(python count.py:*)`,
`Skill(report)` for scripts of a skill, `Agent(reviewer)`, `mcp__context7__get-docs`. Where that would name much more
than was seen, such as everything that a task runner or an interpreter runs, there is none.

Of a Bash line it takes the one command that is all of it. Nothing is expanded, joined or redirected in such a line, so
that its words are what the program was given, and its status and text are the program's own.

The log is one append-only file of this machine, one line a sighting, ASCII: `unix-seconds TAB pattern TAB project TAB
call TAB inputs TAB result TAB run-ms`. `pattern` is what a rule would say, and the only text. The next four are digests
of 32 hexadecimal characters, keyed with a secret of this machine so that nobody finds a call by trying; the result of a
failed run, which no rule would replay, is the word `failed`.
"""

import os

from skillcache.claude import ToolEvent
from skillcache.commands.pieces import PLAIN, SIGN, SURE, pieces
from skillcache.core import KW_ONLY, Record, files
from skillcache.core.files import blake2b
from skillcache.core.paths import observed_file, salt_file
from skillcache.rules.rule import ONLINE_TTL, Rule
from skillcache.rules.words import may_run_script, script_at, unwrap

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
    from skillcache.rules.builtin import RUNNERS, tool_of  # most lines are of what is no report

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


def words_of(line: str) -> tuple[str, ...]:
    """The words, after a `cd` where the line begins with one; () for any other line."""
    given = pieces(line.strip()) if "#" not in line else []  # a comment may ask for a fresh run
    if given[:1] == [(PLAIN, "cd")] and given[2:3] == [(SIGN, "&&")]:
        given = given[3:] if given[1][0] in SURE else []
    if given[-2:] == [(SIGN, "2>&"), (PLAIN, "1")]:
        given = given[:-2]
    return tuple([text for _, text in given]) if all(kind in SURE for kind, _ in given) else ()


ORIGIN = "observed"  # of a rule that is not one yet
MCP = "mcp__"


class Candidate(Record):
    rule: Rule  # what would name the call
    words: tuple[str, ...] = ()  # of a command


def candidate(event: ToolEvent) -> Candidate | None:
    """None for a call that no rule should name. Raises Bypass."""
    if event.tool == "Bash":
        return _of_line(event)
    if event.tool == "Agent":
        kind = event.input.get("subagent_type")
        fits = isinstance(kind, str) and is_name(kind, "_-.:")
        return Candidate(would_be(f"Agent({kind})")) if fits else None
    fits = is_name(event.tool, "_-.") and not acts(event.tool.rpartition("__")[2])
    return Candidate(would_be(event.tool)) if fits else None


def would_be(pattern: str) -> Rule:
    """The rule with this pattern, as `[[rules]]` with nothing else but the pattern would make it."""
    if pattern.startswith(MCP):
        return Rule(ORIGIN, pattern, depends=(), ttl=ONLINE_TTL, origin=ORIGIN)
    return Rule(ORIGIN, pattern, origin=ORIGIN)


def _of_line(event: ToolEvent) -> Candidate | None:
    text = event.input.get("command")
    if not isinstance(text, str) or event.input.get("run_in_background"):
        return None
    words = words_of(text)
    inner = unwrap(words) if words else None
    if inner is None:
        return None
    folder = os.path.join(event.cwd, inner.directory)
    if may_run_script(text, event.cwd):
        from skillcache.rules.skills.find import name_at  # few do

        at = script_at(inner.words, inner.launcher)
        skill = name_at(os.path.join(folder, inner.words[at])) if at >= 0 else ""
        if skill:
            return _of_skill(skill, inner.words[at], words)
    label = label_of(inner.words, lambda word: os.path.lexists(os.path.join(folder, word)))
    return Candidate(would_be(f"Bash({label}:*)"), words) if label else None


def _of_skill(name: str, script: str, words: tuple[str, ...]) -> Candidate | None:
    """One rule for all that the skill's scripts are asked, unless they are run for what they do."""
    if not is_name(name, "_-:") or acts(name) or acts(script.rpartition("/")[2]):
        return None
    return Candidate(would_be(f"Skill({name})"), words)


FAILED = "failed"
_MOST = 4 << 20  # bytes, some 20,000 sightings; the newer half is then kept
_CAP = 4 * _MOST
_SALT = 32  # bytes
_DIGEST = 32  # hexadecimal characters


class Sighting(Record):
    """One run."""

    at: int  # unix seconds
    pattern: str
    _: KW_ONLY
    project: str  # digests or FAILED
    call: str  # digests or FAILED
    inputs: str  # digests or FAILED
    result: str  # digests or FAILED
    duration: int  # milliseconds


def append(cache: str, seen: Sighting) -> None:
    """Raises OSError."""
    fields = (seen.at, seen.pattern, seen.project, seen.call, seen.inputs, seen.result, seen.duration)
    path = observed_file(cache)
    files.append(path, ("\t".join(map(str, fields)) + "\n").encode("ascii"))
    # What others append in that moment may be lost.
    if os.stat(path).st_size > _MOST:
        content = files.read(path, _CAP) or b""
        files.write(path, content[-_MOST // 2 :].partition(b"\n")[2])


def read(cache: str) -> list[Sighting]:
    """Every sighting, oldest first; lines of another form are passed over. Raises OSError."""
    found = []
    for line in (files.read(observed_file(cache), _CAP) or b"").split(b"\n"):
        try:
            at, pattern, *digests, duration = line.decode("ascii").split("\t")
            project, call, inputs, result = digests
            seen = Sighting(
                int(at), pattern, project=project, call=call, inputs=inputs, result=result, duration=int(duration)
            )
        except ValueError:
            continue
        if all(map(_is_digest, (project, call, inputs))) and (result == FAILED or _is_digest(result)):
            found.append(seen)
    return found


def salt_of(cache: str) -> bytes:
    """The secret of this machine, made when there is none. Raises OSError."""
    path = salt_file(cache)
    salt = files.read(path, _SALT)
    if salt is None or len(salt) != _SALT:
        files.write(path, os.urandom(_SALT))
        # Where two processes make one at once the later stays, and one sighting has no equal.
        salt = files.read(path, _SALT) or b""
    return salt


def keyed(salt: bytes, text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST // 2, key=salt).hexdigest()


def _is_digest(text: str) -> bool:
    return len(text) == _DIGEST and all(c in "0123456789abcdef" for c in text)
