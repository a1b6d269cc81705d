import { parentPort } from 'node:worker_threads';
import { startReceiver } from './receiver-server.ts';

const { origin } = await startReceiver();
parentPort?.postMessage({ receiverOrigin: origin });
