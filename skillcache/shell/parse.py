"""The tokens of a line read as lists, pipelines, groups and simple commands."""

from skillcache.errors import Bypass
from skillcache.outcome import SHELL_SYNTAX, SHELL_WRITES
from skillcache.shell.lex import COMMENT, OPERATOR, REDIRECTION, WORD, Token, tokens
from skillcache.shell.line import Command, Line, join

DEEPEST = 8  # groups within groups

_KEYWORDS = frozenset(
    "if then else elif fi for while until do done case esac function select coproc ! [[ ]] }".split()  # noqa: SIM905
)
# What cannot keep the `cd` after it from happening.
_SURE = frozenset(["cd", "echo", "export", "set", "true", ":"])
_SEPARATORS = (";", "\n")


def parse(text: str) -> Line:
    """The line as commands; raises Bypass for whatever is not surely understood."""
    found = tokens(text)
    fresh = False
    if found and found[-1].kind == COMMENT and found[-1].text.strip(" \t") == "# fresh":
        fresh = True
        text = text[: found[-1].start].rstrip(" \t\n")
    reader = _Reader(text, [token for token in found if token.kind != COMMENT])
    reader.list("")
    if reader.at < len(reader.tokens):
        raise Bypass(SHELL_SYNTAX, reader.tokens[reader.at].text)
    if not reader.commands:
        raise Bypass(SHELL_SYNTAX, "no command")
    return Line(text, fresh=fresh, commands=tuple(reader.commands), ends_in=reader.directory)


class _Reader:
    """A recursive descent; `directory` is where the next command runs, `unsure` that a `cd` may not have run."""

    def __init__(self, text: str, found: list[Token]) -> None:
        self.text = text
        self.tokens = found
        self.at = 0
        self.depth = 0
        self.commands: list[Command] = []
        self.directory = ""
        self.unsure = False

    def operator(self) -> str:
        """The operator that stands next, or nothing."""
        if self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token.kind == OPERATOR:
                return token.text
        return ""

    def bare(self, word: str) -> bool:
        if self.at < len(self.tokens):
            token = self.tokens[self.at]
            return token.kind == WORD and token.text == word and not token.quoted
        return False

    def newlines(self) -> None:
        while self.operator() == "\n":
            self.at += 1

    def list(self, joined: str) -> None:
        """Lists up to the end of the line or of the group they stand in."""
        self.newlines()
        while self.at < len(self.tokens) and self.operator() != ")" and not self.bare("}"):
            if self.unsure:
                raise Bypass(SHELL_SYNTAX, "a cd that may not have run")
            self.chain(joined)
            joined = self.operator()
            if joined not in _SEPARATORS:
                return
            self.at += 1
            joined = ";"
            self.newlines()

    def chain(self, joined: str) -> None:
        """Pipelines joined by `&&` and `||`."""
        sure = True  # nothing so far could have kept the next pipeline from running
        while True:
            if self.unsure and joined == "||":
                raise Bypass(SHELL_SYNTAX, "a cd that may not have run")
            sure = self.pipeline(joined, sure=sure and joined != "||") and sure
            joined = self.operator()
            if joined not in ("&&", "||"):
                return
            self.at += 1
            self.newlines()

    def pipeline(self, joined: str, *, sure: bool) -> bool:
        """Elements joined by pipes; True when it is one command that cannot fail in a directory that exists."""
        first, before = len(self.commands), self.directory
        self.element(joined)
        piped = False
        while self.operator() in ("|", "|&"):
            self.at += 1
            self.newlines()
            self.element("|")
            piped = True
        if self.directory != before:
            if piped:
                raise Bypass(SHELL_SYNTAX, "a cd in a pipe")
            self.unsure = self.unsure or not sure
        only = self.commands[first:]
        return len(only) == 1 and (not only[0].words or only[0].words[0] in _SURE)

    def element(self, joined: str) -> None:
        if self.operator() == "(":
            self.group(joined, ")")
        elif self.bare("{"):
            self.group(joined, "}")
        else:
            self.simple(joined)

    def group(self, joined: str, closing: str) -> None:
        """`( … )` or `{ …; }`; a `cd` in the first is undone after it, in the second it is refused."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise Bypass(SHELL_SYNTAX, "groups within groups")
        self.at += 1
        before, unsure, first = self.directory, self.unsure, len(self.commands)
        self.unsure = False
        self.list(joined)
        if len(self.commands) == first:
            raise Bypass(SHELL_SYNTAX, "an empty group")
        if closing == ")":
            closed = self.operator() == ")"
        else:
            closed = self.bare("}") and self.tokens[self.at - 1].text in _SEPARATORS
            if self.directory != before:
                raise Bypass(SHELL_SYNTAX, "a cd in a group")
        if not closed:
            raise Bypass(SHELL_SYNTAX, "an open group")
        self.at += 1
        self.directory, self.unsure = before, unsure
        self.depth -= 1
        while self.at < len(self.tokens) and self.tokens[self.at].kind == REDIRECTION:
            if self.redirection():
                raise Bypass(SHELL_SYNTAX, "a file read by a group")
        if self.at < len(self.tokens) and self.tokens[self.at].kind == WORD and not self.bare("}"):
            raise Bypass(SHELL_SYNTAX, "a word after a group")

    def simple(self, joined: str) -> None:  # noqa: C901 - the grammar of a simple command
        """Assignments, words and redirections up to the next operator."""
        assignments: list[tuple[str, str]] = []
        found: list[Token] = []
        reads: list[str] = []
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token.kind == OPERATOR:
                break
            if token.kind == REDIRECTION:
                path = self.redirection()
                if path:
                    reads.append(path)
                continue
            self.at += 1
            if found:
                found.append(token)
            elif token.name:
                assignments.append(_assignment(token))
            elif token.glob or token.status or (not token.quoted and token.text in _KEYWORDS):
                raise Bypass(SHELL_SYNTAX, token.text)
            else:
                found.append(token)
        if self.operator() == "(":
            raise Bypass(SHELL_SYNTAX, "a parenthesis after a word")
        if not found and not assignments:
            raise Bypass(SHELL_SYNTAX, "an empty command")
        command = Command(
            tuple([token.text for token in found]),
            assignments=tuple(assignments),
            directory=self.directory,
            piped=joined == "|",
            operator=joined,
            reads=tuple(reads),
            globs=tuple([index for index, token in enumerate(found) if token.glob]),
            statuses=tuple([index for index, token in enumerate(found) if token.status]),
            homes=tuple([index for index, token in enumerate(found) if token.home]),
            text=self.text[found[0].start : found[-1].end] if found else "",
        )
        self.commands.append(command)
        if command.words and command.words[0] == "cd":
            self.change_directory(command)

    def change_directory(self, command: Command) -> None:
        words = command.words
        if len(words) != 2 or command.globs or command.statuses or words[1][:1] in ("", "-", "+", "~"):
            raise Bypass(SHELL_SYNTAX, "a cd to somewhere else")
        if command.assignments or command.reads:
            raise Bypass(SHELL_SYNTAX, "a cd with more")
        self.directory = join(command.directory, words[1])

    def redirection(self) -> str:
        """Steps over one; gives the file it reads, or nothing."""
        operator = self.tokens[self.at].text
        self.at += 1
        if self.at >= len(self.tokens) or self.tokens[self.at].kind != WORD:
            raise Bypass(SHELL_SYNTAX, operator)
        target = self.tokens[self.at]
        self.at += 1
        bare = operator.lstrip("0123456789")
        number = operator[: len(operator) - len(bare)]
        if target.glob or target.status or target.home or number not in ("", "0", "1", "2"):
            raise Bypass(SHELL_SYNTAX, operator)
        if bare == "<" and number in ("", "0"):
            return "" if target.text == "/dev/null" else target.text
        if bare in ("<", "<&", "<>") or target.text == "-":
            raise Bypass(SHELL_SYNTAX, operator)
        if bare == ">&" and target.text in ("1", "2") and number != "0":
            return ""
        if bare in (">", ">>", "&>", "&>>") and target.text == "/dev/null" and number != "0":
            return ""
        raise Bypass(SHELL_WRITES, f"{operator} {target.text}")


def _assignment(token: Token) -> tuple[str, str]:
    value = token.text[token.name + 1 :]
    if token.status or token.glob:
        raise Bypass(SHELL_SYNTAX, "an assignment")
    return token.text[: token.name], value
