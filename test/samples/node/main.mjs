import { readFileSync } from 'node:fs';
import { verify } from './verify.mjs';

const [id, timestamp, signature] = process.argv.slice(2);
const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
const verified = verify(process.env.WEBHOOK_SECRET, headers, readFileSync(0));
console.log(verified ? 'verified' : 'refused');
process.exitCode = verified ? 0 : 1;
