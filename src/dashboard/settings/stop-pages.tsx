import type { Child } from 'hono/jsx';
import { getStatistics } from '../../api/deliveries/statistics.ts';
import { endSecretOverlap } from '../../api/webhooks/webhook-secrets.ts';
import { keptMs } from '../../domain/quota.ts';
import { DAY_MS } from '../../domain/text/day.ts';
import { formerOf, secretsOf } from '../../domain/webhook/secret-rotation.ts';
import { nameOf } from '../../domain/webhook/webhook.ts';
import { page, rootCrumb } from '../frame/page.tsx';
import { paths } from '../frame/paths.ts';
import type { PageContext } from '../frame/visit.ts';
import { unlessUnreachable } from '../webhook/overview-page.tsx';
import { done, leaveMessage } from '../webhook/webhook-actions.ts';
import { webhookCrumb, webhookOf } from '../webhook/webhook-page.tsx';
import { t } from '../words/words.tsx';

/** `GET <webhook>/pause`: says what a pause costs, and asks. */
export async function showPause(c: PageContext): Promise<Response> {
  const webhook = webhookOf(c);
  if (!webhook.enabled) return c.redirect(paths.webhook(webhook.id, 'settings'), 303);
  const counting = c.get('visit').call(getStatistics, { params: { webhookId: webhook.id }, query: { period: '1h' } });
  const waiting = (await unlessUnreachable(counting))?.waiting ?? null;
  const { settings, organization } = c.get('visit');
  return await ask(c, {
    title: t('pause.title', { webhook: nameOf(webhook) }),
    part: 'pause',
    button: t('settings.pause'),
    children: (
      <ul>
        <li>{t('pause.nothingSent')}</li>
        <li>{waiting === null ? t('pause.waitingUnknown') : t('pause.waiting', { count: waiting })}</li>
        <li>{t('pause.meanwhile', { days: keptMs(settings, organization.plan) / DAY_MS })}</li>
      </ul>
    ),
  });
}

/** `GET <webhook>/secret/end-overlap`: says what it costs to stop the former secrets now, and asks. */
export async function showEndOverlap(c: PageContext): Promise<Response> {
  const webhook = webhookOf(c);
  const former = formerOf(secretsOf(webhook, c.get('visit').nowMs));
  if (former.length === 0) return c.redirect(paths.webhook(webhook.id, 'settings'), 303);
  return await ask(c, {
    title: t('overlap.title', { count: former.length }),
    part: 'secret/end-overlap',
    button: t('overlap.submit', { count: former.length }),
    children: <p>{t('overlap.cost')}</p>,
  });
}

/** `POST <webhook>/secret/end-overlap`. */
export async function endOverlap(c: PageContext): Promise<Response> {
  const webhook = webhookOf(c);
  const { call, nowMs } = c.get('visit');
  const count = formerOf(secretsOf(webhook, nowMs)).length;
  return await leaveMessage(c, paths.webhook(webhook.id, 'settings'), async () => {
    await call(endSecretOverlap, { params: { webhookId: webhook.id } });
    return done(t('overlap.done', { count: Math.max(count, 1) }));
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
  const settings = { name: t('webhook.tab.settings'), path: paths.webhook(webhook.id, 'settings') };
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
          {t('button.cancel')}
        </a>
      </form>
    </section>,
  );
}
