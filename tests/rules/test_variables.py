"""Variables of the shell that starts a command: what has it write or run anew, and what everybody has all day."""

import pytest

from skillcache.core.outcomes import COMMAND_FRESH, COMMAND_WRITES, UNKNOWN_OPTION, Bypass, Outcome
from skillcache.rules.words import examine_environment

OF_EVERY_DAY = {
    "CI": "1",
    "CLAUDE_CODE_FORCE_SANDBOX": "1",
    "DISABLE_UPDATE_PROMPT": "true",
    "FORCE_COLOR": "3",
    "GOCACHE": "/var/cache/fix",
    "GOFLAGS": "-mod=vendor",
    "HOME": "/home/update",
    "HOMEBREW_NO_AUTO_UPDATE": "1",
    "LESS": "-R --mouse",
    "LD_LIBRARY_PATH": "/opt/lib",
    "NODE_OPTIONS": "--max-old-space-size=4096",
    "PATH": "/usr/bin:/bin",
    "PYTEST_ADDOPTS": "-q --tb=short",
    "RUSTFLAGS": "-D warnings",
    "UPDATE_SNAPSHOTS": "0",
    "npm_config_update_notifier": "true",
}


def test_what_everybody_has_all_day_keeps_no_command_from_being_answered() -> None:
    examine_environment(OF_EVERY_DAY)


@pytest.mark.parametrize(
    ("name", "value", "outcome"),
    [
        ("RUFF_OUTPUT_FILE", "report.txt", COMMAND_WRITES),
        ("NODE_V8_COVERAGE", "cov", COMMAND_WRITES),
        ("UPDATE_EXPECT", "1", COMMAND_WRITES),
        ("TRYBUILD", "overwrite", COMMAND_WRITES),
        ("GOFLAGS", "-coverprofile=x", COMMAND_WRITES),
        ("PYTEST_ADDOPTS", "--lf", COMMAND_FRESH),
        ("PYTEST_ADDOPTS", "-p randomly", UNKNOWN_OPTION),
        ("GOFLAGS", "-count=1", COMMAND_FRESH),
        ("JEST_NOCACHE", "yes", COMMAND_FRESH),
    ],
)
def test_what_has_a_command_write_or_run_anew_has_it_run(name: str, value: str, outcome: Outcome) -> None:
    with pytest.raises(Bypass) as caught:
        examine_environment({**OF_EVERY_DAY, name: value})
    assert caught.value.outcome is outcome
