import type { Child } from 'hono/jsx';
import { Resume, RetryFailed, TestAgain } from '../attention/actions.tsx';
import { causeSentence, knownReason } from '../attention/failure-words.ts';
import { paths } from '../frame/paths.ts';
import type { Visit } from '../frame/visit.ts';
import { Icon } from '../parts/icons.tsx';
import { Time } from '../parts/time.tsx';
import { rich, t } from '../words/words.tsx';
import { type Listed, needsAttention } from './listed.ts';

interface Props {
  listed: readonly Listed[];
  visit: Visit;
}

/** What needs attention: how many webhooks, why each, and what to do about it. Where nothing does, that is said. */
export function AttentionSummary({ listed, visit }: Props) {
  const wrong = listed.filter(needsAttention);
  const said = summaryOf(wrong.length, listed);
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

/** Of those that do not say how many deliveries wait, nothing is said. */
function summaryOf(wrong: number, listed: readonly Listed[]): string {
  const waiting = listed.reduce((sum, one) => sum + (one.waiting ?? 0), 0);
  if (wrong === 0) return t('list.noneWrong', { waiting });
  return listed.length === 1 ? t('list.onlyWrong', { waiting }) : t('list.someWrong', { wrong, all: listed.length, waiting });
}

function Wrong({ one, visit }: { one: Listed; visit: Visit }) {
  const { webhook, outage } = one;
  const isOver = outage !== null && outage.until !== null;
  return (
    <li>
      <p>
        {partsOf(one).map((part, index) => (
          <>
            {index > 0 && ' · '}
            {part}
          </>
        ))}
      </p>
      <div class="actions">
        {one.condition === 'disabled' ? (
          <Resume webhook={webhook} visit={visit} text={t('attention.enable')} primary={false} />
        ) : isOver ? (
          <RetryFailed webhook={webhook} visit={visit} outage={outage} primary={false} />
        ) : (
          <TestAgain webhook={webhook} visit={visit} primary={false} />
        )}
      </div>
    </li>
  );
}

/** “CRM rejects deliveries (422) · since 25 Nov 2026, 15:05:09 · 5 deliveries failed · 12 deliveries wait” */
function partsOf(one: Listed): Child[] {
  const { condition, webhook, outage, waiting } = one;
  const isFailing = condition === 'failing' || condition === 'open';
  const isOver = outage !== null && outage.until !== null;
  const parts: Child[] = [whyWords(one)];
  if (condition !== 'disabled' && isOver)
    parts.push(outage.failed === null ? t('list.someFailedMeanwhile') : t('list.failedMeanwhile', { count: outage.failed }));
  if (isFailing && !isOver) {
    parts.push(rich('list.since', { time: <Time at={new Date(outage?.since ?? webhook.healthSince).toISOString()} /> }));
    if (outage?.failed) parts.push(t('list.failed', { count: outage.failed }));
  }
  if (waiting) parts.push(t('list.waits', { count: waiting }));
  return parts;
}

/** What is wrong with a webhook, its name first. */
function whyWords({ name: text, condition, webhook, lastFailure, outage }: Listed): Child {
  const name = <a href={paths.webhook(webhook.id)}>{text}</a>;
  if (condition === 'disabled') return rich(`list.disabled.${knownReason(webhook.disabledReason)}`, { name });
  if (outage !== null && outage.until !== null) return rich('list.worksAgain', { name });
  return causeSentence(name, lastFailure);
}
