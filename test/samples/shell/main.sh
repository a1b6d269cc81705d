#!/bin/sh
. "${0%/*}/verify.sh"
. "${0%/*}/verify-body.sh"

body=$(mktemp)
trap 'rm -f "$body"' EXIT
cat > "$body"
verified() {
  if [ "${WEBHOOK_HEADER-}" = X-Bullseye-Signature ]; then
    verify_body "$WEBHOOK_SECRET" "${1-}" "$body"
  else
    verify "$WEBHOOK_SECRET" "${1-}" "${2-}" "${3-}" "$body"
  fi
}
if verified "$@"; then
  echo verified
else
  echo refused
  exit 1
fi
