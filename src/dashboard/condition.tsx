import type { DeliveryStatus } from '../domain/delivery.ts';
import type { Health } from '../domain/webhook.ts';
import { Icon, type IconName } from './icons.tsx';
import { STATUS_WORDS } from './wording.ts';

/** How a webhook stands, all in all: what its badge says, and its banner explains. */
export type Condition = 'healthy' | 'failing' | 'open' | 'paused' | 'disabled';

export function conditionOf(webhook: { enabled: boolean; disabledReason: string | null; health: Health }): Condition {
  if (webhook.enabled) return webhook.health;
  return webhook.disabledReason === null ? 'paused' : 'disabled';
}

interface Look {
  word: string;
  icon: IconName;
  tone: 'good' | 'bad' | 'warn' | 'idle' | 'busy';
}

const CONDITIONS: Record<Condition, Look> = {
  healthy: { word: 'Healthy', icon: 'check', tone: 'good' },
  failing: { word: 'Failing', icon: 'warning', tone: 'warn' },
  open: { word: 'Not responding', icon: 'bolt', tone: 'bad' },
  paused: { word: 'Paused', icon: 'pause', tone: 'idle' },
  disabled: { word: 'Disabled', icon: 'cross', tone: 'bad' },
};

const STATUSES: Record<DeliveryStatus, Omit<Look, 'word'>> = {
  pending: { icon: 'clock', tone: 'busy' },
  retrying: { icon: 'retry', tone: 'warn' },
  delivered: { icon: 'check', tone: 'good' },
  failed: { icon: 'cross', tone: 'bad' },
  discarded: { icon: 'skip', tone: 'idle' },
};

export function ConditionBadge({ condition }: { condition: Condition }) {
  return <Badge {...CONDITIONS[condition]} />;
}

export function StatusBadge({ status }: { status: DeliveryStatus }) {
  return <Badge word={STATUS_WORDS[status]} {...STATUSES[status]} />;
}

/** That a delivery is of a test, and of nothing that has happened. */
export function TestBadge() {
  return <span class="badge idle">Test</span>;
}

export function Badge({ word, icon, tone }: Look) {
  return (
    <span class={`badge ${tone}`}>
      <Icon name={icon} />
      {word}
    </span>
  );
}
