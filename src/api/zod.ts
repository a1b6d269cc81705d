import { z } from '@hono/zod-openapi';

// zod compiles validators with eval where it can; Workers forbid eval, and trying it logs a violation.
z.config({ jitless: true });

export { z };
