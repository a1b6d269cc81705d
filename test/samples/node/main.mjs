import { readFileSync } from 'node:fs';
import { verify, verifySimple } from './verify.mjs';

const [first, timestamp, signature] = process.argv.slice(2);
const { WEBHOOK_SECRET: secret, SIMPLE: simple } = process.env;
const body = readFileSync(0);
const verified = simple
  ? verifySimple(secret, { 'x-bullseye-signature': first }, body)
  : verify(secret, { 'webhook-id': first, 'webhook-timestamp': timestamp, 'webhook-signature': signature }, body);
console.log(verified ? 'verified' : 'refused');
process.exitCode = verified ? 0 : 1;
