# ruff: noqa: E501, ISC004, RUF001, RUF005, S108 - the samples are what the tools print
"""For each tool: two honest runs of it, then runs that a reader would call different."""

import pytest

from skillcache.cache.verify import normalized
from skillcache.core.outcomes import ConfigError

ROOT = "/tmp/work123456/project"

PYTEST = """============================= test session starts ==============================
platform linux -- Python 3.11.7, pytest-8.3.3, pluggy-1.5.0
rootdir: {root}
collected 3 items

tests/test_a.py .F.                                                      [100%]

=================================== FAILURES ===================================
E       AssertionError: assert <sample.Thing object at {address}> == 3
E       in /tmp/pytest-of-me/pytest-{number}/test_x0/out.txt
tests/test_a.py:5: AssertionError
============================= slowest durations ================================
{durations}
=========================== short test summary info ============================
FAILED tests/test_a.py::test_b - AssertionError
{end}
"""
PYTEST_RUNS = [
    PYTEST.format(
        root=ROOT,
        address="0x7f1c2a3b4d50",
        number=12,
        durations="0.05s call     tests/test_a.py::test_b\n0.01s setup    tests/test_a.py::test_a",
        end="========================= 1 failed, 2 passed in 0.12s ==========================",
    ),
    PYTEST.format(
        root=ROOT,
        address="0x7f8e00112233",
        number=7,
        durations="0.02s setup    tests/test_a.py::test_a\n0.01s call     tests/test_a.py::test_b",
        end="=================== 1 failed, 2 passed in 61.32s (0:01:01) ===================",
    ),
]

SAMPLES: dict[str, tuple[list[str], list[tuple[str, str]]]] = {
    "pytest": (
        PYTEST_RUNS,
        [
            ("2 passed", "3 passed"),
            ("test_b - ", "test_c - "),
            ("== 3", "== 4"),
            ("x0/out", "x0/other"),
            (".F.", "..F"),
        ],
    ),
    "pytest -q": (
        ["...\n3 passed in 0.10s\n", "...\n3 passed in 2.03s\n"],
        [("3 passed", "2 passed"), ("...", "..s"), ("3 passed in", "3 passed, 1 warning in")],
    ),
    "pytest --collect-only": (
        [
            f"a.py: 3\n\n=== 3 tests collected in {spent} ===\n=== 9/39 tests collected (30 deselected) in {spent} ===\n"
            f"no tests collected, 1 error in {spent}\n"
            for spent in ("0.02s", "61.32s (0:01:01)")
        ],
        [("=== 3", "=== 4"), ("9/39", "9/40"), ("(30", "(31"), ("1 error", "2 errors")],
    ),
    "pytest in colours": (
        ["\x1b[32m\x1b[1m3 passed\x1b[0m\x1b[32m in 0.10s\x1b[0m", "3 passed in 9.00s"],
        [("3 passed", "4 passed")],
    ),
    "pytest-randomly": (["Using --randomly-seed=12345\n", "Using --randomly-seed=999\n"], [("Using", "Not using")]),
    "unittest": (
        ["Ran 12 tests in 0.003s\n\nOK\n", "Ran 12 tests in 1.203s\n\nOK\n"],
        [("12", "11"), ("OK", "FAILED (failures=1)")],
    ),
    "jest": (
        [
            "PASS src/a.test.js (5.123 s)\n  ✓ adds (12 ms)\n  ✓ divides\n\nTests:       2 passed, 2 total\n"
            "Time:        1.234 s, estimated 2 s\nRan all test suites.\n",
            "PASS src/a.test.js\n  ✓ adds\n  ✓ divides (7 ms)\n\nTests:       2 passed, 2 total\n"
            "Time:        0.9 s\nRan all test suites.\n",
        ],
        [("✓ adds", "✕ adds"), ("2 passed", "1 passed"), ("divides", "multiplies"), ("PASS", "FAIL")],
    ),
    "vitest": (
        [
            " ✓ src/a.test.ts (3 tests) 5ms\n\n Test Files  1 passed (1)\n      Tests  3 passed (3)\n   Start at  10:00:01\n"
            "   Duration  1.23s (transform 33ms, setup 0ms, tests 5ms)\n",
            " ✓ src/a.test.ts (3 tests) 12ms\n\n Test Files  1 passed (1)\n      Tests  3 passed (3)\n   Start at  11:20:41\n"
            "   Duration  340ms (transform 3ms, setup 1ms, tests 12ms)\n",
        ],
        [("(3 tests)", "(2 tests)"), ("✓", "❯"), ("1 passed", "1 failed")],
    ),
    "go test": (
        [
            "--- PASS: TestA (0.00s)\n    --- FAIL: TestB/empty (0.10s)\nFAIL\texample.test/m/x\t0.012s\n"
            "ok  \texample.test/m/y\t(cached)\tcoverage: 80.0% of statements\ngoroutine 7 [running]:\nmain.f(0xc000012340)\n",
            "--- PASS: TestA (1.20s)\n    --- FAIL: TestB/empty (0.00s)\nFAIL\texample.test/m/x\t3.400s\n"
            "ok  \texample.test/m/y\t0.300s\tcoverage: 80.0% of statements\ngoroutine 19 [running]:\nmain.f(0xc0000fe340)\n",
        ],
        [
            ("PASS: TestA", "FAIL: TestA"),
            ("80.0%", "79.9%"),
            ("TestB/empty", "TestB/full"),
            ("m/y", "m/z"),
            ("ok  ", "FAIL"),
        ],
    ),
    "cargo test": (
        [
            "   Compiling sample v0.1.0 ({root})\n    Finished `test` profile [unoptimized + debuginfo] target(s) in 3.52s\n"
            "test tests::adds ... ok\nthread 'tests::x' (2177) panicked at src/lib.rs:5:23:\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; finished in 0.00s\n",
            "    Finished `test` profile [unoptimized + debuginfo] target(s) in 0.01s\n"
            "test tests::adds ... ok\nthread 'tests::x' (96) panicked at src/lib.rs:5:23:\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; finished in 1.10s\n",
        ],
        [("... ok", "... FAILED"), (":5:23", ":6:23"), ("1 passed", "2 passed"), ("adds", "subtracts")],
    ),
    "cargo nextest": (
        ["        PASS [   0.004s] sample tests::adds\n     Summary [   0.006s] 1 test run: 1 passed\n"]
        + ["        PASS [   1.204s] sample tests::adds\n     Summary [   2.006s] 1 test run: 1 passed\n"],
        [("PASS", "FAIL"), ("adds", "adds2"), ("1 passed", "0 passed")],
    ),
    "mypy": (
        ["src/a.py:3: error: Bad  [arg-type]\nFound 1 error in 1 file (checked 2 source files)\n"] * 2,
        [(":3:", ":4:"), ("Found 1", "Found 2"), ("arg-type", "assignment"), ("checked 2", "checked 3")],
    ),
    "ruff": (["a.py:1:8: F401 [*] `os` imported but unused\nFound 1 error.\n"] * 2, [("F401", "F811"), (":8:", ":9:")]),
    "eslint": (
        ["\n{root}/a.js\n  3:5  error  'x' is not defined  no-undef\n\n✖ 1 problem (1 error, 0 warnings)\n"] * 2,
        [("3:5", "3:6"), ("1 problem", "2 problems"), ("no-undef", "no-var")],
    ),
    "tsc": (["src/a.ts(3,5): error TS2322: Type '5s' is not '10 ms'.\n"] * 2, [("TS2322", "TS2345"), ("5s", "6s")]),
    "rspec": (
        [
            "Finished in 0.00123 seconds (files took 0.1 seconds to load)\n2 examples, 0 failures\n\nRandomized with seed 123\n",
            "Finished in 1 minute 2.3 seconds (files took 1.1 seconds to load)\n2 examples, 0 failures\n\nRandomized with seed 9\n",
        ],
        [("2 examples", "3 examples"), ("0 failures", "1 failure")],
    ),
    "phpunit": (
        ["Time: 00:00.012, Memory: 6.00 MB\n\nOK (3 tests, 5 assertions)\n"]
        + ["Time: 00:03.912, Memory: 16.50 MB\n\nOK (3 tests, 5 assertions)\n"],
        [("3 tests", "2 tests"), ("OK", "FAILURES!")],
    ),
    "maven": (
        [
            "[INFO] Tests run: 2, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 0.05 s -- in a.BTest\n"
            "[INFO] Total time:  1.234 s\n[INFO] Finished at: 2024-05-01T10:00:00+02:00\nexpected: a.B@1b2c3d4e\n",
            "[INFO] Tests run: 2, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 1.5 s -- in a.BTest\n"
            "[INFO] Total time:  01:04 min\n[INFO] Finished at: 2025-06-01T10:11:12Z\nexpected: a.B@6d06d69c\n",
        ],
        [("Tests run: 2", "Tests run: 3"), ("Failures: 0", "Failures: 1"), ("BTest", "CTest")],
    ),
    "gradle": (
        [
            "> Task :compileJava UP-TO-DATE\n> Task :test\n\nBUILD SUCCESSFUL in 3s\n5 actionable tasks: 5 executed\n",
            "> Task :compileJava\n> Task :test UP-TO-DATE\n\nBUILD SUCCESSFUL in 1m 12s\n5 actionable tasks: 5 up-to-date\n",
        ],
        [("SUCCESSFUL", "FAILED"), (":test", ":check"), ("> Task :test", "> Task :test FAILED")],
    ),
    "mocha": (
        ["  ✔ adds (15ms)\n\n  1 passing (20ms)\n", "  ✔ adds\n\n  1 passing (1s)\n"],
        [("1 passing", "2 passing"), ("adds", "divides")],
    ),
    "node --test": (
        ["✔ adds (0.5ms)\nℹ pass 1\nℹ duration_ms 57.1\n", "✔ adds (12.25ms)\nℹ pass 1\nℹ duration_ms 1057\n"],
        [("pass 1", "pass 2"), ("adds", "divides")],
    ),
    "ctest": (
        [
            "1/1 Test #1: unit .......   Passed    0.01 sec\n2/2 Test #2: bad ......***Failed    0.01 sec\n\nTotal Test time (real) =   0.02 sec\n"
        ]
        + [
            "1/1 Test #1: unit .......   Passed    1.31 sec\n2/2 Test #2: bad ......***Failed   10.99 sec\n\nTotal Test time (real) =   1.52 sec\n"
        ],
        [("Passed", "***Failed"), ("***Failed", "***Timeout"), ("unit", "integration")],
    ),
    "logs": (
        [
            "10:00:01.123 started pid=1234\n2024-01-01 10:00:01,123 INFO listening on 127.0.0.1:45123\n/tmp/tmpab12cd34/out.txt\n",
            "23:59:01.9 started pid=99\n2026-12-01T10:00:01Z INFO listening on 127.0.0.1:60001\n/tmp/tmpzz_9xy8w/out.txt\n",
        ],
        [("INFO", "WARN"), ("out.txt", "err.txt"), ("started", "stopped"), ("listening", "sleeping")],
    ),
}


@pytest.mark.parametrize("tool", SAMPLES)
def test_two_honest_runs_are_equal(tool: str) -> None:
    first, second = (text.replace("{root}", ROOT) for text in SAMPLES[tool][0])
    assert normalized(first, ROOT) == normalized(second, ROOT)


@pytest.mark.parametrize(
    ("tool", "old", "new"), [(tool, old, new) for tool, (_, changes) in SAMPLES.items() for old, new in changes]
)
def test_a_real_difference_stays(tool: str, old: str, new: str) -> None:
    for text in SAMPLES[tool][0]:
        if old in text:
            assert normalized(text.replace(old, new, 1), ROOT) != normalized(text, ROOT)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("E  Timeout of 5000ms exceeded", "E  Timeout of 2000ms exceeded"),
        ("assert 5 == 3", "assert 5 == 4"),
        ("did not finish in 5 s", "did not finish in 6 s"),
        ("connect to localhost:8080", "connect to localhost:8081"),
        ("E  assert seed == 3", "E  assert seed == 4"),
        ("wrote /tmp/report.txt", "wrote /tmp/other.txt"),
        ("due 2024-01-01", "due 2024-01-02"),
        ("0xdeadbeef", "0xcafebabe"),
        ("a@b.example", "c@b.example"),
        ("3 errors in 2 files", "4 errors in 2 files"),
        ("version 1.2.3", "version 1.2.4"),
        ("took 3 attempts", "took 4 attempts"),
    ],
)
def test_numbers_in_messages_stay(one: str, other: str) -> None:
    assert normalized(one, ROOT) != normalized(other, ROOT)


def test_paths_of_the_root_stay_whole_in_a_temporary_folder() -> None:
    assert normalized(f"{ROOT}/a.py", ROOT) != normalized(f"{ROOT}/b.py", ROOT)


def test_a_rule_extends_the_table() -> None:
    assert normalized("build 123\n", ROOT, (r"build \d+",)) == normalized("build 7\n", ROOT, (r"build \d+",))
    assert normalized("build 123\n", ROOT) != normalized("build 7\n", ROOT)


def test_a_pattern_that_is_none_is_named() -> None:
    with pytest.raises(ConfigError, match=r"normalize '\('"):
        normalized("x", ROOT, ("(",))


@pytest.mark.parametrize("tool", SAMPLES)
def test_what_is_normalized_is_so_for_good(tool: str) -> None:
    once = normalized(SAMPLES[tool][0][0], ROOT)
    assert normalized(once, ROOT) == once
