"""What the shims stand on goes away in the middle of a session, or was never fit: calls are as without us."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from skillcache.core.paths import hooks_folder, package_folder
from tests.conftest import unavailable
from tests.e2e.project import Place, after
from tests.e2e.stubs import RAN, SAID, UNSEEN, Step, clients_files, furnish, play, said_by_hooks, sentences, told, tool

RAN_UNSEEN = Step("pytest -q", SAID, 1, UNSEEN)
# The client in a mount namespace of its own.
APART = ("unshare", "--user", "--map-root-user", "--mount")
CACHES = {
    "noexec": "mount -t tmpfs -o noexec none {cache}",
    "read-only": "mount --bind {cache} {cache} && mount -o remount,bind,ro {cache}",
}


class Installation:
    """Of skillcache, in a place of its own: `python`, and `site` with the package and the hooks."""

    def __init__(self, root: Path) -> None:
        self.python, self.site = root / "python", root / "site"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(self.python)], check=True)
        for path in (package_folder(), hooks_folder()):
            skipped = shutil.ignore_patterns("__pycache__")
            shutil.copytree(path, self.site / os.path.basename(path), ignore=skipped)

    def install_for(self, place: Place) -> None:
        click = [path for path in sys.path if path.endswith("site-packages")]
        subprocess.run(
            [self.python / "bin/python3", "-m", "skillcache", "install"],
            cwd=place.project,
            env={**place.client.environment(), "PYTHONPATH": ":".join([str(self.site), *click])},
            stdout=subprocess.DEVNULL,
            check=True,
        )


def test_whatever_goes_away_the_command_runs_and_comes_back_to_its_result(bare_place: Place) -> None:
    place, installation = bare_place, Installation(bare_place.root / "own")
    furnish(place)
    installation.install_for(place)

    def without(path: Path) -> list[Step]:
        """A call while `path` is away, and one once it is back."""
        elsewhere = place.root / "elsewhere"

        def change(source: Path, target: Path) -> Callable[[], object]:
            return lambda: source.rename(target)

        away, back = change(path, elsewhere), change(elsewhere, path)
        return [RAN_UNSEEN._replace(call=after(away, "pytest -q")), Step(after(back, "pytest -q"), SAID)]

    site = installation.site
    session = play(
        place,
        Step("pytest -q", SAID, 1, RAN),
        Step("pytest -q", SAID),
        *without(site),
        without(installation.python)[0]._replace(runs=0, outcomes=("replayed",)),  # the real interpreter is still there
        without(installation.python)[1],
        *without(site / "skillcache"),
        *without(site / "hooks/stand_in.py"),
        Step("pytest -q 2>&1 | tail -1", "all is well"),
    )
    assert len(told(session)) == 1


@pytest.mark.parametrize("stubbed", ["earlier plugin zsh"], indirect=True)
def test_an_emptied_cache_folder_leaves_the_session_as_it_would_be(stubbed: Place) -> None:
    place = stubbed

    def empty() -> None:
        shutil.rmtree(place.home / ".cache/skillcache")

    play(
        place,
        Step("pytest -q", SAID, 1, RAN),
        Step("pytest -q", SAID),
        RAN_UNSEEN._replace(call=after(empty, "pytest -q")),
        RAN_UNSEEN,
        Step("./gradlew test", "one test\ntwo\nall is well", 1, UNSEEN),
        Step("command -v pytest", str(place.root / "bin/pytest"), 0, UNSEEN),
    )
    play(place, Step("pytest -q", SAID, 1, RAN), Step("pytest -q", SAID))


@pytest.mark.parametrize("kind", list(CACHES))
def test_where_no_shim_can_be_started_the_client_is_told_nothing(stubbed: Place, kind: str) -> None:
    place, cache = stubbed, stubbed.home / ".cache/skillcache"
    if subprocess.run([*APART, "true"], check=False, capture_output=True).returncode:
        unavailable("a mount namespace cannot be made")
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    client, mount = place.client.binary, CACHES[kind].format(cache=cache)
    tool(place.root / "apart", f'#!/bin/sh\nexec {" ".join(APART)} sh -c \'{mount} && exec "$@"\' sh {client} "$@"\n')
    place.client.binary = str(place.root / "apart")
    session = play(place, RAN_UNSEEN, RAN_UNSEEN)
    assert "".join(clients_files(place, session)) == ""
    assert sentences(session) == 0
    assert told(session) == []
    assert said_by_hooks(session).strip() == ""
