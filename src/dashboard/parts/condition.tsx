import type { DeliveryStatus } from '../../domain/delivery/delivery.ts';
import type { Health } from '../../domain/webhook/webhook.ts';
import { t } from '../words/words.tsx';
import { Icon, type IconName } from './icons.tsx';
import { STATUS_WORDS } from './wording.ts';

/**
 * How a webhook stands, all in all: what its badge says, and its banner explains.
 * - `excluded`: the organization's plan does not include webhooks, so that nothing is sent.
 * - `untried`: nothing is known against its endpoint, and nothing for it: no delivery has arrived there.
 */
export type Condition = Health | 'untried' | 'paused' | 'disabled' | 'excluded';

interface Standing {
  /** Whether the organization's plan includes webhooks. */
  included: boolean;
  /** When a delivery last arrived; undefined where that is not known. */
  lastDeliveredAt: string | number | null | undefined;
}

export function conditionOf(
  webhook: { enabled: boolean; disabledReason: string | null; health: Health },
  { included, lastDeliveredAt }: Standing,
): Condition {
  if (!included) return 'excluded';
  if (!webhook.enabled) return webhook.disabledReason === null ? 'paused' : 'disabled';
  return webhook.health === 'healthy' && lastDeliveredAt === null ? 'untried' : webhook.health;
}

interface Look {
  word: string;
  icon: IconName;
  tone: 'good' | 'bad' | 'warn' | 'idle' | 'busy';
}

const CONDITIONS: Record<Condition, Omit<Look, 'word'>> = {
  healthy: { icon: 'check', tone: 'good' },
  untried: { icon: 'clock', tone: 'idle' },
  failing: { icon: 'warning', tone: 'warn' },
  open: { icon: 'bolt', tone: 'bad' },
  paused: { icon: 'pause', tone: 'idle' },
  disabled: { icon: 'cross', tone: 'bad' },
  excluded: { icon: 'pause', tone: 'idle' },
};

const STATUSES: Record<DeliveryStatus, Omit<Look, 'word'>> = {
  pending: { icon: 'clock', tone: 'busy' },
  retrying: { icon: 'retry', tone: 'warn' },
  delivered: { icon: 'check', tone: 'good' },
  failed: { icon: 'cross', tone: 'bad' },
  discarded: { icon: 'skip', tone: 'idle' },
};

/** @param word said in the place of the condition's own, where more is known */
export function ConditionBadge({ condition, word }: { condition: Condition; word?: string }) {
  // That its deliveries are held is told by the icon, and by its banner.
  const said = condition === 'open' ? 'failing' : condition;
  return <Badge {...CONDITIONS[condition]} word={word ?? t(`webhookState.${said}`)} />;
}

export function StatusBadge({ status }: { status: DeliveryStatus }) {
  return <Badge word={STATUS_WORDS[status]} {...STATUSES[status]} />;
}

/** That a delivery is of a test, and of nothing that has happened. */
export function TestBadge() {
  return <span class="badge idle">{t('delivery.test')}</span>;
}

export function Badge({ word, icon, tone }: Look) {
  return (
    <span class={`badge ${tone}`}>
      <Icon name={icon} />
      {word}
    </span>
  );
}
