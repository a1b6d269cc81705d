/**
 * The links out of the documents and the pages, and when somebody last looked them up. `FOLLOW_LINKS=1` asks for each of them over the network
 * (docs/contributing.md).
 */
export const KNOWN_LINKS: Readonly<Record<string, string>> = {
  'https://apps.make.com/gateway': '2026-11-28',
  'https://deploy.workers.cloudflare.com/button': '2026-11-28',
  'https://developers.cloudflare.com/bots/concepts/bot/verified-bots/': '2026-11-28',
  'https://developers.cloudflare.com/d1/observability/find-expensive-queries/': '2026-11-28',
  'https://developers.cloudflare.com/email-service/': '2026-11-28',
  'https://docs.n8n.io/integrations/builtin/core-nodes/n8n-nodes-base.webhook/': '2026-11-28',
  'https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/': '2026-11-28',
  'https://help.zapier.com/hc/en-us/articles/8496288690317-Trigger-Zaps-from-webhooks': '2026-11-28',
  'https://json-schema.org': '2026-11-28',
  'https://keepachangelog.com/en/2.0.0/': '2026-11-28',
  'https://knowledge.hubspot.com/workflows': '2026-11-28',
  'https://liquidjs.com/tutorials/intro-to-liquid.html': '2026-11-28',
  'https://semver.org/spec/v2.0.0.html': '2026-11-28',
  'https://support.microsoft.com/en-us/office/create-incoming-webhooks-with-workflows-for-microsoft-teams-8ae491c7-0394-4861-ba59-055e33f75498':
    '2026-11-28',
  'https://university.clay.com/docs/webhook-integration-guide': '2026-11-28',
  'https://www.cloudflare.com/ips/': '2026-11-28',
  'https://www.cloudflarestatus.com': '2026-11-28',
  'https://www.npmjs.com/package/standardwebhooks': '2026-11-28',
  'https://www.npmjs.com/package/svix': '2026-11-28',
  'https://www.salesforceben.com/salesforce-webhooks-deep-dive/': '2026-11-28',
  'https://www.standardwebhooks.com': '2026-11-28',
};
