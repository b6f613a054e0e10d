"""What is read of a SKILL.md, held against a YAML library: whatever is accepted, it reads as the same value."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from skillcache.rules.skills.frontmatter import read
from skillcache.rules.skills.yaml import NotUnderstood

PLAIN = """\
---
name: report
description: Writes a report. Use when somebody asks for a "report", or a summary.
allowed-tools:
- Bash
- Read
metadata:
  author: somebody # of whom nothing else is known
  skillcache:
    ttl: 3600
    depends:
      - data/**
      - ~/.config/report.toml
    args_are_files: true
    version: 1.2
    env: [LANG, "REPORT STYLE"]
    outputs: ['report.pdf',
              "out/*.csv", # the tables
             ]
---
# Reports
metadata: {skillcache: {ttl: 5}}
"""


def test_a_block_and_a_flow_mapping_are_read() -> None:
    assert read(PLAIN) == {
        "name": "report",
        "metadata": {
            "skillcache": {
                "ttl": 3600,
                "depends": ["data/**", "~/.config/report.toml"],
                "args_are_files": True,
                "version": 1.2,
                "env": ["LANG", "REPORT STYLE"],
                "outputs": ["report.pdf", "out/*.csv"],
            },
        },
    }
    assert read("---\nmetadata: {skillcache: {ttl: 60, depends: [a, b]}}\n---\n") == {
        "metadata": {"skillcache": {"ttl": 60, "depends": ["a", "b"]}}
    }


@pytest.mark.parametrize("text", ["", "# no frontmatter\n", "----\nname: x\n---\n", " ---\nname: x\n---\n"])
def test_a_text_without_frontmatter_says_nothing(text: str) -> None:
    assert read(text) == {}


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("metadata:\n  skillcache: {ttl: yes}", 3),
        ("metadata:\n  skillcache: {ttl: 0x10}", 3),
        ("metadata:\n  skillcache: {ttl: 1:30}", 3),
        ("metadata:\n  skillcache: {ttl: 1_000}", 3),
        ("metadata:\n  skillcache: {ttl: 010}", 3),
        ("metadata:\n  skillcache: {since: 2024-01-01}", 3),
        ("metadata:\n  skillcache: {ttl:60}", 3),
        ("metadata:\n  skillcache: {ttl: 60, ttl: 70}", 3),
        ("metadata:\n  skillcache: {ttl: 60", 4),
        ("metadata:\n  skillcache: {outputs: [*.csv]}", 3),
        ("metadata:\n  skillcache: {outputs: [data/?.csv]}", 3),
        ("metadata:\n  skillcache: &anchor {ttl: 60}", 3),
        ("metadata:\n  skillcache: !!map {ttl: 60}", 3),
        ("metadata:\n  skillcache: |\n    ttl: 60", 3),
        ("metadata:\n  skillcache:\n    ttl: 60\n   depends: a", 5),
        ("metadata:\n  skillcache:\n    ttl: 60\n      70", 5),
        ("metadata:\n  skillcache:\n\tttl: 60", 4),
        ("metadata:\n  skillcache:\n    depends: 'a\n      b'", 4),
        ("metadata:\n  skillcache:\n    depends:\n      - a: b", 5),
        ("metadata:\n  skillcache:", 4),
        ("name: null", 2),
        ("name: a\nname: b", 3),
        ("name: *x", 2),
        ('description: "one\nmetadata: {skillcache: {ttl: 5}}\ntwo"', 2),
        ('other:\n  a: "one\nmetadata: {skillcache: {ttl: 5}}\ntwo"', 3),
        ('other:\n  - a: |\n    b: "one\nmetadata: {skillcache: {ttl: 5}}\ntwo"', 4),
        ("description: {a: [b\nmetadata: c}", 2),
        ("? name\n: x", 2),
        ("...\nname: x", 2),
        ("--- # more\nname: x", 2),
        ("name: caf\u00e9\u2028x", 2),
    ],
)
def test_what_is_not_surely_understood_is_refused_by_its_line(body: str, line: int) -> None:
    with pytest.raises(NotUnderstood, match=f"^line {line}: ."):
        read(f"---\n{body}\n---\n")


def test_a_frontmatter_without_an_end_is_refused() -> None:
    with pytest.raises(NotUnderstood, match="no end"):
        read("---\nname: x\n")


@pytest.mark.parametrize(
    "other",
    [
        "description: Writes: colons, which YAML forbids and people use",
        "description: >-\n  folded: \"text\n  'and more\n\n    deeper",
        "description: |\n\n  ---\n  metadata: {skillcache: {ttl: 5}}",
        'description: goes on\n  in "the next line\n  metadata: no\nlicense: MIT',
        "hooks:\n  PreToolUse:\n    - matcher: \"Bash\"\n      hooks:\n        - type: command\n          x: 'echo'",
        'hooks:\n  - command: |\n      echo "x\n      metadata: {}\n    other: 1',
        'argument-hint: "[file] \\u00e9 \\x41" # hint',
        "allowed-tools: [Bash, 'Read', {a: 1}]",
        "empty:\n# a comment\n\n  # another",
        "list:\n- a\n-\n- 'b'",
    ],
)
def test_values_of_other_keys_are_stepped_over(other: str) -> None:
    wanted = {"name": "x", "metadata": {"skillcache": {"ttl": 7}}}
    for text in (
        f"name: x\n{other}\nmetadata: {{skillcache: {{ttl: 7}}}}",
        f"metadata: {wanted['metadata']}\n{other}\nname: x".replace("'", '"'),
    ):
        assert read(f"---\n{text}\n---\nbody") == wanted


# Held against the library.


def theirs(text: str) -> dict[str, Any]:
    """The same two keys, as the library reads them; raises yaml.YAMLError and ValueError."""
    inside = text.partition("---\n")[2].partition("\n---")[0]
    loaded = yaml.safe_load(inside) or {}
    assert isinstance(loaded, dict)
    found = {key: loaded[key] for key in ("name", "metadata") if key in loaded}
    if "metadata" in found:
        metadata = found["metadata"]
        has = isinstance(metadata, dict) and "skillcache" in metadata
        found["metadata"] = {"skillcache": metadata["skillcache"]} if has else {}
    return found


OURS = re.compile(r"""\s*(skillcache|'skillcache'|"skillcache") *:(\s|$)""")


def alone(text: str) -> str:
    """The text with what is read only: of other keys' values a mistake is none of ours."""
    kept: list[str] = []
    keep, inner = False, -1
    for line in text.partition("---\n")[2].partition("\n---")[0].split("\n"):
        indent = len(line) - len(line.lstrip(" "))
        if line and line[0] not in " #-":
            keep = bool(re.match("(name|metadata) *:([ \t]|$)", line))
            inner = 0 if keep and re.match("metadata *:[ \t]*(#.*)?$", line) else -1
        elif inner == 0 and line.strip() and line.lstrip()[0] != "#":
            inner = indent
        if inner > 0 and indent == inner and line.strip() and line.lstrip()[0] != "#":
            keep = bool(OURS.match(line))
        if keep:
            kept.append(line)
        keep = keep and inner != 0
    if kept and kept[-1].startswith("metadata:") and inner > 0:
        kept[-1] = "metadata: {}"
    return "---\n" + "\n".join(kept) + "\n---\n"


def check(text: str) -> bool:
    try:
        ours = read(text)
    except NotUnderstood:
        return False
    try:
        found = theirs(text)
    except (yaml.YAMLError, ValueError, AssertionError):
        if not ours.get("metadata"):
            return True  # of one that says nothing of us all is another's
        try:
            found = theirs(alone(text))
        except (yaml.YAMLError, ValueError, AssertionError):
            # Of metadata in braces nobody can take out the other keys.
            if "metadata: {" in text:
                return True
            raise
    assert ours == found, text
    assert repr(ours) == repr({key: found[key] for key in ours}), text  # 1, 1.0 and True are equal
    return True


SCALARS = st.one_of(
    st.sampled_from(
        """60 0 007 1.5 1.10 0.5 1.2.3 -1 +1 1e3 .5 0x1F 0o7 0b1 1_0 1:30 true false True yes no on Off y null ~
        ~/x ./x ../x .config .inf .NaN /etc/hosts data/** *.csv **/*.csv a?b a:b a: b #c a#b "q" 'q' "a\\nb"
        "a\\qb" 'it''s' "un 'un - -a --- ... & ! % @ ` | > [] {} [a] {a} = << 2024-01-01 café x,y [a,b] {k: v} a]
        }b "k": ? ?x""".split()  # noqa: SIM905
    ),
    st.text("ab1.-_/*#: '\"\\,[]{}~é", max_size=7),
)
KEYS = st.sampled_from(["ttl", "depends", "env", "a-b", "no", "null", "a b", "'q'", '"q"', "x1", "1x"])


@st.composite
def flows(draw: st.DrawFn, depth: int = 2) -> str:
    if not depth or draw(st.booleans()):
        return draw(SCALARS)
    space = st.sampled_from(["", " ", "  ", "\n    ", " # c\n      ", "\n", " "])
    items = [draw(flows(depth - 1)) for _ in range(draw(st.integers(0, 3)))]
    opened, closed = "[]"
    if draw(st.booleans()):
        opened, closed = "{}"
        items = [draw(KEYS) + draw(st.sampled_from([": ", ":", ":  "])) + item for item in items]
    joined = ",".join(draw(space) + item + draw(space) for item in items)
    return opened + joined + draw(st.sampled_from(["", ",", " "])) + closed


@st.composite
def blocks(draw: st.DrawFn, indent: int = 0, depth: int = 3) -> list[str]:
    lines = []
    names = ["name", "metadata", "description", "hooks"] if not indent else ["skillcache", "author", "ttl", "depends"]
    for name in draw(st.lists(st.sampled_from(names), max_size=3, unique=draw(st.integers(0, 9)) > 0)):
        pad = " " * (indent + draw(st.sampled_from([0] * 20 + [1])))
        kind = draw(st.integers(0, 5 if depth else 2))
        tail = draw(st.sampled_from(["", "", "", " # c", "  ", "#c"]))
        if kind <= 1:
            lines.append(f"{pad}{name}: {draw(SCALARS)}{tail}")
        elif kind == 2:
            lines.append(f"{pad}{name}: {draw(flows())}{tail}")
        elif kind == 3:
            lines.append(f"{pad}{name}:{tail}")
            deeper = " " * (indent + draw(st.sampled_from([2, 2, 2, 0, 1, 4])))
            lines += [f"{deeper}- {draw(flows(1))}" for _ in range(draw(st.integers(0, 3)))]
        elif kind == 4:
            lines.append(f"{pad}{name}: {draw(st.sampled_from('|>'))}{tail}")
            lines += [" " * draw(st.integers(0, 4)) + draw(SCALARS) for _ in range(draw(st.integers(0, 2)))]
        else:
            lines.append(f"{pad}{name}:{tail}")
            lines += draw(blocks(indent + draw(st.sampled_from([2, 2, 2, 4, 1])), depth - 1))
        if draw(st.integers(0, 9)) == 0:
            lines.append(draw(st.sampled_from(["", "  ", "# c", "   # c", "      x", "  - y", "- z"])))
    return lines


@given(blocks())
@settings(max_examples=400)
def test_whatever_is_accepted_the_library_reads_as_the_same(lines: list[str]) -> None:
    check("---\n" + "\n".join(lines) + "\n---\n")


@given(st.text("am:etada n\n -#\"'[]{},|>x1", max_size=40))
@settings(max_examples=300)
def test_so_it_is_with_any_text(text: str) -> None:
    check(f"---\nname: x\nother: {text}\nmetadata: {{a: 1}}\n---\n")


PRINTABLE = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=8)
VALUES = st.one_of(PRINTABLE, st.booleans(), st.integers(0, 10**9), st.floats(0, 1e6).map(lambda x: round(x, 3)))


@given(
    st.dictionaries(st.sampled_from(["ttl", "env", "outputs"]), VALUES | st.lists(PRINTABLE, max_size=3)), st.booleans()
)
@settings(max_examples=150)
def test_what_the_library_writes_is_read_or_refused(declared: dict[str, object], flow: bool) -> None:
    written = yaml.safe_dump({"metadata": {"skillcache": declared}}, default_flow_style=flow, allow_unicode=True)
    check(f"---\n{written}---\n")


def test_most_of_what_the_library_writes_is_read() -> None:
    declared = {"ttl": 60, "depends": ["a/**", "b c"], "args_are_files": True, "version": "1.0", "outputs": ["*.csv"]}
    for flow in (True, False):
        written = yaml.safe_dump({"name": "x", "metadata": {"skillcache": declared}}, default_flow_style=flow)
        assert check(f"---\n{written}---\n") is not flow


OTHERS = [
    "author: somebody",
    "version: 4.x",
    "version: 1.0.0-beta.2",
    "date: 2024-01-01",
    "at: 2024-01-01T10:00:00Z",
    "none: null",
    "tilde: ~",
    "empty:",
    "on: yes",
    "'quoted key': 1",
    '"also": [a, b]',
    "allowed tools: Bash(git:*), Read",
    "url: https://x.y/z?a=b#c",
    "text: |\n  skillcache: {ttl: 9}\n  more: 'x",
    'folded: >-\n  one\n\n  "two',
    'two: "one\n  two: three"',
    "single: 'it''s\n\n  two'",
    'json: {"a":1,"b":[true,null,"x, y"]}',
    'lines: {a: 2024-01-01,\n  "b": 4.x,\n  c: [d, {e: "f}"}]}',
    "list:\n- name: a\n  ttl: 4.x\n- name: b",
    "nested:\n  deep:\n    - - a\n      - b\n    - key: 'x'\n      other:\n        - |\n          text",
    "tabbed: a\tb",
    "trailing: x\t",
    'plain: goes on\n  "and on\n  skillcache: not',
    "anchor: &a [1, 2]",
    "kind: !!str 1",
    "@odd: x",
    "emoji: 😀",
    "colons: a: b",
    "dash: - x",
    "percent: 100%",
    "3d: view",
    "# a comment",
    "\\: x",
    "a.b/c: d",
]


MISTAKES = [*"'\"{}[]|#,\n\t x:-", "", "  ", ": ", "- ", " #", "\n  ", "\n\n"]


def deeper(text: str, by: int) -> str:
    return "\n".join(" " * by + line if line else line for line in text.split("\n"))


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("first", [True, False])
def test_whatever_else_people_write_is_stepped_over(other: str, *, first: bool) -> None:
    ours = "skillcache:\n  ttl: 7\n  depends:\n  - a"
    wanted = {"name": "3d-x", "metadata": {"skillcache": {"ttl": 7, "depends": ["a"]}}}
    inside = deeper("\n".join((other, ours) if first else (ours, other)), 2)
    for text in (f"name: 3d-x\nmetadata:\n{inside}", f"{other}\nmetadata:\n{inside}\nname: 3d-x"):
        assert read(f"---\n{text}\n---\n") == wanted
        check(f"---\n{text}\n---\n")


@pytest.mark.parametrize(
    "flow",
    [
        '{"author": "x", "version":"4.x", "skillcache": {"ttl":7,"depends":["a"]}}',
        "{date: 2024-01-01, skillcache: {ttl: 7, depends: [a]}, list: [{a: 1}, [b]], none: }",
        '{\n  "tags": ["a", "b"],\n  "skillcache": {\n    "ttl": 7,\n    "depends": ["a"]\n  }, "x": "{ttl: 8}"\n  }',
        '{version: 4.x, url: http://a/b, text: "a\n  b, skillcache: {ttl: 8}", skillcache: {ttl: 7, depends: [a]}}',
    ],
)
def test_so_it_is_in_braces(flow: str) -> None:
    text = f"---\nmetadata: {flow}\nname: 2fa\n---\n"
    assert read(text) == {"name": "2fa", "metadata": {"skillcache": {"ttl": 7, "depends": ["a"]}}}
    assert check(text)


@pytest.mark.parametrize(
    "metadata",
    ["null", "~", "", "text", "[a, b]", "\n  - a\n  - b: c", "\n- a", "|\n  skillcache: {ttl: 7}", "'x\n  y'"],
)
def test_metadata_that_is_no_mapping_says_nothing(metadata: str) -> None:
    assert read(f"---\nname: x\nmetadata: {metadata}\n---\n") == {"name": "x", "metadata": {}}


@pytest.mark.parametrize(
    "body",
    [
        "metadata:\n  <<: {skillcache: {ttl: 7}}",
        "metadata: {<<: {skillcache: {ttl: 7}}}",
        "metadata: &a {skillcache: {ttl: 7}}",
        "metadata: !!map {skillcache: {ttl: 7}}",
        "metadata: *a",
        "metadata:\n  ? skillcache\n  : {ttl: 7}",
        "metadata:\n  &a skillcache: {ttl: 7}",
        'metadata:\n  "skill\\u0063ache": {ttl: 7}',
        'metadata:\n  other: "one\n  skillcache: {ttl: 7}\n  two"',
        "metadata:\n  other: {a: [b,\n  skillcache: {ttl: 7}\n  ]}",
        "metadata:\n  skillcache: {ttl: 7}\n  skillcache: {ttl: 8}",
        "metadata:\n  skillcache:\n    ttl:\t7",
        "name: x\n- a: b\nmetadata:\n  skillcache: {ttl: 7}",
        "- a: b\nmetadata:\n  skillcache: {ttl: 7}",
        "metadata:\n  a: b\n  skillcache: {ttl: 7}\n- a: b",
        "name: 0x1f",
        "name: 1e5",
        "name: 2024-01-01",
        "name: 1_000",
    ],
)
def test_what_may_mean_us_in_another_way_is_refused(body: str) -> None:
    with pytest.raises(NotUnderstood):
        read(f"---\n{body}\n---\n")


@given(
    st.lists(st.sampled_from(OTHERS), max_size=4),
    st.lists(st.sampled_from(OTHERS), max_size=4),
    st.sampled_from(["{ttl: 60, depends: [a, 'b c']}", "\n  ttl: 60\n  depends:\n  - a"]),
    st.lists(st.tuples(st.integers(0, 400), st.sampled_from(MISTAKES), st.integers(0, 3)), max_size=4),
)
@settings(max_examples=600)
def test_a_mistake_anywhere_is_read_as_the_library_does_or_refused(
    before: list[str], inside: list[str], declared: str, mistakes: list[tuple[int, str, int]]
) -> None:
    block = deeper("\n".join([*inside[:2], f"skillcache: {declared}", *inside[2:]]), 2)
    text = "\n".join(["name: x-y", *before, "metadata:", block, "license: MIT"])
    for at, what, gone in mistakes:
        start = at % len(text)
        text = text[:start] + what + text[start + gone :]
    check(f"---\n{text}\n---\n")
