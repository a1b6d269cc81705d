<?php

declare(strict_types=1);

const TOLERANCE_SECONDS = 300;
const STANDARD_SECRET = '~^whsec_((?:[A-Za-z0-9+/]{4})*[A-Za-z0-9+/]{2}(?:==|[A-Za-z0-9+/]=?|[A-Za-z0-9+/]{2})?)$~D';

/**
 * Whether Bullseye sent this, with this body, within the last five minutes.
 *
 * @param array<string, string> $headers of the request, names in lower case: array_change_key_case(getallheaders())
 * @param string $body as it came, before anything parsed it: file_get_contents('php://input')
 */
function verify(string $secret, array $headers, string $body): bool
{
    $id = $headers['webhook-id'] ?? '';
    $timestamp = $headers['webhook-timestamp'] ?? '';
    if (!ctype_digit($timestamp) || abs(time() - (int) $timestamp) > TOLERANCE_SECONDS) {
        return false;
    }
    $mac = hash_hmac('sha256', "$id.$timestamp.$body", keyOf($secret), binary: true);
    $expected = 'v1,' . base64_encode($mac);
    // There are several while rotations of the secret overlap.
    foreach (explode(' ', $headers['webhook-signature'] ?? '') as $signature) {
        if (hash_equals($expected, $signature)) {
            return true;
        }
    }
    return false;
}

/** What follows `whsec_`, base64-decoded; of any other secret the UTF-8 bytes. */
function keyOf(string $secret): string
{
    return preg_match(STANDARD_SECRET, $secret, $match) ? base64_decode($match[1]) : $secret;
}

// Simpler, but no help against replays: X-Bullseye-Signature is the lower-case hex HMAC-SHA256 of the body alone, keyed with the
// UTF-8 bytes of the whole secret.
