import { Resume, RetryFailed, TestAgain } from '../attention/actions.tsx';
import { causeSentence } from '../attention/failure-words.ts';
import { Icon } from '../icons.tsx';
import { paths } from '../paths.ts';
import { Time } from '../time.tsx';
import type { Visit } from '../visit.ts';
import { counted, exactlyCounted } from '../wording.ts';
import { type Listed, needsAttention } from './listed.ts';

interface Props {
  listed: readonly Listed[];
  visit: Visit;
}

/** What needs attention: how many webhooks, why each, and what to do about it. Where nothing does, that is said. */
export function AttentionSummary({ listed, visit }: Props) {
  const wrong = listed.filter(needsAttention);
  const said = `${attentionWords(wrong.length, listed.length)}${waitingWords(listed)}.`;
  return (
    <>
      {/* Read out when it changes while the page is open. */}
      <p id="attention-said" class={wrong.length > 0 ? 'visually-hidden' : 'lead'} role="status" data-live="">
        {said}
      </p>
      <div id="attention" data-live="">
        {wrong.length > 0 && (
          <section class="banner bad attention" aria-labelledby="attention-title">
            <h2 id="attention-title">
              <Icon name="warning" />
              {said}
            </h2>
            <ul class="attention-list">
              {wrong.map((one) => (
                <Wrong one={one} visit={visit} />
              ))}
            </ul>
          </section>
        )}
      </div>
    </>
  );
}

function attentionWords(wrong: number, all: number): string {
  if (wrong === 0) return 'No webhook needs attention';
  if (all === 1) return 'Your webhook needs attention';
  return `${wrong} of ${all} webhooks ${wrong === 1 ? 'needs' : 'need'} attention`;
}

/** `; 1,204 deliveries wait`. Of those that do not say, nothing is said. */
function waitingWords(listed: readonly Listed[]): string {
  const waiting = listed.reduce((sum, one) => sum + (one.waiting ?? 0), 0);
  return waiting === 0 ? '' : `; ${counted(waiting, 'delivery waits', 'deliveries wait')}`;
}

function Wrong({ one, visit }: { one: Listed; visit: Visit }) {
  const { webhook, name, outage } = one;
  const isFailing = one.condition === 'failing' || one.condition === 'open';
  const isOver = outage !== null && outage.until !== null;
  return (
    <li>
      <p>
        <a href={paths.webhook(webhook.id)}>{name}</a> {whyWords(one)}
        {isFailing && !isOver && (
          <>
            {' '}
            since <Time at={new Date(outage?.since ?? webhook.healthSince).toISOString()} />
          </>
        )}
        {isFailing && !isOver && outage?.failed ? `; ${counted(outage.failed, 'delivery', 'deliveries')} failed` : ''}
        {one.waiting ? `; ${counted(one.waiting, 'delivery waits', 'deliveries wait')}` : ''}.
      </p>
      <div class="actions">
        {one.condition === 'disabled' ? (
          <Resume webhook={webhook} visit={visit} text="Enable again" primary={false} />
        ) : isOver ? (
          <RetryFailed webhook={webhook} visit={visit} outage={outage} primary={false} />
        ) : (
          <TestAgain webhook={webhook} visit={visit} primary={false} />
        )}
      </div>
    </li>
  );
}

/** To be read after the webhook's name. */
function whyWords({ condition, webhook, lastFailure, outage }: Listed): string {
  if (condition === 'disabled')
    return webhook.disabledReason === 'endpoint_gone' ? 'was disabled: its endpoint answered 410 Gone' : 'was disabled: it failed for days';
  if (outage !== null && outage.until !== null) {
    return outage.failed === null
      ? 'works again; some deliveries failed meanwhile'
      : `works again; ${exactlyCounted(outage.failed, 'delivery', 'deliveries')} failed meanwhile`;
  }
  return lastFailure ? causeSentence(lastFailure) : 'is failing';
}
