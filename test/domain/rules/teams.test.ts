import { expect, it } from 'vitest';
import { messageOf } from '../../../src/domain/rules/message.ts';
import { teamsMessage } from '../../../src/domain/rules/teams.ts';
import { VISITOR } from './events.ts';

it('shows a visitor as an adaptive card, in the envelope of Workflows', () => {
  const event = {
    ...VISITOR,
    visitor: { first_name: 'Jane', linkedin_url: 'https://www.linkedin.com/in/janedoe' },
    company: null,
    session: null,
  };
  expect(teamsMessage(messageOf(event, 'Sales'))).toEqual({
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.2',
          fallbackText: 'Jane',
          body: [
            { type: 'RichTextBlock', inlines: [{ type: 'TextRun', text: 'Jane', size: 'Large', weight: 'Bolder' }] },
            { type: 'RichTextBlock', inlines: [{ type: 'TextRun', text: 'A visitor of your website was identified.' }] },
            {
              type: 'RichTextBlock',
              spacing: 'Small',
              inlines: [
                { type: 'TextRun', text: 'LinkedIn: ', weight: 'Bolder' },
                {
                  type: 'TextRun',
                  text: 'linkedin.com/in/janedoe',
                  selectAction: { type: 'Action.OpenUrl', url: 'https://www.linkedin.com/in/janedoe' },
                },
              ],
            },
            {
              type: 'RichTextBlock',
              inlines: [
                { type: 'TextRun', text: 'Bullseye · Sales · visitor.identified · 2026-11-23 14:05 UTC', size: 'Small', isSubtle: true },
              ],
            },
          ],
        },
      },
    ],
  });
});

it('has no tag in its texts: `<at>` would be a mention', () => {
  const message = JSON.stringify(teamsMessage(messageOf({ ...VISITOR, visitor: { first_name: '<at>Jane</at>', x: '2 < 3' } }, 'Sales')));
  expect(message).toContain('<\u200bat>Jane<\u200b/at>');
  expect(message).toContain('2 < 3');
  expect(message).not.toMatch(/<\/?at>/);
});
