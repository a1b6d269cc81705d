import { describe, expect, it } from 'vitest';
import { RECIPES, recipeOf } from '../../../src/dashboard/setup/recipes.ts';
import { t } from '../../../src/dashboard/words/words.tsx';
import { placeholderIn } from '../../../src/domain/endpoint/url-placeholder.ts';

describe('the recipe for a URL', () => {
  it.each([
    ['https://hooks.zapier.com/hooks/catch/123456/abcdef/', 'zapier'],
    ['https://hook.eu1.make.com/9a8b7c6d', 'make'],
    ['https://acme.app.n8n.cloud/webhook/leads', 'n8n'],
    ['https://n8n.acme.com/webhook/leads', 'n8n'],
    ['https://api-eu1.hubapi.com/automation/v4/webhook-triggers/1/a', 'hubspot'],
    ['https://acme.my.salesforce-sites.com/leads/services/apexrest/bullseye', 'salesforce'],
    ['https://hooks.slack.com/services/T1/B2/c3', 'slack'],
    ['https://prod-12.westeurope.logic.azure.com:443/workflows/abc', 'teams'],
    ['https://default1.2.environment.api.powerplatform.com/powerautomate/automations/1', 'teams'],
    ['https://acme.webhook.office.com/webhookb2/1', 'teams'],
    ['https://api.clay.com/v3/sources/webhook/pull-in-data-from-a-webhook-1', 'clay'],
  ])('%s is that of %s', (url, key) => {
    expect(recipeOf(url)?.key).toBe(key);
    expect(placeholderIn(url)).toBeNull();
  });

  it.each(['https://hooks.example.com/zapier.com', 'https://notslack.com/', 'https://clay.community.example/', 'no URL', ''])(
    '%j has none',
    (url) => {
      expect(recipeOf(url)).toBeNull();
    },
  );

  it('says where the URL is found, which format to choose, and whether a signature can be checked', () => {
    expect(RECIPES.map(({ name }) => name)).toEqual([
      ...['Zapier', 'Make', 'n8n', 'HubSpot', 'Salesforce', 'Slack', 'Microsoft Teams', 'Clay'],
    ]);
    for (const { find, signature, page, key, checksSignatures } of RECIPES) {
      expect(find.length).toBeGreaterThan(1);
      expect([key, /cannot check/.test(t(signature))]).toEqual([key, !checksSignatures]);
      expect(new URL(page).protocol).toBe('https:');
    }
  });
});
