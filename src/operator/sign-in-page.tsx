import { authenticate } from '../api/access/auth.ts';
import type { ApiError } from '../api/errors.ts';
import { errorHeaders, toApiError } from '../api/errors.ts';
import { readForm, textOf } from '../dashboard/parts/form.ts';
import { KeyField } from '../dashboard/session/key-field.tsx';
import { networkOf } from '../domain/access/client-address.ts';
import { page } from './layout.tsx';
import { paths, safeNext } from './paths.ts';
import { OPERATOR_SESSION_MS, type OperatorContext, signIn, signOut } from './session.ts';

/** `GET sign-in`. */
export async function showSignIn(c: OperatorContext): Promise<Response> {
  return await signInPage(c, c.req.query('next'));
}

/** `POST sign-in`: with the platform key. Keys that open nothing count as guesses of their network, as everywhere. */
export async function submitSignIn(c: OperatorContext): Promise<Response> {
  const nowMs = Date.now();
  const form = await readForm(c);
  const next = textOf(form, 'next');
  try {
    const waitUntil = (work: Promise<unknown>) => c.executionCtx.waitUntil(work);
    const caller = await authenticate(textOf(form, 'key'), { env: c.env, nowMs, network: networkOf(c.req.raw.headers), waitUntil });
    if (caller.kind !== 'platform') return await signInPage(c, next, 'These pages open with the platform key alone.', 403);
    await signIn(c, caller.keyIndex, nowMs);
    return c.redirect(safeNext(next), 303);
  } catch (error) {
    const refused = toApiError(error, c.get('requestId'), { method: c.req.method, path: c.req.path });
    const shown = await signInPage(c, next, refused.message, refused.status);
    for (const [name, value] of errorHeaders(refused)) shown.headers.set(name, value);
    return shown;
  }
}

/** `POST sign-out`. */
export async function submitSignOut(c: OperatorContext): Promise<Response> {
  await signOut(c);
  return c.redirect(paths.signIn, 303);
}

async function signInPage(
  c: OperatorContext,
  next: string | undefined,
  error?: string,
  status: ApiError['status'] | 200 = 200,
): Promise<Response> {
  return await page(
    c,
    { title: 'Sign in', status },
    <section class="card narrow">
      <h1>Operate the webhook service</h1>
      <form method="post" action={paths.signIn}>
        {next !== undefined && <input type="hidden" name="next" value={next} />}
        <KeyField
          label="Platform key"
          hint={`The Worker's secret PLATFORM_API_KEY. It opens everything, so you are signed out after ${OPERATOR_SESSION_MS / 3_600_000} hours.`}
          error={error}
        />
        <button type="submit" class="primary">
          Sign in
        </button>
      </form>
    </section>,
  );
}
