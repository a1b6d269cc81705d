/** Of Node's API this alone is used by the Worker: Node's own types would put all of it within reach (`process`, `Buffer`). */
declare module 'node:zlib' {
  export function deflateRawSync(data: Uint8Array): Uint8Array<ArrayBuffer>;
  export function inflateRawSync(data: Uint8Array): Uint8Array<ArrayBuffer>;
}

declare module 'node:crypto' {
  export interface Hmac {
    update(text: string): Hmac;
    digest(): Uint8Array<ArrayBuffer>;
  }
  export function createHmac(algorithm: 'sha256', key: Uint8Array): Hmac;
}

declare module 'node:async_hooks' {
  export class AsyncLocalStorage<T> {
    run<R>(store: T, work: () => R): R;
    getStore(): T | undefined;
  }
}
