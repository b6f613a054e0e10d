"""The paths that one text spells, read from its bytes, and how it climbs, searches and lists; see `texts`."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator

_BETWEEN = b" \t\r\n\"'`,;:=()[]{}<>|&@!\\\0\1"
WORDS = bytes.maketrans(_BETWEEN, b" " * len(_BETWEEN))
NAMES = bytes.maketrans(_BETWEEN + b"/$%*", b" " * (len(_BETWEEN) + 4))
LONGEST = 400  # bytes of a path that anybody writes
CLIMBS = (
    *(b"parent", b"Parent", b"irname", b"pardir", b"Dir(", b"__dir__", b"__DIR__", b"superproject", b"path.split("),
    *(b"rsplit(", b".parts[", b".ancestors("),
)
# A line of code with one of these looks at what lies in a folder.
LISTINGS = (
    *(b"listdir", b"scandir", b"glob", b"iterdir", b"readdir", b"walk", b"Dir[", b"Dir.entries", b"Dir.children"),
    *(b"ReadDir", b"read_dir", b"list_dir", b"find ", b"ls ", b"Dir.each_child", b"opendir", b"DirectoryIterator"),
)
PATTERNS = {
    "climb": rb"\.parents?\b(?:[\s(]*\[\s*(\d+))?|\.parts\[:-(\d+)|\bparent\(|dirname|pardir|getParent|\bDir\(|__dir__"
    rb"|__DIR__|show-superproject|path\.split\(|rsplit\(|\.ancestors\(",
    "absolute": rb"/(?<=[\s\"'`=(\[{,:;<>|&@]/)[\w.@+\x80-\xff-]+(?:/[\w.@+\x80-\xff-]+)*",
    "below": rb"(?:~|\$HOME|\$\{HOME\}|\$\(HOME\)|%h)(/[\w.@+\x80-\xff-][\w./@+\x80-\xff-]*)",
    "told": rb"(?:\b(?:sudo|xargs|exec|execdir|ok|env|then|nohup|command)\s+|bin/)([A-Za-z0-9_][\w.+-]{0,40})",
    "file": rb"\w:///?(/[\w.@+\x80-\xff-]+(?:/[\w.@+\x80-\xff-]+)*)",  # of a database with one slash more
    "host": rb"://(?:[\w.+~%:-]{0,60}@)?([A-Za-z0-9][\w.-]{0,60})",
    "open": rb"(?:\.\./|~/)[^\s\"'`]{1,200}",
    "left": rb"%[-0-9.]{0,6}[a-z]|[#$@]?\{[^{}]{0,60}\}|\$\w{1,40}|\[[^\]]{0,20}\]|\?",
    "variable": rb"(?:\$[{(]?|(?:environ|getenv|Getenv|env::var|ENV|\benv)\W{1,3}(?:(?:get|fetch)\W{1,3})?)"
    rb"([A-Z][A-Z0-9_]{1,40})",
    "small": rb"(?:environ|getenv|Getenv|env::var|ENV|process\.env)\W{1,3}(?:(?:get|fetch)\W{1,3})?"
    rb"(?<=[\"'.])([a-z][a-z0-9_]{1,40})",
    "up": rb"[\"'`]((?:\.\./){1,9})[\"'`]\s{0,3}[+.]\s{0,3}\w",  # and what is put behind it
    "included": rb"(?m)^[ \t]{0,20}(?:#[ \t]{0,9}include[ \t]{0,9}<([\w./+-]{1,80})>"
    rb"|-?include[ \t]{1,9}([\w./+-]{1,80}\.mk)\b)",
    "library": rb"(?:(?<![\w-])-l([\w+.-]{1,40})|[\"'/](lib[\w+-]{1,40}\.so(?:\.\d{1,4}){0,3})[\"'])",
    "beginning": rb"tarts[wW]ith\(\s{0,3}[\"'`]([A-Z][A-Z0-9_]{1,30})[\"'`]",
    "cached": rb"[\"'`/](\.idea|\.svn|\.hg|\.DS_Store|\.mypy_cache|\.ruff_cache|\.pytest_cache|\.hypothesis|\.pyre"
    rb"|\.pytype|\.eslintcache|\.stylelintcache)(?=[\"'`/])",
    "joined": rb"[/,(]\s{0,9}[bfru]{0,2}[\"'`]\.?/?([\w@+-][\w.@+-]{1,60})(?=[/\"'`])",
    "any": rb"(?:environ(?:\.get)?|getenv|Getenv|env::var|ENV|process\.env)\s?[\[(]\s?"
    rb"(?:f[\"']|`|[A-Za-z_][\w.]{0,40}\s{0,3}[+\])|,]|[\"']\w{0,40}[\"']\s{0,3}[+%.]|[\"']\w{0,40}%)",
    "script": rb"([\w.+-]{1,40}\.(?:sh|bash|zsh))\b"
    rb"|(?:bin|scripts?|tools|hack|ci)/(?:[\w.+-]{1,40}/)?([\w+-]{1,40})(?![\w./+-])",
    "upward": rb"\.parents\b(?!\s{0,9}\[)|\b[fF]ind[-_]?[uU]p|\.ancestors\(|\b[sS]earch[-_]?[uU]p|find_root|findRoot",
}
_found: "dict[str, re.Pattern[bytes]]" = {}


def pattern(name: str) -> "re.Pattern[bytes]":
    if name not in _found:
        import re  # where a text is read, and only there

        _found[name] = re.compile(PATTERNS[name])
    return _found[name]


def lines(data: bytes, marks: "Iterable[bytes]") -> "Iterator[bytes]":
    """The lines that hold one of the signs."""
    begun: set[int] = set()
    for each in marks:
        at = data.find(each)
        while at >= 0:
            begin = data.rfind(b"\n", 0, at) + 1
            end = data.find(b"\n", at)
            end = len(data) if end < 0 else end
            if begin not in begun:
                begun.add(begin)
                yield data[begin:end]
            at = data.find(each, end)


def leading_up(data: bytes, *, counts: bool) -> tuple[set[bytes], set[bytes], int, int]:
    """Paths of imports and other paths with a step up, and the steps of those that are nothing else."""
    near: set[bytes] = set()
    relative: set[bytes] = set()
    steps = longest = 0
    for line in lines(data, (b"..",)):
        relative.update(path + b"*" for path in pattern("up").findall(line))
        plain, place = line.translate(WORDS), 0
        for word in plain.split():
            place = plain.index(word, place) + len(word)
            at = _first_step(word) if b".." in word and len(word) < LONGEST else -1
            if at < 0:
                continue
            path = word[at:].partition(b"*")[0]
            before = word[:at]
            if before[:2] == b"//" and before.strip(b"/"):  # an address
                continue
            if not path.strip(b"./"):
                steps += path.count(b"..") if counts else 0
                longest = max(longest, path.count(b".."))
            elif path.startswith(b"..") and _is_imported(line, place - len(word) + at):
                near.add(path)
            else:
                path = path.rstrip(b".")  # the end of a sentence
                relative.add(path)
                if before.strip(b"/") and before[:1] != b"-" and b"$" not in before and b"%" not in before:
                    relative.add((before + path).lstrip(b"/"))
        relative.update(path for path in _spaced(line) if path.startswith(b"../"))
        relative.update(path for path in _open(line) if path.startswith(b"../"))
    return near, relative, steps, longest


# A path after one of these begins at the file.
_IMPORTS = (b"from", b"import", b"require(", b"import(", b"include", b"@import", b"@use", b"mock(")


def _is_imported(line: bytes, at: int) -> bool:
    """Whether the path there stands in the quotes of an import."""
    before = line[max(0, at - LONGEST) : at]
    quote = max(before.rfind(each) for each in (b'"', b"'", b"<"))
    if quote < 0 or b">" in before[quote:]:
        return False
    head = before[:quote].rstrip()
    word = next((each for each in _IMPORTS if head.endswith(each)), b"")
    ahead = head[: len(head) - len(word)]
    if word == b"include":
        return ahead.rstrip().endswith(b"#")
    return bool(word) and (word[:1] == b"@" or not (ahead[-1:].isalnum() or ahead[-1:] == b"_"))


def _first_step(word: bytes) -> int:
    """Where the first `..` that is a whole part of the path begins; -1 without one."""
    if word == b"..":
        return 0
    at = word.find(b"../")
    while at > 0 and word[at - 1 : at] == b".":  # three points and more are none
        at = word.find(b"../", at + 1)
    return len(word) - 2 if at < 0 and word.endswith(b"/..") else at


def climbs(data: bytes) -> tuple[int, int]:
    """How often it goes up by other means than a path, in all and at most in one line."""
    steps = longest = 0
    for line in lines(data, CLIMBS):
        indices = (one or other for one, other in pattern("climb").findall(line))
        here = sum(min(int(index[:4]), 9) + 1 if index else 1 for index in indices)
        steps += here
        longest = max(longest, here)
    return steps, longest


def far(data: bytes) -> set[bytes]:
    found = {path for path in pattern("absolute").findall(data) if len(path) <= LONGEST}
    if b":///" in data:
        found.update(path for path in pattern("file").findall(data) if len(path) <= LONGEST)
        for line in lines(data, (b":///",)):
            found.update(b"/" + piece.partition(b":///")[2].lstrip(b"/") for piece in _spaced(line) if b":///" in piece)
    for line in lines(data, (b"~/", b"HOME", b"%h/")):
        found.update(path for path in _open(line.replace(b"${HOME}/", b"~/")) if path.startswith(b"~/"))
        found.update(b"~" + path for path in pattern("below").findall(line))
        found.update(path for path in _spaced(line) if path.startswith(b"~/"))
    for line in lines(data, (b'"/', b"'/")):
        found.update(path for path in _spaced(line) if path.startswith(b"/"))
    return found


def _open(line: bytes) -> set[bytes]:
    """Paths a part of which is filled in as the text runs."""
    if not any(sign in line for sign in (b"%", b"{", b"$", b"*", b"[", b"?")):
        return set()
    found = set()
    for each in pattern("open").findall(line):
        path = pattern("left").sub(b"*", each).rstrip(b").,;:]}")
        while b"**" in path:
            path = path.replace(b"**", b"*")
        if b"*" in path and path.strip(b"./*~"):
            found.add(path)
    return found


def listed(data: bytes) -> set[bytes]:
    """The folders that a line names which looks at what lies in one."""
    found: set[bytes] = set()
    for line in lines(data, LISTINGS):
        found.update(path + b"/" for path in pattern("absolute").findall(line) if len(path) <= LONGEST)
        found.update(b"~" + path.rstrip(b"/") + b"/" for path in pattern("below").findall(line))
    return found


def installed(data: bytes) -> set[bytes]:
    """What compilers, make and pkg-config take from where somebody installs things by hand, below that folder."""
    found: set[bytes] = set()
    if b"include" in data:
        found.update(b"include/" + (one or other) for one, other in pattern("included").findall(data))
    if b"-l" in data or b".so" in data:
        for name, spelled in pattern("library").findall(data):
            found.update([b"lib/" + spelled] if spelled else [b"lib/lib%s%s" % (name, end) for end in (b".so", b".a")])
    for line in lines(data, (b"pkg-config", b"pkg_config", b"PKG_CHECK_MODULES", b"pkg_check_modules")):
        names = [name for name in line.translate(NAMES).split() if name[:1] != b"-"]
        found.update(b"lib/pkgconfig/%s.pc" % name for name in names)
    return found


def lists_above(data: bytes) -> bool:
    """Whether a line that looks at what lies in a folder goes to the one above."""
    return any(b".." in line or any(sign in line for sign in CLIMBS) for line in lines(data, LISTINGS))


# Of a library that goes upward by itself.
SEARCHING = (b"find-up", b"find_up", b"findUp", b"FindUp", b"search_up", b"searchUp", b"locate-path")
_NEAR = 300  # bytes between a loop's head and the step that it takes


def searches(data: bytes) -> bool:
    """Whether it goes upward until something is found."""
    if pattern("upward").search(data):
        return True
    at = data.find(b"while")
    while at >= 0:
        body = data[at : at + _NEAR]
        if b".." in body or any(sign in body for sign in CLIMBS):
            return True
        at = data.find(b"while", at + _NEAR)
    return False


def _spaced(text: bytes) -> list[bytes]:
    """What stands in quotes and holds a blank, or what else ends a path that has none around it."""
    inside = (*text.split(b'"')[1::2], *text.split(b"'")[1::2])
    return [piece for piece in inside if len(piece) <= LONGEST and _is_odd(piece)]


_ODD = (b" ", b"=", b",", b"(", b")", b"#", b"!", b"[", b"]", b"~", b"@", b"&")


def _is_odd(path: bytes) -> bool:
    return any(sign in path for sign in _ODD)


def shown(paths: "Iterable[bytes]", *, there: bool = False) -> set[bytes]:
    """Those that show no credential; `there`, and odd ones: only below a folder that is at the top."""
    from skillcache.core.credentials.find import find

    kept = {
        path
        for path in paths
        if path[:1] != b"/" or not (there or _is_odd(path)) or os.path.lexists(b"/" + path.split(b"/", 2)[1])
    }
    if not kept or find(b"\n".join(kept).decode("utf-8", "replace")) is None:
        return kept
    return {path for path in kept if find(path.decode("utf-8", "replace")) is None}
