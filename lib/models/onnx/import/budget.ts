import { expected } from '../../../errors';

/** What importing may add to the constants of a file, in elements: a small file must not ask for any amount of memory. */
const LEAST = 2 ** 24;
const TIMES_THE_FILE = 6;

export class Budget {
  private readonly limit: number;
  private used = 0;

  constructor(fileElements: number) {
    this.limit = LEAST + TIMES_THE_FILE * fileElements;
  }

  /** To be asked before so many elements are allocated. Errors: ERR_LIMIT. */
  take(elements: number): void {
    this.used += elements;
    if (!(this.used <= this.limit))
      throw expected(
        'ERR_LIMIT',
        `constants of at most ${this.limit} elements computed from those of the file`,
        this.used,
      );
  }
}
