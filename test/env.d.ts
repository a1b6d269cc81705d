declare namespace Cloudflare {
  interface Env {
    MIGRATIONS: import('cloudflare:test').D1Migration[];
    /** Of test/cost/growth.test.ts; empty where it takes its own number. */
    GROWTH_ROWS: string;
  }
}
