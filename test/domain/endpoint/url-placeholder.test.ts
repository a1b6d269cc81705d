import { describe, expect, it } from 'vitest';
import { placeholderIn } from '../../../src/domain/endpoint/url-placeholder.ts';

describe('a placeholder in a URL', () => {
  it.each([
    ['https://hooks.zapier.com/hooks/catch/{id}', '{id}'],
    ['https://hooks.zapier.com/hooks/catch/%7Bid%7D/', '%7Bid%7D'],
    ['https://hook.eu1.make.com/<token>', '<token>'],
    ['https://api.example.com/accounts/:account_id/in', ':account_id'],
    ['https://YOUR_DOMAIN/in', 'YOUR_DOMAIN'],
    ['https://your-company.app.n8n.cloud/webhook/1', 'your-company'],
    ['https://hooks.slack.com/services/T0/B0/XXXXXXXXXXXX', 'XXXXXXXXXXXX'],
    ['https://hooks.example.com/…', '…'],
    ['https://hooks.example.com/...', '...'],
  ])('is found in %s', (url, part) => {
    expect(placeholderIn(url)).toBe(part);
  });

  it.each([
    'https://hooks.example.com/in',
    'https://hooks.slack.com/services/T024BE7LD/B0xxXx1x/Zxxxx8Yz',
    'https://yourmechanic.example/in?for=your',
    'https://hooks.example.com:8443/in?at=12:30&ids[]=1',
    'https://xxl.example.com/boxxxed',
  ])('is none in %s', (url) => {
    expect(placeholderIn(url)).toBeNull();
  });
});
