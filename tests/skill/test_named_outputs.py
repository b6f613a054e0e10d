"""Outputs that a call names itself, by an option or an argument: `outputs: ["{-o,--output}"]`."""

from __future__ import annotations

import shutil
import stat

import pytest

from tests.events.test_forged_entries import forge
from tests.skill.conftest import Skills
from tests.skill.test_outputs import kept

# Writes the text of each argument, in capitals, to where it is told, whether by option or as the last argument.
SCRIPT = """\
import argparse, os
with open(os.environ["OBSERVER_COUNTER"], "a") as counter:
    counter.write("run\\n")
options = argparse.ArgumentParser()
options.add_argument("given", nargs="*")
options.add_argument("-o", "--output", action="append", default=[])
options.add_argument("-q", action="store_true")
options.add_argument("--style", default="plain")
told = options.parse_args()
to = told.output or told.given[1:]
for path in to:
    if os.environ.get("FOLDER"):
        os.makedirs(path, exist_ok=True)
        path += "/page.html"
    if path not in ("-", os.devnull) and not told.q:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        open(path, "w").write(told.style + ": " + open(told.given[0]).read().upper())
        os.chmod(path, 0o640)
print("done")
"""
BY_OPTION = '{ttl: 3600, outputs: ["{-o,--output}"]}'
BY_PLACE = '{ttl: 3600, outputs: ["{2}"]}'


@pytest.fixture
def place(skills: Skills) -> Skills:
    skills.declare(BY_OPTION)
    skills.script.write_text(SCRIPT)
    (skills.root / "in.txt").write_text("one\n")
    return skills


def declare(place: Skills, declared: str) -> None:
    place.declare(declared)
    place.script.write_text(SCRIPT)


@pytest.mark.table
@pytest.mark.parametrize(
    ("declared", "arguments", "path"),
    [
        (BY_OPTION, "in.txt -o out.txt", "out.txt"),
        (BY_OPTION, "-o out.txt in.txt", "out.txt"),
        (BY_OPTION, "in.txt -oout.txt", "out.txt"),
        (BY_OPTION, "in.txt --output out.txt", "out.txt"),
        (BY_OPTION, "in.txt --output=out.txt", "out.txt"),
        (BY_OPTION, "in.txt -o sub/deep/er/out.txt", "sub/deep/er/out.txt"),
        (BY_OPTION, "in.txt -o ./sub/../out.txt", "out.txt"),
        (BY_OPTION, 'in.txt -o "$PWD/out.txt"', "out.txt"),
        (BY_OPTION, "in.txt -o 'a b.txt'", "a b.txt"),
        ('{ttl: 3600, outputs: ["{--output}", "{-o}", "other/*.csv"]}', "in.txt -o out.txt", "out.txt"),
        ("{ttl: 3600, args_are_files: true, outputs: ['{ -o, --output }']}", "in.txt -o out.txt", "out.txt"),
        (BY_PLACE, "in.txt out.txt", "out.txt"),
        (BY_PLACE, "-- in.txt out.txt", "out.txt"),
        ('{ttl: 3600, outputs: ["{2}", "{--style}"]}', "in.txt out.txt", "out.txt"),
        ("{ttl: 3600, args_are_files: true, outputs: ['{2}']}", "in.txt out.txt", "out.txt"),
    ],
)
def test_a_file_is_put_back_where_the_call_says(place: Skills, declared: str, arguments: str, path: str) -> None:
    declare(place, declared)
    assert place.call(arguments) == ("done", False)
    written = place.root / path
    content = written.read_bytes()
    assert content == b"plain: ONE\n"
    assert place.call(arguments) == ("done", True), place.place.counted()
    written.unlink()
    assert place.call(arguments) == ("done", True)
    assert (written.read_bytes(), stat.S_IMODE(written.stat().st_mode)) == (content, 0o640)


def test_calls_that_name_another_share_nothing(place: Skills) -> None:
    assert [place.call(f"in.txt -o {name}")[1] for name in ("a.txt", "b.txt", "a.txt", "b.txt")] == [
        False, False, True, True,
    ]  # fmt: skip
    (place.root / "a.txt").unlink()
    (place.root / "b.txt").write_text("by hand\n")
    assert place.call("in.txt -o a.txt")[1] is True
    assert (place.root / "b.txt").read_text() == "by hand\n"
    assert place.call("in.txt --output a.txt")[1] is False


def test_without_the_option_there_is_no_such_output(place: Skills) -> None:
    (place.root / "out.txt").write_text("not of this call\n")
    assert [place.call("in.txt")[1] for _ in range(2)] == [False, True]
    assert [place.call(f"in.txt -o {word}")[1] for word in ("-", "-", "/dev/null", "/dev/null")] == [
        False, True, False, True,
    ]  # fmt: skip
    assert (place.root / "out.txt").read_text() == "not of this call\n"


def test_it_is_no_input_and_what_is_read_is(place: Skills) -> None:
    declare(place, '{ttl: 3600, depends: ["**"], outputs: ["{-o}"]}')
    (place.root / "app.py").write_text("changed\n")
    assert [place.call("in.txt -o app.py")[1] for _ in range(2)] == [False, True]
    (place.root / "notes.txt").write_text("changed\n")
    assert [place.call("in.txt -o app.py")[1] for _ in range(2)] == [False, True]
    (place.root / "in.txt").write_text("two\n")
    assert [place.call("in.txt -o app.py")[1] for _ in range(2)] == [False, True]
    assert (place.root / "app.py").read_text() == "plain: TWO\n"


@pytest.mark.parametrize("edit", ["text", "mode"])
def test_one_that_was_edited_since_is_not_written_over_but_by_a_run(place: Skills, edit: str) -> None:
    place.call("in.txt -o out.txt")
    if edit == "text":
        (place.root / "out.txt").write_text("by hand\n")
    else:
        (place.root / "out.txt").chmod(0o600)
    assert place.call("in.txt -o out.txt")[1] is False
    assert place.place.counted()[-2:] == ["unfit", "stored"]
    assert place.call("in.txt -o out.txt")[1] is True


@pytest.mark.table
@pytest.mark.parametrize(
    ("named", "outcome"),
    [
        ("{base}/elsewhere.txt", "outside"),
        ("../elsewhere.txt", "outside"),
        (".", "outside"),
        (".git/hooks/pre-commit", "uncapturable"),
        ("sub/.git", "uncapturable"),
        ("link/out.txt", "outside"),
        ("'a*.txt'", "uncapturable"),
        ("'{{a}}.txt'", "uncapturable"),
    ],
)
def test_what_may_not_be_written_is_refused(place: Skills, named: str, outcome: str) -> None:
    (place.place.base / "precious").mkdir()
    (place.root / "link").symlink_to(place.place.base / "precious")
    place.place.call(f"{place.line} -q in.txt -o {named.format(base=place.place.base)}")
    assert place.last() == outcome


def test_a_link_is_not_stored_and_never_written_through(place: Skills) -> None:
    place.call("in.txt -o out.txt")
    precious = place.place.base / "precious"
    precious.write_text("mine\n")
    (place.root / "out.txt").unlink()
    (place.root / "out.txt").symlink_to(precious)
    assert place.place.call(f"{place.line} -q in.txt -o out.txt")[1] is False
    place.call("in.txt -o out.txt")
    assert place.last() == "uncapturable"


@pytest.mark.parametrize("arguments", ["in.txt -o in.txt", "sub/data.txt -o sub", "in.txt --style=in.txt -o ./in.txt"])
def test_a_file_that_is_read_and_written_at_once_is_left_to_runs(place: Skills, arguments: str) -> None:
    place.place.call(f"{place.line} {arguments}")
    assert place.last() == "uncapturable"


def test_what_is_named_and_not_written_is_not_stored(place: Skills) -> None:
    for arguments, declared in (
        ("in.txt -q -o none.txt", BY_OPTION),
        ("in.txt -q -o notes.txt", BY_OPTION),
        ("in.txt", '{ttl: 3600, outputs: ["{1}"]}'),
        ("--style fancy in.txt", '{ttl: 3600, outputs: ["{1}"]}'),
        ("--style fancy in.txt out.txt", BY_PLACE),  # `fancy` is taken for the first
    ):
        declare(place, declared)
        for _ in range(2):
            assert place.call(arguments)[1] is False
            assert place.last() == "undeclared"
        assert (place.root / "notes.txt").read_text() == "one\n"


def test_an_option_s_value_is_told_from_an_argument_where_the_option_is_named(place: Skills) -> None:
    declare(place, '{ttl: 3600, outputs: ["{2}", "{-o}"]}')
    (place.root / "out.txt").write_text("input as well\n")
    place.call("-o a.txt in.txt out.txt")
    assert place.last() == "undeclared"  # the script writes where `-o` says alone
    declare(place, BY_OPTION)
    assert [place.call("-o a.txt in.txt out.txt")[1] for _ in range(2)] == [False, True]
    (place.root / "out.txt").write_text("changed\n")
    assert place.call("-o a.txt in.txt out.txt")[1] is False


def test_a_folder_holds_what_the_run_wrote_and_nothing_else(place: Skills) -> None:
    place.environ["FOLDER"] = "1"
    page = place.root / "site/page.html"
    assert [place.call("in.txt -o site/")[1] for _ in range(2)] == [False, True]
    shutil.rmtree(page.parent)
    assert place.call("in.txt -o site/")[1] is True
    assert page.read_text() == "plain: ONE\n"
    (page.parent / "theme.css").write_text("of somebody's\n")  # which the script may read
    assert place.call("in.txt -o site/")[1] is False
    assert place.place.counted()[-2:] == ["unfit", "undeclared"]
    (page.parent / "theme.css").unlink()
    assert [place.call("in.txt -o site/")[1] for _ in range(2)] == [False, True]


def test_every_file_that_is_named_is_kept(place: Skills) -> None:
    assert [place.call("in.txt -o a.txt --output=b.txt")[1] for _ in range(2)] == [False, True]
    for name in ("a.txt", "b.txt"):
        (place.root / name).unlink()
    assert place.call("in.txt -o a.txt --output=b.txt")[1] is True
    assert [(place.root / name).read_text() for name in ("a.txt", "b.txt")] == ["plain: ONE\n"] * 2


def test_another_worktree_is_given_it_too(place: Skills) -> None:
    (place.place.other_root / "in.txt").write_text("one\n")
    place.call("in.txt -o sub/out.txt")
    assert place.call("in.txt -o sub/out.txt", root=place.place.other_root)[1] is True
    assert (place.place.other_root / "sub/out.txt").read_text() == "plain: ONE\n"


def test_it_counts_from_where_the_script_runs(place: Skills) -> None:
    line = f"cd sub && {place.line} ../in.txt -o ../made/out.txt"
    assert [place.call(line=line)[1] for _ in range(2)] == [False, True]
    shutil.rmtree(place.root / "made")
    assert place.call(line=line)[1] is True
    assert (place.root / "made/out.txt").read_text() == "plain: ONE\n"


@pytest.mark.table
@pytest.mark.parametrize("path", ["app.py", "out.txt.x", "sub/out.txt", ".git/hooks/pre-commit"])
def test_a_forged_entry_writes_nothing_but_what_the_call_names(place: Skills, path: str) -> None:
    place.call("in.txt -o out.txt")
    (place.root / "out.txt").unlink()
    forge(place.place, {"files": kept((path, 0o644, b"forged"))})
    place.call("in.txt -o out.txt")
    assert not [file for file in place.root.rglob("*") if file.is_file() and file.read_bytes() == b"forged"]


def test_a_person_s_rule_may_say_it(place: Skills) -> None:
    declare(place, "{ttl: 3600}")
    place.call("in.txt -o out.txt")
    assert place.last() == "undeclared"
    place.place.settings('[[rules]]\nmatch = "Skill(report)"\noutputs = ["{-o}"]\n')
    assert [place.call("in.txt -o out.txt")[1] for _ in range(2)] == [False, True]


@pytest.mark.table
@pytest.mark.parametrize(
    "text", ["{}", "{-}", "{o}", "{0}", "{-out}", "{--o", "{-o},x", "{-o,1}", "{--a b}", "{a,b}.csv"]
)
def test_what_names_no_word_keeps_the_skill_out(place: Skills, text: str) -> None:
    declare(place, f'{{ttl: 3600, outputs: ["{text}"]}}')
    place.call("in.txt")
    assert place.last() == "uncapturable"
