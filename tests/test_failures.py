"""A text shows a failure where a tool says so, whatever the pipe's last status."""

import pytest

from skillcache.failures import shows_failure

FAILING = [
    "=== 1 failed, 3 passed in 0.12s ===",
    "FAILED tests/test_a.py::test_b - assert 1 == 2",
    "ERROR tests/test_a.py - ImportError",
    "E       assert 1 == 2",
    "Tests:       2 failed, 10 passed, 12 total",
    " FAIL  src/app.test.ts",
    "--- FAIL: TestX (0.00s)\nFAIL\texample.com/x\t0.2s",
    "test result: FAILED. 3 passed; 1 failed; 0 ignored",
    "error[E0308]: mismatched types",
    "error: aborting due to 1 previous error",
    "src/a.ts(3,5): error TS2322: Type 'string' is not assignable",
    "app.py:3: error: Incompatible return value type",
    "Found 3 errors in 1 file (checked 2 source files)",
    "Found 12 errors.",
    "\u2716 4 problems (4 errors, 0 warnings)",
    "would reformat a.py",
    "3 examples, 1 failure",
    "FAILURES!\nTests: 3, Assertions: 3, Failures: 1.",
    "[ERROR] Tests run: 3, Failures: 1, Errors: 0, Skipped: 0",
    "BUILD FAILED in 3s",
    "Traceback (most recent call last):\n  File",
    "npm ERR! code ELIFECYCLE",
    "npm error Lifecycle script `test` failed",
    "make: *** [Makefile:3: test] Error 2",
    "not ok 3 - adds",
    "thread 'main' panicked at src/lib.rs:3",
    "bash: pytset: command not found",
    "exit: 1",
    "EXIT CODE 2",
    "FAILED (failures=1)",
    "a.c:3:5: fatal error: x.h: No such file or directory",
]
PASSING = [
    "=== 4 passed in 0.12s ===",
    "4 passed, 1 xfailed, 2 skipped",
    "Tests:       12 passed, 12 total",
    "test result: ok. 3 passed; 0 failed; 0 ignored",
    "ok  \texample.com/x\t0.2s",
    "Success: no issues found in 3 source files",
    "All checks passed!",
    "0 errors, 0 warnings, 0 informations",
    "Found 0 errors",
    "3 examples, 0 failures",
    "OK (3 tests, 3 assertions)",
    "Tests run: 3, Failures: 0, Errors: 0, Skipped: 0",
    "BUILD SUCCESSFUL in 3s",
    "10 files already formatted",
    "tests/test_errors.py ....  [100%]",
    "test_failed_login PASSED",
    "test failures::reports_them ... ok",
    "exit: 0",
    "EXIT CODE 0",
    "",
]


@pytest.mark.parametrize("text", FAILING)
def test_shows_a_failure(text: str) -> None:
    assert shows_failure("collected 4 items\n" + text + "\nend")


@pytest.mark.parametrize("text", PASSING)
def test_shows_no_failure(text: str) -> None:
    assert not shows_failure("collected 4 items\n" + text + "\nend")


@pytest.mark.parametrize(
    "text",
    [
        *("\n" * 300_000, " \t\n" * 100_000, "ok" + " " * 300_000),
        *("test_failed_login " * 20_000, "test_errors.py ok\n" * 20_000, "0 errors" + " " * 300_000 + "exit"),
    ],
)
def test_is_found_in_any_text_in_time_proportional_to_it(text: str) -> None:
    """A pattern that went over such a text again and again would hold the hook for minutes, the watchdog included."""
    assert shows_failure(text + "\nend") is False
    assert shows_failure(text + "\n2 tests failed") is True


@pytest.mark.parametrize("sign", FAILING)
def test_is_found_wherever_it_stands(sign: str) -> None:
    """Among lines that hold some word of it, or none, as far from the next as may be."""
    for line in ("a line of its own", "test_failed_errors ok", "0 problems"):
        for size in (1, 7, 30, 61, 300):
            text = "\n".join([line] * size + [sign] + [line] * size)
            assert shows_failure(text), (line, size)
