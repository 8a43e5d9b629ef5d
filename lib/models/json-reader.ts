import { expected, type RequantError } from '../errors';
import { isJsonObject, type JsonValue } from '../formats/strict-json';

/** A place in a JSON document that complains by its path. Every method throws ERR_FORMAT. */
export class JsonReader {
  constructor(
    private readonly value: JsonValue | undefined,
    private readonly path: string,
  ) {}

  get isPresent(): boolean {
    return this.value !== undefined;
  }

  fail(what: string): RequantError {
    return expected('ERR_FORMAT', `${this.path} to be ${what}`, this.value);
  }

  /** The members of an object that has no keys but the known ones. */
  object<K extends string>(known: readonly K[]): Record<K, JsonReader> {
    const entries = this.entries();
    const unknown = entries.find(([key]) => !known.includes(key as K));
    if (unknown !== undefined)
      throw expected('ERR_FORMAT', `${this.path} with the keys ${known.join(', ')}`, unknown[0]);
    const members = new Map(entries);
    const read = (key: K): [K, JsonReader] => [
      key,
      members.get(key) ?? new JsonReader(undefined, `${this.path}.${key}`),
    ];
    return Object.fromEntries(known.map(read)) as Record<K, JsonReader>;
  }

  entries(): [string, JsonReader][] {
    if (!isJsonObject(this.value)) throw this.fail('an object');
    return Object.entries(this.value).map(([key, value]) => [
      key,
      new JsonReader(value, `${this.path}.${key}`),
    ]);
  }

  array(): JsonReader[] {
    if (!Array.isArray(this.value)) throw this.fail('an array');
    return this.value.map((value, i) => new JsonReader(value as JsonValue, `${this.path}[${i}]`));
  }

  string(): string {
    if (typeof this.value !== 'string') throw this.fail('a string');
    return this.value;
  }

  word<W extends string>(words: readonly W[]): W {
    const value = this.string();
    if (!words.includes(value as W)) throw this.fail(`one of ${words.join(', ')}`);
    return value as W;
  }

  integer(min: number, max: number): number {
    const { value } = this;
    if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) {
      throw this.fail(`an integer in [${min}, ${max}]`);
    }
    return value as number;
  }

  number(): number {
    if (typeof this.value !== 'number') throw this.fail('a number');
    return this.value;
  }

  /** The reader's own reading, or undefined where there is nothing. */
  optional<T>(read: (reader: JsonReader) => T): T | undefined {
    return this.isPresent ? read(this) : undefined;
  }

  raw(): JsonValue | undefined {
    return this.value;
  }
}
