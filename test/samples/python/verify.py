import base64
import hashlib
import hmac
import re
import time
from typing import Mapping

TOLERANCE_SECONDS = 300
STANDARD_SECRET = re.compile(r"whsec_((?:[A-Za-z0-9+/]{4})*[A-Za-z0-9+/]{2}(?:==|[A-Za-z0-9+/]=?|[A-Za-z0-9+/]{2})?)")


def verify(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether Bullseye sent this, with this body, within the last five minutes.

    headers: of the request; Flask's, Django's and Starlette's do, a dict needs names in lower case.
    body: as it came, before anything parsed it.
    """
    timestamp = headers.get("webhook-timestamp", "")
    try:
        age_seconds = abs(int(time.time()) - int(timestamp))
    except ValueError:
        return False
    if age_seconds > TOLERANCE_SECONDS:
        return False
    signed = f"{headers.get('webhook-id', '')}.{timestamp}.".encode() + body
    mac = hmac.new(key_of(secret), signed, hashlib.sha256).digest()
    expected = b"v1," + base64.b64encode(mac)
    # There are several while rotations of the secret overlap.
    signatures = headers.get("webhook-signature", "").encode().split(b" ")
    return any(hmac.compare_digest(signature, expected) for signature in signatures)


def key_of(secret: str) -> bytes:
    """What follows `whsec_`, base64-decoded; of any other secret the UTF-8 bytes."""
    match = STANDARD_SECRET.fullmatch(secret)
    if not match:
        return secret.encode()
    return base64.b64decode(match[1] + "=" * (-len(match[1]) % 4))


# Simpler, but no help against replays: X-Bullseye-Signature is the lower-case hex HMAC-SHA256 of the body alone, keyed with the
# UTF-8 bytes of the whole secret.
