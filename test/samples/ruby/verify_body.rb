# frozen_string_literal: true

require 'openssl'

# Whether Bullseye sent this body.
# signature: the request's X-Bullseye-Signature, or nil.
# body: as it came, before anything parsed it (request.raw_post, or rack.input read).
def verify_body(secret, signature, body)
  expected = OpenSSL::HMAC.hexdigest('SHA256', secret, body)
  OpenSSL.secure_compare(signature.to_s, expected)
end
