import { expect, it } from 'vitest';
import { discordMessage } from '../../../src/domain/rules/discord.ts';
import { messageOf } from '../../../src/domain/rules/message.ts';
import { VISITOR } from './events.ts';

it('shows a visitor as one embed, and lets nobody be called', () => {
  expect(discordMessage(messageOf({ ...VISITOR, company: { name: 'Example Corp' }, session: null }, 'Sales'))).toEqual({
    embeds: [
      {
        title: 'Jane Doe · Example Corp',
        description: 'A visitor of your website was identified.',
        fields: [
          { name: 'Job title', value: 'VP of Marketing', inline: true },
          { name: 'E-mail', value: 'jane.doe@example.com', inline: true },
          { name: 'LinkedIn', value: 'https://www.linkedin.com/in/janedoe', inline: true },
          { name: 'Location', value: 'Austin, Texas, United States', inline: true },
        ],
        footer: { text: 'Bullseye · Sales · visitor.identified · 2026-11-23 14:05 UTC' },
      },
    ],
    allowed_mentions: { parse: [] },
  });
});

it('escapes its marks, those of lists and headings only where a line begins', () => {
  const shown = (value: string) => {
    const [embed] = discordMessage(messageOf({ ...VISITOR, event: 'a', visitor: { value }, company: null, session: null }, 'x')).embeds as [
      { fields: { value: string }[] },
    ];
    return embed.fields[0]?.value;
  };
  expect(shown('a*b _c_ ~~d~~ `e` ||f|| [g](h) \\')).toBe('a\\*b \\_c\\_ \\~\\~d\\~\\~ \\`e\\` \\|\\|f\\|\\| \\[g\\]\\(h\\) \\\\');
  expect(['# a - b', '- a # b', '+1 512', '1. a', '12.5', '> a'].map(shown)).toEqual([
    '\\# a - b',
    '\\- a # b',
    '\\+1 512',
    '1\\. a',
    '12.5',
    '\\> a',
  ]);
});
