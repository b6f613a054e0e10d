"""Each tool's table held against itself and the options of the real tool, as tests/data/options.jsonl has them."""

import itertools
import json
import tokenize
from collections.abc import Iterator
from pathlib import Path

import skillcache.rules
from skillcache.core.outcomes import Bypass
from skillcache.rules import tasks
from skillcache.rules.builtin import WORDS, Tool, examine, tool_of
from skillcache.rules.builtin.javascript import BUN_TEST
from skillcache.rules.judge import judge
from skillcache.rules.tasks import TABLE as RUNNERS
from skillcache.rules.words import _PLAIN as PLAIN
from skillcache.rules.words import LAUNCHERS

ROWS = {
    row["tool"]: {option: kind for kind in ("none", "value", "maybe", "unsaid") for option in row.get(kind, ())}
    for row in map(json.loads, (Path(__file__).parents[1] / "data" / "options.jsonl").read_text().splitlines())
}
BIOME = ("biome check", "biome lint", "biome format", "biome ci")
# Tables that hold what several rows print.
TOGETHER = {
    "go test": ("go test", "go build"),
    "go vet": ("go build",),
    "cargo clippy": ("cargo clippy", "cargo check"),
    "vue-tsc": ("tsc",),
    "py.test": ("pytest",),
    "basedpyright": ("basedpyright", "pyright"),
    "taplo lint": ("taplo check",),
    "taplo fmt": ("taplo format",),
    "cargo c": ("cargo check",),
    "cargo t": ("cargo test",),
    **dict.fromkeys(BIOME, BIOME),
}
# What a table holds and the help does not print: of other versions, of every subcommand, or hidden.
UNPRINTED = {
    name: words.split()
    for name, words in {
        "ruff check": "--extend-ignore --extend-unfixable --line-length",
        "mypy": "--local-partial-types --fast-module-lookup --lineprofile --timing-stats --line-checking-stats "
        "--no-cache --stats --strict-bytes",
        "unittest": "--durations",
        "pylint": "-o",
        "vitest": "--minWorkers",
        "jest": "--testPathPattern",
        "mocha": "--spec",
        "eslint": "--no-eslintrc --env --rulesdir --resolve-plugins-relative-to --ignore-path",
        "stylelint": "--cache --color",
        "standard": "--verbose -v",
        "shellcheck": "--rcfile",
        "node": "--experimental-transform-types --experimental-strip-types --experimental-test-snapshots "
        "--test-skip-pattern --test-coverage-include --test-coverage-exclude --max-old-space-size --stack-size "
        "--test-random-seed --test-rerun-failures",
        "deno test": "--quiet -q",
        "deno lint": "--quiet -q",
        "deno check": "--quiet -q",
        "deno fmt": "--quiet -q",
        "go test": "-fullpath -skip -C -pgo -exec -c -o",
        "go vet": "-json -c -C -pgo -exec -vettool -fix -diff -o",
        "cargo clippy": "--allow-dirty --allow-staged --allow-no-vcs",
        "ansible-lint": "--quiet",
        "pnpm": "--silent --no-bail --no-color --reporter-hide-prefix",
        "yarn": "-T --top-level",
        "uv run": "--dev --native-tls",
        "bun test": "--preload --env-file -c --config --cwd --hot",
    }.items()
}


def tools() -> Iterator[tuple[str, Tool]]:
    """Every table that reads options, by the words that lead to it."""
    for word in " ".join(WORDS.values()).split():
        tool = tool_of(word)
        assert tool is not None
        yield from _below(word, tool)
    yield "bun test", BUN_TEST


def _below(words: str, tool: Tool) -> Iterator[tuple[str, Tool]]:
    if tool.subcommands is None:
        yield words, tool
    for word, inner in (tool.subcommands or {}).items():
        yield from _below(f"{words} {word}", inner)


TOOLS = dict(tools())


def printed(name: str) -> dict[str, str]:
    return {option: kind for row in TOGETHER.get(name, (name,)) for option, kind in ROWS.get(row, {}).items()}


HELD = [name for name in TOOLS if printed(name)]


def taken(tool: Tool) -> dict[str, str]:
    """The options a table lets through, and whether it says that they take a value."""
    flags = {flag.partition("=")[0]: "unsaid" if "=" in flag else "none" for flag in tool.flags}
    return {**flags, **dict.fromkeys(tool.values, "value"), **dict.fromkeys(tool.maybe, "maybe")}


def folded(option: str) -> str:
    """`--testNamePattern`, `--test-name-pattern` and, where one dash is enough, `-testNamePattern` alike."""
    if len(option) == len("-x"):
        return option
    name = option.lstrip("-").replace("-", "").lower()
    for begin in ("no", "hide", "show"):
        name = name.removeprefix(begin)
    return name


def is_replayable(*words: str) -> bool:
    try:
        judge(tuple(words))
    except Bypass:
        return False
    return True


def is_refused(tool: Tool, *words: str) -> bool:
    try:
        examine(tool, (*tool.needs[:1], *words), 0)
    except Bypass:
        return True
    return False


def called(name: str) -> list[str]:
    """A call of the tool that is replayable, but for what is added."""
    words = name.split()
    if words[0] in ("unittest", "doctest"):
        words = ["python", "-m", *words]
    elif words[0] == "manage.py":
        words[0] = "./manage.py"
    return [*words, *[*TOOLS[name].needs, *TOOLS[name].only][:1]]


def test_a_table_names_options_of_the_real_tool() -> None:
    for name in HELD:
        tool, real = TOOLS[name], printed(name)
        known = {folded(option) for option in [*real, *UNPRINTED.get(name, ())]}
        held = [*taken(tool), *tool.writes, *tool.fresh, *tool.outside, *tool.needs]
        assert [option for option in held if folded(option.partition("=")[0]) not in known] == [], name


def test_a_table_knows_which_options_take_a_value() -> None:
    for name in HELD:
        real = printed(name)
        for option, kind in taken(TOOLS[name]).items():
            theirs = real.get(option, real.get("-" + option, "unsaid"))
            assert {kind, theirs} != {"none", "value"}, (name, option)


def test_what_a_table_does_not_let_through_runs() -> None:
    for name in HELD:
        call, through = called(name), taken(TOOLS[name])
        assert is_replayable(*call), name
        for option in printed(name):
            if option in (*through, "--help", "--version") or (TOOLS[name].dashed and option[1:] in through):
                continue
            assert not is_replayable(*call, option), (name, option)
            for added in ([option, "x"], [f"{option}=x"], ["x", option] if not TOOLS[name].only else [option]):
                assert is_refused(TOOLS[name], *added), (name, added)


def test_a_beginning_of_an_option_is_another_option() -> None:
    for name in HELD:
        through = taken(TOOLS[name])
        for option in printed(name):
            for end in range(len("--x"), len(option)) if option.startswith("--") else ():
                begin = option[:end]
                if begin not in (*through, "--help", "--version") and not (TOOLS[name].dashed and begin[1:] in through):
                    assert is_refused(TOOLS[name], begin), (name, begin)


def test_a_table_is_of_a_piece() -> None:
    for tool in TOOLS.values():
        let = {option: kind for option, kind in taken(tool).items() if kind != "unsaid"}
        refused = [*tool.writes, *tool.fresh, *tool.outside]
        assert all(option.startswith("-") for option in [*let, *refused])
        assert len(refused) == len(set(refused))
        assert not set(let).intersection(option for option in refused if option not in {**tool.values, **tool.maybe})
        assert len(tool.flags) + len(tool.values) + len(tool.maybe) == len({*tool.flags, *tool.values, *tool.maybe})
        assert {*tool.needs, *tool.only} <= {*tool.flags} | {f"{o}={v}" for o in tool.values for v in tool.values[o]}
        for option, allowed in {**tool.values, **tool.maybe}.items():
            assert len(allowed) == len(set(allowed)), option
            for value in allowed:
                others = [other for other in allowed if other.endswith("*") and other != value]
                assert "*" not in value[:-1], option
                assert not any(value.startswith(other[:-1]) for other in others), option


def test_every_row_of_a_table_lets_its_option_through() -> None:
    for tool in TOOLS.values():
        needs = (*tool.needs, *tool.only)[:1]
        for flag in tool.flags:
            examine(tool, (*needs, flag), 0)
        for option, allowed in {**tool.values, **tool.maybe}.items():
            for value in allowed or ("x",):
                examine(tool, (*needs, f"{option}={value}".replace("*", "x")), 0)


def other_tables() -> Iterator[tuple[str, str, list[str]]]:
    """Of programs that run tasks or commands, and of filters: the row, what is said of the value, and the options."""
    for name, runner in RUNNERS.items():
        yield name, "none", runner.flags
        yield name, "value", [*runner.values, *runner.moves, *runner.files]
        yield name, "maybe", runner.numbers
    for name, (flags, values, _) in PLAIN.items():
        yield name, "none", flags.split()
        yield name, "value", values.split()
    for name, (_, flags, values, moves) in LAUNCHERS.items():
        yield f"{name} run", "none", flags.removesuffix(" --").split()
        yield f"{name} run", "value", [*values.split(), *moves.split()]


def test_tables_of_other_programs_name_their_options() -> None:
    for name, kind, options in other_tables():
        real = ROWS.get(name, {})
        for option in options if real and name != "npm" else ():  # npm prints what is its subcommand's own
            assert option in real or option in UNPRINTED.get(name, ()), (name, option)
            assert {kind, real.get(option, "unsaid")} != {"none", "value"}, (name, option)


def test_the_words_of_tasks_are_in_one_list_each() -> None:
    through = [*tasks.NAMED, *tasks._HOW, *tasks._WHERE]
    assert len(through) == len(set(through))
    assert not set(through) & (tasks._WRITES | tasks._LIVE)


def test_no_strings_of_a_table_are_glued_together() -> None:
    glue = (tokenize.NL, tokenize.COMMENT)
    for path in Path(skillcache.rules.__file__).parent.rglob("*.py"):
        with path.open() as file:
            kinds = [token for token in tokenize.generate_tokens(file.readline) if token.type not in glue]
        for one, other in itertools.pairwise(kinds):
            assert not one.type == other.type == tokenize.STRING, f"{path}:{other.start[0]}"
