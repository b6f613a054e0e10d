"""Maven's and Gradle's tests and checks; what they build stays under target/ and build/."""

from skillcache.policy.tool import Tool

_ENV = "JAVA_HOME JAVA_OPTS JAVA_TOOL_OPTIONS MAVEN_OPTS MAVEN_ARGS GRADLE_OPTS GRADLE_USER_HOME"
# Every operand of these is a goal, and each must be one of the table.
MAVEN_GOALS = frozenset(
    """test checkstyle:check spotless:check spotbugs:check pmd:check enforcer:enforce surefire:test fmt:check
    ktlint:check formatter:validate validate sortpom:verify dependency:analyze-only""".split()  # noqa: SIM905
)
GRADLE_TASKS = frozenset(
    """test check lint detekt ktlintcheck spotlesscheck spotlessjavacheck spotlesskotlincheck checkstylemain
    checkstyletest spotbugsmain pmdmain pmdtest lintdebug lintrelease testdebugunittest testreleaseunittest
    testdebug jvmtest alltests unittest apicheck licensecheck""".split()  # noqa: SIM905
)
_MAVEN = Tool(
    "maven",
    "Bash(mvn test:*), Bash(mvn checkstyle:check:*), Bash(mvn spotless:check:*)",
    values="-pl --projects -P --activate-profiles -T --threads -rf --resume-from -b --builder --color",
    files="-f --file -s --settings -gs -t --toolchains",
    writes="-l --log-file -D=skipTests*",
    fresh="-U --update-snapshots -cpu",
    safe="-o --offline",
    goals=MAVEN_GOALS,
    dashed=True,
    env=_ENV,
    tools="java",
)
_GRADLE = Tool(
    "gradle",
    "Bash(gradle test:*), Bash(gradle check:*), Bash(./gradlew test:*)",
    values="--tests -x --exclude-task --console --warning-mode --max-workers --priority -P -D",
    files="-p --project-dir -c --settings-file -b --build-file -I --init-script -g --gradle-user-home",
    writes="""-t --continuous --scan --profile --write-locks --write-verification-metadata --update-locks
    --export-keys --daemon --foreground --stop --gui -M -F --debug-jvm""",
    fresh="--rerun-tasks --rerun --refresh-dependencies --no-build-cache --refresh-keys --recompile-scripts",
    safe="--offline --no-daemon --no-scan --project-dir --build-cache --configuration-cache --stacktrace",
    goals=GRADLE_TASKS,
    env=_ENV,
    tools="java",
)
TABLE: dict[str, Tool] = {
    "mvn": _MAVEN,
    "mvnw": _MAVEN,
    "mvnd": _MAVEN,
    "gradle": _GRADLE,
    "gradlew": _GRADLE,
    "ktlint": Tool(
        "ktlint",
        values="--reporter --editorconfig --limit",
        writes="-F --format --reporter=*output=* --baseline generateEditorConfig installGitPreCommitHook",
        env=_ENV,
        tools="java",
    ),
    "detekt": Tool(
        "detekt",
        values="--input -i --excludes -ex --includes",
        files="--config -c --baseline -b",
        writes="--report -r --create-baseline -cb --auto-correct -ac --generate-config -gc",
        env=_ENV,
        tools="java",
    ),
}
