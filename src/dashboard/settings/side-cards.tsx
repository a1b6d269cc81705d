import type { WebhookRow } from '../../db/webhooks.ts';
import { formerOf, secretsOf } from '../../domain/secret-rotation.ts';
import { Copyable } from '../copyable.tsx';
import { paths } from '../paths.ts';
import { planAllows } from '../plan-notice.tsx';
import { Time } from '../time.tsx';
import type { Visit } from '../visit.ts';
import { span } from '../wording.ts';

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
      <h2 id="secret-title">Secret</h2>
      <p>{hasSecret ? 'Each delivery is signed with it.' : 'There is none: deliveries are not signed.'}</p>
      {visit.can('admin') ? (
        <>
          <FormerSecrets webhook={webhook} nowMs={visit.nowMs} />
          <div class="actions">
            {hasSecret && (
              <form method="post" action={paths.webhook(webhook.id, 'secret/reveal')}>
                <button type="submit">Reveal the secret</button>
              </form>
            )}
            <a class="button" href={paths.webhook(webhook.id, 'secret/rotate')}>
              {hasSecret ? 'Rotate the secret' : 'Set a secret'}
            </a>
          </div>
        </>
      ) : (
        <p class="hint">Only an admin of your organization can see and change it.</p>
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
          {former.length === 1 ? 'The old secret' : 'An older secret'} keeps working for another{' '}
          <strong>{span((endsAt ?? 0) - nowMs)}</strong>, until <Time at={new Date(endsAt ?? 0).toISOString()} />.
        </p>
      ))}
      {former.length > 0 && (
        <a class="button" href={paths.webhook(webhook.id, 'secret/end-overlap')}>
          {former.length === 1 ? 'Stop it now' : 'Stop them now'}
        </a>
      )}
    </div>
  );
}

/** The webhook's own headers: their names, and their values for an admin who asks for them. */
function HeadersCard({ webhook, visit, headers }: SideCardsProps) {
  return (
    <section class="card" aria-labelledby="headers-title">
      <h2 id="headers-title">Headers of your own</h2>
      <p>Each request has {webhook.headerNames?.join(', ')}.</p>
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
          <button type="submit">Reveal the values</button>
        </form>
      )}
      {!visit.can('admin') && <p class="hint">Only an admin of your organization can see their values.</p>}
    </section>
  );
}

function StopCard({ webhook, visit }: CardProps) {
  return (
    <section class="card" aria-labelledby="stop-title">
      <h2 id="stop-title">{webhook.enabled ? 'Pause or delete' : 'Resume or delete'}</h2>
      <p>
        {webhook.enabled
          ? 'A paused webhook sends nothing. What comes meanwhile is skipped, and can be sent later.'
          : 'It is paused. Once you resume it, you can send what was skipped meanwhile.'}
      </p>
      <div class="actions">
        {webhook.enabled && (
          <a class="button" href={paths.webhook(webhook.id, 'pause')}>
            Pause
          </a>
        )}
        {!webhook.enabled && planAllows(visit) && (
          <form method="post" action={paths.webhook(webhook.id, 'resume')}>
            <button type="submit" class="primary">
              Resume
            </button>
          </form>
        )}
        <a class="button danger" href={paths.webhook(webhook.id, 'delete')}>
          Delete webhook
        </a>
      </div>
      {!planAllows(visit) && <p class="hint">Your plan does not include webhooks.</p>}
    </section>
  );
}
