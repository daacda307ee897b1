#!/usr/bin/env bash
# Schemathesis asks every door of a real server for what its description allows and for what it forbids, and compares
# each answer with the description (schemathesis.toml and schemathesis_hooks.py say how). The description itself is first
# checked against the specification of OpenAPI 3.1. It takes a minute or two.
#
# NEWSWIRE names the program, and TEST_PYTHON the interpreter that has schemathesis and openapi-spec-validator.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python=${TEST_PYTHON:-$PWD/target/python/bin/python}
newswire=$(realpath "${NEWSWIRE:-target/debug/newswire}")
config=$PWD/tests/schemathesis.toml
export SCHEMATHESIS_HOOKS=$PWD/tests/schemathesis_hooks.py
dir=$(mktemp -d)
server=
ended() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$dir"
}
trap ended EXIT
# What Schemathesis keeps for itself goes, too.
cd "$dir"

mkfifo said
"$newswire" --listen 127.0.0.1:0 --data data --drain 1 >said 2>log &
server=$!
exec 3<said
url= editor=
while [ -z "$editor" ] && read -r what first rest <&3; do
    case $what in
    page) url=${first%/} ;;
    token) editor=$first ;;
    esac
done
if [ -z "$editor" ]; then
    cat log >&2
    exit 1
fi

token=$("$newswire" token create admin --can admin --data data)
export SCHEMATHESIS_TOKEN=$token ITEM HELD RETRACTED REMOVED
for feed in changing deleted; do
    "$newswire" feed create "$feed" --title "$feed" --data data
done
item() { # HEADLINE
    curl -sSf -H "Authorization: Bearer $editor" -d "{\"headline\":\"$1\"}" "$url/v1/feeds/news-feed/items" |
        sed 's/.*"item":{"id":"\([^"]*\)".*/\1/'
}
ITEM=$(item "An item") HELD=$(item "Held back") RETRACTED=$(item "Retracted") REMOVED=$(item "Removed")

"$python" - "$url/openapi.json" <<'CHECK'
import json, sys, urllib.request
from openapi_spec_validator import OpenAPIV31SpecValidator

with urllib.request.urlopen(sys.argv[1]) as answer:
    OpenAPIV31SpecValidator(json.load(answer)).validate()
print("the description is OpenAPI 3.1")
CHECK

"$python" -m schemathesis.cli --config-file "$config" run "$url/openapi.json"
if ! kill -0 "$server"; then
    echo "the server did not outlive it" >&2
    tail -20 log >&2
    exit 1
fi
