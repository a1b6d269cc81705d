declare namespace Cloudflare {
  interface Env {
    MIGRATIONS: import('cloudflare:test').D1Migration[];
    /** Of test/cost/growth.test.ts; empty where it takes its own number. */
    GROWTH_ROWS: string;
  }
}

/** A file's text, as Vite imports it. */
declare module '*?raw' {
  const text: string;
  export default text;
}
