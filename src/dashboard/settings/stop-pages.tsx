import type { Child } from 'hono/jsx';
import { getStatistics } from '../../api/statistics.ts';
import { endSecretOverlap } from '../../api/webhook-secrets.ts';
import { DAY_MS } from '../../domain/day.ts';
import { formerOf, secretsOf } from '../../domain/secret-rotation.ts';
import { nameOf } from '../../domain/webhook.ts';
import { unlessUnreachable } from '../overview-page.tsx';
import { page, rootCrumb } from '../page.tsx';
import { paths } from '../paths.ts';
import type { PageContext } from '../visit.ts';
import { done, leaveMessage } from '../webhook-actions.ts';
import { webhookCrumb, webhookOf } from '../webhook-page.tsx';
import { exactlyCounted } from '../wording.ts';

/** `GET <webhook>/pause`: says what a pause costs, and asks. */
export async function showPause(c: PageContext): Promise<Response> {
  const webhook = webhookOf(c);
  if (!webhook.enabled) return c.redirect(paths.webhook(webhook.id, 'settings'), 303);
  const counting = c.get('visit').call(getStatistics, { params: { webhookId: webhook.id }, query: { period: '1h' } });
  const waiting = (await unlessUnreachable(counting))?.waiting ?? null;
  return await ask(c, {
    title: `Pause “${nameOf(webhook)}”?`,
    part: 'pause',
    button: 'Pause',
    children: (
      <ul>
        <li>Nothing is sent until you resume it. Test events still are.</li>
        <li>{waitingWords(waiting)}</li>
        <li>
          Events that come meanwhile are skipped. You can send all that was skipped once you resume it, for as long as the log is kept:{' '}
          {exactlyCounted(c.get('visit').settings.retentionMs / DAY_MS, 'day', 'days')}.
        </li>
      </ul>
    ),
  });
}

function waitingWords(waiting: number | null): string {
  if (waiting === 0) return 'No delivery is waiting right now.';
  if (waiting === null) return 'Deliveries that wait are skipped when their time comes, unless you resume it before.';
  return `${exactlyCounted(waiting, 'delivery waits', 'deliveries wait')}. What falls due before you resume it is skipped.`;
}

/** `GET <webhook>/secret/end-overlap`: says what it costs to stop the former secrets now, and asks. */
export async function showEndOverlap(c: PageContext): Promise<Response> {
  const webhook = webhookOf(c);
  const former = formerOf(secretsOf(webhook, c.get('visit').nowMs));
  if (former.length === 0) return c.redirect(paths.webhook(webhook.id, 'settings'), 303);
  return await ask(c, {
    title: former.length === 1 ? 'Stop the old secret now?' : `Stop ${former.length} older secrets now?`,
    part: 'secret/end-overlap',
    button: former.length === 1 ? 'Stop the old secret' : 'Stop the older secrets',
    children: (
      <p>
        Deliveries are signed with the present secret alone within 5 seconds. An endpoint that checks signatures with an older one refuses
        them from then on, so make sure that yours has the present secret. This cannot be undone.
      </p>
    ),
  });
}

/** `POST <webhook>/secret/end-overlap`. */
export async function endOverlap(c: PageContext): Promise<Response> {
  const webhook = webhookOf(c);
  const { call, nowMs } = c.get('visit');
  const isOne = formerOf(secretsOf(webhook, nowMs)).length <= 1;
  return await leaveMessage(c, paths.webhook(webhook.id, 'settings'), async () => {
    await call(endSecretOverlap, { params: { webhookId: webhook.id } });
    return done(`The ${isOne ? 'old secret stops' : 'older secrets stop'} working everywhere within 5 seconds.`);
  });
}

interface Question {
  title: string;
  /** Where the button posts to. */
  part: string;
  button: string;
  children: Child;
}

async function ask(c: PageContext, { title, part, button, children }: Question): Promise<Response> {
  const webhook = webhookOf(c);
  const settings = { name: 'Settings', path: paths.webhook(webhook.id, 'settings') };
  return await page(
    c,
    { title, crumbs: [rootCrumb, webhookCrumb(webhook), settings] },
    <section class="card notice prose">
      <h1>{title}</h1>
      {children}
      <form method="post" action={paths.webhook(webhook.id, part)} class="actions">
        <button type="submit" class="primary">
          {button}
        </button>
        <a class="button" href={settings.path}>
          Cancel
        </a>
      </form>
    </section>,
  );
}
