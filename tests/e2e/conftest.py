"""What the end-to-end tests stand on: the real client, and a project with skillcache installed."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.conftest import unavailable
from tests.e2e import stubs
from tests.e2e.client import EARLIER_VERSION, OLD_VERSION, VERSION, find_client, find_installed
from tests.e2e.plugin import Plugged
from tests.e2e.project import CHECK_RULE, MCP_RULE, Place
from tests.fidelity.hooks import bare_python


@pytest.fixture(scope="session")
def claude() -> str:
    """The path of the real client: skipped by name where there is none, and required in CI."""
    return find_client() or unavailable(f"Claude Code {VERSION} is not installed")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, claude: str) -> Path:
    """Made once: `bare` and `installed` are the same project and home folder, without and with the hooks."""
    root = tmp_path_factory.mktemp("template")
    lay_out_pytest(root / "tools")
    Place(root / "bare", claude).make()
    shutil.copytree(root / "bare", root / "installed", symlinks=True)
    Place(root / "installed", claude).skillcache("install", "--scope", "user")
    return root


@pytest.fixture
def place(tmp_path: Path, claude: str, template: Path) -> Place:
    """A project with skillcache installed for its person."""
    return _copy(template, "installed", tmp_path / "place", claude)


@pytest.fixture
def bare_place(tmp_path: Path, claude: str, template: Path) -> Place:
    """A project whose person has no skillcache."""
    return _copy(template, "bare", tmp_path / "place", claude)


@pytest.fixture
def second_place(tmp_path: Path, claude: str, template: Path) -> Place:
    """The same project with another home folder, skillcache installed there too."""
    return _copy(template, "installed", tmp_path / "second", claude)


@pytest.fixture(scope="session")
def earlier_claude() -> str:
    """The path of a client that people had before."""
    return find_installed(EARLIER_VERSION) or unavailable(f"Claude Code {EARLIER_VERSION} is not installed")


@pytest.fixture(scope="session")
def old_claude() -> str:
    """The path of a client whose mods cannot answer calls."""
    return find_installed(OLD_VERSION) or unavailable(f"Claude Code {OLD_VERSION} is not installed")


@pytest.fixture
def runtime() -> Iterator[Path]:
    """A folder for sockets, whose paths must be short."""
    with tempfile.TemporaryDirectory(prefix="sc-") as folder:
        yield Path(folder)


@pytest.fixture
def plugged(tmp_path: Path, claude: str, template: Path, runtime: Path) -> Plugged:
    """A project whose person has the plugin and nothing else of ours."""
    shutil.copytree(template / "bare", tmp_path / "plugged", symlinks=True)
    place = Plugged(tmp_path / "plugged", claude, runtime)
    _give_pytest(place, template)
    place.configure(CHECK_RULE + MCP_RULE)
    return place


@pytest.fixture(params=["newest hooks bash"])
def stubbed(request: pytest.FixtureRequest, tmp_path: Path, template: Path, runtime: Path) -> Place:
    """A project with stubs for tools, by the client, the way of being set up and the shell that the parameter names."""
    which, lane, shell = request.param.split()
    client: str = request.getfixturevalue("claude" if which == "newest" else "earlier_claude")
    root = tmp_path / "stubbed"
    shutil.copytree(template / ("installed" if lane == "hooks" else "bare"), root, symlinks=True)
    place = Plugged(root, client, runtime) if lane == "plugin" else Place(root, client)
    stubs.furnish(place, shell)
    if isinstance(place, Plugged):
        place.lay_out()
    return place


def _copy(template: Path, kind: str, root: Path, claude: str) -> Place:
    shutil.copytree(template / kind, root, symlinks=True)
    place = Place(root, claude)
    _give_pytest(place, template)
    return place


def _give_pytest(place: Place, template: Path) -> None:
    place.client.env["PATH"] = f"{template}/tools/bin:{place.client.env['PATH']}"


def lay_out_pytest(folder: Path) -> None:
    """Lays out pytest in an environment with nothing else in it.

    Beside the other packages of these tests lies the checkout, and all that its own text names would count.
    """
    python = bare_python(folder)
    packages = folder / f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    for name in ("pytest", "pluggy", "iniconfig", "packaging", "pygments"):
        for file in distribution(name).files or ():
            if file.suffix == ".py" or ".dist-info" in file.parts[0]:
                path = packages / file
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file.locate(), path)
    program = folder / "bin/pytest"
    program.write_text(f"#!{python}\nimport sys\nimport pytest\nsys.exit(pytest.main())\n")
    program.chmod(0o755)
