#!/bin/sh
. "${0%/*}/verify.sh"

body=$(mktemp)
trap 'rm -f "$body"' EXIT
cat > "$body"
if verify "$WEBHOOK_SECRET" "${1-}" "${2-}" "${3-}" "$body"; then
  echo verified
else
  echo refused
  exit 1
fi
