import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { cost } from '../../bench/cost.ts';
import { growthTable } from '../../bench/growth.ts';
import { markdownOf, type Table } from '../../bench/table.ts';
import { ARCHIVED_DAY, CASES, DAY_OF_REPEATED, DAY_OF_VALUES, SWEEP, SWEEPS_A_MONTH } from '../../cost/cases.ts';
import { CPU_MILLION_MS, dollarsOf, dollarsPerMillionEvents, dollarsPerMillionTimes, LOGS_GB, PER_MILLION } from '../../cost/prices.ts';
import { constantOf, numbersIn, piecesOf, plain, read } from './operators-documents.ts';

/* docs/cost.md: its tables are those of `npm run bench -- cost growth`, and its prose has what follows from the counts of test/cost and the prices. */

const document = read('docs/cost.md');
const text = plain('docs/cost.md');
/** A table's lines, without what stands around them. */
const linesOf = (table: Table) =>
  stripVTControlCharacters(markdownOf(table))
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .join('\n');

describe('the tables of docs/cost.md', () => {
  it('are those of the command', async () => {
    const { tables } = await cost();
    expect(tables.length).toBe(2);
    for (const table of tables) expect(document).toContain(linesOf(table));
  });

  it('of growth is that of the tests', () => {
    const rows = (lines: string) => lines.split('\n').filter((line) => /^\| an? /.test(line));
    expect(rows(document.slice(document.indexOf('Growth: operations'))).sort()).toEqual(rows(linesOf(growthTable())).sort());
  });
});

describe('the prose of docs/cost.md', () => {
  const dollars = (amount: number) => `$${amount.toFixed(2)}`;
  const MONTH_S = 30 * 86_400;
  const calls = (count: number) => (count * PER_MILLION.objectRequests) / 1_000_000;
  const rows = (count: number) => (count * PER_MILLION.rowsWritten) / 1_000_000;
  const { quick } = CASES;
  const { worked, stored } = dollarsOf(quick);
  const perEvent = (name: keyof typeof quick.operations) => (quick.operations[name] / quick.events) * PER_MILLION[name];
  const tellS = constantOf('src/telling.ts', 'TELL_AFTER_MS') / 1_000;
  const writeS = constantOf('src/meter/meter.ts', 'WRITE_EVERY_MS') / 1_000;
  const counted = constantOf('src/domain/service/figures.ts', 'MAX_POKED_WAITING');
  const minutes = MONTH_S / 60;

  it.each([
    ['a million webhooks, by existing', `a million webhooks cost ${dollars(dollarsPerMillionEvents(SWEEP, 1) * SWEEPS_A_MONTH)} a month`],
    ['a day with deliveries', `${dollars(dollarsPerMillionEvents(ARCHIVED_DAY, 1))} for each day with deliveries`],
    ['a millisecond of CPU', `Each millisecond of CPU an event adds ${dollars(CPU_MILLION_MS)}`],
    ['the queue', `the queue takes ${dollars(perEvent('queueOperations'))}`],
    ["the outbox's row", `the outbox's row ${dollars(perEvent('rowsWritten'))}`],
    ['requests', `requests ${dollars(perEvent('requests'))}`],
    ['the object that waits', `waits for the endpoint ${dollars(worked)}`],
    ['the log', `keeping the event for 30 days ${dollars(stored)}`],
    ["the outbox's call", `the outbox's call ${dollars(perEvent('objectRequests'))}`],
    ['an isolate that tells', `about ${dollars(calls(MONTH_S / tellS) + rows(MONTH_S / tellS))} a month for an isolate`],
    ['rows of the Meter, at most', `the rows are ${dollars(rows(MONTH_S / writeS))} at most`],
    ['the time of the Meter, at most', `${dollars(dollarsPerMillionTimes(MONTH_S * 1_000) / 1_000_000)} at most`],
    ["the cron's look", `a call and a row a minute, ${dollars(calls(minutes) + rows(minutes))}`],
    ['what waits', `${dollars((minutes * 1_000 * PER_MILLION.rowsRead) / 1_000_000)} for each thousand deliveries that wait all month`],
    ['as many as are counted', `up to ${counted.toLocaleString('en')} in each`],
    ['what an outbox tells by itself', `one for all of an alarm: ${dollars(PER_MILLION.objectRequests)} for a million`],
    ['Workers Logs', `Workers Logs (${dollars(LOGS_GB)} a gigabyte`],
  ])('%s', (_what, said) => {
    expect(text).toContain(said);
  });

  it('an outbox at work for 10 ms costs as much as a millisecond of CPU, to the cent', () => {
    expect(dollars(dollarsPerMillionTimes(10))).toBe(dollars(CPU_MILLION_MS));
  });

  it('rows of days', () => {
    const piece = (words: string) => numbersIn(piecesOf('docs/cost.md').find((each) => each.includes(words)) ?? '');
    expect(piece('With `once`, each new value')).toEqual(expect.arrayContaining([DAY_OF_VALUES.rowsWritten, DAY_OF_REPEATED.rowsWritten]));
    // As many spans as a window of days touches, and one more.
    expect(piece('With `once`, each new value')).toContain(constantOf('src/outbox/used-values.ts', 'SPANS') + 1);
    expect(piece("Each day's table costs")).toContain(ARCHIVED_DAY.rowsWritten);
    expect(piece('**A failed attempt** costs')).toContain(CASES.failedAttempt.operations.rowsWritten / CASES.failedAttempt.events);
  });
});
