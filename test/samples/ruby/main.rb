# frozen_string_literal: true

require_relative 'verify'

simple = ENV.key?('SIMPLE')
names = simple ? %w[x-bullseye-signature] : %w[webhook-id webhook-timestamp webhook-signature]
headers = names.zip(ARGV).to_h
verified = send(simple ? :verify_simple : :verify, ENV.fetch('WEBHOOK_SECRET'), headers, $stdin.binmode.read)
puts verified ? 'verified' : 'refused'
exit verified
