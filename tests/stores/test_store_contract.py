"""One suite for every store: what `skillcache.stores.contract.Store` promises."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from skillcache.stores.contract import MAX_TTL, Store, entry_key, record_key
from tests.stores.conftest import KEY, measure, put, value_of

DIGEST = "0" * 40
OTHER = entry_key("Bash", "1" * 40)
RECORD = record_key("quarantine", "project")


def test_an_empty_store_knows_nothing(store: Store) -> None:
    lookup = store.get(KEY, ("Bash", "all"))
    assert lookup.entry is None
    assert lookup.generations == (0, 0)


def test_what_was_put_is_found(store: Store) -> None:
    assert put(store, KEY, 1000)
    assert store.get(KEY, ()).entry == value_of(1000)
    assert store.get(OTHER, ()).entry is None


def test_a_second_entry_is_read_beside_the_first(store: Store) -> None:
    put(store, OTHER, 1000, text=b"other")
    store.invalidate("Bash")
    lookup = store.get(KEY, ("Bash", "all"), OTHER)
    assert (lookup.entry, lookup.generations, lookup.also) == (None, (1, 0), value_of(1000, b"other"))
    put(store, KEY, 1000)
    lookup = store.get(KEY, ("Bash",), OTHER)
    assert (lookup.entry, lookup.generations, lookup.also) == (value_of(1000), (1,), value_of(1000, b"other"))
    assert store.get(KEY, (), KEY).also == value_of(1000)
    assert store.get(OTHER, ("Bash",), entry_key("Bash", "2" * 40)).also is None
    assert store.get(OTHER, ("Bash",)).also is None


def test_many_are_read_as_one_is(store: Store) -> None:
    put(store, KEY, 1000)
    store.invalidate("Bash")
    found = store.get_many((OTHER, KEY, OTHER), ("all", "Bash"))
    assert [(each.entry, each.generations, each.also) for each in found] == [
        (None, (0, 1), None),
        (value_of(1000), (0, 1), None),
        (None, (0, 1), None),
    ]
    assert [each.generations for each in store.get_many((KEY,), ())] == [()]


def test_what_was_put_is_found_by_others(open_here: Callable[[], Store]) -> None:
    assert put(open_here(), KEY, 1000)
    assert open_here().get(KEY, ()).entry == value_of(1000)


@pytest.mark.parametrize(
    "text",
    [b"", b"\r\n", b"\x00\xff\r\n$-1\r\n", bytes(range(256)) * 40, b"x" * 3_000_000],
    ids=["empty", "line end", "looks like a reply", "every byte", "3 MB"],
)
def test_values_are_kept_byte_for_byte(store: Store, text: bytes) -> None:
    assert put(store, KEY, 1000, text=text)
    assert store.get(KEY, ()).entry == value_of(1000, text)


def test_keys_may_hold_any_text(store: Store) -> None:
    key = entry_key("mcp__näme \r\n *?{}[]'\"%", "d" * 40)
    name = "näme '); drop -- \r\n"
    assert store.invalidate(name) == 1
    assert store.put(key, value_of(1), ttl=60, started=1, names=(name,), generations=(1,))
    lookup = store.get(key, (name,))
    assert lookup.entry == value_of(1)
    assert lookup.generations == (1,)


def test_a_later_run_replaces_an_earlier_one(store: Store) -> None:
    assert put(store, KEY, 1000, text=b"old")
    assert put(store, KEY, 1001, text=b"new")
    assert store.get(KEY, ()).entry == value_of(1001, b"new")


def test_a_run_that_started_at_the_same_time_replaces(store: Store) -> None:
    assert put(store, KEY, 1000, text=b"first")
    assert put(store, KEY, 1000, text=b"second")
    assert store.get(KEY, ()).entry == value_of(1000, b"second")


def test_a_slow_writer_never_overwrites_a_later_run(store: Store) -> None:
    assert put(store, KEY, 99_999, text=b"new")
    assert not put(store, KEY, 10_000, text=b"old")
    assert store.get(KEY, ()).entry == value_of(99_999, b"new")


def test_invalidation_counts_up_name_by_name(store: Store) -> None:
    assert store.invalidate("Bash") == 1
    assert store.invalidate("Bash") == 2
    assert store.get(KEY, ("other", "Bash")).generations == (0, 2)


def test_generations_come_in_the_order_asked_for(store: Store) -> None:
    for _ in range(3):
        store.invalidate("c")
    store.invalidate("a")
    assert store.get(KEY, ("c", "b", "a", "c")).generations == (3, 0, 1, 3)


def test_a_run_from_before_an_invalidation_is_not_stored(open_here: Callable[[], Store]) -> None:
    store = open_here()
    generations = store.get(KEY, ("Bash", "all")).generations
    open_here().invalidate("all")
    assert not store.put(KEY, value_of(1), ttl=60, started=1, names=("Bash", "all"), generations=generations)
    assert store.get(KEY, ()).entry is None
    assert put(store, KEY, 1, Bash=0, all=1)


def test_a_refused_put_leaves_the_held_value(store: Store) -> None:
    assert put(store, KEY, 1000, Bash=0)
    store.invalidate("Bash")
    assert not put(store, KEY, 2000, Bash=0)
    assert store.get(KEY, ()).entry == value_of(1000)


def test_deleting_drops_entries_and_records(store: Store) -> None:
    put(store, KEY, 1000)
    store.write(RECORD, b"1", 60)
    store.delete(KEY)
    store.delete(RECORD)
    store.delete(OTHER)
    assert store.get(KEY, ()).entry is None
    assert store.read((RECORD,)) == (None,)


def test_a_deleted_value_holds_nobody_back(store: Store) -> None:
    put(store, KEY, 2000)
    store.delete(KEY)
    assert put(store, KEY, 1000)


def test_records_are_read_in_the_order_asked_for(store: Store) -> None:
    second = record_key("quarantine", "second")
    store.write(RECORD, b"\r\n", 60)
    store.write(second, b"", 60)
    assert store.read((second, record_key("quarantine", "none"), RECORD, second)) == (b"", None, b"\r\n", b"")
    assert store.read(()) == ()


def test_a_record_is_replaced(store: Store) -> None:
    store.write(RECORD, b"1", 60)
    store.write(RECORD, b"2", 60)
    assert store.read((RECORD,)) == (b"2",)


@pytest.mark.parametrize("ttl", [1.5, True, "60", None])
def test_an_expiry_is_a_whole_number(store: Store, ttl: Any) -> None:
    with pytest.raises(TypeError):
        put(store, KEY, 1, ttl=ttl)
    with pytest.raises(TypeError):
        store.write(RECORD, b"", ttl)


@pytest.mark.parametrize("ttl", [0, -1, MAX_TTL + 1, 10**30])
def test_an_expiry_out_of_bounds_is_the_callers_fault(store: Store, ttl: int) -> None:
    with pytest.raises(ValueError, match="expiry"):
        put(store, KEY, 1, ttl=ttl)
    with pytest.raises(ValueError, match="expiry"):
        store.write(RECORD, b"", ttl)
    store.ping()


def test_the_longest_expiry_is_taken(store: Store) -> None:
    assert put(store, KEY, 1, ttl=MAX_TTL)
    store.write(RECORD, b"", MAX_TTL)
    assert store.get(KEY, ()).entry is not None


def test_a_value_without_its_start_is_the_callers_fault(store: Store) -> None:
    with pytest.raises(ValueError, match="start"):
        store.put(KEY, value_of(1), ttl=60, started=2, names=(), generations=())
    with pytest.raises(ValueError, match=r"argument|generation"):
        store.put(KEY, value_of(1), ttl=60, started=1, names=("a",), generations=())


def test_a_claim_is_the_owners_until_it_is_released(open_here: Callable[[], Store]) -> None:
    first, second = open_here(), open_here()
    taken = first.claim(DIGEST, "first", 60)
    assert (taken.holder, taken.left, taken.mark) == ("", 60, "")
    refused = second.claim(DIGEST, "second", 60)
    assert refused.holder == "first"
    assert 50 < refused.left <= 60
    assert second.claim("1" * 40, "second", 60).holder == ""
    assert first.release(DIGEST, "first")
    assert second.claim(DIGEST, "second", 60).holder == ""
    assert first.claim(DIGEST, "first", 60).holder == "second"


def test_a_claim_is_extended_by_its_owner(store: Store) -> None:
    store.claim(DIGEST, "first", 10)
    assert store.claim(DIGEST, "first", 60).holder == ""
    assert store.claim(DIGEST, "second", 60).left > 50


def test_a_claim_tells_of_a_release_shortly_before(store: Store) -> None:
    store.claim(DIGEST, "first", 60)
    store.release(DIGEST, "first")
    taken = store.claim(DIGEST, "second", 60)
    assert taken.holder == ""
    assert taken.mark != ""


def test_only_its_owner_releases_a_claim(store: Store) -> None:
    assert not store.release(DIGEST, "first")
    store.claim(DIGEST, "first", 60)
    refused = store.claim(DIGEST, "second", 60)
    assert not store.release(DIGEST, "second")
    assert not store.wait(DIGEST, refused.mark, 0)
    assert store.claim(DIGEST, "second", 60).holder == "first"
    assert store.release(DIGEST, "first")
    assert not store.release(DIGEST, "first")


def test_an_owner_may_have_any_name(store: Store) -> None:
    owner = "sessiön \r\n\0'\"%"
    store.claim(DIGEST, owner, 60)
    assert store.claim(DIGEST, "second", 60).holder == owner
    assert store.release(DIGEST, owner)


def test_a_release_before_the_wait_is_heard_at_once(open_here: Callable[[], Store]) -> None:
    first, second = open_here(), open_here()
    first.claim(DIGEST, "first", 60)
    mark = second.claim(DIGEST, "second", 60).mark
    first.release(DIGEST, "first")
    assert second.wait(DIGEST, mark, 0)
    first.claim(DIGEST, "first", 60)
    assert second.wait(DIGEST, mark, 0)
    assert measure(lambda: second.wait(DIGEST, mark, 30)) < 10


def test_a_release_before_the_refusal_is_not_heard(store: Store) -> None:
    store.claim(DIGEST, "first", 60)
    store.release(DIGEST, "first")
    store.claim(DIGEST, "first", 60)
    assert not store.wait(DIGEST, store.claim(DIGEST, "second", 60).mark, 0)


def test_a_wait_ends_in_time(store: Store) -> None:
    store.claim(DIGEST, "first", 60)
    mark = store.claim(DIGEST, "second", 60).mark
    heard: list[bool] = []
    assert 0.15 < measure(lambda: heard.append(store.wait(DIGEST, mark, 0.2))) < 10
    assert heard == [False]
    store.ping()


def test_a_lease_that_is_over_frees_the_claim(open_here: Callable[[], Store]) -> None:
    first, second = open_here(), open_here()
    first.claim(DIGEST, "first", 0.3)
    refused = second.claim(DIGEST, "second", 60)
    assert refused.holder == "first"
    assert not second.wait(DIGEST, refused.mark, refused.left + 0.1)
    assert second.claim(DIGEST, "second", 60).holder == ""
    assert not first.release(DIGEST, "first")
    assert first.claim(DIGEST, "first", 60).holder == "second"


@pytest.mark.parametrize("lease", [0, -1, float("nan"), float("inf"), MAX_TTL + 1])
def test_a_lease_out_of_bounds_is_the_callers_fault(store: Store, lease: float) -> None:
    with pytest.raises(ValueError, match="lease"):
        store.claim(DIGEST, "first", lease)
    assert store.claim(DIGEST, "second", MAX_TTL).holder == ""


def test_a_claim_without_an_owner_is_the_callers_fault(store: Store) -> None:
    with pytest.raises(ValueError, match="owner"):
        store.claim(DIGEST, "", 1)


def test_ping_says_nothing_when_all_is_well(store: Store) -> None:
    store.ping()


def test_closing_twice_is_fine(store: Store) -> None:
    store.ping()
    store.close()
    store.close()


def test_of_many_writers_the_latest_start_stays(open_here: Callable[[], Store]) -> None:
    put(open_here(), OTHER, 1)  # the embedded file is there
    errors: list[Exception] = []

    def write(started: int) -> None:
        try:
            one = open_here()
            put(one, KEY, started)
            one.invalidate("counted")
            one.close()
        except Exception as error:  # noqa: BLE001 - shown below
            errors.append(error)

    threads = [threading.Thread(target=write, args=(1000 + n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    lookup = open_here().get(KEY, ("counted",))
    assert lookup.entry == value_of(1007)
    assert lookup.generations == (8,)
