import { parseResponse, RESPONSE_KINDS, type ResponseFilter } from '../../domain/delivery/response-filter.ts';
import { z } from '../zod.ts';

/** As many attempts as a delivery can have. */
const MAX_ATTEMPTS = 50;

const NO_RESPONSE = `This is neither a status such as 422 nor one of ${RESPONSE_KINDS.join(', ')}.`;
const NO_ATTEMPTS = `This is not a whole number from 1 to ${MAX_ATTEMPTS}.`;

/** Filters of a list of deliveries by their attempts, in a query. */
export const answerFilters = {
  response: z
    .string()
    .transform((text, context): ResponseFilter => {
      const response = parseResponse(text);
      if (response === null) context.addIssue({ code: 'custom', message: NO_RESPONSE });
      return response ?? z.NEVER;
    })
    .optional()
    .openapi({
      type: 'string',
      pattern: `^([1-9]\\d\\d|${RESPONSE_KINDS.join('|')})$`,
      description:
        'How the last attempt that ended was answered: a status, or `2xx`, `3xx`, `4xx`, `5xx`, `timeout` (no answer in time) or `unreachable` (no connection, or none that held).',
      example: '422',
    }),
  minAttempts: z
    .string()
    .regex(/^\d{1,2}$/, NO_ATTEMPTS)
    .transform(Number)
    .refine((count) => count >= 1 && count <= MAX_ATTEMPTS, NO_ATTEMPTS)
    .optional()
    .openapi({ type: 'integer', minimum: 1, maximum: MAX_ATTEMPTS, description: 'Begun so often, or more.' }),
} as const;
