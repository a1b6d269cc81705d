import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { discordMessage } from '../../../src/domain/rules/discord.ts';
import { messageOf } from '../../../src/domain/rules/message.ts';
import { slackMessage } from '../../../src/domain/rules/slack.ts';
import { teamsMessage } from '../../../src/domain/rules/teams.ts';
import { discordFlaws, slackFlaws, teamsFlaws } from '../../support/chat-products.ts';
import { acceptedEvents, VISITOR } from './events.ts';

const SCHEMA = 'http://adaptivecards.io/schemas/adaptive-card.json';

const FORMATS = [
  ['Slack', slackMessage, slackFlaws],
  ['Teams', teamsMessage, teamsFlaws],
  ['Discord', discordMessage, discordFlaws],
] as const;

describe.each(FORMATS)('a message for %s', (_, format, flawsOf) => {
  it('is within the published limits and calls nobody, whatever the event', () => {
    const limits = fc.property(acceptedEvents, fc.string(), (bytes, name) => {
      // Read back from its JSON, as the product reads it.
      const message = JSON.parse(JSON.stringify(format(messageOf(JSON.parse(new TextDecoder().decode(bytes)), name))));
      expect(flawsOf(message)).toEqual([]);
    });
    fc.assert(limits, { numRuns: 500 });
  });

  it.each(['&', '*', '"', '漢', '😀', '\\', '<', 'https://a.example/?b=', '_ '])(
    'is within them when all there is to show is made of %s',
    (character) => {
      const fields = Array.from({ length: 40 }, (__, index) => [`${character.repeat(80)}${index}`, character.repeat(400)]);
      const visitor = { ...Object.fromEntries(fields), first_name: character.repeat(900), last_name: character.repeat(900) };
      const company = { name: character.repeat(900) };
      expect(flawsOf(format(messageOf({ ...VISITOR, visitor, company, session: null }, character.repeat(400))))).toEqual([]);
      const alert = { ...VISITOR, event: 'webhook.failing', webhook: { description: character.repeat(900) } };
      expect(flawsOf(format(messageOf(alert, 'x')))).toEqual([]);
    },
  );
});

describe('the checks of these tests', () => {
  it('find what a product would refuse or act on', () => {
    const slack = (text: string) => ({ text: 'x', blocks: [{ type: 'section', text: { type: 'mrkdwn', text, verbatim: true } }] });
    expect(slackFlaws(slack('fine <https://a.example|a> &amp; b'))).toEqual([]);
    expect(slackFlaws(slack('<!channel>'))).toEqual(['angle bracket', 'mention']);
    expect(slackFlaws(slack('@here & a'))).toEqual(['ampersand', 'mention of all']);
    expect(slackFlaws(slack('x'.repeat(3_001)))).toEqual(['text']);
    const discord = (title: string) => ({ embeds: [{ title, fields: [], footer: { text: 'x' } }], allowed_mentions: { parse: [] } });
    expect(discordFlaws(discord('a \\* b'))).toEqual([]);
    expect(discordFlaws(discord('a \\\\* b'))).toEqual(['mark']);
    expect(discordFlaws(discord('x'.repeat(257)))).toEqual(['title']);
    const teams = (block: object) => ({
      type: 'message',
      attachments: [
        {
          contentType: 'application/vnd.microsoft.card.adaptive',
          content: { $schema: SCHEMA, type: 'AdaptiveCard', version: '1.2', body: [block] },
        },
      ],
    });
    const run = { type: 'TextRun', text: 'x' };
    expect(teamsFlaws(teams({ type: 'RichTextBlock', inlines: [run] }))).toEqual([]);
    expect(teamsFlaws(teams({ type: 'RichTextBlock', inlines: [{ ...run, weight: 'Heavy' }] }))).toHaveLength(2);
    expect(teamsFlaws(teams({ type: 'RichTextBlock', inlines: [{ ...run, colour: 'Good' }] }))).toEqual([
      'property that cards do not have',
    ]);
    expect(teamsFlaws(teams({ type: 'RichTextBlock', inlines: [{ ...run, text: '<at>x</at>' }] }))).toEqual(['mention']);
    expect(teamsFlaws(teams({ type: 'RichTextBlock', inlines: [{ ...run, text: 'x'.repeat(21_000) }] }))).toEqual(['bytes']);
  });
});
