# For a look by hand: what is on a command line, as the key is here, the machine's other users can see.

# verify_body <secret> <X-Bullseye-Signature> <file with the body as it came>
# Whether Bullseye sent this body.
verify_body() {
  key=$(printf %s "$1" | od -An -v -tx1 | tr -d ' \n')
  expected=$(openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary < "$3" | od -An -v -tx1 | tr -d ' \n')
  # A shell has no comparison in constant time: hashed with a key that nobody knows, what differs tells nothing.
  blind=$(openssl rand -hex 32)
  [ "$(printf %s "$2" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$blind")" = \
    "$(printf %s "$expected" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$blind")" ]
}
