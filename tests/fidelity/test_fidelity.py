"""Whatever is served equals what a fresh run gives now: a bounded share of tests/benchmarks/fidelity.py."""

import shutil
import tempfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.fidelity.world import COMMANDS, Command, World

CHANGES = (
    "add_file", "begin_session", "change_link", "change_mode", "commit", "delete_file", "edit", "edit_ignored",
    "install_package", "pass_time", "rename_file", "restore", "set_variable", "stage", "stash", "switch_branch",
    "touch", "upgrade_tool",
)  # fmt: skip


class Fidelity(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.base = Path(tempfile.mkdtemp())
        self.world = World(self.base, "", Random(0))

    def teardown(self) -> None:
        shutil.rmtree(self.base)

    @rule(command=st.sampled_from(COMMANDS), seed=st.integers(0, 3))
    def call(self, command: Command, seed: int) -> None:
        self.world.random = Random(seed)
        self.world.call(command)

    @rule(name=st.sampled_from(CHANGES), seed=st.integers(0, 9))
    def change(self, name: str, seed: int) -> None:
        self.world.random = Random(seed)
        getattr(self.world, name)()

    @invariant()
    def nothing_served_was_wrong(self) -> None:
        assert not self.world.report.wrong, self.world.report.wrong[0]


Fidelity.TestCase.settings = settings(
    max_examples=5, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
TestFidelity = Fidelity.TestCase


@pytest.mark.parametrize("seed", [1, 2])
def test_a_long_mixed_day_is_served_well_and_never_wrongly(tmp_path: Path, seed: int) -> None:
    world = World(tmp_path, "", Random(seed))
    for _ in range(100):
        world.step()
    report = world.report
    assert report.wrong == []
    assert report.safe_served >= 0.9 * report.safe_repeats, report.missed
    assert report.hits > 5
