# frozen_string_literal: true

require 'openssl'

TOLERANCE_SECONDS = 300
STANDARD_SECRET = %r{\Awhsec_((?:[A-Za-z0-9+/]{4})*[A-Za-z0-9+/]{2}(?:==|[A-Za-z0-9+/]=?|[A-Za-z0-9+/]{2})?)\z}

# Whether Bullseye sent this, with this body, within the last five minutes.
# headers: of the request; those of Rails do, a Hash needs names in lower case.
# body: as it came, before anything parsed it (request.raw_post, or rack.input read).
def verify(secret, headers, body)
  timestamp = headers['webhook-timestamp'].to_s
  seconds = Integer(timestamp, 10, exception: false)
  return false if seconds.nil? || (Time.now.to_i - seconds).abs > TOLERANCE_SECONDS

  signed = "#{headers['webhook-id']}.#{timestamp}.".b + body.b
  mac = OpenSSL::HMAC.digest('SHA256', key_of(secret), signed)
  expected = "v1,#{[mac].pack('m0')}"
  # There are several while rotations of the secret overlap.
  headers['webhook-signature'].to_s.split.any? { |signature| OpenSSL.secure_compare(signature, expected) }
end

# What follows `whsec_`, base64-decoded; of any other secret the UTF-8 bytes.
def key_of(secret)
  base64 = secret[STANDARD_SECRET, 1]
  base64 ? base64.unpack1('m') : secret
end

# Simpler, but no help against replays: X-Bullseye-Signature is the lower-case hex HMAC-SHA256 of the body alone, keyed with the
# UTF-8 bytes of the whole secret.
