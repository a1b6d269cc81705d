import { expect, it } from 'vitest';
import { messageOf } from '../../../src/domain/rules/message.ts';
import { slackMessage } from '../../../src/domain/rules/slack.ts';
import { VISITOR } from './events.ts';

type Texts = { text?: { text: string }; fields?: { text: string }[]; elements?: { text: string }[] };
const textsOf = (event: Record<string, unknown>) =>
  (slackMessage(messageOf(event, 'Sales')).blocks as Texts[]).map(
    ({ text, fields, elements }) => text?.text ?? (fields ?? elements)?.map((object) => object.text),
  );

it('shows a visitor in blocks: who, ten facts to a section, and where it comes from', () => {
  expect(textsOf(VISITOR)).toEqual([
    '*Jane Doe · Example Corp*\nA visitor of your website was identified.',
    [
      '*Job title*\nVP of Marketing',
      '*E-mail*\njane.doe@example.com',
      '*LinkedIn*\n<https://www.linkedin.com/in/janedoe|linkedin.com/in/janedoe>',
      '*Location*\nAustin, Texas, United States',
      '*Company size*\n250 employees',
      '*Industry*\nComputer Software',
      '*Company location*\nAustin, Texas, United States',
      '*Website*\nexample.com',
      '*Landing page*\n<https://www.acme.com/pricing|acme.com/pricing>',
      '*Pages visited*\n4',
    ],
    ['*Source*\ngoogle / cpc', '*Referrer*\n<https://www.google.com/|google.com>', '*Device*\ndesktop'],
    ['Bullseye · Sales · visitor.identified · 2026-11-23 14:05 UTC'],
  ]);
});

it('has a text for notifications, and asks Slack for no previews', () => {
  expect(slackMessage(messageOf(VISITOR, 'Sales'))).toMatchObject({
    text: 'Jane Doe · Example Corp: A visitor of your website was identified.',
    unfurl_links: false,
    unfurl_media: false,
  });
});

it('escapes what Slack has escapes for, and swaps the marks that it has none for, but not within a word', () => {
  const visitor = {
    first_name: '*Jane*',
    last_name: '~D&D~',
    email: 'jane_doe@example.com',
    job_title: '`<b>` _it_',
    x: 'https://a.example/?b=1&c=2',
  };
  expect(textsOf({ ...VISITOR, visitor, company: null, session: null }).slice(0, 2)).toEqual([
    '*∗Jane∗ ∼D&amp;D∼*\nA visitor of your website was identified.',
    [
      '*Job title*\nˋ&lt;b&gt;ˋ ˍitˍ',
      '*E-mail*\njane_doe@example.com',
      '*Visitor x*\n<https://a.example/?b=1&amp;c=2|a.example/?b=1&amp;c=2>',
    ],
  ]);
});

it('shows a link that has no room as text', () => {
  const visitor = { x: `https://a.example/?${'&'.repeat(500)}` };
  expect(textsOf({ ...VISITOR, visitor, company: null, session: null })[1]).toEqual([
    expect.stringMatching(/^\*Visitor x\*\na\.example\/\?(&amp;)+…$/),
  ]);
});
