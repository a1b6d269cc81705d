import type { Format } from '../../domain/rules/choices.ts';

/*
 * How the products that most people send to take a webhook: where their URL is found, and what to choose here. As their public documentation
 * says it in November 2026, in our words.
 */

export interface Recipe {
  /** For ids. */
  key: string;
  name: string;
  /** Hosts of the URLs that the product gives out. */
  hosts: RegExp;
  /** Where the URL is found, step by step. */
  find: readonly string[];
  format: Format;
  /** What to choose here beyond that, or to know. */
  note: string | null;
  /** Whether the product itself can check our signature. */
  checksSignatures: boolean;
  /** What to do about signatures. */
  signature: string;
  /** The product's own page about it. */
  page: string;
}

const UNCHECKED = 'It cannot check signatures. Treat its URL like a password: whoever has it can send there.';

export const RECIPES: readonly Recipe[] = [
  {
    key: 'zapier',
    name: 'Zapier',
    hosts: /(^|\.)zapier\.com$/,
    find: [
      'In your Zap, take “Webhooks by Zapier” as the trigger, with the event “Catch Hook”. Zapier has it on paid plans.',
      'Copy the URL that it shows, and paste it here.',
      'Send a test event from here, then press “Test trigger” in Zapier: it finds the fields.',
    ],
    format: 'event',
    note: 'Zapier says that it received an event even while the Zap is switched off. Publish the Zap to have it run.',
    checksSignatures: false,
    signature: UNCHECKED,
    page: 'https://help.zapier.com/hc/en-us/articles/8496288690317-Trigger-Zaps-from-webhooks',
  },
  {
    key: 'make',
    name: 'Make',
    hosts: /(^|\.)(make|integromat)\.com$/,
    find: [
      'Put the module “Custom webhook” of the app “Webhooks” at the start of your scenario, press Add, give it a name, and save.',
      'Copy the URL that it shows, and paste it here.',
      'While Make waits for data (“Re-determine data structure”), send a test event from here: it finds the fields.',
    ],
    format: 'event',
    note: 'Each scenario needs a webhook of its own.',
    checksSignatures: false,
    signature: UNCHECKED,
    page: 'https://apps.make.com/gateway',
  },
  {
    key: 'n8n',
    name: 'n8n',
    hosts: /(^|[.-])n8n([.-]|$)/,
    find: [
      'Start your workflow with a “Webhook” node, and set its HTTP method to POST.',
      'Copy its Production URL, and paste it here. Its Test URL works for two minutes at a time only.',
      'Save and activate the workflow: before that the Production URL does not answer.',
    ],
    format: 'event',
    note: null,
    checksSignatures: true,
    signature:
      'It can, with the node’s option “Raw Body” and a step that compares the signature (see “For developers” under Signatures). Simpler: choose ' +
      'Header Auth in the node, and enter the same header here under Authentication.',
    page: 'https://docs.n8n.io/integrations/builtin/core-nodes/n8n-nodes-base.webhook/',
  },
  {
    key: 'hubspot',
    name: 'HubSpot',
    hosts: /(^|\.)(hubspot|hubapi|hs-automation)\.com$/,
    find: [
      'Create a workflow that starts when a webhook is received. HubSpot has that in Data Hub (once Operations Hub) Professional and Enterprise.',
      'Copy the URL that it shows, and paste it here. Send a test event, and match its fields with your properties.',
      'Without that plan, go by way of Zapier, Make or n8n: each has steps that create HubSpot contacts.',
    ],
    format: 'flat',
    note: 'HubSpot matches fields best when they are on one level.',
    checksSignatures: false,
    signature: UNCHECKED,
    page: 'https://knowledge.hubspot.com/workflows',
  },
  {
    key: 'salesforce',
    name: 'Salesforce',
    hosts: /(^|\.)(salesforce|force|salesforce-sites|site)\.com$/,
    find: [
      'Salesforce has no URL for webhooks ready to copy. The short way is Zapier, Make or n8n: each has steps that create leads.',
      'The direct way is for a developer: an Apex REST class on a public Site. Its URL ends in /services/apexrest/ and the name that it was given.',
    ],
    format: 'event',
    note: 'It has to answer quickly: let it store the event, and do the work afterwards.',
    checksSignatures: true,
    signature: 'An Apex class can: Crypto.generateMac makes the HMAC-SHA256 of the body to compare with X-Bullseye-Signature.',
    page: 'https://www.salesforceben.com/salesforce-webhooks-deep-dive/',
  },
  {
    key: 'slack',
    name: 'Slack',
    hosts: /(^|\.)slack\.com$/,
    find: [
      'Open api.slack.com/apps and create an app, or take one that you have.',
      'Under Incoming Webhooks switch them on, press “Add New Webhook to Workspace”, and choose the channel.',
      'Copy the URL, which begins with hooks.slack.com/services, and paste it here.',
    ],
    format: 'slack',
    note: 'A busy channel tires people: filter what you send, or send each person once.',
    checksSignatures: false,
    signature: UNCHECKED,
    page: 'https://api.slack.com/messaging/webhooks',
  },
  {
    key: 'teams',
    name: 'Microsoft Teams',
    hosts: /(^|\.)(logic\.azure|powerplatform|powerautomate|webhook\.office)\.com$/,
    find: [
      'In the menu of the channel choose Workflows, and the template that posts to a channel when a webhook request is received.',
      'Name it, choose the team and the channel, and finish.',
      'Copy the URL that it shows at the end, and paste it here.',
    ],
    format: 'teams',
    note: 'The workflow belongs to who made it. Give it a second owner, so that it goes on when that person leaves.',
    checksSignatures: false,
    signature: UNCHECKED,
    page: 'https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook',
  },
  {
    key: 'clay',
    name: 'Clay',
    hosts: /(^|\.)clay\.(com|run)$/,
    find: [
      'In your workbook press Add, search for “Webhooks”, and choose “Monitor webhook”.',
      'Copy the URL that it shows, and paste it here.',
      'Send a test event from here: a row appears in the table.',
    ],
    format: 'flat',
    note: 'If you switch its authentication on, enter its token here: under Authentication, as the header x-clay-webhook-auth.',
    checksSignatures: false,
    signature: 'It cannot check signatures. Its own token does that job.',
    page: 'https://www.clay.com/university/guide/sources',
  },
];

/** The product that a URL belongs to; null: nobody knows. */
export function recipeOf(url: string): Recipe | null {
  const host = URL.parse(url)?.hostname ?? '';
  return RECIPES.find(({ hosts }) => hosts.test(host)) ?? null;
}
