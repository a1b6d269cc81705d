import { readFileSync } from 'node:fs';
import { verify } from './verify.mjs';
import { verifyBody } from './verify-body.mjs';

const secret = process.env.WEBHOOK_SECRET;
const body = readFileSync(0);
const [id, timestamp, signature] = process.argv.slice(2);
const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
const verified =
  process.env.WEBHOOK_HEADER === 'X-Bullseye-Signature' ? verifyBody(secret, process.argv[2], body) : verify(secret, headers, body);
console.log(verified ? 'verified' : 'refused');
process.exitCode = verified ? 0 : 1;
