"""Cargo's checks and tests; what they build stays under target/."""

from skillcache.rules.builtin import Tool

_ENV = """RUSTFLAGS RUSTDOCFLAGS RUST_BACKTRACE RUST_LOG RUST_MIN_STACK RUST_TEST_THREADS RUSTUP_TOOLCHAIN
RUSTC_WRAPPER RUSTC CARGO_BUILD_TARGET CARGO_INCREMENTAL CARGO_PROFILE_DEV_DEBUG PROPTEST_CASES"""
_FLAGS = """-q --quiet -v --verbose --all --workspace --all-features --no-default-features --all-targets --bins
--examples --lib --tests --locked --offline --frozen --release -r --ignore-rust-version"""
_VALUES = """-p --package --exclude --bin --example --test -F --features --target -j --jobs --profile
--message-format --color -Z=warnings -Z=build-std* -Z=unstable-options"""
_FILES = "--manifest-path --config"
_WRITES = "--future-incompat-report --timings --unit-graph"
# Of libtest, behind `--`.
_LIBTEST = Tool(
    "libtest",
    flags="--nocapture --no-capture --exact --ignored --include-ignored --show-output --list -q --quiet",
    values="--test-threads --skip --color --format=pretty --format=terse",
    writes="--logfile --bench",
    fresh="--shuffle --shuffle-seed",
)
_RUSTC = Tool("rustc", values="-D -W -A -F --deny --warn --allow --forbid --cap-lints")
_RUSTFMT = Tool(
    "rustfmt",
    "Bash(rustfmt --check:*)",
    needs="--check",
    flags="--check -q --quiet -v --verbose",
    values="--edition --style-edition --color",
    files="--config-path",
    writes="--emit --backup -l --files-with-diff",
)


def _cargo(name: str, after: Tool | None = None, **more: str) -> Tool:
    """A subcommand of cargo: the options that all of them have, and its own."""
    return Tool(
        name,
        flags=f"{_FLAGS} {more.get('flags', '')}",
        values=f"{_VALUES} {more.get('values', '')}",
        files=_FILES,
        writes=f"{_WRITES} {more.get('writes', '')}",
        fresh=more.get("fresh", ""),
        after=after,
        env=_ENV,
        tools="rustc",
    )


_CLIPPY = _cargo(
    "cargo-clippy",
    _RUSTC,
    flags="--no-deps --keep-going --benches",
    values="--bench",
    writes="--allow-dirty --allow-staged --allow-no-vcs",
)
_CHECK = _cargo("cargo-check", flags="--keep-going --benches", values="--bench")
_TEST = _cargo("cargo-test", _LIBTEST, flags="--doc --no-fail-fast", writes="--no-run --bench --benches")
TABLE: dict[str, Tool] = {
    "cargo": Tool(
        "cargo",
        """Bash(cargo check:*), Bash(cargo clippy:*), Bash(cargo test:*), Bash(cargo nextest run:*),
        Bash(cargo fmt --check:*)""",
        flags="-q --quiet -v --verbose --offline --locked --frozen",
        subcommands={
            "check": _CHECK,
            "c": _CHECK,
            "clippy": _CLIPPY,
            "test": _TEST,
            "t": _TEST,
            "fmt": Tool(
                "cargo-fmt",
                needs="--check",
                flags="--check --all -q --quiet -v --verbose",
                values="-p --package --message-format",
                files="--manifest-path",
                after=_RUSTFMT,
            ),
            "nextest": Tool(
                "cargo-nextest",
                "Bash(cargo nextest run:*)",
                subcommands={
                    "run": _cargo(
                        "cargo-nextest",
                        _LIBTEST,
                        flags="""--no-fail-fast --fail-fast --no-capture --nocapture --hide-progress-bar
                        --no-output-indent""",
                        values="""-E --filter-expr --filterset --test-threads --partition --status-level
                        --final-status-level --failure-output --success-output --max-fail --run-ignored
                        --cargo-profile -P --no-tests --show-progress""",
                        writes="--no-run --tracer",
                        fresh="--retries --stress-count --stress-duration -R",
                    )
                },
                building="archive",
            ),
            "machete": Tool("cargo-machete", flags="--with-metadata"),
        },
        building="""build b run r install bench doc d new init add remove rm update publish package vendor fix
        clean uninstall generate-lockfile dist""",
    ),
    "rustfmt": _RUSTFMT,
}
