"""What reading a command line gives."""


class Command:
    """One simple command.

    assignments: the leading `NAME=value` pairs; words: the rest, unquoted, never patterns or expansions except at the
    places that `globs`, `statuses` (`$?` and PIPESTATUS) and `homes` (a path that begins with the home folder, as `~/`)
    list; directory: where it runs, relative to the call's directory unless absolute, taking every `cd` before it as
    done; piped: it reads the output of the one before; operator: what joins it to the one before (`""` for the first);
    reads: files given by `<`; text: its words as they stand in the line, without assignments and redirections.
    """

    __slots__ = (
        "assignments",
        "directory",
        "globs",
        "homes",
        "operator",
        "piped",
        "reads",
        "statuses",
        "text",
        "words",
    )

    def __init__(
        self,
        words: tuple[str, ...],
        *,
        assignments: tuple[tuple[str, str], ...] = (),
        directory: str = "",
        piped: bool = False,
        operator: str = "",
        reads: tuple[str, ...] = (),
        globs: tuple[int, ...] = (),
        statuses: tuple[int, ...] = (),
        homes: tuple[int, ...] = (),
        text: str = "",
    ) -> None:
        self.words = words
        self.assignments = assignments
        self.directory = directory
        self.piped = piped
        self.operator = operator
        self.reads = reads
        self.globs = globs
        self.statuses = statuses
        self.homes = homes
        self.text = text

    def __repr__(self) -> str:
        return f"<{self.operator or 'command'} {self.words!r} in {self.directory!r}>"


class Line:
    """A command line understood.

    text: the line without a closing `# fresh`; fresh: it had one; commands: in the order they stand; ends_in: the
    directory after the line when all of it ran, relative to the call's unless absolute.
    """

    __slots__ = ("commands", "ends_in", "fresh", "text")

    def __init__(self, text: str, *, fresh: bool, commands: tuple[Command, ...], ends_in: str) -> None:
        self.text = text
        self.fresh = fresh
        self.commands = commands
        self.ends_in = ends_in


def join(directory: str, path: str) -> str:
    """`path` as seen from `directory`, lexically; `""` is the call's own directory, and `..` may lead out of it."""
    if path.startswith("/"):
        directory = ""
    absolute = path.startswith("/") or directory.startswith("/")
    parts: list[str] = []
    for part in f"{directory}/{path}".split("/"):
        if part in ("", "."):
            continue
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part != ".." or not absolute:
            parts.append(part)
    return ("/" if absolute else "") + "/".join(parts)
