"""Go's tests, vet, format checks and linters."""

from skillcache.policy.tool import Tool

_ENV = """GOFLAGS GOOS GOARCH GOARM GOAMD64 CGO_ENABLED GOEXPERIMENT GOTOOLCHAIN GOWORK GODEBUG GO111MODULE
GOPRIVATE GOROOT GOPATH GOTAGS GOMODCACHE"""
_BUILD_VALUES = """-tags -p -mod -ldflags -gcflags -asmflags -buildmode -compiler -covermode -coverpkg -pgo
-overlay"""
_BUILD_WRITES = "-o -work -toolexec -exec -pkgdir -x -n"

TABLE: dict[str, Tool] = {
    "go": Tool(
        "go",
        "Bash(go test:*), Bash(go vet:*)",
        subcommands={
            "test": Tool(
                "go-test",
                values=_BUILD_VALUES + " -run -skip -timeout -parallel -cpu -list -vet -shuffle -fuzztime",
                files="-C -modfile",
                writes=_BUILD_WRITES
                + """ -c -coverprofile -cpuprofile -memprofile -blockprofile -mutexprofile -trace
                -outputdir -fuzz -update -test.coverprofile -test.cpuprofile -test.memprofile -test.trace -testlogfile
                -json.output -benchtime -bench -benchmem -test.bench""",
                fresh="-count -test.count -a",
                outside="-tags=e2e* -tags=integration* -tags=live* -tags=smoke*",
                safe="-shuffle=off -failfast -fullpath",
                dashed=True,
                env=_ENV,
            ),
            "vet": Tool(
                "go-vet",
                values=_BUILD_VALUES + " -c",
                files="-C -modfile",
                writes="-o -toolexec -vettool -fix -diff -x -n",
                fresh="-a",
                dashed=True,
                env=_ENV,
            ),
        },
        building="build install generate get mod work run clean fmt fix tool bug",
    ),
    "gofmt": Tool(
        "gofmt", "Bash(gofmt -l:*), Bash(gofmt -d:*)", needs="-l -d", values="-r", writes="-w -cpuprofile -r"
    ),
    "gofumpt": Tool(
        "gofumpt", "Bash(gofumpt -l:*), Bash(gofumpt -d:*)", needs="-l -d", values="-lang -modpath", writes="-w"
    ),
    "goimports": Tool(
        "goimports",
        "Bash(goimports -l:*), Bash(goimports -d:*)",
        needs="-l -d",
        values="-local",
        dashed=True,
        writes="-w -cpuprofile -memprofile -trace",
    ),
    "golangci-lint": Tool(
        "golangci-lint",
        "Bash(golangci-lint run:*), Bash(golangci-lint fmt --diff:*)",
        subcommands={
            "run": Tool(
                "golangci-lint",
                values="""-E -D --enable --disable -p --presets --timeout --concurrency -j --build-tags
                --max-issues-per-linter --max-same-issues --path-prefix --path-mode --sort-order --color
                --out-format --issues-exit-code --modules-download-mode --go --enable-only --default -e
                --exclude --skip-dirs --skip-files""",
                files="-c --config",
                writes="""--fix --out-format=*:* --cpu-profile-path --mem-profile-path --trace-path
                --out-format=html* --out-format=junit* --out-format=checkstyle:*""",
                outside="--new -n --new-from-rev --new-from-patch --new-from-merge-base --whole-files",
                safe="""--new=false --show-stats --print-issued-lines --print-linter-name --uniq-by-line
                --out-format"""
                "--allow-parallel-runners --allow-serial-runners --tests",
                env=_ENV + " GOLANGCI_LINT_CACHE",
            ),
            "fmt": Tool("golangci-fmt", needs="--diff -d", values="-E --enable", files="-c --config"),
        },
        building="cache custom migrate config",
    ),
    "staticcheck": Tool(
        "staticcheck",
        values="-checks -tags -go -f -fail",
        dashed=True,
        env=_ENV,
        writes="-debug.cpuprofile -debug.memprofile -debug.trace -merge",
    ),
    "revive": Tool("revive", values="-formatter -exclude", files="-config", dashed=True, env=_ENV),
    "errcheck": Tool("errcheck", values="-ignore -tags", files="-exclude", dashed=True, env=_ENV),
    "gosec": Tool(
        "gosec",
        values="-exclude -include -fmt -severity -confidence -exclude-dir",
        files="-conf",
        dashed=True,
        writes="-out -log -stdout -track-suppressions",
        env=_ENV,
    ),
    "fieldalignment": Tool("fieldalignment", dashed=True, writes="-fix", env=_ENV),
    "modernize": Tool("modernize", dashed=True, writes="-fix", env=_ENV),
    "ineffassign": Tool("ineffassign", dashed=True, env=_ENV),
    "gotestsum": Tool(
        "gotestsum",
        values="-f --format --packages --hide-summary",
        env=_ENV,
        tools="go",
        writes="""--junitfile --jsonfile --watch --watch-chdir --post-run-command --raw-command -coverprofile
        --debug""",
        fresh="--rerun-fails -count -count=* --rerun-fails-max-failures",
    ),
}
