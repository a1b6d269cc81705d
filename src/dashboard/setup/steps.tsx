import type { Child } from 'hono/jsx';
import type { ApiError } from '../../api/errors.ts';
import type { WebhookRow } from '../../db/webhooks.ts';
import { nameOf } from '../../domain/webhook/webhook.ts';
import type { Flash } from '../frame/flash.ts';
import { page, rootCrumb } from '../frame/page.tsx';
import { paths } from '../frame/paths.ts';
import type { PageContext } from '../frame/visit.ts';
import { webhookCrumb, webhookOf } from '../webhook/webhook-page.tsx';
import { WebhookUrl } from '../webhook/webhook-url.tsx';
import { t } from '../words/words.tsx';

/** What is left to do once a webhook is saved, in the order in which it is done. */
const STEPS = [
  ['', 'setup.step.secret'],
  ['test', 'setup.step.test'],
  ['done', 'setup.step.done'],
] as const;

export type Step = (typeof STEPS)[number][0];

/** Where a step stands. */
export function stepPath({ id }: Pick<WebhookRow, 'id'>, step: Step): string {
  return paths.webhook(id, step === '' ? 'setup' : `setup/${step}`);
}

interface StepPageOptions {
  step: Step;
  title: string;
  status?: ApiError['status'] | 200;
  flash?: Flash;
}

/** The page of a step: which one it is, and what is to be done. */
export async function stepPage(c: PageContext, { step, title, status, flash }: StepPageOptions, content: Child): Promise<Response> {
  const webhook = webhookOf(c);
  const current = STEPS.findIndex(([name]) => name === step);
  return await page(
    c,
    { title: t('webhook.pageTitle', { page: title, webhook: nameOf(webhook) }), crumbs: [rootCrumb, webhookCrumb(webhook)], status, flash },
    <>
      <div class="page-head">
        <div>
          <h1>{title}</h1>
          <p class="hint">
            {webhook.name && `${webhook.name} · `}
            <WebhookUrl url={webhook.url} visit={c.get('visit')} />
          </p>
        </div>
      </div>
      <ol class="progress-steps" aria-label={t('setup.steps')}>
        {STEPS.map(([name, said], index) => (
          <li aria-current={name === step ? 'step' : undefined} class={index < current ? 'done' : undefined}>
            {name === step ? t(said) : <a href={stepPath(webhook, name)}>{t(said)}</a>}
          </li>
        ))}
      </ol>
      {content}
    </>,
  );
}
