import { parentPort } from 'node:worker_threads';
import { startHostileEndpoints } from './hostile-endpoints.ts';

parentPort?.postMessage(await startHostileEndpoints());
