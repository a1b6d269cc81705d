<?php

declare(strict_types=1);

require __DIR__ . '/verify.php';

$names = ['webhook-id', 'webhook-timestamp', 'webhook-signature'];
$values = array_slice($argv, 1);
$headers = array_combine(array_slice($names, 0, count($values)), $values);
$verified = verify((string) getenv('WEBHOOK_SECRET'), $headers, (string) file_get_contents('php://stdin'));
echo $verified ? 'verified' : 'refused', "\n";
exit($verified ? 0 : 1);
