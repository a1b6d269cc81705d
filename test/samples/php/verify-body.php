<?php

declare(strict_types=1);

/**
 * Whether Bullseye sent this body.
 *
 * @param string $signature the request's X-Bullseye-Signature: $_SERVER['HTTP_X_BULLSEYE_SIGNATURE'] ?? ''
 * @param string $body as it came, before anything parsed it: file_get_contents('php://input')
 */
function verifyBody(string $secret, string $signature, string $body): bool
{
    return hash_equals(hash_hmac('sha256', $body, $secret), $signature);
}
