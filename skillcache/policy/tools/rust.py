"""Cargo's checks and tests; what they build stays under target/."""

from skillcache.policy.tool import Tool

_ENV = """RUSTFLAGS RUSTDOCFLAGS RUST_BACKTRACE RUST_LOG RUST_MIN_STACK RUST_TEST_THREADS RUSTUP_TOOLCHAIN
RUSTC_WRAPPER RUSTC CARGO_BUILD_TARGET CARGO_INCREMENTAL CARGO_PROFILE_DEV_DEBUG PROPTEST_CASES"""
_VALUES = """-p --package --exclude --bin --example --test --bench -F --features --target -j --jobs --profile
--message-format --color -Z --cap-lints"""
_FILES = "--manifest-path --config --target-dir -C --lockfile-path"
_WRITES = """--future-incompat-report --timings --out-dir --artifact-dir --build-plan --unit-graph
--keep-going-out -h"""
_SAFE = "--profile --open-handles --message-format --locked --offline --frozen --keep-going --no-fail-fast"


def _cargo(name: str, **more: str) -> Tool:
    """A subcommand of cargo: the options that all of them have, and its own."""
    own = {key: more.get(key, "") for key in ("values", "writes", "fresh", "safe", "needs")}
    return Tool(
        name,
        values=f"{_VALUES} {own['values']}",
        files=_FILES,
        writes=f"{_WRITES} {own['writes']}",
        fresh=own["fresh"],
        safe=f"{_SAFE} {own['safe']}",
        needs=own["needs"],
        env=_ENV,
        tools="rustc",
    )


_CLIPPY = _cargo("cargo-clippy", writes="--fix --allow-dirty --allow-staged --allow-no-vcs")
_CHECK = _cargo("cargo-check")
_TEST = _cargo("cargo-test", writes="--no-run --bench --benches --logfile", fresh="--shuffle --shuffle-seed")
TABLE: dict[str, Tool] = {
    "cargo": Tool(
        "cargo",
        """Bash(cargo check:*), Bash(cargo clippy:*), Bash(cargo test:*), Bash(cargo nextest run:*),
        Bash(cargo fmt --check:*)""",
        subcommands={
            "check": _CHECK,
            "c": _CHECK,
            "clippy": _CLIPPY,
            "test": _TEST,
            "t": _TEST,
            "fmt": Tool(
                "cargo-fmt",
                needs="--check",
                passes=True,
                values="-p --package --message-format",
                files="--manifest-path --config-path",
                safe="--all",
            ),
            "nextest": Tool(
                "cargo-nextest",
                "Bash(cargo nextest run:*)",
                subcommands={
                    "run": _cargo(
                        "cargo-nextest",
                        values="""-E --filter-expr --filterset --test-threads --partition --status-level
                        --final-status-level"""
                        """--failure-output --success-output --max-fail --run-ignored --cargo-profile
                        -P --retries --no-tests"""
                        "--show-progress",
                        writes="--archive-file --no-run --debugger --tracer",
                        fresh="--retries --flaky-result --stress-count --stress-duration -R --rerun",
                        safe="--failure-output --success-output --no-capture --no-output-indent",
                    )
                },
                building="archive",
            ),
            "machete": Tool("cargo-machete", writes="--fix"),
        },
        building="""build b run r install bench doc d new init add remove rm update publish package vendor fix
        clean uninstall"""
        "generate-lockfile dist",
    ),
    "rustfmt": Tool(
        "rustfmt",
        "Bash(rustfmt --check:*)",
        needs="--check",
        values="--edition --style-edition --color",
        files="--config-path",
        writes="--emit --backup",
        safe="--config",
    ),
}
