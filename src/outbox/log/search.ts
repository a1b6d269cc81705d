import { asLine, type Who } from '../../domain/event/subject.ts';
import { foldCase } from '../../domain/text/fold-case.ts';
import { Needle, plainParts } from '../../domain/text/needle.ts';
import type { StoredDelivery } from '../books/delivery-row.ts';
import { areTold, headsOf, toldHeadsOf } from './bundle.ts';

/** What a page may look through: about a byte of text each, or what takes as long. So much takes some tens of milliseconds. */
const MAX_WORK = 4_000_000;
/** The same of a glance: some milliseconds, so that twenty webhooks that share a thread take some tens of them. */
const MAX_BRIEF_WORK = 120_000;
/** What a delivery that is looked at takes beside its text, and so does a bundle. */
const WORK_A_DELIVERY = 2_000;
const WORK_A_BUNDLE = 400;
/** What a row takes that SQLite passes over, and for each byte of what it carries. */
const WORK_A_PASSED_ROW = 300;
const WORK_A_PASSED_BYTE = 0.1;

/** How far a page looks. */
export type Effort = 'usual' | 'brief';

/** How much one page has looked through: beyond a bound it ends short, with a place to go on from. */
export class Work {
  readonly #max: number;
  #done = 0;

  constructor(effort: Effort = 'usual') {
    this.#max = effort === 'brief' ? MAX_BRIEF_WORK : MAX_WORK;
  }

  get isSpent(): boolean {
    return this.#done >= this.#max;
  }

  /** @param text how long what was looked through is; bytes or characters */
  add(text: number): void {
    this.#done += text;
  }

  addDelivery(text = 0): void {
    this.add(WORK_A_DELIVERY + text);
  }

  /** @param bytes what these rows carry together */
  addPassed(rows: number, bytes: number): void {
    this.add(rows * WORK_A_PASSED_ROW + bytes * WORK_A_PASSED_BYTE);
  }
}

/**
 * A text that is looked for, without regard to case: as a part of what tells whom a delivery is about, or of its ids. What can have it is told by
 * a look at JSON that has not been read, which takes a tenth of the time: most of a log is passed over by that.
 */
export class Search {
  readonly #needle: Needle;
  /** As JSON has them. It does not have what is between them as it was typed: a list shows the company behind the name. */
  readonly #words: readonly string[];
  /** What a text is LIKE that can have it, but for what only looks alike (searched-rows.ts): two patterns. */
  readonly patterns: readonly [string, string];
  readonly #work: Work;

  constructor(q: string, work: Work) {
    this.#needle = new Needle(q);
    const words = asLine(q)
      .split(/[\s,]+/)
      .filter((word) => word !== '');
    this.#words = words.map((word) => foldCase(JSON.stringify(word).slice(1, -1)));
    // A `%` or `_` in it stands for anything: then more can have it.
    const [first = '', second = ''] = plainParts(words.map(foldCase));
    this.patterns = [`%${first}%`, `%${second}%`];
    this.#work = work;
  }

  /** Of a bundle's deliveries those that can have it. @param bodies reads what the bundle's deliveries carry */
  sift(heads: string, bodies: () => ArrayBuffer | null): StoredDelivery[] {
    this.#work.add(WORK_A_BUNDLE + heads.length);
    if (areTold(heads)) return this.#canHave(heads) ? headsOf(heads).filter((each) => this.isOf(each, each.who ?? null)) : [];
    const read = bodies();
    if (!read) return [];
    const deliveries = toldHeadsOf(heads, read, (bytes) => this.#work.add(bytes));
    return deliveries.filter((each) => this.isOf(each, each.who ?? null));
  }

  /** Whether an event's text can have it. JSON can be written in many ways: where it escapes anything, it can. */
  canBeIn(accepted: string): boolean {
    return accepted.includes('\\') || this.#canHave(accepted);
  }

  /** Whether it is a part of a delivery's ids. */
  isInIds({ id, eventId, sessionId }: StoredDelivery): boolean {
    return this.#needle.isIn(id) || this.#needle.isIn(eventId) || this.#needle.isIn(sessionId);
  }

  /** Whether it is a part of what tells whom a delivery is about, or of its ids. */
  isOf(delivery: StoredDelivery, who: Who | null): boolean {
    return this.isInIds(delivery) || this.#needle.isInWho(delivery.event, who);
  }

  #canHave(json: string): boolean {
    const folded = foldCase(json);
    return this.#words.every((word) => folded.includes(word));
  }
}
