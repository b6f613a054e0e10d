"""Hash functions that agree with hashlib and with git."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillcache.core.files import blob_oid, digest, digest_parts, sha1, sha256


@given(st.binary())
def test_they_are_the_functions_of_hashlib(data: bytes) -> None:
    assert sha1(data).hexdigest() == hashlib.sha1(data, usedforsecurity=False).hexdigest()
    assert sha256(data).hexdigest() == hashlib.sha256(data).hexdigest()
    assert digest(data) == hashlib.blake2b(data, digest_size=16).hexdigest()


@pytest.mark.parametrize("size", [0, 1, 3 << 20])
def test_blobs_have_the_names_that_git_gives_them(size: int) -> None:
    whole = b"blob %d\0" % size + bytes(size)
    assert blob_oid(bytes(size)) == hashlib.sha1(whole, usedforsecurity=False).hexdigest().encode()
    assert blob_oid(bytes(size), long=True) == hashlib.sha256(whole).hexdigest().encode()


@given(st.lists(st.binary()), st.lists(st.binary()))
def test_two_lists_of_parts_agree_only_when_they_are_equal(one: list[bytes], other: list[bytes]) -> None:
    assert (digest_parts(one) == digest_parts(other)) is (one == other)
