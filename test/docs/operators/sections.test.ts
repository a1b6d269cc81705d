import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT_ROOT } from '../../../src/commands/wrangler.ts';
import { sectionsOf } from '../../support/document.ts';
import { withoutFences } from '../../support/documents.ts';
import { type DocumentName, OPERATORS_DOCUMENTS, read } from './operators-documents.ts';

/*
 * What shows that the operators' documents are true: for each section the tests that would fail if it were not. A section that also says what
 * Cloudflare does says itself what could not be tried. A section that is new, or has another heading, has to be entered here.
 */

/** Said in a section, so that nobody takes it for tried. */
const UNTRIED = 'untried';

const FIGURES = 'test/docs/operators/figures.test.ts';
const NAMES = 'test/docs/operators/names.test.ts';
const COST = 'test/docs/operators/cost.test.ts';
const REHEARSAL = 'test/operator/rehearsal.test.ts';

/** By the heading of the second level; '': what stands before the first. */
const SHOWN_BY: Record<DocumentName, Record<string, readonly string[]>> = {
  'docs/deploying.md': {
    '': [
      'test/e2e/deploy-command.test.ts',
      'test/commands/deploy/deployment-flaw.test.ts',
      'test/api/access/off-loopback.test.ts',
      'test/api/account/alerts.test.ts',
      'test/e2e/routes-in-configuration.test.ts',
      NAMES,
      UNTRIED,
    ],
    'The account': [FIGURES, UNTRIED],
    'The token for CI': ['test/commands/doctor/account.test.ts', UNTRIED],
    'The Deploy to Cloudflare button': ['test/commands/deploy-button.test.ts', 'test/api/access/off-loopback.test.ts', UNTRIED],
    'A copy beside production': ['test/commands/deploy/deployment-copy.test.ts', 'test/e2e/deploy-command.test.ts', UNTRIED],
    'Looking at a deployment from outside': [
      'test/commands/doctor/outside.test.ts',
      'test/commands/doctor/account.test.ts',
      'test/e2e/doctor-command.test.ts',
      NAMES,
      UNTRIED,
    ],
    'While a deploy goes on': ['test/e2e/version-skew.test.ts', 'test/outbox/past-versions.test.ts', FIGURES, NAMES, UNTRIED],
    'Where the data lies': [
      'test/jurisdiction.test.ts',
      'test/e2e/deploy-command.test.ts',
      'test/commands/deploy/data-location.test.ts',
      NAMES,
      UNTRIED,
    ],
    'What an outage can hold': [FIGURES, 'test/api/events/events.test.ts', UNTRIED],
    'Producers that are Workers': ['test/e2e/producer.test.ts', 'test/domain/access/client-address.test.ts', UNTRIED],
    'Being known to bot protection': [UNTRIED],
    "Rotating the service's own secrets": [
      'test/upkeep/resealing.test.ts',
      'test/api/access/auth.test.ts',
      'test/outbox/outbox.test.ts',
      FIGURES,
      UNTRIED,
    ],
  },
  'docs/operating.md': {
    '': [],
    "The operator's pages": [
      'test/operator/pages.test.ts',
      'test/operator/session.test.ts',
      'test/meter/gathered.test.ts',
      'test/outbox/reports/ended.test.ts',
      REHEARSAL,
      FIGURES,
    ],
    'Parked messages': [
      'test/consumer/parking.test.ts',
      'test/api/platform/parked-messages.test.ts',
      'test/outbox/outages.test.ts',
      'test/domain/delivery/redelivery.test.ts',
      FIGURES,
    ],
    'Personal data': ['test/security/organization-deletion.test.ts', 'test/api/account/erasures.test.ts', FIGURES, UNTRIED],
    'The log': [
      'test/security/log.test.ts',
      'test/e2e/log.test.ts',
      'test/e2e/documented-commands.test.ts',
      'test/commands/runbook.test.ts',
      NAMES,
      UNTRIED,
    ],
    Metrics: ['test/api/platform/metrics.test.ts', 'test/commands/alerts.test.ts', 'test/meter/meter.test.ts', NAMES],
    'Traces and logs elsewhere': ['test/commands/observability.test.ts', UNTRIED],
  },
  'docs/settings.md': {
    '': [
      'test/e2e/readme.test.ts',
      'test/domain/settings.test.ts',
      'test/settings.test.ts',
      'test/e2e/dev-command.test.ts',
      FIGURES,
      NAMES,
    ],
  },
  'docs/runbook.md': {
    // Its disasters say so themselves.
    '': [UNTRIED],
    'Us or them?': [
      REHEARSAL,
      'test/domain/service/verdict.test.ts',
      'test/e2e/documented-commands.test.ts',
      'test/e2e/doctor-command.test.ts',
      NAMES,
    ],
    'Rehearse it': ['test/e2e/rehearsal.test.ts'],
    Alerts: ['test/commands/alerts.test.ts'],
    'Log events': ['test/commands/runbook.test.ts', FIGURES, NAMES],
    'An endpoint is down': [REHEARSAL, 'test/outbox/circuit.test.ts', FIGURES],
    'The queue is behind': [REHEARSAL, FIGURES, UNTRIED],
    'A message cannot be processed': [REHEARSAL, 'test/consumer/parking.test.ts', 'test/outbox/outages.test.ts'],
    'The figures stand still': [REHEARSAL, 'test/e2e/operator.test.ts', FIGURES],
    'Deliveries are late': ['test/domain/service/verdict.test.ts', 'test/upkeep/sweep.test.ts'],
    'D1 is gone': [
      REHEARSAL,
      'test/outbox/outages.test.ts',
      'test/outbox/outbox.test.ts',
      'test/transfer/restore.test.ts',
      'test/api/access/auth.test.ts',
      UNTRIED,
    ],
    'A queue is full': ['test/api/events/events.test.ts', UNTRIED],
    'MASTER_KEY is lost': ['test/transfer/transfer.test.ts', 'test/upkeep/resealing.test.ts', 'test/outbox/faults.test.ts'],
    'A bad deploy': ['test/e2e/version-skew.test.ts', 'test/consumer/consumer.test.ts', 'test/settings.test.ts', FIGURES, UNTRIED],
    'An organization floods': [
      REHEARSAL,
      'test/outbox/capacity.test.ts',
      'test/outbox/books/admission.test.ts',
      'test/outbox/outbox.test.ts',
      'test/domain/service/verdict.test.ts',
    ],
    'An endpoint is under attack from us': ['test/security/endpoint-under-attack.test.ts', 'test/outbox/circuit.test.ts', FIGURES],
    'After it': ['test/api/deliveries/bulk-actions.test.ts'],
    'Rotating secrets': ['test/operator/pages.test.ts', 'test/operator/session.test.ts', 'test/upkeep/resealing.test.ts', FIGURES],
  },
  'docs/scaling.md': {
    '': ['test/simulation/scale.test.ts'],
    'The limits, one by one': [
      'test/consumer/configuration-cache.test.ts',
      'test/consumer/consumer.test.ts',
      'test/api/events/events.test.ts',
      'test/outbox/log/retention.test.ts',
      'test/cost/growth.test.ts',
      'test/simulation/scale.test.ts',
      FIGURES,
    ],
    'What is measured, and what is assumed': ['test/simulation/scale.test.ts', 'test/cost/operations.test.ts'],
    'Upkeep with 100,000 webhooks': ['test/upkeep/sweep.test.ts', 'test/db/size.test.ts', FIGURES],
    'More queues': ['test/consumer/event-queues.test.ts', UNTRIED],
  },
  'docs/export-import.md': {
    '': ['test/e2e/export-import.test.ts'],
    'What is in it, and what is not': ['test/transfer/transfer.test.ts', NAMES],
    'What an import does': ['test/transfer/transfer.test.ts', FIGURES, UNTRIED],
    'A restore': ['test/e2e/export-import.test.ts', 'test/transfer/restore.test.ts'],
    'From other products': [UNTRIED],
  },
  'docs/faults-and-recovery.md': {
    '': [],
    'When a part dies': [
      'test/faults/first-half.test.ts',
      'test/faults/second-half.test.ts',
      'test/outbox/vanishing.test.ts',
      'test/outbox/storage-faults.test.ts',
      'test/outbox/couriers.test.ts',
      'test/outbox/past-versions.test.ts',
      'test/e2e/crash.test.ts',
      'test/platform/platform.test.ts',
      FIGURES,
    ],
    'What the service does by itself': [
      'test/domain/endpoint/circuit.test.ts',
      'test/domain/endpoint/endpoint-pace.test.ts',
      'test/domain/delivery/lifecycle.test.ts',
      'test/outbox/circuit.test.ts',
      'test/outbox/log/retention.test.ts',
      'test/outbox/books/admission.test.ts',
      FIGURES,
    ],
  },
  'docs/usage.md': {
    '': [],
    'What is counted': ['test/usage/usage.test.ts', 'test/domain/usage.test.ts', 'test/dashboard/usage.test.ts'],
    'Where to read it': ['test/usage/usage.test.ts', 'test/dashboard/usage.test.ts', FIGURES],
    'How it is counted, and how exact that is': [
      'test/usage/usage.test.ts',
      'test/outbox/log/usage.test.ts',
      'test/cost/operations.test.ts',
      'test/consumer/untold-events.test.ts',
      UNTRIED,
    ],
    'Where it is kept': ['test/usage/usage.test.ts', FIGURES],
    Quotas: [
      'test/usage/usage.test.ts',
      'test/domain/quota.test.ts',
      'test/dashboard/usage.test.ts',
      'test/outbox/log/retention.test.ts',
      'test/transfer/transfer.test.ts',
      NAMES,
    ],
  },
  'docs/limits.md': {
    '': [],
    'Of the service': [
      FIGURES,
      'test/api/access/rate-limit.test.ts',
      'test/api/access/guesses.test.ts',
      'test/api/access/api-keys.test.ts',
      'test/dashboard/session-limit.test.ts',
      'test/dashboard/rendered-size.test.tsx',
      'test/attempt/attempt.test.ts',
      'test/domain/event/event-schema.test.ts',
      'test/outbox/bulk/recoveries.test.ts',
      'test/consumer/parking.test.ts',
    ],
    'Of the platform': [FIGURES, 'test/platform/platform.test.ts', 'test/api/events/events.test.ts', UNTRIED],
    'Not promised': ['test/outbox/vanishing.test.ts', 'test/outbox/books/admission.test.ts', 'test/domain/endpoint/endpoint-url.test.ts'],
  },
  'docs/cost.md': { '': ['test/cost/operations.test.ts', 'test/cost/growth.test.ts', COST, UNTRIED] },
  'docs/measurements.md': {
    // A command makes them again, and they are of their day.
    '': [],
    'Isolation, measured': [],
    'What the circuit is worth: a simulated month': ['test/simulation/simulation.test.ts'],
    'How fast it is': ['test/commands/check/bundle-size.test.ts', FIGURES],
  },
  'README.md': {
    '': [],
    'What it guarantees': [
      'test/faults/first-half.test.ts',
      'test/e2e/retries.test.ts',
      'test/e2e/signed-delivery.test.ts',
      'test/security/authorization.test.ts',
      FIGURES,
    ],
    'Try it': ['test/e2e/readme.test.ts', 'test/e2e/dev-command.test.ts'],
    'One event through, in five commands': ['test/e2e/readme.test.ts'],
    'How it works': [
      'test/consumer/consumer.test.ts',
      'test/outbox/circuit.test.ts',
      'test/outbox/couriers.test.ts',
      'test/outbox/log/archive.test.ts',
      FIGURES,
    ],
    'Read on': ['test/docs/pages.test.ts'],
  },
  'SECURITY.md': {
    '': [],
    Reporting: [],
    // Each row names its own.
    'What is promised': [NAMES, FIGURES],
    'What is not promised': ['test/api/access/rate-limit.test.ts', 'test/api/platform/parked-messages.test.ts', FIGURES],
    'Who might attack, and what stands in the way': ['test/security/authorization.test.ts', 'test/operator/session.test.ts', FIGURES],
    Dependencies: ['test/commands/check/lock-flaws.test.ts', NAMES],
  },
};

/** The parts of a document by heading, what is above the first one included; without blocks of code. */
function partsOf(document: string): Map<string, string> {
  const text = withoutFences(read(document));
  return new Map([['', text.split(/^## /m, 1)[0] ?? ''], ...sectionsOf(text)]);
}

describe.each(OPERATORS_DOCUMENTS.map((document) => [document] as const))('%s', (document) => {
  const sections = partsOf(document);
  const known = SHOWN_BY[document];

  it('has these sections, and no other', () => {
    expect([...sections.keys()]).toEqual(Object.keys(known));
  });

  it('names tests that there are', () => {
    const tests = Object.values(known)
      .flat()
      .filter((test) => test !== UNTRIED);
    expect(tests.filter((test) => !existsSync(join(PROJECT_ROOT, test)))).toEqual([]);
  });

  it('says of what Cloudflare does that it could not be tried', () => {
    const silent = Object.keys(known).filter(
      (heading) => known[heading]?.includes(UNTRIED) !== /could not be\s+tried/.test(sections.get(heading) ?? ''),
    );
    expect(silent).toEqual([]);
  });
});
