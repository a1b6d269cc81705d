#!/bin/sh
. "${0%/*}/verify.sh"

body=$(mktemp)
trap 'rm -f "$body"' EXIT
cat > "$body"
if [ -n "${SIMPLE-}" ]; then
  verify_simple "$WEBHOOK_SECRET" "${1-}" "$body"
else
  verify "$WEBHOOK_SECRET" "${1-}" "${2-}" "${3-}" "$body"
fi && echo verified && exit
echo refused
exit 1
