"""Credentials of every known format are found and redacted; what tools print every day is left alone."""

import json
import os
import random
import string
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillcache.core.credentials import find

_ALPHABETS = {
    "A": string.ascii_letters + string.digits,
    "B": string.ascii_letters + string.digits + "+/",
    "U": string.ascii_uppercase + string.digits,
    "H": "0123456789abcdef",
    "D": string.digits,
}
_FIRST = {"A": "7", "B": "7B", "U": "7B", "H": "1a", "D": "7"}


def build(template: str) -> str:
    """The text of a corpus row: `{A36}` is 36 letters and digits, `{B..}` base64, `{U..}` capitals, `{H..}`, `{D..}`.

    `{}` is nothing: it splits what a scanner of this repository would report.
    """
    source = random.Random(template)  # the same row gives the same text
    parts = template.replace("{}", "").split("{")
    text = parts[0]
    for part in parts[1:]:
        spec, closed, rest = part.partition("}")
        if closed and spec[:1] in _ALPHABETS and spec[1:].isdigit():
            size = int(spec[1:])
            drawn = "".join(source.choice(_ALPHABETS[spec[0]]) for _ in range(size))
            text += (_FIRST[spec[0]] + drawn)[:size] + rest
        else:
            text += "{" + part
    return text


CORPUS = [
    json.loads(line) for line in (Path(__file__).parent.parent / "data/secrets.jsonl").read_text("utf-8").splitlines()
]
TRUE = [(row["kind"], build(row["text"])) for row in CORPUS if row["kind"]]
FALSE = [build(row["text"]) for row in CORPUS if not row["kind"]]
# Each takes a whole line, or several.
OF_LINES = ("pgpass-password", "aws-secret-key", "private-key")
SURROUNDINGS = ["line before\n{}\nline after", "{}", "  {}  ", "\u00e9 {} \u00e9"]


def surrounded(kind: str, text: str) -> list[str]:
    return [each.replace("{}", text) for each in SURROUNDINGS[: 3 if kind in OF_LINES else 4]]


def test_every_format_is_found_by_its_kind() -> None:
    kinds = {text: {name for _, _, name in find._spans(text.encode())} for _, text in TRUE}
    missed = [(kind, text, kinds[text]) for kind, text in TRUE if kind not in kinds[text]]
    assert len(TRUE) >= 400
    assert missed == []


def test_a_credential_is_found_and_redacted_in_any_surroundings() -> None:
    for kind, text in TRUE:
        for shown in surrounded(kind, text):
            assert find.find(shown) is not None, shown
            redacted = find.redact(shown)
            assert find.find(redacted) is None, redacted


@pytest.mark.table
@pytest.mark.parametrize("before", ["line before\n", "a\r\n\t", "\n\u00e9 ", "a\n\x1b[1;32m"])
def test_a_credential_is_found_and_redacted_behind_an_escape(before: str) -> None:
    for kind, text in TRUE:
        if "é" in before and kind in OF_LINES:
            continue
        once = json.dumps({"text": f"{before}{text}\nline after"})
        for shown in (once, json.dumps(once)):
            assert find.find(shown) is not None, shown
            assert find.find(find.redact(shown)) is None, find.redact(shown)


def test_a_word_for_a_password_is_found_behind_an_escape() -> None:
    assert find.find(json.dumps("port: 1\nDB_PASSWORD=correcthorse\n")) is not None


def test_a_credential_is_found_in_any_json() -> None:
    for kind, text in TRUE:
        for shown in surrounded(kind, text)[:2]:
            for value in (shown, {"text": shown}, [{"type": "text", "text": f"\n{shown}\n"}], {"a": [{shown: 1}]}):
                if isinstance(value, dict) and kind in OF_LINES:
                    continue
                assert find.find(find.spelled(value)) is not None, value


def test_a_credential_is_found_by_the_name_it_has_in_json() -> None:
    found = [
        find.find(find.spelled(value))
        for value in (
            {"password": "hun" + "ter2-9f"},
            [{"a": {"api_token": "a1b2" * 6}}],
            {"password": ["hun" + "ter2"]},
        )
    ]

    assert found == ["password-assignment", "token-assignment", "password-assignment"]


def test_what_only_resembles_a_credential_is_left_alone() -> None:
    for text in FALSE:
        assert find.find(text) is None, text
        assert find.redact(text) == text
        assert find.find(f"$ run\n{text}\n\x1b[32mdone\x1b[0m\n") is None, text
        assert find.find(find.spelled([{"type": "text", "text": f"line before\n{text}\nline after"}])) is None
        assert find.find(find.spelled({"text": text, "ok": True, "count": 12.5, "none": None})) is None, text
    assert find.find("\n".join(FALSE)) is None


def test_every_credential_of_a_text_is_redacted_and_the_rest_kept() -> None:
    texts = [text for _kind, text in TRUE if "\n" not in text and "BEGIN" not in text and "PuTTY" not in text]
    redacted = find.redact("start\n" + "\nbetween\n".join(texts) + "\nend")
    assert redacted.startswith("start\n")
    assert redacted.endswith("\nend")
    assert redacted.count("\nbetween\n") == len(texts) - 1
    assert find.find(redacted) is None


def test_what_a_passing_run_prints_is_shown_to_be_clean_without_an_expression() -> None:
    text = """==== test session starts ====\nplatform linux -- Python 3.11.7, pytest-8.3.3, pluggy-1.5.0
rootdir: /home/me/project\ncollected 3 items\n\ntests/test_auth.py ...   [100%]\n\n==== 3 passed in 0.01s ====\n"""
    package = str(Path(find.__file__).parents[3])
    code = f"import sys; sys.path.append({package!r}); from skillcache.core.credentials import find"
    code += f"; assert find.find({text!r}) is None; print('re' in sys.modules)"
    told = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"


def test_a_key_beneath_the_end_of_another_is_not_taken_for_its_last_line() -> None:
    lines = "".join(chr(97 + at * 7 % 26) + chr(65 + at * 5 % 26) + str(at % 10) for at in range(120))
    body = f"{lines[:70]}\n{lines[70:140]}\n{lines[140:189]}"
    assert find.redact(f"{body}\n{lines[200:240]}\n") == "[redacted:private-key]\n[redacted:aws-secret-key]\n"
    assert find.redact(f"{body[:-9]}\nthe end\n") == "[redacted:private-key]\nthe end\n"


def test_a_long_value_is_redacted_to_its_end() -> None:
    value = "a1B2" * 5000
    assert value[-8:] not in find.redact(f"API_TOKEN={value}\nnext")
    assert find.redact(f"API_TOKEN={value}\nnext").endswith("\nnext")


@given(st.lists(st.sampled_from([build(row["text"]) for row in CORPUS]) | st.text(max_size=20), max_size=4))
def test_redacting_twice_changes_nothing(parts: list[str]) -> None:
    once = find.redact("\n".join(parts))
    assert find.redact(once) == once


@given(st.text())
def test_any_text_is_taken(text: str) -> None:
    assert (find.find(text) is None) == (find.redact(text) == text)


def test_what_a_clean_report_shows_needs_no_regular_expression() -> None:
    report = "tests/test_path.py ..... [100%]\n\x20 keyword, patch\n=== 5 passed in 0.1s ===\n"
    code = f"import sys; sys.path.append({os.getcwd()!r}); from skillcache.core.credentials import find"
    code += f"; print(find.find({report!r}), 're' in sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "None False\n"
