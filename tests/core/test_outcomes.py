"""The table of outcomes is append-only: what was written to disk keeps its meaning."""

from skillcache.core import outcomes

FIRST_IDS = {
    outcomes.HIT: range(100, 200),
    outcomes.MISS: range(200, 300),
    outcomes.BYPASS: range(300, 400),
    outcomes.STORE: range(400, 500),
    outcomes.ERROR: range(500, 600),
}


def test_ids_and_names_are_unique() -> None:
    every = (*outcomes.ALL, *outcomes.GONE)
    assert len({o.id for o in every}) == len({o.name for o in every}) == len(every)


def test_every_id_lies_in_the_range_of_its_class() -> None:
    for o in outcomes.ALL:
        assert o.id in FIRST_IDS[o.kind], o


def test_ids_once_given_never_change() -> None:
    pinned = {
        100: "replayed",
        200: "no_entry",
        203: "fresh",
        300: "no_rule",
        303: "shell_syntax",
        400: "stored",
        402: "changed_inputs",
        502: "store_unreachable",
    }
    assert {number: outcomes.BY_ID[number].name for number in pinned} == pinned


def test_every_text_is_a_clause_without_a_full_stop() -> None:
    for o in outcomes.ALL:
        assert o.text
        assert not o.text.endswith(".")
        assert o.name.replace("_", "").isalpha()
