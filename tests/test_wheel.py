"""What a wheel of this checkout holds, and that it works without the checkout."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from skillcache.cli.setup.entries import EVENTS
from skillcache.events.server.serve import PROTOCOL
from tests.readme_tables import PAGES

CHECKOUT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--quiet", "--disable-pip-version-check", "--wheel-dir", str(folder)]
    if importlib.util.find_spec("hatchling"):
        options.append("--no-build-isolation")
    elif os.environ.get("CI") != "true":  # there pip fetches it
        pytest.skip("hatchling is not installed")
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(CHECKOUT)], check=True, timeout=240)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the wheel's files, as an installation would."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_holds_the_package_the_hooks_inside_it_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}

    package = {
        f"skillcache/{path.relative_to(CHECKOUT / 'skillcache')}" for path in CHECKOUT.glob("skillcache/**/*.py")
    }
    hooks = {f"skillcache/hooks/{path.name}" for path in CHECKOUT.glob("hooks/*.[ps][yh]")}
    module = "skillcache/hooks/register.js"
    plugin = {str(path.relative_to(CHECKOUT)) for path in CHECKOUT.glob("skillcache/cli/setup/plugin_files/**/*.md")}
    skill = "skillcache/cli/setup/skills/redis-cache/SKILL.md"
    reference = {str(path.relative_to(CHECKOUT)) for path in PAGES[1:]}
    told = {"skillcache/LICENSE", "skillcache/CHANGELOG.md"}
    assert names == package | hooks | plugin | reference | told | {"skillcache/py.typed", skill, module}
    assert (CHECKOUT / skill).exists()
    assert plugin
    assert reference
    assert len(hooks) >= len(EVENTS)


def test_says_whose_it_is_and_under_which_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        said = archive.read(metadata).decode()
        licence = archive.read(metadata.replace("METADATA", "licenses/skillcache/LICENSE"))

    assert "\nLicense-Expression: MIT\nLicense-File: skillcache/LICENSE\n" in said
    assert "\nAuthor: The skillcache authors\n" in said
    assert licence == (CHECKOUT / "skillcache/LICENSE").read_bytes()


def test_its_help_is_read_without_the_checkout(site: Path, tmp_path: Path) -> None:
    for page in PAGES[1:]:
        done = subprocess.run(
            [sys.executable, "-m", "skillcache", "help", page.stem],
            env={"HOME": str(tmp_path), "PYTHONPATH": str(site)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.startswith(f"# {page.stem}: ")


def test_its_hooks_run_without_the_checkout(site: Path, tmp_path: Path) -> None:
    for script in EVENTS.values():
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-X", "importtime", str(site / "skillcache" / "hooks" / script)],
            input=b"no event",
            env={"HOME": str(tmp_path)},
            capture_output=True,
            check=True,
        )
        assert done.stdout == b""
        assert b"skillcache.events" in done.stderr
    assert (tmp_path / ".cache" / "skillcache" / "outcomes.log").read_text().count("\t500\t") == len(EVENTS)


def test_its_install_names_the_hooks_inside_the_package(site: Path, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "skillcache", "install"],
        env={"HOME": str(tmp_path), "PYTHONPATH": str(site), "PATH": os.environ["PATH"]},
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )

    settings = (tmp_path / ".claude" / "settings.json").read_text()
    assert all(f"{site}/skillcache/hooks/{script}" in settings for script in EVENTS.values())
    assert str(CHECKOUT / "hooks") not in settings


def test_its_plugin_starts_the_server_inside_the_package(site: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "skillcache", "plugin-path"],
        env={"HOME": str(tmp_path), "PYTHONPATH": str(site), "PATH": os.environ["PATH"]},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    folder = Path(done.stdout.strip())
    assert f'"{site}/skillcache/hooks/serve.py"' in (folder / "hooks/heard.js").read_text()
    assert (folder / "hooks/register.js").exists()
    assert (folder / "skills/redis-cache/SKILL.md").exists()
    process = subprocess.Popen(
        [sys.executable, "-I", str(site / "skillcache/hooks/serve.py")],
        env={"HOME": str(tmp_path), "CLAUDE_PID": str(os.getpid())},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert b'"protocol": %d' % PROTOCOL in process.stdout.readline()
    process.terminate()
    process.communicate(timeout=20)
