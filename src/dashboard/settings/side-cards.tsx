import type { WebhookRow } from '../../db/webhooks.ts';
import { formerOf, secretsOf } from '../../domain/webhook/secret-rotation.ts';
import { paths } from '../frame/paths.ts';
import type { Visit } from '../frame/visit.ts';
import { Copyable } from '../parts/copyable.tsx';
import { planAllows } from '../parts/plan-notice.tsx';
import { Time } from '../parts/time.tsx';
import { span } from '../parts/wording.ts';
import { list } from '../words/formats.ts';
import { bold, rich, t } from '../words/words.tsx';

interface CardProps {
  webhook: WebhookRow;
  visit: Visit;
}

interface SideCardsProps extends CardProps {
  /** The webhook's own headers with their values, where an admin has asked for them. */
  headers: Record<string, string> | undefined;
}

/** What stands beside the form: its secret, and what stops it. Each leads to a page that says what it costs, or is undone by a button. */
export function SideCards({ webhook, visit, headers }: SideCardsProps) {
  return (
    <>
      <SecretCard webhook={webhook} visit={visit} />
      {webhook.headerNames !== null && <HeadersCard webhook={webhook} visit={visit} headers={headers} />}
      {visit.can('write') && <StopCard webhook={webhook} visit={visit} />}
    </>
  );
}

function SecretCard({ webhook, visit }: CardProps) {
  const hasSecret = webhook.secret !== null;
  return (
    <section class="card" aria-labelledby="secret-title">
      <h2 id="secret-title">{t('settings.secret')}</h2>
      <p>{hasSecret ? t('settings.signed') : t('settings.unsigned')}</p>
      {visit.can('admin') ? (
        <>
          <FormerSecrets webhook={webhook} nowMs={visit.nowMs} />
          <div class="actions">
            {hasSecret && (
              <form method="post" action={paths.webhook(webhook.id, 'secret/reveal')}>
                <button type="submit">{t('settings.reveal')}</button>
              </form>
            )}
            <a class="button" href={paths.webhook(webhook.id, 'secret/rotate')}>
              {hasSecret ? t('settings.rotate') : t('settings.setSecret')}
            </a>
          </div>
        </>
      ) : (
        <p class="hint">{t('settings.secretForAdmins')}</p>
      )}
    </section>
  );
}

/** The secrets of before that still work: until when, and the way to stop them. */
function FormerSecrets({ webhook, nowMs }: { webhook: WebhookRow; nowMs: number }) {
  const former = formerOf(secretsOf(webhook, nowMs));
  return (
    <div id="overlap" data-live="" class={former.length > 0 ? 'overlap' : undefined}>
      {former.toReversed().map(({ endsAt }) => (
        <p>
          {rich('settings.formerEnds', {
            count: former.length,
            span: span((endsAt ?? 0) - nowMs),
            time: <Time at={new Date(endsAt ?? 0).toISOString()} />,
            b: bold,
          })}
        </p>
      ))}
      {former.length > 0 && (
        <a class="button" href={paths.webhook(webhook.id, 'secret/end-overlap')}>
          {t('settings.stopFormer', { count: former.length })}
        </a>
      )}
    </div>
  );
}

/** The webhook's own headers: their names, and their values for an admin who asks for them. */
function HeadersCard({ webhook, visit, headers }: SideCardsProps) {
  return (
    <section class="card" aria-labelledby="headers-title">
      <h2 id="headers-title">{t('settings.headers')}</h2>
      <p>{t('settings.headersSent', { names: list(webhook.headerNames ?? []) })}</p>
      {headers && (
        <dl class="header-list">
          {Object.entries(headers).map(([name, value]) => (
            <div>
              <dt>{name}</dt>
              <dd>
                <Copyable text={value} label={name} />
              </dd>
            </div>
          ))}
        </dl>
      )}
      {!headers && visit.can('admin') && (
        <form method="post" action={paths.webhook(webhook.id, 'headers/reveal')}>
          <button type="submit">{t('settings.revealHeaders')}</button>
        </form>
      )}
      {!visit.can('admin') && <p class="hint">{t('settings.headersForAdmins')}</p>}
    </section>
  );
}

function StopCard({ webhook, visit }: CardProps) {
  return (
    <section class="card" aria-labelledby="stop-title">
      <h2 id="stop-title">{webhook.enabled ? t('settings.pauseOrDelete') : t('settings.resumeOrDelete')}</h2>
      <p>{webhook.enabled ? t('settings.pauseHint') : t('settings.resumeHint')}</p>
      <div class="actions">
        {webhook.enabled && (
          <a class="button" href={paths.webhook(webhook.id, 'pause')}>
            {t('settings.pause')}
          </a>
        )}
        {!webhook.enabled && planAllows(visit) && (
          <form method="post" action={paths.webhook(webhook.id, 'resume')}>
            <button type="submit" class="primary">
              {t('settings.resume')}
            </button>
          </form>
        )}
        <a class="button danger" href={paths.webhook(webhook.id, 'delete')}>
          {t('settings.delete')}
        </a>
      </div>
      {!planAllows(visit) && <p class="hint">{t('settings.noPlan')}</p>}
    </section>
  );
}
