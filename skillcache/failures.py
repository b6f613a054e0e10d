"""Whether the text of a run that ended with status 0 shows a failure all the same, as behind `| tail`.

A pipe hides a status, and 23 % of piped test lines that failed ended with 0. In doubt the answer is yes: such a
result is then run again.
"""

import re

# Counts first ("3 failed", "2 errors", "Failures: 1"), then the words a failing tool begins a line with.
_SIGNS = re.compile(
    r"""
      \b(?!0\b)\d+\s+(?:tests?\s+|specs?\s+|examples?\s+|suites?\s+)?(?:failed|failing|failures?|errors?|errored|problems?|broken)\b
    | \b(?:failed|failures|failing|errors|problems|tests\s+failed)\s*[:=]\s*(?!0\b)\d+
    | ^[^\S\n]*\[?(?:FAILED|FAIL|ERROR|FATAL|fatal:|Failed|FAILURES?)\b(?!\s*(?:[:=]\s*)?0\b)
    | ^Traceback\ \(most\ recent\ call\ last\)
    | ^[^\S\n]*error(?:\[[A-Z]\d+\])?:
    | :\s(?:fatal\s)?error(?:\s[A-Z]+\d+)?:\s
    | \berror\ TS\d+
    | ^[^\S\n]*(?:[\u2717\u2715\u2716\u00d7\u274c]|not\ ok\b)
    | \bBUILD\ FAIL
    | \b(?:panicked\ at|Segmentation\ fault|Killed|Aborted|command\ not\ found|No\ such\ file\ or\ directory)\b
    | ^[^\S\n]*npm\ (?:ERR!|error)
    | ^make(?:\[\d+\])?:\ \*\*\*
    | ^E\s{2,}\S
    | \bwould\ (?:be\ )?reformat
    | \b(?i:exit)(?:\ ?(?i:code|status)|ed)?(?:\ with)?\ ?[:=]?\ ?(?!0\b)\d+
    """,
    re.MULTILINE | re.VERBOSE,
)


def shows_failure(text: str) -> bool:
    return _SIGNS.search(text) is not None
