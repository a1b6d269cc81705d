import { foldCase } from './fold-case.ts';
import { asLine, subjectFrom, type Who } from './subject.ts';

/** A text that is looked for as a part of others, without regard to case. */
export class Needle {
  readonly #folded: string;

  constructor(q: string) {
    // Texts are looked through as one line each.
    this.#folded = foldCase(asLine(q) || q);
  }

  isIn(text: string | null): boolean {
    return text !== null && foldCase(text).includes(this.#folded);
  }

  /** Whether it is a part of what tells whom an event is about: of one of the texts, or of the line that a list shows. */
  isInWho(event: string, who: Who | null): boolean {
    return who !== null && (Object.values(who).some((text) => this.isIn(text)) || this.isIn(subjectFrom(event, who)));
  }
}
