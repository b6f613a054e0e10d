"""Go's tests, vet, format checks and linters."""

from skillcache.rules.builtin import Tool

_ENV = """GOFLAGS GOOS GOARCH GOARM GOAMD64 CGO_ENABLED GOEXPERIMENT GOTOOLCHAIN GOWORK GODEBUG GO111MODULE
GOPRIVATE GOROOT GOPATH GOTAGS GOMODCACHE"""
_BUILD_FLAGS = "-v -race -msan -asan -trimpath -linkshared"
_BUILD_VALUES = "-p -mod=readonly -mod=vendor -ldflags -gcflags -asmflags -buildmode -buildvcs -compiler"
_BUILD_FILES = "-C -modfile -pgo -overlay"
_BUILD_WRITES = "-o -work -toolexec -exec -pkgdir -x -n"
# Tests behind these talk to something that is running.
_LIVE_TAGS = "-tags=e2e* -tags=integration* -tags=live* -tags=smoke*"
GO_TEST = Tool(
    "go-test",
    flags=_BUILD_FLAGS + " -short -failfast -cover -json -fullpath -shuffle=off",
    values=_BUILD_VALUES + " -tags -run -skip -timeout -parallel -cpu -list -vet -covermode -coverpkg",
    files=_BUILD_FILES,
    outside=_LIVE_TAGS,
    writes=_BUILD_WRITES
    + """ -c -coverprofile -cpuprofile -memprofile -blockprofile -mutexprofile -outputdir -fuzz -fuzztime
    -benchtime -bench -benchmem""",
    fresh="-count -a",
    dashed=True,
    env=_ENV,
)


def _linter(name: str, pattern: str = "", **given: object) -> Tool:
    """A program with Go's own flags, which end at the first operand."""
    return Tool(name, pattern, **{"dashed": True, "ordered": True, **given})  # type: ignore[arg-type]


_FORMATS = "line-number colored-line-number json tab colored-tab github-actions code-climate checkstyle"
TABLE: dict[str, Tool] = {
    "go": Tool(
        "go",
        "Bash(go test:*), Bash(go vet:*)",
        subcommands={
            "test": GO_TEST,
            "vet": Tool(
                "go-vet",
                flags=_BUILD_FLAGS + " -json",
                values=_BUILD_VALUES + " -tags -c",
                files=_BUILD_FILES,
                writes="-o -toolexec -vettool -fix -diff -x -n",
                fresh="-a",
                dashed=True,
                env=_ENV,
            ),
        },
        building="build install generate get mod work run clean fmt fix tool bug",
    ),
    "gofmt": _linter("gofmt", "Bash(gofmt -l:*), Bash(gofmt -d:*)", needs="-l -d", flags="-l -d -s -e", writes="-w -r"),
    "gofumpt": _linter(
        "gofumpt",
        "Bash(gofumpt -l:*), Bash(gofumpt -d:*)",
        needs="-l -d",
        flags="-l -d -e -extra",
        values="-lang -modpath",
        writes="-w",
    ),
    "goimports": _linter(
        "goimports",
        "Bash(goimports -l:*), Bash(goimports -d:*)",
        needs="-l -d",
        flags="-l -d -e -format-only",
        values="-local -srcdir",
        writes="-w -cpuprofile -memprofile",
    ),
    "golangci-lint": Tool(
        "golangci-lint",
        "Bash(golangci-lint run:*), Bash(golangci-lint fmt --diff:*)",
        subcommands={
            "run": Tool(
                "golangci-lint",
                flags="--no-config --disable-all --enable-all --fast --fast-only --new=false --fix=false",
                maybe="""--tests --show-stats --print-issued-lines --print-linter-name --uniq-by-line --sort-results
                --allow-parallel-runners --allow-serial-runners""",
                values=f"""-E -D --enable --disable -p --presets --timeout --concurrency -j --build-tags
                --max-issues-per-linter --max-same-issues --path-prefix --path-mode --sort-order --color
                --issues-exit-code --modules-download-mode --go --enable-only --default -e --exclude --skip-dirs
                --skip-files {" ".join("--out-format=" + name for name in _FORMATS.split())}
                --output.text.path=stdout --output.json.path=stdout --output.tab.path=stdout""",
                files="-c --config",
                writes="--cpu-profile-path --mem-profile-path",
                fresh="-v --verbose",
                outside="--new -n --new-from-rev --new-from-patch --new-from-merge-base --whole-files",
                env=_ENV + " GOLANGCI_LINT_CACHE",
            ),
            "fmt": Tool(
                "golangci-fmt",
                needs="--diff -d",
                flags="--diff -d --no-config --diff-colored",
                values="-E --enable",
                files="-c --config",
            ),
        },
        building="cache custom migrate config",
    ),
    "staticcheck": _linter(
        "staticcheck",
        flags="-show-ignored",
        maybe="-tests",
        values="-checks -tags -go -f -fail",
        env=_ENV,
        writes="-merge",
    ),
    "revive": _linter("revive", flags="-set_exit_status", values="-formatter -exclude", files="-config", env=_ENV),
    "errcheck": _linter(
        "errcheck",
        flags="-blank -asserts -abspath -ignoretests -ignoregenerated",
        values="-ignore -tags",
        files="-exclude",
        env=_ENV,
    ),
    "gosec": _linter(
        "gosec",
        flags="-quiet -tests -exclude-generated -no-fail -nosec",
        values="-exclude -include -fmt -severity -confidence -exclude-dir",
        files="-conf",
        writes="-log -stdout -track-suppressions",
        env=_ENV,
    ),
    "fieldalignment": _linter("fieldalignment", flags="-json", env=_ENV),
    "modernize": _linter("modernize", flags="-json", maybe="-test", env=_ENV),
    "ineffassign": _linter("ineffassign", env=_ENV),
    "gotestsum": Tool(
        "gotestsum",
        flags="--no-color",
        values="-f --format --packages --hide-summary --format-icons --max-fails",
        after=GO_TEST,
        env=_ENV,
        tools="go",
        writes="--post-run-command --raw-command --jsonfile --debug",
        fresh="--rerun-fails",
    ),
}
