import hashlib
import hmac


def verify_body(secret: str, signature: str, body: bytes) -> bool:
    """Whether Bullseye sent this body.

    signature: the request's X-Bullseye-Signature.
    body: as it came, before anything parsed it.
    """
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(signature.encode(), expected.encode())
