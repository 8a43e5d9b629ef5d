import { expected, RequantError } from '../errors';

export type JsonValue = null | boolean | number | string | JsonArray | JsonObject;
export type JsonArray = readonly JsonValue[];
/** Has no prototype, so every key (`__proto__`, `constructor`) is only a key. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

export interface JsonLimits {
  /** Deepest nesting of arrays and objects; `[]` is 1 deep. Beyond it: ERR_FORMAT. */
  readonly maxDepth?: number;
  /** Longest text in UTF-16 units. Beyond it: ERR_LIMIT. No limit by default. */
  readonly maxLength?: number;
}

export const MAX_JSON_DEPTH = 64;

/**
 * Parses JSON (RFC 8259) as `JSON.parse` does, but objects have no prototype, and duplicate keys, lone
 * surrogates, numbers beyond float64 and nesting deeper than 64 are errors.
 * @throws {RequantError} ERR_FORMAT for anything but such a text, ERR_LIMIT beyond `limits.maxLength`.
 */
export function parseStrictJson(text: string, limits: JsonLimits = {}): JsonValue {
  const maxLength = limits.maxLength ?? Number.POSITIVE_INFINITY;
  if (text.length > maxLength) {
    throw expected('ERR_LIMIT', `JSON of at most ${maxLength} characters`, text.length);
  }
  const maxDepth = limits.maxDepth ?? MAX_JSON_DEPTH;
  return parseCanonical(text, maxDepth) ?? new Parser(text, maxDepth).document();
}

/**
 * The same by `JSON.parse`, which a process that starts does not run cold, where it is as strict: a text that
 * `JSON.stringify` writes again to the letter, as all machine-made ones, has each key once, whole Unicode characters
 * (\\u aside) and numbers of float64. Otherwise undefined.
 */
function parseCanonical(text: string, maxDepth: number): JsonArray | JsonObject | undefined {
  if (text.includes('\\u')) return undefined;
  try {
    const value = JSON.parse(text) as JsonValue;
    const isSame = isNested(value) && JSON.stringify(value) === text.trimEnd();
    return isSame && removePrototypes(value, maxDepth) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isNested(value: JsonValue): value is JsonArray | JsonObject {
  return typeof value === 'object' && value !== null;
}

/** False where the nesting is deeper. */
function removePrototypes(value: JsonArray | JsonObject, maxDepth: number): boolean {
  if (maxDepth === 0) return false;
  if (!Array.isArray(value)) Object.setPrototypeOf(value, null);
  for (const member of Object.values(value)) {
    if (isNested(member) && !removePrototypes(member, maxDepth - 1)) return false;
  }
  return true;
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

// With the u flag a surrogate pair is one code point, so this finds only the lone ones.
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Finds the structure itself; each scalar token is decoded by `JSON.parse`. */
class Parser {
  private at = 0;
  private depth = 0;

  constructor(
    private readonly text: string,
    private readonly maxDepth: number,
  ) {}

  document(): JsonValue {
    const value = this.value();
    if (!Number.isNaN(this.peek())) throw this.unexpected('the end of the JSON text');
    return value;
  }

  private value(): JsonValue {
    switch (this.peek()) {
      case OPEN_BRACE:
        return this.nested(() => this.object());
      case OPEN_BRACKET:
        return this.nested(() => this.array());
      case QUOTE:
        return this.string();
      default:
        return this.literal();
    }
  }

  private nested<T>(parse: () => T): T {
    if (++this.depth > this.maxDepth) throw this.unexpected(`nesting of at most ${this.maxDepth}`);
    this.at++;
    const value = parse();
    this.depth--;
    return value;
  }

  private object(): JsonObject {
    const object: Record<string, JsonValue> = Object.create(null);
    if (this.accept(CLOSE_BRACE)) return object;
    do {
      if (this.peek() !== QUOTE) throw this.unexpected('a key');
      const key = this.string();
      if (Object.hasOwn(object, key)) throw expected('ERR_FORMAT', 'each JSON key once', key);
      if (!this.accept(COLON)) throw this.unexpected("':'");
      object[key] = this.value();
    } while (this.accept(COMMA));
    if (!this.accept(CLOSE_BRACE)) throw this.unexpected("',' or '}'");
    return object;
  }

  private array(): JsonArray {
    const array: JsonValue[] = [];
    if (this.accept(CLOSE_BRACKET)) return array;
    do array.push(this.value());
    while (this.accept(COMMA));
    if (!this.accept(CLOSE_BRACKET)) throw this.unexpected("',' or ']'");
    return array;
  }

  private string(): string {
    const start = this.at;
    let plain = true;
    for (let i = start + 1; i < this.text.length; i++) {
      const code = this.text.charCodeAt(i);
      if (code === QUOTE) {
        const value = plain ? this.text.slice(start + 1, i) : this.decode(start, i + 1, 'a JSON string');
        if (typeof value !== 'string' || (!plain && LONE_SURROGATE.test(value))) {
          throw this.unexpected('a string of whole Unicode characters');
        }
        this.at = i + 1;
        return value;
      }
      if (code < 0x20) break;
      if (code === BACKSLASH) i++;
      if (code === BACKSLASH || (code & 0xf800) === 0xd800) plain = false;
    }
    throw this.unexpected('a closed JSON string without control characters');
  }

  private literal(): JsonValue {
    const start = this.at;
    let end = start;
    while (end < this.text.length && isLiteralCode(this.text.charCodeAt(end))) end++;
    const value = this.decode(start, end, 'a JSON value');
    if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) {
      throw this.unexpected('a number within float64');
    }
    this.at = end;
    return value;
  }

  private decode(start: number, end: number, what: string): null | boolean | number | string {
    try {
      return JSON.parse(this.text.slice(start, end));
    } catch {
      throw this.unexpected(what);
    }
  }

  /** The code of the next character that is not white space; NaN at the end. */
  private peek(): number {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return code;
      this.at++;
    }
  }

  private accept(code: number): boolean {
    if (this.peek() !== code) return false;
    this.at++;
    return true;
  }

  private unexpected(what: string): RequantError {
    const rest = this.text.slice(this.at, this.at + 16);
    const received = rest === '' ? 'the end of the text' : JSON.stringify(rest);
    return new RequantError(
      'ERR_FORMAT',
      `expected ${what} at character ${this.at} but received ${received}`,
    );
  }
}

/** The characters of `true`, `false`, `null` and numbers: letters, digits, `+`, `-`, `.`. */
function isLiteralCode(code: number): boolean {
  const lower = code | 0x20;
  return (
    (lower >= 0x61 && lower <= 0x7a) ||
    (code >= 0x30 && code <= 0x39) ||
    code === 0x2b ||
    code === 0x2d ||
    code === 0x2e
  );
}
