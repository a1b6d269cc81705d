/** Of Node's API this and what node-zlib.d.ts declares are used by the Worker. */
declare module 'node:crypto' {
  export function createHmac(algorithm: 'sha256', key: Uint8Array): { update(text: string): { digest(): Uint8Array<ArrayBuffer> } };
}
