import type { Format } from '../../domain/rules/choices.ts';
import type { BareKey } from '../words/words.tsx';

/*
 * How the products that most people send to take a webhook: where their URL is found, and what to choose here. As their public documentation
 * says it in November 2026, in our words. The texts stand in words/: here are their keys.
 */

export interface Recipe {
  /** For ids. */
  key: string;
  name: string;
  /** Hosts of the URLs that the product gives out. */
  hosts: RegExp;
  /** Where the URL is found, step by step. */
  find: readonly BareKey[];
  format: Format;
  /** What to choose here beyond that, or to know. */
  note: BareKey | null;
  /** Whether the product itself can check our signature. */
  checksSignatures: boolean;
  /** What to do about signatures. */
  signature: BareKey;
  /** The product's own page about it. */
  page: string;
}

export const RECIPES: readonly Recipe[] = [
  {
    key: 'zapier',
    name: 'Zapier',
    hosts: /(^|\.)zapier\.com$/,
    find: ['recipe.zapier.find', 'recipe.copyUrl', 'recipe.zapier.test'],
    format: 'event',
    note: 'recipe.zapier.note',
    checksSignatures: false,
    signature: 'recipe.unchecked',
    page: 'https://help.zapier.com/hc/en-us/articles/8496288690317-Trigger-Zaps-from-webhooks',
  },
  {
    key: 'make',
    name: 'Make',
    hosts: /(^|\.)(make|integromat)\.com$/,
    find: ['recipe.make.find', 'recipe.copyUrl', 'recipe.make.test'],
    format: 'event',
    note: 'recipe.make.note',
    checksSignatures: false,
    signature: 'recipe.unchecked',
    page: 'https://apps.make.com/gateway',
  },
  {
    key: 'n8n',
    name: 'n8n',
    hosts: /(^|[.-])n8n([.-]|$)/,
    find: ['recipe.n8n.find', 'recipe.n8n.url', 'recipe.n8n.activate'],
    format: 'event',
    note: null,
    checksSignatures: true,
    signature: 'recipe.n8n.signature',
    page: 'https://docs.n8n.io/integrations/builtin/core-nodes/n8n-nodes-base.webhook/',
  },
  {
    key: 'hubspot',
    name: 'HubSpot',
    hosts: /(^|\.)(hubspot|hubapi|hs-automation)\.com$/,
    find: ['recipe.hubspot.find', 'recipe.hubspot.match', 'recipe.hubspot.without'],
    format: 'flat',
    note: 'recipe.hubspot.note',
    checksSignatures: false,
    signature: 'recipe.unchecked',
    page: 'https://knowledge.hubspot.com/workflows',
  },
  {
    key: 'salesforce',
    name: 'Salesforce',
    hosts: /(^|\.)(salesforce|force|salesforce-sites|site)\.com$/,
    find: ['recipe.salesforce.short', 'recipe.salesforce.direct'],
    format: 'event',
    note: 'recipe.salesforce.note',
    checksSignatures: true,
    signature: 'recipe.salesforce.signature',
    page: 'https://www.salesforceben.com/salesforce-webhooks-deep-dive/',
  },
  {
    key: 'slack',
    name: 'Slack',
    hosts: /(^|\.)slack\.com$/,
    find: ['recipe.slack.find', 'recipe.slack.add', 'recipe.slack.url'],
    format: 'slack',
    note: 'recipe.slack.note',
    checksSignatures: false,
    signature: 'recipe.unchecked',
    page: 'https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/',
  },
  {
    key: 'teams',
    name: 'Microsoft Teams',
    hosts: /(^|\.)(logic\.azure|powerplatform|powerautomate|webhook\.office)\.com$/,
    find: ['recipe.teams.find', 'recipe.teams.name', 'recipe.teams.url'],
    format: 'teams',
    note: 'recipe.teams.note',
    checksSignatures: false,
    signature: 'recipe.unchecked',
    page: 'https://support.microsoft.com/en-us/office/create-incoming-webhooks-with-workflows-for-microsoft-teams-8ae491c7-0394-4861-ba59-055e33f75498',
  },
  {
    key: 'clay',
    name: 'Clay',
    hosts: /(^|\.)clay\.(com|run)$/,
    find: ['recipe.clay.find', 'recipe.copyUrl', 'recipe.clay.test'],
    format: 'flat',
    note: 'recipe.clay.note',
    checksSignatures: false,
    signature: 'recipe.clay.signature',
    page: 'https://university.clay.com/docs/webhook-integration-guide',
  },
];

/** The product that a URL belongs to; null: nobody knows. */
export function recipeOf(url: string): Recipe | null {
  const host = URL.parse(url)?.hostname ?? '';
  return RECIPES.find(({ hosts }) => hosts.test(host)) ?? null;
}
