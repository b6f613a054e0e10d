# ruff: noqa: E501, RUF001 - a row of the table is read as one line, and tools print such signs
r"""What two honest runs of the same command on the same inputs may print differently, taken out of a text.

Verification compares a stored result with a fresh one after this, so it must forget durations, clocks, temporary paths,
process numbers, addresses, seeds and ports, and nothing that anyone reads a report for: a count, a name, a message. So
there is no rule for "any number of seconds": each names the line of the tool it stands in. Order is kept; a rule's
`normalize` adds to the table, in the language of `settings/configuration`.

A row is (pattern, replacement), applied in order to the text without colours, `^` and `$` at lines; DUR is a duration.
The text may be a stranger's: a row takes time in proportion to it, whatever it says.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re

_UNIT = r"(?:ns|µs|μs|us|ms|s|secs?|seconds?|milliseconds?|m|mins?|minutes?|h|hours?)"
_DUR = rf"\d+(?:[.,]\d+)?[ ]?{_UNIT}\b(?:[ ,]{{0,2}}\d+(?:\.\d+)?[ ]?{_UNIT}\b){{0,4}}"
_CLOCK = r"\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
_COUNTS = r"(?:no tests (?:ran|collected)|(?:\d+/)?\d+ tests? collected|\d+ (?:passed|failed|errors?|skipped|deselected|xfailed|xpassed|warnings?|rerun|subtests passed))"
_MARKS = "✓✔✕✗×✖√○↓❯"

_COLOURS = (r"\x1b\[[\d;:]*m", "")
_DURATIONS = (
    # pytest: the rules on both sides give way to the duration
    (rf"^=* ?({_COUNTS}.*) in DUR(?: \(\d+:\d\d:\d\d\))? ?=*$", r"\1 in <duration>"),
    (r"^DUR (?:call|setup|teardown) +\S.*\n", ""),  # --durations: sorted by what we forget
    (r"^\(\d+ durations < DUR hidden\..*\)$", "<durations hidden>"),
    (r"^(Ran \d+ tests?(?: across \d+ files?\.)?) (?:in DUR|\[DUR\])", r"\1 in <duration>"),  # unittest, bun
    (r"^(Time:\s+)DUR(?:, estimated DUR)?$", r"\1<duration>"),  # jest, which shows a test's own time when it was slow
    # Jest, vitest, mocha, bun
    (rf"^(\s*(?:[{_MARKS}]|PASS|FAIL|ok|not ok|test)\s.*?)(?: \(DUR\)| \[DUR\]|(?<=\S)\s+DUR)$", r"\1"),
    (r"^(\s*Duration:?\s+)DUR(?: \(.*\))?$", r"\1<duration>"),  # vitest, dotnet
    (r"^(\s*Start at\s+)CLOCK$", r"\1<time>"),
    (r"^(\s*\d+ (?:passing|pending|failing)) \(DUR\)$", r"\1"),  # mocha
    (r"^((?:# |ℹ )?[ \t]*duration_ms:? )[\d.]+$", r"\1<duration>"),  # node
    (r"^(\s*--- (?:PASS|FAIL|SKIP): .*) \(DUR\)$", r"\1 (<duration>)"),  # go
    (r"^((?:ok|FAIL)\s+\S+\s+)(?:DUR|\(cached\))", r"\1<duration>"),
    # Cargo, and what it says of a build it had not made before
    (r"^(test result: .*; finished in )DUR$", r"\1<duration>"),
    (r"^(\s+Finished .* in )DUR$", r"\1<duration>"),
    (r"^\s+(?:Compiling|Checking|Downloading|Downloaded|Updating|Locking|Blocking|Fresh) .*\n", ""),
    (r"^(\s*(?:PASS|FAIL|SLOW|TRY \d+ \w+|Summary|SIGABRT|TIMEOUT) )\[ *(?:> *)?DUR\]", r"\1[<duration>]"),  # nextest
    (r"^(Finished in )DUR(?: \(files took DUR to load\))?(.*)$", r"\1<duration>\2"),  # rspec, minitest, oxlint
    (r"^Time: (?:[\d:.]+|DUR), Memory: [\d.]+ ?[KMG]?B$", "Time: <duration>, Memory: <size>"),  # phpunit
    (r"(Time elapsed: )DUR", r"\1<duration>"),  # maven
    (r"(Total time: +)(?:DUR|\d+:\d\d(?::\d\d)? (?:min|h))", r"\1<duration>"),
    (r"^(BUILD (?:SUCCESSFUL|FAILED) in )DUR$", r"\1<duration>"),  # gradle, and which tasks it found done
    (r"^\d+ actionable tasks?: .*$", "<tasks>"),
    (r"^(> Task \S+) (?:UP-TO-DATE|FROM-CACHE)$", r"\1"),
    (r"^(?:Starting a Gradle Daemon|Daemon will be stopped|Reusing configuration cache|Configuration cache entry).*\n", ""),
    (r"^(\s*\d+/\d+ Test +#\d+: \S+ \.+ *\*{0,3}[A-Z][\w ]*?(?<! )) +DUR$", r"\1 <duration>"),  # ctest
    (r"^(Total Test time \(real\) = +)DUR$", r"\1<duration>"),
    (r"^((?:✨  )?Done in )DUR(\.?)$", r"\1<duration>\2"),  # yarn, pnpm
    (r"^(Checked \d+ files? in )DUR", r"\1<duration>"),  # biome
    (r"^(Passed!|Failed!)( .*Duration: )(?:< )?DUR", r"\1\2<duration>"),  # dotnet
    (r"^((?:real|user|sys)\s+)(?:\d+m)?\d+[.,]\d+s?$", r"\1<duration>"),  # time
)  # fmt: skip

_CLOCKS = (
    (r"\b\d{4}-\d\d-\d\d[T ]CLOCK(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?", "<time>"),
    (r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? [A-Z][a-z]{2} [ \d]\d CLOCK(?: [A-Z]{3,4})? \d{4}\b", "<time>"),
    (r"^(\[?)CLOCK\b", r"\1<time>"),  # the start of a line of a log
)

_IDENTITIES = (
    (r"(?<![\w/])(?:/private)?/tmp/pytest-of-[^/\s]+/pytest-\d+", "<temporary>"),
    (r"(?<![\w/])(?:/private)?/var/folders/\w\w/\w+/T/[^/\s'\":,)\]]*", "<temporary>"),
    (r"(?<![\w/])(?:/private)?/(?:var/)?tmp/(?:tmp[\w.]{6,}|\.?tmp\.?\w{6,}|go-build\d+|[\w.-]*\d{6,}[\w.-]*)", "<temporary>"),
    (r"\b(at )0x[0-9a-fA-F]{6,16}\b", r"\1<address>"),
    (r"\b0xc[0-9a-f]{9}\b", "<address>"),  # go
    (r"^(goroutine )\d+( \[)", r"\1<number>\2"),
    (r"^(thread '.*' )\(\d+\)( panicked at )", r"\1(<number>)\2"),  # rust
    (r"(?<=\w)@[0-9a-f]{6,8}\b(?![.\w-])", "@<address>"),  # java
    (r"^==\d{2,7}==", "==<process>=="),  # sanitizers, valgrind
    (r"(?i)\b(pid[ =:]{1,3})\d{2,7}\b", r"\1<process>"),
    (r"\b((?:127\.0\.0\.1|localhost|0\.0\.0\.0|\[::1?\]):)(?:3[2-9]|[45]\d|6[0-5])\d{3}\b", r"\1<port>"),
    (r"((?:--randomly-seed=|Randomized with seed |Random [Ss]eed:\s+|-test\.shuffle |shuffle seed:? |Run options: --seed ))\d+", r"\1<seed>"),
)  # fmt: skip


def normalized(text: str, root: str, extra: tuple[str, ...] = ()) -> str:
    """The text two honest runs in `root` agree on; each match of a pattern in `extra` counts for nothing as well.

    Raises ConfigError for a pattern of `extra` that is none.
    """
    (colours, nothing), *others = rows()
    text = colours.sub(nothing, text)
    if len(root) > 1:
        text = text.replace(root, "<root>")  # before the others: it may itself be in a temporary folder
    for pattern, replacement in others:
        text = pattern.sub(replacement, text)
    if extra:
        from skillcache.settings.configuration import leveled

        text = leveled(text, extra)
    return text


def rows() -> "list[tuple[re.Pattern[str], str]]":
    """What is searched for and what is put there, in order."""
    import re  # verification only

    found = []
    for pattern, replacement in (_COLOURS, *_DURATIONS, *_CLOCKS, *_IDENTITIES):
        if pattern.startswith((r"^\s", r"^(\s")):  # within the line: over many empty ones that takes for ever
            pattern = pattern.replace(r"\s", r"[^\S\n]", 1)  # noqa: PLW2901 - the same pattern
        spelled = pattern.replace("DUR", f"(?:{_DUR})").replace("CLOCK", _CLOCK)
        found.append((re.compile(spelled, re.MULTILINE), replacement))
    return found
