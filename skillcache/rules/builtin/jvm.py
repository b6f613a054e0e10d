"""Maven's and Gradle's tests and checks; what they build stays under target/ and build/."""

from skillcache.rules.builtin import Tool

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
# A profile or another property may bring any goal with it.
_MAVEN = Tool(
    "maven",
    "Bash(mvn test:*), Bash(mvn checkstyle:check:*), Bash(mvn spotless:check:*)",
    flags="""-q --quiet -B --batch-mode -o --offline -e --errors -ntp --no-transfer-progress -am --also-make -amd
    --also-make-dependents -fae --fail-at-end -ff --fail-fast -N --non-recursive -V --show-version -nsu
    --no-snapshot-updates""",
    values="""-pl --projects -T --threads -rf --resume-from -b --builder --color -D=test=* -D=it.test=* -D=groups=*
    -D=excludedGroups=* -D=surefire.failIfNoSpecifiedTests=* -D=failIfNoTests=* -D=checkstyle.skip*
    -D=spotless.check.skip* -D=style.color=*""",
    files="-f --file -s --settings -gs --global-settings -t --toolchains",
    writes="-l --log-file",
    fresh="-U --update-snapshots -cpu",
    goals=MAVEN_GOALS,
    env=_ENV,
    tools="java",
)
_GRADLE = Tool(
    "gradle",
    "Bash(gradle test:*), Bash(gradle check:*), Bash(./gradlew test:*)",
    flags="""--no-daemon --offline --continue -q --quiet -i --info -w --warn -s --stacktrace -S --full-stacktrace
    --parallel --no-parallel --build-cache --configuration-cache --no-configuration-cache --no-scan --no-watch-fs""",
    values="--tests -x --exclude-task --console --warning-mode --max-workers --priority",
    files="-p --project-dir -c --settings-file -b --build-file -g --gradle-user-home",
    writes="-t --continuous --scan --write-locks --write-verification-metadata --foreground --stop --gui -M -F",
    fresh="--no-build-cache --recompile-scripts",
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
        values="--reporter=plain --reporter=plain?group_by_file --reporter=json --reporter=checkstyle --limit",
        files="--editorconfig",
        flags="--color --relative",
        writes="-F --format --baseline",
        building="generateEditorConfig installGitPreCommitHook installGitPrePushHook",
        env=_ENV,
        tools="java",
    ),
    "detekt": Tool(
        "detekt",
        flags="--all-rules --build-upon-default-config --parallel",
        values="--excludes -ex --includes -in",
        files="--input -i --config -c --baseline -b --base-path -bp",
        writes="-r --create-baseline -cb --auto-correct -ac --generate-config -gc",
        env=_ENV,
        tools="java",
    ),
}
