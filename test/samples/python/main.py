import os
import sys

from verify import verify

names = ["webhook-id", "webhook-timestamp", "webhook-signature"]
headers = dict(zip(names, sys.argv[1:]))
verified = verify(os.environ["WEBHOOK_SECRET"], headers, sys.stdin.buffer.read())
print("verified" if verified else "refused")
sys.exit(0 if verified else 1)
