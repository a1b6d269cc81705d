# frozen_string_literal: true

require_relative 'verify'
require_relative 'verify_body'

secret = ENV.fetch('WEBHOOK_SECRET')
body = $stdin.binmode.read
verified =
  if ENV['WEBHOOK_HEADER'] == 'X-Bullseye-Signature'
    verify_body(secret, ARGV.first, body)
  else
    verify(secret, %w[webhook-id webhook-timestamp webhook-signature].zip(ARGV).to_h, body)
  end
puts verified ? 'verified' : 'refused'
exit verified
