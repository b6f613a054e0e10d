"""Installed packages, by all that they hold."""

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.fingerprint.conftest import Project

SITE = ".venv/lib/python3.12/site-packages"


@pytest.fixture
def environment(repo: "Project") -> "Project":
    repo.write(".gitignore", ".venv/\nnode_modules/\nvendor/\n")
    repo.commit()
    repo.write(".venv/pyvenv.cfg", "home = /usr/bin\nversion = 3.12.1\n")
    repo.write(f"{SITE}/one-1.0.dist-info/RECORD", "one.py,,\n")
    repo.write(f"{SITE}/one/__init__.py", "")
    return repo


class TestPython:
    def test_a_new_distribution_and_another_version_count(self, environment: "Project") -> None:
        before = environment.rows()
        assert ("packages", "{root}/.venv/") in {row[:2] for row in before}
        environment.write(f"{SITE}/two-2.0.dist-info/RECORD", "")
        two = environment.rows()
        (environment.top / SITE / "one-1.0.dist-info").rename(environment.top / SITE / "one-1.1.dist-info")
        assert len({before, two, environment.rows()}) == 3

    def test_bytecode_does_not_count(self, environment: "Project") -> None:
        before = environment.rows()
        environment.write(f"{SITE}/one/__pycache__/x.pyc", "")
        assert environment.rows() == before

    def test_it_is_the_same_whether_or_not_git_ignores_it(self, environment: "Project") -> None:
        before = {row for row in environment.rows() if row[0] == "packages"}
        environment.write(".gitignore", "")
        after = environment.rows()
        assert {row for row in after if row[0] == "packages"} == before
        environment.write(f"{SITE}/one/__init__.py", "# large\n")
        assert environment.rows() != after

    def test_one_that_ignores_itself(self, environment: "Project") -> None:
        environment.write(".gitignore", "")
        environment.write(".venv/.gitignore", "*\n")
        environment.write(".venv/bin/python", "1")
        before = environment.rows()
        environment.write(".venv/bin/python3", "1")
        environment.write(".venv/include/x.h", "1")
        assert environment.rows() == before
        environment.write(".venv/bin/anything", "1")
        assert environment.rows() != before
        environment.write(f"{SITE}/two-2.0.dist-info/RECORD", "")
        assert environment.rows() != before

    def test_a_local_build_of_the_same_version_counts_by_its_files(self, environment: "Project") -> None:
        direct = json.dumps({"url": "file:///somewhere", "dir_info": {}})
        environment.write(f"{SITE}/one-1.0.dist-info/direct_url.json", direct)
        environment.write(f"{SITE}/one-1.0.dist-info/RECORD", "one.py,sha256=aaaa,1\n")
        before = environment.rows()
        environment.write(f"{SITE}/one-1.0.dist-info/RECORD", "one.py,sha256=bbbb,1\n")
        assert environment.rows() != before

    def test_an_editable_install_of_the_project_is_the_same_in_two_checkouts(self, environment: "Project") -> None:
        other = environment.beside("other")
        environment.git("clone", "-q", str(environment.top), str(other.top))
        for project in (environment, other):
            project.write(".venv/pyvenv.cfg", f"home = /usr/bin\nversion = 3.12.1\ncommand = {project.top}\n")
            project.write(f"{SITE}/one-1.0.dist-info/RECORD", "one.py,,\n")
            project.write(f"{SITE}/one/__init__.py", "")
            project.write(f"{SITE}/__editable__.me.pth", f"{project.top}/src\n")
        assert environment.rows() == other.rows()

    @pytest.mark.parametrize("finder", [True, False])
    def test_an_editable_install_from_elsewhere_counts_by_content(
        self, environment: "Project", *, finder: bool
    ) -> None:
        other = environment.beside("library")
        other.git("init", "-q")
        other.write("src/lib.py", "1\n")
        other.write("docs/a.md", "1\n")
        other.commit()
        if finder:
            environment.write(f"{SITE}/__editable___lib_finder.py", f"MAPPING = {{'lib': '{other.top}/src'}}\n")
        else:
            environment.write(f"{SITE}/lib.pth", f"{other.top}/src\n")
        before = environment.rows()
        other.write("docs/a.md", "2\n")
        assert environment.rows() == before
        other.write("src/lib.py", "2\n")
        assert environment.rows() != before


class TestNode:
    def test_the_files_count_and_a_cache_does_not(self, environment: "Project") -> None:
        environment.write("node_modules/.package-lock.json", '{"packages": {"node_modules/a": {"version": "1.0.0"}}}')
        environment.write("node_modules/a/index.js", "1")
        environment.write("node_modules/.cache/x", "1")
        before = environment.rows()
        environment.write("node_modules/.cache/x", "2")
        assert environment.rows() == before
        environment.write("node_modules/.package-lock.json", '{"packages": {"node_modules/a": {"version": "1.0.1"}}}')
        environment.write("node_modules/a/index.js", "2")
        changed = environment.rows()
        environment.write("node_modules/@scope/by_hand/package.json", "{}")
        assert len({before, changed, environment.rows()}) == 3

    def test_so_does_what_has_no_manifest(self, environment: "Project") -> None:
        environment.write("node_modules/a/package.json", '{"version": "1.0.0"}')
        before = environment.rows()
        environment.write("node_modules/a/package.json", '{"version": "1.0.1"}')
        assert environment.rows() != before

    def test_modules_above_the_project_count(self, environment: "Project") -> None:
        before = environment.rows()
        environment.beside("node_modules").write("a/package.json", "{}")
        assert environment.rows() != before

    def test_a_package_linked_from_elsewhere_counts_by_content(self, environment: "Project") -> None:
        library = environment.beside("library")
        library.write("index.js", "1")
        environment.write("node_modules/.package-lock.json", "{}")
        (environment.top / "node_modules/library").symlink_to("../../library")
        (environment.top / "node_modules/own").symlink_to("../src")
        before = environment.rows()
        library.write("index.js", "2")
        assert environment.rows() != before

    def test_a_linked_folder_counts_by_what_it_holds(self, environment: "Project") -> None:
        other = environment.beside("main_checkout")
        other.write("node_modules/a/package.json", '{"version": "1.0.0"}')
        (environment.top / "node_modules").symlink_to(other.top / "node_modules")
        before = environment.rows()
        other.write("node_modules/a/package.json", '{"version": "1.0.1"}')
        assert environment.rows() != before


@pytest.mark.parametrize("manifest", ["vendor/composer/installed.json", "vendor/modules.txt"])
def test_vendor_folders(environment: "Project", manifest: str) -> None:
    environment.write(manifest, "1")
    environment.write("vendor/some/code.php", "1")
    before = environment.rows()
    environment.write("vendor/some/code.php", "2")
    changed = environment.rows()
    environment.write(manifest, "2")
    assert len({before, changed, environment.rows()}) == 3


def test_bundled_gems(environment: "Project") -> None:
    environment.write("vendor/bundle/ruby/3.3.0/specifications/rake-13.0.gemspec")
    before = environment.rows()
    environment.write("vendor/bundle/ruby/3.3.0/gems/rake-13.0/lib/rake.rb")
    assert environment.rows() != before
    environment.write("vendor/bundle/ruby/3.3.0/specifications/rspec-3.0.gemspec")
    assert environment.rows() != before
