# For a look by hand: what is on a command line, as the key is here, the machine's other users can see.

TOLERANCE_SECONDS=300
STANDARD_SECRET='whsec_([A-Za-z0-9+/]{4})*[A-Za-z0-9+/]{2}(==|[A-Za-z0-9+/]=?|[A-Za-z0-9+/]{2})?'

# verify <secret> <webhook-id> <webhook-timestamp> <webhook-signature> <file with the body as it came>
# Whether Bullseye sent this, with this body, within the last five minutes.
verify() {
  case $3 in '' | *[!0-9]*) return 1 ;; esac
  age_seconds=$(($(date +%s) - $3))
  [ "${age_seconds#-}" -le "$TOLERANCE_SECONDS" ] || return 1
  expected=v1,$({ printf '%s.%s.' "$2" "$3"; cat "$5"; } | hmac_sha256 "$(key_of "$1")" | openssl base64 -A)
  # A shell has no comparison in constant time: hashed with a key that nobody knows, what differs tells nothing.
  blind=$(openssl rand -hex 32)
  # There are several signatures while rotations of the secret overlap.
  for signature in $4; do
    [ "$(printf %s "$signature" | hmac_sha256 "$blind" | openssl base64 -A)" = \
      "$(printf %s "$expected" | hmac_sha256 "$blind" | openssl base64 -A)" ] && return 0
  done
  return 1
}

hmac_sha256() {
  openssl dgst -sha256 -mac HMAC -macopt "hexkey:$1" -binary
}

# In hex: what follows whsec_, base64-decoded; of any other secret the UTF-8 bytes.
key_of() {
  if printf %s "$1" | grep -qxE "$STANDARD_SECRET"; then
    base64=${1#whsec_}
    base64=${base64%%=*}
    while [ $((${#base64} % 4)) -ne 0 ]; do base64=$base64=; done
    printf %s "$base64" | openssl base64 -d -A
  else
    printf %s "$1"
  fi | od -An -v -tx1 | tr -d ' \n'
}

# Simpler, but no help against replays: X-Bullseye-Signature is the lower-case hex HMAC-SHA256 of the body alone, keyed with the
# UTF-8 bytes of the whole secret: openssl dgst -sha256 -hmac "$SECRET" < body.json
