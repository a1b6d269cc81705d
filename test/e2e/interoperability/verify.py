import sys

from standardwebhooks.webhooks import Webhook

# The secret and the three headers are arguments, the body comes on standard input. It exits with 0 if the delivery verifies.
secret, *values = sys.argv[1:]
headers = dict(zip(("webhook-id", "webhook-timestamp", "webhook-signature"), values))
Webhook(secret).verify(sys.stdin.buffer.read(), headers)
