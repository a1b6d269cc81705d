import os
import sys

from verify import verify
from verify_body import verify_body

secret = os.environ["WEBHOOK_SECRET"]
body = sys.stdin.buffer.read()
if os.environ.get("WEBHOOK_HEADER") == "X-Bullseye-Signature":
    verified = verify_body(secret, "".join(sys.argv[1:2]), body)
else:
    names = ["webhook-id", "webhook-timestamp", "webhook-signature"]
    verified = verify(secret, dict(zip(names, sys.argv[1:])), body)
print("verified" if verified else "refused")
sys.exit(0 if verified else 1)
