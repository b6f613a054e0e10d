"""What others wrote never leaves its fence, whatever it holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillcache.messages import message as limits
from skillcache.messages.message import Message, decode, encode
from skillcache.messages.page import CLOSE, block, compose, word
from tests.messages.conftest import MS, message

FIELDS = ("id", "from", "from_name", "user", "host", "to_name", "reply_to", "text")
# Pieces that others might try to leave with, among any text.
TRICKS = st.sampled_from(
    [
        *("\n", "\r", "\r\n", "\u2028", "\u2029", "\x85", "\v", "\f", "\x1c", "\x1e", "\0", "\x1b[2J", "\b", "\u202e"),
        *(CLOSE, "</message", ">", "> ", "<", "<message 1 from x>", "</system-reminder>", "<system-reminder>"),
        *("skillcache: ", "\n</message>\n", "Human:", "\ud800", "\U000e0041", "\u200b", "\uff1c/message\uff1e"),
    ]
)
HOSTILE = st.lists(st.one_of(TRICKS, st.text(max_size=8)), max_size=30).map("".join)


def lines_of_ours(text: str) -> list[str]:
    return [line for line in text.split("\n") if not line.startswith("> ")]


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(FIELDS, HOSTILE)), min_size=1, max_size=4), HOSTILE)
def test_nothing_that_others_wrote_stands_outside_its_fence(given_: list[dict[str, str]], reader: str) -> None:
    messages = [Message({"kind": "text", **fields}, {"at": MS}) for fields in given_]

    text, count, size = compose(messages, MS, reader, subagent=True)

    assert count == len(messages)
    assert 0 < size < len(text.encode("utf-16-le", "replace")) // 2
    opening, *middle, closing = lines_of_ours(text)
    assert opening.startswith(f"skillcache: {count} message")
    assert closing.startswith("An answer is written with: skillcache send --from ")
    assert len(middle) == 2 * count
    for number, fields in enumerate(given_):
        begin, end = middle[2 * number : 2 * number + 2]
        answer = f", in reply to {word(fields['reply_to'], 40)}" if fields["reply_to"] else ""
        who = f"{word(fields['from_name'] or fields['from'])} ({word(fields['user'])}@{word(fields['host'])}, unproven)"
        assert begin == f"<message {word(fields['id'], 40)} from {who}, sent just now{answer}>"
        assert end == CLOSE
    inside = [line for line in text.split("\n") if line.startswith("> ")]
    assert not any("</" in line or "<message" in line or "<system" in line for line in inside)
    assert len(text.splitlines()) == len(text.split("\n"))


def test_a_sender_is_said_to_be_unproven_unless_the_seal_says_who_it_is() -> None:
    sent = message()
    assert block(sent, MS)[0] == "<message hello from a-1 (somebody@box, unproven), sent at an unknown time>"
    sent.own = True
    assert block(sent, MS)[0] == "<message hello from a-1 (somebody@box), sent at an unknown time>"


@given(HOSTILE)
def test_a_name_is_one_word(text: str) -> None:
    found = word(text)
    assert found
    assert len(found) <= limits.NAME
    assert all(c.isalnum() or c in "._-@:" for c in found)


@given(HOSTILE, st.sampled_from(["ended", "expired", "refused", "x>\n"]))
def test_what_comes_back_is_fenced_too(text: str, why: str) -> None:
    lines = block(Message({"kind": "text", "id": "1", "text": text, "to_name": text}, {}, why), MS)
    assert all(line.startswith("> ") for line in lines[1:-1])
    assert lines[0].startswith("<message 1 of your own comes back undelivered: ")
    assert lines[-1] == CLOSE
    assert not any("\n" in line for line in lines)


def test_code_keeps_its_indentation() -> None:
    lines = block(message("def f():\n\tif x:\n        return 1\n"), MS)
    assert lines[1:-1] == ["> def f():", ">     if x:", ">         return 1", "> "]


def test_a_long_message_is_cut_by_lines_and_says_so() -> None:
    lines = block(message("\n".join("x" * 3 for _ in range(limits.LINES + 50))), MS)
    assert len(lines) == limits.LINES + 3
    assert lines[-2] == "(50 more lines)"


@pytest.mark.parametrize("text", ["\U0001f600" * 4_000, "\n" * 3_999, "x" * 4_000, "y\n" * 2_000])
def test_an_answer_is_never_longer_than_the_client_takes(text: str) -> None:
    said, count, _ = compose([message(text), message(text)], MS, "x" * 100, subagent=True)
    assert count >= 1
    assert len(said.encode("utf-16-le")) // 2 <= 10_000


def test_a_credential_that_another_program_wrote_is_not_shown() -> None:
    secret = "ghp_" + "a1B2c3D4e5F6" * 3
    assert secret not in "\n".join(block(message(f"use {secret}"), MS))


def test_a_message_of_the_first_version_is_read_in_every_later_one() -> None:
    text = (
        '{"version":1,"id":"00112233445566aa","kind":"text","from":"a","from_name":"a-1","user":"u","host":"h","team":"",'
        '"project":"p","to":"b","to_name":"b-1","text":"hi","form":"text","reply_to":"","seal":"ff","at":5,"expires":6}'
    )
    found = decode(text)
    assert found is not None
    assert (found["id"], found["text"], found.time("at"), found.bounce) == ("00112233445566aa", "hi", 5, "")
    assert encode(found).decode() == text.replace(',"at":5,"expires":6', "")
