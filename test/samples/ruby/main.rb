# frozen_string_literal: true

require_relative 'verify'

headers = %w[webhook-id webhook-timestamp webhook-signature].zip(ARGV).to_h
verified = verify(ENV.fetch('WEBHOOK_SECRET'), headers, $stdin.binmode.read)
puts verified ? 'verified' : 'refused'
exit verified
