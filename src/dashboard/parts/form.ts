import { readBody } from '../../api/body.ts';

/** Largest form, in bytes: one with the longest template, each of whose characters takes nine bytes as forms are sent. It stands in a page again, when it is refused. */
export const MAX_FORM_BYTES = 200_000;

/** The fields of a posted form. */
export async function readForm(c: { req: { raw: Request } }): Promise<URLSearchParams> {
  return new URLSearchParams(new TextDecoder().decode(await readBody(c.req.raw, MAX_FORM_BYTES)));
}

/** A field's text without the space around it; undefined where it is empty. */
export function textOf(form: URLSearchParams, name: string): string | undefined {
  return form.get(name)?.trim() || undefined;
}
