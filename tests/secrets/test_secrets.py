import json
import random
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillcache import secrets

_ALPHABETS = {
    "A": string.ascii_letters + string.digits,
    "U": string.ascii_uppercase + string.digits,
    "H": "0123456789abcdef",
    "D": string.digits,
}


def build(template: str) -> str:
    """The text of a corpus row: `{A36}` is 36 letters and digits, `{U..}` capitals, `{H..}` hex, `{D..}` digits.

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
            text += (("1a" if spec[0] == "H" else "7B" if spec[0] == "U" else "7") + drawn)[:size] + rest
        else:
            text += "{" + part
    return text


CORPUS = [
    json.loads(line) for line in (Path(__file__).parent.parent / "data/secrets.jsonl").read_text("utf-8").splitlines()
]
TRUE = [(row["kind"], row["text"]) for row in CORPUS if row["kind"]]
BY_LOOK = [text for kind, text in TRUE if not kind.endswith(("-assignment", "authorization"))]
FALSE = [row["text"] for row in CORPUS if not row["kind"]]
SURROUNDINGS = ["{}", "line before\n{}\nline after", "  {}  ", "é {} é"]


@pytest.mark.parametrize(("kind", "template"), TRUE)
def test_a_credential_is_found_and_redacted_in_any_surroundings(kind: str, template: str) -> None:
    for surroundings in SURROUNDINGS:
        text = surroundings.replace("{}", build(template))
        assert secrets.find(text) is not None, text
        redacted = secrets.redact(text)
        assert f"[redacted:{kind}]" in redacted or "[redacted:" in redacted
        assert secrets.find(redacted) is None, redacted


@pytest.mark.parametrize(
    "template", [text for kind, text in TRUE if not kind.endswith(("-assignment", "authorization"))]
)
@pytest.mark.parametrize("before", ["line before\n", "a\r\n\t", "\u00e9"])
def test_a_credential_is_found_and_redacted_behind_an_escape(template: str, before: str) -> None:
    once = json.dumps({"text": f"{before}{build(template)}\nline after"})
    for text in (once, json.dumps(once)):
        assert secrets.find(text) is not None, text
        assert secrets.find(secrets.redact(text)) is None, secrets.redact(text)


def test_a_word_for_a_password_is_found_behind_an_escape() -> None:
    assert secrets.find(json.dumps("port: 1\nDB_PASSWORD=correcthorse\n")) is not None


@pytest.mark.parametrize("template", [text for _kind, text in TRUE])
def test_a_credential_is_found_in_any_json(template: str) -> None:
    for surroundings in SURROUNDINGS:
        text = surroundings.replace("{}", build(template))
        for value in (text, {"text": text}, [{"type": "text", "text": text}], {"a": [{text: 1}]}):
            assert secrets.find(secrets.spelled(value)) is not None, value


def test_a_credential_is_found_by_the_name_it_has_in_json() -> None:
    found = [
        secrets.find(secrets.spelled(value))
        for value in (
            {"password": "hun" + "ter2-9f"},
            [{"a": {"api_token": "a1b2" * 6}}],
            {"password": ["hun" + "ter2"]},
        )
    ]

    assert found == ["password-assignment", "token-assignment", "password-assignment"]


@pytest.mark.parametrize("text", FALSE)
def test_what_only_resembles_a_credential_is_left_alone_in_json(text: str) -> None:
    assert secrets.find(secrets.spelled([{"type": "text", "text": f"line before\n{text}\nline after"}])) is None
    assert secrets.find(secrets.spelled({"text": text, "ok": True, "count": 12.5, "none": None})) is None


@pytest.mark.parametrize(("kind", "template"), TRUE)
def test_a_credential_is_found_by_its_kind(kind: str, template: str) -> None:
    text = build(template)
    kinds = {name for _start, _end, name in secrets._spans(text.encode())}
    assert kind in kinds, text


@pytest.mark.parametrize("text", FALSE)
def test_what_only_resembles_a_credential_is_left_alone(text: str) -> None:
    assert secrets.find(text) is None
    assert secrets.redact(text) == text


def test_every_credential_of_a_text_is_redacted_and_the_rest_kept() -> None:
    texts = [build(template) for _kind, template in TRUE if "\n" not in template and "BEGIN" not in template]
    redacted = secrets.redact("start\n" + "\nbetween\n".join(texts) + "\nend")
    assert redacted.startswith("start\n")
    assert redacted.endswith("\nend")
    assert redacted.count("\nbetween\n") == len(texts) - 1
    assert secrets.find(redacted) is None


def test_a_long_value_is_redacted_to_its_end() -> None:
    value = "a1B2" * 5000
    assert value[-8:] not in secrets.redact(f"API_TOKEN={value}\nnext")
    assert secrets.redact(f"API_TOKEN={value}\nnext").endswith("\nnext")


@given(st.lists(st.sampled_from([build(row["text"]) for row in CORPUS]) | st.text(max_size=20), max_size=4))
def test_redacting_twice_changes_nothing(parts: list[str]) -> None:
    once = secrets.redact("\n".join(parts))
    assert secrets.redact(once) == once


@given(st.text())
def test_any_text_is_taken(text: str) -> None:
    assert (secrets.find(text) is None) == (secrets.redact(text) == text)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "unit",
    [
        "token=",
        "key_",
        "password",
        "a",
        "://a:",
        "eyJ",
        "-----BEGIN PRIVATE " + "KEY-----",
        "sk-",
        "password='",
        "a.b.c.M",
    ],
)
def test_hostile_repetitions_take_linear_time(unit: str) -> None:
    secrets.redact(unit * (1_000_000 // len(unit)))
