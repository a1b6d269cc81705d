<?php

declare(strict_types=1);

require __DIR__ . '/verify.php';
require __DIR__ . '/verify-body.php';

$secret = (string) getenv('WEBHOOK_SECRET');
$body = (string) file_get_contents('php://stdin');
$values = array_slice($argv, 1);
if (getenv('WEBHOOK_HEADER') === 'X-Bullseye-Signature') {
    $verified = verifyBody($secret, $values[0] ?? '', $body);
} else {
    $names = ['webhook-id', 'webhook-timestamp', 'webhook-signature'];
    $headers = array_combine(array_slice($names, 0, count($values)), $values);
    $verified = verify($secret, $headers, $body);
}
echo $verified ? 'verified' : 'refused', "\n";
exit($verified ? 0 : 1);
