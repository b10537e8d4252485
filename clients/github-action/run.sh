#!/usr/bin/env bash
# The step of the action: one run of tenon, its answer and what it changed handed to the workflow.
# Takes TENON_ACTION_* (see action.yml) and GitHub's RUNNER_TEMP, GITHUB_OUTPUT and GITHUB_STEP_SUMMARY; needs git and python3.
# Not here: installing tenon, keys (the provider's own variables), posting comments.
set -euo pipefail

tenon=${TENON_ACTION_TENON:-tenon}
if ! command -v "$tenon" >/dev/null; then
    echo "::error::$tenon is not there: install it in an earlier step, or name it with the input tenon"
    exit 2
fi
cd "${TENON_ACTION_WORKING_DIRECTORY:-.}"
folder=$(mktemp -d "${RUNNER_TEMP:-/tmp}/tenon-XXXXXX")
events=$folder/events.jsonl
patch=$folder/changes.patch

given=(--json --profile "${TENON_ACTION_PROFILE:-read}" --timeout "${TENON_ACTION_TIMEOUT:-10m}")
[ -z "${TENON_ACTION_MODEL:-}" ] || given+=(--model "$TENON_ACTION_MODEL")
[ -z "${TENON_ACTION_MAX_STEPS:-}" ] || given+=(--max-steps "$TENON_ACTION_MAX_STEPS")
[ -z "${TENON_ACTION_MAX_COST:-}" ] || given+=(--max-cost "$TENON_ACTION_MAX_COST")

# What goes along with the prompt.
along=$folder/along.txt
: >"$along"
[ -z "${TENON_ACTION_BASE:-}" ] || git diff "$TENON_ACTION_BASE...HEAD" -- >>"$along"
[ -z "${TENON_ACTION_STDIN_FILE:-}" ] || cat -- "$TENON_ACTION_STDIN_FILE" >>"$along"
[ ! -s "$along" ] || given+=(--stdin)

run() {
    code=0
    "$tenon" run "${given[@]}" "$@" -- "${TENON_ACTION_PROMPT:?a prompt is needed}" <"$along" >"$events" || code=$?
}
if [ "${TENON_ACTION_CONTINUE:-false}" = true ]; then
    run --continue
    # There is no session yet: this one begins it.
    [ "$code" -ne 4 ] || run
else
    run
fi

# The answer, and what it cost, are in the last line; a run that could not begin has none.
python3 - "$events" "$folder" <<'END'
import json, pathlib, sys
found = {"answer": "", "cost": "", "session": ""}
for line in open(sys.argv[1], encoding="utf-8"):
    event = json.loads(line)
    if event["type"] == "run.opened":
        found["session"] = event["data"]["sessionId"]
    elif event["type"] == "run.ended":
        found["answer"] = event["data"].get("text") or ""
        found["cost"] = str(event["data"].get("cost") or "")
for name, value in found.items():
    pathlib.Path(sys.argv[2], name).write_text(value, encoding="utf-8")
END
session=$(cat "$folder/session")
: >"$patch"
[ -z "$session" ] || "$tenon" diff --session "$session" >"$patch" || true

# An answer may hold any line, so what ends it is one that nobody can foresee.
end=END-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
{
    printf 'answer<<%s\n%s\n%s\n' "$end" "$(cat "$folder/answer")" "$end"
    printf '%s\n' "exit=$code" "cost=$(cat "$folder/cost")" "session=$session" "patch=$patch" "events=$events"
} >>"${GITHUB_OUTPUT:-/dev/null}"
cat "$folder/answer" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
cat "$folder/answer"

# The cache takes files that are at rest.
[ "${TENON_ACTION_CONTINUE:-false}" != true ] || "$tenon" stop || true
for failing in ${TENON_ACTION_FAIL_ON-1 2 4 130}; do
    if [ "$code" -eq "$failing" ]; then
        echo "::error::tenon ended with $code"
        exit "$code"
    fi
done
